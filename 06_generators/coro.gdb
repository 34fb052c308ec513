# coro.gdb: a send from both sides. The tour runs it behind the last stop; or at
# that stop: source 06_generators/coro.gdb

source 02_testing/last_stop.py
last-stop 06_generators/coro.c g->next_value = sent;

echo \n\
Inside. The word that was sent is a parameter of this call:\n\
  print sent\n
print sent

echo \n\
Outside, one frame up, it is an argument. The coroutine that is called there\n\
is the struct c:\n\
  up, print word, print c\n
up
print word
print c

echo \n\
Inside again. The parameter is kept in the struct, since the next call brings\n\
one of its own: down, next, print *g\n
down
next
print *g

echo \n\
And back to main, which gets what it has sent:\n\
  finish, print value\n
finish
print value
print c
