/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_facts.c  Facts about a Gannet host.
 */
#include "cli/why_facts.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

void why_facts_free(struct why_facts *w)
{
    free(w->f.conn);
    free(w->history);
    memset(w, 0, sizeof *w);
}

void why_facts_clear(struct why_facts *w)
{
    w->f.n_conns = 0;
}

/** grow() - room for twice as many */
static void grow(struct why_facts *w)
{
    w->cap = w->cap ? w->cap * 2 : 64;
    struct fact_conn *conn = realloc(w->f.conn, w->cap * sizeof *conn);
    struct gn_transition *history = realloc(w->history, w->cap * GN_HISTORY * sizeof *w->history);
    if (!conn || !history)
        exit(complain("out of memory"));
    w->f.conn = conn;
    w->history = history;
}

void why_facts_add(struct why_facts *w, const struct gn_status *s, gn_time now)
{
    size_t i = w->f.n_conns;
    if (i == w->cap)
        grow(w);
    facts_from_status(s, now, &w->f.conn[i]);
    memcpy(w->history + i * GN_HISTORY, s->history, sizeof s->history);
    w->f.n_conns++;
}

/** link_up() - point at the histories, and connections at their listeners, now that all have their
 * places */
static void link_up(struct why_facts *w)
{
    struct facts *f = &w->f;
    uint32_t *by_port = calloc(65536, sizeof *by_port); /* index of a listener, and 1 */
    if (!by_port)
        exit(complain("out of memory"));
    for (size_t i = 0; i < f->n_conns; i++)
        if (f->conn[i].kind == GN_KIND_LISTENER)
            by_port[f->conn[i].local.port] = (uint32_t)i + 1;
    for (size_t i = 0; i < f->n_conns; i++) {
        struct fact_conn *c = &f->conn[i];
        c->history = w->history + i * GN_HISTORY;
        if (c->kind != GN_KIND_LISTENER && by_port[c->local.port])
            c->listener = by_port[c->local.port] - 1;
    }
    free(by_port);
}

const struct facts *why_facts_done(struct why_facts *w, const struct gn_stats *stats,
                                   const struct gn_conf *conf, gn_time now)
{
    struct facts *f = &w->f;
    struct fact_number before[FACTS_COUNTERS];
    size_t n_before = f->n_counters;
    memcpy(before, w->counter, sizeof before);
    f->n_counters = facts_from_stats(stats, w->counter);
    for (size_t i = 0; i < n_before; i++)
        w->counter[i].before = before[i].value;
    f->n_settings = facts_from_conf(conf, w->setting);
    f->source = FACTS_GANNET;
    f->interval = n_before ? now - f->now : 0;
    f->now = now;
    memcpy(w->transition, stats->transition, sizeof w->transition);
    f->transition = w->transition[0];
    f->counter = w->counter;
    f->setting = w->setting;
    w->process = (struct fact_process){.comm = "gannet", .cmdline = "", .container = ""};
    f->process = &w->process;
    f->n_processes = 1;
    link_up(w);
    return f;
}

const struct facts *why_facts_take(struct why_facts *w, const struct gn_host *h, gn_time now)
{
    struct gn_stats stats;
    struct gn_status s;
    uint64_t cursor = 0;
    why_facts_clear(w);
    while (gn_host_walk(h, &cursor, now, &s))
        why_facts_add(w, &s, now);
    gn_host_stats(h, &stats);
    return why_facts_done(w, &stats, gn_host_conf(h), now);
}
