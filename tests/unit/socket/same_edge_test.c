/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file same_edge_test.c  Edge-triggered epoll on the kernel's sockets (over its loopback) and on
 * ours: the same calls are to give the same edges, and none where nothing happened that is asked
 * for.
 */
#define _GNU_SOURCE

#include "both.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IN  EPOLLIN
#define OUT EPOLLOUT
#define ALL (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP)

static const struct door *d;

/** A connection; the instance looks after @fd. */
struct scene {
    int fd, peer, ep;
};

/* --- the log --- */

/** edge() - what epoll says after @what */
static void edge(const struct scene *s, const char *what)
{
    struct epoll_event e = {.events = 0};
    char text[200];

    d->pass();
    (void)d->epoll_wait(s->ep, &e, 1, 0);
    snprintf(text, sizeof(text), "%s:%s%s%s%s%s%s%s", what, e.events ? "" : " nothing",
             e.events & EPOLLIN ? " IN" : "", e.events & EPOLLOUT ? " OUT" : "",
             e.events & EPOLLPRI ? " PRI" : "", e.events & EPOLLRDHUP ? " RDHUP" : "",
             e.events & EPOLLERR ? " ERR" : "", e.events & EPOLLHUP ? " HUP" : "");
    both_add(d, text);
}

/* --- what is played --- */

/** watch() - @fd is looked after from now on; that it is writable is told at once */
static void watch(const struct scene *s, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLET};

    cr_assert_eq(d->epoll_ctl(s->ep, EPOLL_CTL_ADD, s->fd, &e), 0);
    edge(s, "ADD");
    edge(s, "again");
}

static void option(int fd, int level, int name, int v)
{
    cr_assert_eq(d->setsockopt(fd, level, name, &v, sizeof(v)), 0);
}

static void peer_sends(const struct scene *s, const char *text, int flags)
{
    cr_assert_eq(d->send(s->peer, text, strlen(text), flags), (ssize_t)strlen(text));
}

/** fill() - send until there is no room, and nothing moves any more; edges on the way do not count
 */
static void fill(const struct scene *s)
{
    static const char text[1000];
    struct epoll_event e;

    for (unsigned quiet = 0; quiet < 3; quiet++) {
        while (d->send(s->fd, text, sizeof(text), MSG_NOSIGNAL) > 0)
            quiet = 0;
        cr_assert_eq(errno, EAGAIN);
        d->pass();
    }
    (void)d->epoll_wait(s->ep, &e, 1, 0);
}

/** drain() - the peer reads all there is */
static void drain(const struct scene *s)
{
    static char text[10000];

    for (unsigned quiet = 0; quiet < 3; quiet++) {
        while (d->recv(s->peer, text, sizeof(text), 0) > 0)
            quiet = 0;
        d->pass();
    }
}

static void text_is_no_room(const struct scene *s)
{
    char b[10];

    watch(s, OUT);
    peer_sends(s, "abc", 0);
    edge(s, "text");
    peer_sends(s, "d", MSG_OOB);
    edge(s, "urgent");
    (void)d->recv(s->fd, b, 3, 0);
    edge(s, "read");
    (void)d->send(s->fd, "x", 1, 0);
    edge(s, "sent");
    (void)d->recv(s->peer, b, 1, 0);
    edge(s, "peer reads");
    d->shutdown(s->peer, SHUT_WR);
    edge(s, "FIN");
}

static void room_is_no_text(const struct scene *s)
{
    option(s->fd, SOL_SOCKET, SO_SNDBUF, 20000);
    watch(s, IN | EPOLLRDHUP);
    peer_sends(s, "abc", 0);
    edge(s, "text");
    fill(s);
    drain(s);
    edge(s, "room");
    peer_sends(s, "d", 0);
    edge(s, "text");
    peer_sends(s, "e", MSG_OOB);
    edge(s, "urgent");
    d->shutdown(s->peer, SHUT_WR);
    edge(s, "FIN");
}

static void all_of_it(const struct scene *s)
{
    watch(s, ALL);
    peer_sends(s, "abc", 0);
    edge(s, "text");
    edge(s, "again");
    peer_sends(s, "d", MSG_OOB);
    edge(s, "urgent");
    d->shutdown(s->fd, SHUT_WR);
    edge(s, "our FIN");
    d->shutdown(s->peer, SHUT_WR);
    edge(s, "FIN");
}

static void low_water(const struct scene *s)
{
    option(s->fd, SOL_SOCKET, SO_RCVLOWAT, 10);
    watch(s, ALL);
    peer_sends(s, "abcd", 0);
    edge(s, "4 of 10");
    peer_sends(s, "abcdef", 0);
    edge(s, "10");
    option(s->fd, SOL_SOCKET, SO_RCVLOWAT, 20);
    edge(s, "10 of 20");
    peer_sends(s, "abcde", 0);
    edge(s, "15 of 20");
    option(s->fd, SOL_SOCKET, SO_RCVLOWAT, 12);
    edge(s, "15 of 12");
    option(s->fd, SOL_SOCKET, SO_RCVLOWAT, 100);
    d->shutdown(s->peer, SHUT_WR);
    edge(s, "FIN");
}

static void unsent_limit(const struct scene *s)
{
    option(s->peer, SOL_SOCKET, SO_RCVBUF, 5000);
    option(s->fd, SOL_SOCKET, SO_SNDBUF, 200000);
    option(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000);
    watch(s, OUT);
    fill(s);
    edge(s, "full");
    option(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1);
    edge(s, "lower");
    option(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000000);
    edge(s, "higher");
    option(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 2000000);
    edge(s, "higher still");
    option(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1);
    drain(s);
    edge(s, "all is sent");
}

static void send_buffer(const struct scene *s)
{
    option(s->peer, SOL_SOCKET, SO_RCVBUF, 5000);
    option(s->fd, SOL_SOCKET, SO_SNDBUF, 20000);
    watch(s, OUT);
    fill(s);
    edge(s, "full");
    option(s->fd, SOL_SOCKET, SO_SNDBUF, 10000);
    edge(s, "smaller");
    option(s->fd, SOL_SOCKET, SO_SNDBUF, 200000);
    edge(s, "larger");
}

static void reset(const struct scene *s)
{
    struct linger now = {.l_onoff = 1};

    watch(s, OUT);
    d->setsockopt(s->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    d->shutdown(s->fd, SHUT_RD);
    edge(s, "SHUT_RD");
    d->close(s->peer);
    edge(s, "reset");
}

static const struct {
    const char *name;
    void (*play)(const struct scene *);
} plays[] = {
    {"text is no room", text_is_no_room},
    {"room is no text", room_is_no_text},
    {"all", all_of_it},
    {"SO_RCVLOWAT", low_water},
    {"TCP_NOTSENT_LOWAT", unsent_limit},
    {"SO_SNDBUF", send_buffer},
    {"reset", reset},
};
#define N_PLAYS (sizeof(plays) / sizeof(plays[0]))

/** play() - one, with a connection of its own, on the door at hand; false: the kernel has no
 * loopback */
static bool play(unsigned which)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(d->host)};
    socklen_t len = sizeof(at);
    struct scene s = {.peer = -1};
    int l = d->socket(1);

    cr_assert_eq(d->bind(l, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(d->listen(l, 5), 0);
    cr_assert_eq(d->getsockname(l, (struct sockaddr *)&at, &len), 0);
    s.fd = d->socket(0);
    if (d->connect(s.fd, (struct sockaddr *)&at, sizeof(at)) && errno != EINPROGRESS)
        return false;
    for (unsigned i = 0; i < 2000 && s.peer < 0; i++) {
        d->pass();
        s.peer = d->accept4(l, NULL, NULL, SOCK_NONBLOCK);
    }
    cr_assert_geq(s.peer, 0);
    s.ep = d->epoll_create(0);
    plays[which].play(&s);
    d->close(s.ep);
    d->close(s.fd);
    d->close(s.peer);
    d->close(l);
    return true;
}

/** differences() - in one play; @tell: say which */
static unsigned differences(unsigned which, bool tell)
{
    unsigned found = 0;

    both_forget();
    for (d = doors; d < doors + 2; d++)
        if (!play(which))
            cr_skip_test("no loopback here");
    cr_assert_eq(both.n[0], both.n[1], "%s", plays[which].name);
    for (unsigned n = 0; n < both.n[0]; n++) {
        if (strcmp(both.line[0][n], both.line[1][n]) == 0)
            continue;
        found++;
        if (tell)
            cr_log_error("%s: kernel %s; ours %s", plays[which].name, both.line[0][n],
                         both.line[1][n]);
    }
    return found;
}

/* SO-25 */
Test(same_edge, edges, .timeout = 100)
{
    unsigned different = 0;

    net_up();
    for (unsigned i = 0; i < N_PLAYS; i++) {
        unsigned found = 1;

        for (door_patience = 500; found && door_patience < 100000; door_patience *= 8)
            found = differences(i, door_patience > 10000);
        different += found;
    }
    both_forget();
    cr_expect_eq(different, 0, "%u edges differ", different);
    net_down();
}
