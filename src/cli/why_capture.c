/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_capture.c  Facts of a capture, through the passive observer.
 *
 * A capture knows both ends of each connection alike, so each end is looked at by itself: a peer
 * that does not close is found at the end where it does not, and what the other end suffers from it
 * there.
 */
#include "cli/cli.h"
#include "cli/trace.h"
#include "cli/why_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GAPS 6

/** One end's facts, with what they refer to. */
struct end_facts {
    struct fact_seen seen;
    struct gn_transition history[PASSIVE_STEPS];
};

struct captured {
    struct trace_request request;
    struct trace trace;
    struct facts facts;
    struct end_facts *more;
    char gap_text[GAPS][WHY_SORRY];
    const char *gap[GAPS];
};

/** missing() - a sentence about what the capture does not tell */
static char *missing(struct captured *c)
{
    c->facts.partial = true;
    c->gap[c->facts.n_gaps] = c->gap_text[c->facts.n_gaps];
    return c->gap_text[c->facts.n_gaps++];
}

/** n_half_known() - connections of which one end has closed, and it is not known of the other */
static unsigned n_half_known(const struct facts *f)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->n_conns; i++)
        n += f->conn[i].state == GN_CLOSE_WAIT && facts_fin_missed(&f->conn[i], 0);
    return n;
}

/** note_gaps() - what is missing, and what would show it */
static void note_gaps(struct captured *c)
{
    const struct trace *t = &c->trace;
    unsigned half_known = n_half_known(&c->facts);

    c->facts.gap = c->gap;
    if (t->broken)
        snprintf(missing(c), WHY_SORRY, "The capture is not whole: %.200s.", t->error);
    if (t->rows_left_out)
        snprintf(missing(c), WHY_SORRY,
                 "%" PRIu64 " connections more are in the capture; a filter chooses others.",
                 t->rows_left_out);
    if (t->stats.packets && !t->n_rows)
        snprintf(missing(c), WHY_SORRY,
                 "Of %" PRIu64 " packets %" PRIu64 " are not TCP and %" PRIu64
                 " malformed: there is no connection to look at.",
                 t->stats.packets, t->stats.other, t->stats.malformed);
    if (t->stats.fragments)
        snprintf(missing(c), WHY_SORRY, "%" PRIu64 " fragments were not put together.",
                 t->stats.fragments);
    if (half_known)
        snprintf(missing(c), WHY_SORRY,
                 "Of %u connections one end has closed; whether the other did before the capture "
                 "began is not known.",
                 half_known);
    c->facts.holes = t->missed > 0;
    if (t->missed)
        snprintf(missing(c), WHY_SORRY,
                 "The capture missed %" PRIu64
                 " packets: what seems to stand still may have gone on.",
                 t->missed);
}

/** fill() - two ends a connection */
static bool fill(struct captured *c)
{
    const struct trace *t = &c->trace;
    struct facts *f = &c->facts;

    f->conn = calloc(2 * t->n_rows + 1, sizeof *f->conn);
    c->more = calloc(2 * t->n_rows + 1, sizeof *c->more);
    if (!f->conn || !c->more)
        return false;
    for (size_t i = 0; i < t->n_rows; i++) {
        for (unsigned x = 0; x < 2; x++) {
            struct end_facts *m = &c->more[f->n_conns];
            if (!t->row[i].side[x].known)
                continue;
            passive_facts(&t->row[i], x, t->last, &f->conn[f->n_conns++], &m->seen, m->history);
        }
    }
    f->source = FACTS_CAPTURE;
    f->now = t->last;
    note_gaps(c);
    return true;
}

/** forget() - what the sample before held */
static void forget(struct captured *c)
{
    free(c->facts.conn);
    free(c->more);
    trace_free(&c->trace);
    c->facts = (struct facts){0};
    c->more = NULL;
}

/** sample_capture() - read it all; a file is the same every time */
static const struct facts *sample_capture(void *ctx, char *ret_sorry)
{
    struct captured *c = ctx;

    forget(c);
    if (!trace_run(&c->request, &c->trace, ret_sorry, WHY_SORRY))
        return NULL;
    if (!fill(c)) {
        snprintf(ret_sorry, WHY_SORRY, "out of memory");
        return NULL;
    }
    return &c->facts;
}

/** close_capture() - free all */
static void close_capture(void *ctx)
{
    forget(ctx);
    free(ctx);
}

bool why_source_capture(const struct why_place *p, struct why_source *ret, char *ret_sorry)
{
    struct captured *c = calloc(1, sizeof *c);

    if (!c) {
        snprintf(ret_sorry, WHY_SORRY, "out of memory");
        return false;
    }
    c->request = (struct trace_request){.path = p->capture,
                                        .iface = p->iface,
                                        .conns = TRACE_CONNS,
                                        .seconds = p->seconds,
                                        .tell = p->tell};
    *ret = (struct why_source){
        .small = true, .ctx = c, .sample = sample_capture, .close = close_capture};
    snprintf(ret->what, sizeof ret->what, "%s",
             p->iface                       ? p->iface
             : strcmp(p->capture, "-") == 0 ? "the capture on standard input"
                                            : p->capture);
    return true;
}
