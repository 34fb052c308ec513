# lock_order.gdb: who waits for whom. The tour runs it behind the last stop; or at
# that stop: source 04_threads/lock_order.gdb

source 02_testing/last_stop.py
last-stop 04_threads/lock_order.c must(pthread_mutex_lock(&to->lock), "lock");

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
Each holds what the other waits for. Where do they stand?\n
thread apply 3 4 backtrace
