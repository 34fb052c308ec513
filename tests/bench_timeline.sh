#!/bin/sh
# What a mark of the timeline costs, as students build it (-O0) and optimised:
# it must stay below 100 ns. The median of 25 rounds, the least, the most.
#
#     sh tests/bench_timeline.sh
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
for level in -O0 -O2; do
    ${CC:-cc} -std=c17 -D_GNU_SOURCE -I. $level -o "$folder/timeline" \
        tests/bench/timeline.c 03_processes/timeline*.c 01_files/cli.c -pthread
    printf '\n%s\n' "$level"
    "$folder/timeline"
done
