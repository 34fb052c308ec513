"""gdb shows a struct task as what it does: asleep at which line and for what;
and `tasks` lists all tasks of a loop, each with the coroutines in which it
sleeps, as a backtrace would if it had a stack.

    (gdb) source 06_generators/gen.py
    (gdb) source 07_eventloop/task.py
    (gdb) tasks                the loop that the program is in
    (gdb) tasks loop           or this one: a struct loop, or a pointer to one
    (gdb) print *task

The tours load this file. It runs no code of the program, and so works on a
core file too.
"""

import re

import gdb
import gdb.printing

TASK_STARTED = 2  # as in task.h
FUTURE_STATES = {1: "done", 2: "ended by an error", 3: "cancelled"}
AWAITS = re.compile(r"AWAIT_CALL(?:_TRY)?\(\s*\w+,\s*(\w+)")


def c_string(pointer):
    """The text at an address; what stands there may be anything."""
    try:
        return pointer.string(errors="replace")
    except gdb.MemoryError:
        return "?"


def task_line(path, number):
    """The source at that line, from the one where the await begins; or ""."""
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            lines = source.read().splitlines()
    except OSError:
        return ""
    for first in range(number, max(0, number - 4), -1):
        here = " ".join(s.strip() for s in lines[first - 1 : number])
        if re.search(r"(AWAIT|YIELD)\w*\(", here):
            return here.rstrip(";")
    return ""


def task_frames(task):
    """Where a task sleeps, from its own coroutine to the innermost that it
    awaits: [(function, file, line, source)]. It ends where gdb has no symbols,
    or where the frame is not the struct with the coroutine's name."""
    frames = []
    block = gdb.block_for_pc(int(task["coroutine"]))
    function = block.function if block is not None else None
    address = task["frame"].address
    while function is not None and len(frames) < 100:
        path = function.symtab.fullname()
        block = gdb.block_for_pc(int(function.value().address))
        try:
            kind = gdb.lookup_type("struct " + function.name, block)
            frame = address.cast(kind.pointer()).dereference()
            line = int(frame["gen"]["line"])
        except gdb.error:
            break
        if line < -1:  # it runs: as in gen.h
            line = -2 - line
        source = task_line(path, line) if line > 0 else ""
        frames.append((function.name, function.symtab.filename, line, source))
        inner = AWAITS.match(source)
        if inner is None:
            break
        try:
            address = frame[inner.group(1)].address
        except gdb.error:
            break
        function = gdb.lookup_symbol(inner.group(1), block)[0]
        function = function or gdb.lookup_static_symbol(inner.group(1))
    return frames


def is_task(future):
    return c_string(future["kind"]["name"]) == "a task"


def to_task(future):
    kind = gdb.lookup_type("struct task").pointer()
    return future.address.cast(kind).dereference()


def task_state(task):
    """What it does, in a few words."""
    state = int(task["future"]["state"])
    awaited = task["wake"]["future"]
    if state in FUTURE_STATES:
        words = FUTURE_STATES[state]
        if state == 2:
            words += ": " + c_string(task["future"]["error"])
    elif int(task["state"]) != TASK_STARTED:
        words = "never started"
    elif awaited:
        future = awaited.dereference()
        words = "waits for " + c_string(future["kind"]["name"])
        if is_task(future):
            words += " " + c_string(to_task(future)["name"])
    else:
        gen = task["frame"].address.cast(gdb.lookup_type("struct gen").pointer())
        words = "runs" if int(gen.dereference()["line"]) < -1 else "is ready"
    if task["cancelling"]:
        words += ", and is to be cancelled"
    return words


class TaskPrinter:
    """What print, info locals and backtrace say in place of the members."""

    def __init__(self, task):
        self.task = task

    def to_string(self):
        try:
            words = "%s: %s" % (c_string(self.task["name"]), task_state(self.task))
            done = int(self.task["future"]["state"]) in FUTURE_STATES
            frames = [] if done else task_frames(self.task)
        except gdb.error as error:
            return "{%s}" % error
        if frames and frames[0][2] > 0:
            words += ", at line %d: %s" % (frames[0][2], frames[0][3])
        return "{%s}" % words


def find_loop():
    """The struct loop of the innermost function that has one, in any thread."""
    try:
        selected = gdb.selected_thread()
        threads = gdb.selected_inferior().threads()
    except gdb.error:
        threads = []
    if not threads or selected is None:
        raise gdb.GdbError("tasks: the program is not running")
    kept = gdb.selected_frame()
    try:
        for thread in [selected] + [t for t in threads if t != selected]:
            thread.switch()
            frame = gdb.newest_frame()
            while frame is not None:
                loop = loop_of(frame)
                if loop is not None:
                    return loop
                frame = frame.older()
    finally:
        selected.switch()
        kept.select()
    raise gdb.GdbError("no loop runs: name one")


def loop_of(frame):
    try:
        block = frame.block()
    except RuntimeError:  # no symbols there
        return None
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            if symbol.name == "loop" and (symbol.is_variable or symbol.is_argument):
                try:
                    return to_loop(symbol.value(frame))
                except gdb.error:  # optimised out, or another loop
                    pass
        block = block.superblock
    return None


def to_loop(value):
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        value = value.dereference()
    if value.type.strip_typedefs().unqualified().tag != "loop":
        raise gdb.error("no struct loop")
    value["turns"].fetch_lazy()
    return value


class Tasks(gdb.Command):
    """tasks [LOOP]: all tasks of a loop that are not done, and where they sleep.

    LOOP is a struct loop or a pointer to one; without it, the one that the
    program is in."""

    def __init__(self):
        super().__init__("tasks", gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        if not argument:
            loop = find_loop()
        else:
            try:
                loop = to_loop(gdb.parse_and_eval(argument))
            except gdb.error as error:
                raise gdb.GdbError("%s: %s" % (argument, error))
        try:
            self.show(loop)
        except gdb.error as error:
            raise gdb.GdbError("tasks: %s" % error)

    @staticmethod
    def show(loop):
        tasks = []
        at = loop["tasks"]
        while at:
            tasks.append(at.dereference())
            at = at.dereference()["next"]
        print(
            "loop on %s, turn %d: %d %s"
            % (
                c_string(loop["selector"]["name"]),
                int(loop["turns"]),
                len(tasks),
                "task" if len(tasks) == 1 else "tasks",
            )
        )
        for task in reversed(tasks):  # the oldest first
            print("%s  %s" % (c_string(task["name"]), task_state(task)))
            for function, path, line, source in task_frames(task):
                if line > 0:
                    print("    %-12s %s:%d  %s" % (function, path, line, source))


def register_tasks():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("task")
    printers.add_printer("task", "^task$", TaskPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
    Tasks()


register_tasks()
