# SPDX-License-Identifier: BSD-2-Clause
"""What can go wrong with the kernel's connections, made with real processes.

A scene is called in a network namespace of its own and returns the pid that a finding must name
(None: the rule names no process). It leaves the trouble behind for `gannet why` to look at.
"""

import dataclasses
import socket
import threading
import time
import typing

import foe
import net
from foe import HERE, THERE


@dataclasses.dataclass
class Scene:
    """A rule and how to bring it about."""
    rule: str
    actor: str
    make: typing.Callable
    words: tuple  # more options of gannet why

    @property
    def name(self):
        """What tells scenes of one rule apart."""
        return self.rule if self.make.__name__ == self.rule.replace("-", "_") else self.make.__name__.replace("_", "-")


SCENES = []


def scene(rule, actor, *words):
    """Note a function as a scene."""
    def note(function):
        SCENES.append(Scene(rule, actor, function, words))
        return function
    return note


def hold(ready, sockets):
    """Keep sockets open and do nothing with them."""
    ready()
    net.sleep_for_ever()
    del sockets


def accept_all(ready, listener, number):
    """Accept, and forget."""
    ready()
    kept = [listener.accept()[0] for _ in range(number)]
    net.sleep_for_ever()
    del kept


def open_to(number, port, address=THERE):
    """So many connections."""
    return [net.connect(port, address) for _ in range(number)]


# --- closing ---

def leak(ready, listener, number):
    """A server that reads to the end and forgets to close."""
    ready()
    kept = []
    for _ in range(number):
        s = listener.accept()[0]
        while s.recv(4096):
            pass
        kept.append(s)
    net.sleep_for_ever()


@scene("close-wait-leak", "process")
def close_wait_leak():
    listener = net.listen(8080)
    pid = net.spawn("leaky", leak, listener, 40)
    listener.close()
    for _ in range(40):
        s = net.connect(8080)
        s.sendall(b"x")
        s.close()
    return pid


@scene("fin-wait-2-held", "peer")
def fin_wait_2_held():
    foe.Foe()

    def client(ready):
        sockets = open_to(5, 80)
        for s in sockets:
            s.shutdown(socket.SHUT_WR)
        hold(ready, sockets)
    return net.spawn("halfclosed", client)


@scene("fin-wait-2-orphan", "peer")
def fin_wait_2_orphan():
    net.sysctl("ipv4.ip_local_port_range", "2000 60000")
    foe.Foe()
    for s in open_to(1100, 80):
        s.close()


@scene("fin-wait-1-stuck", "network")
def fin_wait_1_stuck():
    manners = foe.Foe().on(80)
    sockets = open_to(3, 80)
    manners.mute = True
    for s in sockets:
        s.close()


@scene("closing-stuck", "network")
def closing_stuck():
    f = foe.Foe()
    f.on(80, acks_fin=False)
    sockets = open_to(3, 80)
    f.wait_for(3)
    for s in sockets:
        s.close()
    time.sleep(0.2)
    for key in list(f.conns):
        f.fin(key)


@scene("last-ack-stuck", "network")
def last_ack_stuck():
    f = foe.Foe()
    f.on(80, acks_fin=False)
    sockets = open_to(3, 80)
    f.wait_for(3)
    for key in list(f.conns):
        f.fin(key)
    for s in sockets:
        assert s.recv(1) == b""
        s.close()


@scene("time-wait-pile-up", "process")
def time_wait_pile_up():
    net.sysctl("ipv4.ip_local_port_range", "40000 40099")
    foe.Foe().on(80, sends_fin=True)
    for s in open_to(90, 80):
        s.close()


@scene("time-wait-buckets", "operator")
def time_wait_buckets():
    net.sysctl("ipv4.tcp_max_tw_buckets", 100)
    foe.Foe().on(80, sends_fin=True)
    for s in open_to(99, 80):
        s.close()


# --- opening ---

def connect_and_wait(ready, number, port, address=THERE):
    """Connections that are begun and not waited for."""
    hold(ready, [net.connect(port, address, nowait=True) for _ in range(number)])


@scene("connect-blackholed", "network")
def connect_blackholed():
    foe.Foe().on(81, answers_syn=False)
    return net.spawn("hopeful", connect_and_wait, 3, 81)


@scene("connect-filtered", "network")
def connect_filtered():
    f = foe.Foe()
    f.on(81, answers_syn=False)
    net.spawn("lucky", hold, open_to(1, 80))
    return net.spawn("hopeful", connect_and_wait, 1, 81)


@scene("ports-exhausted", "process")
def ports_exhausted():
    net.sysctl("ipv4.ip_local_port_range", "40000 40029")
    foe.Foe()

    def client(ready):
        sockets = open_to(30, 80)
        try:
            net.connect(80, THERE)
        except OSError:
            hold(ready, sockets)
    net.spawn("greedy", client)


def syns(listening, backlog, number):
    """A listener, and SYNs of which nothing more comes."""
    f = foe.Foe(mute=True)
    pid = net.spawn("server", hold, net.listen(listening, HERE, backlog))
    for i in range(number):
        f.syn(listening, f"10.9.{1 + i // 250}.{1 + i % 250}", 5000 + i)
    return f, pid


def more_syns(f, apart):
    """SYNs from more addresses, so many seconds apart, while the scene lasts."""
    def go_on():
        for i in range(100000):
            f.syn(80, f"10.9.{20 + i // 250 % 200}.{1 + i % 250}", 6000 + i % 50000)
            time.sleep(apart)
    threading.Thread(target=go_on, daemon=True).start()


@scene("syn-recv-pile-up", "network")
def syn_recv_pile_up():
    syns(80, 1000, 40)


@scene("syn-flood", "operator")
def syn_flood():
    syns(80, 100, 250)


@scene("syn-cookies", "operator", "--for", "2")
def syn_cookies():
    more_syns(syns(80, 100, 200)[0], 0.01)


@scene("connect-failures", "operator", "--for", "2")
def connect_failures():
    foe.Foe().on(81, refuses=True)

    def client(ready):
        ready()
        while True:
            try:
                net.connect(81, THERE)
            except ConnectionRefusedError:
                time.sleep(0.01)
    net.spawn("stubborn", client)


# --- listeners ---

@scene("accept-queue-full", "process")
def accept_queue_full():
    pid = net.spawn("sleepy", hold, net.listen(8080, backlog=5))
    net.spawn("clients", hold, [net.connect(8080, nowait=True) for _ in range(20)])
    return pid


@scene("backlog-too-small", "operator")
def backlog_too_small():
    listener = net.listen(8080, backlog=2)
    clients = [net.connect(8080, nowait=True) for _ in range(20)]
    time.sleep(0.5)
    pid = net.spawn("shallow", accept_all, listener, 1000)
    listener.close()
    net.spawn("clients", hold, clients)
    return pid


@scene("listener-address", "operator", "-v")
def listener_address():
    return net.spawn("shy", hold, net.listen(8080))


@scene("duplicate-listeners", "operator")
def duplicate_listeners():
    net.spawn("old-server", hold, net.listen(8080, reuseport=True))
    return net.spawn("new-server", hold, net.listen(8080, reuseport=True))


@scene("reuseport-imbalance", "process")
def reuseport_imbalance():
    listener = net.listen(8080, backlog=40, reuseport=True)
    net.spawn("worker", accept_all, listener, 1000)
    listener.close()
    listener = net.listen(8080, backlog=40, reuseport=True)
    pid = net.spawn("worker", hold, listener)
    listener.close()
    net.spawn("clients", hold, open_to(60, 8080, "127.0.0.1"))
    return pid


# --- peers ---

def talkers(number, manners, pause=0.5, prepare=lambda s: None):
    """Connections with data on the way when the peer falls silent."""
    def client(ready):
        sockets = open_to(number, 80)
        for s in sockets:
            prepare(s)
            s.send(b"hello")
        time.sleep(0.5)  # it is acknowledged
        ready()
        time.sleep(pause)
        for s in sockets:
            s.send(b"x" * 1000)
        net.sleep_for_ever()
    pid = net.spawn("talker", client)
    manners.mute = True
    return pid


@scene("peer-gone", "network")
def peer_gone():
    talkers(3, foe.Foe().on(80))


@scene("keepalive-cannot-help", "process", "--for", "12")
def keepalive_cannot_help():
    # The kernel tells keep-alive only while its timer runs, so the first look is before the silence.
    return talkers(3, foe.Foe().on(80), 3,
                   lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))


def write_for_ever(ready, port, address, size=65536, **options):
    """A program with much to send."""
    s = net.connect(port, address, **options)
    ready()
    while True:
        s.send(b"x" * size)


@scene("peer-not-reading", "peer")
def peer_not_reading():
    net.spawn("sink", accept_all, net.listen(8080), 1)
    net.spawn("writer", write_for_ever, 8080, "127.0.0.1")


@scene("not-reading", "process")
def not_reading():
    pid = net.spawn("sink", accept_all, net.listen(8080), 1)
    net.spawn("writer", write_for_ever, 8080, "127.0.0.1")
    return pid


# --- flow ---

@scene("retransmission-storm", "network")
def retransmission_storm():
    foe.Foe().on(80, loses=0.3)
    net.spawn("writer", write_for_ever, 80, THERE)


@scene("small-mss", "peer")
def small_mss():
    foe.Foe().on(80, mss=500)

    def client(ready):
        s = net.connect(80, THERE)
        s.sendall(b"x" * 50000)
        hold(ready, [s])
    net.spawn("writer", client)


@scene("send-limited-window", "peer", "-v")
def send_limited_window():
    foe.Foe().on(80, window=4000)
    net.spawn("writer", write_for_ever, 80, THERE)


@scene("send-limited-buffer", "process", "-v")
def send_limited_buffer():
    foe.Foe().on(80, delay=0.03)
    return net.spawn("writer", write_for_ever, 80, THERE, 65536, sndbuf=4096)


@scene("send-limited-cwnd", "nobody", "-v")
def send_limited_cwnd():
    net.sysctl("ipv4.tcp_congestion_control", "reno")
    foe.Foe().on(80, delay=0.05, loses=0.03)
    net.spawn("writer", write_for_ever, 80, THERE)


@scene("pmtu-black-hole", "network")
def pmtu_black_hole():
    f = foe.Foe()
    f.on(80, swallows=1000)
    f.chatter()
    net.spawn("writer", write_for_ever, 80, THERE)


@scene("nagle-delayed-ack", "process", "-v")
def nagle_delayed_ack():
    foe.Foe().on(80, delay=0.04)

    def client(ready):
        s = net.connect(80, THERE)
        ready()
        while True:
            s.send(b"x" * 100)
            s.send(b"x" * 100)
            time.sleep(0.05)
    return net.spawn("dribbler", client)


@scene("reset-rate", "operator", "--for", "2")
def reset_rate():
    listener = net.listen(8080)

    def client(ready):
        ready()
        while True:
            net.abort(net.connect(8080))

    def server(ready):
        ready()
        while True:
            listener.accept()[0].close()
            time.sleep(0.002)
    net.spawn("server", server)
    net.spawn("aborter", client)


# --- what only a listener on the wire, or time, shows ---

def refused_for_ever(ready, ports):
    """A client that tries again and again where nobody listens."""
    ready()
    while True:
        for port in ports:
            try:
                net.connect(port).close()
            except ConnectionRefusedError:
                time.sleep(0.05)


@scene("connect-refused", "peer", "-i", "lo", "--for", "3")
def connect_refused():
    net.spawn("stubborn", refused_for_ever, [8081])


@scene("port-scan", "operator", "-i", "lo", "--for", "3", "-v")
def port_scan():
    def scanner(ready):
        ready()
        time.sleep(1)
        while True:
            for port in range(9000, 9200):
                try:
                    net.connect(port).close()
                except ConnectionRefusedError:
                    pass
            time.sleep(4)
    net.spawn("scanner", scanner)


@scene("reset-loop", "peer", "-i", "lo", "--for", "3")
def reset_loop():
    listener = net.listen(8080)

    def server(ready):
        ready()
        while True:
            net.abort(listener.accept()[0])

    def client(ready):
        ready()
        while True:
            s = net.connect(8080)
            try:
                s.recv(1)
            except ConnectionResetError:
                pass
            s.close()
            time.sleep(0.02)
    net.spawn("server", server)
    net.spawn("client", client)


@scene("syn-flood", "operator", "-i", "foe", "--for", "6")
def syn_flood_on_the_wire():
    more_syns(syns(80, 100, 0)[0], 0.005)


@scene("idle-no-keepalive", "process", "--idle", "6")
def idle_no_keepalive():
    foe.Foe()
    return net.spawn("forgetful", hold, open_to(60, 80))


# What has no scene, and why not: tests/why/tapes holds what `gannet why --record` kept of a machine on which real
# processes did it, and that is replayed.
RECORDED = {
    "orphan-limit": "tcp_max_orphans is the whole machine's, no namespace has its own: not a test's to lower or to "
                    "exhaust. Recorded while a program left 68000 connections in FIN-WAIT-1",
    "memory-pressure": "tcp_mem is the whole machine's, no namespace has its own: not a test's to lower or to "
                       "exhaust. Recorded while a program did not read 460 connections, 1.5 GiB in all",
}
