"""fds: the open descriptors of the program being debugged, and what is behind
each of them.

    (gdb) fds
    0  r   /dev/null
    1   w  pipe:[4711]
    3  rw  /tmp/groundup.Xa81/example.txt  at 19

Read from /proc, so it is what the kernel has, whatever libc has buffered. The
pattern for the commands of later chapters: a class with `invoke`, its help in
the docstring, an instance at the end.
"""

import os

import gdb


def access(flags):
    """O_RDONLY is 0, O_WRONLY 1, O_RDWR 2."""
    return {0: "r ", 1: " w", 2: "rw"}.get(flags & 3, "? ")


class Fds(gdb.Command):
    """The open descriptors of the program being debugged."""

    def __init__(self):
        super().__init__("fds", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        pid = gdb.selected_inferior().pid
        if pid == 0:
            raise gdb.GdbError("fds: the program is not running")
        for fd in sorted(map(int, os.listdir("/proc/%d/fd" % pid))):
            target = os.readlink("/proc/%d/fd/%d" % (pid, fd))
            with open("/proc/%d/fdinfo/%d" % (pid, fd)) as info:
                words = dict(
                    line.split(":", 1) for line in info if ":" in line
                )
            line = "%-3d%s  %s" % (fd, access(int(words["flags"], 8)), target)
            if target.startswith("/") and not target.startswith("/dev/"):
                line += "  at %d" % int(words["pos"])
            gdb.write(line + "\n")


Fds()
