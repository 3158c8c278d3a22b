/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file events.c  The event queue: blocks and listeners with bits that their users have not seen
 * yet, each queued at most once however much happens.
 */
#include "host/host.h"

/** from_listener() - the event of a listener, which has none left then */
static struct gn_event from_listener(struct gn_host *h, struct listener *l)
{
    struct gn_event e = {.user = l->user, .what = l->events};

    e.handle = handle_make(HANDLE_LISTENER, l->index, pool_gen(&h->listeners.pool, l->index));
    l->events = 0;
    return e;
}

/** from_conn() - the event of a connection, which has none left then */
static struct gn_event from_conn(struct gn_host *h, struct tcb *t)
{
    struct gn_event e = {
        .handle = conn_handle(h, t->conn), .user = t->conn->user, .what = t->events};

    t->events = 0;
    rest_join(h, t);            /* that may have been all that kept it awake */
    __builtin_prefetch(e.user); /* most likely the next to be looked at, if it is an address */
    return e;
}

size_t gn_host_events(struct gn_host *h, struct gn_event *ev, size_t max)
{
    size_t n = 0;
    struct list *l;

    while (n < max && (l = list_pop(&h->listen_events)))
        ev[n++] = from_listener(h, LIST_ENTRY(l, struct listener, event));
    while (n < max && (l = list_pop(&h->conn_events)))
        ev[n++] = from_conn(h, LIST_ENTRY(l, struct tcb, event));
    return n;
}
