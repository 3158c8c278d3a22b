/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

TestSuite(bind, .init = net_up, .fini = net_down);

#define SA(a) ((struct sockaddr *)&(a)), sizeof(a)

/** sock1() - a socket of side 1 */
static int sock1(int domain)
{
    return gn_socket_on(net.stack[1], domain, SOCK_STREAM, 0);
}

/** port_of() - where it is bound */
static uint16_t port_of(int s)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    GIVES(gn_getsockname(s, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin6_port);
}

Test(bind, conflicts)
{
    struct sockaddr_in a = net_addr(1, 80), any = net_addr(1, 80), foreign = net_addr(0, 80);
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    int s = sock1(AF_INET), t = sock1(AF_INET), u = sock1(AF_INET6);

    any.sin_addr.s_addr = 0;
    GIVES(gn_bind(s, SA(a)), 0);
    FAILS(gn_bind(s, SA(a)), EINVAL);
    FAILS(gn_bind(t, SA(a)), EADDRINUSE);
    FAILS(gn_bind(t, SA(any)), EADDRINUSE);
    FAILS(gn_bind(u, SA(any6)), EADDRINUSE);
    FAILS(gn_bind(t, SA(foreign)), EADDRNOTAVAIL);
    net_option(u, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    GIVES(gn_bind(u, SA(any6)), 0);
    GIVES(gn_close(s), 0);
    GIVES(gn_bind(t, SA(any)), 0);
}

Test(bind, reuseaddr_until_somebody_listens)
{
    struct sockaddr_in a = net_addr(1, 80);
    int s = sock1(AF_INET), t = sock1(AF_INET), u = sock1(AF_INET);

    net_option(s, SOL_SOCKET, SO_REUSEADDR, 1);
    net_option(t, SOL_SOCKET, SO_REUSEADDR, 1);
    net_option(u, SOL_SOCKET, SO_REUSEADDR, 1);
    GIVES(gn_bind(s, SA(a)), 0);
    GIVES(gn_bind(t, SA(a)), 0);
    GIVES(gn_listen(s, 1), 0);
    FAILS(gn_listen(t, 1), EADDRINUSE);
    FAILS(gn_bind(u, SA(a)), EADDRINUSE);
}

Test(bind, reuseport_shares_the_listening)
{
    struct sockaddr_in a = net_addr(1, 80);
    int s = sock1(AF_INET), t = sock1(AF_INET), got = 0;

    net_option(s, SOL_SOCKET, SO_REUSEPORT, 1);
    net_option(t, SOL_SOCKET, SO_REUSEPORT, 1);
    GIVES(gn_bind(s, SA(a)), 0);
    GIVES(gn_bind(t, SA(a)), 0);
    GIVES(gn_listen(s, 50), 0);
    GIVES(gn_listen(t, 50), 0);
    for (int i = 0; i < 40; i++)
        GIVES(gn_connect(gn_socket(AF_INET, SOCK_STREAM, 0), SA(a)), 0);
    net_pass(GN_SEC); /* the last ACK is under way */
    (void)gn_fcntl(s, F_SETFL, O_NONBLOCK);
    (void)gn_fcntl(t, F_SETFL, O_NONBLOCK);
    while (gn_accept(s, NULL, NULL) >= 0)
        got++;
    cr_assert(got > 5 && got < 35, "%d", got);
    while (gn_accept(t, NULL, NULL) >= 0)
        got++;
    cr_assert_eq(got, 40);
}

Test(bind, time_wait_blocks_those_without_reuseaddr)
{
    struct sockaddr_in a = net_addr(1, 80);
    int s[2], t = sock1(AF_INET), u = sock1(AF_INET);

    net_pair(80, s);
    GIVES(gn_close(s[1]), 0); /* the server closes first */
    net_pass(GN_SEC);
    GIVES(gn_close(s[0]), 0);
    net_pass(GN_SEC);
    FAILS(gn_bind(t, SA(a)), EADDRINUSE);
    net_option(u, SOL_SOCKET, SO_REUSEADDR, 1);
    GIVES(gn_bind(u, SA(a)), 0);
    GIVES(gn_close(u), 0);
    net_pass(61 * GN_SEC);
    GIVES(gn_bind(t, SA(a)), 0);
}

Test(bind, port_zero_is_any_free_one)
{
    struct sockaddr_in a = net_addr(1, 0);
    int s = sock1(AF_INET), t = sock1(AF_INET), u = sock1(AF_INET);

    GIVES(port_of(s), 0);
    GIVES(gn_bind(s, SA(a)), 0);
    GIVES(gn_bind(t, SA(a)), 0);
    cr_assert(port_of(s) >= 32768 && port_of(s) <= 60999);
    cr_assert_neq(port_of(s), port_of(t));
    GIVES(gn_listen(u, 1), 0); /* not bound at all */
    cr_assert_geq(port_of(u), 32768);
}

Test(bind, the_backlog_holds_one_more)
{
    struct sockaddr_in a = net_addr(1, 80);
    int l = net_listen(80, 1), c[3];

    for (int i = 0; i < 3; i++) {
        c[i] = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        FAILS(gn_connect(c[i], SA(a)), EINPROGRESS);
    }
    net_pass(GN_SEC / 2);
    (void)gn_fcntl(l, F_SETFL, O_NONBLOCK);
    cr_assert_geq(gn_accept(l, NULL, NULL), 0);
    cr_assert_geq(gn_accept(l, NULL, NULL), 0);
    FAILS(gn_accept(l, NULL, NULL), EAGAIN);
    net_pass(10 * GN_SEC);
    cr_assert_geq(gn_accept(l, NULL, NULL), 0); /* the third gets in when there is room */
}

Test(bind, accept_waits_and_gives_up)
{
    struct timeval tv = {.tv_usec = 250000};
    int l = net_listen(80, 1);
    gn_time t = net_now();

    GIVES(gn_setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    FAILS(gn_accept(l, NULL, NULL), EAGAIN);
    cr_assert_eq(net_now() - t, GN_SEC / 4);
    tv.tv_usec = 0;
    GIVES(gn_setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    FAILS(gn_accept(l, NULL, NULL), EDEADLK); /* virtual time: nobody can ever come */
    FAILS(gn_accept4(l, NULL, NULL, 1), EINVAL);
}

Test(bind, shutdown_stops_a_listener_which_may_listen_again)
{
    struct sockaddr_in a = net_addr(1, 80);
    int l = net_listen(80, 1), c = gn_socket(AF_INET, SOCK_STREAM, 0);

    GIVES(gn_shutdown(l, SHUT_RD), 0);
    FAILS(gn_accept(l, NULL, NULL), EINVAL);
    FAILS(gn_connect(c, SA(a)), ECONNREFUSED);
    GIVES(gn_listen(l, 1), 0);
    GIVES(gn_connect(c, SA(a)), 0);
}

Test(bind, closing_a_listener_resets_what_waits)
{
    struct sockaddr_in a = net_addr(1, 80);
    int l = net_listen(80, 1), c = gn_socket(AF_INET, SOCK_STREAM, 0);
    char b;

    GIVES(gn_connect(c, SA(a)), 0);
    GIVES(gn_close(l), 0);
    FAILS(gn_recv(c, &b, 1, 0), ECONNRESET);
}

Test(bind, numbers_are_the_lowest_free)
{
    int a = gn_socket(AF_INET, SOCK_STREAM, 0), b = gn_socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(a, gn_socket_base());
    cr_assert_eq(b, a + 1);
    GIVES(gn_close(a), 0);
    FAILS(gn_close(a), EBADF);
    FAILS(gn_shutdown(a, SHUT_RD), EBADF);
    cr_assert_eq(gn_socket(AF_INET, SOCK_STREAM, 0), a);
    FAILS(gn_socket_set_base(100), EBUSY);
    for (int i = 2; i < 3000; i++)
        cr_assert_eq(gn_socket(AF_INET, SOCK_STREAM, 0), a + i);
    GIVES(gn_close(a + 1500), 0);
    cr_assert_eq(gn_socket(AF_INET, SOCK_STREAM, 0), a + 1500);
}

/** arrives() - does a connection to port 80 of side 1 get through? */
static bool arrives(bool v6)
{
    struct sockaddr_in a = net_addr(1, 80);
    struct sockaddr_in6 a6 = net_addr6(1, 80);
    int c = gn_socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    bool ok = v6 ? !gn_connect(c, (struct sockaddr *)&a6, sizeof(a6))
                 : !gn_connect(c, (struct sockaddr *)&a, sizeof(a));

    GIVES(gn_close(c), 0);
    return ok;
}

/* IPV6_V6ONLY on the wildcard: IPv4 finds nobody, or another listener */
Test(bind, v6only_takes_no_ipv4)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
    int l6 = gn_socket_on(net.stack[1], AF_INET6, SOCK_STREAM, 0);
    int l = gn_socket_on(net.stack[1], AF_INET, SOCK_STREAM, 0);

    net_option(l6, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    GIVES(gn_bind(l6, (struct sockaddr *)&any6, sizeof(any6)), 0);
    GIVES(gn_listen(l6, 5), 0);
    cr_assert(arrives(true));
    cr_assert_not(arrives(false));
    GIVES(gn_bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
    GIVES(gn_listen(l, 5), 0);
    cr_assert(arrives(false));
    cr_assert(arrives(true));
}

/* listen() again changes the backlog */
Test(bind, listen_again)
{
    int l = net_listen(80, 0);
    struct tcp_info info;
    socklen_t len = sizeof(info);
    struct gn_status st;

    GIVES(gn_host_status(net.host[1], gn_socket_handle(l), net_now(), &st), GN_OK);
    cr_assert_eq(st.backlog, 0);
    GIVES(gn_listen(l, 9), 0);
    GIVES(gn_host_status(net.host[1], gn_socket_handle(l), net_now(), &st), GN_OK);
    cr_assert_eq(st.backlog, 9);
    cr_assert_eq(st.send_q, 9); /* as ss shows it */
    GIVES(gn_getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    cr_assert_eq(info.tcpi_sacked, 9); /* as it was told */
    GIVES(gn_listen(l, -1), 0);
    GIVES(gn_getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    cr_assert_eq(info.tcpi_sacked, 4096);
}

/* KNOB-48: bind() to port 0 gives no reserved port */
Test(bind, passes_over_reserved_ports)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);

    cr_assert_eq(gn_host_set_knob(net.host[0], "ip_local_port_range", "3000 3003"), GN_OK);
    cr_assert_eq(gn_host_set_knob(net.host[0], "ip_local_reserved_ports", "3000-3002"), GN_OK);
    for (unsigned i = 0; i < 2; i++) {
        int s = gn_socket(AF_INET, SOCK_STREAM, 0);

        a.sin_port = 0;
        if (i == 0)
            GIVES(gn_bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
        else
            FAILS(gn_bind(s, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
        GIVES(gn_getsockname(s, (struct sockaddr *)&a, &len), 0);
        cr_expect_eq(ntohs(a.sin_port), i == 0 ? 3003 : 0);
    }
}
