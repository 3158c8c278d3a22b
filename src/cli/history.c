/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file history.c  What the last connections of a running host did: a ring of its trace, for
 * `gannet ladder`.
 */
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/record.h"
#include "cli/view.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 8192

struct history {
    pthread_mutex_t lock;
    struct gn_trace ring[EVENTS];
    uint64_t n; /* seen in all; the latest is at (n - 1) % EVENTS */
};

/** on_trace() - keep the event */
static void on_trace(void *ctx, const struct gn_trace *t)
{
    struct history *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->ring[s->n++ % EVENTS] = *t;
    pthread_mutex_unlock(&s->lock);
}

struct history *history_new(void)
{
    struct history *s = calloc(1, sizeof *s);
    if (s)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void history_attach(struct history *s, struct gn_host *h)
{
    gn_host_trace(h, on_trace, s);
}

void history_free(struct history *s)
{
    if (s)
        pthread_mutex_destroy(&s->lock);
    free(s);
}

/** same_pair() - do both events belong to the same conversation? */
static bool same_pair(const struct gn_trace *a, const struct gn_trace *b)
{
    return a->local.port == b->local.port && a->remote.port == b->remote.port &&
           gn_addr_eq(&a->local.addr, &b->local.addr) &&
           gn_addr_eq(&a->remote.addr, &b->remote.addr);
}

/** latest() - the last event of a conversation with @port that was opened within the ring; NULL:
 * none */
static const struct gn_trace *latest(const struct history *s, uint32_t port, uint64_t oldest)
{
    for (uint64_t i = s->n; i > oldest; i--) {
        const struct gn_trace *t = &s->ring[(i - 1) % EVENTS];
        bool wanted = !port || t->local.port == port || t->remote.port == port;
        if (!wanted || t->kind != GN_TRACE_STATE || !t->remote.port)
            continue;
        if (t->transition.to == GN_SYN_RECEIVED || t->transition.to == GN_SYN_SENT)
            return t;
    }
    return NULL;
}

/** translate() - a trace event as an event of the ladder */
static struct ladder_event translate(const struct gn_trace *t, gn_time start)
{
    static const enum ladder_kind kinds[] = {[GN_TRACE_STATE] = LADDER_STATE,
                                             [GN_TRACE_DROP] = LADDER_DROP,
                                             [GN_TRACE_SEG_IN] = LADDER_RECV,
                                             [GN_TRACE_SEG_OUT] = LADDER_SEND};
    return (struct ladder_event){.at = t->at > start ? t->at - start : 0,
                                 .kind = kinds[t->kind],
                                 .from = t->transition.from,
                                 .to = t->transition.to,
                                 .cause = t->transition.cause,
                                 .drop = t->drop,
                                 .ctl = t->ctl,
                                 .seq = t->seq,
                                 .ack = t->ack,
                                 .len = t->len,
                                 .wnd = t->wnd};
}

/** by_segment() - is this what an arriving segment does, not a call or a timer? */
static bool by_segment(const struct ladder_event *e)
{
    if (e->kind == LADDER_DROP)
        return true;
    return e->kind == LADDER_STATE && e->cause != GN_CAUSE_OPEN_ACTIVE &&
           e->cause != GN_CAUSE_OPEN_PASSIVE && e->cause != GN_CAUSE_CLOSE_CALL &&
           e->cause != GN_CAUSE_CLOSE_EARLY && e->cause != GN_CAUSE_ABORT_CALL &&
           e->cause != GN_CAUSE_CLOSE_UNREAD;
}

/** arrive() - a segment is traced after it was processed: put it before what it did, which is all
 * from @fresh on */
static void arrive(struct record *r, size_t fresh)
{
    for (size_t i = r->n - 1; i > fresh; i--) {
        struct ladder_event *e = &r->event[i], swap = e[-1];
        if (e[-1].at != e->at || !by_segment(&e[-1]))
            return;
        e[-1] = *e;
        *e = swap;
    }
}

/** gather() - all events of @key's conversation from its opening on */
static void gather(const struct history *s, const struct gn_trace *key, uint64_t oldest,
                   struct record *r)
{
    uint64_t from = oldest;
    for (uint64_t i = oldest; i < s->n; i++)
        if (&s->ring[i % EVENTS] == key)
            from = i;
    gn_time start = s->ring[from % EVENTS].at;
    size_t fresh = 0;
    for (uint64_t i = from; i < s->n; i++) {
        const struct gn_trace *t = &s->ring[i % EVENTS];
        if (!same_pair(t, key))
            continue;
        record_add(r, translate(t, start));
        if (t->kind == GN_TRACE_SEG_IN) {
            arrive(r, fresh);
            fresh = r->n;
        }
    }
}

struct wish {
    struct ladder_style style;
    bool svg, json;
    uint32_t port;
};

/** understand() - the words of the request */
static bool understand(char *words, struct wish *q, struct buf *b)
{
    char *save = NULL;
    uint64_t n;
    *q = (struct wish){.style = {.width = 144}};
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (!strcmp(w, "ascii"))
            q->style.ascii = true;
        else if (!strcmp(w, "absolute"))
            q->style.absolute = true;
        else if (!strcmp(w, "colour"))
            q->style.colour = true;
        else if (!strcmp(w, "svg"))
            q->svg = true;
        else if (!strcmp(w, "json"))
            q->json = true;
        else if (!strncmp(w, "port=", 5) && parse_number(w + 5, 1, 65535, &n))
            q->port = (uint32_t)n;
        else if (!strncmp(w, "width=", 6) && parse_number(w + 6, 80, 1000, &n))
            q->style.width = (unsigned)n;
        else {
            buf_printf(b, "no such word: %s", w);
            return false;
        }
    }
    return true;
}

/** draw() - one recorded conversation */
static void draw(const struct wish *q, struct record *r, const struct gn_trace *key, struct buf *b)
{
    struct buf left = {0}, right = {0};
    struct text_writer w = buf_writer(b);
    buf_str(&left, "A ");
    view_endpoint(&key->local, &left);
    buf_str(&right, "B ");
    view_endpoint(&key->remote, &right);
    struct ladder l = {
        .events = r->event, .n = r->n, .name = {left.s, right.s}, .seen = {true, false}};
    l.start[0] = key->transition.from;
    if (q->json) {
        struct json j = {.b = b};
        ladder_prepare(&l);
        record_json(&l, NULL, &j);
        buf_str(b, "\n");
    } else if (q->svg) {
        ladder_svg(&l, &q->style, &w);
    } else {
        ladder_text(&l, &q->style, &w);
    }
    buf_free(&left);
    buf_free(&right);
}

/** draw_latest() - history_draw() of what stands still */
static bool draw_latest(const struct history *s, const struct wish *q, struct buf *b)
{
    uint64_t oldest = s->n > EVENTS ? s->n - EVENTS : 0;
    const struct gn_trace *key = latest(s, q->port, oldest);
    if (!key) {
        buf_str(b, "no connection was opened lately");
        return false;
    }
    struct record r = {0};
    gather(s, key, oldest, &r);
    draw(q, &r, key, b);
    record_free(&r);
    return true;
}

bool history_draw(struct history *s, char *words, struct buf *b)
{
    struct wish q;
    if (!understand(words, &q, b))
        return false;
    pthread_mutex_lock(&s->lock);
    bool drawn = draw_latest(s, &q, b);
    pthread_mutex_unlock(&s->lock);
    return drawn;
}
