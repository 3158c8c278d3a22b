/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_tell.c  A path drawn as a ladder.
 */
#include "lab/explore_parts.h"

#include <string.h>

/** tell() - one more event, if somebody listens */
static void tell(struct explorer *x, struct ladder_event e)
{
    if (x->telling && x->n_event < X_EVENTS)
        x->event[x->n_event++] = e;
}

void x_say(struct explorer *x, enum ladder_kind kind, unsigned end, const char *text)
{
    tell(x, (struct ladder_event){
                .at = x->w->now[end] - X_START, .kind = kind, .end = (uint8_t)end, .text = text});
}

/** judge_end() - an established connection gives up: not when its peer is still there and no timer
 * has expired before */
static void judge_end(struct explorer *x, unsigned end, const struct gn_transition *t)
{
    if (t->from >= GN_ESTABLISHED && t->to == GN_CLOSED && t->cause == GN_CAUSE_RETRIES &&
        x->resting && !x->w->timed_out && x_state(x->w, 1 - end) > GN_LISTEN)
        x_wrong(x, "host %u gives up though its peer is there", end);
}

void x_trace(void *ctx, const struct gn_trace *t)
{
    const struct x_ear *ear = ctx;
    struct ladder_event e = {.at = t->at - X_START, .end = (uint8_t)ear->end};

    switch (t->kind) {
    case GN_TRACE_STATE:
        ear->x->result->transition[t->transition.from][t->transition.to] = true;
        judge_end(ear->x, ear->end, &t->transition);
        e.kind = LADDER_STATE;
        e.from = t->transition.from;
        e.to = t->transition.to;
        e.cause = t->transition.cause;
        break;
    case GN_TRACE_DROP:
        e.kind = LADDER_DROP;
        e.drop = t->drop;
        break;
    case GN_TRACE_SEG_IN:
    case GN_TRACE_SEG_OUT:
        e.kind = t->kind == GN_TRACE_SEG_IN ? LADDER_RECV : LADDER_SEND;
        e.seq = t->seq;
        e.ack = t->ack;
        e.len = t->len;
        e.wnd = t->wnd;
        e.ctl = t->ctl;
        break;
    }
    tell(ear->x, e);
}

/** write_out() - for the ladder */
static void write_out(void *ctx, const char *text, size_t len)
{
    (void)fwrite(text, 1, len, ctx);
}

void x_tell(struct explorer *x, const struct x_choice *path, unsigned n, bool rest, FILE *out)
{
    static struct ladder_event events[X_EVENTS];
    struct ladder l = {.events = events,
                       .title = x->c->name,
                       .name = {"host 0", "host 1"},
                       .start = {GN_CLOSED, GN_CLOSED},
                       .seen = {true, true}};
    struct ladder_style style = {.width = 120};
    struct text_writer w = {write_out, out};

    x->event = events;
    x->n_event = 0;
    x->telling = true;
    for (unsigned i = 0; i < n; i++)
        x_step(x, path[i]);
    if (rest) {
        x_say(x, LADDER_NOTE, 0, "nothing goes wrong from here on");
        x->wrong[0] = 0;
        x_rest(x);
    }
    x->telling = false;
    l.n = x->n_event;
    ladder_text(&l, &style, &w);
}
