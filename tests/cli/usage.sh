#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Help texts, bad arguments, knobs, completion, man page: what every caller meets first.
set -u
root=${GN_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
gannet=${GN_BUILD:-$root/build}/bin/gannet
n=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export XDG_RUNTIME_DIR=$tmp NO_COLOR=1

result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$tmp/out" "$tmp/err"
    fi
}

# expect CODE LINES_ON_STDERR WORDS -- ARGUMENT...: exit code, exactly that many lines, containing WORDS
expect() {
    local code=$1 lines=$2 words=$3 got
    shift 4
    "$gannet" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    [ "$got" -eq "$code" ] && [ "$(wc -l <"$tmp/err")" -eq "$lines" ] && grep -qF -- "$words" "$tmp/out" "$tmp/err"
    result $? "gannet $*: exit $code, says '$words' (exit was $got)"
}

expect 0 0 'usage: gannet COMMAND' -- --help
expect 0 0 'gannet 0.' -- --version
expect 2 1 "no such command 'frob'" -- frob
expect 2 1 "no such command 'frob'" -- help frob
mapfile -t commands < <("$gannet" --help | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p')
[ "${#commands[@]}" -ge 13 ]
result $? "gannet --help names the commands (${commands[*]})"
for c in "${commands[@]}"; do
    expect 0 0 "usage: gannet $c" -- "$c" --help
    expect 0 0 "usage: gannet $c" -- help "$c"
    expect 2 1 "unknown option '--frob'" -- "$c" --frob
    expect 2 1 "unknown option '-Z'" -- "$c" -Z
done
expect 2 1 "no demonstration is called 'frob'" -- demo frob
expect 2 1 "one demonstration at a time" -- demo close handshake
expect 2 1 "--width is a number" -- demo handshake --width 3
expect 2 1 "--loss is a percentage" -- demo handshake --loss 101
expect 2 1 "no good value for tcp_sack" -- demo handshake --set tcp_sack=7
expect 2 1 "no knob is called 'frob'" -- demo handshake --set frob=1
expect 2 1 "wants NAME=VALUE" -- demo handshake --set tcp_sack
expect 2 1 "needs a value" -- demo --svg
expect 2 1 "takes no value" -- demo --ascii=1
expect 1 1 "/nonexistent/x.pcap" -- demo handshake --pcap /nonexistent/x.pcap
expect 1 1 "not be written whole" -- demo handshake --pcap /dev/full
expect 1 1 "/nonexistent/x.svg" -- demo handshake --svg /nonexistent/x.svg
expect 2 1 "no scenario has 'frob' in its name" -- explore frob
expect 2 1 "no scenario has 'frob' in its name" -- explore --list frob
expect 2 1 "one word too many: 'loss'" -- explore --list a loss
expect 0 0 "pairs of states of the two hosts" -- explore "nobody answers"
expect 3 1 "not exhaustive: 1 of 1 scenarios were not searched whole" -- explore --max-states 100 "nobody answers"
expect 3 1 "given up with 20 choices left" -- explore --max-states 100 "nobody answers"
expect 3 1 "states with more packets in flight than it follows" -- explore --duplicate 6 --max-states 3000 "users leave, a loss"
expect 2 1 "which host and port" -- nc
expect 2 1 "which host and port" -- nc 10.0.0.1
expect 2 1 "is no port" -- nc 10.0.0.1 65536
expect 2 1 "is no IPv4 or IPv6 address" -- nc example 80
expect 2 1 "one word too many" -- nc 10.0.0.1 80 90
expect 2 1 "which port" -- nc -l
expect 2 1 "wants ADDRESS/LENGTH" -- up --addr 10.0.0.300/24
expect 2 1 "wants ADDRESS/LENGTH" -- up --addr 10.0.0.1/33
expect 2 1 "--mtu is a number" -- up --mtu 100
expect 2 1 "not of a host" -- up --addr 10.0.0.0/24
expect 2 1 "not of a host" -- up --addr 10.0.0.255/24
expect 2 1 "on the network of no --addr" -- up --addr 10.0.0.2/24 --gateway 10.0.1.1
expect 2 1 "IPv6 needs --mtu 1280" -- up --addr fd00::2/64 --mtu 1000
expect 2 1 "one device" -- up --tun a --tap b
expect 2 1 "cannot be the name of a device" -- up --tun abcdefghijklmnopqrst
expect 2 1 "No such file or directory" -- up --http /nonexistent
expect 2 1 "--put needs --http" -- up --put
expect 2 1 "is no port" -- up --echo 0
expect 1 1 "no 'gannet up' of this user is running" -- ss
expect 1 1 "No such file or directory" -- stats --control /nonexistent
expect 2 1 "no state is called 'frob'" -- ss state frob
expect 2 1 "is no filter" -- ss frob
expect 2 1 "is no port" -- ss sport = :0
expect 2 1 "'8080' is no filter; --listen 8080 serves at that port" -- why --web 8080
expect 2 1 "'8080' is no filter; --listen 8080 serves at that port" -- why 8080 --web
expect 2 1 "'8080' is no filter: state S" -- why 8080
expect 2 1 "'frob' is no filter: state S" -- why 8080 frob --web
expect 0 0 '# ' -- why close-wait-leak --explain
expect 1 1 "there is no finding './x'" -- why --explain ./x
expect 2 1 "which request" -- ctl
expect 2 1 "--from, --to, or both" -- migrate
expect 2 1 "a filter is for --from" -- migrate --to "$tmp/x" sport = :80
expect 1 1 "control socket $tmp/x" -- migrate --from "$tmp/x"
expect 1 1 "no knob has 'frob'" -- knobs frob
expect 0 0 'tcp_syn_retries' -- knobs
expect 0 0 '"name":"tcp_msl"' -- knobs tcp_msl --json
expect 2 1 "--cc is newreno, cubic or bbr, not 'frob'" -- sim --plot "$tmp/x.svg" --cc frob
expect 2 1 "--rtt is a number from 1 to 10000, not '0'" -- sim --plot "$tmp/x.svg" --rtt 0
expect 2 1 'are about a --plot' -- sim --loss 10
expect 2 1 'is about a --table' -- sim --quick
expect 2 1 'either a --table or a --plot' -- sim --table tail --plot "$tmp/x.svg"
expect 1 1 'cannot write /nonexistent/x: No such file' -- sim --plot /nonexistent/x
expect 0 0 'octets  loss' -- sim --table tail --quick

"$gannet" knobs --json | python3 -m json.tool >"$tmp/out" 2>"$tmp/err"
result $? "gannet knobs --json is JSON"
"$gannet" knobs --markdown | diff - "$root/docs/knobs.md" >"$tmp/out" 2>"$tmp/err"
result $? "docs/knobs.md is what gannet knobs --markdown prints"
"$gannet" demo handshake >/dev/full 2>"$tmp/err"
[ $? -eq 1 ]
result $? "output that cannot be written makes it fail"

# the man page names every command and every option, and none that is not there
sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/s/^\.B gannet \([a-z]*\) .*/\1/p' "$root/docs/gannet.1" | sort -u >"$tmp/said"
printf '%s\n' "${commands[@]}" help | sort | diff - "$tmp/said" >"$tmp/out" 2>"$tmp/err"
result $? "the man page's synopsis has the commands that there are"
for c in "${commands[@]}"; do
    sed -n '/^\.SH DESCRIPTION/,$p' "$root/docs/gannet.1" | grep -qx "\.B gannet $c"
    result $? "the man page tells about gannet $c"
done
for c in "${commands[@]}"; do
    "$gannet" "$c" --help | sed -n 's/^  \(-[A-Za-z0-9],\)\? *\(--[a-z0-9-]*\).*/\2/p'
done | sort -u >"$tmp/real"
sed 's/\\-/-/g' "$root/docs/gannet.1" | grep -oE -- '--[a-z][a-z0-9-]*' | grep -vx -- '--version' | sort -u >"$tmp/said"
diff "$tmp/real" "$tmp/said" >"$tmp/out" 2>"$tmp/err"
result $? "the man page has the options that there are"
if command -v man >/dev/null; then
    man --warnings -E UTF-8 -l -Tutf8 -Z "$root/docs/gannet.1" 2>"$tmp/err" >/dev/null
    [ ! -s "$tmp/err" ]
    result $? "the man page formats without warnings"
else
    n=$((n + 1))
    echo "ok $n - the man page formats without warnings # SKIP no man program here"
fi

# complete WORDS...: what bash would offer for the last word
complete_for() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _gannet "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; printf "%s\n" "${COMPREPLY[@]}"' \
        x "$root/completions/gannet.bash" "$gannet" "$@" 2>"$tmp/err" >"$tmp/out"
}
complete_for de && grep -qx demo "$tmp/out"
result $? "completion knows commands"
complete_for '' && printf '%s\n' "${commands[@]}" --help --version | sort | diff - <(sort "$tmp/out") >"$tmp/err"
result $? "completion offers all commands"
for c in "${commands[@]}"; do
    "$gannet" "$c" --help | sed -n 's/^  \(-[A-Za-z0-9],\)\? *\(--[a-z0-9-]*\).*/\2/p' | sort >"$tmp/real"
    complete_for "$c" -- && diff "$tmp/real" <(sort "$tmp/out") >"$tmp/err"
    result $? "completion offers the options of gannet $c"
done
complete_for sim --table bur && grep -qx burst "$tmp/out"
result $? "completion knows tables"
complete_for sim --cc cu && grep -qx cubic "$tmp/out"
result $? "completion knows congestion controls"
complete_for demo simul && grep -qx simultaneous-close "$tmp/out"
result $? "completion knows demonstrations"
complete_for ss --hi && grep -qx -- --history "$tmp/out"
result $? "completion knows options"
complete_for up --set tcp_syn_r && grep -qx tcp_syn_retries= "$tmp/out"
result $? "completion knows knobs"
complete_for ss state time && grep -qx time-wait "$tmp/out"
result $? "completion knows states"
echo "1..$n"
