#!/bin/sh
# A hundred downloads in a hundred threads, as multiples of the time that one
# takes: 1 would be for nothing. At -O0 and at -O2 by turns, and each run in a
# moment in which the cores are free: what else runs here would be measured
# instead. What counts is the median.
#
#     make bench-download
#     ROUNDS=51 THREADS=1000 make bench-download
set -eu

rounds=${ROUNDS:-21}
threads=${THREADS:-100}
plain=${BUILD:-build}/04_threads/download_threads
optimised=${BUILD_OPT:-build/opt}/04_threads/download_threads

for program in "$plain" "$optimised"; do
    [ -x "$program" ] || { echo "$program is missing: make; make OPT=1" >&2
        exit 1; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
disturbed=0

# Of the time of all CPUs since the start: what was not idle, and all of it.
cpu_time() {
    awk '/^cpu /{ for (i = 2; i <= 9; i++) all += $i
                  print all - $5 - $6, all }' /proc/stat
}

# Waits for a fifth of a second in which at most a twentieth was used; gives
# up after a minute.
wait_until_free() {
    tries=0
    while [ $tries -lt 300 ]; do
        # shellcheck disable=SC2046 # two numbers
        set -- $(cpu_time)
        sleep 0.2
        # shellcheck disable=SC2046
        set -- "$@" $(cpu_time)
        [ $((($3 - $1) * 20)) -gt $(($4 - $2)) ] || return 0
        tries=$((tries + 1))
    done
    disturbed=$((disturbed + 1))
}

# delays and cores busy, on one line
measure() {
    wait_until_free
    "$2" -n "$threads" -t "$threads" >"$folder/out"
    awk '/^delays /{ delays = $2 } /^cores busy /{ print delays, $3 }' \
        "$folder/out" >>"$folder/$1"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    measure plain "$plain"
    measure optimised "$optimised"
    round=$((round + 1))
done

# The middle one of column $1 of file $2, and the two ends.
middle() {
    cut -d' ' -f"$1" "$folder/$2" | sort -n | awk '{ x[NR] = $1 }
        END { printf "%.3f (%.3f to %.3f)", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sed -n 's/^model name[^:]*: /CPU:         /p' /proc/cpuinfo | head -n 1
echo "cores:       $(nproc)"
echo "threads:     $threads, $rounds rounds; median (least to most)"
for flavour in plain optimised; do
    eval "program=\$$flavour"
    # shellcheck disable=SC2154 # eval sets it
    printf '\n%s\n' "$program"
    printf 'delays       %s\n' "$(middle 1 $flavour)"
    printf 'cores busy   %s\n' "$(middle 2 $flavour)"
done
[ "$disturbed" = 0 ] ||
    printf '\n%d of %d runs began while something else ran\n' "$disturbed" \
        $((2 * rounds))
