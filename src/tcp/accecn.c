/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file accecn.c  Accurate ECN (RFC 9768): not whether, but how much congestion was met.
 *
 * Theory of operation. The three flags AE, CWR and ECE are one field, ACE. In the handshake it says
 * what both sides can do, and with which IP-ECN field the peer's SYN or SYN,ACK came, so that a
 * path that mangles that field shows itself. From then on every segment carries the low three bits
 * of r.cep, the number of segments that arrived marked CE. As marks are counted, not latched, no
 * ACK is needed to tell that one was heard, and lost ACKs lose nothing as long as fewer than eight
 * marks lie between those that arrive; so the receiver acknowledges at the latest every other mark.
 *
 * An option counts octets by IP-ECN field, 24 bits each. It is sent when it tells something that
 * ACE does not, in what room the other options leave, until several in turn seem to have been lost.
 * While the peer's do not come and an ACK covers more segments than ACE can count, all of them may
 * have been marked, unless ACKs for many are the rule.
 *
 * What congestion control makes of marks is as with RFC 3168: one answer in a round trip. If the
 * handshake shows that the path falsifies ECN, no ECT is sent and no feedback heeded, but our own
 * feedback goes on: the other direction may be sound (3.2.2.3). If one of the SYNs or SYN,ACKs was
 * plain, no ECT is sent either, but what the peer tells is answered (3.1.5).
 */
#include "tcp/internal.h"

#define BEACONS    3 /* options in a round trip while octets are counted (3.2.3.3) */
#define MARKS_TEXT 2 /* marks that call for an ACK: with text (3.2.2.5.1) ... */
#define MARKS_BARE 3 /* ... and without, so that ACKs do not answer ACKs */
#define COUNT_MASK 0xffffffu
#define OPTION_MAX 12         /* octets, with padding */
#define TELL_AFTER (1u << 21) /* octets; each counter is told within 2^22 (3.2.3.3) */
#define LOST       3          /* options, after which they are given up (3.2.3.2.2) */
#define AVERAGE    16         /* ACKs */
#define STRETCHED  4          /* segments: ACKs that cover more come without any being lost */
#define ALL_CE     31         /* segments: it is known whether all come marked (3.2.2.3) */

/* where an IP-ECN field is counted; in the order of option 172: EE0B, ECEB, EE1B */
enum { COUNT_E0B, COUNT_CEB, COUNT_E1B };

static const uint8_t count_of[4] = {0, COUNT_E1B, COUNT_E0B, COUNT_CEB};

/* ACE in SYN,ACK and third ACK, by the IP-ECN field of what they answer (tables 2 and 3) */
static const uint8_t handshake_code[4] = {2, 3, 4, 6};

unsigned accecn_ace(uint16_t ctl)
{
    return (ctl & CTL_AE ? 4u : 0) | (ctl & CTL_CWR ? 2u : 0) | (ctl & CTL_ECE ? 1u : 0);
}

uint16_t accecn_flags(unsigned ace)
{
    return (uint16_t)((ace & 4 ? CTL_AE : 0) | (ace & 2 ? CTL_CWR : 0) | (ace & 1 ? CTL_ECE : 0));
}

enum ecn_offer accecn_offered(const struct tcp_env *e, uint16_t syn)
{
    unsigned ace = accecn_ace(syn);

    if (e->conf->tcp_ecn >= 3 && ace != 0 && ace != 3) /* unknown ones, too (3.1.3) */
        return ECN_OFFER_ACCURATE;
    /* CC-3168-8: both flags, or none */
    return e->conf->tcp_ecn != 0 && (ace & 3) == 3 ? ECN_OFFER_CLASSIC : ECN_OFFER_NONE;
}

uint16_t accecn_answer(unsigned ecn)
{
    return accecn_flags(handshake_code[ecn]);
}

void accecn_begin(struct tcb *t, unsigned ecn)
{
    struct accecn *x = &t->acc;

    x->on = true;
    x->r_cep = x->s_cep = ACCECN_CEP_INIT; /* CC-9768-2 */
    x->r_byte[COUNT_CEB] = x->s_byte[COUNT_CEB] = 0;
    x->r_byte[COUNT_E0B] = x->s_byte[COUNT_E0B] = 1;
    x->r_byte[COUNT_E1B] = x->s_byte[COUNT_E1B] = 1;
    x->opt_cep = ACCECN_CEP_INIT;
    x->syn_ecn = ecn & 3u;
    x->last_ecn = ecn & 3u;
    x->last_ce = ecn == 3;
    x->demand = 2; /* our first segments show whether the option gets through */
}

void accecn_syn_answered(struct tcb *t, const struct seg *s)
{
    unsigned ace = accecn_ace(s->ctl);
    bool plain = t->acc.no_ect; /* our SYN was sent again without */

    t->acc = (struct accecn){.no_ect = plain}; /* CC-9768-5 */
    t->ecn_ok = ace == 1;                      /* CC-9768-1: RFC 3168 is what it can do */
    if (ace <= 1 || ace == 7)                  /* nothing, or one that only reflects our flags */
        return;
    accecn_begin(t, s->ecn);
    t->acc.client = t->acc.third_ack = true;
    t->acc.syn_ce = s->ecn == 3; /* the SYN,ACK counts */
    t->acc.r_cep += t->acc.syn_ce;
    t->acc.opt_heard = s->opt.has & OPT_ACCECN;
    if (ace != handshake_code[0] && ace != 5) /* it left as Not-ECT (3.2.2.3) */
        t->acc.no_ect = t->acc.deaf = true;
}

void accecn_syn_crossed(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    enum ecn_offer offer =
        t->acc.on || t->ecn_ok ? accecn_offered(e, s->ctl) : ECN_OFFER_NONE; /* 3.1.2 */

    t->ecn_ok = offer == ECN_OFFER_CLASSIC;
    t->acc.on = false;
    t->acc.asked = accecn_offered(e, s->ctl) & ECN_OFFER_BOTH;
    if (offer == ECN_OFFER_ACCURATE)
        accecn_begin(t, s->ecn);
}

bool accecn_syn_again(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    unsigned ace = accecn_ace(s->ctl), setup = s->ctl & CTL_ACK ? 1 : 3;

    t->acc.no_ect |= t->acc.on ? ace == 0 : (ace & 3) != setup; /* else RFC 3168 6.1.1 */
    if (!(s->ctl & CTL_ACK)) {
        t->acc.syn_ecn = s->ecn & 3u; /* CC-9768-5: the latest is told */
        t->acc.asked |= accecn_offered(e, s->ctl) & ECN_OFFER_BOTH;
        return t->acc.asked != ECN_OFFER_BOTH;
    } /* of SYN,ACKs there cannot be two kinds: with the first the handshake is over */
    s->ctl &= (uint16_t) ~(CTL_AE | CTL_CWR | CTL_ECE); /* no counter (3.2.2), and no echo */
    if (t->acc.on)
        s->ctl |= accecn_flags(t->acc.s_cep & 7);
    return true;
}

void accecn_syn_ack_again(struct tcb *t, const struct seg *s)
{
    struct accecn *x = &t->acc;
    unsigned ace = accecn_ace(s->ctl);

    if (!x->client || (s->ctl & (CTL_SYN | CTL_ACK)) != (CTL_SYN | CTL_ACK) ||
        !seq_eq(s->seq, t->rcv.irs) || !seq_gt(s->ack, t->snd.iss) || seq_gt(s->ack, t->snd.nxt) ||
        ace <= 1 || ace == 7)
        return;
    x->syn_ecn = s->ecn & 3u; /* CC-9768-3, CC-9768-5: the latest is told, in the same code */
    x->third_ack = t->ack_now;
    x->r_cep += s->ecn == 3 && !x->syn_ce; /* CE of one, however many come (3.2.2.2) */
    x->syn_ce |= s->ecn == 3;
}

void accecn_third_ack(struct tcb *t, struct seg *s)
{
    unsigned ace = accecn_ace(s->ctl);

    t->acc.asked = 0; /* the handshake is over */
    t->acc.opt_heard |= s->opt.has & OPT_ACCECN;
    if (!t->acc.on || !seq_eq(s->ack, seq_add(t->snd.iss, 1)) || s->text_len != 0 ||
        (s->ctl & (CTL_SYN | CTL_FIN)) || (s->opt.has & OPT_SACK))
        return;
    /* CC-9768-3: table 4. Our SYN,ACK left as Not-ECT; 1, 5 and 7 say nothing else */
    t->acc.s_cep += ace == handshake_code[3];
    if (ace == 0 || ace == 3 || ace == 4 || ace == 6)
        t->acc.no_ect = t->acc.deaf = true;
    /* it was no counter: the next one is the first */
    s->ctl = (uint16_t)((s->ctl & ~(CTL_AE | CTL_CWR | CTL_ECE)) | accecn_flags(t->acc.s_cep & 7));
}

uint16_t accecn_syn_flags(struct tcb *t, const struct tcp_env *e)
{
    if (t->rec.timeouts < 2 || !e->conf->tcp_ecn_fallback) /* CC-9768-4: once more, then without */
        return CTL_AE | CTL_CWR | CTL_ECE;
    t->acc.no_ect = true;
    return 0;
}

void accecn_received(struct arrival *a)
{
    struct accecn *x = &a->t->acc;
    const struct seg *s = &a->s;

    if (s->ecn == 3) {
        x->r_cep += seg_on_wire(s);
        x->marks = min_u32(x->marks + seg_on_wire(s), 7) & 7;
    }
    if (s->ecn != 0 && s->text_len != 0 && !a->refuse_text) {
        x->r_byte[count_of[s->ecn]] += s->text_len;
        x->changed = (x->changed | 1u << count_of[s->ecn]) & 7;
    }
    /* CC-9768-7: the change is told at once, if text brings it; what came before may be bare */
    if (s->text_len != 0 && s->ecn == 3 && !x->last_ce)
        ack_at_once(a->t);
    x->last_ce = s->ecn == 3;
    if (s->text_len != 0 && x->opt_last && x->opt_lost < LOST && seq_eq(s->seq, a->t->rcv.nxt))
        x->opt_lost = 0;
    if (s->text_len != 0 && s->ecn != x->last_ecn) {
        x->demand = 2; /* the next shows which counter goes on */
        x->last_ecn = s->ecn & 3u;
    }
    if (x->marks >= (s->text_len != 0 ? MARKS_TEXT : MARKS_BARE)) /* CC-9768-7 */
        ack_at_once(a->t);
}

void accecn_duplicate(struct tcb *t)
{
    struct accecn *x = &t->acc;

    if (x->opt_last && x->opt_lost < LOST)
        x->opt_lost = (x->opt_lost + 1u) & 3;
    x->opt_last = false;
}

/* octets counted, in all */
static uint32_t octets(const struct accecn *x)
{
    return x->r_byte[COUNT_E0B] + x->r_byte[COUNT_CEB] + x->r_byte[COUNT_E1B];
}

void accecn_stamp(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    struct accecn *x = &t->acc;
    bool counter =
        !x->third_ack || s->text_len != 0 || (s->ctl & CTL_FIN) || (s->opt.has & OPT_SACK);

    s->ctl |= counter ? accecn_flags(x->r_cep & 7) : accecn_answer(x->syn_ecn);
    x->third_ack = false;
    x->marks = 0;
    x->opt_last = s->opt.has & OPT_ACCECN;
    if (!x->opt_last)
        return;
    x->demand = (x->demand - (x->demand > 0 ? 1u : 0)) & 3;
    x->changed = 0;
    x->opt_at = e->now;
    x->opt_octets = octets(x);
}

/* is it time to tell of octets that have come since the last option? */
static bool beacon_due(const struct tcb *t, const struct tcp_env *e)
{
    gn_time rtt = t->rec.rtt.srtt != 0 ? t->rec.rtt.srtt : GN_SEC;

    return octets(&t->acc) != t->acc.opt_octets && e->now - t->acc.opt_at >= rtt / BEACONS;
}

/* does the next segment take the option along? (tcp_ecn_option: never, when needed, also now and
 * then, always). That the peer's are not seen says nothing of the way there (3.2.3.2.3); that ours
 * are lost again and again does */
static bool option_due(const struct tcb *t, const struct tcp_env *e)
{
    const struct accecn *x = &t->acc;

    if (!x->on || e->conf->tcp_ecn_option == 0)
        return false;
    if (e->conf->tcp_ecn_option == 3)
        return true;
    if (x->opt_lost == LOST)
        return false;
    if (x->demand > 0)
        return true;
    return (x->changed & 1u << COUNT_CEB) || octets(x) - x->opt_octets >= TELL_AFTER ||
           (e->conf->tcp_ecn_option == 2 && beacon_due(t, e));
}

/* put the counters @byte into what room there is; @order as in the option's two kinds, where both
 * will do. What has @changed since the last option is in it, or there is none (3.2.3.3) */
static void put_option(struct tcpopt *o, const uint32_t byte[3], unsigned order, unsigned changed)
{
    const unsigned ends = 1u << COUNT_E0B | 1u << COUNT_E1B;
    uint32_t room = TCPOPT_MAX - tcpopt_len(o);

    if (room < 8 || (room < OPTION_MAX && (changed & ends) == ends))
        return;
    if (room < OPTION_MAX && (changed & ends))
        order = (changed & 1u << COUNT_E1B) != 0;
    o->has |= OPT_ACCECN;
    o->acc_order = order & 1;
    o->n_acc = room < OPTION_MAX ? 2 : 3;
    for (unsigned i = 0; i < 3; i++)
        o->acc[order ? 2 - i : i] = byte[i] & COUNT_MASK;
}

void accecn_option_syn(const struct tcp_env *e, struct tcpopt *o)
{
    static const uint32_t first[3] = {[COUNT_E0B] = 1, [COUNT_CEB] = 0, [COUNT_E1B] = 1};

    if (e->conf->tcp_ecn_option != 0)
        put_option(o, first, 0, 0);
}

/* the first text of a client has the option, too, for its ACK of the SYN,ACK may be lost; not what
 * would need a second segment for it. Sent again, it goes without (3.2.3.2.1) */
static bool tries_path(const struct tcb *t)
{
    uint32_t n = sndbuf_unsent(t);

    return t->acc.client && seq_eq(t->snd.nxt, seq_add(t->snd.iss, 1)) &&
           (n + OPTION_MAX <= t->rec.mss || n > t->rec.mss);
}

void accecn_option(const struct tcb *t, const struct tcp_env *e, struct tcpopt *o, bool bare)
{
    if (!bare && !tries_path(t) && e->conf->tcp_ecn_option != 3)
        return; /* text would be cut for it */
    /* CC-9768-8: what counts up now stands first, and so is there however little room is left */
    if (option_due(t, e))
        put_option(o, t->acc.r_byte, t->acc.last_ecn == 1, t->acc.changed);
}

uint32_t accecn_marks(uint32_t cep, unsigned ace, uint32_t packets, bool has_ceb, uint32_t ceb,
                      uint32_t mss)
{
    uint32_t d = (ace - cep) & 7;

    if (has_ceb) { /* appendix A.2.2: as many as the octets need */
        uint32_t least = ceb / mss + (ceb % mss != 0);

        return least > d ? d + ((least - d + 7) & ~7u) : d;
    }
    if (packets <= d) /* it cannot have gone round */
        return d;
    return packets - ((packets - d) & 7); /* appendix A.2.1: the safest likely case */
}

/* how many of the @n segments that an ACK covers may have been marked without a word of it coming
 * through, so that ACE may have gone round. Where the peer's options come, the next one will tell;
 * where ACKs for many are usual, none was lost */
static uint32_t untold(struct accecn *x, uint32_t n)
{
    uint32_t usual = x->acked;

    n = min_u32(n, UINT16_MAX / AVERAGE);
    if (n != 0)
        x->acked = (uint16_t)(usual == 0 ? n * AVERAGE : usual - usual / AVERAGE + n);
    if ((x->opt_heard && !x->opt_bad) || (usual == 0 ? n : usual / AVERAGE) > STRETCHED)
        return 0;
    return n;
}

/* the counters of an option; how far ECEB went */
static uint32_t take_option(struct accecn *x, const struct tcpopt *o)
{
    uint32_t ceb = 0;

    if (!x->heard) /* the first: a path that clears it (3.2.3.2) */
        for (unsigned i = 0; i < o->n_acc; i += 2)
            x->opt_bad |= o->acc[i] == 0;
    x->opt_heard = true;
    for (unsigned i = 0; i < o->n_acc && !x->opt_bad; i++) {
        unsigned at = o->acc_order ? 2 - i : i;
        uint32_t d = (o->acc[i] - x->s_byte[at]) & COUNT_MASK;

        if (d > COUNT_MASK / 2) /* goes back: of an older ACK */
            continue;
        x->s_byte[at] += d;
        ceb = at == COUNT_CEB ? d : ceb;
    }
    return ceb;
}

/* carries ECEB: all but the emptiest do */
static bool has_ceb(const struct accecn *x, const struct seg *s)
{
    return (s->opt.has & OPT_ACCECN) && s->opt.n_acc >= 2 && !x->opt_bad;
}

/* is it not superseded? Such ACKs tell old news (CC-9768-8). One that SACKs more than any before is
 * as young as one that acknowledges more */
static bool is_newer(struct tcb *t, const struct seg *s, const struct rec_ack *ra)
{
    return seq_gt(s->ack, t->snd.una) || (s->text_len != 0 && seq_eq(s->seq, t->rcv.nxt)) ||
           sack_is_news(&t->rec.sent, t->snd.una, t->snd.nxt, ra->sack, ra->n_sack);
}

/* of @n segments @marks were marked. Where the first ones all are, it is the path: congestion would
 * have let some through, the window being smaller in each of the four round trips that they take at
 * least. @counted: ACE cannot have gone round. CE tells nothing then (3.2.2.3) */
static void judge_path(struct accecn *x, uint32_t n, uint32_t marks, bool counted)
{
    if (n == 0 || x->all_ce == ALL_CE || (marks >= n && !counted))
        return;
    x->all_ce = min_u32(marks < n ? ALL_CE : x->all_ce + n, ALL_CE) & ALL_CE;
    if (marks >= n && x->all_ce == ALL_CE)
        x->no_ect = x->deaf = true;
}

bool accecn_told(struct tcb *t, const struct seg *s, const struct rec_ack *ra)
{
    struct accecn *x = &t->acc;
    unsigned ace = accecn_ace(s->ctl);
    uint32_t ceb = 0, told, marks, n;

    if ((s->ctl & CTL_SYN) || !is_newer(t, s, ra))
        return false;
    if (s->opt.has & OPT_ACCECN)
        ceb = take_option(x, &s->opt);
    if (!x->heard && ace == 0) /* a path that clears ACE (3.2.2.4) */
        x->no_ect = x->deaf = true;
    x->heard = true;
    if (x->deaf) /* CC-9768-3 */
        return false;
    told = x->s_cep - x->opt_cep; /* ACE was faster: the octets are of these, too */
    ceb = ceb / t->rec.mss < told ? 0 : ceb - told * t->rec.mss;
    n = recovery_segments(&t->rec, s->ack);
    marks = accecn_marks(x->s_cep, ace, untold(x, n), has_ceb(x, s), ceb, t->rec.mss);
    x->s_cep += marks;
    judge_path(x, n, marks, n < 8 || has_ceb(x, s));
    if (has_ceb(x, s))
        x->opt_cep = x->s_cep;
    return marks != 0;
}
