# fib.gdb: a resume, step by step. The tour runs it behind the last stop; or at
# that stop: source 06_generators/fib.gdb

source 02_testing/last_stop.py
last-stop 06_generators/fib.c unsigned long next = g->a + g->b;

python
def fib_line(text):
    with open("06_generators/fib.c", encoding="utf-8") as source:
        return [text in line for line in source].index(True) + 1

gdb.set_convenience_variable("call", fib_line("fib_next(&g, &value)"))
gdb.set_convenience_variable("yield", fib_line("GEN_YIELD(g);"))
end

echo \n\
The call that has just been resumed goes on to its yield, and back to main:\n\
  finish\n
finish
echo \n\
Nothing of it runs now. All that is left of it is this:\n\
  print g\n
print g
echo \n\
As the program sees it, print/r g.gen: the line of the yield, no more.\n
print/r g.gen
echo \n\
The next call comes in at the top, where GEN_BEGIN is:\n
tbreak fib_next
continue
echo \n\
Now it reads that number, and the switch jumps to the case of it. One line:\n\
  next\n
next
echo \n\
Not the line below GEN_BEGIN, but the one that it slept at. Meanwhile it is\n\
marked as running, so that nobody can call it a second time:\n\
  print *g\n
print *g
echo \n\
And on, behind the yield (next), through the loop, to the yield again:\n
next
next
next
next
next
next
print *g
