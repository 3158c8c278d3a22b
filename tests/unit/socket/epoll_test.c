/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static int s[2], ep;

static void setup(void)
{
    net_up();
    net_pair(80, s);
    ep = gn_epoll_create(0);
    cr_assert_geq(ep, 0);
}

TestSuite(epoll, .init = setup, .fini = net_down);

/** ctl() - which must work; the data is the number of the socket */
static void ctl(int op, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};

    GIVES(gn_epoll_ctl(ep, op, fd, &e), 0);
}

/** next() - what epoll_wait() says of @fd, alone, within 50 ms; 0: nothing */
static uint32_t next(int fd)
{
    struct epoll_event e[4];
    int n = gn_epoll_wait(ep, e, 4, 50);

    cr_assert(n == 0 || n == 1, "%d", n);
    if (!n)
        return 0;
    cr_assert_eq(e[0].data.fd, fd);
    return e[0].events;
}

Test(epoll, errors)
{
    struct epoll_event e = {.events = EPOLLIN};
    char b;

    FAILS(gn_epoll_create(12345), EINVAL);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_ADD, 3, &e), EBADF);
    FAILS(gn_epoll_ctl(3, EPOLL_CTL_ADD, s[0], &e), EBADF);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
    FAILS(gn_epoll_ctl(s[0], EPOLL_CTL_ADD, s[1], &e), EINVAL);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_ADD, s[0], NULL), EFAULT);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_MOD, s[0], &e), ENOENT);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_DEL, s[0], NULL), ENOENT);
    FAILS(gn_epoll_ctl(ep, 99, s[0], &e), EINVAL);
    ctl(EPOLL_CTL_ADD, s[0], EPOLLIN);
    FAILS(gn_epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e), EEXIST);
    FAILS(gn_epoll_wait(ep, &e, 0, 0), EINVAL);
    FAILS(gn_epoll_wait(ep, NULL, 1, 0), EFAULT);
    FAILS(gn_epoll_wait(s[0], &e, 1, 0), EINVAL);
    FAILS(gn_recv(ep, &b, 1, 0), ENOTSOCK);
    cr_assert_eq(net_revents(ep, POLLIN), 0);
}

Test(epoll, level)
{
    char b[10];

    ctl(EPOLL_CTL_ADD, s[1], EPOLLIN);
    cr_assert_eq(next(s[1]), 0);
    GIVES(gn_send(s[0], "ab", 2, 0), 2);
    cr_assert_eq(next(s[1]), EPOLLIN);
    cr_assert_eq(next(s[1]), EPOLLIN);
    GIVES(gn_recv(s[1], b, 1, 0), 1);
    cr_assert_eq(next(s[1]), EPOLLIN);
    GIVES(gn_recv(s[1], b, 10, 0), 1);
    cr_assert_eq(next(s[1]), 0);
    GIVES(gn_send(s[0], "c", 1, 0), 1);
    cr_assert_eq(next(s[1]), EPOLLIN);
    GIVES(gn_epoll_ctl(ep, EPOLL_CTL_DEL, s[1], NULL), 0);
    cr_assert_eq(next(s[1]), 0);
}

/* an edge is told once, and again when something new comes, drained or not */
Test(epoll, edge)
{
    char b[10];

    ctl(EPOLL_CTL_ADD, s[1], EPOLLIN | EPOLLET);
    GIVES(gn_send(s[0], "ab", 2, 0), 2);
    cr_assert_eq(next(s[1]), EPOLLIN);
    cr_assert_eq(next(s[1]), 0);
    GIVES(gn_recv(s[1], b, 1, 0), 1);
    cr_assert_eq(next(s[1]), 0, "what was there is no news");
    GIVES(gn_send(s[0], "c", 1, 0), 1);
    cr_assert_eq(next(s[1]), EPOLLIN);
    GIVES(gn_recv(s[1], b, 10, 0), 2);
    GIVES(gn_send(s[0], "d", 1, 0), 1);
    cr_assert_eq(next(s[1]), EPOLLIN);
    ctl(EPOLL_CTL_MOD, s[1], EPOLLIN | EPOLLET); /* arms it for what is there */
    cr_assert_eq(next(s[1]), EPOLLIN);
    cr_assert_eq(next(s[1]), 0);
}

/* writing: told at first, then when a full buffer has room again */
Test(epoll, edge_of_writing)
{
    static char big[300000];
    ssize_t n = 0, k;

    net_option(s[0], SOL_SOCKET, SO_SNDBUF, 8192);
    ctl(EPOLL_CTL_ADD, s[0], EPOLLOUT | EPOLLET);
    cr_assert_eq(next(s[0]), EPOLLOUT);
    cr_assert_eq(next(s[0]), 0);
    while ((k = gn_send(s[0], big, sizeof(big), MSG_DONTWAIT)) > 0)
        n += k;
    cr_assert_lt(n, 200000);
    net_pass(GN_SEC);
    while ((k = gn_send(s[0], big, sizeof(big), MSG_DONTWAIT)) > 0)
        n += k;
    while (n > 0 && (k = gn_recv(s[1], big, sizeof(big), MSG_DONTWAIT)) > 0)
        n -= k;
    cr_assert_eq(next(s[0]), EPOLLOUT);
}

Test(epoll, one_shot)
{
    ctl(EPOLL_CTL_ADD, s[1], EPOLLIN | EPOLLONESHOT);
    GIVES(gn_send(s[0], "a", 1, 0), 1);
    cr_assert_eq(next(s[1]), EPOLLIN);
    cr_assert_eq(next(s[1]), 0);
    GIVES(gn_send(s[0], "b", 1, 0), 1);
    cr_assert_eq(next(s[1]), 0);
    ctl(EPOLL_CTL_MOD, s[1], EPOLLIN | EPOLLONESHOT);
    cr_assert_eq(next(s[1]), EPOLLIN);
    cr_assert_eq(next(s[1]), 0);
}

/* SO-25: FIN, then the reset; always told */
Test(epoll, the_end)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};

    ctl(EPOLL_CTL_ADD, s[1], EPOLLRDHUP | EPOLLET);
    cr_assert_eq(next(s[1]), 0);
    GIVES(gn_shutdown(s[0], SHUT_WR), 0);
    cr_assert_eq(next(s[1]), EPOLLRDHUP);
    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_close(s[0]), 0);
    cr_assert_eq(next(s[1]), EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

/* a closed socket leaves by itself; a closed instance leaves its sockets alone */
Test(epoll, closing)
{
    struct epoll_event e;
    char b;

    ctl(EPOLL_CTL_ADD, s[0], EPOLLIN);
    ctl(EPOLL_CTL_ADD, s[1], EPOLLIN | EPOLLOUT);
    GIVES(gn_send(s[1], "x", 1, 0), 1);
    net_pass(GN_SEC);
    GIVES(gn_close(s[1]), 0);
    cr_assert_eq(next(s[0]), EPOLLIN);
    GIVES(gn_close(ep), 0);
    FAILS(gn_epoll_wait(ep, &e, 1, 0), EBADF);
    GIVES(gn_recv(s[0], &b, 1, 0), 1);
}

/* all that are ready get their turn, even if few are asked for */
Test(epoll, fairness)
{
    struct epoll_event e;
    int l = net_listen(81, 100), c[5], seen = 0;
    struct sockaddr_in a = net_addr(1, 81);

    ctl(EPOLL_CTL_ADD, l, EPOLLIN);
    for (int i = 0; i < 5; i++) {
        c[i] = gn_socket(AF_INET, SOCK_STREAM, 0);
        GIVES(gn_connect(c[i], (struct sockaddr *)&a, sizeof(a)), 0);
        e = (struct epoll_event){.events = EPOLLOUT, .data.u32 = (uint32_t)i};
        GIVES(gn_epoll_ctl(ep, EPOLL_CTL_ADD, c[i], &e), 0);
    }
    cr_assert_geq(gn_accept(l, NULL, NULL), 0);
    GIVES(gn_epoll_ctl(ep, EPOLL_CTL_DEL, l, NULL), 0);
    for (int i = 0; i < 10; i++) {
        GIVES(gn_epoll_wait(ep, &e, 1, 0), 1);
        seen |= 1 << e.data.u32;
    }
    cr_assert_eq(seen, 31);
}

Test(epoll, the_timeout_is_exact)
{
    struct epoll_event e;
    gn_time t = net_now();

    GIVES(gn_epoll_wait(ep, &e, 1, 0), 0);
    cr_assert_eq(net_now(), t);
    GIVES(gn_epoll_wait(ep, &e, 1, 777), 0);
    cr_assert_eq(net_now() - t, 777 * GN_MSEC);
    FAILS(gn_epoll_wait(ep, &e, 1, -1), EDEADLK);
}

/** within() - @outer looks after @inner */
static int within(int outer, int inner, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = inner};

    return gn_epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e);
}

/* an instance in another is readable while something in it is ready */
Test(epoll, nested)
{
    struct epoll_event e;
    char b[8];
    int top = gn_epoll_create(0), middle = gn_epoll_create(0);

    GIVES(within(middle, ep, EPOLLIN), 0);
    GIVES(within(top, middle, EPOLLIN), 0);
    GIVES(gn_epoll_wait(top, &e, 1, 0), 0);
    ctl(EPOLL_CTL_ADD, s[1], EPOLLIN);
    cr_expect_eq(net_revents(ep, POLLIN | POLLOUT), 0);
    GIVES(gn_send(s[0], "hi", 2, 0), 2);
    GIVES(gn_epoll_wait(top, &e, 1, 1000), 1);
    cr_expect_eq(e.data.fd, middle);
    cr_expect_eq(e.events, (uint32_t)EPOLLIN);
    cr_expect_eq(net_revents(ep, POLLIN | POLLOUT), POLLIN);
    cr_expect_eq(next(s[1]), (uint32_t)EPOLLIN);
    GIVES(gn_recv(s[1], b, 8, 0), 2);
    GIVES(gn_epoll_wait(top, &e, 1, 0), 0);
    GIVES(gn_send(s[0], "hi", 2, 0), 2);
    GIVES(gn_epoll_wait(top, &e, 1, 1000), 1);
    GIVES(gn_close(ep), 0); /* and who looked after it forgets it */
    GIVES(gn_epoll_wait(top, &e, 1, 0), 0);
    GIVES(gn_close(middle), 0);
    GIVES(gn_close(top), 0);
}

/* five deep and no more, and never in a circle */
Test(epoll, nested_too_deep)
{
    int in[6];

    for (unsigned i = 0; i < 6; i++)
        in[i] = gn_epoll_create(0);
    for (unsigned i = 0; i < 4; i++)
        GIVES(within(in[i], in[i + 1], EPOLLIN), 0);
    FAILS(within(in[4], in[5], EPOLLIN), ELOOP);
    FAILS(within(in[5], in[0], EPOLLIN), ELOOP);
    FAILS(within(in[4], in[0], EPOLLIN), ELOOP);
    FAILS(within(in[1], in[0], EPOLLIN), ELOOP);
    FAILS(within(in[0], in[1], EPOLLIN), EEXIST);
    GIVES(gn_epoll_ctl(in[0], EPOLL_CTL_DEL, in[1], NULL), 0);
    GIVES(within(in[4], in[5], EPOLLIN), 0);
    for (unsigned i = 0; i < 6; i++)
        GIVES(gn_close(in[i]), 0);
}
