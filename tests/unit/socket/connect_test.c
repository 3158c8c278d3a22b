/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

TestSuite(connect, .init = net_up, .fini = net_down);

#define SA(a) ((struct sockaddr *)&(a)), sizeof(a)

Test(connect, blocking_takes_one_round_trip)
{
    struct sockaddr_in a = net_addr(1, 80), peer = {0};
    socklen_t len = sizeof(peer);
    int l = net_listen(80, 1), c = gn_socket(AF_INET, SOCK_STREAM, 0), s;
    gn_time t = net_now();

    cr_assert_geq(c, gn_socket_base());
    GIVES(gn_connect(c, SA(a)), 0);
    cr_assert_eq(net_now() - t, 2 * NET_LATENCY);
    s = gn_accept(l, (struct sockaddr *)&peer, &len);
    cr_assert_geq(s, 0);
    cr_assert_eq(len, sizeof(peer));
    cr_assert_eq(peer.sin_addr.s_addr, htonl(0x0a000001));

    len = sizeof(a);
    GIVES(gn_getsockname(c, (struct sockaddr *)&a, &len), 0);
    cr_assert_eq(memcmp(&a, &peer, sizeof(a)), 0);
    GIVES(gn_getpeername(c, (struct sockaddr *)&a, &len), 0);
    cr_assert_eq(ntohs(a.sin_port), 80);
    FAILS(gn_getpeername(l, (struct sockaddr *)&a, &len), ENOTCONN);
    FAILS(gn_connect(c, SA(a)), EISCONN);
    FAILS(gn_connect(l, SA(a)), EISCONN);
    FAILS(gn_accept(c, NULL, NULL), EINVAL);
    FAILS(gn_listen(c, 1), EINVAL);
}

Test(connect, non_blocking_tells_its_progress)
{
    struct sockaddr_in a = net_addr(1, 80);
    int c = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = c, .events = POLLOUT | POLLIN};
    char b;

    (void)net_listen(80, 1);
    FAILS(gn_connect(c, SA(a)), EINPROGRESS);
    FAILS(gn_connect(c, SA(a)), EALREADY);
    FAILS(gn_send(c, "x", 1, 0), EAGAIN);
    FAILS(gn_recv(c, &b, 1, 0), EAGAIN);
    FAILS(gn_getpeername(c, (struct sockaddr *)&a, &(socklen_t){sizeof(a)}), ENOTCONN);
    GIVES(gn_poll(&p, 1, 0), 0);
    GIVES(gn_poll(&p, 1, -1), 1);
    cr_assert_eq(p.revents, POLLOUT);
    cr_assert_eq(net_error(c), 0);
    a = net_addr(1, 80);
    GIVES(gn_connect(c, SA(a)), 0);
    FAILS(gn_connect(c, SA(a)), EISCONN);
    GIVES(gn_send(c, "x", 1, 0), 1);
}

Test(connect, refused)
{
    struct sockaddr_in a = net_addr(1, 81), b = net_addr(1, 80);
    int c = gn_socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd p = {.fd = c, .events = POLLOUT | POLLIN};

    FAILS(gn_connect(c, SA(a)), ECONNREFUSED);
    cr_assert_eq(net_error(c), 0);
    FAILS(gn_send(c, "x", 1, 0), EPIPE);

    (void)gn_fcntl(c, F_SETFL, O_NONBLOCK);
    FAILS(gn_connect(c, SA(a)), EINPROGRESS);
    GIVES(gn_poll(&p, 1, -1), 1);
    cr_assert_eq(p.revents, POLLOUT | POLLIN | POLLERR | POLLHUP);
    cr_assert_eq(net_error(c), ECONNREFUSED);
    cr_assert_eq(net_error(c), 0);
    FAILS(gn_connect(c, SA(a)), ECONNABORTED); /* as Linux says when SO_ERROR was read before */

    /* the same socket may try again */
    (void)net_listen(80, 1);
    (void)gn_fcntl(c, F_SETFL, 0);
    GIVES(gn_connect(c, SA(b)), 0);
}

Test(connect, timed_out)
{
    struct sockaddr_in a = net_addr(1, 80);
    struct timeval tv = {.tv_sec = 2};
    int c = gn_socket(AF_INET, SOCK_STREAM, 0);
    gn_time t = net_now();

    (void)net_listen(80, 1);
    net_cut(true);
    net_option(c, IPPROTO_TCP, TCP_SYNCNT, 1);
    FAILS(gn_connect(c, SA(a)), ETIMEDOUT);
    cr_assert_eq((net_now() - t) / GN_MSEC, 3000, "%llu", (unsigned long long)(net_now() - t));

    GIVES(gn_setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
    net_option(c, IPPROTO_TCP, TCP_SYNCNT, 3);
    t = net_now();
    FAILS(gn_connect(c, SA(a)), EINPROGRESS); /* it goes on */
    cr_assert_eq(net_now() - t, 2 * GN_SEC);
    net_cut(false);
    GIVES(gn_connect(c, SA(a)), 0);
}

/* two sockets on one port, to one and the same end */
Test(connect, a_tuple_in_use)
{
    struct sockaddr_in a = net_addr(1, 80), from = net_addr(0, 4000);
    int s[2];

    (void)net_listen(80, 2);
    for (unsigned i = 0; i < 2; i++) {
        s[i] = gn_socket(AF_INET, SOCK_STREAM, 0);
        net_option(s[i], SOL_SOCKET, SO_REUSEADDR, 1);
        GIVES(gn_bind(s[i], SA(from)), 0);
    }
    GIVES(gn_connect(s[0], SA(a)), 0);
    FAILS(gn_connect(s[1], SA(a)), EADDRNOTAVAIL);
}

Test(connect, bad_addresses)
{
    struct sockaddr_in a = net_addr(1, 80), group = net_addr(1, 80), far = net_addr(1, 80);
    struct sockaddr_in6 a6 = net_addr6(1, 80);
    struct sockaddr_in none = net_addr(1, 0);
    int c = gn_socket(AF_INET, SOCK_STREAM, 0), s = gn_socket(AF_INET6, SOCK_STREAM, 0);

    group.sin_addr.s_addr = htonl(0xe0000001);
    far.sin_addr.s_addr = htonl(0xc0000201);
    FAILS(gn_connect(c, NULL, sizeof(a)), EFAULT);
    FAILS(gn_connect(c, (struct sockaddr *)&a, 1), EINVAL);
    FAILS(gn_connect(c, (struct sockaddr *)&a, sizeof(a) - 1), EINVAL);
    FAILS(gn_connect(c, SA(a6)), EAFNOSUPPORT);
    FAILS(gn_connect(c, SA(group)), ENETUNREACH);
    FAILS(gn_connect(c, SA(far)), ENETUNREACH);
    FAILS(gn_connect(c, SA(none)), ECONNREFUSED);
    FAILS(gn_connect(s, SA(a)), EINVAL);
    FAILS(gn_bind(s, SA(a)), EINVAL);
    FAILS(gn_connect(-1, SA(a)), EBADF);
    FAILS(gn_connect(0, SA(a)), EBADF);
    FAILS(gn_socket(AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(gn_socket(AF_INET, SOCK_DGRAM, 0), ESOCKTNOSUPPORT);
    FAILS(gn_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    gn_stack_set_default(NULL);
    FAILS(gn_socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
    gn_stack_set_default(net.stack[0]);
}

Test(connect, unspec_dissolves)
{
    struct sockaddr_in a = net_addr(1, 80);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    char b;
    int s[2];

    net_pair(80, s);
    GIVES(gn_connect(s[0], &none, sizeof(none)), 0);
    FAILS(gn_recv(s[1], &b, 1, 0), ECONNRESET);
    (void)net_listen(80, 1);
    GIVES(gn_connect(s[0], SA(a)), 0);
}

Test(connect, ipv6_and_mapped_ipv4)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr_in6 a6 = net_addr6(1, 80), peer, mapped = {.sin6_family = AF_INET6};
    struct sockaddr_in a = net_addr(1, 80);
    socklen_t len = sizeof(peer);
    int l = gn_socket_on(net.stack[1], AF_INET6, SOCK_STREAM, 0);
    int c6 = gn_socket(AF_INET6, SOCK_STREAM, 0), c4 = gn_socket(AF_INET, SOCK_STREAM, 0);
    int cm = gn_socket(AF_INET6, SOCK_STREAM, 0);

    GIVES(gn_bind(l, SA(any)), 0);
    GIVES(gn_listen(l, 5), 0);
    GIVES(gn_connect(c6, SA(a6)), 0);
    GIVES(gn_connect(c4, SA(a)), 0);
    mapped.sin6_port = htons(80);
    memcpy(mapped.sin6_addr.s6_addr, gn_addr_v4(10, 0, 0, 2).b, 16);
    GIVES(gn_connect(cm, SA(mapped)), 0);
    cr_assert_geq(gn_accept(l, (struct sockaddr *)&peer, &len), 0);
    cr_assert_eq(peer.sin6_addr.s6_addr[0], 0xfd);
    for (int i = 0; i < 2; i++) {
        cr_assert_geq(gn_accept(l, (struct sockaddr *)&peer, &len), 0);
        cr_assert_eq(peer.sin6_family, AF_INET6);
        cr_assert(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
    }
}

Test(connect, from_a_bound_address_and_port)
{
    struct sockaddr_in a = net_addr(1, 80), from = net_addr(0, 4000), got;
    socklen_t len = sizeof(got);
    int l = net_listen(80, 5), c = gn_socket(AF_INET, SOCK_STREAM, 0);

    GIVES(gn_bind(c, SA(from)), 0);
    GIVES(gn_connect(c, SA(a)), 0);
    cr_assert_geq(gn_accept(l, (struct sockaddr *)&got, &len), 0);
    cr_assert_eq(ntohs(got.sin_port), 4000);
    GIVES(gn_getsockname(c, (struct sockaddr *)&got, &len), 0);
    cr_assert_eq(ntohs(got.sin_port), 4000);
}

Test(connect, shutdown_while_connecting_gives_up)
{
    struct sockaddr_in a = net_addr(1, 80);
    int c = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    FAILS(gn_shutdown(c, SHUT_RDWR), ENOTCONN);
    FAILS(gn_connect(c, SA(a)), EINPROGRESS);
    GIVES(gn_shutdown(c, SHUT_RDWR), 0);
    FAILS(gn_shutdown(c, SHUT_RDWR), ENOTCONN);
    FAILS(gn_shutdown(c, 17), EINVAL);
}

Test(connect, simultaneous_open)
{
    struct sockaddr_in a = net_addr(0, 5000), b = net_addr(1, 5000);
    int s = gn_socket_on(net.stack[0], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int t = gn_socket_on(net.stack[1], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char c;

    GIVES(gn_bind(s, SA(a)), 0);
    GIVES(gn_bind(t, SA(b)), 0);
    FAILS(gn_connect(s, SA(b)), EINPROGRESS);
    FAILS(gn_connect(t, SA(a)), EINPROGRESS);
    net_pass(GN_SEC);
    GIVES(gn_connect(s, SA(b)), 0);
    GIVES(gn_connect(t, SA(a)), 0);
    GIVES(gn_send(s, "x", 1, 0), 1);
    net_pass(GN_SEC);
    GIVES(gn_recv(t, &c, 1, 0), 1);
}

/* a program reaches itself as on any other machine: by its address, by 127.0.0.1 and by ::1 */
Test(connect, to_oneself)
{
    struct sockaddr_in own = net_addr(0, 80), lo = own;
    struct sockaddr_in6 lo6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int l = gn_socket(AF_INET6, SOCK_STREAM, 0), c[3], s;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    char b[8];

    lo.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    lo6.sin6_port = htons(80);
    GIVES(gn_bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
    GIVES(gn_listen(l, 5), 0);
    for (unsigned i = 0; i < 3; i++) {
        c[i] = gn_socket(i < 2 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
        GIVES(gn_connect(c[i],
                         i == 0   ? (struct sockaddr *)&own
                         : i == 1 ? (struct sockaddr *)&lo
                                  : (struct sockaddr *)&lo6,
                         i < 2 ? sizeof(own) : sizeof(lo6)),
              0);
        s = gn_accept(l, NULL, NULL);
        cr_assert_geq(s, 0);
        GIVES(gn_send(c[i], "hello", 5, 0), 5);
        GIVES(gn_recv(s, b, sizeof(b), 0), 5);
        GIVES(gn_close(s), 0);
        GIVES(gn_recv(c[i], b, sizeof(b), 0), 0);
        GIVES(gn_close(c[i]), 0);
    }
}

/* no socket can be had: the connection is not lost, it waits until there is one again */
Test(connect, accept_without_a_number)
{
    struct sockaddr_in a = net_addr(1, 80);
    int l = net_listen(80, 4), c = gn_socket(AF_INET, SOCK_STREAM, 0), s;
    unsigned used = (unsigned)(c - gn_socket_base()) + 1;
    char b;

    FAILS(gn_socket_set_limit((1u << 22) + 1), EINVAL);
    GIVES(gn_connect(c, SA(a)), 0);
    GIVES(gn_send(c, "x", 1, 0), 1);
    GIVES(gn_socket_set_limit(used), 0);
    for (unsigned i = 0; i < 2; i++) {
        FAILS(gn_accept(l, NULL, NULL), EMFILE);
        FAILS(gn_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
        net_pass(GN_SEC);
        cr_assert_eq(net_revents(l, POLLIN), POLLIN);
    }
    GIVES(gn_socket_set_limit(used + 1), 0);
    s = gn_accept(l, NULL, NULL);
    GIVES(s, c + 1);
    GIVES(gn_recv(s, &b, 1, 0), 1);
}
