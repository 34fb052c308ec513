# scheduler.gdb: the tasks as they sleep, and one that is resumed. The tour runs
# it behind the last stop; or at that stop: source 06_generators/scheduler.gdb

source 02_testing/last_stop.py
last-stop 06_generators/scheduler.c if (!echo_answer(client))

python
def scheduler_line(text):
    with open("06_generators/scheduler.c", encoding="utf-8") as source:
        return [text in line for line in source].index(True) + 1

def show_tasks():
    for name in "to_read", "to_write":
        tasks = gdb.parse_and_eval(name)
        for fd in range(1024):
            task = tasks[fd]
            if task:
                gen = task["gen"].format_string()
                print("%-8s %4d  %-14s %s" % (name, fd, str(task["next"])
                    .split("<")[-1].rstrip(">"), gen))

gdb.set_convenience_variable("resume", scheduler_line("task->next(task, &wait)"))
gdb.set_convenience_variable("take", scheduler_line("= take_ready();"))
end

echo \n\
Who sleeps, for which descriptor, and where? (This client is in neither map:\n\
it runs.)\n
python show_tasks()

echo \n\
It goes on to its next yield, and back to the scheduler:\n\
  finish\n
finish
echo \n\
It has yielded what it waits for:\n\
  print wait\n
print wait

echo \n\
And is put there:\n
tbreak 06_generators/scheduler.c:$take
continue
python show_tasks()

echo \n\
Whose turn is it? Step into the resume:\n\
  next, and step at the call\n
tbreak 06_generators/scheduler.c:$resume
continue
print *task
step
next
echo \n\
GEN_BEGIN switches on the line that it slept at, and there it is:\n\
  next\n
next
print task->gen
