# multiples.gdb: a throw seen from inside. The tour runs it behind the last
# stop; or at that stop: source 06_generators/multiples.gdb

source 02_testing/last_stop.py
last-stop 06_generators/multiples.c if (multiples_next(&g, 0, &value))

echo \n\
In main. The error lies in the struct, and the generator sleeps on:\n\
  print g\n
print g

echo \n\
The call is a plain next(). Inside:\n\
  tbreak multiples_next, continue, next\n
tbreak 06_generators/multiples.c:multiples_next
continue
next
print *g

echo \n\
The switch has jumped to the yield. Behind it gen_catch takes the error out\n\
of the struct; had nobody, the generator would end by it:\n\
  next, next\n
next
next
print error
print *g

echo \n\
Dealt with. It is printed, and the loop goes on to its next yield:\n\
  finish\n
finish
print g

echo \n\
Closing throws as well. That one is not caught, and ends it:\n\
  tbreak gen_closed, continue\n
tbreak gen_closed
continue
print *g
