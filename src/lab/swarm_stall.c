/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_stall.c  A checker: no connection stands still for more than a second unless the
 * network, the reader, or a limit that was set is to blame.
 *
 * What that means, exactly. A connection is *silent* from the moment when nothing of it, and
 * nothing that belongs to none, such as ARP, is under way in the network, nothing of it was sent or
 * has arrived, and neither application has read or written anything. After SWARM_SILENCE of this,
 * what both ends say of themselves is looked at. An end *wants* something if octets, its SYN or its
 * FIN are not acknowledged or not sent. That is a stall, and wrong, unless
 *
 * - the network is to blame: it lost, spoilt or marked (ECN) a packet of this connection, or a
 *   mark is being echoed, or it lost a packet that belongs to none, such as ARP. Retransmission
 * timers, their back-off and persist timers may take their time then. The blame ends with the
 * acknowledgment of an octet that was sent after the loss (by Karn's rule the back-off may stay
 * until then, and RFC 3168 6.1.2 waits for a timer), or when nothing is wanted any more: what
 * stands still after that stands still by itself;
 * - a host had no link address for packets of any connection, held too many back or waited in vain
 *   (RFC 1122 2.3.2.2), or had a wrong one from a spoilt ARP message: they went to nobody;
 * - the peer, or this end, was frozen, and dropped what came: the same as if it had been lost.
 * While an end of it is frozen a connection may be silent for any time;
 * - the peer refused a segment because a queue of it was full, or (PAWS) because younger ones had
 *   overtaken it: the same as if it had been lost;
 * - the reader is to blame: all that was sent is acknowledged, and octets wait at the peer.
 *
 * And whoever does not read octets that have waited that long must mean to: otherwise it was not
 * told of them.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"
#include "base/seq.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

/** flow_way() - does @f speak from @src to @dst? 0: from end 0, 1: from end 1; 2: no */
static unsigned flow_way(const struct flow *f, const struct gn_endpoint *src,
                         const struct gn_endpoint *dst)
{
    for (unsigned k = 0; k < 2; k++) {
        const struct gn_endpoint *from = k ? &f->to : &f->from, *to = k ? &f->from : &f->to;

        if (from->port == src->port && to->port == dst->port &&
            gn_addr_eq(&from->addr, &src->addr) && gn_addr_eq(&to->addr, &dst->addr))
            return k;
    }
    return 2;
}

/** find_flow() - the latest between @a and @b; NULL: none */
static struct flow *find_flow(struct swarm *s, const struct gn_endpoint *a,
                              const struct gn_endpoint *b)
{
    for (unsigned i = s->n_flow; i-- > 0;) {
        struct flow *f = &s->flow[i];

        if (f->started && !f->refused && flow_way(f, a, b) < 2)
            return f;
    }
    return NULL;
}

/** tcp_header() - of a packet, which has its ports and flags at least; NULL: it is not TCP */
static const uint8_t *tcp_header(const struct swarm *s, const struct gn_frame *f)
{
    uint32_t off = s->ethernet ? ETH_HEADER : 0;
    const uint8_t *p = f->data + off;

    if (f->len >= off + 40 && p[0] == 0x45 && p[9] == 6)
        return p + 20;
    return f->len >= off + 60 && p[0] >> 4 == 6 && p[6] == 6 ? p + 40 : NULL;
}

/** flow_of_packet() - to which connection the one with TCP header @p belongs; NULL: none */
static struct flow *flow_of_packet(struct swarm *s, const struct gn_frame *frame, const uint8_t *p)
{
    const uint8_t *ip = frame->data + (s->ethernet ? ETH_HEADER : 0);
    struct gn_endpoint src = {.port = get16(p)}, dst = {.port = get16(p + 2)};

    if (ip[0] >> 4 == 4) {
        src.addr = ipv4_load(ip + 12);
        dst.addr = ipv4_load(ip + 16);
    } else {
        memcpy(src.addr.b, ip + 8, 16);
        memcpy(dst.addr.b, ip + 24, 16);
    }
    return find_flow(s, &src, &dst);
}

/** to_nobody() - a frame for a station that there is not */
static bool to_nobody(const struct swarm *s, const struct gn_frame *f)
{
    static const uint8_t ours[5] = {2}; /* and the number of the port, from 1 on */

    return s->ethernet && !(f->data[0] & 1) &&
           (memcmp(f->data, ours, sizeof(ours)) != 0 || f->data[5] - 1u >= s->n_host);
}

/** bad_news() - has the packet arrived spoilt, or nowhere, or does it tell of congestion? */
static bool bad_news(const struct swarm *s, const struct gn_tap *t, const uint8_t *tcp, bool marked)
{
    return t->kind == GN_TAP_DELIVERED && (t->corrupted || marked || to_nobody(s, t->frame) ||
                                           (tcp && (tcp[13] & (CTL_ECE | CTL_SYN)) == CTL_ECE));
}

/** trouble() - something went wrong with a packet of @f; NULL: with one that any may wait for */
static void trouble(struct swarm *s, struct flow *f)
{
    s->troubled = true;
    if (!f)
        s->stray = gn_simloop_now(s->loop);
    for (unsigned i = 0; i < s->n_flow; i++)
        if (!f || f == &s->flow[i])
            s->flow[i].troubled = true;
}

/** stray() - a packet of no connection has left or arrived: any may wait for it */
static void stray(struct swarm *s, const struct gn_tap *t)
{
    s->strays += t->kind == GN_TAP_SENT ? 1 : -1;
    for (unsigned i = 0; i < s->n_flow; i++)
        if (s->flow[i].started)
            stall_touch(&s->flow[i], t->at);
}

void stall_packet(struct swarm *s, const struct gn_tap *t, bool marked)
{
    uint8_t *carrier = &s->carrier[t->id % SWARM_CARRIERS];
    const uint8_t *tcp = tcp_header(s, t->frame);
    struct flow *f;

    if (t->duplicate) /* one of the two copies is accounted */
        return;
    if (t->kind == GN_TAP_SENT) {
        f = tcp ? flow_of_packet(s, t->frame, tcp) : NULL;
        *carrier = f ? (uint8_t)(f - s->flow + 1) : 0;
    }
    f = *carrier ? &s->flow[*carrier - 1] : NULL;
    if (t->kind == GN_TAP_LOST || bad_news(s, t, tcp, marked))
        trouble(s, f);
    if (!f) {
        stray(s, t);
        return;
    }
    if (t->kind == GN_TAP_SENT)
        f->under_way++;
    else
        f->under_way--;
    stall_touch(f, t->at);
}

/** like_a_loss() - is a segment that was not used for this reason as good as lost? */
static bool like_a_loss(enum gn_drop d)
{
    switch ((unsigned)d) {
    case GN_DROP_SYN_QUEUE_FULL:
    case GN_DROP_ACCEPT_QUEUE_FULL:
    case GN_DROP_OUT_OF_ORDER_LIMIT:
    case GN_DROP_FROZEN:
    case GN_DROP_PAWS: return true;
    default: return false;
    }
}

void stall_drop(struct swarm *s, const struct gn_trace *t)
{
    struct flow *f = like_a_loss(t->drop) ? find_flow(s, &t->local, &t->remote) : NULL;

    if (f)
        trouble(s, f);
}

/** unresolved() - packets that hosts have dropped for want of a link address */
static uint64_t unresolved(const struct swarm *s)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->n_host; i++) {
        struct gn_stats st;

        gn_host_stats(s->host[i].h, &st);
        n += st.drop[GN_DROP_NEIGH_UNRESOLVED];
    }
    return n;
}

void stall_open(struct swarm *s, struct flow *f, gn_time now)
{
    stall_touch(f, now);
    f->unresolved = unresolved(s);
    if (s->stray + SWARM_SILENCE > now)
        trouble(s, f);
}

void stall_touch(struct flow *f, gn_time now)
{
    f->active = now;
    f->looked = false;
}

/** end_status() - what the host of @e says of its connection, orphans included; false: nothing */
static bool end_status(const struct swarm *s, const struct end *e, struct gn_status *ret)
{
    const struct flow *f = e->flow;
    const struct gn_host *h = s->host[e->host].h;
    gn_time now = gn_simloop_now(s->loop);
    bool opener = e == &f->end[0];
    uint64_t cursor = 0;

    while (gn_host_walk(h, &cursor, now, ret))
        if (ret->kind == GN_KIND_CONNECTION && ret->state != GN_CLOSED &&
            flow_way(f, &ret->local, &ret->remote) == !opener &&
            (opener ? ret->snd.iss : ret->rcv.irs) == f->iss)
            return true;
    return false;
}

/** wants() - has the end with this status something to say that its peer has not acknowledged? */
static bool wants(const struct gn_status *st)
{
    return st->snd.una != st->snd.nxt || st->not_sent > 0;
}

/** may_be_held() - what the end with this status says next may be late: something was lost, or the
 * window does not open, or congestion was told of at a window of one segment */
static bool may_be_held(const struct gn_status *st)
{
    return wants(st) || st->snd.wnd == 0 || st->cwnd <= st->mss;
}

void stall_blame(struct swarm *s)
{
    if (!s->troubled)
        return;
    s->troubled = false;
    for (unsigned i = 0; i < s->n_flow; i++) {
        struct flow *f = &s->flow[i];

        if (f->moving) /* an end may be nowhere: when it is there */
            continue;
        for (unsigned k = 0; f->troubled && k < 2; k++) {
            struct end *e = &f->end[k];
            struct gn_status st;

            e->blamed = end_status(s, e, &st) && may_be_held(&st);
            if (e->blamed)
                e->blamed_to = st.snd.nxt + 1;
        }
        f->troubled = false;
    }
}

/** blame_over() - has something been acknowledged that was sent since the network did wrong? */
static bool blame_over(const struct end *e, const struct gn_status *st)
{
    return !wants(st) || seq_le(seq(e->blamed_to), seq(st->snd.una));
}

/** judge() - @e, after a long silence of its connection; @p: of its peer, NULL: that has none */
static void judge(struct swarm *s, const struct end *e, const struct gn_status *st,
                  const struct gn_status *p)
{
    const struct flow *f = e->flow;
    unsigned number = (unsigned)(f - s->flow), k = e != f->end;

    if (st->recv_q > 0 && e->state == END_OPEN && !e->eof && e->next_read == 0)
        swarm_wrong(s, "flow %u end %u is not told of %u octets that wait for it", number, k,
                    st->recv_q);
    if (!wants(st) || (p && p->recv_q > 0 && st->snd.una == st->snd.nxt))
        return;
    swarm_wrong(s,
                "flow %u (%s) end %u stalls in %s though nothing was lost: %u octets not "
                "acknowledged, %u not sent, window %u, cwnd %u; its peer is in %s",
                number, f->kind, k, gn_state_name(st->state), st->snd.nxt - st->snd.una,
                st->not_sent, st->snd.wnd, st->cwnd, p ? gn_state_name(p->state) : "no state");
}

/** look() - at @f, which has been silent for long */
static void look(struct swarm *s, struct flow *f)
{
    struct gn_status st[2];
    uint64_t dropped = unresolved(s);
    bool there[2], blamed = dropped != f->unresolved;

    f->looked = true;
    f->unresolved = dropped;
    for (unsigned k = 0; k < 2; k++) {
        there[k] = end_status(s, &f->end[k], &st[k]);
        if (!there[k] || blame_over(&f->end[k], &st[k]))
            f->end[k].blamed = false;
        blamed |= f->end[k].blamed;
    }
    s->result->silences++;
    s->result->blamed += blamed;
    for (unsigned k = 0; k < 2 && !blamed; k++)
        if (there[k])
            judge(s, &f->end[k], &st[k], there[1 - k] ? &st[1 - k] : NULL);
}

/** silent() - may @f have become silent? */
static bool silent(const struct flow *f)
{
    return f->started && !f->refused && !f->looked && f->under_way == 0 && !f->moving;
}

void stall_check(struct swarm *s, gn_time now)
{
    if (s->strays > 0)
        return;
    for (unsigned i = 0; i < s->n_flow; i++)
        if (silent(&s->flow[i]) && s->flow[i].active + SWARM_SILENCE <= now)
            look(s, &s->flow[i]);
}

gn_time stall_next(const struct swarm *s)
{
    gn_time next = GN_FOREVER;

    if (s->strays > 0) /* its arrival will ask again */
        return next;
    for (unsigned i = 0; i < s->n_flow; i++)
        if (silent(&s->flow[i]))
            next = min_u64(next, s->flow[i].active + SWARM_SILENCE);
    return next;
}
