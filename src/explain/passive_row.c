/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_row.c  A connection summed up: remarks, facts for the rules, and the words for
 * both.
 */
#include "explain/passive_parts.h"

#define STUCK_MANY 3 /* retransmissions in a row without an answer */

/** has_step() - did end @x ever enter @to? */
static bool has_step(const struct passive_side *side, enum gn_state to)
{
    for (unsigned i = 0; i < side->n_steps; i++)
        if (side->step[i].to == to)
            return true;
    return false;
}

/** of_side() - remarks that one end is the reason for */
static uint32_t of_side(const struct flow *f, unsigned x)
{
    const struct passive_side *side = &f->conn.side[x];
    const struct fact_side *fact = &f->conn.seen.side[x];
    uint32_t r = 0;

    r |= side->backoff >= STUCK_MANY && side->state != GN_SYN_SENT ? PASSIVE_R_STUCK : 0;
    r |= f->end[x].black_hole ? PASSIVE_R_BLACK_HOLE : 0;
    r |= f->end[x].probes >= 2 ? PASSIVE_R_KEEPALIVE_DEAD : 0;
    r |= fact->syns > 1 || fact->syn_acks > 1 ? PASSIVE_R_SYN_AGAIN : 0;
    r |= fact->rto_retrans > fact->syns + fact->syn_acks ? PASSIVE_R_TIMEOUTS : 0;
    r |= fact->fast_retrans ? PASSIVE_R_FAST : 0;
    r |= side->needless || side->d_sacks ? PASSIVE_R_NEEDLESS : 0;
    r |= fact->out_of_order ? PASSIVE_R_REORDERED : 0;
    r |= side->duplicates ? PASSIVE_R_DUPLICATED : 0;
    r |= fact->zero_windows ? PASSIVE_R_ZERO_WINDOW : 0;
    r |= fact->nagle_stalls ? PASSIVE_R_STALL : 0;
    r |= fact->icmp_too_big ? PASSIVE_R_TOO_BIG : 0;
    r |= fact->icmp_unreach ? PASSIVE_R_UNREACHABLE : 0;
    r |= fact->keepalives ? PASSIVE_R_KEEPALIVE : 0;
    r |= side->not_captured ? PASSIVE_R_HOLES : 0;
    return r;
}

/** of_both() - remarks about the connection as a whole */
static uint32_t of_both(const struct flow *f, gn_time now)
{
    const struct passive_side *a = &f->conn.side[0], *b = &f->conn.side[1];
    const struct fact_side *opener = &f->conn.seen.side[f->conn.seen.opener == 1];
    bool alone = !a->heard || !b->heard;
    bool waits = a->state == GN_SYN_SENT || b->state == GN_SYN_SENT;
    uint32_t r = 0;

    if (alone && waits && (opener->syns > 1 || since(f->conn.last, now) > GN_SEC))
        r |= PASSIVE_R_NO_ANSWER;
    else if (alone && f->conn.packets > 2 && !f->conn.seen.side[0].icmp_unreach)
        r |= PASSIVE_R_ONE_WAY;
    if (f->conn.reset == PASSIVE_RESET_CLOSED_PORT)
        r |= PASSIVE_R_REFUSED;
    else if (f->conn.reset == PASSIVE_RESET_HALF_OPEN || f->conn.reset == PASSIVE_RESET_BAD_ACK)
        r |= PASSIVE_R_HALF_OPEN_PEER;
    else if (f->conn.reset != PASSIVE_RESET_NONE)
        r |= PASSIVE_R_RESET;
    if (has_step(a, GN_CLOSING) && has_step(b, GN_CLOSING))
        r |= PASSIVE_R_SIMULTANEOUS_CLOSE;
    if (a->state == GN_CLOSE_WAIT || b->state == GN_CLOSE_WAIT)
        r |= PASSIVE_R_HALF_CLOSED;
    return r;
}

/** near_end() - the end to which the way is much shorter than to the other */
static uint8_t near_end(const struct passive_conn *c)
{
    gn_time a = c->side[0].rtt.min, b = c->side[1].rtt.min;

    if (c->side[0].rtt.n == 0 || c->side[1].rtt.n == 0 || (a <= 8 * b && b <= 8 * a))
        return PASSIVE_NOBODY;
    return b < a;
}

void row_finish(struct flow *f, gn_time now)
{
    fsm_time(f, now);
    for (unsigned x = 0; x < 2; x++) {
        if (f->end[x].shut)
            sent_was_shut(f, x, now);
        f->conn.seen.side[x].shut = f->end[x].shut;
        f->conn.seen.side[x].unanswered_keepalives = f->end[x].probes;
        f->conn.remarks |= of_side(f, x);
    }
    f->conn.remarks |= of_both(f, now);
    f->conn.near = near_end(&f->conn);
}

/** fill_info() - what a capture tells of figures that tcp_info would hold */
static void fill_info(const struct passive_conn *c, unsigned local, struct fact_info *ret)
{
    const struct passive_side *mine = &c->side[local], *theirs = &c->side[local ^ 1u];
    const struct fact_side *sent = &c->seen.side[local], *got = &c->seen.side[local ^ 1u];

    ret->timestamps = mine->timestamps && theirs->timestamps;
    ret->sack = mine->sack && theirs->sack;
    ret->wscale = mine->has_wscale && theirs->has_wscale;
    ret->snd_wscale = theirs->wscale;
    ret->rcv_wscale = mine->wscale;
    ret->snd_mss = theirs->mss;
    ret->advmss = ret->rcv_mss = mine->mss;
    ret->retrans_total = sent->retrans;
    ret->min_rtt = passive_rtt_min(c);
    ret->rtt = passive_rtt_median(c);
    ret->bytes_sent = sent->bytes;
    ret->bytes_received = got->bytes;
    ret->snd_wnd = theirs->max_wnd;
    ret->rcv_wnd = mine->max_wnd;
}

void passive_facts(const struct passive_conn *c, unsigned local, gn_time now, struct fact_conn *ret,
                   struct fact_seen *seen, struct gn_transition *history)
{
    const struct passive_side *mine = &c->side[local];
    unsigned remote = local ^ 1u;

    *seen = c->seen;
    seen->side[0] = c->seen.side[local];
    seen->side[1] = c->seen.side[remote];
    seen->remote_state = c->side[remote].state;
    seen->rst_by = c->seen.rst_by == PASSIVE_NOBODY ? PASSIVE_NOBODY : c->seen.rst_by != local;
    seen->opener = c->seen.opener == PASSIVE_NOBODY ? PASSIVE_NOBODY : c->seen.opener != local;
    *ret = (struct fact_conn){.kind = GN_KIND_CONNECTION,
                              .state = mine->state,
                              .known = FACT_SEEN | FACT_HISTORY,
                              .local = c->end[local],
                              .remote = c->end[remote],
                              .process = FACT_NONE,
                              .listener = FACT_NONE,
                              .backoff = (uint8_t)min_u32(mine->backoff, UINT8_MAX),
                              .seen = seen,
                              .history = history};
    for (unsigned i = 0; i < mine->n_steps; i++) {
        const struct passive_step *s = &mine->step[i];
        history[ret->n_history++] = (struct gn_transition){
            s->at, (enum gn_state)s->from, (enum gn_state)s->to, (enum gn_cause)s->cause};
    }
    const struct passive_step *last = last_step(mine);
    if (last != NULL) {
        ret->in_state = since(last->at, now);
        ret->known |= last->inferred ? FACT_AGE_MIN : FACT_AGE;
    }
    fill_info(c, local, &ret->info);
}

const char *passive_mark_text(enum passive_mark one)
{
    switch (one) {
#define PASSIVE_MARK(name, bit, text) \
    case PASSIVE_##name:              \
        return text;
#include "explain/passive_mark.def"
#undef PASSIVE_MARK
    }
    return "";
}

const char *passive_remark_word(enum passive_remark one)
{
    switch (one) {
#define PASSIVE_REMARK(name, bit, word, text) \
    case PASSIVE_R_##name:                    \
        return word;
#include "explain/passive_remark.def"
#undef PASSIVE_REMARK
    }
    return "";
}

const char *passive_remark_text(enum passive_remark one)
{
    switch (one) {
#define PASSIVE_REMARK(name, bit, word, text) \
    case PASSIVE_R_##name:                    \
        return text;
#include "explain/passive_remark.def"
#undef PASSIVE_REMARK
    }
    return "";
}

/** What is said of one rule. */
struct reset_words {
    const char *rfc, *text;
};

static const struct reset_words reset_words[] = {
#define PASSIVE_RESET(name, rfc, text) {rfc, text},
#include "explain/passive_reset.def"
#undef PASSIVE_RESET
};

const char *passive_reset_text(enum passive_reset r)
{
    return r < PASSIVE_RESET_COUNT ? reset_words[r].text : "";
}

const char *passive_reset_rfc(enum passive_reset r)
{
    return r < PASSIVE_RESET_COUNT ? reset_words[r].rfc : "";
}
