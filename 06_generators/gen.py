"""gdb shows a struct gen as what it does: not begun, asleep at line 27 (and
what stands there), running, ended.

    (gdb) source 06_generators/gen.py
    (gdb) print g
    $1 = {gen = asleep at line 31: GEN_YIELD(g);, a = 0, b = 1}
    (gdb) print/r g.gen                     the bare numbers

The tours load this file. It runs no code of the program, and so works on a
core file too.
"""

import os
import re

import gdb
import gdb.printing

NEW, ENDED = 0, -1  # as in gen.h; what runs since line N is -2 - N


def text(pointer):
    """The C string of an error; what stands there may be anything."""
    try:
        return pointer.string(errors="replace")
    except gdb.MemoryError:
        return "?"


def files():
    """The sources that the line may be one of: first those of the functions
    that are being called, from the innermost out, then all of the program."""
    try:
        frame = gdb.newest_frame()
    except gdb.error:  # it does not run
        frame = None
    while frame is not None:
        symtab = frame.find_sal().symtab
        if symtab is not None:
            yield symtab.fullname()
        frame = frame.older()
    for line in gdb.execute("info sources", to_string=True).splitlines():
        yield from line.split(", ")


def source_line(number):
    """What stands there, or "": the struct holds the number of a line, and not
    of which file. It is one with a yield, and that is enough as a rule."""
    for name in dict.fromkeys(files()):
        if not name.endswith(".c") or not os.path.exists(name):
            continue
        with open(name, encoding="utf-8", errors="replace") as source:
            lines = source.read().splitlines()
        # One that goes over several lines may be known by its last.
        for first in (number, number - 1, number - 2):
            here = " ".join(s.strip(" ;") for s in lines[first - 1 : number])
            if re.search(r"[A-Z_]*(YIELD|AWAIT)[A-Z_]*\(", here):
                return here
    return ""


class GenPrinter:
    """What print, info locals and backtrace say in place of the members."""

    def __init__(self, gen):
        self.gen = gen

    def to_string(self):
        line = int(self.gen["line"])
        if line == ENDED:
            error = self.gen["error"]
            return "ended by %s" % text(error) if error else "ended"
        if line == NEW:
            state = "not begun"
        elif line > 0:
            here = source_line(line)
            state = "asleep at line %d%s" % (line, here and ": " + here)
        elif line == -2:
            state = "running since its beginning"
        else:
            state = "running since line %d" % (-2 - line)
        thrown = self.gen["thrown"]
        if thrown:
            state += " (thrown: %s)" % text(thrown)
        return state


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("gen")
    printers.add_printer("gen", "^gen$", GenPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)


register()
