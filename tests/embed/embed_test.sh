#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The installed tree serves a program of somebody else's: by pkg-config and by find_package, in C and
# C++, with the shared library, the static one and the core alone.
set -u
root=${GN_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
release=${GN_RELEASE:-$root/build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
prefix=$dir/prefix
n=0

# try NAME COMMAND...: one test, good if the command succeeds; its output explains a failure
try()
{
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >"$dir/out" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$dir/out"
    fi
}

# says PROGRAM: it runs and reports its listener
says()
{
    [[ $(LD_LIBRARY_PATH=$libdir "$@") == LISTEN ]]
}

# compile COMPILER FLAG...: the consumer, to $dir/consumer, and run it
compile()
{
    "$@" -o "$dir/consumer" && says "$dir/consumer"
}

# only_public COMMAND...: the names that it lists are not none, and all begin with gn_
only_public()
{
    local names
    names=$("$@" | awk 'NF == 3 {print $3}')
    grep -qx gn_host_new <<<"$names" || { echo "no gn_host_new"; return 1; }
    ! grep -v '^gn_' <<<"$names"
}

core_needs_little()
{
    local names
    names=$(nm -u "$libdir/libgannet-core.a" | awk 'NF == 2 {print $2}')
    grep -qx gn_panic <<<"$names" || { echo "does not even need gn_panic"; return 1; }
    ! grep -vxE 'memcpy|memmove|memset|memcmp|gn_panic|_GLOBAL_OFFSET_TABLE_' <<<"$names"
}

by_cmake()
{
    cmake -S "$root/tests/embed" -B "$dir/cmake" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$dir/cmake" &&
        says "$dir/cmake/use-gannet" && says "$dir/cmake/use-static" && says "$dir/cmake/use-core"
}

try "cmake --install" cmake --install "$release" --prefix "$prefix"
pc=$(find "$prefix" -name gannet.pc)
if [[ -z $pc ]]; then
    echo "Bail out! nothing installed"
    exit 1
fi
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=$libdir/pkgconfig
flags="$(pkg-config --cflags gannet) -Wall -Wextra -Wshadow -Wpedantic -Werror"
consumer=$root/tests/embed/consumer.c

# shellcheck disable=SC2046,SC2086 # lists of flags
{
    try "C, shared library, pkg-config" \
        compile gcc -std=c11 $flags "$consumer" $(pkg-config --libs gannet)
    try "C, static library" compile gcc -std=c11 $flags "$consumer" "$libdir/libgannet.a" -pthread
    try "C, static library, linked by clang" \
        compile clang -std=c11 $flags "$consumer" "$libdir/libgannet.a" -pthread
    try "C, static library, the program's own gn_panic wins" \
        compile gcc -std=c11 -DOWN_PANIC $flags "$consumer" "$libdir/libgannet.a" -pthread
    try "C, core alone, pkg-config" \
        compile gcc -std=c11 -DOWN_PANIC $flags "$consumer" $(pkg-config --libs gannet-core)
    try "C++, shared library" \
        compile g++ -x c++ -std=c++17 $flags "$consumer" -x none $(pkg-config --libs gannet)
}
try "find_package: shared, static, core" by_cmake
try "every installed header alone, C and C++" "$root/tools/check_headers" "$prefix/include"
try "libgannet.so exports only gn_*" only_public nm -D --defined-only "$libdir/libgannet.so"
try "libgannet.a shows only gn_*" only_public nm -g --defined-only "$libdir/libgannet.a"
try "libgannet-core.a shows only gn_*" only_public nm -g --defined-only "$libdir/libgannet-core.a"
try "libgannet-core.a needs only memory functions and gn_panic" core_needs_little
echo "1..$n"
