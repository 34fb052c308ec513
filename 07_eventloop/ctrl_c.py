"""In this chapter Ctrl-C is the program's as well: gdb stops for it, as ever,
and the next `continue` hands it on. (Else gdb would keep it to itself, and
who waits for it would wait for ever.)

The tours load this file.
"""

import gdb

gdb.execute("handle SIGINT stop print pass", to_string=True)
