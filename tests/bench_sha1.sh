#!/bin/sh
# The speed of hash_file beside sha1sum (plain C) and openssl (instructions of
# the CPU): by turns, on one file that lies in memory. A ratio over 1 means that
# hash_file was the faster of that round; what counts is their median, since
# whatever else runs here slows now one, now the other.
#
#     make bench-sha1
#     ROUNDS=25 MIB=1024 make bench-sha1
set -eu

rounds=${ROUNDS:-15}
mib=${MIB:-256}
hash_file=${BUILD:-build/opt}/01_files/hash_file

for tool in "$hash_file" sha1sum openssl; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done
sha1sum --version 2>&1 | grep -q coreutils || {
    echo "this sha1sum is not the one of coreutils" >&2; exit 1; }
case $(date +%N) in
*[!0-9]* | '') echo "this date does not tell nanoseconds" >&2; exit 1 ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
file=$folder/data
head -c "$((mib * 1048576))" /dev/urandom >"$file"

hash_with() {
    case $1 in
    portable) "$hash_file" --portable "$file" ;;
    native) "$hash_file" "$file" ;;
    sha1sum) sha1sum "$file" ;;
    openssl) openssl dgst -sha1 -r "$file" ;;
    esac
}

# A fast answer must be the right one; reading the file four times also puts
# it into memory.
for tool in portable native sha1sum openssl; do
    hash_with "$tool" | cut -c 1-40
done >"$folder/digests"
if [ "$(sort -u "$folder/digests" | wc -l)" != 1 ]; then
    echo "the digests differ:" >&2
    cat "$folder/digests" >&2
    exit 1
fi

# Appends the nanoseconds of one run to the tool's list.
time_of() {
    start=$(date +%s%N)
    hash_with "$1" >/dev/null
    end=$(date +%s%N)
    echo "$((end - start))" >>"$folder/$1"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    # Whoever goes first in one round goes second in the next.
    if [ $((round % 2)) = 0 ]; then
        for tool in portable sha1sum native openssl; do time_of "$tool"; done
    else
        for tool in openssl native sha1sum portable; do time_of "$tool"; done
    fi
    round=$((round + 1))
done

# Of the numbers on stdin, by this unit: the middle one, and the two ends.
median() {
    sort -n | awk -v unit="$1" '{ x[NR] = $1 / unit }
        END { printf "%.2f (%.2f to %.2f)\n", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

# The times of two tools, and by how much the first was faster.
compare() {
    for tool in "$1" "$2"; do
        printf '%-9s %s ms\n' "$tool" "$(median 1000000 <"$folder/$tool")"
    done
    printf '%s / %s: %s\n\n' "$2" "$1" "$(
        paste "$folder/$2" "$folder/$1" | awk '{ print $1 / $2 }' | median 1)"
}

sed -n 's/^model name[^:]*: /CPU:       /p' /proc/cpuinfo | head -n 1
grep -qw sha_ni /proc/cpuinfo || echo "           has no SHA instructions"
echo "hash_file: $hash_file"
echo "sha1sum:   $(sha1sum --version | head -n 1)"
echo "openssl:   $(openssl version)"
echo "file:      $mib MiB in memory, $rounds rounds; median (least to most)"
echo "ratios:    over 1 where hash_file is the faster"
echo
compare portable sha1sum
compare native openssl
