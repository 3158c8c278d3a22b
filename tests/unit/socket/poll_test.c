/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(poll, .init = net_up, .fini = net_down);

Test(poll, unknown_ignored_and_fresh)
{
    int s = gn_socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd p[3] = {{.fd = -1, .events = POLLIN, .revents = 99},
                          {.fd = 3, .events = POLLIN},
                          {.fd = s, .events = POLLIN | POLLOUT}};

    GIVES(gn_poll(p, 3, 0), 2);
    cr_assert_eq(p[0].revents, 0);
    cr_assert_eq(p[1].revents, POLLNVAL);
    cr_assert_eq(p[2].revents, POLLOUT | POLLHUP); /* as Linux has it */
    FAILS(gn_poll(NULL, 1, 0), EFAULT);
}

Test(poll, the_timeout_is_exact)
{
    int l = net_listen(80, 1);
    struct pollfd p = {.fd = l, .events = POLLIN};
    gn_time t = net_now();

    GIVES(gn_poll(&p, 1, 0), 0);
    cr_assert_eq(net_now(), t);
    GIVES(gn_poll(&p, 1, 1234), 0);
    cr_assert_eq(net_now() - t, 1234 * GN_MSEC);
    GIVES(gn_poll(NULL, 0, 100), 0);
    cr_assert_eq(net_now() - t, 1334 * GN_MSEC);
    FAILS(gn_poll(&p, 1, -1), EDEADLK);
}

Test(poll, a_listener_and_a_connection)
{
    struct sockaddr_in a = net_addr(1, 80);
    int l = net_listen(80, 1), c = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p[2] = {{.fd = l, .events = POLLIN | POLLOUT}, {.fd = c, .events = POLLIN}};

    FAILS(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), EINPROGRESS);
    GIVES(gn_poll(p, 2, -1), 1);
    cr_assert_eq(p[0].revents, POLLIN);
    cr_assert_geq(gn_accept(l, NULL, NULL), 0);
    GIVES(gn_poll(p, 2, 10), 0);
}

Test(poll, the_same_socket_twice_and_many)
{
    struct pollfd p[100];
    int s[2];

    net_pair(80, s);
    for (int i = 0; i < 100; i++)
        p[i] = (struct pollfd){.fd = s[i % 2], .events = POLLIN};
    GIVES(gn_poll(p, 100, 5), 0);
    GIVES(gn_send(s[0], "x", 1, 0), 1);
    GIVES(gn_poll(p, 100, 50), 50);
    cr_assert_eq(p[1].revents, POLLIN);
    cr_assert_eq(p[0].revents, 0);
}

Test(poll, urgent_data_is_told)
{
    struct pollfd p;
    char b[3];
    int s[2];

    net_pair(80, s);
    GIVES(gn_send(s[0], "abc", 3, MSG_OOB), 3);
    p = (struct pollfd){.fd = s[1], .events = POLLPRI};
    GIVES(gn_poll(&p, 1, 1000), 1);
    cr_assert_eq(p.revents, POLLPRI);
    GIVES(gn_recv(s[1], b, 3, 0), 2);
    cr_assert_arr_eq(b, "ab", 2);
    GIVES(gn_recv(s[1], b, 3, MSG_OOB), 1);
    cr_assert_eq(b[0], 'c');
    GIVES(net_revents(s[1], POLLPRI), 0);
}
