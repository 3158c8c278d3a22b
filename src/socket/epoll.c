/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file epoll.c  epoll: level, edge and one-shot, over the sockets of one lock.
 *
 * Theory of operation. An instance has a number of its own: a slot of the table of sockets that is
 * no socket. An interest is linked to its socket like somebody who sleeps in it, for as long as it
 * lasts; when something happens to the socket that it is about (text is no news for who waits for
 * room), the interest goes on the instance's ready list and the sleepers of the instance are woken.
 * epoll_wait() asks each socket on the list how it stands. What is not ready leaves the list; so
 * does what was told once and is not to be told again before something new happens (EPOLLET) or
 * before it is asked for (EPOLLONESHOT). The work of a call depends on what has happened, never on
 * the number of interests. Instances may look after instances: one is readable while its ready list
 * holds something that is.
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <stdlib.h>

#define EPOLL_BITS                                                                           \
    (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND | \
     EPOLLERR | EPOLLHUP | EPOLLRDHUP)

#define NEST_MAX 5 /* instances, one in the other: so many as on Linux */

struct epoll {
    struct sock *self;
    struct list all;   /* of interest.all */
    struct list ready; /* of interest.ready */
};

/** A socket that an instance looks after. */
struct interest {
    struct wait_link link; /* of the socket's waiters */
    struct epoll *epoll;
    struct sock *sk;
    struct list all, ready;
    uint32_t events; /* as the user gave them */
    bool off;        /* EPOLLONESHOT has told */
    epoll_data_t data;
};

/** happened() - to an interest's socket: its turn to be looked at, if it is about what it wants */
static void happened(struct wait_link *l, uint32_t news)
{
    struct interest *i = LIST_ENTRY(l, struct interest, link);

    if (i->off || !(news & (i->events | EPOLLERR | EPOLLHUP)))
        return;
    if (!list_linked(&i->ready))
        list_append(&i->epoll->ready, &i->ready);
    sock_notify(i->epoll->self, NEWS_IN);
}

/** forget() - an interest goes */
static void forget(struct interest *i)
{
    list_remove(&i->link.node);
    list_remove(&i->all);
    if (list_linked(&i->ready))
        list_remove(&i->ready);
    free(i);
}

void epoll_free(struct sock *self)
{
    struct epoll *e = self->epoll;
    struct list *n, *next;

    for (n = e->all.next; n != &e->all; n = next) {
        next = n->next;
        forget(LIST_ENTRY(n, struct interest, all));
    }
    free(e);
    self->epoll = NULL;
}

void epoll_leave(struct sock *sk)
{
    struct list *n = sk->waiters.next, *next;

    for (; n != &sk->waiters; n = next) {
        struct wait_link *l = LIST_ENTRY(n, struct wait_link, node);

        next = n->next;
        if (l->happened)
            forget(LIST_ENTRY(l, struct interest, link));
    }
}

/** find() - the interest of @e in @sk, or NULL. Few others wait for one socket */
static struct interest *find(const struct epoll *e, const struct sock *sk)
{
    for (struct list *n = sk->waiters.next; n != &sk->waiters; n = n->next) {
        struct wait_link *l = LIST_ENTRY(n, struct wait_link, node);

        if (l->happened && LIST_ENTRY(l, struct interest, link)->epoll == e)
            return LIST_ENTRY(l, struct interest, link);
    }
    return NULL;
}

int gn_epoll_create_on(struct gn_stack *st, int flags)
{
    struct epoll *e = NULL;
    struct sock *sk = NULL;
    int err = 0;

    if (!st)
        err = -ENETDOWN;
    else if (flags & ~EPOLL_CLOEXEC)
        err = -EINVAL;
    else if (!(e = calloc(1, sizeof(*e))))
        err = -ENOMEM;
    if (!err) {
        gn_stack_lock(st);
        sk = sock_new(st, false, &err);
        if (sk) {
            list_init(&e->all);
            list_init(&e->ready);
            e->self = sk;
            sk->epoll = e;
        }
        gn_stack_unlock(st);
    }
    if (sk)
        return sk->fd;
    free(e);
    errno = -err;
    return -1;
}

int gn_epoll_create(int flags)
{
    return gn_epoll_create_on(gn_stack_default(), flags);
}

/** depth_below() - how many instances stand upon each other in @e, itself included; @above is not
 * one of them, or the answer is too large */
static unsigned depth_below(const struct epoll *e, const struct epoll *above)
{
    unsigned most = 0;

    if (e == above)
        return NEST_MAX + 1;
    for (struct list *n = e->all.next; n != &e->all; n = n->next) {
        const struct epoll *in = LIST_ENTRY(n, struct interest, all)->sk->epoll;

        if (in)
            most = max_u32(most, depth_below(in, above));
    }
    return most + 1;
}

/** depth_above() - how many instances look after @e one through the other, itself included */
static unsigned depth_above(const struct epoll *e)
{
    unsigned most = 0;

    for (struct list *n = e->self->waiters.next; n != &e->self->waiters; n = n->next) {
        struct wait_link *l = LIST_ENTRY(n, struct wait_link, node);

        if (l->happened)
            most = max_u32(most, depth_above(LIST_ENTRY(l, struct interest, link)->epoll));
    }
    return most + 1;
}

/** want() - look after @sk from now on */
static int want(struct epoll *e, struct sock *sk, const struct epoll_event *ev)
{
    struct interest *i = calloc(1, sizeof(*i));

    if (!i)
        return -ENOMEM;
    i->epoll = e;
    i->sk = sk;
    i->link.happened = happened;
    i->events = ev->events;
    i->data = ev->data;
    list_append(&e->all, &i->all);
    list_append(&sk->waiters, &i->link.node);
    happened(&i->link, NEWS_ALL); /* it may be ready already */
    return 0;
}

/** ctl_call() - epoll_ctl(2) for a socket that is there */
static int ctl_call(struct epoll *e, int op, struct sock *sk, const struct epoll_event *ev)
{
    struct interest *i = find(e, sk);

    if (op == EPOLL_CTL_ADD && !i && sk->epoll &&
        depth_below(sk->epoll, e) + depth_above(e) > NEST_MAX)
        return -ELOOP;
    if (op == EPOLL_CTL_ADD)
        return i ? -EEXIST : want(e, sk, ev);
    if (op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
        return -EINVAL;
    if (!i)
        return -ENOENT;
    if (op == EPOLL_CTL_DEL) {
        forget(i);
        return 0;
    }
    i->events = ev->events;
    i->data = ev->data;
    i->off = false;
    happened(&i->link, NEWS_ALL);
    return 0;
}

int gn_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
    struct sock *self = call_begin_any(epfd), *sk;
    int r = -EINVAL;

    if (!self)
        return -1;
    if (op != EPOLL_CTL_DEL && !ev) {
        r = -EFAULT;
    } else if (self->epoll && fd != epfd) {
        sk = call_beside(self, fd);
        r = -errno;
        if (sk) {
            r = ctl_call(self->epoll, op, sk, ev);
            call_leave(sk);
        }
    }
    return (int)call_end(self, r);
}

/** stands() - what holds of an interest's socket now */
static uint32_t stands(const struct interest *i)
{
    return (uint32_t)poll_one(i->sk, (short)(i->events & EPOLL_BITS));
}

short epoll_poll(struct sock *self, short events)
{
    struct epoll *e = self->epoll;

    while (!list_empty(&e->ready) && !stands(LIST_ENTRY(e->ready.next, struct interest, ready)))
        (void)list_pop(&e->ready);
    if (list_empty(&e->ready))
        return 0;
    return (short)((POLLIN | POLLRDNORM) & events);
}

/** collect() - what is ready, @max at the most; what is not leaves the list */
static int collect(struct epoll *e, struct epoll_event *ev, int max)
{
    struct list again;
    int n = 0;

    list_init(&again);
    while (n < max && !list_empty(&e->ready)) {
        struct interest *i = LIST_ENTRY(list_pop(&e->ready), struct interest, ready);
        uint32_t what = stands(i);

        if (!what)
            continue;
        ev[n++] = (struct epoll_event){.events = what, .data = i->data};
        if (i->events & EPOLLONESHOT)
            i->off = true;
        else if (!(i->events & EPOLLET))
            list_append(&again, &i->ready);
    }
    /* level: behind those that have not had their turn */
    list_splice(&e->ready, &again);
    return n;
}

/** wait_call() - epoll_wait(2) */
static int wait_call(struct sock *self, struct epoll_event *ev, int max, int timeout)
{
    struct gn_stack *st = self->stack;
    gn_time until = timeout < 0 ? GN_FOREVER : stack_now(st) + (gn_time)timeout * GN_MSEC;
    struct waiter w = {.woken = false};
    struct wait_link l = {.waiter = &w};
    int n = 0, r = 0;

    st->dirty = true; /* let what has arrived be seen */
    stack_flush(st);
    list_append(&self->waiters, &l.node);
    while (!self->closed && !(n = collect(self->epoll, ev, max)) && !r)
        r = stack_wait(st, &w, until);
    list_remove(&l.node);
    if (self->closed)
        return -EBADF;
    return n || r == -ETIMEDOUT ? n : r;
}

int gn_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout)
{
    struct sock *self = call_begin_any(epfd);
    int r = -EINVAL;

    if (!self)
        return -1;
    if (self->epoll && max > 0)
        r = ev ? wait_call(self, ev, max, timeout) : -EFAULT;
    return (int)call_end(self, r);
}
