# gather.gdb: the tasks of the loop, and where each sleeps. The tour runs it
# behind the last stop; or at that stop: source 07_eventloop/gather.gdb

source 02_testing/last_stop.py
last-stop 07_eventloop/gather.c printf("Got response from request

echo \n\
The first request has its data, the others are ready or wait; main waits for\n\
the gather:\n\
  tasks\n
tasks

echo \n\
A task has no stack while it sleeps. What gdb calls its stack is the thread's,\n\
and that is the loop's:\n\
  backtrace\n
backtrace

echo \n\
Where it sleeps stands in its frame. One up is the step that the loop has made:\n\
  up, print *t, print *(struct request *)t->frame\n
up
print *t
print *(struct request *)t->frame

echo \n\
One turn of the loop on, from the same place:\n\
  tbreak loop_run_once, continue, tasks\n
tbreak loop_run_once
continue
tasks
