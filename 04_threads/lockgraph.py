"""lockgraph: who holds which lock, who waits for it, and the circle if there
is one. In a live process (gdb -p PID) or in a core file:

    (gdb) lockgraph
    1 main     waits for the end of 2 left
               in main, 04_threads/lock_order.c:87
    2 left     waits for b.lock, held by 3 right
               in transfer, 04_threads/lock_order.c:46
    3 right    waits for a.lock, held by 2 left
               in transfer, 04_threads/lock_order.c:46
    a.lock     held by 2 left
    b.lock     held by 3 right
    circle: 2 left -> b.lock -> 3 right -> a.lock -> 2 left

A thread that waits for a lock sleeps in the system call futex(2), and the
address it waits at is the lock's: it is still in the register that passed it.
Who holds the lock is noted in the lock, by glibc. Debug symbols of the program
are needed, those of libc are not.
"""

import re

import gdb

# The registers with the number of a system call and its first three arguments,
# and the number of futex(2).
SYSTEM_CALL = {
    "i386:x86-64": (("orig_rax", "rdi", "rsi", "rdx"), 202),
    "aarch64": (("x8", "x0", "x1", "x2"), 98),
}
# Of <linux/futex.h>: wait, lock_pi, wait_bitset, wait_requeue_pi, lock_pi2.
WAITING = (0, 6, 9, 11, 13)
PRIVATE = 128


def is_ours(frame):
    """Whether its code is the program's, and no library's."""
    return frame.find_sal().symtab and not gdb.solib_name(frame.pc())


def owner_of(address):
    """The LWP that holds the mutex at that address; 0: nobody, or unknown."""
    try:
        kind = gdb.lookup_type("pthread_mutex_t").pointer()
        return int(gdb.Value(address).cast(kind)["__data"]["__owner"])
    except gdb.error:
        return 0


def mutexes_in(kind, address, path):
    """Finds the mutexes in a variable: {address: how the source calls it}."""
    kind = kind.unqualified()
    if str(kind) == "pthread_mutex_t":
        return {address: path}
    kind = kind.strip_typedefs()
    found = {}
    if kind.code == gdb.TYPE_CODE_STRUCT:
        for field in kind.fields():
            if hasattr(field, "bitpos") and field.name:
                where = address + field.bitpos // 8
                found.update(
                    mutexes_in(field.type, where, path + "." + field.name)
                )
    elif kind.code == gdb.TYPE_CODE_ARRAY:
        element = kind.target()
        low, high = kind.range()
        for i in range(low, high + 1):
            inside = mutexes_in(
                element, address + i * element.sizeof, "%s[%d]" % (path, i)
            )
            if not inside:
                break
            found.update(inside)
    return found


class Waiter:
    """A thread, and what it waits for."""

    def __init__(self, thread):
        thread.switch()
        self.lwp = thread.ptid[1]
        name = "main" if self.lwp == thread.inferior.pid else thread.name
        self.symtab = None  # the innermost source of the program itself
        self.place = "somewhere in a library"
        self.call = ""  # what the program called
        self.address = 0  # where it waits in the kernel; 0: it does not
        self.joins = 0  # the LWP whose end it waits for
        self.look(gdb.newest_frame())
        # A core file keeps no names; where the thread began tells it, too.
        self.title = "%d %s" % (thread.num, name or self.began)

    def look(self, frame):
        registers, futex = SYSTEM_CALL[frame.architecture().name()]
        word = gdb.lookup_type("unsigned long")
        call, address, operation, value = (
            int(frame.read_register(name).cast(word)) for name in registers
        )
        while frame is not None and not is_ours(frame):
            if frame.name():
                self.call = frame.name().lstrip("_")
            frame = frame.older()
        self.began = "thread"
        if frame is not None:
            sal = frame.find_sal()
            self.symtab = sal.symtab
            where = (frame.name(), sal.symtab.filename, sal.line)
            self.place = "%s, %s:%d" % where
        while frame is not None and is_ours(frame):
            self.began = frame.name()
            frame = frame.older()
        if call & 0xFFFFFFFF == futex and operation & 127 in WAITING:
            self.address = address
            if not operation & PRIVATE:
                self.joins = value & 0xFFFFFFFF


class Graph:
    """Threads and locks, as they are at this moment."""

    def __init__(self):
        self.waiters = [
            Waiter(thread)
            for thread in sorted(
                gdb.selected_inferior().threads(), key=lambda t: t.num
            )
        ]
        self.by_lwp = {w.lwp: w for w in self.waiters}
        self.mutexes = self.find_mutexes()
        for w in self.waiters:
            # On the heap or on a stack; there the source has no one name.
            if w.call.startswith("pthread_mutex") and w.address:
                unnamed = "mutex at 0x%x" % w.address
                self.mutexes.setdefault(w.address, unnamed)

    def find_mutexes(self):
        """The variables of all sources that a frame of ours stands in."""
        main = gdb.lookup_global_symbol("main")
        symtabs = [w.symtab for w in self.waiters if w.symtab]
        symtabs += [main.symtab] if main else []
        found = {}
        for symtab in symtabs:
            for block in (symtab.static_block(), symtab.global_block()):
                for symbol in block:
                    if symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                        where = int(symbol.value().address)
                        found.update(
                            mutexes_in(symbol.type, where, symbol.name)
                        )
        return found

    def whom(self, waiter):
        """The LWP that a thread waits for; 0 where there is none."""
        if waiter.address in self.mutexes:
            return owner_of(waiter.address)
        return waiter.joins if waiter.joins in self.by_lwp else 0

    def title(self, lwp):
        if lwp in self.by_lwp:
            return self.by_lwp[lwp].title
        return "LWP %d, no thread of this process" % lwp if lwp else "unknown"

    def wish(self, waiter):
        """What a thread does, in words."""
        if not waiter.address:
            return "waits for no lock"
        whom = self.whom(waiter)
        if waiter.address in self.mutexes:
            holder = "itself" if whom == waiter.lwp else self.title(whom)
            return "waits for %s, held by %s" % (
                self.mutexes[waiter.address],
                holder,
            )
        if whom:
            return "waits for the end of " + self.title(whom)
        said = gdb.execute("info symbol %d" % waiter.address, to_string=True)
        match = re.match(r"(\S+)( \+ \d+)? in section", said)
        name = match.group(1) if match else "0x%x" % waiter.address
        return "waits in %s for %s" % (waiter.call or "futex", name)

    def circle(self):
        """The first circle: [waiter, waiter, ...], or []."""
        for start in self.waiters:
            path = [start]
            while len(path) <= len(self.waiters):
                following = self.by_lwp.get(self.whom(path[-1]))
                if following is start:
                    return path
                if following is None:
                    break
                path.append(following)
        return []

    def write(self):
        width = max(len(w.title) for w in self.waiters) + 2
        for w in self.waiters:
            gdb.write("%-*s%s\n" % (width, w.title, self.wish(w)))
            gdb.write("%-*sin %s\n" % (width, "", w.place))
        for address, name in sorted(self.mutexes.items()):
            if owner_of(address):
                holder = self.title(owner_of(address))
                gdb.write("%-*sheld by %s\n" % (width, name + " ", holder))
        path = self.circle()
        for w in path:
            lead = "circle: " if w is path[0] else " -> "
            gdb.write(lead + w.title)
            if w.address in self.mutexes:
                gdb.write(" -> " + self.mutexes[w.address])
        gdb.write(" -> %s\n" % path[0].title if path else "no circle\n")


class Lockgraph(gdb.Command):
    """Who holds which lock, who waits for it, and the circle if any."""

    def __init__(self):
        super().__init__("lockgraph", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        thread = gdb.selected_thread()
        if thread is None:
            raise gdb.GdbError("lockgraph: there is no process and no core")
        frame = gdb.selected_frame()
        if frame.architecture().name() not in SYSTEM_CALL:
            raise gdb.GdbError("lockgraph: not for this processor")
        level = frame.level()
        try:
            Graph().write()
        finally:
            thread.switch()
            gdb.execute("frame %d" % level, to_string=True)


Lockgraph()
