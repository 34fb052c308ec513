#!/bin/sh
# What the loop of chapter 7 takes, beside libuv, by turns in one run: downloads
# at once from a server that is not the bottleneck, each time a new one on a new
# port, also with plain epoll, which shows the kernel's share; timers; sleepers;
# and an await of a turn, which libuv does not have. What counts are the medians,
# and those of the rounds' ratios. The server runs on one core and who asks it
# on another, where there are two.
#
#     make bench-loop
#     ROUNDS=21 MANY=5000 sh tests/bench_loop.sh
#
# Every run ends within a minute, or is an error.
set -eu

rounds=${ROUNDS:-11}
many=${MANY:-10000}
cc=${CC:-cc}
folder=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

flags="-std=c17 -D_GNU_SOURCE -I. -O2 -pthread"
http='03_processes/http.c 03_processes/http_reply.c 03_processes/http_write.c'
loop='07_eventloop/loop.c 07_eventloop/timers.c 07_eventloop/loop_threads.c
    07_eventloop/loop_signals.c 07_eventloop/loop_inside.c 07_eventloop/futures.c
    07_eventloop/task.c 07_eventloop/task_run.c 07_eventloop/task_inside.c
    07_eventloop/sleep_for.c 07_eventloop/gathering.c
    07_eventloop/stream.c 07_eventloop/async_http.c 06_generators/gen.c
    05_select/selector.c 05_select/selector_epoll.c 05_select/selector_poll.c
    05_select/selector_select.c 01_files/cli.c'
# shellcheck disable=SC2086 # words
$cc $flags -o "$folder/server" tests/bench/loop_server.c
# shellcheck disable=SC2086
$cc $flags -o "$folder/ours" tests/bench/loop_ours.c $loop $http
# shellcheck disable=SC2086
$cc $flags -o "$folder/epoll" tests/bench/loop_epoll.c
programs='ours uv'
if ! printf '#include <uv.h>\n' | $cc -E - >/dev/null 2>&1; then
    echo 'libuv is missing: only our loop is measured (libuv1-dev, libuv-devel)'
    programs=ours
else
    # shellcheck disable=SC2086
    $cc $flags -o "$folder/uv" tests/bench/loop_uv.c $http -luv
fi

here=
there=
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    here='taskset -c 0'
    there='taskset -c 1'
fi

# measure FILE PROGRAM WORD...: adds what it prints to the file.
measure() {
    file=$folder/$1.$2
    program=$folder/$2
    shift 2
    # shellcheck disable=SC2086
    timeout 60 $here "$program" "$@" >>"$file" || {
        echo "$program $*: status $?" >&2
        exit 1
    }
}

# download FILE PROGRAM COUNT: from a server of its own.
download() {
    : >"$folder/port"
    # shellcheck disable=SC2086
    $there "$folder/server" 0.1 >"$folder/port" &
    server=$!
    until [ -s "$folder/port" ]; do sleep 0.01; done
    measure "$1" "$2" download "$(cat "$folder/port")" "$3"
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

# With every round the other one begins.
order() {
    if [ $(($1 % 2)) = 0 ]; then echo "$programs"; else
        echo "$programs" | awk '{ print $2, $1 }'; fi
}

round=0
while [ "$round" -lt "$rounds" ]; do
    for p in epoll $(order "$round"); do download few "$p" 100; done
    measure switch ours switch
    if [ $((round * 2)) -lt "$rounds" ]; then # they take longer
        download many epoll "$many"
        for p in $(order "$round"); do
            download many "$p" "$many"
            measure timers "$p" timers 1000000
            measure sleepers "$p" sleepers 100000
        done
    fi
    round=$((round + 1))
    [ ! -t 2 ] || printf '\rround %d of %d ' "$round" "$rounds" >&2
done
[ ! -t 2 ] || printf '\r                    \r' >&2

# The middle one of the numbers times $2, and the two ends, in the form $1.
middle() {
    sort -n | awk -v form="$1" -v times="${2:-1}" '{ x[NR] = $1 * times }
        END { printf form " (" form " to " form ")",
            x[int((NR + 1) / 2)], x[1], x[NR] }'
}

column() {
    awk -v n="$2" '{ print $n }' "$folder/$1"
}

# show FILE COLUMN FORM TIMES WHAT: a line for each program, and their ratio.
show() {
    echo
    echo "$5"
    for p in epoll $programs; do
        [ -f "$folder/$1.$p" ] || continue
        printf '  %-10s %s\n' "$p" "$(column "$1.$p" "$2" | middle "$3" "$4")"
    done
    if [ "$2" = 1 ] && [ "${6:-}" = ratio ] && [ -f "$folder/$1.uv" ]; then
        printf '  %-10s %s\n' 'ours/uv' "$(paste "$folder/$1.ours" \
            "$folder/$1.uv" | awk '{ print $1 / $2 }' | middle %.3f)"
    fi
}

sed -n 's/^model name[^:]*: /CPU:    /p' /proc/cpuinfo | head -n 1
echo "cores:  $(nproc)"
echo "rounds: $rounds, half of them of what takes long; median (least to most)"
show few 1 %.3f 10 '100 downloads of 0.1 s, in delays (at most 1.03, and libuv'"'"'s)' \
    ratio
show many 1 %.3f 10 "$many downloads of 0.1 s, in delays (at most libuv's)" ratio
show switch 1 %.1f 1 'an await of a turn, in ns (below 50)'
show timers 1 %.4f 1 '1,000,000 timers within a second: s late (at most 0.15)'
show sleepers 1 %.4f 1 '100,000 sleepers of 1 s: s late (at most 0.05)'
show sleepers 2 %.1f 1 '  and bytes each besides their frame (at most 200)'
