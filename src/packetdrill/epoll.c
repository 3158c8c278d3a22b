/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file epoll.c  See epoll.h.
 */
#define _GNU_SOURCE

#include "packetdrill/epoll.h"

#include <errno.h>
#include <stdlib.h>

#define INTERESTS 64

struct interest {
    int fd, sock; /* sock -1: free */
    struct epoll_event want;
    short told;        /* edge-triggered: bits last told of */
    uint64_t progress; /* and how far the connection was then */
    bool spent;        /* EPOLLONESHOT */
};

struct drill_epoll {
    struct interest of[INTERESTS];
};

struct drill_epoll *drill_epoll_new(void)
{
    struct drill_epoll *e = calloc(1, sizeof(*e));

    for (int i = 0; e && i < INTERESTS; i++)
        e->of[i].sock = -1;
    return e;
}

void drill_epoll_free(struct drill_epoll *e)
{
    free(e);
}

/** find() - the interest in @fd; with @fd -1 a free one; NULL: none */
static struct interest *find(struct drill_epoll *e, int fd)
{
    for (int i = 0; i < INTERESTS; i++)
        if (fd < 0 ? e->of[i].sock < 0 : e->of[i].sock >= 0 && e->of[i].fd == fd)
            return &e->of[i];
    return NULL;
}

/** fail() - with errno */
static int fail(int err)
{
    errno = err;
    return -1;
}

int drill_epoll_ctl(struct drill_epoll *e, int op, int fd, int sock, const struct epoll_event *ev)
{
    struct interest *i = find(e, fd);

    switch (op) {
    case EPOLL_CTL_DEL:
        if (!i)
            return fail(ENOENT);
        i->sock = -1;
        return 0;
    case EPOLL_CTL_MOD:
        if (!i)
            return fail(ENOENT);
        break;
    case EPOLL_CTL_ADD:
        if (i)
            return fail(EEXIST);
        i = find(e, -1);
        if (!i)
            return fail(ENOSPC);
        break;
    default: return fail(EINVAL);
    }
    if (!ev)
        return fail(EFAULT);
    *i = (struct interest){.fd = fd, .sock = sock, .want = *ev};
    return 0;
}

void drill_epoll_forget(struct drill_epoll *e, int fd)
{
    struct interest *i = find(e, fd);

    if (i)
        i->sock = -1;
}

/** progress() - a number that changes when the connection gets on */
static uint64_t progress(struct gn_stack *st, int sock)
{
    gn_handle h = gn_socket_handle(sock);
    struct gn_status s;
    uint64_t r = 0;

    gn_stack_lock(st);
    if (h != GN_NO_HANDLE && gn_host_status(gn_stack_host(st), h, gn_stack_now(st), &s) == GN_OK) {
        r = s.bytes_received * 3 + s.bytes_acked * 5 + (uint64_t)s.state;
        if (s.kind == GN_KIND_LISTENER)
            r += s.recv_q;
    }
    gn_stack_unlock(st);
    return r;
}

/** is_news() - shall the user be told that @revents hold? */
static bool is_news(struct interest *i, struct gn_stack *st, short revents)
{
    uint64_t now;

    if (!revents || i->spent)
        return false;
    if (!(i->want.events & EPOLLET))
        return true;
    now = progress(st, i->sock);
    if (!(revents & ~i->told) && now == i->progress)
        return false;
    i->told = revents;
    i->progress = now;
    return true;
}

/** collect() - from the results of a poll; the number of events */
static int collect(struct drill_epoll *e, struct gn_stack *st, const struct pollfd *p,
                   struct epoll_event *ret, int max)
{
    int n = 0;

    for (int k = 0; k < INTERESTS && n < max; k++) {
        struct interest *i = &e->of[k];

        if (i->sock < 0)
            continue;
        if (!is_news(i, st, p[k].revents)) {
            i->told &= p[k].revents;
            continue;
        }
        ret[n] = i->want;
        ret[n++].events = (uint32_t)(uint16_t)p[k].revents;
        i->spent = (i->want.events & EPOLLONESHOT) != 0;
    }
    return n;
}

int drill_epoll_wait(struct drill_epoll *e, struct gn_stack *st, struct epoll_event *ret, int max,
                     int timeout)
{
    struct pollfd p[INTERESTS];
    int r, n;

    if (max <= 0)
        return fail(EINVAL);
    if (!ret)
        return fail(EFAULT);
    for (int k = 0; k < INTERESTS; k++) {
        const struct interest *i = &e->of[k];

        p[k] = (struct pollfd){.fd = i->sock < 0 || i->spent ? -1 : i->sock,
                               .events = (short)(i->want.events & 0xffff)};
    }
    r = gn_poll(p, INTERESTS, 0);
    n = r > 0 ? collect(e, st, p, ret, max) : r;
    if (n || !timeout)
        return n;
    /* edges that were told must not end the wait: look for nothing but what is news */
    for (int k = 0; k < INTERESTS; k++)
        if (e->of[k].want.events & EPOLLET && p[k].fd >= 0)
            p[k].events = (short)(p[k].events & ~e->of[k].told);
    r = gn_poll(p, INTERESTS, timeout);
    return r > 0 ? collect(e, st, p, ret, max) : r;
}
