/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

TestSuite(option, .init = net_up, .fini = net_down);

/** get() - a number */
static int get(int s, int level, int name)
{
    int v = -77;
    socklen_t len = sizeof(v);

    GIVES(gn_getsockopt(s, level, name, &v, &len), 0);
    cr_assert_eq(len, sizeof(v));
    return v;
}

static const struct {
    int level, name, fresh, set, got;
} numbers[] = {
    {SOL_SOCKET, SO_KEEPALIVE, 0, 7, 1},
    {SOL_SOCKET, SO_REUSEADDR, 0, 1, 1},
    {SOL_SOCKET, SO_REUSEPORT, 0, 1, 1},
    {SOL_SOCKET, SO_OOBINLINE, 0, 1, 1},
    {SOL_SOCKET, SO_RCVLOWAT, 1, 10, 10},
    {SOL_SOCKET, SO_RCVBUF, 262144, 50000, 100000},
    {SOL_SOCKET, SO_SNDBUF, 131072, 50000, 100000},
    {IPPROTO_TCP, TCP_NODELAY, 0, 1, 1},
    {IPPROTO_TCP, TCP_CORK, 0, 1, 1},
    {IPPROTO_TCP, TCP_MAXSEG, 536, 700, 700},
    {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 60, 60},
    {IPPROTO_TCP, TCP_KEEPINTVL, 75, 5, 5},
    {IPPROTO_TCP, TCP_KEEPCNT, 9, 3, 3},
    {IPPROTO_TCP, TCP_SYNCNT, 6, 2, 2},
    {IPPROTO_TCP, TCP_LINGER2, 60, 10, 10},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 3, 3},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 12345, 12345},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, 4096, 4096},
    {IPPROTO_IP, IP_TTL, 64, 3, 3},
    {IPPROTO_IP, IP_TOS, 0, 0x20, 0x20},
};
#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

Test(option, numbers_before_and_after_connecting)
{
    struct sockaddr_in a = net_addr(1, 80);
    int s = gn_socket(AF_INET, SOCK_STREAM, 0), l = net_listen(80, 5), c;

    for (size_t i = 0; i < N_NUMBERS; i++) {
        cr_assert_eq(get(s, numbers[i].level, numbers[i].name), numbers[i].fresh, "fresh %zu", i);
        net_option(s, numbers[i].level, numbers[i].name, numbers[i].set);
        cr_assert_eq(get(s, numbers[i].level, numbers[i].name), numbers[i].got, "set %zu", i);
        net_option(l, numbers[i].level, numbers[i].name, numbers[i].set);
    }
    GIVES(gn_connect(s, (struct sockaddr *)&a, sizeof(a)), 0);
    GIVES(gn_send(s, "x", 1, MSG_MORE), 1); /* for TCP_DEFER_ACCEPT, but corked: */
    net_option(s, IPPROTO_TCP, TCP_CORK, 0);
    c = gn_accept(l, NULL, NULL);
    net_option(s, IPPROTO_TCP, TCP_CORK, 1);
    cr_assert_geq(c, 0);
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (numbers[i].name == TCP_MAXSEG && numbers[i].level == IPPROTO_TCP)
            continue; /* the current one, which has room for timestamps */
        cr_assert_eq(get(s, numbers[i].level, numbers[i].name), numbers[i].got, "connected %zu", i);
        cr_assert_eq(get(c, numbers[i].level, numbers[i].name), numbers[i].got, "accepted %zu", i);
    }
    cr_assert_leq(get(s, IPPROTO_TCP, TCP_MAXSEG), 700);
    cr_assert_leq(get(c, IPPROTO_TCP, TCP_MAXSEG), 700);
}

Test(option, bounds)
{
    static const int bad[][3] = {
        {IPPROTO_TCP, TCP_MAXSEG, 87},    {IPPROTO_TCP, TCP_MAXSEG, 40000},
        {IPPROTO_TCP, TCP_KEEPIDLE, 0},   {IPPROTO_TCP, TCP_KEEPIDLE, 32768},
        {IPPROTO_TCP, TCP_KEEPINTVL, -1}, {IPPROTO_TCP, TCP_KEEPCNT, 0},
        {IPPROTO_TCP, TCP_KEEPCNT, 128},  {IPPROTO_TCP, TCP_SYNCNT, 0},
        {IPPROTO_TCP, TCP_SYNCNT, 128},   {IPPROTO_TCP, TCP_USER_TIMEOUT, -1},
        {IPPROTO_IP, IP_TTL, 256},        {IPPROTO_IP, IP_TTL, 0},
    };
    int s = gn_socket(AF_INET, SOCK_STREAM, 0), v = 1;
    socklen_t len = sizeof(v);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        FAILS(gn_setsockopt(s, bad[i][0], bad[i][1], &bad[i][2], sizeof(int)), EINVAL);
    FAILS(gn_setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), EFAULT);
    FAILS(gn_setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, 3), EINVAL);
    FAILS(gn_setsockopt(s, SOL_SOCKET, 9999, &v, 4), ENOPROTOOPT);
    FAILS(gn_setsockopt(s, 9999, 1, &v, 4), ENOPROTOOPT);
    FAILS(gn_getsockopt(s, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
    FAILS(gn_getsockopt(s, SOL_SOCKET, SO_ERROR, NULL, &len), EFAULT);
    FAILS(gn_setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v, 4), ENOPROTOOPT);
    net_option(s, IPPROTO_IP, IP_TTL, -1);
    cr_assert_eq(get(s, IPPROTO_IP, IP_TTL), 64);
    net_option(s, SOL_SOCKET, SO_RCVBUF, 1); /* clipped, no error */
    cr_assert_geq(get(s, SOL_SOCKET, SO_RCVBUF), 2304);
    net_option(s, IPPROTO_TCP, TCP_LINGER2, -1);
    cr_assert_eq(get(s, IPPROTO_TCP, TCP_LINGER2), -1);
}

Test(option, what_a_socket_is)
{
    int s = gn_socket(AF_INET6, SOCK_STREAM, 0), l = net_listen(80, 1);

    cr_assert_eq(get(s, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    cr_assert_eq(get(s, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    cr_assert_eq(get(l, SOL_SOCKET, SO_DOMAIN), AF_INET);
    cr_assert_eq(get(s, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    cr_assert_eq(get(s, SOL_SOCKET, SO_ACCEPTCONN), 0);
    cr_assert_eq(get(l, SOL_SOCKET, SO_ACCEPTCONN), 1);
    cr_assert_eq(get(s, IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

Test(option, structs)
{
    struct linger l = {1, 9}, gl;
    struct timeval tv = {3, 250000}, gtv;
    socklen_t len = sizeof(gl);
    int s = gn_socket(AF_INET, SOCK_STREAM, 0);

    GIVES(gn_setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_getsockopt(s, SOL_SOCKET, SO_LINGER, &gl, &len), 0);
    cr_assert(gl.l_onoff == 1 && gl.l_linger == 9);
    l = (struct linger){0, 5}; /* off: the time stays */
    GIVES(gn_setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_getsockopt(s, SOL_SOCKET, SO_LINGER, &gl, &len), 0);
    cr_assert(gl.l_onoff == 0 && gl.l_linger == 9);
    GIVES(gn_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    len = sizeof(gtv);
    GIVES(gn_getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &gtv, &len), 0);
    cr_assert(gtv.tv_sec == 3 && gtv.tv_usec == 250000);
    tv.tv_usec = 1000000;
    FAILS(gn_setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), EDOM);
    FAILS(gn_setsockopt(s, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
    FAILS(gn_setsockopt(s, SOL_SOCKET, SO_LINGER, &l, (socklen_t)-8), EINVAL);
}

Test(option, congestion_control_by_name)
{
    char text[20];
    socklen_t len = sizeof(text);
    int s[2];

    net_pair(80, s);
    GIVES(gn_getsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, text, &len), 0);
    cr_assert_str_eq(text, "cubic");
    FAILS(gn_setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "vegas", 5), ENOENT);
    FAILS(gn_setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "0", 1), ENOENT);
    GIVES(gn_setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "bbr", 3), 0);
    GIVES(gn_getsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, text, &len), 0);
    cr_assert_str_eq(text, "bbr");
    GIVES(gn_setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    GIVES(gn_getsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, text, &len), 0);
    cr_assert_str_eq(text, "reno");
}

Test(option, max_pacing_rate)
{
    uint32_t v = 0;
    uint64_t wide = 0;
    socklen_t len = sizeof(v);
    int s[2];

    net_pair(80, s);
    GIVES(gn_getsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &v, &len), 0);
    cr_assert_eq(v, UINT32_MAX, "no limit");
    v = 123456;
    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &v, sizeof(v)), 0);
    len = sizeof(wide);
    GIVES(gn_getsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &wide, &len), 0);
    cr_assert_eq(wide, 123456);
    wide = UINT64_MAX;
    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &wide, sizeof(wide)), 0);
    len = sizeof(wide);
    wide = 0;
    GIVES(gn_getsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &wide, &len), 0);
    cr_assert_eq(wide, UINT64_MAX);
    FAILS(gn_setsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &v, 2), EINVAL);
}

/* tcpi_delivered; tcpi_delivered_ce is 0. The C library's struct ends before them */
static uint32_t delivered(int s)
{
    uint32_t raw[58];
    socklen_t len = sizeof(raw);

    GIVES(gn_getsockopt(s, IPPROTO_TCP, TCP_INFO, raw, &len), 0);
    cr_assert_eq(len, sizeof(raw));
    cr_assert_eq(raw[49], 0);
    return raw[48];
}

Test(option, tcp_info)
{
    struct tcp_info i;
    socklen_t len = sizeof(i);
    int s[2], l = net_listen(99, 7);

    net_pair(80, s);
    GIVES(gn_send(s[0], "hello", 5, 0), 5);
    net_pass(GN_SEC);
    GIVES(gn_getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    cr_assert_eq(len, sizeof(i));
    cr_assert_eq(i.tcpi_state, TCP_ESTABLISHED);
    cr_assert_eq(i.tcpi_unacked, 0);
    cr_assert_geq(i.tcpi_rtt, 2000);
    cr_assert_geq(i.tcpi_rto, 200000);
    cr_assert_geq(i.tcpi_snd_mss, 1400);
    cr_assert_geq(i.tcpi_snd_cwnd, 10);
    cr_assert(i.tcpi_options & TCPI_OPT_TIMESTAMPS);
    cr_assert_eq(i.tcpi_advmss, 1500 - 40 - 12);
    cr_assert_eq(delivered(s[0]), 2); /* with the SYN */
    cr_assert_eq(delivered(s[1]), 1);
    len = 1;
    GIVES(gn_getsockopt(l, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    cr_assert_eq(len, 1);
    cr_assert_eq(i.tcpi_state, TCP_LISTEN);
    len = sizeof(i);
    GIVES(gn_getsockopt(l, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    cr_assert_eq(i.tcpi_advmss, 0);
    len = sizeof(i);
    GIVES(gn_getsockopt(gn_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    cr_assert_eq(i.tcpi_state, TCP_CLOSE);
}

Test(option, keepalive_finds_a_dead_peer)
{
    gn_time t;
    char b;
    int s[2];

    net_pair(80, s);
    net_option(s[0], SOL_SOCKET, SO_KEEPALIVE, 1);
    net_option(s[0], IPPROTO_TCP, TCP_KEEPIDLE, 10);
    net_option(s[0], IPPROTO_TCP, TCP_KEEPINTVL, 2);
    net_option(s[0], IPPROTO_TCP, TCP_KEEPCNT, 3);
    net_cut(true);
    t = net_now();
    FAILS(gn_recv(s[0], &b, 1, 0), ETIMEDOUT);
    cr_assert_leq(net_now() - t, 17 * GN_SEC);
    cr_assert_geq(net_now() - t, 15 * GN_SEC);
}

/** send_some() - @n octets, if they can be sent */
static void send_some(int s, size_t n)
{
    static const char buf[4096];
    size_t done = 0;

    for (unsigned i = 0; i < 1000 && done < n; i++) {
        ssize_t k = gn_send(s, buf, n - done < sizeof(buf) ? n - done : sizeof(buf), MSG_DONTWAIT);

        done += k > 0 ? (size_t)k : 0;
        net_pass(GN_MSEC);
    }
}

/* SO-19: a mark above the buffer would never be reached, so the buffer follows it */
Test(option, receive_low_water_mark_above_the_buffer)
{
    int s[2];

    net_pair(80, s);
    net_option(s[1], SOL_SOCKET, SO_RCVLOWAT, 400000);
    send_some(s[0], 300000);
    cr_expect_eq(net_revents(s[1], POLLIN), 0);
    send_some(s[0], 100000);
    net_pass(GN_SEC);
    cr_expect_eq(net_revents(s[1], POLLIN), POLLIN);
}

/* ... and where it may not, or has become smaller, a full buffer is readable */
Test(option, receive_low_water_mark_of_a_fixed_buffer)
{
    int s[2];

    net_pair(80, s);
    net_option(s[1], SOL_SOCKET, SO_RCVBUF, 20000);
    net_option(s[1], SOL_SOCKET, SO_RCVLOWAT, 15000);
    cr_expect_eq(get(s[1], SOL_SOCKET, SO_RCVLOWAT), 15000);
    cr_expect_eq(get(s[1], SOL_SOCKET, SO_RCVBUF), 40000, "which stays");
    net_option(s[1], SOL_SOCKET, SO_RCVLOWAT, 25000);
    cr_expect_eq(get(s[1], SOL_SOCKET, SO_RCVLOWAT), 20000, "all of it");
    net_option(s[1], SOL_SOCKET, SO_RCVBUF, 5000);
    send_some(s[0], 9999);
    net_pass(GN_SEC);
    cr_expect_eq(net_revents(s[1], POLLIN), POLLIN);
}

/* SO-09: no window is announced that is larger, and text gets through all the same */
Test(option, window_clamp)
{
    struct sockaddr_in a = net_addr(1, 80);
    struct tcp_info i = {.tcpi_state = 0};
    socklen_t len = sizeof(i);
    static char buf[8192];
    int c = gn_socket(AF_INET, SOCK_STREAM, 0), l = net_listen(80, 5), s;
    size_t got = 0;

    net_option(l, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000);
    GIVES(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
    s = gn_accept(l, NULL, NULL);
    cr_assert_eq(get(s, IPPROTO_TCP, TCP_WINDOW_CLAMP), 5000);
    FAILS(gn_setsockopt(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, &(int){0}, sizeof(int)), EINVAL);
    while (got < 100000) {
        ssize_t n = gn_send(c, buf, sizeof(buf), MSG_DONTWAIT);

        net_pass(2 * NET_LATENCY);
        GIVES(gn_getsockopt(c, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
        cr_assert_leq(i.tcpi_unacked * i.tcpi_snd_mss, 5000 + i.tcpi_snd_mss);
        n = gn_recv(s, buf, sizeof(buf), MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        cr_assert_leq(n, 5000);
    }
    net_option(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 100000);
    while (gn_recv(s, buf, sizeof(buf), MSG_DONTWAIT) > 0)
        net_pass(GN_SEC);
    send_some(c, 40000);
    net_pass(GN_SEC);
    cr_expect_geq(gn_recv(s, buf, sizeof(buf), MSG_PEEK), 8192, "more fits in now");
}

Test(option, user_timeout_ends_a_stuck_connection)
{
    gn_time t;
    char b;
    int s[2];

    net_pair(80, s);
    net_option(s[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 4000);
    net_cut(true);
    t = net_now();
    GIVES(gn_send(s[0], "x", 1, 0), 1);
    FAILS(gn_recv(s[0], &b, 1, 0), ETIMEDOUT);
    cr_assert(net_now() - t >= 4 * GN_SEC && net_now() - t < 8 * GN_SEC);
}
