/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_draw.c  A ladder of what an observer saw.
 *
 * Theory of operation. The observer sees each segment once, somewhere on its way. A ladder shows
 * when it left and when it arrived. Its departure is put where it was seen. Its arrival is put as
 * early as its receiver's own segments allow: what takes up numbers arrives after the last segment
 * of the receiver whose ACK does not cover it yet, and right before the one that does. So segments
 * that crossed are drawn crossing. A segment that was sent again before it was acknowledged was
 * lost, unless a D-SACK says otherwise; so was an ACK if what it acknowledges came again a round
 * trip later.
 */
#include "explain/passive_draw.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/tcp.h"

#define LOOK_AHEAD 4096 /* segments; the fate of one shows much sooner */

/** Where a drawing stands. */
struct pen {
    const struct passive_conn *c;
    struct passive_event *seen;
    size_t n;
    struct ladder_event *out;
    size_t n_out;
    size_t next[2]; /* per sender: the first segment that has not arrived */
    bool drawn[2][PASSIVE_STEPS];
};

/** numbers() - SEG.LEN */
static uint32_t numbers(const struct passive_event *e)
{
    return e->len + !!(e->ctl & CTL_SYN) + !!(e->ctl & CTL_FIN);
}

/** end_of() - behind its last octet */
static seq_t end_of(const struct passive_event *e)
{
    return seq(e->seq + numbers(e));
}

/** covers() - does @later say that it has all of @e? */
static bool covers(const struct passive_event *later, const struct passive_event *e)
{
    /* who answers a SYN,ACK with a SYN has not got it yet: they crossed */
    if (!(later->ctl & CTL_ACK) || (e->ctl & CTL_SYN && e->ctl & CTL_ACK && later->ctl & CTL_SYN))
        return false;
    if (seq_ge(seq(later->ack), end_of(e)))
        return true;
    for (unsigned i = 0; i < later->n_sack; i++)
        if (seq_le(later->sack[i][0], seq(e->seq)) && seq_ge(later->sack[i][1], end_of(e)))
            return true;
    return false;
}

/** sent_again() - does @later carry octets of @e once more? */
static bool sent_again(const struct passive_event *later, const struct passive_event *e)
{
    return later->marks & PASSIVE_RETRANS && seq_lt(seq(later->seq), end_of(e)) &&
           seq_gt(end_of(later), seq(e->seq));
}

/** reported_twice() - does the receiver say soon after @from that @e came twice? */
static bool reported_twice(const struct pen *p, size_t from, const struct passive_event *e)
{
    for (size_t j = from; j < p->n && j < from + 64; j++) {
        const struct passive_event *later = &p->seen[j];
        if (later->from != e->from && later->marks & PASSIVE_D_SACK &&
            seq_le(later->sack[0][0], seq(e->seq)))
            return true;
    }
    return false;
}

/** place_text() - fate and arrival of a segment that takes up numbers */
static void place_text(struct pen *p, size_t i)
{
    struct passive_event *e = &p->seen[i];
    size_t last = i;

    for (size_t j = i + 1; j < p->n && j < i + LOOK_AHEAD; j++) {
        const struct passive_event *later = &p->seen[j];
        if (later->icmp)
            continue;
        if (later->from == e->from) {
            if (!sent_again(later, e))
                continue;
            e->lost = !(later->marks & PASSIVE_NEEDLESS) && !reported_twice(p, j, e);
            break;
        }
        if (covers(later, e) || later->ctl & CTL_RST)
            break;
        last = j;
        if (j + 1 == p->n) /* nothing covers it */
            last = i;
    }
    e->arrives = (uint32_t)last;
}

/** place_ack() - fate of a segment that takes up none: lost, if what it acknowledges comes again
 * much later, and at once otherwise */
static void place_ack(struct pen *p, size_t i)
{
    struct passive_event *e = &p->seen[i];
    gn_time whole = passive_rtt_min(p->c);

    e->arrives = (uint32_t)i;
    for (size_t j = i + 1; j < p->n && j < i + 64; j++) {
        const struct passive_event *later = &p->seen[j];
        if (later->from == e->from && !(e->ctl & CTL_RST) && !later->icmp)
            return; /* a later one of the same kind may be the one that was lost */
        if (later->marks & PASSIVE_NEEDLESS && later->at > e->at + whole &&
            seq_le(end_of(later), seq(e->ack))) {
            e->lost = true;
            return;
        }
    }
}

/** place() - all arrivals, none before those of what the same end sent before */
static void place(struct pen *p)
{
    uint32_t least[2] = {0, 0};

    for (size_t i = 0; i < p->n; i++) {
        struct passive_event *e = &p->seen[i];
        e->lost = false;
        if (numbers(e) && !(e->ctl & CTL_RST) && !e->icmp)
            place_text(p, i);
        else
            place_ack(p, i);
        if (e->arrives < least[e->from])
            e->arrives = least[e->from];
        if (!e->lost)
            least[e->from] = e->arrives;
    }
}

/** put() - one event more */
static void put(struct pen *p, struct ladder_event e)
{
    p->out[p->n_out++] = e;
}

/** remark() - one more, in words */
static void remark(struct pen *p, gn_time at, unsigned end, const char *text)
{
    put(p,
        (struct ladder_event){.kind = LADDER_REMARK, .at = at, .end = (uint8_t)end, .text = text});
}

/** skipped() - is the first step of an end only how it was when the drawing begins? */
static bool skipped(const struct passive_side *side)
{
    const struct passive_step *s = &side->step[0];

    return side->n_steps && s->inferred &&
           (s->cause == GN_CAUSE_OPEN_PASSIVE || s->cause == GN_CAUSE_NONE);
}

enum gn_state passive_begin(const struct passive_conn *c, unsigned x)
{
    const struct passive_side *side = &c->side[x];

    if (side->n_steps == 0)
        return GN_CLOSED;
    return (enum gn_state)(skipped(side) ? side->step[0].to : side->step[0].from);
}

/** put_steps() - transitions of end @x by packets up to @packet: announced by its own, or by those
 * that arrived */
static void put_steps(struct pen *p, unsigned x, uint64_t packet, bool sent, gn_time at)
{
    const struct passive_side *side = &p->c->side[x];

    for (unsigned i = skipped(side); i < side->n_steps; i++) {
        const struct passive_step *s = &side->step[i];
        if (p->drawn[x][i] || s->by > packet || s->by == 0 || s->sent != sent)
            continue;
        p->drawn[x][i] = true;
        put(p, (struct ladder_event){.kind = LADDER_STATE,
                                     .at = at,
                                     .end = (uint8_t)x,
                                     .from = (enum gn_state)s->from,
                                     .to = (enum gn_state)s->to,
                                     .cause = (enum gn_cause)s->cause});
        if (s->inferred && s->by != p->c->reset_packet)
            remark(p, at, x, "inferred: what did this is not in the capture");
    }
}

/** put_marks() - what there is to say of a segment's departure: the most telling two */
static void put_marks(struct pen *p, const struct passive_event *e)
{
    static const enum passive_mark ranked[] = {
        PASSIVE_STRAY,       PASSIVE_DUPLICATE,     PASSIVE_RTO,         PASSIVE_FAST,
        PASSIVE_TAIL_PROBE,  PASSIVE_NEEDLESS,      PASSIVE_FILLS,       PASSIVE_OUT_OF_ORDER,
        PASSIVE_GAP,         PASSIVE_WINDOW_PROBE,  PASSIVE_KEEPALIVE,   PASSIVE_KEEPALIVE_ACK,
        PASSIVE_CHALLENGE,   PASSIVE_REFUSED_RST,   PASSIVE_D_SACK,      PASSIVE_ACKS_UNSEEN,
        PASSIVE_ZERO_WINDOW, PASSIVE_WINDOW_UPDATE, PASSIVE_WINDOW_FULL, PASSIVE_STALL,
        PASSIVE_DUP_ACK};
    unsigned said = 0;

    for (unsigned i = 0; i < sizeof ranked / sizeof ranked[0] && said < 2; i++) {
        if (!(e->marks & ranked[i]))
            continue;
        remark(p, e->at, e->from, passive_mark_text(ranked[i]));
        said++;
    }
    if (e->packet == p->c->reset_packet)
        remark(p, e->at, e->from, passive_reset_text(p->c->reset));
}

/** put_segment() - as a departure or an arrival */
static void put_segment(struct pen *p, const struct passive_event *e, enum ladder_kind kind,
                        gn_time at)
{
    put(p, (struct ladder_event){.kind = kind,
                                 .at = at,
                                 .end = (uint8_t)(kind == LADDER_SEND ? e->from : e->from ^ 1u),
                                 .ctl = e->ctl,
                                 .seq = e->seq,
                                 .ack = e->ack,
                                 .len = e->len,
                                 .wnd = e->wnd,
                                 .id = e->packet});
}

/** icmp_text() - what a router or host said */
static const char *icmp_text(const struct passive_event *e, bool v4)
{
    if (v4 ? e->icmp_type == ICMP4_UNREACHABLE && e->icmp_code == ICMP4_FRAG_NEEDED
           : e->icmp_type == ICMP6_PACKET_TOO_BIG)
        return "ICMP: packet too big";
    if (e->icmp_type == (v4 ? (int)ICMP4_UNREACHABLE : (int)ICMP6_UNREACHABLE))
        return "ICMP: destination unreachable";
    if (e->icmp_type == (v4 ? (int)ICMP4_TIME_EXCEEDED : (int)ICMP6_TIME_EXCEEDED))
        return "ICMP: time exceeded";
    return "ICMP error";
}

/** arrive() - what arrives right after segment @i has left */
static void arrive(struct pen *p, size_t i)
{
    for (unsigned from = 0; from < 2; from++) {
        for (; p->next[from] <= i; p->next[from]++) {
            const struct passive_event *e = &p->seen[p->next[from]];
            if (e->from != from || e->lost || e->icmp)
                continue;
            if (e->arrives > i)
                break;
            put_segment(p, e, LADDER_RECV, p->seen[i].at);
            put_steps(p, from ^ 1u, e->packet, false, p->seen[i].at);
        }
    }
}

/** put_icmp() - a note beside the end that it concerns */
static void put_icmp(struct pen *p, const struct passive_event *e)
{
    bool v4 = gn_addr_is_v4(&p->c->end[e->from].addr);

    put(p, (struct ladder_event){
               .kind = LADDER_NOTE, .at = e->at, .end = e->from, .text = icmp_text(e, v4)});
    put_steps(p, e->from, e->packet, false, e->at);
}

bool passive_telling(const struct passive_event *e)
{
    const uint32_t telling = PASSIVE_RETRANS | PASSIVE_ZERO_WINDOW | PASSIVE_WINDOW_UPDATE |
                             PASSIVE_WINDOW_PROBE | PASSIVE_KEEPALIVE | PASSIVE_CHALLENGE;

    return e->icmp || e->ctl & (CTL_SYN | CTL_FIN | CTL_RST) || e->marks & telling;
}

size_t passive_draw(const struct passive_conn *c, struct passive_event *seen, size_t n,
                    struct ladder_event *ret)
{
    struct pen p = {.c = c, .seen = seen, .n = n, .out = ret};

    place(&p);
    for (size_t i = 0; i < n; i++) {
        const struct passive_event *e = &seen[i];
        if (e->icmp) {
            put_icmp(&p, e);
        } else {
            for (unsigned x = 0; x < 2; x++)
                put_steps(&p, x, e->packet, true, e->at);
            put_marks(&p, e);
            put_segment(&p, e, LADDER_SEND, e->at);
        }
        arrive(&p, i);
    }
    for (unsigned x = 0; x < 2 && n > 0; x++) {
        put_steps(&p, x, UINT64_MAX, true, seen[n - 1].at);
        put_steps(&p, x, UINT64_MAX, false, seen[n - 1].at);
    }
    return p.n_out;
}
