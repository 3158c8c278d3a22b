#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The core is pure: it needs nothing but memcpy, memmove, memset, memcmp and gn_panic, and it owns no
# writable data. Judged from its machine code: compiled with -O3, joined by ld -r, read by nm and size.
#
# usage: tools/check_pure.sh [ROOT]      CC chooses the compiler
set -euo pipefail
root=$(cd "${1:-$(dirname "$0")/..}" && pwd)
cc=${CC:-gcc}
layers="base wire congestion recovery tcp ip host explain"
allowed="memcpy memmove memset memcmp gn_panic"
out=$root/build/check/pure-$(basename "$cc")
case $("$cc" --version) in # as in cmake/layers.cmake
*clang*) flags=(-fno-builtin-bcmp) ;;
*) flags=(-fno-tree-loop-distribute-patterns) ;;
esac

cd "$root"
mkdir -p "$out"
sources=()
for layer in $layers; do
    for source in src/"$layer"/*.c; do
        [[ -e $source ]] && sources+=("$source")
    done
done
if [[ ${#sources[@]} == 0 ]]; then
    echo "check_pure: no core sources in $root/src" >&2
    exit 1
fi

# Objects that are older than any header or than their source are compiled anew.
newest_header=$(find include src \( -name '*.h' -o -name '*.def' \) -printf '%T@ %p\n' |
    sort -n | tail -1 | cut -d' ' -f2)
objects=()
stale=()
for source in "${sources[@]}"; do
    object=$out/${source//\//-}.o
    objects+=("$object")
    if [[ ! $object -nt $source || ! $object -nt $newest_header ]]; then
        stale+=("$source" "$object")
    fi
done
if [[ ${#stale[@]} -gt 0 ]]; then
    printf -- '-c %s -o %s\n' "${stale[@]}" |
        xargs -P2 -L1 "$cc" -std=c11 -O3 "${flags[@]}" -fno-pie -fno-common -Iinclude -Isrc
fi
core=$out/core.o
ld -r -o "$core" "${objects[@]}"

problems=0
complain()
{
    echo "$*"
    problems=$((problems + 1))
}

# Who needs a name, for the message: the objects in which it is undefined.
users_of()
{
    local object name
    for object in "${objects[@]}"; do
        if nm -u "$object" | grep -qw "$1"; then
            name=$(basename "$object" .o)
            echo "${name//-//}"
        fi
    done | paste -sd' '
}

while read -r _ name; do
    if [[ " $allowed " != *" $name "* ]]; then
        complain "core needs $name from outside: $(users_of "$name")"
    fi
done < <(nm -u "$core")

while read -r section size _; do
    case $section in
    .data.rel.ro*) ;;
    .data* | .bss* | .tdata* | .tbss* | COMMON | .init_array* | .ctors*)
        if [[ $size != 0 ]]; then
            owners=$(nm "$core" | awk '$2 ~ /^[bBdDcC]$/ {print $3}' | head -5 | paste -sd' ')
            complain "core owns writable data: $section has $size bytes (${owners})"
        fi
        ;;
    esac
done < <(size -A "$core" | grep '^[.C]')

if [[ $problems -gt 0 ]]; then
    echo "check_pure: $problems problems" >&2
    exit 1
fi
echo "check_pure: ${#sources[@]} core files need only: $(nm -u "$core" | awk '{print $2}' | paste -sd' ')"
