/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file diag_test.c  One message of inet_diag as facts: whole, cut short, and of kernels old and
 * new.
 */
#include "probe/diag.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#define INFO_MAX 400

/** A message being made. */
struct made {
    _Alignas(8) char bytes[2048];
    struct nlmsghdr *h;
    struct inet_diag_msg *m;
};

/** make() - a message without attributes: 10.0.0.1:80 and 10.0.0.2:4000 */
static void make(struct made *d, uint8_t state)
{
    const uint8_t here[4] = {10, 0, 0, 1}, there[4] = {10, 0, 0, 2};

    memset(d, 0, sizeof *d);
    d->h = mnl_nlmsg_put_header(d->bytes);
    d->h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    d->m = mnl_nlmsg_put_extra_header(d->h, sizeof *d->m);
    d->m->idiag_family = AF_INET;
    d->m->idiag_state = state;
    d->m->id.idiag_sport = htons(80);
    d->m->id.idiag_dport = htons(4000);
    memcpy(d->m->id.idiag_src, here, 4);
    memcpy(d->m->id.idiag_dst, there, 4);
    d->m->id.idiag_cookie[0] = 7;
    d->m->id.idiag_cookie[1] = 1;
    d->m->idiag_inode = 99;
    d->m->idiag_rqueue = 3;
    d->m->idiag_wqueue = 5;
}

/** put_info() - tcp_info of @len octets, as a kernel of that age sends it */
static void put_info(struct made *d, size_t len)
{
    char bytes[INFO_MAX] = {0};
    struct tcp_info t = {.tcpi_rto = 204000,
                         .tcpi_snd_mss = 1448,
                         .tcpi_snd_ssthresh = INT32_MAX,
                         .tcpi_last_ack_recv = 42000,
                         .tcpi_last_data_sent = 50000,
                         .tcpi_min_rtt = UINT32_MAX,
                         .tcpi_pacing_rate = UINT64_MAX,
                         .tcpi_busy_time = 8,
                         .tcpi_snd_wnd = 1234};
    const uint32_t rcv_wnd = 4321;

    memcpy(bytes, &t, sizeof t);
    memcpy(bytes + offsetof(struct tcp_info, tcpi_snd_wnd) + 4, &rcv_wnd, 4);
    mnl_attr_put(d->h, INET_DIAG_INFO, len, bytes);
}

Test(diag, a_connection)
{
    const uint32_t mem[] = {11, 22, 33, 44, 55, 66, 77, 88, 99};
    struct made d;
    struct fact_conn c;

    make(&d, 1);
    put_info(&d, 300);
    mnl_attr_put(d.h, INET_DIAG_SKMEMINFO, sizeof mem, mem);
    mnl_attr_put_strz(d.h, INET_DIAG_CONG, "cubic");
    mnl_attr_put_u32(d.h, INET_DIAG_MARK, 17);
    cr_assert(diag_take(d.h, &c));
    cr_expect_eq(c.kind, GN_KIND_CONNECTION);
    cr_expect_eq(c.state, GN_ESTABLISHED);
    struct gn_addr here = gn_addr_v4(10, 0, 0, 1), there = gn_addr_v4(10, 0, 0, 2);
    cr_expect(gn_addr_eq(&c.local.addr, &here) && c.local.port == 80);
    cr_expect(gn_addr_eq(&c.remote.addr, &there) && c.remote.port == 4000);
    cr_expect_eq(c.cookie, UINT64_C(0x100000007));
    cr_expect_eq(c.inode, 99);
    cr_expect_eq(c.recv_q, 3);
    cr_expect_eq(c.send_q, 5);
    cr_expect_eq(c.mark, 17);
    cr_expect_str_eq(c.info.cc, "cubic");
    cr_expect_eq(c.info.rto, 204 * GN_MSEC);
    cr_expect_eq(c.info.ssthresh, UINT32_MAX);
    cr_expect_eq(c.info.min_rtt, 0, "none yet is no 71 minutes");
    cr_expect_eq(c.info.pacing_rate, 0);
    cr_expect_eq(c.info.busy, 8 * GN_USEC);
    cr_expect_eq(c.info.snd_wnd, 1234);
    cr_expect_eq(c.info.rcv_wnd, 4321);
    cr_expect(c.rmem == 11 && c.rcvbuf == 22 && c.sndbuf == 44 && c.wmem == 66 && c.drops == 99);
    cr_expect_eq(c.process, FACT_NONE);
    cr_expect(!(c.known & FACT_OWNER));
    cr_expect_eq(c.in_state, 50 * GN_SEC, "it has been there since the oldest of what happened");
    cr_expect(c.known & FACT_AGE_MIN);
}

Test(diag, close_wait_is_as_old_as_the_last_ack_at_least)
{
    struct made d;
    struct fact_conn c;

    make(&d, 8);
    put_info(&d, 232);
    cr_assert(diag_take(d.h, &c));
    cr_expect_eq(c.state, GN_CLOSE_WAIT);
    cr_expect_eq(c.in_state, 42 * GN_SEC);
}

Test(diag, what_an_old_kernel_does_not_send_is_unknown)
{
    struct made d;
    struct fact_conn c;

    make(&d, 1);
    put_info(&d, offsetof(struct tcp_info, tcpi_pacing_rate));
    cr_assert(diag_take(d.h, &c));
    cr_expect(c.known & FACT_INFO);
    cr_expect_eq(c.info.snd_mss, 1448);
    cr_expect_eq(c.info.snd_wnd, UINT32_MAX);
    cr_expect_eq(c.info.rcv_wnd, UINT32_MAX);
    make(&d, 1);
    put_info(&d, 50);
    cr_assert(diag_take(d.h, &c));
    cr_expect(!(c.known & (FACT_INFO | FACT_BUFFERS | FACT_AGE_MIN)));
}

Test(diag, the_four_kinds)
{
    static const struct {
        uint8_t state;
        enum gn_kind kind;
        enum gn_state is;
    } rows[] = {{10, GN_KIND_LISTENER, GN_LISTEN},        {3, GN_KIND_HALF_OPEN, GN_SYN_RECEIVED},
                {12, GN_KIND_HALF_OPEN, GN_SYN_RECEIVED}, {6, GN_KIND_TIME_WAIT, GN_TIME_WAIT},
                {2, GN_KIND_CONNECTION, GN_SYN_SENT},     {11, GN_KIND_CONNECTION, GN_CLOSING}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made d;
        struct fact_conn c;

        make(&d, rows[i].state);
        cr_assert(diag_take(d.h, &c));
        cr_expect_eq(c.kind, rows[i].kind);
        cr_expect_eq(c.state, rows[i].is);
    }
}

Test(diag, timers)
{
    struct made d;
    struct fact_conn c;

    make(&d, 6);
    d.m->idiag_inode = 0;
    d.m->idiag_timer = 3;
    d.m->idiag_expires = 45000;
    cr_assert(diag_take(d.h, &c));
    cr_expect_eq(c.timer, FACT_TIMER_TIME_WAIT);
    cr_expect_eq(c.in_state, 15 * GN_SEC);
    d.m->idiag_state = 5;
    cr_assert(diag_take(d.h, &c));
    cr_expect_eq(c.timer, FACT_TIMER_FIN_WAIT_2, "an orphan that waits for the peer's FIN");
    cr_expect_eq(c.timer_in, 45 * GN_SEC);
    d.m->idiag_state = 2;
    d.m->idiag_timer = 1;
    d.m->idiag_retrans = 4;
    cr_assert(diag_take(d.h, &c));
    cr_expect_eq(c.timer, FACT_TIMER_RETRANS);
    cr_expect_eq(c.backoff, 4);
    cr_expect_geq(c.in_state, 4 * GN_SEC);
    d.m->idiag_timer = 200;
    cr_assert(diag_take(d.h, &c));
    cr_expect(!(c.known & FACT_TIMER), "a timer of a later kernel");
}

Test(diag, keep_alive_shows_by_the_timer_that_runs)
{
    static const struct {
        uint8_t timer;
        bool known, on;
    } rows[] = {{0, true, false}, {1, false, false}, {2, true, true}, {4, false, false}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made d;
        struct fact_conn c;

        make(&d, 1);
        d.m->idiag_timer = rows[i].timer;
        cr_assert(diag_take(d.h, &c));
        cr_expect_eq((c.known & FACT_KEEPALIVE) != 0, rows[i].known);
        cr_expect_eq(c.keepalive, rows[i].on);
    }
}

Test(diag, what_is_no_socket_of_ours_is_refused)
{
    struct made d;
    struct fact_conn c;

    make(&d, 0);
    cr_expect(!diag_take(d.h, &c));
    make(&d, 13);
    cr_expect(!diag_take(d.h, &c));
    make(&d, 1);
    d.m->idiag_family = AF_UNIX;
    cr_expect(!diag_take(d.h, &c));
    make(&d, 1);
    d.h->nlmsg_len -= 4;
    cr_expect(!diag_take(d.h, &c));
}

Test(diag, attributes_that_lie_about_their_length)
{
    for (uint16_t len = 0; len < 600; len++) {
        struct made d;
        struct fact_conn c;
        struct nlattr *a;

        make(&d, 1);
        a = mnl_nlmsg_get_payload_tail(d.h);
        put_info(&d, 232);
        a->nla_len = len;
        cr_assert(diag_take(d.h, &c), "the socket itself is told all the same");
        cr_expect_eq((c.known & FACT_INFO) != 0,
                     len <= 236 && len >= 4 + offsetof(struct tcp_info, tcpi_pacing_rate));
    }
}

Test(diag, errors_have_sentences)
{
    cr_expect(strstr(diag_why(-ENOENT), "inet_diag") != NULL);
    cr_expect(strstr(diag_why(-EPERM), "seccomp") != NULL);
    cr_expect(strlen(diag_why(-EIO)) > 0);
}
