"""The debugger speaks the remarks of a program's source.

    gdb -q -x 02_testing/tour.py --args build/02_testing/find_sum

A comment that starts with //> is a stop: gdb halts at the next line of code,
says the remark, shows the source around it and the local variables. The
prompt is the student's; `c` goes on to the next stop. With -batch nobody is
asked, the program runs to its end, and the exit status is 1 if a stop was
never reached. A stop in a forked child is reached in a second run, which
follows the child (at the prompt: set follow-fork-mode child, then run).

What stands beside the program comes along: every other .py of its chapter
and of the chapters before (printers and commands), and NAME.gdb, a script
that is run after the last stop.
"""

import glob
import os
import re
import sys

import gdb

WIDTH = 79
NOT_YET = "(not yet)"
# Variables that every program has, and those of Check's macros.
NO_NEWS = re.compile(r"(cli|argc|argv|mock_miss|__func__|_ck_.*)$")


def find_stops(path):
    """The blocks of //> lines: [(line of code that follows, remark)]."""
    stops = []
    remark = []
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = re.match(r"\s*//> ?(.*)", line)
            if match:
                remark.append(match.group(1))
            elif remark and line.strip():
                stops.append((number, "\n".join(remark)))
                remark = []
    return stops


def paint(code, text):
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return "\033[%sm%s\033[0m" % (code, text) if colour else text


class Stop(gdb.Breakpoint):
    """One remark, spoken the first time the program comes by."""

    def __init__(self, path, line, remark):
        super().__init__("%s:%d" % (path, line), internal=True)
        self.silent = True
        self.remark = remark
        self.reached = False

    def stop(self):
        if self.reached:
            return False
        self.reached = True
        self.enabled = False
        return True


class Tour:
    def __init__(self, path):
        self.path = path
        self.stops = [
            Stop(path, line, remark) for line, remark in find_stops(path)
        ]
        self.ended = False
        script = path[: -len(".c")] + ".gdb"
        self.script = script if os.path.exists(script) else None
        gdb.events.stop.connect(self.on_stop)
        gdb.events.exited.connect(self.on_exit)
        if hasattr(gdb.events, "gdb_exiting"):  # since gdb 12
            gdb.events.gdb_exiting.connect(self.on_quit)

    def on_stop(self, event):
        if not isinstance(event, gdb.BreakpointEvent):
            return
        for stop in event.breakpoints:
            if isinstance(stop, Stop):
                self.show(stop)

    def show(self, stop):
        frame = gdb.selected_frame()
        place = frame.find_sal()
        head = "[%d/%d] %s:%d in %s" % (
            sum(s.reached for s in self.stops),
            len(self.stops),
            self.path,
            place.line,
            frame.name(),
        )
        gdb.write("\n%s\n" % paint("1", head))
        for line in stop.remark.splitlines():
            gdb.write("  %s\n" % paint("33", line))
        gdb.write("\n")
        self.show_source(place.line)
        self.show_variables(frame, place.line)
        if self.script and all(s.reached for s in self.stops) and not in_batch():
            gdb.write(
                "\nThe last stop. Before you continue: source %s\n" % self.script
            )
        gdb.flush()

    def show_source(self, line):
        with open(self.path, encoding="utf-8") as source:
            lines = source.read().splitlines()
        for number in range(max(1, line - 6), min(len(lines), line + 3) + 1):
            text = lines[number - 1]
            if text.lstrip().startswith("//>"):  # it has just been said
                continue
            here = number == line
            text = "%s%4d %s" % ("->" if here else "  ", number, text)
            text = text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
            gdb.write((paint("1", text) if here else text) + "\n")

    def show_variables(self, frame, line):
        """Arguments and locals, from the innermost block out to the function."""
        block = frame.block()
        seen = set()
        lines = []
        while block is not None:
            for symbol in block:
                if not symbol.is_variable and not symbol.is_argument:
                    continue
                if symbol.name in seen or NO_NEWS.match(symbol.name):
                    continue
                seen.add(symbol.name)
                # The line that declares it is still to come.
                unset = not symbol.is_argument and symbol.line >= line
                lines.append(
                    (symbol.name, NOT_YET if unset else self.format(symbol, frame))
                )
            if block.function is not None:
                break
            block = block.superblock
        if lines:
            gdb.write("\n")
        for name, value in lines:
            text = "     %s = %s" % (name, value)
            if len(text) > WIDTH:
                text = text[: WIDTH - 3] + "..."
            gdb.write(text + "\n")

    @staticmethod
    def format(symbol, frame):
        try:
            value = symbol.value(frame)
            return value.format_string(max_elements=24).replace("\n", " ")
        except gdb.error as error:
            return "<%s>" % error

    def on_exit(self, event):
        self.ended = True

    def on_quit(self, event):
        """gdb would kill the program with SIGKILL, and what it has to clean up
        would stay; SIGTERM lets it."""
        if not self.ended and gdb.selected_inferior().pid != 0:
            gdb.execute("delete", to_string=True)
            for stop in self.stops:
                stop.enabled = False
            try:
                gdb.execute("signal SIGTERM", to_string=True)
            except gdb.error:  # some of its threads ended meanwhile
                pass

    def summary(self):
        missed = [s for s in self.stops if not s.reached]
        gdb.write(
            "\ntour: %d of %d stops reached\n"
            % (len(self.stops) - len(missed), len(self.stops))
        )
        for stop in missed:
            gdb.write("never reached: %s: %s\n" % (stop.location, stop.remark))
        return missed


def source_of(binary):
    """The program's source: build/opt/04_threads/race is 04_threads/race.c."""
    chapter, name = binary.split(os.sep)[-2:]
    return os.path.join(chapter, name + ".c")


def load_companions(path):
    chapter = os.path.dirname(path)
    for script in sorted(glob.glob("0[1-9]_*/*.py")):
        if os.path.dirname(script) <= chapter and script != "02_testing/tour.py":
            gdb.execute("source " + script)


def prepare():
    for setting in (
        "pagination off",
        "confirm off",
        "width 0",
        "debuginfod enabled off",
        "print thread-events off",
        "print inferior-events off",
        # A test of Check's is run where the debugger can see it.
        "environment CK_FORK no",
    ):
        try:
            gdb.execute("set " + setting, to_string=True)
        except gdb.error:  # an older gdb does not know it
            pass


def in_batch():
    with open("/proc/self/cmdline", "rb") as words:
        return b"-batch" in words.read().split(b"\0")


def run():
    """Runs to the first stop, without gdb's words about its thread library."""
    said = gdb.execute("run", to_string=True)
    for line in said.splitlines(keepends=True):
        if "libthread_db" not in line:
            gdb.write(line)


def go_through(tour):
    """One run from beginning to end, with the script after the last stop."""
    tour.ended = False
    run()
    while not tour.ended and not all(s.reached for s in tour.stops):
        gdb.execute("continue")
    if tour.script and not tour.ended:
        gdb.execute("source " + tour.script)
    while not tour.ended and gdb.selected_inferior().pid != 0:
        gdb.execute("continue")
    tour.ended = True


def main():
    prepare()
    binary = gdb.current_progspace().filename
    if binary is None:
        gdb.write("tour: which program? gdb -x 02_testing/tour.py PROGRAM\n")
        gdb.execute("quit 2")
    path = source_of(binary)
    load_companions(path)
    tour = Tour(path)
    if not in_batch():
        gdb.write(
            "%d stops in %s\nc goes to the next one, q ends the tour. While you "
            "read, clocks run on:\ntimes and lags that it tells count you, too.\n"
            % (len(tour.stops), path)
        )
        run()
        return
    # Behind the program's own arguments; run with words would replace them.
    # (gdb.parameter knows only those that were set since gdb has started.)
    own = gdb.execute("show args", to_string=True).split('"', 1)[1]
    gdb.execute("set args %s </dev/null" % own.rsplit('"', 1)[0])
    try:
        go_through(tour)
        if not all(s.reached for s in tour.stops):
            # They may be in a forked child, which gdb lets run by itself.
            gdb.write("\ntour: once more, following the child\n")
            gdb.execute("set follow-fork-mode child")
            go_through(tour)
    except gdb.error as error:
        gdb.write("tour: %s\n" % error)
    missed = tour.summary()
    gdb.execute("quit %d" % (1 if missed or not tour.ended else 0))


main()
