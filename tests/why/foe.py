# SPDX-License-Identifier: BSD-2-Clause
"""A TCP peer that misbehaves as told, beyond a TUN device: the kernel under test is real, this is not.

Host 10.9.0.1 is the kernel; every other address of 10.9.0.0/16 is the foe. Its manners are chosen
per port (both for connections to a port of its own and for those that it opens from one).
"""

import dataclasses
import fcntl
import os
import queue
import random
import socket
import struct
import threading
import time

import net

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
HERE, THERE = "10.9.0.1", "10.9.0.2"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


@dataclasses.dataclass
class Manners:
    """How the foe treats the connections of one of its ports."""
    answers_syn: bool = True    # False: as if nobody were there
    refuses: bool = False       # RST to a SYN
    mss: int = 1400
    window: int = 65535
    acks_data: bool = True
    acks_fin: bool = True
    sends_fin: bool = False     # answers a FIN with its own
    loses: float = 0.0          # part of data segments that are lost on the way to it
    swallows: int = 65535       # text longer than this never arrives
    delay: float = 0.0          # seconds until what it sends is here
    mute: bool = False          # no longer there at all
    unreachable: int = -1       # ICMP code sent back for what comes


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_packet(source, destination, protocol, payload):
    """An IPv4 packet."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), random.randrange(65536), 0x4000, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def segment(source, destination, seq, ack, flags, window, options=b"", text=b""):
    """A TCP segment in its packet; source and destination are (address, port)."""
    tcp = struct.pack("!HHIIBBHHH", source[1], destination[1], seq & 0xffffffff, ack & 0xffffffff,
                      (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options + text
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(destination[0]) + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return ip_packet(source[0], destination[0], 6, tcp)


@dataclasses.dataclass
class Conn:
    """The foe's end of a connection."""
    nxt: int            # next sequence number to send
    expected: int = 0   # next one to receive
    fin_sent: bool = False


class Foe:
    """Opens the device in the namespace of the caller and answers in a thread."""

    def __init__(self, **default):
        self.default = Manners(**default)
        self.ports = {}
        self.conns = {}
        self.opened = threading.Event()
        self.tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"foe", IFF_TUN | IFF_NO_PI))
        net.ip("addr", "add", HERE + "/16", "dev", "foe")
        net.ip("link", "set", "foe", "up")
        self.late = queue.SimpleQueue()
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.deliver, daemon=True).start()

    def deliver(self):
        """Hand over what is on the way, when its time has come."""
        while True:
            when, packet = self.late.get()
            time.sleep(max(0.0, when - time.monotonic()))
            os.write(self.tun, packet)

    def on(self, port, **manners):
        """Treat that port so from now on."""
        self.ports[port] = Manners(**manners)
        return self.ports[port]

    def manners(self, port):
        """Those of a port."""
        return self.ports.get(port, self.default)

    def send(self, key, conn, flags, text=b"", options=b""):
        """A segment of ours; what takes sequence space moves it."""
        there, here = key
        m = self.manners(there[1])
        seq = conn.nxt
        conn.nxt += len(text) + bool(flags & (SYN | FIN))  # before an answer can come
        packet = segment(there, here, seq, conn.expected, flags, m.window, options, text)
        if m.delay:
            self.late.put((time.monotonic() + m.delay, packet))
        else:
            os.write(self.tun, packet)

    def mss_option(self, port):
        """The option in our SYN."""
        return struct.pack("!BBH", 2, 4, self.manners(port).mss)

    def serve(self):
        """Answer what comes."""
        while True:
            packet = os.read(self.tun, 65536)
            if packet[0] >> 4 == 4 and packet[9] == 6:
                self.take(packet)

    def take(self, packet):
        """One segment of the kernel's."""
        head = (packet[0] & 15) * 4
        sport, dport, seq, ack, offset, flags = struct.unpack("!HHIIBB", packet[head:head + 14])
        text = packet[head + (offset >> 4) * 4:]
        key = ((socket.inet_ntoa(packet[16:20]), dport), (socket.inet_ntoa(packet[12:16]), sport))
        m = self.manners(dport)
        if m.mute:
            return
        if m.unreachable >= 0:
            body = struct.pack("!BBHI", 3, m.unreachable, 0, 0) + packet[:head + 8]
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            os.write(self.tun, ip_packet(key[0][0], key[1][0], 1, body))
            return
        if flags & RST:
            self.conns.pop(key, None)
        elif flags & SYN:
            self.take_syn(key, m, seq, flags)
        elif key in self.conns:
            self.take_text(key, m, seq, flags, text)

    def take_syn(self, key, m, seq, flags):
        """A SYN, or the SYN,ACK of a connection that we opened."""
        if flags & ACK:
            conn = self.conns.get(key)
            if conn:
                conn.expected = seq + 1
                self.send(key, conn, ACK)
                self.opened.set()
            return
        if not m.answers_syn:
            return
        conn = Conn(random.randrange(1 << 32), seq + 1)
        if m.refuses:
            os.write(self.tun, segment(*key, 0, seq + 1, RST | ACK, 0))
            return
        self.conns[key] = conn
        self.send(key, conn, SYN | ACK, options=self.mss_option(key[0][1]))

    def take_text(self, key, m, seq, flags, text):
        """Text, FIN or a bare ACK of an open connection."""
        conn = self.conns[key]
        if text and (random.random() < m.loses or len(text) > m.swallows):
            return
        end = seq + len(text)
        expected = conn.expected & 0xffffffff
        wants_ack = bool(text) or seq != expected
        if seq == expected and text and m.acks_data and m.window:
            conn.expected += len(text)
        if flags & FIN and end & 0xffffffff == conn.expected & 0xffffffff and m.acks_fin:
            conn.expected += 1
            wants_ack = True
            if m.sends_fin and not conn.fin_sent:
                conn.fin_sent = True
                self.send(key, conn, FIN | ACK)
                return
        if wants_ack and m.acks_data and (m.acks_fin or not flags & FIN):
            self.send(key, conn, ACK)

    def syn(self, port, source, sport):
        """A lone SYN to the kernel's port, from whatever address."""
        os.write(self.tun, segment((source, sport), (HERE, port), random.randrange(1 << 32), 0, SYN, 65535,
                                   self.mss_option(sport)))

    def open(self, port, sport, source=THERE):
        """Open a connection to the kernel's port from ours; the key, once it is open."""
        key = ((source, sport), (HERE, port))
        conn = Conn(random.randrange(1 << 32))
        self.conns[key] = conn
        self.opened.clear()
        self.send(key, conn, SYN, options=self.mss_option(sport))
        if not self.opened.wait(10):
            raise RuntimeError(f"the kernel did not answer a SYN to port {port}")
        return key

    def fin(self, key):
        """Close our half."""
        conn = self.conns[key]
        conn.fin_sent = True
        self.send(key, conn, FIN | ACK)

    def chatter(self, pause=0.2):
        """Say something small on every connection, over and over."""
        def talk():
            while True:
                time.sleep(pause)
                for key, conn in list(self.conns.items()):
                    self.send(key, conn, PSH | ACK, b".")
        threading.Thread(target=talk, daemon=True).start()

    def wait_for(self, number):
        """Until that many connections are open."""
        for _ in range(400):
            if len(self.conns) >= number:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{len(self.conns)} connections reached the foe, not {number}")
