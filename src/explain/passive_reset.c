/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_reset.c  Why somebody sent a RST, and whether its receiver believes it.
 *
 * A RST that answers a segment for which there is no connection has the sequence number that this
 * segment acknowledged, and no ACK of its own (RFC 9293 3.10.7.1); a RST that ends a connection
 * comes from SND.NXT, and both Linux and Gannet add an ACK. From this, from what its sender had
 * sent, and from what it had received last, follows the rule that made it. Closing with unread text
 * and aborting look the same; text that arrived after the sender's own last text speaks for the
 * first.
 */
#include "explain/passive_parts.h"

#define RETRIES_MANY 3 /* as often in a row, and a RST looks like giving up */

/** in_handshake() - not yet established */
static bool in_handshake(enum gn_state s)
{
    return s == GN_SYN_SENT || s == GN_SYN_RECEIVED;
}

/** has_closed() - has sent its FIN and may still get segments */
static bool has_closed(enum gn_state s)
{
    return s == GN_FIN_WAIT_1 || s == GN_FIN_WAIT_2 || s == GN_CLOSING || s == GN_LAST_ACK;
}

/** without_block() - a RST that answers a segment of nobody's connection */
static enum passive_reset without_block(const struct flow *f, unsigned e)
{
    const struct watched *o = &f->end[e ^ 1u];
    enum gn_state mine = f->conn.side[e].state;

    if (!f->conn.side[e].known)
        return o->last_ctl & CTL_ACK && o->last_ctl & CTL_SYN ? PASSIVE_RESET_UNASKED
                                                              : PASSIVE_RESET_HALF_OPEN;
    if (mine == GN_SYN_SENT)
        return PASSIVE_RESET_BAD_ACK;
    if (has_closed(mine) && o->last_len)
        return PASSIVE_RESET_AFTER_CLOSE;
    if (mine == GN_CLOSED || mine == GN_TIME_WAIT || has_closed(mine))
        return PASSIVE_RESET_LATE;
    return mine == GN_SYN_RECEIVED ? PASSIVE_RESET_HANDSHAKE : PASSIVE_RESET_HALF_OPEN;
}

/** with_block() - a RST that ends a connection which its sender knew */
static enum passive_reset with_block(const struct flow *f, unsigned e)
{
    const struct watched *w = &f->end[e], *o = &f->end[e ^ 1u];
    const struct sent *front = sent_front(w);
    enum gn_state mine = f->conn.side[e].state;

    if (mine == GN_CLOSED || mine == GN_TIME_WAIT)
        return PASSIVE_RESET_LATE;
    if (w->probes >= 2)
        return PASSIVE_RESET_KEEPALIVE;
    if (front != NULL && front->times > RETRIES_MANY && f->conn.side[e].backoff >= RETRIES_MANY)
        return PASSIVE_RESET_RETRIES;
    if (in_handshake(mine))
        return PASSIVE_RESET_HANDSHAKE;
    if (has_closed(mine))
        return o->last_len ? PASSIVE_RESET_AFTER_CLOSE : PASSIVE_RESET_ABORT;
    return o->last_text > w->last_text && f->conn.seen.side[e ^ 1u].bytes ? PASSIVE_RESET_UNREAD
                                                                          : PASSIVE_RESET_ABORT;
}

/** rule_of() - which rule made the RST of end @e */
static enum passive_reset rule_of(const struct flow *f, unsigned e, const struct sighting *s)
{
    const struct watched *o = &f->end[e ^ 1u];
    bool has_ack = s->seg.ctl & CTL_ACK;

    if (f->conn.side[e ^ 1u].state == GN_SYN_SENT && !f->conn.side[e].known && has_ack)
        return PASSIVE_RESET_CLOSED_PORT;
    if (!has_ack && f->conn.side[e ^ 1u].heard && s->seg.seq.raw == o->last_ack)
        return without_block(f, e);
    return with_block(f, e);
}

/** cause_of() - what it is to its sender */
static enum gn_cause cause_of(enum passive_reset r)
{
    switch (r) {
    case PASSIVE_RESET_UNREAD: return GN_CAUSE_CLOSE_UNREAD;
    case PASSIVE_RESET_ABORT: return GN_CAUSE_ABORT_CALL;
    case PASSIVE_RESET_AFTER_CLOSE: return GN_CAUSE_DATA_AFTER_CLOSE;
    case PASSIVE_RESET_KEEPALIVE: return GN_CAUSE_KEEPALIVE;
    case PASSIVE_RESET_RETRIES: return GN_CAUSE_RETRIES;
    case PASSIVE_RESET_HANDSHAKE: return GN_CAUSE_ABORT_CALL;
    case PASSIVE_RESET_NONE:
    case PASSIVE_RESET_CLOSED_PORT:
    case PASSIVE_RESET_UNASKED:
    case PASSIVE_RESET_BAD_ACK:
    case PASSIVE_RESET_HALF_OPEN:
    case PASSIVE_RESET_LATE:
    case PASSIVE_RESET_COUNT: return GN_CAUSE_NONE;
    }
    return GN_CAUSE_NONE;
}

/** believed() - is the RST of the other end within what end @x accepts (RFC 5961 3.2)? What it has
 * received lies between what it acknowledged and what was sent */
static bool believed(const struct flow *f, unsigned x, const struct sighting *s)
{
    const struct watched *w = &f->end[x], *o = &f->end[x ^ 1u];

    if (f->conn.side[x].state == GN_SYN_SENT)
        return s->seg.ctl & CTL_ACK && seq_eq(s->seg.ack, w->nxt);
    if (!w->has_acked)
        return true;
    return seq_ge(s->seg.seq, w->acked) && (!o->has_nxt || seq_le(s->seg.seq, o->nxt));
}

/** end_sender() - the end that sent the RST has no connection any more */
static void end_sender(struct flow *f, unsigned e, enum passive_reset rule,
                       const struct sighting *s)
{
    enum gn_state mine = f->conn.side[e].state;
    struct passive_step step = {.at = s->at,
                                .by = s->packet,
                                .to = GN_CLOSED,
                                .cause = (uint8_t)cause_of(rule),
                                .sent = true};

    /* BAD_ACK clears the other end's old connection, not its own attempt */
    if (!f->conn.side[e].known || mine == GN_CLOSED || rule == PASSIVE_RESET_BAD_ACK)
        return;
    step.inferred = rule == PASSIVE_RESET_HALF_OPEN || rule == PASSIVE_RESET_LATE;
    fsm_step(f, e, &step);
}

/** end_receiver() - the end that gets the RST; marks */
static uint32_t end_receiver(struct flow *f, unsigned x, const struct sighting *s)
{
    enum gn_state state = f->conn.side[x].state;
    struct passive_step step = {
        .at = s->at, .by = s->packet, .to = GN_CLOSED, .cause = GN_CAUSE_RST, .presumed = true};

    if (!f->conn.side[x].known || state == GN_CLOSED || state == GN_TIME_WAIT)
        return 0;
    if (!believed(f, x, s)) {
        f->end[x ^ 1u].odd_at = s->at;
        return PASSIVE_REFUSED_RST;
    }
    if (state == GN_SYN_SENT)
        step.cause = GN_CAUSE_REFUSED;
    fsm_step(f, x, &step);
    return 0;
}

uint32_t reset_segment(struct flow *f, unsigned e, const struct sighting *s)
{
    enum passive_reset rule = rule_of(f, e, s);
    uint32_t marks;

    f->conn.seen.side[e].rsts++;
    marks = end_receiver(f, e ^ 1u, s);
    if (marks & PASSIVE_REFUSED_RST && rule != PASSIVE_RESET_HALF_OPEN)
        return marks;
    end_sender(f, e, rule, s);
    if (f->conn.reset == PASSIVE_RESET_NONE) {
        f->conn.reset = rule;
        f->conn.reset_packet = s->packet;
        f->conn.seen.rst_by = (uint8_t)e;
    }
    return marks;
}

uint32_t reset_challenge(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *o = &f->end[e ^ 1u];
    gn_time odd = o->odd_at;

    if (odd == 0 || seg_len(&s->seg) != 0)
        return 0;
    o->odd_at = 0;
    if (since(odd, s->at) > rtt_whole(f) + 100 * GN_MSEC)
        return 0;
    f->conn.remarks |= PASSIVE_R_CHALLENGED;
    return PASSIVE_CHALLENGE;
}
