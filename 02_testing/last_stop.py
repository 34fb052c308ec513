"""last-stop: what a script that goes on from the last stop of a tour begins
with. Anywhere else it would lose its way, and so it is ended here, in words.

    source 02_testing/last_stop.py
    last-stop 04_threads/race.c counter = value;

The words are those of the line at which the tour stops last.
"""

import linecache
import os

import gdb


class LastStop(gdb.Command):
    """Ends a script unless the program stands at that line of its source."""

    def __init__(self):
        super().__init__("last-stop", gdb.COMMAND_SUPPORT)

    def invoke(self, argument, from_tty):
        path, line = argument.split(None, 1)
        name = os.path.basename(path)[: -len(".c")]
        if gdb.selected_inferior().pid == 0:
            where = "the program is not running"
        elif self.is_at(path, line):
            return
        else:
            where = "the program is not at its last stop"
        raise gdb.GdbError(
            "%s: make tour-%s, c until it says that this is the last stop, "
            "and then source this" % (where, name)
        )

    @staticmethod
    def is_at(path, line):
        place = gdb.newest_frame().find_sal()
        if place.symtab is None or not place.symtab.filename.endswith(path):
            return False
        return line in linecache.getline(place.symtab.fullname(), place.line)


LastStop()
