/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file connect.c  The life of a socket: socket(), connect(), accept(), shutdown(), close().
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <netinet/in.h>

/** readiness() - GN_EV_* of the socket's handle */
static unsigned readiness(const struct sock *sk)
{
    return gn_host_poll(sk->stack->host, sk->handle);
}

void sock_dissolve(struct sock *sk, bool reset)
{
    struct gn_stack *st = sk->stack;

    if (sk->phase == PHASE_IDLE)
        return;
    if (reset)
        (void)gn_host_abort(st->host, sk->handle, stack_now(st));
    else
        (void)gn_host_close(st->host, sk->handle, stack_now(st));
    st->dirty = true;
    sk->phase = PHASE_IDLE;
    sk->handle = GN_NO_HANDLE;
    sk->shut_rd = sk->shut_wr = false;
    sock_notify(sk, NEWS_ALL);
}

int gn_socket_on(struct gn_stack *st, int domain, int type, int protocol)
{
    struct sock *sk;
    int err = 0;

    if (!st)
        err = -ENETDOWN;
    else if (domain != AF_INET && domain != AF_INET6)
        err = -EAFNOSUPPORT;
    else if (type & ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC))
        err = -EINVAL;
    else if ((type & 0xf) != SOCK_STREAM)
        err = -ESOCKTNOSUPPORT;
    else if (protocol != 0 && protocol != IPPROTO_TCP)
        err = -EPROTONOSUPPORT;
    if (!err) {
        gn_stack_lock(st);
        sk = sock_new(st, domain == AF_INET6, &err);
        if (sk)
            sk->nonblock = (type & SOCK_NONBLOCK) != 0;
        gn_stack_unlock(st);
        if (sk)
            return sk->fd;
    }
    errno = -err;
    return -1;
}

int gn_socket(int domain, int type, int protocol)
{
    return gn_socket_on(gn_stack_default(), domain, type, protocol);
}

int connect_start(struct sock *sk, const struct gn_endpoint *remote)
{
    struct gn_stack *st = sk->stack;
    enum gn_err err = gn_host_connect(st->host, sk->local, *remote, sk, stack_now(st), &sk->handle);

    /* Linux says so of groups and broadcast; to port 0 it tries, and nobody can be there */
    if (err == GN_E_INVALID)
        return remote->port ? -ENETUNREACH : -ECONNREFUSED;
    if (err == GN_E_IN_USE)
        return -EADDRNOTAVAIL; /* POSIX has EADDRINUSE */
    if (err != GN_OK)
        return sock_errno(err);
    sk->phase = PHASE_CONNECTING;
    sk->error = 0;
    sk->shut_rd = sk->shut_wr = false;
    st->dirty = true;
    option_apply(sk);
    return 0;
}

int connect_finish(struct sock *sk, int pending, bool dontwait)
{
    gn_time until = sock_until(sk, sk->sndtimeo, sk->nonblock || dontwait);
    int r;

    while (sk->phase == PHASE_CONNECTING) {
        unsigned what = readiness(sk);

        if (what & (GN_EV_CLOSED | GN_EV_ERROR)) {
            r = option_error(sk);
            sock_dissolve(sk, false);
            return r ? -r : -ECONNABORTED;
        }
        if (what & GN_EV_CONNECTED) {
            sk->phase = PHASE_CONNECTED;
            return 0;
        }
        r = sock_wait(sk, until);
        if (r)
            return r == -ETIMEDOUT ? pending : r;
    }
    /* another thread has seen the end, or made one */
    return sk->phase == PHASE_CONNECTED ? 0 : -ECONNABORTED;
}

/** connect_deferred() - TCP_FASTOPEN_CONNECT: does the SYN wait for the first octets? */
static bool connect_deferred(struct sock *sk)
{
    struct gn_stack *st = sk->stack;

    if (!sk->fastopen_connect)
        return false;
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_FASTOPEN_CONNECT, 2, stack_now(st));
    return gn_host_fastopen_room(st->host, sk->handle) > 0;
}

/** connect_again() - connect() while connecting; one that is deferred passes for connected */
static int connect_again(struct sock *sk)
{
    if (gn_host_fastopen_room(sk->stack->host, sk->handle) > 0)
        return -EISCONN;
    return connect_finish(sk, -EALREADY, false);
}

/** connect_call() - connect(2) */
static int connect_call(struct sock *sk, const struct sockaddr *addr, socklen_t len)
{
    struct gn_endpoint remote;
    sa_family_t family;
    int r;

    if (!addr)
        return -EFAULT;
    if (len < sizeof(family))
        return -EINVAL;
    memcpy(&family, &addr->sa_family, sizeof(family));
    if (family == AF_UNSPEC) {
        sock_dissolve(sk, true);
        return 0;
    }
    switch (sk->phase) {
    case PHASE_LISTENING:
    case PHASE_CONNECTED: return -EISCONN;
    case PHASE_CONNECTING: return connect_again(sk);
    case PHASE_IDLE: break;
    }
    r = name_in(sk, addr, len, &remote);
    if (r)
        return r;
    if (sk->v6only && gn_addr_is_v4(&remote.addr))
        return -ENETUNREACH;
    r = connect_start(sk, &remote);
    if (r || connect_deferred(sk))
        return r;
    return connect_finish(sk, -EINPROGRESS, false);
}

int gn_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, connect_call(sk, addr, len)) : -1;
}

/** accept_new() - a socket in the image of its listener for the connection that waits longest; or
 * NULL with a negative errno: as on Linux, it goes on waiting */
static struct sock *accept_new(const struct sock *listener, bool nonblock, int *ret_err)
{
    struct gn_stack *st = listener->stack;
    struct sock *sk = sock_new(st, listener->v6, ret_err);

    if (!sk)
        return NULL;
    (void)gn_host_accept(st->host, listener->handle, &sk->handle);
    sk->phase = PHASE_CONNECTED;
    sk->nonblock = nonblock;
    sk->linger = listener->linger;
    sk->linger_s = listener->linger_s;
    sk->rcvtimeo = listener->rcvtimeo;
    sk->sndtimeo = listener->sndtimeo;
    sk->reuseaddr = listener->reuseaddr;
    sk->reuseport = listener->reuseport;
    sk->opt_set = listener->opt_set;
    memcpy(sk->opt, listener->opt, sizeof(sk->opt));
    (void)gn_host_set_user(st->host, sk->handle, sk);
    return sk;
}

/** accept_call() - accept4(2) */
static int accept_call(struct sock *sk, struct sockaddr *addr, socklen_t *len, int flags)
{
    gn_time until = sock_until(sk, sk->rcvtimeo, sk->nonblock);
    struct gn_stack *st = sk->stack;
    struct sock *child;
    struct gn_status s;
    int r;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (addr && (!len || *len > INT32_MAX))
        return len ? -EINVAL : -EFAULT;
    for (;;) {
        if (sk->phase != PHASE_LISTENING)
            return -EINVAL;
        if (readiness(sk) & GN_EV_ACCEPT)
            break;
        r = sock_wait(sk, until);
        if (r)
            return r == -ETIMEDOUT ? -EAGAIN : r;
    }
    child = accept_new(sk, (flags & SOCK_NONBLOCK) != 0, &r);
    if (!child)
        return r;
    if (gn_host_status(st->host, child->handle, stack_now(st), &s) == GN_OK)
        (void)name_out(child, &s.remote, addr, len);
    return child->fd;
}

int gn_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, accept_call(sk, addr, len, flags)) : -1;
}

int gn_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return gn_accept4(fd, addr, len, 0);
}

/** shutdown_call() - shutdown(2) */
static int shutdown_call(struct sock *sk, int how)
{
    struct gn_stack *st = sk->stack;
    bool rd = how == SHUT_RD || how == SHUT_RDWR;
    bool wr = how == SHUT_WR || how == SHUT_RDWR;
    unsigned what;

    if (!rd && !wr)
        return -EINVAL;
    if (sk->phase == PHASE_IDLE)
        return -ENOTCONN;
    if (sk->phase == PHASE_LISTENING) {
        if (rd) /* stops listening; listen() may start again */
            sock_dissolve(sk, false);
        return 0;
    }
    what = readiness(sk);
    if (what & GN_EV_CLOSED || (what & GN_EV_EOF && !(what & GN_EV_CONNECTED))) /* or TIME-WAIT */
        return -ENOTCONN;
    if (!(what & GN_EV_CONNECTED)) { /* Linux gives the attempt up, and what was queued */
        sock_dissolve(sk, true);
        sk->error = ECONNRESET;
        return 0;
    }
    sk->phase = PHASE_CONNECTED; /* as on Linux; there need not have been a second connect() */
    st->dirty = true;
    if (wr && !sk->shut_wr) {
        (void)gn_host_shutdown(st->host, sk->handle, stack_now(st));
        sk->shut_wr = true;
    }
    if (rd && !sk->shut_rd) {
        (void)gn_host_shutdown_read(st->host, sk->handle, stack_now(st));
        sk->shut_rd = true;
    }
    sock_notify(sk, NEWS_ALL);
    return 0;
}

int gn_shutdown(int fd, int how)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, shutdown_call(sk, how)) : -1;
}

/** established() - is there a connection? Who did not block may know it from poll() alone, and is
 * connecting still */
static bool established(const struct sock *sk)
{
    return sk->phase == PHASE_CONNECTED ||
           (sk->phase == PHASE_CONNECTING && readiness(sk) & GN_EV_CONNECTED);
}

/** lingering() - is there something that the peer has not acknowledged, our FIN included? */
static bool lingering(const struct sock *sk)
{
    struct gn_stack *st = sk->stack;
    struct gn_status s;

    if (gn_host_status(st->host, sk->handle, stack_now(st), &s) != GN_OK)
        return false;
    return s.state == GN_FIN_WAIT_1 || s.state == GN_CLOSING || s.state == GN_LAST_ACK;
}

/** linger() - SO_LINGER with a time: FIN, and wait until all is acknowledged. Unread data makes it
 * a reset at once */
static void linger(struct sock *sk)
{
    struct gn_stack *st = sk->stack;
    gn_time until = stack_now(st) + sk->linger_s * GN_SEC;
    struct waiter w = {.woken = false};
    struct wait_link l = {.waiter = &w};
    struct gn_status s;

    if (gn_host_status(st->host, sk->handle, stack_now(st), &s) != GN_OK || s.recv_q)
        return;
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_STATE_EVENTS, 1, stack_now(st));
    (void)gn_host_shutdown(st->host, sk->handle, stack_now(st));
    st->dirty = true;
    list_append(&sk->waiters, &l.node);
    while (lingering(sk) && stack_wait(st, &w, until) == 0)
        ;
    list_remove(&l.node);
}

int gn_close(int fd)
{
    struct sock *sk = call_begin_any(fd);

    if (!sk)
        return -1;
    bind_release(sk);
    sock_close(sk); /* from here on no other call finds it */
    if (sk->linger && sk->linger_s && established(sk))
        linger(sk);
    sock_dissolve(sk, sk->linger && !sk->linger_s && sk->phase != PHASE_LISTENING);
    return (int)call_end(sk, 0);
}
