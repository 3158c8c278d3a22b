#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Install the Debian packages that Gannet's build, tests and benchmarks use.
#
# usage: tools/setup.sh [--quiet] [build|test|run|bench]...     (no group: all)
#
# Asks dpkg first and touches nothing when nothing is missing. Needs root or sudo only to install.
set -euo pipefail

declare -A group=(
    [build]="gcc libc6-dev binutils make cmake ninja-build pkg-config python3 libmnl-dev libpcap-dev libncurses-dev"
    [test]="g++ clang libclang-rt-dev libcriterion-dev clang-format clang-tidy git patch nginx-light"
    [run]="iproute2 iputils-ping curl tshark tcpdump netcat-openbsd util-linux python3"
    [bench]="liblwip-dev valgrind"
    [web]="chromium prometheus"
)
declare -A purpose=(
    [build]="compiler, build system, the way to ask the kernel for its sockets, captures"
    [test]="second compiler, test framework, formatter"
    [run]="network namespaces and the programs that talk to Gannet"
    [bench]="the peer that is measured beside Gannet, instruction counts"
    [web]="what the page and the figures of gannet why are tried with"
)
order=(build test run bench web)
quiet=0
wanted=()

say()
{
    echo "setup: $*"
}

fail()
{
    echo "setup: $*" >&2
    exit 1
}

for arg in "$@"; do
    case $arg in
    --quiet) quiet=1 ;;
    -h | --help)
        sed -n '3,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        [[ -n ${group[$arg]:-} ]] || fail "no group '$arg'; there are: ${order[*]}"
        wanted+=("$arg")
        ;;
    esac
done
[[ ${#wanted[@]} -gt 0 ]] || wanted=("${order[@]}")

if ! command -v dpkg-query >/dev/null; then
    say "this is not a Debian system; needed is what corresponds to:"
    for g in "${wanted[@]}"; do
        say "    ${group[$g]}"
    done
    exit $((1 - quiet)) # make goes on, and the build says what it misses
fi

missing=()
for g in "${wanted[@]}"; do
    absent=()
    for package in ${group[$g]}; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [[ $state == installed ]] || absent+=("$package")
    done
    if [[ ${#absent[@]} -gt 0 ]]; then
        say "$g (${purpose[$g]}): ${absent[*]} missing"
        missing+=("${absent[@]}")
    elif [[ $quiet == 0 ]]; then
        say "$g (${purpose[$g]}): complete"
    fi
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null ||
        fail "installing needs root and there is no sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y)
say "apt-get update"
"${apt[@]}" -qq update </dev/null || fail "apt-get update failed"
say "apt-get install ${missing[*]}"
"${apt[@]}" -qq install --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
    fail "apt-get install failed; to see why: apt-get install ${missing[*]}"
say "done"
