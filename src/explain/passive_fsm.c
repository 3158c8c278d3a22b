/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_fsm.c  The states of both ends, from the segments that pass.
 *
 * Theory of operation. An end is known by what it sends. Its SYN, FIN and RST *are* transitions.
 * What it has received shows in what it sends afterwards: an ACK that covers the other's SYN or FIN
 * proves that it has got it, so the transition is credited to that SYN or FIN. Nobody answers an
 * ACK, so what an ACK does to its receiver (SYN-RECEIVED to ESTABLISHED, FIN-WAIT-1 to FIN-WAIT-2,
 * ...) is presumed when the ACK passes, and taken back when the receiver repeats the SYN or FIN
 * that was acknowledged, later than a round trip.
 *
 * So an end has four questions with the answer "not yet" or the number of a packet: has it got the
 * other's SYN, the other's FIN; is its own SYN, its own FIN acknowledged? advance() moves its state
 * as far as the answers carry. What must have happened without a segment in the capture is
 * inferred.
 */
#include "explain/passive_parts.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"

#define REFUTED_OFTEN 2 /* so many ACKs in a row did not arrive: nor will the next */
#define SYN_ACKS_MAX  5 /* who has sent more may have given up (tcp_synack_retries) */

void fsm_step(struct flow *f, unsigned x, const struct passive_step *step)
{
    struct passive_side *side = &f->conn.side[x];
    struct passive_step done = *step;

    done.from = (uint8_t)side->state;
    if (side->n_steps == PASSIVE_STEPS) {
        memmove(side->step, side->step + 1, sizeof side->step - sizeof side->step[0]);
        side->n_steps--;
    }
    side->step[side->n_steps++] = done;
    side->state = (enum gn_state)step->to;
    side->known = true;
    /* that somebody listened goes without saying */
    f->conn.seen.inferred |= step->inferred && step->cause != GN_CAUSE_OPEN_PASSIVE;
}

/** go() - a transition made by packet @by */
static void go(struct flow *f, unsigned x, enum gn_state to, enum gn_cause cause,
               struct passive_step how)
{
    how.to = (uint8_t)to;
    how.cause = (uint8_t)cause;
    fsm_step(f, x, &how);
}

/** received() - by a segment that is proved to have arrived */
static struct passive_step received(uint64_t by, gn_time at)
{
    return (struct passive_step){.by = by, .at = at};
}

/** presumed() - by a segment that should have arrived */
static struct passive_step presumed(uint64_t by, gn_time at)
{
    return (struct passive_step){.by = by, .at = at, .presumed = true};
}

/** inferred() - by nothing that passed; @by came after it */
static struct passive_step inferred(uint64_t by, gn_time at)
{
    return (struct passive_step){.by = by, .at = at, .sent = true, .inferred = true};
}

/** sent() - announced by a segment of that end itself */
static struct passive_step sent(const struct sighting *s)
{
    return (struct passive_step){.by = s->packet, .at = s->at, .sent = true};
}

/** take_back() - the last transition of @x, a presumption, is refuted; false: it is not of @cause
 */
static bool take_back(struct flow *f, unsigned x, enum gn_cause cause)
{
    struct passive_side *side = &f->conn.side[x];
    const struct passive_step *last = last_step(side);

    if (last == NULL || !last->presumed || last->cause != cause)
        return false;
    side->state = (enum gn_state)last->from;
    side->n_steps--;
    f->end[x].refuted++;
    return true;
}

/** doubtful() - have presumptions about end @x been wrong too often to make one more? */
static bool doubtful(const struct flow *f, unsigned x)
{
    return f->end[x].refuted >= REFUTED_OFTEN;
}

/** after_fin_wait_1() - the ACK of @x's FIN and the other's FIN come in either order, or as one */
static bool after_fin_wait_1(struct flow *f, unsigned x)
{
    struct watched *w = &f->end[x], *o = &f->end[x ^ 1u];
    bool fin = w->got_fin != 0, acked = w->fin_acked != 0;

    if (fin && acked && w->fin_acked_by_fin) {
        go(f, x, GN_TIME_WAIT, GN_CAUSE_FIN_AND_ACK_OF_FIN, received(w->got_fin, w->got_fin_at));
        return true;
    }
    if (fin && (!acked || w->got_fin < w->fin_acked)) {
        go(f, x, GN_CLOSING, GN_CAUSE_FIN, received(w->got_fin, w->got_fin_at));
        return true;
    }
    /* an ACK sent after the other's FIN arrives after that FIN: wait for the proof of that */
    if (acked && !doubtful(f, x) && (fin || !o->has_fin || w->fin_acked < o->fin_first)) {
        go(f, x, GN_FIN_WAIT_2, GN_CAUSE_ACK_OF_FIN, presumed(w->fin_acked, w->fin_acked_at));
        return true;
    }
    return false;
}

/** leave_syn_sent() - by the other's SYN, with or without the ACK of ours */
static void leave_syn_sent(struct flow *f, unsigned x)
{
    struct watched *w = &f->end[x];
    struct passive_step how = received(w->got_syn, w->got_syn_at);

    if (f->end[x ^ 1u].syn_had_ack && !f->conn.side[x].known) /* cannot be: kept whole anyway */
        return;
    if (f->conn.remarks & PASSIVE_R_SIMULTANEOUS_OPEN)
        go(f, x, GN_SYN_RECEIVED, GN_CAUSE_SYN_CROSSED, how);
    else
        go(f, x, GN_ESTABLISHED, GN_CAUSE_SYN_ACK, how);
}

/** step_once() - one transition that follows from what end @x has got; false: none does */
static bool step_once(struct flow *f, unsigned x)
{
    struct watched *w = &f->end[x];

    switch (f->conn.side[x].state) {
    case GN_SYN_SENT:
        if (!w->got_syn)
            return false;
        leave_syn_sent(f, x);
        return true;
    case GN_SYN_RECEIVED:
        if (!w->syn_acked || doubtful(f, x))
            return false;
        go(f, x, GN_ESTABLISHED, GN_CAUSE_ACK_OF_SYN, presumed(w->syn_acked, w->syn_acked_at));
        return true;
    case GN_ESTABLISHED:
        if (!w->got_fin)
            return false;
        go(f, x, GN_CLOSE_WAIT, GN_CAUSE_FIN, received(w->got_fin, w->got_fin_at));
        return true;
    case GN_FIN_WAIT_1: return after_fin_wait_1(f, x);
    case GN_FIN_WAIT_2:
        if (!w->got_fin)
            return false;
        go(f, x, GN_TIME_WAIT, GN_CAUSE_FIN, received(w->got_fin, w->got_fin_at));
        return true;
    case GN_CLOSING:
    case GN_LAST_ACK:
        if (!w->fin_acked || doubtful(f, x))
            return false;
        go(f, x, f->conn.side[x].state == GN_CLOSING ? GN_TIME_WAIT : GN_CLOSED,
           GN_CAUSE_ACK_OF_FIN, presumed(w->fin_acked, w->fin_acked_at));
        return true;
    case GN_CLOSED:
    case GN_LISTEN:
    case GN_CLOSE_WAIT:
    case GN_TIME_WAIT:
    case GN_STATE_COUNT: return false;
    }
    return false;
}

/** advance() - as far as it goes */
static void advance(struct flow *f, unsigned x)
{
    while (step_once(f, x))
        ;
}

/** began_midway() - both ends were there before the capture */
static void began_midway(struct flow *f, const struct sighting *s)
{
    f->conn.remarks |= PASSIVE_R_MIDWAY;
    for (unsigned x = 0; x < 2; x++)
        go(f, x, GN_ESTABLISHED, GN_CAUSE_NONE, inferred(s->packet, s->at));
}

/** as_listener() - end @x answers a SYN, so it was in LISTEN */
static void as_listener(struct flow *f, unsigned x, struct passive_step how)
{
    struct watched *w = &f->end[x];
    uint64_t by = w->got_syn ? w->got_syn : how.by;
    gn_time at = w->got_syn ? w->got_syn_at : how.at;

    go(f, x, GN_LISTEN, GN_CAUSE_OPEN_PASSIVE, inferred(by, at));
    go(f, x, GN_SYN_RECEIVED, GN_CAUSE_SYN, w->got_syn ? received(by, at) : how);
}

/** repeated() - end @e sends its SYN or FIN again: was the ACK of it lost that we had presumed to
 * have arrived? */
static void repeated(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    gn_time whole = rtt_whole(f);

    if (s->seg.ctl & CTL_SYN && w->syn_acked && since(w->syn_acked_at, s->at) > whole &&
        take_back(f, e, GN_CAUSE_ACK_OF_SYN))
        w->syn_acked = 0;
    if (s->seg.ctl & CTL_FIN && w->fin_acked && since(w->fin_acked_at, s->at) > whole &&
        take_back(f, e, GN_CAUSE_ACK_OF_FIN))
        w->fin_acked = 0;
}

/** note_syn() - a SYN of end @e passes: numbers and what it offers */
static void note_syn(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    struct passive_side *side = &f->conn.side[e];
    const struct tcpopt *o = &s->seg.opt;
    bool ack = s->seg.ctl & CTL_ACK;

    if (ack)
        f->conn.seen.side[e].syn_acks++;
    else
        f->conn.seen.side[e].syns++;
    w->syn_by[0] = w->syn_by[1];
    w->syn_at[0] = w->syn_at[1];
    w->syn_by[1] = s->packet;
    w->syn_at[1] = s->at;
    w->syn_had_ack |= ack;
    if (w->has_iss)
        return;
    w->iss = s->seg.seq;
    w->has_iss = true;
    side->mss = (o->has & OPT_MSS) ? o->mss : 536;
    side->sack = o->has & OPT_SACKOK;
    side->timestamps = o->has & OPT_TS;
    side->has_wscale = o->has & OPT_WSCALE;
    side->wscale = o->wscale;
    if (!ack && f->conn.seen.opener == PASSIVE_NOBODY)
        f->conn.seen.opener = (uint8_t)e;
    else if (ack && f->conn.seen.opener == PASSIVE_NOBODY)
        f->conn.seen.opener = (uint8_t)(e ^ 1u);
    f->conn.seen.from_start |= !ack;
}

/** which_arrived() - of the last two packets with a SYN or FIN, the one that end @x answers at
 * @now: the later one only if it had the time to get there */
static unsigned which_arrived(const struct flow *f, unsigned x, const uint64_t by[2],
                              const gn_time at[2], gn_time now)
{
    gn_time half = f->conn.side[x].rtt.min;

    return by[0] == 0 || since(at[1], now) >= half - half / 4;
}

/** prove() - the ACK field of a segment of end @e proves what it has received */
static void prove(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    const struct watched *o = &f->end[e ^ 1u];

    if (!w->got_syn && o->has_iss && o->syn_by[1] && seq_gt(s->seg.ack, o->iss)) {
        unsigned i = which_arrived(f, e, o->syn_by, o->syn_at, s->at);
        w->got_syn = o->syn_by[i];
        w->got_syn_at = o->syn_at[i];
    }
    if (!w->got_fin && o->has_fin && seq_gt(s->seg.ack, o->fin)) {
        unsigned i = which_arrived(f, e, o->fin_by, o->fin_at, s->at);
        w->got_fin = o->fin_by[i];
        w->got_fin_at = o->fin_at[i];
    }
}

/** on_syn() - transitions that a SYN of end @e announces */
static void on_syn(struct flow *f, unsigned e, const struct sighting *s)
{
    unsigned o = e ^ 1u;
    bool ack = s->seg.ctl & CTL_ACK, first = !f->end[e].has_iss;

    note_syn(f, e, s);
    if (!ack && first && !f->conn.side[e].known)
        go(f, e, GN_SYN_SENT, GN_CAUSE_OPEN_ACTIVE, sent(s));
    if (!ack && first && f->conn.side[o].state == GN_SYN_SENT)
        f->conn.remarks |= PASSIVE_R_SIMULTANEOUS_OPEN;
    if (!ack)
        return;
    prove(f, e, s);
    if (!f->conn.side[o].known) { /* the SYN that it answers is missing */
        f->end[o].iss = seq_sub(s->seg.ack, 1);
        f->end[o].has_iss = true;
        go(f, o, GN_SYN_SENT, GN_CAUSE_OPEN_ACTIVE, inferred(s->packet, s->at));
    }
    if (!f->conn.side[e].known)
        as_listener(f, e, sent(s));
}

/** missed_handshake() - end @e is past the handshake, of which the capture lacks a part */
static void missed_handshake(struct flow *f, unsigned e, const struct sighting *s)
{
    unsigned o = e ^ 1u;
    struct passive_step how = inferred(s->packet, s->at);

    if (!f->conn.side[o].known) { /* its SYN,ACK is missing */
        f->end[o].iss = seq_sub(s->seg.ack, 1);
        f->end[o].has_iss = true;
        as_listener(f, o, how);
    }
    if (f->conn.side[e].state == GN_SYN_SENT && !f->end[e].got_syn)
        go(f, e, GN_ESTABLISHED, GN_CAUSE_SYN_ACK, how);
    if (!f->conn.side[e].known) {
        as_listener(f, e, how);
        go(f, e, GN_ESTABLISHED, GN_CAUSE_ACK_OF_SYN, how);
    }
}

/** on_acks() - the ACK field of a segment of end @e: what it has, and what the other then gets */
static void on_acks(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *o = &f->end[e ^ 1u];

    prove(f, e, s);
    advance(f, e);
    if (o->has_iss && !o->syn_acked && seq_gt(s->seg.ack, o->iss)) {
        o->syn_acked = s->packet;
        o->syn_acked_at = s->at;
    }
    if (o->has_fin && !o->fin_acked && seq_gt(s->seg.ack, o->fin)) {
        o->fin_acked = s->packet;
        o->fin_acked_at = s->at;
        o->fin_acked_by_fin = s->seg.ctl & CTL_FIN;
    }
}

/** on_fin() - end @e says that it has sent all */
static void on_fin(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];

    f->conn.seen.side[e].fins++;
    w->fin = seq_add(s->seg.seq, s->seg.text_len);
    if (!w->has_fin)
        w->fin_first = s->packet;
    w->has_fin = true;
    w->fin_by[0] = w->fin_by[1];
    w->fin_at[0] = w->fin_at[1];
    w->fin_by[1] = s->packet;
    w->fin_at[1] = s->at;
    if (f->conn.side[e].state == GN_SYN_RECEIVED || f->conn.side[e].state == GN_ESTABLISHED)
        go(f, e, GN_FIN_WAIT_1, GN_CAUSE_CLOSE_CALL, sent(s));
    else if (f->conn.side[e].state == GN_CLOSE_WAIT)
        go(f, e, GN_LAST_ACK, GN_CAUSE_CLOSE_CALL, sent(s));
}

/** still_there() - an end that was to have been reset goes on: the RST did not count */
static void still_there(struct flow *f, unsigned e, const struct sighting *s)
{
    const struct passive_step *last = last_step(&f->conn.side[e]);

    if (last == NULL || since(last->at, s->at) <= rtt_whole(f))
        return;
    if (take_back(f, e, GN_CAUSE_RST) || take_back(f, e, GN_CAUSE_REFUSED) ||
        take_back(f, e, GN_CAUSE_ICMP))
        f->conn.remarks |= PASSIVE_R_CHALLENGED;
}

/** confirm() - end @e sends more than a SYN, so the ACK of its SYN has arrived */
static void confirm(struct flow *f, unsigned e)
{
    struct passive_side *side = &f->conn.side[e];

    if (side->state == GN_SYN_RECEIVED && f->end[e].refuted) {
        f->end[e].refuted = 0;
        advance(f, e);
    }
    for (unsigned i = 0; i < side->n_steps; i++)
        if (side->step[i].cause == GN_CAUSE_ACK_OF_SYN)
            side->step[i].presumed = false;
}

void fsm_remember(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    struct fact_side *fact = &f->conn.seen.side[e];

    if (!f->conn.side[e].heard)
        fact->first = s->at;
    fact->last = s->at;
    f->conn.side[e].heard = true;
    w->last_at = s->at;
    w->last_ctl = s->seg.ctl;
    w->last_len = s->seg.text_len;
    w->last_ack = s->seg.ack.raw;
}

void fsm_segment(struct flow *f, unsigned e, const struct sighting *s, uint32_t marks)
{
    uint16_t ctl = s->seg.ctl;

    if (ctl & CTL_RST) {
        fsm_remember(f, e, s);
        return;
    }
    if (!(marks & PASSIVE_DUPLICATE)) {
        still_there(f, e, s);
        repeated(f, e, s);
        if (ctl & CTL_SYN)
            on_syn(f, e, s);
        else if (!f->conn.side[0].known && !f->conn.side[1].known)
            began_midway(f, s);
        if (ctl & CTL_ACK)
            on_acks(f, e, s);
        if (ctl & CTL_ACK && !(ctl & CTL_SYN)) {
            missed_handshake(f, e, s);
            confirm(f, e);
        }
        if (ctl & CTL_FIN && !(ctl & CTL_SYN))
            on_fin(f, e, s);
        advance(f, e ^ 1u);
    }
    fsm_remember(f, e, s);
}

/** hard() - does the error say that no such SYN will ever be answered (RFC 9293 3.9.2.2)? */
static bool hard(const struct sighting *s)
{
    if (gn_addr_is_v4(&s->src.addr))
        return s->icmp_type == ICMP4_UNREACHABLE &&
               (s->icmp_code == ICMP4_PROTOCOL || s->icmp_code == ICMP4_PORT ||
                s->icmp_code >= ICMP4_SOURCE_ROUTE);
    return s->icmp_type == ICMP6_UNREACHABLE &&
           (s->icmp_code == ICMP6_PROHIBITED || s->icmp_code == ICMP6_PORT);
}

void fsm_icmp(struct flow *f, unsigned e, const struct sighting *s)
{
    struct fact_side *fact = &f->conn.seen.side[e];
    bool v4 = gn_addr_is_v4(&s->src.addr);
    bool big = v4 ? s->icmp_type == ICMP4_UNREACHABLE && s->icmp_code == ICMP4_FRAG_NEEDED
                  : s->icmp_type == ICMP6_PACKET_TOO_BIG;

    if (big)
        fact->icmp_too_big++;
    else
        fact->icmp_unreach++;
    if (!big && f->conn.side[e].state == GN_SYN_SENT && hard(s))
        go(f, e, GN_CLOSED, GN_CAUSE_ICMP, presumed(s->packet, s->at));
}

bool fsm_over(const struct flow *f)
{
    for (unsigned x = 0; x < 2; x++) {
        const struct passive_side *side = &f->conn.side[x];
        if (side->known && side->state != GN_CLOSED && side->state != GN_TIME_WAIT)
            return false;
    }
    return f->conn.side[0].known || f->conn.side[1].known;
}

/** content() - end @x, whose repeated SYN,ACKs had put the ACKs in doubt, repeats no more though
 * the next would be due: the last ACK arrived */
static bool content(const struct flow *f, unsigned x, gn_time now)
{
    const struct watched *w = &f->end[x];

    if (f->conn.side[x].state != GN_SYN_RECEIVED || !w->syn_acked || w->syn_by[0] == 0 ||
        f->conn.seen.side[x].syn_acks > SYN_ACKS_MAX)
        return false;
    return since(w->syn_at[1], now) > 3 * since(w->syn_at[0], w->syn_at[1]);
}

void fsm_time(struct flow *f, gn_time now)
{
    for (unsigned x = 0; x < 2; x++) {
        if (content(f, x, now)) {
            f->end[x].refuted = 0;
            f->conn.side[x].backoff = 0;
            advance(f, x);
        }
        const struct passive_step *last = last_step(&f->conn.side[x]);
        if (last == NULL || last->to != GN_TIME_WAIT || since(last->at, now) <= PASSIVE_2MSL)
            continue;
        go(f, x, GN_CLOSED, GN_CAUSE_TIME_WAIT_OVER,
           (struct passive_step){.at = last->at + PASSIVE_2MSL, .inferred = true});
    }
}
