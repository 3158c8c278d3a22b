/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bind.c  Local names: bind() and listen().
 *
 * A host knows ports only by its listeners and connections; what is merely bound is known here, in
 * a table by port. A bind() conflicts by Linux's rule: with any socket on the same port and an
 * overlapping address, unless both have SO_REUSEADDR and the other does not listen, or both have
 * SO_REUSEPORT. Without SO_REUSEADDR also with the host's connections on that port, TIME-WAIT
 * included, which takes a walk over all of them: servers set SO_REUSEADDR.
 */
#define _GNU_SOURCE

#include "base/conf.h"
#include "socket/sock.h"

#include <netinet/in.h>

/** bucket() - the chain of a port */
static struct list *bucket(struct gn_stack *st, uint16_t port)
{
    return &st->port[port % STACK_PORT_BUCKETS];
}

/** overlaps() - can a segment be for both? @v6only: of @a's socket */
static bool overlaps(const struct gn_addr *a, bool v6only, const struct gn_addr *b, bool b_v6only)
{
    bool a4 = gn_addr_is_v4(a), b4 = gn_addr_is_v4(b);

    if (a4 && b4)
        return gn_addr_is_any(a) || gn_addr_is_any(b) || gn_addr_eq(a, b);
    if (a4)
        return gn_addr_is_any(b) && !b_v6only;
    if (b4)
        return gn_addr_is_any(a) && !v6only;
    return gn_addr_is_any(a) || gn_addr_is_any(b) || gn_addr_eq(a, b);
}

/** may_share() - two sockets on one port whose addresses overlap */
static bool may_share(const struct sock *a, const struct sock *b)
{
    if (a->reuseport && b->reuseport)
        return true;
    return a->reuseaddr && b->reuseaddr && a->phase != PHASE_LISTENING &&
           b->phase != PHASE_LISTENING;
}

/** bound_conflict() - does a bound socket stand in the way of @sk at @e? */
static bool bound_conflict(const struct sock *sk, const struct gn_endpoint *e)
{
    struct list *head = bucket(sk->stack, e->port);

    for (struct list *n = head->next; n != head; n = n->next) {
        const struct sock *o = LIST_ENTRY(n, struct sock, port);

        if (o != sk && o->local.port == e->port && !may_share(sk, o) &&
            overlaps(&e->addr, sk->v6only, &o->local.addr, o->v6only))
            return true;
    }
    return false;
}

/** host_conflict() - does a connection of the host? A walk */
static bool host_conflict(const struct sock *sk, const struct gn_endpoint *e)
{
    struct gn_stack *st = sk->stack;
    uint64_t cursor = 0;
    struct gn_status s;

    if (sk->reuseaddr || sk->reuseport)
        return false;
    while (gn_host_walk(st->host, &cursor, stack_now(st), &s)) {
        uint64_t v6only = 0;

        if (s.local.port != e->port)
            continue;
        if (s.kind == GN_KIND_LISTENER)
            (void)gn_host_get_option(st->host, s.handle, GN_OPT_V6ONLY, &v6only);
        if (overlaps(&e->addr, sk->v6only, &s.local.addr, v6only != 0))
            return true;
    }
    return false;
}

/** bind_to() - onto the port table */
static void bind_to(struct sock *sk, struct gn_endpoint e)
{
    sk->local = e;
    sk->bound = true;
    list_append(bucket(sk->stack, e.port), &sk->port);
}

void bind_release(struct sock *sk)
{
    if (!sk->bound)
        return;
    list_remove(&sk->port);
    sk->bound = false;
    sk->local.port = 0;
}

/** bind_ephemeral() - to any free port of the range, one after the other. Guessable ports are no
 * concern here: an active OPEN without bind() gets its port from the host (RFC 6056) */
static int bind_ephemeral(struct sock *sk, struct gn_endpoint e)
{
    const struct gn_conf *c = gn_host_conf(sk->stack->host);
    uint32_t min = (uint32_t)c->ip_local_port_min;
    uint32_t n = (uint32_t)c->ip_local_port_max - min + 1;

    for (uint32_t i = 0; i < n; i++) {
        e.port = (uint16_t)(min + sk->stack->port_next++ % n);
        if (!conf_port_reserved(c, e.port) && !bound_conflict(sk, &e)) {
            bind_to(sk, e);
            return 0;
        }
    }
    return -EADDRINUSE;
}

int bind_auto(struct sock *sk)
{
    struct gn_endpoint any = sk->local;

    if (sk->bound)
        return 0;
    if (!sk->v6)
        any.addr = gn_addr_v4(0, 0, 0, 0);
    return bind_ephemeral(sk, any);
}

/** bind_call() - bind(2) */
static int bind_call(struct sock *sk, const struct sockaddr *addr, socklen_t len)
{
    struct gn_endpoint e;
    int r = name_in(sk, addr, len, &e);

    if (r)
        return r;
    if (!gn_addr_is_any(&e.addr) && !gn_host_owns(sk->stack->host, &e.addr))
        return -EADDRNOTAVAIL;
    if (sk->bound || sk->phase != PHASE_IDLE)
        return -EINVAL;
    if (sk->v6only && gn_addr_is_v4(&e.addr))
        return -EINVAL;
    if (!e.port)
        return bind_ephemeral(sk, e);
    if (bound_conflict(sk, &e) || host_conflict(sk, &e))
        return -EADDRINUSE;
    bind_to(sk, e);
    return 0;
}

/** listen_conflict() - does somebody listen already who may only share the port as long as nobody
 * does? */
static bool listen_conflict(const struct sock *sk)
{
    struct list *head = bucket(sk->stack, sk->local.port);

    for (struct list *n = head->next; n != head; n = n->next) {
        const struct sock *o = LIST_ENTRY(n, struct sock, port);

        if (o != sk && o->phase == PHASE_LISTENING && o->local.port == sk->local.port &&
            !(o->reuseport && sk->reuseport) &&
            overlaps(&sk->local.addr, sk->v6only, &o->local.addr, o->v6only))
            return true;
    }
    return false;
}

/** listen_call() - listen(2); one that listens already gets another backlog */
static int listen_call(struct sock *sk, int backlog)
{
    unsigned most = backlog < 0 ? UINT32_MAX : (unsigned)backlog; /* Linux takes it so, too */
    enum gn_err err;
    int r;

    if (sk->phase == PHASE_LISTENING)
        return sock_errno(gn_host_set_backlog(sk->stack->host, sk->handle, most));
    if (sk->phase != PHASE_IDLE)
        return -EINVAL;
    r = bind_auto(sk);
    if (r)
        return r;
    if (listen_conflict(sk))
        return -EADDRINUSE;
    err = gn_host_listen(sk->stack->host, sk->local, most, sk, &sk->handle);
    if (err != GN_OK)
        return sock_errno(err);
    sk->phase = PHASE_LISTENING;
    option_apply(sk);
    if (sk->fastopen_key_len)
        (void)gn_host_set_fastopen_key(sk->stack->host, sk->handle, sk->fastopen_key,
                                       sk->fastopen_key_len);
    return 0;
}

int gn_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, bind_call(sk, addr, len)) : -1;
}

int gn_listen(int fd, int backlog)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, listen_call(sk, backlog)) : -1;
}
