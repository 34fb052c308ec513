# race.gdb: an update is lost by hand. The tour runs it behind the last stop; or
# at that stop: source 04_threads/race.gdb

source 02_testing/last_stop.py
last-stop 04_threads/race.c counter = value;

python
def line_of(text):
    with open("04_threads/race.c", encoding="utf-8") as source:
        return [text in line for line in source].index(True) + 1

gdb.set_convenience_variable("load", line_of("long value = counter;"))
gdb.set_convenience_variable("store", line_of("counter = value;"))

# Should an error end this script, all threads run again all the same.
def let_all_run():
    gdb.events.before_prompt.disconnect(let_all_run)
    gdb.execute("set scheduler-locking off")

gdb.events.before_prompt.connect(let_all_run)
end

echo \n\
From here on only the thread moves that we choose:\n\
  set scheduler-locking on\n
set scheduler-locking on
set $a = $_thread
set $b = $a == 2 ? 3 : 2

echo \n\
Two of them go to the line of the load, and stop before it.\n
tbreak 04_threads/race.c:$load
continue
thread $b
tbreak 04_threads/race.c:$load
continue

echo \n\
This one loads (next), and has:\n
next
printf "value is %ld\n", value

echo \n\
Its time slice ends here, let us say. The other one loads, too:\n
thread $a
next
printf "value is %ld\n", value

echo \n\
Both have the same. Now each adds one and stores:\n
tbreak 04_threads/race.c:$store
continue
next
printf "counter is %ld\n", counter
thread $b
tbreak 04_threads/race.c:$store
continue
next
printf "counter is %ld\n", counter

echo \n\
Two increments, and the counter has gone up by one. The other is lost.\n\
Now all threads run again:\n\
  set scheduler-locking off\n
set scheduler-locking off
