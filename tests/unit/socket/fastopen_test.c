/* SPDX-License-Identifier: BSD-2-Clause */
/* SO-14: TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, MSG_FASTOPEN. */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static int l;
static struct sockaddr_in a;

static void setup(void)
{
    net_up();
    GIVES(gn_host_set_knob(net.host[1], "tcp_fastopen", "3"), GN_OK);
    a = net_addr(1, 80);
    l = net_listen(80, 10);
    net_option(l, IPPROTO_TCP, TCP_FASTOPEN, 5);
}

TestSuite(fastopen, .init = setup, .fini = net_down);

/** sends() - sendto() with MSG_FASTOPEN on a new socket */
static ssize_t sends(const char *text, int flags, int *ret)
{
    *ret = gn_socket(AF_INET, SOCK_STREAM, 0);
    return gn_sendto(*ret, text, strlen(text), flags | MSG_FASTOPEN, (struct sockaddr *)&a,
                     sizeof(a));
}

/** reads() - the next connection brings this */
static void reads(const char *want)
{
    char b[20];
    int s = gn_accept(l, NULL, NULL);

    cr_assert_geq(s, 0);
    GIVES(gn_recv(s, b, sizeof(b), 0), strlen(want));
    cr_assert_arr_eq(b, want, strlen(want));
}

/** syn_text() - TCPI_OPT_SYN_DATA */
static bool syn_text(int s)
{
    struct tcp_info i;
    socklen_t len = sizeof(i);

    GIVES(gn_getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    return i.tcpi_options & 32;
}

Test(fastopen, sendto)
{
    int c;

    GIVES(sends("first", 0, &c), 5); /* no cookie yet: waits for the connection */
    reads("first");
    cr_assert_not(syn_text(c));
    GIVES(sends("second", 0, &c), 6);
    reads("second");
    cr_assert(syn_text(c));
    GIVES(sends("third", MSG_DONTWAIT, &c), 5); /* goes with the SYN */
    reads("third");
    net_pass(GN_SEC);
    /* the first call that finds the connection made sends, as Linux has it */
    GIVES(gn_sendto(c, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)), 1);
    FAILS(gn_sendto(c, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)), EISCONN);
}

Test(fastopen, sendto_without_blocking)
{
    int c;

    FAILS(sends("first", MSG_DONTWAIT, &c), EINPROGRESS);
    FAILS(gn_sendto(c, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)), EALREADY);
    GIVES(gn_send(c, "later", 5, 0), 5);
    reads("later");
    FAILS(gn_send(gn_socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN), EOPNOTSUPP);
}

Test(fastopen, connect_is_deferred)
{
    int c = gn_socket(AF_INET, SOCK_STREAM, 0);

    net_option(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    GIVES(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), 0); /* learns the cookie */
    GIVES(gn_send(c, "first", 5, 0), 5);
    reads("first");
    c = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    net_option(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    GIVES(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
    FAILS(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), EISCONN);
    net_pass(10 * GN_SEC);
    cr_assert_eq(net_revents(l, POLLIN), 0, "no SYN yet");
    cr_assert_eq(net_revents(c, POLLOUT), POLLOUT);
    GIVES(gn_send(c, "second", 6, 0), 6);
    reads("second");
    net_pass(GN_SEC);
    cr_assert(syn_text(c));
}

Test(fastopen, options)
{
    int c, v = 2;

    FAILS(gn_setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &v, sizeof(v)), EINVAL);
    v = -1;
    FAILS(gn_setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN, &v, sizeof(v)), EINVAL);
    GIVES(gn_host_set_knob(net.host[0], "tcp_fastopen", "0"), GN_OK);
    FAILS(sends("x", 0, &c), EOPNOTSUPP);
}
