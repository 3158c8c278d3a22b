/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file simloop.c  Many hosts on virtual time, in one thread, the same way each time.
 *
 * Hosts are visited in the order in which they were added, again and again, until a round in which
 * nothing was received or sent: then time may pass. A bound on the rounds turns a livelock, which
 * would be a bug of ours, into a result.
 */
#include "loop/station.h"

#include <stdlib.h>

#define SETTLE_ROUNDS 100000

struct gn_simloop {
    gn_time now;
    struct station *stations;
    struct gn_loop_counts stats;
};

struct gn_simloop *gn_simloop_new(gn_time start)
{
    struct gn_simloop *l = calloc(1, sizeof *l);

    if (l)
        l->now = start;
    return l;
}

void gn_simloop_free(struct gn_simloop *l)
{
    while (l && l->stations)
        gn_simloop_remove(l, l->stations->host);
    free(l);
}

int gn_simloop_add(struct gn_simloop *l, struct gn_host *h, struct gn_link *link)
{
    struct station *s = station_get(&l->stations, h, &l->stats);

    return s ? station_add(s, link) : GN_E_NO_MEMORY;
}

enum gn_err gn_simloop_service(struct gn_simloop *l, struct gn_host *h, gn_service_fn *fn,
                               void *ctx)
{
    struct station *s = station_get(&l->stations, h, &l->stats);

    if (!s)
        return GN_E_NO_MEMORY;
    s->service = fn;
    s->service_ctx = ctx;
    return GN_OK;
}

void gn_simloop_remove(struct gn_simloop *l, struct gn_host *h)
{
    for (struct station **p = &l->stations; *p; p = &(*p)->next) {
        struct station *s = *p;

        if (s->host == h) {
            *p = s->next;
            station_free(s);
            return;
        }
    }
}

gn_time gn_simloop_now(const struct gn_simloop *l)
{
    return l->now;
}

/** simloop_visit() - all that one host can do now; @kick: give it a turn in any case. Frames moved
 */
static size_t simloop_visit(struct gn_simloop *l, struct station *s, bool kick)
{
    size_t in = 0, n;

    for (unsigned i = 0; i < GN_IFACE_MAX; i++) {
        if (!station_alive(s, i) || !station_link_due(s, i, l->now))
            continue;
        do {
            n = station_input(s, i, l->now);
            in += n;
        } while (n == STATION_RX);
    }
    if (in > 0 || kick || station_due(s, l->now))
        in += station_turn(s, l->now);
    return in;
}

/** simloop_settle() - visit all until they are at rest; @kick: the first time with a turn for each
 */
static bool simloop_settle(struct gn_simloop *l, bool kick)
{
    size_t moved;

    for (unsigned round = 0; round < SETTLE_ROUNDS; round++) {
        moved = 0;
        for (struct station *s = l->stations; s; s = s->next)
            moved += simloop_visit(l, s, kick && round == 0);
        if (moved == 0)
            return true;
    }
    return false;
}

bool gn_simloop_settle(struct gn_simloop *l)
{
    return simloop_settle(l, true);
}

struct gn_deadline gn_simloop_next(const struct gn_simloop *l)
{
    struct gn_deadline d = {0, false};

    for (const struct station *s = l->stations; s; s = s->next)
        d = earlier(d, station_deadline(s));
    return d;
}

bool gn_simloop_step(struct gn_simloop *l, gn_time until)
{
    struct gn_deadline d;

    if (!simloop_settle(l, true))
        return false;
    d = gn_simloop_next(l);
    if (d.armed && d.at <= until) {
        if (d.at > l->now)
            l->now = d.at;
        return simloop_settle(l, false);
    }
    if (until != GN_FOREVER && until > l->now) {
        l->now = until;
        simloop_settle(l, false);
    }
    return false;
}

bool gn_simloop_run(struct gn_simloop *l, gn_time until, bool (*done)(void *ctx), void *ctx)
{
    bool r = false;

    do {
        r = done && done(ctx);
    } while (!r && gn_simloop_step(l, until));
    return r || (done && done(ctx));
}
