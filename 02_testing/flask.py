"""gdb shows a struct flask as {Ca, H2O}, and `reactions` tells who in it
reacts with what.

    (gdb) source 02_testing/flask.py
    (gdb) print flask
    (gdb) reactions flask

The tours load this file because it stands beside alchemy.c. It is the pattern
for a printer and a command of our own: a function that reads the structure
out of the program's memory, and around it two small classes that gdb calls.
Nothing here runs code of the program, so it works on a core file as well.
"""

import gdb
import gdb.printing


def materials(flask):
    """The materials of a struct flask, each a gdb.Value; a ValueError where
    it holds none because nobody has filled it yet."""
    array = flask["materials"]
    first, last = array.type.range()
    count = int(flask["count"])
    if count > last - first + 1:
        raise ValueError("not set up yet: count is %d" % count)
    return [array[i].dereference() for i in range(count)]


def name(text):
    """The C string at an address; what stands there may be anything."""
    try:
        return text.string(errors="replace")
    except gdb.MemoryError:
        return "?"


class FlaskPrinter:
    """What print, info locals and backtrace say in place of the members."""

    def __init__(self, flask):
        self.flask = flask

    def to_string(self):
        try:
            names = [name(m["name"]) for m in materials(self.flask)]
        except (ValueError, gdb.error) as error:
            return "{%s}" % error
        return "{%s}" % ", ".join(names)


class Reactions(gdb.Command):
    """reactions FLASK: for each material in it, what it reacts with.

    FLASK is a struct flask or a pointer to one."""

    def __init__(self):
        super().__init__("reactions", gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("usage: reactions FLASK")
        try:
            flask = gdb.parse_and_eval(argument)
            if flask.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
                flask = flask.dereference()
            if flask.type.strip_typedefs().unqualified().tag != "flask":
                raise gdb.GdbError("%s is no struct flask" % argument)
            for material in materials(flask):
                print("%s: %s" % (name(material["name"]), partners(material)))
        except (ValueError, gdb.error) as error:
            raise gdb.GdbError("%s: %s" % (argument, error))


def partners(material):
    """The names that a material reacts with, up to the NULL after the last."""
    names = []
    at = material["reacts_with"]
    while at and at.dereference():
        names.append(name(at.dereference()))
        at += 1
    return ", ".join(names) or "nothing"


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("flask")
    printers.add_printer("flask", "^flask$", FlaskPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
    Reactions()


register()
