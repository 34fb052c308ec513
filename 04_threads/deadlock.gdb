# deadlock.gdb: who waits for whom. The tour runs it behind the last stop; or at
# that stop: source 04_threads/deadlock.gdb

source 02_testing/last_stop.py
last-stop 04_threads/deadlock.c must(pthread_mutex_lock(&lock), "lock");

echo \n\
On it goes, until it is stuck. The watchdog sees that after a second, and\n\
there we stop, before it says anything:\n\
  break 04_threads/watchdog.c:bark\n
tbreak 04_threads/watchdog.c:bark
continue

echo \n\
Who holds which lock, and who waits for it?\n\
  lockgraph\n
lockgraph

echo \n\
A thread waits for itself: that is a circle of one. And where does it stand?\n
thread 1
backtrace
