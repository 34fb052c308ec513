# groundup: one tiny C program for each cell of the lecture.
# `make help` names the targets. Programs, modules and tests are found by
# themselves: to add one, add its file. GNU make, and nothing else generates.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
ifeq ($(origin CC),default)
CC := cc
endif

# --- The flavour: each builds in a folder of its own ------------------------

empty :=
comma := ,
FLAVOUR := $(subst $() ,-,$(strip \
    $(filter-out cc gcc,$(notdir $(firstword $(CC)))) \
    $(if $(filter 1,$(OPT)),opt) \
    $(subst $(comma),-,$(SAN)) \
    $(if $(COVERAGE),coverage) $(if $(TORTURE),torture)))
B := build$(if $(FLAVOUR),/$(FLAVOUR))

# --- What stands where -------------------------------------------------------

CHAPTERS := $(sort $(wildcard 0[1-9]_*))
SOURCES := $(sort $(wildcard 0[1-9]_*/*.c))
HEADERS := $(sort $(wildcard 0[1-9]_*/*.h))
TEST_SOURCES := $(sort $(wildcard tests/*.c))
SCRIPTS := $(wildcard tests/*.sh) .ci/run

# Check and its libraries: only the programs and tests that use it need it.
HAVE_CHECK := $(shell printf '\043include <check.h>\n' | \
    $(CC) $(CPPFLAGS) $(CFLAGS) -E - >/dev/null 2>&1 && echo yes)
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || \
    echo -lcheck -lsubunit -lm -lrt -pthread)
CHECK_USERS := $(shell grep -lE '^#include .*(<check\.h>|/mock\.h")' \
    $(SOURCES) /dev/null)
LEFT_OUT := $(if $(HAVE_CHECK),,$(CHECK_USERS))

WITH_MAIN := $(shell grep -lE '^int main\b' $(SOURCES) /dev/null)
PROGRAMS := $(patsubst %.c,$B/%,$(filter-out $(LEFT_OUT),$(WITH_MAIN)))
PRELOADS := $(patsubst %.c,$B/%.so,$(filter %_preload.c,$(SOURCES)))
MODULES := $(filter-out $(WITH_MAIN) $(LEFT_OUT) %_preload.c,$(SOURCES))
NAMES := $(filter-out lecture,$(notdir $(basename $(WITH_MAIN))))

# --- The flags, each with its reason -----------------------------------------

# C17 as the standard has it; the names of Linux and glibc on top.
STANDARD := -std=c17 -D_GNU_SOURCE
# An include says where a thing was learnt: "06_generators/gen.h".
INCLUDE := -I. -MMD -MP
# Students step through it: no line moved, every macro known to gdb.
DEBUG := -g3 $(if $(filter 1,$(OPT)),-O2,-O0)
# A conversion that loses bits is a bug that no test may ever see.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wwrite-strings -Wpointer-arith -Wcast-qual -Wcast-align -Wundef \
    -Wformat=2 -Wvla -Wimplicit-fallthrough -Wswitch-enum
# musl's FD_SET divides a descriptor by an unsigned number.
ifneq ($(findstring musl,$(CC)),)
WARNINGS += -Wno-sign-conversion
endif
# The first finding ends the run, with a whole stack.
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
    -fno-sanitize-recover=all)
PROFILE := $(if $(COVERAGE),--coverage -fprofile-update=atomic)
# Chapter 4 on; harmless before.
THREADS := -pthread

# Every call that can fail is led through tests/torture, which has the list.
ifdef TORTURE
WRAPS := $(shell $(CC) $(STANDARD) -E tests/torture/torture.c | \
    grep -oE '__wrap_[a-z0-9_]+' | sort -u | sed 's/__wrap_//')
TORTURE_OBJECT := $B/tests/torture/torture.o
endif

COMPILE = $(CC) $(STANDARD) $(INCLUDE) $(DEBUG) $(WARNINGS) $(SANITIZE) \
    $(PROFILE) $(THREADS) $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(DEBUG) $(SANITIZE) $(PROFILE) $(THREADS) $(CFLAGS) $(LDFLAGS)

# What one program needs more than all others.
$B/%/monkey_patch: OWN_LIBS := -Wl,--wrap=sqrt -lm

# --- Building ----------------------------------------------------------------

# Changed flags build anew; the note of the last ones is written while the
# Makefile is read, and only where something is to be built.
QUIET_GOALS := help clean doctor deps deps-all format
ifneq ($(filter-out $(QUIET_GOALS),$(or $(MAKECMDGOALS),all)),)
FLAGS := $(COMPILE) $(LDFLAGS) $(LDLIBS)
ifneq ($(file <$B/flags),$(FLAGS))
$(shell mkdir -p $B)$(file >$B/flags,$(FLAGS))
endif
endif

say = @$(if $V,,printf '  %-5s %s\n' '$1' '$2';)
run = $(if $V,,@)

.PHONY: all
all: $(PROGRAMS) $(PRELOADS) build/compile_commands.json
	$(if $(LEFT_OUT),@echo "Check is missing: left out $(notdir \
	    $(basename $(filter $(WITH_MAIN),$(LEFT_OUT)))); make deps")

$B/modules.a: $(MODULES:%.c=$B/%.o)
	$(run)rm -f $@ && ar rcs $@ $^

$(PROGRAMS): $B/%: $B/%.o $(TORTURE_OBJECT) $B/modules.a
	$(call say,link,$@)
	$(run)$(LINK) $(WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(OWN_LIBS) $(LDLIBS) \
	    $(if $(filter $*.c,$(CHECK_USERS)),$(CHECK_LIBS))

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(run)$(COMPILE) -c -o $@ $<

# The assembler takes it in, and tells nobody.
$B/07_eventloop/web_page.o: 07_eventloop/web_app.html

# A library to slip in front of libc, for LD_PRELOAD. Without a sanitizer, so
# that any program can take it.
$(PRELOADS): $B/%.so: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(run)$(CC) $(STANDARD) $(INCLUDE) $(DEBUG) $(WARNINGS) $(CPPFLAGS) \
	    $(CFLAGS) -fPIC -shared -o $@ $<

-include $(patsubst %.c,$B/%.d,$(SOURCES) $(TEST_SOURCES))

# What editors and clang-tidy read.
build/compile_commands.json: Makefile $(SOURCES) $(TEST_SOURCES)
	@mkdir -p build
	@for f in $(SOURCES) $(TEST_SOURCES); do \
	    printf '%s{"directory": "%s", "file": "%s", "command": "%s"}' \
	        "$${comma:-[}" "$(CURDIR)" "$$f" \
	        "$(CC) $(STANDARD) -I. $(WARNINGS) -D'CASES=$(CASES)' -c $$f"; \
	    comma=','; \
	done >$@ && echo ']' >>$@

# --- Running -----------------------------------------------------------------

# make race: build one program and run it. Some start a server in a child. The
# trap leaves Ctrl-C to the program: make waits for what it has to say.
SERVERS := $(filter %/server %/server_threads $B/05_select/echo_%,$(PROGRAMS))
define run_target
.PHONY: $(notdir $1) tour-$(notdir $1)
$(notdir $1): $1 $(PRELOADS) $(SERVERS)
	@trap : INT; $1 $$(ARGS)
tour-$(notdir $1): $1 $(PRELOADS) $(SERVERS)
	@$$(NEED_GDB)
	@$(GDB) -q -x 02_testing/tour.py --args $1 $$(ARGS)
endef
GDB := gdb
NEED_GDB := command -v $(GDB) >/dev/null || { \
    echo "gdb is missing: tours need it; make deps" >&2; exit 1; }
$(foreach p,$(filter-out %/lecture,$(PROGRAMS)),$(eval $(call run_target,$p)))

$(notdir $(basename $(filter $(WITH_MAIN),$(LEFT_OUT)))):
	@echo "$@ needs Check; make deps" >&2; exit 1

.PHONY: lecture list
lecture: all
	@BUILD=$B exec $B/03_processes/lecture $(if $(FROM),--from $(FROM)) \
	    $(if $(ONLY),--only $(ONLY)) $(ARGS)

list: $B/03_processes/lecture
	@BUILD=$B $< --list || test $$? = 141 # make list | head

# --- Testing -----------------------------------------------------------------

# tests/files_sha1.c is the case files_sha1 of the suite files.
CASES := $(foreach c,$(basename $(notdir $(wildcard tests/*_*.c))), \
    X($(firstword $(subst _, ,$c)),$c))
NEED_CHECK := $(if $(HAVE_CHECK),true,{ \
    echo "Check is missing: the tests need it; make deps" >&2; exit 1; })

$B/tests/run: $(TEST_SOURCES:%.c=$B/%.o) $B/modules.a
	$(call say,link,$@)
	$(run)$(LINK) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)
$(TEST_SOURCES:%.c=$B/%.o): CPPFLAGS += -D'CASES=$(CASES)'
$B/tests/main.o: $(TEST_SOURCES)

.PHONY: test debug-test test-all coverage torture
test:
	@$(NEED_CHECK)
	@$(MAKE) -s --no-print-directory all $B/tests/run
	@BUILD=$B FLAVOUR=$(FLAVOUR) exec $B/tests/run $T

debug-test:
	@$(NEED_CHECK)
	@$(NEED_GDB)
	@test -n "$T" || { echo "usage: make debug-test T=name" >&2; exit 2; }
	@$(MAKE) -s --no-print-directory all $B/tests/run
	@BUILD=$B FLAVOUR=$(FLAVOUR) CK_FORK=no $(GDB) -q -x tests/assertion.py --args $B/tests/run $T

# One run with the Nth fallible call failing: make torture-append N=7 (or 7+).
TORTURE_FLAVOUR := TORTURE=1 SAN=address,undefined
torture-%:
	@printf '%s\n' '$(or $N,1)' | grep -qE '^[1-9][0-9]{0,8}[+]?$$' || { \
	    echo "$@: N='$N': 7 is the seventh call, 7+ all from it on" >&2; \
	    exit 2; }
	@$(MAKE) --no-print-directory -s $(TORTURE_FLAVOUR) torture-run P=$* \
	    N='$(or $N,1)'
torture-run: $(filter %/$P,$(PROGRAMS))
	@test -n '$^' || { echo "torture: no program '$P'" >&2; exit 2; }
	@TORTURE='$N' TORTURE_LOG=/dev/stderr $< $(ARGS); \
	    echo "exit $$?"
torture:
	@$(MAKE) --no-print-directory $(TORTURE_FLAVOUR) test

# All flavours. The address sanitizer and torture want no debugger beside them;
# the thread sanitizer does not start on some kernels that shuffle addresses.
test-all:
	@set -e; \
	try() { echo; echo "== $$1"; shift; "$$@"; }; \
	have() { command -v $$1 >/dev/null || { echo "== $$1: missing, left out; make deps-all"; false; }; }; \
	make='$(MAKE) --no-print-directory'; \
	try 'gcc -O0' $$make test; \
	try 'gcc -O2' $$make test OPT=1; \
	try 'address and undefined-behaviour sanitizers' $$make test SAN=address,undefined; \
	try 'thread sanitizer' setarch -R $$make test SAN=thread; \
	try 'every call failing in turn' $$make torture; \
	if have clang; then try clang $$make test CC=clang; fi; \
	if have musl-gcc; then try 'musl, programs only' $$make all CC=musl-gcc; fi; \
	if have valgrind; then try 'valgrind' $$make valgrind; fi

# Memory that no sanitizer was built into: each program's default run.
VALGRIND := valgrind -q --leak-check=full --errors-for-leak-kinds=definite \
    --error-exitcode=99 --trace-children=no
valgrind: all
	@for p in $(filter-out %/lecture $(CHECK_USERS:%.c=$B/%),$(PROGRAMS)); do \
	    $(VALGRIND) $$p </dev/null >build/valgrind.log 2>&1; \
	    [ $$? != 99 ] || { cat build/valgrind.log; echo "$$p"; exit 1; }; \
	done; echo "valgrind: nothing lost"

coverage:
	@command -v gcovr >/dev/null || { \
	    echo "gcovr is missing: coverage needs it; make deps-all" >&2; exit 1; }
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@echo "coverage: the tests run, into build/coverage.log"
	@# Some tests take from a program what gcov writes its notes with: another
	@# user's program cannot write them here, and says so. make test proves.
	@GCOV_ERROR_FILE=/dev/null $(MAKE) --no-print-directory test COVERAGE=1 \
	    >build/coverage.log 2>&1 || echo "coverage: not all tests passed"
	@mkdir -p build/coverage/pages
	@gcovr --root . --object-directory build/coverage --exclude tests/ \
	    --html-details build/coverage/pages/index.html --print-summary \
	    | sed -n 's/^lines: /coverage: lines /p; s/^branches: /coverage: branches /p'
	@echo "pages: build/coverage/pages/index.html"

# The charts of the chapters' READMEs.
PICTURES := 03_processes/count_processes 03_processes/download \
    03_processes/survey 04_threads/count_threads \
    04_threads/download_threads 04_threads/survey_threads \
    04_threads/survey_locked 05_select/latency \
    05_select/requests_blocking 05_select/requests_callbacks \
    05_select/wakeup 06_generators/hosts \
    06_generators/requests_gen 06_generators/run_queries_turns \
    06_generators/run_queries 06_generators/tiny_loop \
    07_eventloop/gather 07_eventloop/download_async \
    07_eventloop/blocking_call 07_eventloop/task_group \
    07_eventloop/measure
pictures: all
	@for p in $(PICTURES); do \
	    mkdir -p $$(dirname $$p)/pictures; \
	    svg=$$(dirname $$p)/pictures/$$(basename $$p).svg; \
	    $B/$$p --svg $$svg >/dev/null || exit 1; echo "$$svg"; \
	done

bugs:
	@MAKE='$(MAKE)' sh tests/bugs.sh

bench-count: all
	@BUILD=$B sh tests/bench_count.sh
bench-timeline:
	@CC='$(CC)' sh tests/bench_timeline.sh
bench-download:
	@$(MAKE) -s --no-print-directory all
	@$(MAKE) -s --no-print-directory all OPT=1
	@sh tests/bench_download.sh

bench-echo bench-loop bench-measure bench-web:
	@$(MAKE) -s --no-print-directory all OPT=1
	@CC='$(CC)' sh tests/$(subst -,_,$@).sh

bench-sha1:
	@$(MAKE) --no-print-directory -s OPT=1 build/opt/01_files/hash_file
	@sh tests/bench_sha1.sh

# --- Keeping house -----------------------------------------------------------

.PHONY: help clean doctor deps deps-all format lint new torture-run valgrind \
    pictures bugs bench-sha1 bench-count bench-timeline bench-download \
    bench-echo bench-loop bench-measure bench-web
help:
	@sed 's/^    //' tests/help.txt

clean:
	rm -rf build

format:
	clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/*.[ch] tests/*/*.[ch])

lint: build/compile_commands.json
	@for tool in clang-format clang-tidy cppcheck shellcheck; do \
	    command -v $$tool >/dev/null || { \
	    echo "$$tool is missing: lint needs it; make deps-all" >&2; exit 1; }; done
	$(call say,lint,clang-format)
	$(run)clang-format --dry-run -Werror $(SOURCES) $(HEADERS) \
	    $(wildcard tests/*.[ch] tests/*/*.[ch])
	$(call say,lint,clang-tidy)
	$(run)printf '%s\n' $(SOURCES) $(TEST_SOURCES) | \
	    xargs -P 2 -n 4 clang-tidy --quiet -p build 2>build/clang-tidy.log
	$(call say,lint,cppcheck)
	$(run)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -I. \
	    --enable=warning,performance,portability -D_GNU_SOURCE \
	    --suppress=missingIncludeSystem --suppress=readdirCalled \
	    --suppress=invalidFunctionArg --library=posix \
	    $(SOURCES) $(TEST_SOURCES)
	$(call say,lint,shellcheck)
	$(run)shellcheck $(SCRIPTS)

new:
	@sh tests/new.sh '$P'

doctor:
	@CC='$(CC)' sh tests/tools.sh doctor
deps:
	@sh tests/tools.sh deps
deps-all:
	@sh tests/tools.sh deps all
