# SPDX-License-Identifier: BSD-2-Clause
# bash completion of gannet(1). Commands, options and names are asked of the program itself.

_gannet_options() {
    "$1" "$2" --help 2>/dev/null | sed -n 's/^  \(-[A-Za-z0-9]\)\?,\? *\(--[a-z0-9-]*\).*/\1 \2/p'
}

_gannet() {
    local program=$1 cur=$2 prev=$3 command=${COMP_WORDS[1]-} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p') --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    case $prev in
    --explain)
        mapfile -t COMPREPLY < <(compgen -W "$("$program" why --explain 2>/dev/null | sed 's/ .*//')" -- "$cur")
        return
        ;;
    --table)
        mapfile -t COMPREPLY < <(compgen -W "$("$program" sim --table list 2>/dev/null)" -- "$cur")
        return
        ;;
    --cc)
        mapfile -t COMPREPLY < <(compgen -W "newreno cubic bbr" -- "$cur")
        return
        ;;
    --pcap | --svg | --plot | --record | --replay | --control | --host | --from | --to)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        compopt -o filenames
        return
        ;;
    --http)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        compopt -o filenames
        return
        ;;
    --tun | --tap)
        mapfile -t COMPREPLY < <(compgen -W "gannet0" -- "$cur")
        return
        ;;
    --link)
        mapfile -t COMPREPLY < <(compgen -W "tun: tap: packet: xdp:" -- "$cur")
        compopt -o nospace
        return
        ;;
    :) # readline breaks words there
        mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
        return
        ;;
    --color)
        mapfile -t COMPREPLY < <(compgen -W "always never auto" -- "$cur")
        return
        ;;
    --set)
        words=$("$program" knobs 2>/dev/null | sed 's/ .*//; s/$/=/')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        compopt -o nospace
        return
        ;;
    state | exclude)
        words="all connected synchronized bucket big listening established syn-sent syn-recv fin-wait-1 fin-wait-2
            time-wait close-wait last-ack closing"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
        ;;
    esac
    case $prev in
    -i | --interface)
        mapfile -t COMPREPLY < <(compgen -W "any $(ls /sys/class/net 2>/dev/null)" -- "$cur")
        return
        ;;
    esac
    case $command in
    help) words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p') ;;
    demo) words="$(_gannet_options "$program" demo) $("$program" demo 2>/dev/null | sed '1d; s/ .*//')" ;;
    ss) words="$(_gannet_options "$program" ss) state exclude sport dport" ;;
    why) words="$(_gannet_options "$program" why) state exclude sport dport" ;;
    ctl) words="$(_gannet_options "$program" ctl) set close abort quit" ;;
    *) words=$(_gannet_options "$program" "$command") ;;
    esac
    if [ "$command" = trace ] && [[ $cur != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        compopt -o filenames
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _gannet gannet
