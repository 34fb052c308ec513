#!/bin/sh
# Requests of /hello a second over kept connections: web_app beside nginx's
# static `return 200` and a hello on libuv (written as its documentation has it,
# and with uv_try_write), by turns, each time on a new port.
# What counts is the median of the rounds' ratios; where wrk is the slowest of
# all, which is near 130,000 requests a second, that is 1, and the CPU time tells
# more. The servers run on one core and wrk on another, where there are two. Then
# 10,000 connections are held open against web_app, and its memory is looked at.
#
#     make bench-web
#     ROUNDS=21 SECONDS_EACH=2 CONNECTIONS=500 sh tests/bench_web.sh

# shellcheck disable=SC3045 # dash, bash and busybox have ulimit -n
set -eu

rounds=${ROUNDS:-11}
seconds=${SECONDS_EACH:-1}
counts=${CONNECTIONS:-64 500}
build=${BUILD:-build/opt}/07_eventloop
many=${MANY:-10000}
servers='groundup nginx libuv libuv_try'

[ -x "$build/web_app" ] || { echo "$build/web_app is missing: make OPT=1" >&2
    exit 1; }
for tool in wrk nginx; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || {
        echo "$tool is missing: apt-get install wrk nginx-light libuv1-dev" >&2
        exit 1
    }
done
PATH=$PATH:/usr/sbin

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
$cc -std=gnu17 -D_GNU_SOURCE -O2 -o "$folder/hello_uv" tests/bench/hello_uv.c -luv
ulimit -n "$(ulimit -Hn)"

here=
there=
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    here='taskset -c 0'
    there='taskset -c 1'
fi

# nginx cannot tell which port it was given: one that is free now.
nginx_port=20000
nginx_conf() {
    while nginx_port=$((nginx_port + 1)); do
        ss -Hltn "sport = :$nginx_port" 2>/dev/null | grep -q . || break
    done
    cat >"$folder/nginx.conf" <<CONF
daemon off; master_process off; worker_processes 1;
pid $folder/nginx.pid; error_log $folder/nginx.log;
events { worker_connections 16384; }
http {
    access_log off; keepalive_requests 1000000000; tcp_nodelay on;
    client_body_temp_path $folder; proxy_temp_path $folder;
    fastcgi_temp_path $folder; uwsgi_temp_path $folder; scgi_temp_path $folder;
    default_type "text/plain; charset=utf-8";
    server { listen 127.0.0.1:$nginx_port backlog=4096;
        location = /hello { return 200 "Hello, world!\n"; } }
}
CONF
}

# Starts the server $1; its URL is in $url.
start() {
    : >"$folder/at"
    case $1 in
    groundup) $here "$build/web_app" -p 0 -c 20000 >"$folder/at" & ;;
    libuv) $here "$folder/hello_uv" >"$folder/at" & ;;
    libuv_try) $here "$folder/hello_uv" try >"$folder/at" & ;;
    nginx)
        nginx_conf
        $here nginx -p "$folder" -c "$folder/nginx.conf" &
        until ss -Hltn "sport = :$nginx_port" | grep -q .; do sleep 0.01; done
        echo "http://127.0.0.1:$nginx_port/" >"$folder/at"
        ;;
    esac
    server=$!
    until [ -s "$folder/at" ]; do sleep 0.01; done
    url=$(sed -n '1p' "$folder/at")
}

stop() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

# Asks the server $1 for a while over $2 connections, and adds its figure to
# its file. wrk says when something went wrong.
measure() {
    start "$1"
    $there wrk -t1 -c"$2" -d"$seconds" "${url}hello" >"$folder/wrk"
    cpu=$(cut -d' ' -f1 "/proc/$server/schedstat")
    stop
    if grep -E 'Socket errors|Non-2xx' "$folder/wrk"; then
        echo "$1, $2 connections: not all was answered" >&2
        exit 1
    fi
    sed -n 's/^Requests.sec: *//p' "$folder/wrk" >>"$folder/$1.$2"
    awk -v cpu="$cpu" '/requests in/ { print cpu / 1000 / $1 }' \
        "$folder/wrk" >>"$folder/$1.$2.cpu"
}

# The middle one of the numbers, and the two ends.
middle() {
    sort -n | awk -v form="$1" '{ x[NR] = $1 } END {
        printf form " (" form " to " form ")\n",
            x[int((NR + 1) / 2)], x[1], x[NR] }'
}

sed -n 's/^model name[^:]*: /CPU:         /p' /proc/cpuinfo | head -n 1
echo "cores:       $(nproc)"
echo "rounds:      $rounds of $seconds s; median (least to most)"

for count in $counts; do
    round=0
    while [ "$round" -lt "$rounds" ]; do
        for name in $servers; do measure "$name" "$count"; done
        round=$((round + 1))
        [ ! -t 2 ] || printf '\r%s connections, round %d of %d ' \
            "$count" "$round" "$rounds" >&2
    done
    [ ! -t 2 ] || printf '\r                                    \r' >&2
    echo
    echo "$count connections"
    for name in $servers; do
        printf '%-9s requests a second     %s\n' "$name" \
            "$(middle %.0f <"$folder/$name.$count")"
    done
    for name in $servers; do
        printf '%-9s CPU for a request, us %s\n' "$name" \
            "$(middle %.2f <"$folder/$name.$count.cpu")"
    done
    for name in nginx libuv libuv_try; do
        printf 'groundup  over %-15s %s\n' "$name" \
            "$(paste "$folder/groundup.$count" "$folder/$name.$count" |
                awk '{ print $1 / $2 }' | middle %.2f)"
    done
done

# Memory of the server, in KiB, as the kernel has it.
memory() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"
}

echo
[ "$(ulimit -n)" -gt $((many + 200)) ] || {
    echo "$many connections: only $(ulimit -n) descriptors are allowed"
    exit 0
}
start groundup
idle=$(memory)
$there wrk -t1 -c"$many" -d5 --timeout 10 "${url}hello" >"$folder/wrk" &
asking=$!
sleep 3
first=$(memory)
wait "$asking"
$there wrk -t1 -c"$many" -d5 --timeout 10 "${url}hello" >"$folder/wrk2" &
asking=$!
sleep 3
second=$(memory)
wait "$asking"
stop
echo "$many connections, kept and used"
echo "errors                        $(grep -hcE 'Socket errors|Non-2xx' \
    "$folder/wrk" "$folder/wrk2" | awk '{ n += $1 } END { print n }')"
sed -n 's/^Requests.sec: */requests a second             /p' "$folder/wrk2"
echo "memory, nobody there          $idle KiB"
echo "memory, the first time        $first KiB"
echo "memory, the second time       $second KiB"
