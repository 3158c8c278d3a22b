/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file poll.c  poll(): what Linux's tcp_poll() would say, from the host's level-triggered bits.
 */
#define _GNU_SOURCE

#include "socket/sock.h"

#include <stdlib.h>

#define POLL_FEW 16 /* sockets polled without malloc */

/** One socket of a poll() call. */
struct polled {
    struct sock *sk; /* NULL: ignored or unknown */
    struct wait_link link;
};

/** poll_idle() - a socket without a handle */
static short poll_idle(const struct sock *sk)
{
    return (short)(POLLOUT | POLLWRNORM | POLLHUP | (sk->error ? POLLERR : 0));
}

/** poll_connection() - one that is, was or will be connected */
static short poll_connection(const struct sock *sk, unsigned what)
{
    int r = 0;
    bool gone = what & GN_EV_CLOSED;
    bool ended = gone || sk->shut_rd || what & GN_EV_EOF;

    if (what & GN_EV_ERROR)
        r |= POLLERR;
    if (gone || (sk->shut_wr && ended))
        r |= POLLHUP;
    if (ended)
        r |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (what & GN_EV_READABLE)
        r |= POLLIN | POLLRDNORM;
    if (what & GN_EV_WRITABLE || sk->shut_wr)
        r |= POLLOUT | POLLWRNORM;
    if (what & GN_EV_URGENT)
        r |= POLLPRI;
    return (short)r;
}

short poll_one(struct sock *sk, short events)
{
    struct gn_host *h = sk->stack->host;
    unsigned what = 0;
    short r = 0;

    if (sk->epoll)
        return epoll_poll(sk, events);
    switch (sk->phase) {
    case PHASE_IDLE: r = poll_idle(sk); break;
    case PHASE_LISTENING:
        if (gn_host_poll(h, sk->handle) & GN_EV_ACCEPT)
            r = POLLIN | POLLRDNORM;
        break;
    case PHASE_CONNECTING:
    case PHASE_CONNECTED:
        what = gn_host_poll(h, sk->handle);
        r = poll_connection(sk, what);
        break;
    }
    r = (short)(r & (events | POLLERR | POLLHUP));
    /* ask for an event when there is room: the host gives one only to those who found none */
    if (!(r & (POLLOUT | POLLWRNORM)) && events & (POLLOUT | POLLWRNORM) && what & GN_EV_CONNECTED)
        (void)gn_host_want_write(h, sk->handle);
    return r;
}

/** poll_all() - fill in revents; how many are not 0 */
static int poll_all(struct pollfd *fds, const struct polled *p, nfds_t n)
{
    int ready = 0;

    for (nfds_t i = 0; i < n; i++) {
        if (p[i].sk && !p[i].sk->closed)
            fds[i].revents = poll_one(p[i].sk, fds[i].events);
        else
            fds[i].revents = fds[i].fd < 0 ? 0 : POLLNVAL;
        ready += fds[i].revents != 0;
    }
    return ready;
}

/** poll_begin() - find the sockets; the first one's stack stays locked, the others' users are
 * counted. *ret_first: it, or NULL if none is known. 0, or -EINVAL: they share no lock */
static int poll_begin(const struct pollfd *fds, struct polled *p, nfds_t n, struct sock **ret_first)
{
    struct sock *first = NULL;
    nfds_t i;

    for (i = 0; i < n; i++) {
        p[i].sk = NULL;
        if (fds[i].fd < 0)
            continue;
        if (!first) {
            p[i].sk = first = call_begin_any(fds[i].fd);
            continue;
        }
        p[i].sk = call_beside(first, fds[i].fd);
        if (!p[i].sk && errno == EINVAL)
            break;
    }
    *ret_first = first;
    if (i == n)
        return 0;
    for (nfds_t k = i + 1; k < n; k++)
        p[k].sk = NULL;
    return -EINVAL;
}

/** poll_wait() - until something is ready or the time is over */
static int poll_wait(struct pollfd *fds, struct polled *p, nfds_t n, struct sock *first,
                     int timeout)
{
    struct gn_stack *st = first->stack;
    gn_time until = timeout < 0 ? GN_FOREVER : stack_now(st) + (gn_time)timeout * GN_MSEC;
    struct waiter w = {.woken = false};
    int ready, r = 0;

    for (nfds_t i = 0; i < n; i++) {
        p[i].link = (struct wait_link){.waiter = &w};
        if (p[i].sk)
            list_append(&p[i].sk->waiters, &p[i].link.node);
    }
    while (!(ready = poll_all(fds, p, n)) && !r)
        r = stack_wait(st, &w, until);
    for (nfds_t i = 0; i < n; i++)
        if (p[i].sk)
            list_remove(&p[i].link.node);
    return ready || r == -ETIMEDOUT ? ready : r;
}

/** poll_nothing() - no socket that we know: only time can pass, and only the default stack has it
 */
static int poll_nothing(struct pollfd *fds, const struct polled *p, nfds_t n, int timeout)
{
    int ready = poll_all(fds, p, n);
    struct gn_stack *st = gn_stack_default();
    struct waiter w = {.woken = false};
    int r = 0;
    gn_time until;

    if (ready || !timeout || !st)
        return ready;
    gn_stack_lock(st);
    until = timeout < 0 ? GN_FOREVER : stack_now(st) + (gn_time)timeout * GN_MSEC;
    while (!r)
        r = stack_wait(st, &w, until);
    stack_hand_over(st);
    gn_stack_unlock(st);
    return r == -ETIMEDOUT ? 0 : r;
}

/** poll_call() - poll(2), with room for the sockets in @p */
static int poll_call(struct pollfd *fds, struct polled *p, nfds_t n, int timeout)
{
    struct sock *first;
    int r = poll_begin(fds, p, n, &first);

    if (!first) {
        r = poll_nothing(fds, p, n, timeout);
        if (r >= 0)
            return r;
        errno = -r;
        return -1;
    }
    if (!r) {
        first->stack->dirty = true; /* let what has arrived be seen */
        stack_flush(first->stack);
        r = poll_wait(fds, p, n, first, timeout);
    }
    for (nfds_t i = 0; i < n; i++)
        if (p[i].sk && p[i].sk != first)
            call_leave(p[i].sk);
    return (int)call_end(first, r);
}

int gn_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct polled few[POLL_FEW];
    struct polled *p = few;
    int r;

    if (n && !fds) {
        errno = EFAULT;
        return -1;
    }
    if (n > POLL_FEW)
        p = n > SIZE_MAX / sizeof(*p) ? NULL : malloc(n * sizeof(*p));
    if (!p) {
        errno = ENOMEM;
        return -1;
    }
    r = poll_call(fds, p, n, timeout);
    if (p != few)
        free(p);
    return r;
}
