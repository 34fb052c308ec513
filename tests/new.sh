#!/bin/sh
# Lays down a new program: its source, its transcript, its row in the README.
#
#     sh tests/new.sh 04_threads/race
#
# All three build and pass as they are; then the writing begins.
set -eu

usage() {
    echo "new: $1" >&2
    echo 'usage: make new P=04_threads/name' >&2
    exit 2
}

program=${1:-}
chapter=${program%/*}
name=${program##*/}
case $program in
*?/?*) ;;
*) usage "'$program': not chapter/name" ;;
esac
[ -d "$chapter" ] || usage "$chapter: no such chapter"
case $chapter in
0[1-9]_*) ;;
*) usage "$chapter: not a chapter" ;;
esac
case $name in
*[!a-z0-9_]* | [!a-z]*) usage "'$name': a name is of a-z, 0-9 and _" ;;
esac
for other in 0[1-9]_*/"$name".[ch]; do
    [ ! -e "$other" ] || usage "$other: is there already"
done
[ -f "$chapter/README.md" ] || usage "$chapter/README.md: is missing"
grep -q '^| Program ' "$chapter/README.md" || usage "$chapter/README.md: has no table of programs"

cat >"$chapter/$name.c" <<SOURCE
/* $name.c: says its name.
 *
 * Cells: none
 * Run:   make $name
 * Ask:   what will it print?
 * Watch: its name.
 */
#include <stdio.h>

#include "01_files/cli.h"

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "say its name",
    };
    cli_parse(&cli, argc, argv);

    //> Its name will now be printed.
    puts("$name");
    return CLI_OK;
}
SOURCE

mkdir -p "tests/transcripts/$chapter"
cat >"tests/transcripts/$chapter/$name.transcript" <<TRANSCRIPT
\$ $name
$name
exit 0
TRANSCRIPT

# The row goes to the end of the table.
awk -v row="| [$name]($name.c) | none | says its name | | its name |" '
    /^\| / { in_table = 1 }
    !/^\|/ && in_table && !done { print row; done = 1 }
    { print }
    END { if (!done) print row }
' "$chapter/README.md" >"$chapter/README.md.new"
mv "$chapter/README.md.new" "$chapter/README.md"

echo "$chapter/$name.c"
echo "tests/transcripts/$chapter/$name.transcript"
echo "$chapter/README.md: a row"
echo "next: make $name"
