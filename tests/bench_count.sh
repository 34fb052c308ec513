#!/bin/sh
# The speed-up of counting by two threads and by two processes, over one alone,
# on two free cores. By turns. A run in which something else had more than a
# fiftieth of the CPUs is not counted, whatever came out of it, and is run
# again; what counts is the median of the others.
#
#     sh tests/bench_count.sh
#     ROUNDS=25 STEPS=50000000 BUILD=build/opt sh tests/bench_count.sh
set -eu

rounds=${ROUNDS:-15}
steps=${STEPS:-500000000}
build=${BUILD:-build}
threads=$build/04_threads/count_threads
processes=$build/03_processes/count_processes
tries=$((rounds * 10)) # of each, at most

for program in "$threads" "$processes"; do
    [ -x "$program" ] || { echo "$program is missing: make" >&2; exit 1; }
done
cores=$(nproc)
[ "$cores" -ge 2 ] || { echo "this takes two cores" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
touch "$folder/threads" "$folder/processes" "$folder/disturbed"

# Into file $1: the seconds that all CPUs together have worked, those that they
# did so for our children, and the time. Not in a pipe, whose shell is another.
note() {
    times >"$folder/times"
    {
        awk -v hz="$(getconf CLK_TCK)" \
            '/^cpu /{ print ($2 + $3 + $4 + $7 + $8 + $9) / hz }' /proc/stat
        sed -n '2s/[ms]/ /gp' "$folder/times" |
            awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }'
        date +%s.%N
    } >"$folder/$1"
}

# Adds a line with speed-up and cores busy to the file of that name.
measure() {
    [ "$(wc -l <"$folder/$1")" -lt "$rounds" ] || return 0
    sleep 0.2
    note before
    "$2" -n "$steps" >"$folder/out"
    note after
    # One tick of the clock by which CPUs are counted is not known for sure.
    free=$(paste "$folder/before" "$folder/after" |
        awk -v cores="$cores" '{ x[NR] = $2 - $1 }
            END { print x[1] - x[2] <= 0.02 * cores * x[3] + 0.01 }')
    if [ "$free" = 0 ]; then
        echo >>"$folder/disturbed"
        return 0
    fi
    awk '/^speed-up /{ speed = $2 } /^cores busy /{ print speed, $3 }' \
        "$folder/out" >>"$folder/$1"
}

try=0
while [ "$try" -lt "$tries" ]; do
    measure threads "$threads"
    measure processes "$processes"
    try=$((try + 1))
done

# The middle one of column $1 of file $2, and the two ends.
middle() {
    cut -d' ' -f"$1" "$folder/$2" | sort -n | awk '{ x[NR] = $1 }
        END { if (NR) printf "%.2f (%.2f to %.2f)",
                             x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sed -n 's/^model name[^:]*: /CPU:        /p' /proc/cpuinfo | head -n 1
echo "cores:      $cores"
echo "programs:   $build"
echo "steps:      $steps; median (least to most)"
for by in threads processes; do
    printf '\n%-11s %d rounds\n' "$by" "$(wc -l <"$folder/$by")"
    printf '            speed-up   %s\n' "$(middle 1 $by)"
    printf '            cores busy %s\n' "$(middle 2 $by)"
done
printf '\n%d runs were disturbed and not counted\n' \
    "$(wc -l <"$folder/disturbed")"
