#!/bin/sh
# Which tool sees which bug: runs each broken program and its mend under all of
# them, and prints the table that stands in 04_threads/README.md.
#
#     make bugs
#
# Ends with 1 if a bug is seen by none of them, or a mend is not left in peace.
set -u
export TSAN_OPTIONS="die_after_fork=0 report_thread_leaks=0"

# A broken program, and its mend; either may be missing.
pairs() {
    cat <<'LIST'
race -n 1000|lock -n 1000
deadlock|deadlock_mended
lock_order|lock_order_mended
lock_order --apart|
lost_wakeup|lost_wakeup_mended
fork_lock|fork_lock_mended
survey_threads|survey_locked
tiny_loop_racy|tiny_loop
LIST
}

build=${BUILD:-build}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM

if ! command -v valgrind >/dev/null; then
    echo 'bugs: valgrind is missing; make deps-all' >&2
    exit 1
fi

# The program with its chapter, of which the house has one each.
find_program() {
    for source in 0*/"$1".c; do
        echo "${source%.c}"
    done
}

# make_all FOLDER [FLAVOUR]
make_all() {
    pairs | tr '|' '\n' | while read -r name _; do
        [ -z "$name" ] || echo "$1/$(find_program "$name")"
    done | sort -u | xargs "${MAKE:-make}" -s "B=$1" "SAN=${2:-}" \
        "$1/04_threads/server_threads" >&2 # which some of them ask
}

# The thread sanitizer does not start on some kernels that shuffle addresses.
unshuffled() {
    if setarch -R true 2>/dev/null; then
        setarch -R "$@"
    else
        "$@"
    fi
}

# run PROGRAM ARGUMENTS... under $tool.
run() {
    name=$(find_program "$1")
    shift
    case $tool in
    thread) unshuffled timeout 60 "$build/thread/$name" "$@" ;;
    address) timeout 60 "$build/address/$name" "$@" ;;
    helgrind | drd)
        timeout 60 valgrind "--tool=$tool" "$build/$name" "$@"
        ;;
    watchdog) timeout 60 "$build/$name" "$@" ;;
    esac >"$log" 2>&1 </dev/null
    status=$?
    if [ $status -ge 124 ]; then
        echo "did not run: $status"
    fi
}

# Neither of the two knows that a byte through a socket orders what was written
# before it was sent and what is read after it came. The thread sanitizer does.
known_alarm() {
    case "$tool $1" in
    'helgrind tiny_loop: data race' | 'drd tiny_loop: data race') ;;
    *) return 1 ;;
    esac
}

# What is found in the log, in few words: one a line.
findings() {
    case $tool in
    thread) sed -n 's/.*WARNING: ThreadSanitizer: \([^(]*\) (.*/\1/p' "$log" ;;
    address)
        sed -n 's/.*ERROR: AddressSanitizer: \([a-zA-Z-]*\).*/\1/p
            s/.*ERROR: LeakSanitizer: .*/leak/p' "$log"
        ;;
    helgrind)
        sed -n 's/.*Possible data race.*/data race/p
            s/.*Attempt to re-lock.*/taken twice/p
            s/.*lock order .* violated.*/lock order/p
            s/.*Exiting thread still holds.*/held to the end/p' "$log"
        ;;
    drd)
        sed -n 's/.*Conflicting [a-z]* by thread.*/data race/p
            s/.*Recursive locking not allowed.*/taken twice/p' "$log"
        ;;
    watchdog)
        sed -n 's/^watchdog: a circle.*/a circle/p
            s/^watchdog: no circle.*/stuck/p' "$log"
        ;;
    esac
    # What valgrind counted, and none of these has a word for.
    sed -n 's/.*ERROR SUMMARY: [1-9].*/errors/p' "$log"
}

# row PROGRAM ARGUMENTS...: prints the line of the table.
row() {
    line="| $* |"
    for tool in thread helgrind drd address watchdog; do
        said=$( (
            run "$@"
            findings
            [ $status -ne 1 ] || echo 'nothing but an error'
        ) | sort -u | awk '
            $0 == "errors" { counted = 1; next }
            $0 == "nothing but an error" { ended = "did not run: 1"; next }
            { text = text (text ? ", " : "") $0 }
            END { print text ? text : ended ? ended : counted ? "errors" : "-" }')
        ! known_alarm "$*: $said" || said='false alarm'
        line="$line $said |"
    done
    echo "$line"
    case $line in
    *'did not run'*)
        echo "bugs: $1 did not run" >&2
        failed=1
        ;;
    esac
}

make_all "$build" && make_all "$build/thread" thread &&
    make_all "$build/address" address || exit 1

echo '| program | thread sanitizer | helgrind | drd | address sanitizer | watchdog |'
echo '|---|---|---|---|---|---|'
failed=0
while IFS='|' read -r broken mend; do
    # shellcheck disable=SC2086 # a name and its arguments
    if [ -n "$broken" ]; then
        row $broken
        case $line in
        *'| - | - | - | - | - |')
            echo "bugs: nobody sees $broken" >&2
            failed=1
            ;;
        esac
    fi
    # shellcheck disable=SC2086
    if [ -n "$mend" ]; then
        row $mend
        case $(echo "$line" | sed 's/ false alarm / - /g') in
        *'| - | - | - | - | - |') ;;
        *)
            echo "bugs: $mend is not left in peace" >&2
            failed=1
            ;;
        esac
    fi
done <<LIST
$(pairs)
LIST
exit $failed
