#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the passive observer tells of a capture is what both ends recorded of themselves.

Every demonstration is played; its capture (as seen at A) is observed, and each end's transitions are compared with
those that its stack recorded: from, to, cause, and when. Then the same packets come back in other dresses (link
types, file formats, headers only, shifted sequence numbers) and must tell the same; and cut or damaged ones must be
told as far as they go.
"""

import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report, skip  # noqa: E402

TRIP = 0.0201  # seconds from A to B and back
# When it happened cannot be seen: a state forgotten, a cookie, which of two SYNs arrived.
UNTIMED = ("half-open", "syn-flood", "lost-syn-ack")
ENV = {**os.environ, "NO_COLOR": "1", "COLUMNS": "144", "LC_ALL": "C.UTF-8"}
RAW, ETHERNET, NULL, LOOP, SLL, SLL2, PPP = 101, 1, 0, 108, 113, 276, 9

# What no segment shows. (demonstration, end): what the stack recorded beyond what can be seen, and why.
SILENT = {
    ("listen", "B"): (["LISTEN OPEN_PASSIVE"], "nobody came"),
    ("syn-sent", "B"): (["LISTEN OPEN_PASSIVE"], "nobody came"),
    ("close", "A"): (["CLOSED TIME_WAIT_OVER"], "the capture ends before"),
    ("connect-timeout", "A"): (["CLOSED RETRIES"], "giving up sends nothing"),
    ("retransmit-timeout", "A"): (["CLOSED RETRIES"], "giving up sends nothing"),
    ("user-timeout", "A"): (["CLOSED USER_TIMEOUT"], "giving up sends nothing"),
    ("keep-alive-dead", "A"): (["CLOSED KEEPALIVE"], "giving up sends nothing"),
    ("fin-wait-2-timeout", "A"): (["CLOSED FIN_WAIT_2_OVER"], "giving up sends nothing"),
    ("closing", "B"): (["CLOSING FIN"], "its ACKs are lost before they come to A"),
    ("closing-stuck", "B"): (["CLOSING FIN"], "its ACKs are lost before they come to A"),
    ("migrate", "B"): (["CLOSED NONE", "ESTABLISHED THAWED"], "no packet tells that another host answers now"),
    ("last-ack-stuck", "B"): (["LAST-ACK CLOSE_CALL"], "its FINs are lost before they come to A"),
}
# What is presumed and was not so: the ACK passed the observer, was lost behind it, and nothing refuted it in time.
PRESUMED = {("syn-received", "B"): ["ESTABLISHED ACK_OF_SYN"]}
# Different words for the same: a cookie looks like any other SYN,ACK; a crash is recorded as a state forgotten.
SAME = {"SYN-RECEIVED COOKIE_ACK": "SYN-RECEIVED SYN"}


def gannet(*words, data=None):
    p = subprocess.run([str(GANNET), *map(str, words)], input=data, capture_output=True, env=ENV, timeout=120,
                       check=False)
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


def observe(path, *words):
    """The object that `gannet trace --json` prints."""
    code, out, err = gannet("trace", path, "--json", *words)
    return code, json.loads(out) if out else None, err


def read_pcap(path):
    """(time in ns, octets, length on the wire) of every packet of our own nanosecond captures."""
    data = pathlib.Path(path).read_bytes()
    at, packets = 24, []
    while at < len(data):
        sec, nsec, stored, length = struct.unpack_from("<IIII", data, at)
        packets.append((sec * 10**9 + nsec, data[at + 16:at + 16 + stored], length))
        at += 16 + stored
    return packets


def write_pcap(path, packets, link=RAW, big=False, micro=False):
    order = ">" if big else "<"
    out = [struct.pack(order + "IHHIIII", 0xa1b2c3d4 if micro else 0xa1b23c4d, 2, 4, 0, 0, 262144, link)]
    for at, data, length in packets:
        frac = at % 10**9 // (1000 if micro else 1)
        out += (struct.pack(order + "IIII", at // 10**9, frac, len(data), length), data)
    pathlib.Path(path).write_bytes(b"".join(out))


def write_pcapng(path, packets, link=RAW):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", link, 0, 262144) + struct.pack("<HHB3x", 9, 1, 9) + struct.pack("<HH", 0, 0))
    for at, data, length in packets:
        out += block(6, struct.pack("<IIIII", 0, at >> 32, at & 0xffffffff, len(data), length) + data)
    pathlib.Path(path).write_bytes(out)


def header_len(packet):
    """Octets of IP and TCP headers."""
    ip = (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40
    return ip, ip + (packet[ip + 12] >> 4) * 4


def essence(seen):
    """What must not depend on the dress."""
    return [{k: v for k, v in c.items() if k != "begins"} for c in seen["connections"]]


def steps(connection, end):
    return [f"{s['to']} {s['cause']}" for s in connection[end]["transitions"]]


def truth(demo, end):
    """The transitions that one stack recorded."""
    return [e for e in demo["events"] if e["kind"] == "state" and e["end"] == end]


def judge(name, demo, connection):
    """Compare one connection with what both stacks recorded."""
    for end in "AB":
        events = truth(demo, end)
        want = [SAME.get(s, s) for s in (f"{e['to']} {e['cause']}" for e in events)]
        extra = PRESUMED.get((name, end), [])
        silent = SILENT.get((name, end), ([], ""))[0]
        if silent:
            report(want[len(want) - len(silent):] == silent, f"{name}: {end} did in silence {', '.join(silent)}", want)
            want = want[:len(want) - len(silent)]
        have = steps(connection, end.lower()) if connection else []
        report(have == want + extra, f"{name}: {end} went {' '.join(s.split()[0] for s in want) or 'nowhere'}",
               f"stack  {want}\nseen   {have}")
        if not connection or have != want + extra or name in UNTIMED:
            continue
        late = [(e["t"], s["t"] + events_begin(demo), e["to"]) for e, s in
                zip(events, connection[end.lower()]["transitions"])
                if e["cause"] != "OPEN_PASSIVE" and abs(e["t"] - s["t"] - events_begin(demo)) > TRIP]
        report(not late, f"{name}: {end}'s transitions are told within a round trip of when they were", late)
        if name in PRESUMED_NAMES and extra:
            report(connection[end.lower()]["transitions"][-1]["known"] == "presumed", f"{name}: it is marked so")


PRESUMED_NAMES = {name for name, _ in PRESUMED}


def events_begin(demo):
    """When the capture begins on the clock of the demonstration: with the first segment at A."""
    return min((e["t"] for e in demo["events"] if e["end"] == "A" and e["kind"] in ("send", "recv")), default=0)


def retransmitted(demo, end):
    """Segments that one stack sent again: its own counter, or None if the connection has left no block."""
    for row in demo["hosts"]["AB".index(end)]:
        if row.get("local", {}).get("port") == (40000 if end == "A" else 80) and row["state"] not in (
                "LISTEN", "TIME-WAIT", "SYN-RECEIVED"):
            return row["retransmits"]
    return None


def play(name, pcap, *options):
    """A demonstration as an object; its capture, made at A, without the ping that ends it."""
    _, out, _ = gannet("demo", name, "--json", "--pcap", pcap, "--at", "A", *options)
    *packets, ping = read_pcap(pcap)
    v6 = ping[1][0] >> 4 == 6
    report(ping[1][6 if v6 else 9] == (58 if v6 else 1), f"{' '.join([name, *map(str, options)])}: a ping ends its capture")
    write_pcap(pcap, packets)
    return json.loads(out)


def check_demo(name, tmp, *options):
    pcap = tmp / f"{name}.pcap"
    demo = play(name, pcap, *options)
    code, seen, err = observe(pcap)
    if code or seen is None:
        report(False, f"{name}: is observed", err)
        return None
    mine = [c for c in seen["connections"] if c["a"]["endpoint"].endswith(":40000")]
    if mine or name in ("closed", "listen"):
        judge(name, demo, mine[0] if mine else None)
    else:  # many connections at once, which are not drawn
        report(len(seen["connections"]) > 0 or "closed" in name, f"{name}: its connections are seen", seen)
    # What A sent came by in full.
    own = retransmitted(demo, "A")
    if mine and own is not None and name != "simultaneous-open":  # where a SYN,ACK counts as a SYN again
        have = mine[0]["a"]["retransmissions"]
        report(have == own, f"{name}{' '.join(['', *options])}: A sent {own} segments again", f"seen {have}")
    return pcap if mine else None


def check_lossy(name, seed, tmp):
    """Random losses both ways: what A counted of its own retransmissions, and where both ends went."""
    pcap = tmp / f"{name}.pcap"
    demo = play(name, pcap, "--seed", seed, "--loss", "1.5", "--set",
                "tcp_timestamps=1" if seed % 2 else "tcp_timestamps=0")
    code, seen, err = observe(pcap)
    c = seen["connections"][0]
    own = [row for row in demo["hosts"][0] if row["state"] != "LISTEN"]
    for end in "AB":
        want = [f"{e['to']} {e['cause']}" for e in truth(demo, end)]
        have = steps(c, end.lower())
        report(code == 0 and have == want, f"{name} with losses, seed {seed}: {end} went as its stack says",
               f"stack  {want}\nseen   {have}\n{err}")
    report(c["a"]["bytes"] == c["b"]["bytes"] == 4 << 20, f"{name} with losses, seed {seed}: every octet counted once",
           f"{c['a']['bytes']} {c['b']['bytes']}")
    # The stack counts pieces of its log, of which one segment may carry two; octets are octets.
    report(own[0]["bytes_retrans"] == c["a"]["bytes_again"] and
           0 <= own[0]["retransmits"] - c["a"]["retransmissions"] <= 2,
           f"{name} with losses, seed {seed}: A sent {c['a']['bytes_again']} octets again, as it says itself",
           f"{own[0]['retransmits']} {own[0]['bytes_retrans']} {c['a']}")


def dress(packets, link, header):
    return [(at, header + data, length + len(header)) for at, data, length in packets]


def check_dresses(name, pcap, tmp):
    """Other link types, file formats, headers only."""
    packets = read_pcap(pcap)
    _, plain, _ = observe(pcap)
    mac = bytes(12)
    dresses = [("Ethernet", ETHERNET, mac + b"\x08\x00"),
               ("VLAN", ETHERNET, mac + b"\x81\x00\x00\x05\x08\x00"),
               ("VLAN in VLAN", ETHERNET, mac + b"\x88\xa8\x00\x07\x81\x00\x00\x05\x08\x00"),
               ("MPLS", ETHERNET, mac + b"\x88\x47\x00\x01\x00\x40\x00\x01\x01\x40"),
               ("PPPoE", ETHERNET, mac + b"\x88\x64\x11\x00\x00\x01\x00\x20\x00\x21"),
               ("Linux cooked", SLL, b"\0\0\0\1\0\6" + bytes(8) + b"\x08\x00"),
               ("Linux cooked 2", SLL2, b"\x08\x00\0\0\0\0\0\1\0\1\0\6" + bytes(8)),
               ("loopback", NULL, b"\2\0\0\0"), ("OpenBSD loopback", LOOP, b"\0\0\0\2"),
               ("PPP", PPP, b"\xff\x03\x00\x21"), ("raw IP", RAW, b"")]
    for label, link, header in dresses:
        file = tmp / "dressed.pcap"
        write_pcap(file, dress(packets, link, header), link)
        code, seen, err = observe(file)
        report(code == 0 and essence(seen) == essence(plain), f"{name}: the same over {label}", err)
    write_pcapng(tmp / "x.pcapng", packets)
    code, seen, err = observe(tmp / "x.pcapng")
    report(code == 0 and essence(seen) == essence(plain), f"{name}: the same as pcapng", err)
    write_pcap(tmp / "big.pcap", packets, big=True)
    code, seen, err = observe(tmp / "big.pcap")
    report(code == 0 and essence(seen) == essence(plain), f"{name}: the same in the other byte order", err)
    code, out, err = gannet("trace", "-", "--json", data=pcap.read_bytes())
    report(code == 0 and essence(json.loads(out)) == essence(plain), f"{name}: the same from standard input", err)
    short = [(at, data[:header_len(data)[1]], length) for at, data, length in packets]
    write_pcap(tmp / "short.pcap", short)
    code, seen, err = observe(tmp / "short.pcap")
    report(code == 0 and essence(seen) == essence(plain), f"{name}: the same from headers alone", err)
    least = [(at, data[:header_len(data)[0] + 20], length) for at, data, length in packets]
    write_pcap(tmp / "least.pcap", least)
    code, seen, err = observe(tmp / "least.pcap")
    same = [[steps(c, x) for x in "ab"] for c in plain["connections"]]
    report(code == 0 and [[steps(c, x) for x in "ab"] for c in seen["connections"]] == same,
           f"{name}: the same states without any option", err)


def shifted(packets, by_a, by_b):
    """The same conversation with other initial sequence numbers; A is the end with port 40000."""
    out = []
    for at, data, length in packets:
        ip = header_len(data)[0]
        d = bytearray(data)
        a = struct.unpack_from(">H", d, ip)[0] == 40000
        seq, ack = struct.unpack_from(">II", d, ip + 4)
        seq += by_a if a else by_b
        if d[ip + 13] & 16:
            ack += by_b if a else by_a
        struct.pack_into(">II", d, ip + 4, seq & 0xffffffff, ack & 0xffffffff)
        end = ip + (d[ip + 12] >> 4) * 4
        i = ip + 20
        while i < end and d[i]:  # SACK blocks
            if d[i] == 1:
                i += 1
                continue
            if d[i] == 5:
                for k in range(i + 2, i + d[i + 1], 4):
                    v = struct.unpack_from(">I", d, k)[0] + (by_b if a else by_a)
                    struct.pack_into(">I", d, k, v & 0xffffffff)
            i += d[i + 1]
        out.append((at, bytes(d), length))
    return out


def check_wrap(name, pcap, tmp):
    """Sequence numbers pass through 2^32, and through 2^31, in the middle of it."""
    packets = read_pcap(pcap)
    _, plain, _ = observe(pcap)
    first = packets[0][1]
    a = struct.unpack_from(">I", first, header_len(first)[0] + 4)[0]
    b = next(struct.unpack_from(">I", d, header_len(d)[0] + 4)[0] for _, d, _ in packets
             if struct.unpack_from(">H", d, header_len(d)[0])[0] != 40000)
    for edge in (1 << 32, 1 << 31):
        for back in (0, 1, 50, 1449):
            write_pcap(tmp / "wrap.pcap", shifted(packets, edge - back - a, edge - back - b))
            code, seen, err = observe(tmp / "wrap.pcap")
            report(code == 0 and essence(seen) == essence(plain),
                   f"{name}: the same with sequence numbers from 2^{edge.bit_length() - 1} - {back}", err)


def check_midway(name, pcap, tmp):
    """Without its first packets: the same last states, and nothing invented."""
    packets = read_pcap(pcap)
    _, plain, _ = observe(pcap)
    final = [plain["connections"][0][x]["state"] for x in "ab"]
    bad = []
    for skip in range(1, len(packets) - 3):
        write_pcap(tmp / "mid.pcap", packets[skip:])
        code, seen, _ = observe(tmp / "mid.pcap")
        c = seen["connections"][0]
        ends = {c[x]["endpoint"]: c[x]["state"] for x in "ab"}
        want = {plain["connections"][0][x]["endpoint"]: s for x, s in zip("ab", final)}
        if skip > 3 and "midway" not in c["remarks"]:
            bad.append((skip, c["remarks"]))
        if code or (ends != want and skip < len(packets) // 2):
            bad.append((skip, ends))
    report(not bad, f"{name}: begun midway it ends in the same states", bad)


def check_damage(name, pcap, tmp):
    """Cut off anywhere, and with octets changed anywhere: told as far as it goes, never a crash."""
    data = pcap.read_bytes()
    _, whole, _ = observe(pcap)
    rng, bad = random.Random(1), []
    for cut in [0, 1, 23, 24, 25, 39, 40, 41, *(rng.randrange(24, len(data)) for _ in range(25))]:
        (tmp / "cut.pcap").write_bytes(data[:cut])
        code, out, err = gannet("trace", tmp / "cut.pcap", "--json")
        seen = json.loads(out) if out else None
        if code not in (0, 1) or (code and len(err.strip().splitlines()) != 1):
            bad.append((cut, code, err))
        if seen and (seen["packets"] > whole["packets"] or (seen["whole"] is False) != (code == 1)):
            bad.append((cut, seen["packets"], code))
    report(not bad, f"{name}: cut off it is told as far as it goes", bad)
    bad = []
    for _ in range(60):
        d = bytearray(data)
        for _ in range(rng.randrange(1, 20)):
            d[rng.randrange(24 if rng.random() < 0.9 else 0, len(d))] = rng.randrange(256)
        (tmp / "bent.pcap").write_bytes(d)
        for words in (["--json", "--ladder"], ["--plot", str(tmp / "bent.svg")]):
            code, _, err = gannet("trace", tmp / "bent.pcap", *words)
            if code not in (0, 1) or "Sanitizer" in err or "runtime error" in err:
                bad.append((code, err))
    report(not bad, f"{name}: damaged it does no harm", bad[:2])


def check_bad_input(tmp):
    """One line each, and exit 1 or 2."""
    write_pcap(tmp / "wifi.pcap", [], 105)
    (tmp / "text.pcap").write_text("this is not a capture, it is a line of text\n")
    (tmp / "cut.pcap").write_bytes((tmp / "close.pcap").read_bytes()[:50])
    for words, code, part in [([tmp / "none.pcap"], 1, "No such file"), ([tmp / "text.pcap"], 1, "unknown file format"),
                              ([tmp / "wifi.pcap"], 1, "link type 105"), ([tmp], 1, "cannot read"),
                              ([], 2, "which capture"), ([tmp / "text.pcap", "--seconds", "5"], 2, "--seconds"),
                              (["-i", "nosuchif0"], 1, "nosuchif0"),
                              ([tmp / "close.pcap", "port", "nowhere at all"], 1, "filter"),
                              ([tmp / "cut.pcap", "--ladder"], 1, "not whole"),
                              ([tmp / "close.pcap", "--ladder", "7"], 1, "no connection 7")]:
        got, _, err = gannet("trace", *words)
        lines = err.strip().splitlines()
        report(got == code and part in err and lines[-1].startswith("gannet") and len(lines) <= code,
               f"refused with a line: {part}", f"{got} {err}")


def check_drawings(tmp):
    """Ladders show both ends' states; SVGs are XML; the table explains its words."""
    code, out, err = gannet("trace", tmp / "simultaneous-close.pcap", "--ladder", "1")
    rows = [row for row in out.splitlines() if "CLOSING" in row]
    report(code == 0 and any("╰─▶● CLOSING" in row for row in rows), "the ladder draws FINs that cross", out + err)
    code, out, _ = gannet("trace", tmp / "lost-last-ack.pcap", "-l")
    report(code == 0 and "✗" in out and out.index("✗") < out.index("● CLOSED"), "the ladder shows a lost ACK", out)
    code, out, _ = gannet("trace", tmp / "fast-retransmit.pcap", "-l", "--ascii", "--width", "90")
    report(code == 0 and out.isascii() and "sent again" in out, "the ladder in ASCII says what was sent again", out)
    for name, words in (("ladder", ["--svg", "-"]), ("plot", ["--plot", "-"])):
        code, svg, err = gannet("trace", tmp / "fast-retransmit.pcap", *words)
        try:
            texts = len(xml.dom.minidom.parseString(svg).getElementsByTagName("text"))
            report(code == 0 and texts > 6, f"the {name} is XML with words", err)
        except Exception as e:  # whatever the parser finds is the answer
            report(False, f"the {name} is XML with words", e)
    code, out, _ = gannet("trace", tmp / "refused.pcap")
    report(code == 0 and "nobody listens" in out and "refused" in out, "the table says why a RST came", out)


def check_many(tmp):
    """More connections than the table holds: those that are over go first, and all are told."""
    packets = []
    base = [p for p in read_pcap(tmp / "close.pcap")]
    for i in range(300):
        for at, data, length in base:
            d = bytearray(data)
            ip = header_len(d)[0]
            if struct.unpack_from(">H", d, ip)[0] == 40000:
                struct.pack_into(">H", d, ip, 10000 + i)
            else:
                struct.pack_into(">H", d, ip + 2, 10000 + i)
            packets.append((at + i * 10**9, bytes(d), length))
    packets.sort(key=lambda p: p[0])
    write_pcap(tmp / "many.pcap", packets)
    for most in (16, 300):
        code, seen, err = observe(tmp / "many.pcap", "--max-connections", str(most))
        closed = sum(c["b"]["state"] == "CLOSED" and c["a"]["state"] in ("TIME-WAIT", "CLOSED")
                     for c in seen["connections"])
        report(code == 0 and len(seen["connections"]) == 300 and closed == 300,
               f"300 connections, {most} at a time: each is told to its end", f"{closed} {err}")
    over = sum(c["a"]["state"] == "CLOSED" for c in seen["connections"])
    report(over >= 230, "TIME-WAIT is over after 60 s", over)


def main():
    code, out, err = gannet("demo", "--json")
    if code:
        report(False, "gannet demo lists", err)
        return 1
    with tempfile.TemporaryDirectory() as t:
        tmp = pathlib.Path(t)
        for row in json.loads(out):
            check_demo(row["name"], tmp)
        for name in ("close", "simultaneous-open", "simultaneous-close", "fast-retransmit", "zero-window"):
            (tmp / "v6").mkdir(exist_ok=True)
            check_demo(name, tmp / "v6", "--ipv6")
        for seed in range(1, 9):
            (tmp / "lossy").mkdir(exist_ok=True)
            check_lossy("bulk", seed, tmp / "lossy")
        for name in ("fast-retransmit", "zero-window"):
            check_dresses(name, tmp / f"{name}.pcap", tmp)
        for name in ("close", "simultaneous-close", "fast-retransmit"):
            check_wrap(name, tmp / f"{name}.pcap", tmp)
        for name in ("close", "half-close", "reset"):
            check_midway(name, tmp / f"{name}.pcap", tmp)
        for name in ("close", "fast-retransmit"):
            check_damage(name, tmp / f"{name}.pcap", tmp)
        check_bad_input(tmp)
        check_drawings(tmp)
        check_many(tmp)
    plan()
    return 0


if __name__ == "__main__":
    sys.exit(main())
