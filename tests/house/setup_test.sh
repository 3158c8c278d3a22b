#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# setup.sh installs what is missing, only that, and says clearly when it cannot. dpkg-query, apt-get,
# sudo and id are stand-ins here.
set -u
root=${GN_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# stand_in NAME BODY: a program of that name that comes first in PATH
stand_in()
{
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/$1"
    chmod +x "$dir/bin/$1"
}

# expect NAME STATUS PATTERN: judge the last run of setup.sh
expect()
{
    n=$((n + 1))
    if [[ $status == "$2" ]] && grep -qE -- "$3" "$dir/out"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "# exit status $status, expected $2 and: $3"
        sed 's/^/# /' "$dir/out"
    fi
}

run()
{
    status=0
    PATH=$dir/bin "$BASH" "$root/tools/setup.sh" "$@" >"$dir/out" 2>&1 </dev/null || status=$?
    [[ -e $dir/apt ]] && cat "$dir/apt" >>"$dir/out"
    rm -f "$dir/apt"
}

mkdir "$dir/bin"
for program in env cat sed sh; do
    ln -s "$(command -v $program)" "$dir/bin/$program"
done
stand_in dpkg-query 'echo installed'
stand_in id 'echo 0'
stand_in apt-get "echo \"apt: \$*\" >>$dir/apt"

run
expect "nothing missing: says so and installs nothing" 0 '^setup: build .*: complete'
run --quiet build test
[[ -s $dir/out ]] || echo "(silence)" >"$dir/out"
expect "nothing missing, quiet: silence" 0 '^.silence.$'
run nonsense
expect "an unknown group is refused" 1 "no group 'nonsense'"

# shellcheck disable=SC2016 # expanded by the stand-in
stand_in dpkg-query 'for last; do :; done; [ "$last" = cmake ] && exit 1; echo installed'
run --quiet build
expect "what is missing is named" 0 '^setup: build .*: cmake missing'
expect "and only that is installed" 0 'apt: .*install --no-install-recommends cmake$'
stand_in id 'echo 1000'
run build
expect "without root or sudo: one clear line" 1 'no sudo; as root: apt-get install cmake$'
stand_in sudo "echo \"sudo: \$*\" >>$dir/apt; \"\$@\""
run build
expect "without root, with sudo: uses it" 0 'sudo: .*apt-get .*install .*cmake'
stand_in apt-get 'exit 100'
run build
expect "a failing apt-get is reported" 1 'apt-get update failed'
rm "$dir/bin/dpkg-query"
run build
expect "not Debian: says what is needed" 1 'not a Debian system'
echo "1..$n"
