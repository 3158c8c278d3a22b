/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TUN or TAP device in a network namespace of the test's own; the kernel is the peer, and the
 * test plays the other host by hand. Each test runs in a process of its own, and its namespace goes
 * with it.
 */
#define _GNU_SOURCE
#include <gannet/link.h>

#include "unit/link/packets.h"

#include "base/bits.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 3000

/** tun() - a device in a fresh namespace with 10.77.0.1/24 and fd00:0:0:77::1/64 for the kernel, or
 * skip */
static struct gn_link *tun(bool tap, bool no_offload)
{
    struct gn_netns_report report;
    struct gn_tun_config c = {.name = "gntest%d", .no_offload = no_offload, .n_kernel_addr = 2};
    struct gn_link_error e = {0};
    struct gn_link *l;

    if (gn_netns_enter(&report) < 0 || !report.tun)
        cr_skip("%s", report.text);
    c.kernel_addr[0] = (struct gn_prefix){gn_addr_v4(10, 77, 0, 1), 24};
    gn_addr_parse("fd00:0:0:77::1", &c.kernel_addr[1].addr);
    c.kernel_addr[1].len = 64;
    l = tap ? gn_link_tap(&c, &e) : gn_link_tun(&c, &e);
    cr_assert_not_null(l, "%s", e.text);
    return l;
}

/** wanted() - is @f what wait_frame() is asked for? */
static bool wanted(const struct gn_frame *f, uint32_t eth, uint8_t proto)
{
    const uint8_t *ip = f->data + eth;

    if (f->len < eth + 20)
        return false;
    return ip[0] >> 4 == 6 ? ip[6] == proto && f->len >= eth + 40 : ip[9] == proto;
}

/** wait_frame() - the next frame with IP protocol @proto; all others are passed over */
static struct gn_frame wait_frame(struct gn_link *l, uint8_t proto)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    struct gn_frame f;
    int n;

    for (;;) {
        n = gn_link_rx(l, &f, 1, 0);
        cr_assert_geq(n, 0);
        if (n == 1 && wanted(&f, l->iface.medium == GN_MEDIUM_ETHERNET ? 14 : 0, proto))
            return f;
        if (n == 0)
            cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "nothing came from the kernel");
    }
}

/** peer4(), peer6() - address of the host that the test plays */
static struct sockaddr_in peer4(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, "10.77.0.2", &a.sin_addr);
    return a;
}

static struct sockaddr_in6 peer6(uint16_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    inet_pton(AF_INET6, "fd00:0:0:77::2", &a.sin6_addr);
    return a;
}

/** swap() - exchange @n octets */
static void swap(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t t = a[i];

        a[i] = b[i];
        b[i] = t;
    }
}

/** receive() - wait for @len octets on the kernel's socket @fd */
static void receive(int fd, void *buf, size_t len)
{
    struct timeval t = {.tv_sec = WAIT_MS / 1000};
    size_t n = 0;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    while (n < len) {
        ssize_t r = recv(fd, (uint8_t *)buf + n, len - n, 0);

        cr_assert_gt(r, 0, "recv: %s", strerror(errno));
        n += (size_t)r;
    }
}

/** udp_echo() - the kernel sends a datagram; it goes back with its ends exchanged. Checksums add up
 * as before */
static void udp_echo(bool v6, bool no_offload)
{
    struct gn_link *l = tun(false, no_offload);
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a4 = peer4(7);
    struct sockaddr_in6 a6 = peer6(7);
    uint32_t ip = v6 ? 40 : 20;
    static uint8_t copy[2000];
    struct gn_frame f;
    char back[5];

    cr_assert_eq(v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6)
                    : connect(fd, (struct sockaddr *)&a4, sizeof a4),
                 0);
    cr_assert_eq(send(fd, "hello", 5, 0), 5);
    f = wait_frame(l, 17);
    cr_assert_eq(f.len, ip + 13);
    cr_assert_eq(f.flags, no_offload ? 0 : GN_FRAME_CSUM_OWED);
    if (!no_offload) {
        cr_assert_eq(f.csum_start, ip);
        cr_assert_eq(f.csum_offset, 6);
    }
    memcpy(copy, f.data, f.len);
    if (v6)
        swap(copy + 8, copy + 24, 16);
    else
        swap(copy + 12, copy + 16, 4);
    swap(copy + ip, copy + ip + 2, 2);
    f.data = copy;
    f.len -= 3; /* the end of it from a tail */
    f.n_tail = 1;
    f.tail[0] = (struct gn_span){copy + f.len, 3};
    cr_assert_eq(gn_link_tx(l, &f, 1, 0), 1);
    receive(fd, back, 5);
    cr_assert_arr_eq(back, "hello", 5);
    cr_assert_eq(l->stats.tx_frames, 1);
    cr_assert_eq(l->stats.tx_dropped, 0);
    close(fd);
    gn_link_close(l);
}

Test(tun, a_datagram_makes_the_round)
{
    udp_echo(false, false);
}

Test(tun, a_datagram_makes_the_round_over_ipv6)
{
    udp_echo(true, false);
}

Test(tun, without_offloads_checksums_are_complete)
{
    udp_echo(false, true);
}

/** answer() - a TCP segment of ours to the kernel's @port, checksum owed, text in a tail */
static void answer(struct gn_link *l, bool v6, uint16_t port, uint8_t ctl, uint32_t seq,
                   uint32_t ack, uint32_t text, uint16_t gso)
{
    static struct made m;
    uint32_t ip = v6 ? 40 : 20;
    struct recipe r = {
        .v6 = v6, .owed = true, .ctl = ctl, .seq = seq, .text = text, .gso_size = gso};

    r.tail0 = text;
    make(&m, &r);
    if (v6) {
        swap(m.bytes + 8, m.bytes + 24, 16);
    } else {
        swap(m.bytes + 12, m.bytes + 16, 4);
    }
    put16(m.bytes + ip, 80);
    put16(m.bytes + ip + 2, port);
    put32(m.bytes + ip + 8, ack);
    put16(m.bytes + ip + 14, 65535);
    cr_assert_eq(gn_link_tx(l, &m.f, 1, 0), 1);
    cr_assert_eq(l->stats.tx_dropped, 0);
}

/** tcp_both_ways() - a connection of the kernel's to us, played by hand: super-segments out and in
 */
static void tcp_both_ways(bool v6)
{
    struct gn_link *l = tun(false, false);
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a4 = peer4(80);
    struct sockaddr_in6 a6 = peer6(80);
    static uint8_t buf[40000];
    struct gn_frame f;
    uint32_t ip = v6 ? 40 : 20, isn, got = 0;
    uint16_t port;

    cr_assert_eq(v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6)
                    : connect(fd, (struct sockaddr *)&a4, sizeof a4),
                 -1);
    f = wait_frame(l, 6);
    cr_assert_eq(f.data[ip + 13], 2, "a SYN");
    cr_assert_eq(f.flags, GN_FRAME_CSUM_OWED);
    cr_assert_eq(f.csum_start, ip);
    cr_assert_eq(f.csum_offset, 16);
    port = get16(f.data + ip);
    isn = get32(f.data + ip + 4);
    answer(l, v6, port, 0x12, 1000, isn + 1, 0, 0);
    f = wait_frame(l, 6);
    cr_assert_eq(get32(f.data + ip + 8), 1001);

    fcntl(fd, F_SETFL, 0);
    for (uint32_t i = 0; i < 5000; i++)
        buf[i] = text_octet(i);
    cr_assert_eq(send(fd, buf, 5000, 0), 5000); /* MSS 536 or 1220: the window takes it in one */
    while (got < 5000) {
        f = wait_frame(l, 6);
        for (uint32_t i = ip + 20; i < f.len; i++)
            cr_assert_eq(f.data[i], text_octet(got++));
        answer(l, v6, port, 0x10, 1001, isn + 1 + got, 0, 0);
    }
    cr_assert_gt(l->stats.rx_super, 0, "the kernel gave super-segments");

    answer(l, v6, port, 0x18, 1001, isn + 5001, 40000, 1000);
    receive(fd, buf, 40000);
    for (uint32_t i = 0; i < 40000; i++)
        cr_assert_eq(buf[i], text_octet(i));
    cr_assert_eq(l->stats.tx_super, 1);
    close(fd);
    gn_link_close(l);
}

Test(tun, super_segments_go_both_ways)
{
    tcp_both_ways(false);
}

Test(tun, super_segments_go_both_ways_over_ipv6)
{
    tcp_both_ways(true);
}

Test(tun, malformed_frames_are_dropped_and_counted)
{
    struct gn_link *l = tun(false, false);
    static struct made m;

    make(&m, &(struct recipe){.owed = true, .text = 3000, .gso_size = 1000});
    m.f.csum_start = 4000; /* beyond the end */
    cr_assert_eq(gn_link_tx(l, &m.f, 1, 0), 1);
    make(&m, &(struct recipe){.text = 3});
    m.bytes[0] = 0; /* neither IPv4 nor IPv6: the kernel's refusal */
    cr_assert_eq(gn_link_tx(l, &m.f, 1, 0), 1);
    cr_assert_eq(l->stats.tx_dropped, 2);
    gn_link_close(l);
}

Test(tun, the_device_goes_with_the_link)
{
    struct gn_link *l = tun(false, false);
    char name[16];

    memcpy(name, l->iface.name, sizeof name);
    cr_assert_neq(if_nametoindex(name), 0);
    gn_link_close(l);
    cr_assert_eq(if_nametoindex(name), 0);
}

Test(tun, what_cannot_be_had_is_explained)
{
    struct gn_link *l = tun(false, false);
    struct gn_tun_config c = {.name = l->iface.name};
    struct gn_link_error e = {0};

    cr_assert_null(gn_link_tun(&c, &e));
    cr_assert_eq(e.err, EBUSY);
    cr_assert(strstr(e.text, l->iface.name) && strstr(e.text, "somebody else"), "%s", e.text);
    c.name = "a-name-that-is-too-long";
    cr_assert_null(gn_link_tun(&c, &e));
    cr_assert_eq(e.err, ENAMETOOLONG);
    c.name = "lo";
    cr_assert_null(gn_link_tun(&c, NULL));
    c.name = NULL;
    c.mtu = 40; /* the kernel wants 68 */
    cr_assert_null(gn_link_tun(&c, &e));
    cr_assert_eq(e.err, EINVAL);
    cr_assert_eq(if_nametoindex("gn0"), 0, "nothing is left behind");
    gn_link_close(l);
}

Test(tap, the_kernel_asks_for_our_mac)
{
    struct gn_link *l = tun(true, false);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = peer4(7);
    static uint8_t reply[42];
    struct gn_frame f;
    int n = 0;

    cr_assert_eq(l->iface.medium, GN_MEDIUM_ETHERNET);
    cr_assert_eq(l->iface.mac[0] & 3, 2, "unicast, local");
    cr_assert_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&a, sizeof a), 5);
    do {
        struct pollfd p = {.fd = l->fd, .events = POLLIN};

        cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
        n = gn_link_rx(l, &f, 1, 0);
    } while (n != 1 || get16(f.data + 12) != 0x0806);
    memcpy(reply, f.data, 42);
    memcpy(reply, f.data + 6, 6);
    memcpy(reply + 6, l->iface.mac, 6);
    reply[21] = 2;
    swap(reply + 22, reply + 32, 10);
    memcpy(reply + 22, l->iface.mac, 6);
    f = (struct gn_frame){.data = reply, .len = 42};
    cr_assert_eq(gn_link_tx(l, &f, 1, 0), 1);
    f = wait_frame(l, 17);
    cr_assert_arr_eq(f.data, l->iface.mac, 6);
    cr_assert_eq(f.csum_start, 34);
    close(fd);
    gn_link_close(l);
}

Test(netif, addresses_and_routes_are_set)
{
    struct gn_link *l = tun(false, false);
    const char *name = l->iface.name;
    struct gn_prefix far = {gn_addr_v4(192, 0, 2, 0), 24};
    struct gn_addr none = {0}, gw = gn_addr_v4(10, 77, 0, 2);
    struct sockaddr_in a = peer4(9);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(gn_netif_add_addr(name, (struct gn_prefix){gn_addr_v4(10, 77, 0, 1), 24}),
                 -EEXIST);
    cr_assert_eq(gn_netif_add_addr("nosuch0", far), -ENODEV);
    cr_assert_eq(gn_netif_add_addr(name, (struct gn_prefix){gn_addr_v4(10, 78, 0, 1), 33}),
                 -EINVAL);
    cr_assert_eq(gn_netif_up("nosuch0"), -ENODEV);
    cr_assert_eq(gn_netif_set_mtu(name, 9000), 0);
    inet_pton(AF_INET, "192.0.2.5", &a.sin_addr);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), -1);
    cr_assert_eq(errno, ENETUNREACH);
    cr_assert_eq(gn_netif_add_route(name, far, gw), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    gn_addr_parse("2001:db8::", &far.addr);
    far.len = 32;
    cr_assert_eq(gn_netif_add_route(name, far, none), 0);
    close(fd);
    gn_link_close(l);
}

/** unprivileged() - for gn_netns_fork() by somebody without privilege */
static int unprivileged(void *ctx, const struct gn_netns_report *r)
{
    int *want_tun = ctx;

    if (r->way == GN_NETNS_NONE)
        return 77;
    if (r->way != GN_NETNS_USER || r->tun != (access("/dev/net/tun", R_OK | W_OK) == 0))
        return 1;
    if (!r->tun && !strstr(r->text, "/dev/net/tun"))
        return 2;
    *want_tun = r->tun;
    return if_nametoindex("lo") ? 0 : 3;
}

Test(netns, needs_no_privilege)
{
    int status, tun_there = 0;
    pid_t pid;

    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        cr_skip("cannot give up privilege");
    prctl(PR_SET_DUMPABLE, 1); /* giving up privilege has closed /proc/self to us */
    pid = gn_netns_fork(unprivileged, &tun_there);
    cr_assert_gt(pid, 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        cr_skip("unprivileged user namespaces are switched off");
    cr_assert_eq(WEXITSTATUS(status), 0);
}
