/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file services.c  Listeners, and the three smallest services: echo, sink, source.
 */
#include "cli/services.h"

#include <stdlib.h>
#include <string.h>

struct peer *peer_new(struct app *a, size_t size, gn_handle h,
                      void (*event)(struct peer *, unsigned, gn_time), gn_time now)
{
    struct peer *p = calloc(1, size);
    if (!p) {
        (void)gn_host_abort(a->host, h, now);
        return NULL;
    }
    p->event = event;
    p->app = a;
    p->handle = h;
    p->next = a->peers;
    p->link = &a->peers;
    if (a->peers)
        a->peers->link = &p->next;
    a->peers = p;
    (void)gn_host_set_user(a->host, h, p);
    return p;
}

void peer_leaves(struct peer *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    if (p->gone)
        p->gone(p);
    free(p);
}

void peer_end(struct peer *p, bool abort_it, gn_time now)
{
    if (abort_it)
        (void)gn_host_abort(p->app->host, p->handle, now);
    else
        (void)gn_host_close(p->app->host, p->handle, now);
    peer_leaves(p);
}

void app_clear(struct app *a)
{
    for (struct peer *p = a->peers, *next; p; p = next) {
        next = p->next;
        peer_leaves(p);
    }
}

/** A listener. */
struct listener {
    struct peer peer;
    uint16_t port;
    const struct service *service;
};

/** listener_event() - take what waits; new connections get a turn at once, for data may be there
 * already */
static void listener_event(struct peer *p, unsigned what, gn_time now)
{
    struct listener *l = (struct listener *)p;
    gn_handle h;
    (void)what;
    while (gn_host_accept(p->app->host, p->handle, &h) == GN_OK)
        l->service->accepted(p->app, h, now);
}

bool app_listen(struct app *a, uint16_t port, const struct service *s)
{
    struct gn_endpoint any = {.port = port};
    gn_handle h;
    enum gn_err e = gn_host_listen(a->host, any, 1024, NULL, &h);
    if (e != GN_OK) {
        complain("%s on port %u: %s", s->name, port, gn_err_text(e));
        return false;
    }
    struct peer *p = peer_new(a, sizeof(struct listener), h, listener_event, 0);
    if (!p)
        return false;
    ((struct listener *)p)->port = port;
    ((struct listener *)p)->service = s;
    return true;
}

struct peer *app_arrived(struct app *a, uint16_t port, gn_handle h, const char *luggage, size_t len,
                         gn_time now)
{
    for (struct peer *p = a->peers; p; p = p->next) {
        const struct listener *l = (const struct listener *)p;
        if (p->event == listener_event && l->port == port)
            return l->service->arrived(a, h, luggage, len, now);
    }
    return NULL;
}

size_t app_serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct gn_event ev[64];
    (void)ctx;
    size_t n = gn_host_events(h, ev, 64);
    for (size_t i = 0; i < n; i++) {
        /* an earlier event of this batch may have ended this one's connection */
        struct gn_status s;
        if (ev[i].user && gn_host_status(h, ev[i].handle, now, &s) == GN_OK && s.user == ev[i].user)
            ((struct peer *)ev[i].user)->event(ev[i].user, ev[i].what, now);
    }
    return n;
}

/** echo_event() - give back what came */
static void echo_event(struct peer *p, unsigned what, gn_time now)
{
    static _Thread_local char chunk[64 * 1024];
    (void)what;
    for (;;) {
        int64_t n = gn_host_recv(p->app->host, p->handle, chunk, sizeof chunk, GN_RECV_PEEK, now);
        if (n == GN_E_WOULD_BLOCK)
            return;
        if (n <= 0) {
            peer_end(p, n < 0, now);
            return;
        }
        int64_t took = gn_host_send(p->app->host, p->handle, chunk, (size_t)n, 0, now);
        if (took == GN_E_WOULD_BLOCK)
            return;
        if (took < 0) {
            peer_end(p, true, now);
            return;
        }
        (void)gn_host_recv_done(p->app->host, p->handle, (size_t)took, now);
        if (took < n)
            return;
    }
}

static void echo_accepted(struct app *a, gn_handle h, gn_time now)
{
    struct peer *p = peer_new(a, sizeof *p, h, echo_event, now);
    if (p)
        echo_event(p, 0, now);
}

/** echo_arrived() - it knows nothing of its connections */
static struct peer *echo_arrived(struct app *a, gn_handle h, const char *luggage, size_t len,
                                 gn_time now)
{
    (void)luggage;
    return len ? NULL : peer_new(a, sizeof(struct peer), h, echo_event, now);
}

const struct service service_echo = {"echo", echo_accepted, echo_arrived};

/** swallow() - throw away what came; false: the peer has ended, or failed (*@failed) */
static bool swallow(struct peer *p, gn_time now, bool *failed)
{
    struct gn_span span[2];
    int n;
    while ((n = gn_host_recv_data(p->app->host, p->handle, span)) > 0) {
        size_t len = span[0].len + (n > 1 ? span[1].len : 0);
        (void)gn_host_recv_done(p->app->host, p->handle, len, now);
    }
    *failed = n < 0 && n != GN_E_WOULD_BLOCK;
    return n == GN_E_WOULD_BLOCK;
}

/** sink_event() - RFC 863 */
static void sink_event(struct peer *p, unsigned what, gn_time now)
{
    bool failed;
    (void)what;
    if (!swallow(p, now, &failed))
        peer_end(p, failed, now);
}

static void sink_accepted(struct app *a, gn_handle h, gn_time now)
{
    struct peer *p = peer_new(a, sizeof *p, h, sink_event, now);
    if (p)
        sink_event(p, 0, now);
}

/** sink_arrived() - it knows nothing of its connections */
static struct peer *sink_arrived(struct app *a, gn_handle h, const char *luggage, size_t len,
                                 gn_time now)
{
    (void)luggage;
    return len ? NULL : peer_new(a, sizeof(struct peer), h, sink_event, now);
}

const struct service service_sink = {"sink", sink_accepted, sink_arrived};

/** source_event() - as many octets as the peer takes, in a pattern, until it closes */
static void source_event(struct peer *p, unsigned what, gn_time now)
{
    static _Thread_local char pattern[64 * 1024];
    bool failed;
    (void)what;
    if (!pattern[0])
        for (size_t i = 0; i < sizeof pattern; i++)
            pattern[i] = (char)(' ' + i % 95);
    if (!swallow(p, now, &failed)) {
        peer_end(p, true, now);
        return;
    }
    int64_t n;
    do
        n = gn_host_send(p->app->host, p->handle, pattern, sizeof pattern, 0, now);
    while (n == sizeof pattern);
    if (n < 0 && n != GN_E_WOULD_BLOCK)
        peer_end(p, true, now);
}

static void source_accepted(struct app *a, gn_handle h, gn_time now)
{
    struct peer *p = peer_new(a, sizeof *p, h, source_event, now);
    if (p)
        source_event(p, 0, now);
}

/** source_arrived() - it knows nothing of its connections */
static struct peer *source_arrived(struct app *a, gn_handle h, const char *luggage, size_t len,
                                   gn_time now)
{
    (void)luggage;
    return len ? NULL : peer_new(a, sizeof(struct peer), h, source_event, now);
}

const struct service service_source = {"source", source_accepted, source_arrived};
