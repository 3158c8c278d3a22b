/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_run.c  A capture from its first packet to its last, through the passive observer.
 */
#include "cli/cli.h"
#include "cli/pages.h"
#include "cli/trace.h"
#include "explain/passive_link.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONN_OCTETS 4096 /* what one connection costs, roughly */

static volatile sig_atomic_t interrupted;

void trace_interrupt(void)
{
    interrupted = 1;
}

void trace_free(struct trace *t)
{
    free(t->row);
    free(t->seg);
    *t = (struct trace){0};
}

/** grown() - room for one more element */
static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap ? 2 * *cap : 64;
    list = realloc(list, *cap * size);
    if (!list)
        exit(complain("out of memory"));
    return list;
}

/** on_done() - passive_config.done */
static void on_done(void *ctx, const struct passive_conn *c)
{
    struct trace *t = ctx;

    if (t->n_rows >= TRACE_ROWS && c->number != t->wanted) {
        t->rows_left_out++;
        return;
    }
    t->row = grown(t->row, t->n_rows, &t->cap_rows, sizeof *t->row);
    t->row[t->n_rows++] = *c;
}

/** on_event() - passive_config.event: keep those of the connection to be drawn */
static void on_event(void *ctx, const struct passive_event *e)
{
    struct trace *t = ctx;

    if (e->conn->number != t->wanted)
        return;
    if (t->n_segs >= TRACE_SEGMENTS) {
        t->segs_left_out = true;
        return;
    }
    t->seg = grown(t->seg, t->n_segs, &t->cap_segs, sizeof *t->seg);
    t->seg[t->n_segs] = *e;
    t->seg[t->n_segs++].conn = NULL;
}

/** by_number() - for qsort() */
static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct passive_conn *)a)->number;
    uint64_t y = ((const struct passive_conn *)b)->number;

    return (x > y) - (x < y);
}

/** clock_seconds() - for --seconds */
static uint64_t clock_seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

/** wait_on() - listening ends now, which may be long after the last packet */
static void wait_on(struct passive *p, struct trace *t)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    gn_time now = (gn_time)ts.tv_sec * GN_SEC + (gn_time)ts.tv_nsec;
    passive_wait(p, now);
    if (passive_stats(p)->packets == 0)
        t->first = now;
    t->last = now > t->last ? now : t->last;
}

/** tell_listening() - that it has begun, and what ends it */
static void tell_listening(const struct trace_request *q)
{
    fprintf(stderr, "gannet: listening on %s", q->iface);
    if (q->seconds)
        fprintf(stderr, " for %u s; Ctrl-C ends it sooner\n", (unsigned)q->seconds);
    else
        fprintf(stderr, "; Ctrl-C ends it\n");
}

/** observe() - every packet of the capture to the observer */
static void observe(struct capture *c, struct passive *p, uint64_t seconds, struct trace *t)
{
    struct capture_packet k;
    enum capture_result result = CAPTURE_NOTHING;
    int type = capture_link_type(c);
    uint64_t until = clock_seconds() + seconds;
    uint32_t skip;

    while (!interrupted && (!seconds || clock_seconds() < until)) {
        result = capture_next(c, &k);
        if (result == CAPTURE_NOTHING)
            continue;
        if (result != CAPTURE_PACKET)
            break;
        if (passive_stats(p)->packets == 0 || k.at < t->first)
            t->first = k.at;
        t->last = k.at > t->last ? k.at : t->last;
        if (passive_link_ip(type, k.data, k.captured, &skip) && skip < k.captured)
            passive_feed(p, k.at, k.data + skip, k.captured - skip, k.length - skip);
        else
            passive_skip(p, k.at);
    }
    t->broken = result == CAPTURE_BROKEN;
    if (t->broken)
        snprintf(t->error, sizeof t->error, "%s", capture_error(c));
    t->missed = capture_missed(c);
}

bool trace_run(const struct trace_request *q, struct trace *t, char *ret_why, size_t n)
{
    char error[CAPTURE_ERROR];
    struct capture_config cc = {.path = q->path, .iface = q->iface, .filter = q->filter};
    struct passive_config pc = {.pages = pages_source(),
                                .budget = q->conns * CONN_OCTETS + ((uint64_t)256 << 20),
                                .max_conns = (uint32_t)q->conns,
                                .event = on_event,
                                .done = on_done,
                                .ctx = t};
    uint8_t secret[32];
    struct capture *c = capture_open(&cc, error);

    if (!c) {
        snprintf(ret_why, n, "%s", error);
        return false;
    }
    secret_random(secret);
    memcpy(pc.secret, secret, sizeof pc.secret);
    struct passive *p = passive_new(&pc);
    if (!p) {
        snprintf(ret_why, n, "out of memory");
        capture_close(c);
        return false;
    }
    t->link_name = capture_link_name(c);
    snprintf(t->source, sizeof t->source, "%s",
             q->iface                    ? q->iface
             : strcmp(q->path, "-") == 0 ? "standard input"
                                         : q->path);
    if (q->iface && q->tell)
        tell_listening(q);
    observe(c, p, q->seconds, t);
    if (q->iface)
        wait_on(p, t);
    passive_end(p);
    t->stats = *passive_stats(p);
    passive_free(p);
    capture_close(c);
    if (t->n_rows)
        qsort(t->row, t->n_rows, sizeof *t->row, by_number);
    return true;
}
