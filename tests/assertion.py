"""Runs one case of the tests without forking and stops at its assertion.

    make debug-test T=walk

gdb then stands in the test, at the line that failed: look at its variables,
go up to who called it. Without a failure the run ends and says so.
"""

import gdb

for setting in (
    "confirm off",
    "pagination off",
    "width 0",
    "print thread-events off",
    "print inferior-events off",  # 19 times "Detaching after fork"
):
    gdb.execute("set " + setting)
gdb.execute("set debuginfod enabled off", to_string=True)
gdb.Breakpoint("_ck_assert_failed", internal=True).silent = True
gdb.execute("run")
if gdb.selected_inferior().pid == 0:
    status = gdb.parse_and_eval("$_exitcode")
    if status.type.code != gdb.TYPE_CODE_INT or int(status) != 0:
        gdb.execute("quit 1")  # no such name, say: it has said so itself
    gdb.write("no assertion failed\n")
else:
    frame = gdb.selected_frame()
    while frame.older() and "tests/" not in (
        frame.find_sal().symtab.filename if frame.find_sal().symtab else ""
    ):
        frame = frame.older()
    frame.select()
    gdb.execute("frame")
    gdb.execute("info locals")
