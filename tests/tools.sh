#!/bin/sh
# Which tools are there, what each is for, and how to get those that are not.
#
#     sh tests/tools.sh doctor      a table, and what still works without them
#     sh tests/tools.sh deps        installs what the lecture, the tours and the
#                                   tests need and this machine lacks
#     sh tests/tools.sh deps all    and what keeps the house: coverage, lint, ...
#
# Needs nothing but a shell, since it is what comes first on a bare machine.
set -u

# tool | what for | needed: base or all | apt | dnf | pacman | apk | brew
tools() {
    cat <<'TABLE'
cc|every program|base|gcc libc6-dev|gcc glibc-devel|gcc|gcc musl-dev linux-headers|gcc
make|every program|base|make|make|make|make|make
check|the tests, and the test programs of chapter 2|base|check pkg-config|check-devel pkgconf|check pkgconf|check-dev pkgconf|check pkg-config
pgrep|the tests of servers|base|procps|procps-ng|procps-ng|procps|-
nc|talking to the servers by hand|all|netcat-openbsd|nmap-ncat|openbsd-netcat|netcat-openbsd|-
gdb|the tours, make debug-test|base|gdb|gdb|gdb|gdb|gdb
clang|CC=clang|all|clang libclang-rt-14-dev|clang compiler-rt|clang compiler-rt|clang compiler-rt|llvm
musl-gcc|CC=musl-gcc|all|musl-tools|musl-gcc|musl|-|-
gcovr|make coverage|all|gcovr|gcovr|-|gcovr|gcovr
valgrind|make test-all|all|valgrind|valgrind|valgrind|valgrind|-
clang-format|make format|all|clang-format|clang-tools-extra|clang|clang-extra-tools|clang-format
clang-tidy|make lint|all|clang-tidy|clang-tools-extra|clang|clang-extra-tools|llvm
cppcheck|make lint|all|cppcheck|cppcheck|cppcheck|cppcheck|cppcheck
shellcheck|make lint|all|shellcheck|ShellCheck|shellcheck|shellcheck|shellcheck
TABLE
}

have() {
    case $1 in
    check)
        command -v "${CC:-cc}" >/dev/null 2>&1 &&
            echo '#include <check.h>' | "${CC:-cc}" -E - >/dev/null 2>&1
        ;;
    cc)
        command -v "${CC:-cc}" >/dev/null 2>&1 &&
            echo '#include <stdio.h>' | "${CC:-cc}" -E - >/dev/null 2>&1
        ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

doctor() {
    missing=0
    tools | {
        while IFS='|' read -r tool for _; do
            if have "$tool"; then
                printf '  %-13s is there   for %s\n' "$tool" "$for"
            else
                printf '  %-13s MISSING    needed for %s\n' "$tool" "$for"
                missing=1
            fi
        done
        if [ $missing = 1 ]; then
            echo 'All else works. make deps installs what lecture, tours and'
            echo 'tests need, make deps-all everything.'
        fi
    }
    # Only a try tells whether this machine lets one process trace another.
    if have gdb; then
        if gdb -nx -batch -ex run /bin/true 2>&1 | grep -q 'exited normally'; then
            echo '  tracing       is allowed: gdb can run a program'
        else
            echo '  tracing       FORBIDDEN  no tours: in a container, start it with'
            echo '                           --cap-add=SYS_PTRACE; else see'
            echo '                           /proc/sys/kernel/yama/ptrace_scope'
        fi
    fi
}

deps() {
    for manager in apt-get dnf pacman apk brew; do
        command -v $manager >/dev/null 2>&1 && break
        manager=
    done
    case $manager in
    apt-get) column=4 install='apt-get install -y --no-install-recommends' ;;
    dnf) column=5 install='dnf install -y' ;;
    pacman) column=6 install='pacman -Sy --needed --noconfirm' ;;
    apk) column=7 install='apk add' ;;
    brew) column=8 install='brew install' ;;
    *)
        echo 'deps: none of apt-get, dnf, pacman, apk and brew is here;' \
            'install by hand what make doctor calls missing' >&2
        exit 1
        ;;
    esac

    wanted=$(
        tools | while IFS= read -r row; do
            field() { echo "$row" | cut -d'|' -f"$1"; }
            [ "$(field 3)" = base ] || [ "$1" = all ] || continue
            have "$(field 1)" || field $column
        done | tr '\n' ' ' | sed 's/-  *//g; s/ *$//'
    )
    if [ -z "$wanted" ]; then
        echo 'deps: nothing is missing'
        return
    fi
    as_root=
    if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
        as_root=sudo
        command -v sudo >/dev/null 2>&1 || {
            echo "deps: needs root, and there is no sudo: $install $wanted" >&2
            exit 1
        }
    fi
    [ "$manager" != apt-get ] || run "$as_root" apt-get update
    # shellcheck disable=SC2086 # these are lists of words
    run "$as_root" $install $wanted
}

# Shows the command before it runs it.
run() {
    [ -n "$1" ] || shift
    echo "+ $*"
    DEBIAN_FRONTEND=noninteractive "$@" </dev/null || exit 1
}

case "${1:-}" in
doctor) doctor ;;
deps) deps "${2:-base}" ;;
*)
    echo 'usage: sh tests/tools.sh doctor | deps [all]' >&2
    exit 2
    ;;
esac
