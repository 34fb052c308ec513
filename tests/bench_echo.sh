#!/bin/sh
# Round trips of 32 bytes a second over 50 connections: the echo servers of
# chapter 5 beside the same server on libuv (by uv_write, and by uv_try_write,
# which spares a callback), by turns, each time on a new port.
# What counts is the median of the rounds' ratios to libuv. The servers run on
# one core and who asks them on another, where there are two. Beside it stands
# the server's own CPU time for a round trip, which other work disturbs less.
#
#     make bench-echo
#     ROUNDS=101 CONNECTIONS=500 sh tests/bench_echo.sh
set -eu

rounds=${ROUNDS:-41}
seconds=${SECONDS_EACH:-0.1}
connections=${CONNECTIONS:-50}
build=${BUILD:-build/opt}/05_select
servers='libuv libuv_try epoll selector poll select'

[ -x "$build/echo_epoll" ] || { echo "$build/echo_epoll is missing: make OPT=1" >&2
    exit 1; }

folder=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

cc=${CC:-cc}
if ! printf '#include <uv.h>\n' | $cc -E - >/dev/null 2>&1; then
    echo 'libuv is missing: apt-get install libuv1-dev (or libuv-devel, libuv)' >&2
    exit 1
fi
$cc -std=gnu17 -O2 -o "$folder/echo_uv" tests/bench/echo_uv.c -luv
$cc -std=gnu17 -O2 -o "$folder/echo_load" tests/bench/echo_load.c

here=
there=
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    here='taskset -c 0'
    there='taskset -c 1'
fi

# Starts the server $1, asks it for a while, ends it; adds a line to its file:
# round trips a second, and us of the server's CPU time for each (0: not known).
measure() {
    program=$build/echo_$1
    words='-p 0'
    case $1 in
    libuv*) program=$folder/echo_uv words=${1#libuv_} ;;
    esac
    : >"$folder/at"
    # shellcheck disable=SC2086 # words
    $here "$program" $words >"$folder/at" &
    server=$!
    until [ -s "$folder/at" ]; do sleep 0.01; done
    # shellcheck disable=SC2086
    trips=$($there "$folder/echo_load" "$(cut -d' ' -f3 "$folder/at")" \
        "$connections" "$seconds")
    cpu=$(cut -d' ' -f1 "/proc/$server/schedstat" 2>/dev/null || echo 0)
    awk -v n="$trips" -v s="$seconds" -v cpu="$cpu" \
        'BEGIN { print n, cpu / 1000 / (n * s) }' >>"$folder/$1"
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

round=0
while [ "$round" -lt "$rounds" ]; do
    for name in $servers; do measure "$name"; done
    round=$((round + 1))
    [ ! -t 2 ] || printf '\rround %d of %d ' "$round" "$rounds" >&2
done
[ ! -t 2 ] || printf '\r                    \r' >&2

# The middle one of the numbers, and the two ends.
middle() {
    sort -n | awk -v form="$1" '{ x[NR] = $1 } END {
        if (NR) printf form " (" form " to " form ")", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sed -n 's/^model name[^:]*: /CPU:         /p' /proc/cpuinfo | head -n 1
echo "cores:       $(nproc)"
echo "connections: $connections, $rounds rounds of $seconds s; median (least to most)"
echo
for name in $servers; do
    printf '%-9s %s round trips a second\n' "$name" \
        "$(cut -d' ' -f1 "$folder/$name" | middle %.0f)"
done
echo
for name in $servers; do
    printf '%-9s %s us of CPU time for each\n' "$name" \
        "$(cut -d' ' -f2 "$folder/$name" | middle %.2f)"
done
echo
for name in $servers; do
    [ "$name" != libuv ] || continue
    paste -d' ' "$folder/$name" "$folder/libuv" >"$folder/both"
    printf '%-9s %s times the round trips of libuv\n' "$name" \
        "$(awk '{ print $1 / $3 }' "$folder/both" | middle %.2f)"
    printf '%-9s %s times those for the same CPU time\n' '' \
        "$(awk '$2 > 0 { print $4 / $2 }' "$folder/both" | middle %.2f)"
done
