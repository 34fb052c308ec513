#!/bin/sh
# measure beside wrk on one server, by turns: requests a second and latency,
# with the medians of the rounds and of their ratios. The servers are ours of
# chapter 4, and nginx where it is installed. They have a core for themselves,
# and those who ask have another one, where there are two.
#
# First a server that takes 10 ms to answer, so that those who ask have time to
# spare: there they must agree, percentile by percentile. Then as fast as it goes,
# where Little's law tells what they did: requests a second, times the mean
# latency, is how many were under way. A client whose core is full leaves answers
# unread and connections unused, and no clock runs between an answer that was
# read and the next request: of 50 only half may be under way, and their latency
# is the half. More than 50 cannot be under way, and where wrk tells so it is by
# its correction: for each request that took twice as long as the mean it adds
# those that would have been made meanwhile, which makes its last percentiles the
# greater. measure adds nothing, and has the second column (-R) for that.
#
#     make bench-measure
#     ROUNDS=11 SECONDS_EACH=2 CONNECTIONS=50 sh tests/bench_measure.sh
set -eu

rounds=${ROUNDS:-7}
seconds=${SECONDS_EACH:-2}
connections=${CONNECTIONS:-50}
build=${BUILD:-build/opt}
PATH=$PATH:/usr/sbin

command -v wrk >/dev/null || { echo 'wrk is missing: apt-get install wrk' >&2
    exit 1; }
[ -x "$build/07_eventloop/measure" ] || {
    echo "$build/07_eventloop/measure is missing: make OPT=1" >&2
    exit 1
}

folder=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

here=
there=
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    here='taskset -c 0'
    there='taskset -c 1'
fi

# Figures in a line: requests a second; the 50th, 90th and 99th percentile of
# the latency, and its mean, in microseconds. The last line of times(1) is how
# long the CPU was busy with it.
# shellcheck disable=SC2016 # these are awk's
figures='
    function us(t) { return t * (t ~ /us$/ ? 1 : t ~ /ms$/ ? 1e3 : 1e6) }
    function s(t, part) { split(t, part, /[ms]/); return part[1] * 60 + part[2] }
    /^Socket errors|^ *Non-2xx/ { print >"/dev/stderr"; exit 1 }
    $1 == "Latency" && $2 != "Distribution" { mean = us($2) }
    $1 ~ /^(50|90|99)%$/ { p[$1 + 0] = us($2) }
    $1 == "Requests/sec:" { n = $2; under_way = n * mean / 1e6 }
    /^a second/ { n = $3 }
    /^under way/ { under_way = $3 }
    /^latency/ { ours = 1 }
    /lag$/ { ours = 0 }
    ours && $2 == "%" { p[$1 + 0] = $3 * 1000 }
    /^[0-9]+m[0-9.]+s/ { busy = s($1) + s($2) }
    END { print n, p[50], p[90], p[99], under_way, busy / seconds * 100 }'

by_wrk() {
    ($there wrk --latency -t1 -c"$connections" -d"$seconds" "$url"
    times) | awk -v seconds="$seconds" "$figures"
}

by_measure() {
    ($there "$build/07_eventloop/measure" "$url" -c "$connections" -s "$seconds"
    times) | awk -v seconds="$seconds" "$figures"
}

middle() {
    sort -n | awk -v form="$1" '{ x[NR] = $1 } END {
        printf form " (" form " to " form ")", x[int((NR + 1) / 2)], x[1],
            x[NR] }'
}

compare() {
    : >"$folder/wrk"
    : >"$folder/measure"
    round=0
    while [ "$round" -lt "$rounds" ]; do
        by_wrk >>"$folder/wrk"
        by_measure >>"$folder/measure"
        round=$((round + 1))
        [ ! -t 2 ] || printf '\r%s, round %d of %d ' "$1" "$round" "$rounds" >&2
    done
    [ ! -t 2 ] || printf '\r                                        \r' >&2
    printf '\n%s, %s connections; median (least to most)\n' "$1" "$connections"
    column=1
    for what in 'requests a second' '50 %, us' '90 %, us' '99 %, us' \
        'under way' 'its CPU, %'; do
        for who in wrk measure; do
            printf '%-18s %-12s %s\n' "$what" "$who" "$(awk -v n="$column" \
                '{ print $n }' "$folder/$who" | middle %.0f)"
        done
        printf '%-18s %-12s %s\n' '' measure/wrk "$(paste "$folder/measure" \
            "$folder/wrk" | awk -v n="$column" '{ print $n / $(n + NF / 2) }' |
            middle %.2f)"
        column=$((column + 1))
    done
}

sed -n 's/^model name[^:]*: /CPU:         /p' /proc/cpuinfo | head -n 1
echo "cores:       $(nproc)"
echo "rounds:      $rounds of $seconds s"

for delay in 0.01 0; do
    : >"$folder/at"
    $here "$build/04_threads/server_threads" -p 0 -d "$delay" -c 1000 \
        >"$folder/at" &
    server=$!
    until [ -s "$folder/at" ]; do sleep 0.01; done
    url=$(sed -n 1p "$folder/at")
    compare "server_threads -d $delay"
    stop
done

command -v nginx >/dev/null || exit 0
port=20000
while ss -Hltn "sport = :$port" | grep -q .; do port=$((port + 1)); done
cat >"$folder/nginx.conf" <<CONF
daemon off; master_process off; worker_processes 1;
pid $folder/nginx.pid; error_log $folder/nginx.log;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 1000000000; tcp_nodelay on;
    client_body_temp_path $folder; proxy_temp_path $folder;
    fastcgi_temp_path $folder; uwsgi_temp_path $folder; scgi_temp_path $folder;
    server { listen 127.0.0.1:$port; location / { return 200 "Hello\n"; } }
}
CONF
$here nginx -p "$folder" -c "$folder/nginx.conf" &
server=$!
url=http://127.0.0.1:$port/
until ss -Hltn "sport = :$port" | grep -q .; do sleep 0.01; done
compare nginx
