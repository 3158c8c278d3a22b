/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive.c  The passive observer: its table of connections, and a packet's way through it.
 *
 * Theory of operation. passive_read.c makes a sighting of a packet. Here its connection is found or
 * made. passive_sent.c then takes the octets into the log of their sender and judges whether they
 * are new, sent again (and why) or out of order, and lets the ACK field shorten the log of the
 * other end; passive_fsm.c draws the conclusions for both ends' states; passive_reset.c says what
 * made a RST; passive_row.c sums up when a connection is given up.
 */
#include "explain/passive_parts.h"

/** same_end() - address and port */
static bool same_end(const struct gn_endpoint *a, const struct gn_endpoint *b)
{
    return a->port == b->port && memcmp(a->addr.b, b->addr.b, sizeof a->addr.b) == 0;
}

/** bucket_of() - the same for both directions */
static uint32_t bucket_of(const struct passive *p, const struct gn_endpoint *a,
                          const struct gn_endpoint *b)
{
    uint8_t key[36];
    int order = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);

    if (order > 0 || (order == 0 && a->port > b->port)) {
        const struct gn_endpoint *t = a;
        a = b;
        b = t;
    }
    memcpy(key, a->addr.b, 16);
    memcpy(key + 16, b->addr.b, 16);
    put16(key + 32, a->port);
    put16(key + 34, b->port);
    return (uint32_t)siphash13(&p->key, key, sizeof key) & p->mask;
}

/** flow_at() - of a bucket's or chain's entry, NULL: its end */
static struct flow *flow_at(const struct passive *p, uint32_t entry)
{
    return entry ? pool_at(&p->flows, entry - 1) : NULL;
}

/** find() - the connection between these ends; *ret_end: which of them is @a */
static struct flow *find(const struct passive *p, const struct gn_endpoint *a,
                         const struct gn_endpoint *b, unsigned *ret_end)
{
    struct flow *f = flow_at(p, p->table[bucket_of(p, a, b)]);

    for (; f != NULL; f = flow_at(p, f->chain)) {
        for (unsigned i = 0; i < 2; i++) {
            if (same_end(&f->conn.end[i], a) && same_end(&f->conn.end[i ^ 1u], b)) {
                *ret_end = i;
                return f;
            }
        }
    }
    return NULL;
}

/** unchain() - out of the table */
static void unchain(struct passive *p, struct flow *f)
{
    uint32_t *at = &p->table[f->bucket];

    while (*at != f->index + 1)
        at = &flow_at(p, *at)->chain;
    *at = f->chain;
}

/** give_up() - tell of a connection and forget it */
static void give_up(struct passive *p, struct flow *f)
{
    row_finish(f, p->now);
    if (p->c.done)
        p->c.done(p->c.ctx, &f->conn);
    sent_free(p, &f->end[0]);
    sent_free(p, &f->end[1]);
    list_remove(&f->link);
    unchain(p, f);
    pool_free(&p->flows, f, f->index);
}

/** push_out() - room by giving up what is over, or was silent for longest; false: there is none */
static bool push_out(struct passive *p)
{
    struct list *from = list_empty(&p->over) ? &p->live : &p->over;

    if (list_empty(from))
        return false;
    p->stats.pushed_out++;
    give_up(p, LIST_ENTRY(from->next, struct flow, link));
    return true;
}

/** make() - a connection whose first segment is @s; NULL: no memory */
static struct flow *make(struct passive *p, const struct sighting *s)
{
    uint32_t index;
    struct flow *f;

    while ((f = pool_alloc(&p->flows, &index)) == NULL)
        if (!push_out(p))
            return NULL;
    memset(f, 0, sizeof *f);
    f->index = index;
    f->bucket = bucket_of(p, &s->src, &s->dst);
    f->chain = p->table[f->bucket];
    p->table[f->bucket] = index + 1;
    list_append(&p->live, &f->link);
    f->conn.number = ++p->stats.conns;
    f->conn.first = f->conn.last = s->at;
    f->conn.near = f->conn.seen.opener = PASSIVE_NOBODY;
    f->conn.seen.rst_by = PASSIVE_NOBODY;
    /* a SYN,ACK shows who opened: the other one */
    bool answer = (s->seg.ctl & (CTL_SYN | CTL_ACK)) == (CTL_SYN | CTL_ACK);
    f->conn.end[answer] = s->src;
    f->conn.end[!answer] = s->dst;
    return f;
}

/** opens_anew() - does a SYN of end @e begin another connection between the same endpoints? */
static bool opens_anew(const struct flow *f, unsigned e, const struct sighting *s)
{
    const struct watched *w = &f->end[e];

    if ((s->seg.ctl & (CTL_SYN | CTL_ACK | CTL_RST)) != CTL_SYN)
        return false;
    if (w->has_iss && seq_eq(w->iss, s->seg.seq))
        return false;
    /* it knows nothing of the other one any more, or had no answer, or the other end has finished
     */
    return fsm_over(f) || !f->conn.side[e ^ 1u].heard ||
           (f->conn.side[e].known && f->conn.side[e].state == GN_CLOSED) ||
           f->conn.side[e ^ 1u].state == GN_TIME_WAIT;
}

/** stray() - is the segment so far from what its end sent that it cannot belong there? */
static bool stray(const struct flow *f, unsigned e, const struct sighting *s)
{
    const struct watched *w = &f->end[e], *o = &f->end[e ^ 1u];
    int32_t ahead = seq_diff(s->seg.seq, w->nxt), acks = seq_diff(s->seg.ack, o->nxt);
    uint16_t ctl = s->seg.ctl;

    if (ctl & CTL_SYN)
        return w->has_iss && !seq_eq(w->iss, s->seg.seq);
    if (w->has_nxt && (ahead > PASSIVE_FAR || ahead < -PASSIVE_FAR))
        return true;
    return ctl & CTL_ACK && !(ctl & CTL_RST) && o->has_nxt &&
           (acks > PASSIVE_FAR || acks < -PASSIVE_FAR);
}

/** tell() - the event of a segment */
static void tell(const struct passive *p, const struct flow *f, unsigned e,
                 const struct sighting *s, uint32_t marks)
{
    struct passive_event ev = {.conn = &f->conn,
                               .packet = s->packet,
                               .at = s->at,
                               .from = (uint8_t)e,
                               .icmp = s->icmp,
                               .acks = (s->seg.ctl & (CTL_ACK | CTL_RST)) == CTL_ACK,
                               .icmp_type = s->icmp_type,
                               .icmp_code = s->icmp_code,
                               .ctl = s->seg.ctl,
                               .seq = s->seg.seq.raw,
                               .ack = s->seg.ack.raw,
                               .len = s->seg.text_len,
                               .wnd = f->end[e].wnd,
                               .marks = marks};

    if (s->seg.opt.has & OPT_SACK)
        ev.n_sack = s->seg.opt.n_sack;
    for (unsigned i = 0; i < ev.n_sack; i++) {
        ev.sack[i][0] = s->seg.opt.sack[i].l;
        ev.sack[i][1] = s->seg.opt.sack[i].r;
    }
    p->c.event(p->c.ctx, &ev);
}

/** touch() - least recently seen goes first, those that are over before the others */
static void touch(struct passive *p, struct flow *f)
{
    list_remove(&f->link);
    list_append(fsm_over(f) ? &p->over : &p->live, &f->link);
}

/** segment() - a TCP segment, to its connection */
static void segment(struct passive *p, const struct sighting *s)
{
    unsigned e = 0;
    struct flow *f = find(p, &s->src, &s->dst, &e);
    bool reused = f != NULL && opens_anew(f, e, s);
    uint32_t marks;

    if (reused) {
        fsm_time(f, s->at);
        give_up(p, f);
        f = NULL;
    }
    if (f == NULL) {
        f = make(p, s);
        if (f == NULL) {
            p->stats.no_memory++;
            return;
        }
        e = !same_end(&f->conn.end[0], &s->src);
        f->conn.remarks |= reused ? PASSIVE_R_REUSED : 0;
    }
    f->conn.packets++;
    f->conn.last = s->at > f->conn.last ? s->at : f->conn.last;
    if (stray(f, e, s)) {
        p->stats.strays++;
        f->conn.remarks |= PASSIVE_R_STRAYS;
        marks = PASSIVE_STRAY;
        if (s->seg.ctl & (CTL_SYN | CTL_RST)) {
            f->end[e].odd_at = s->at;
            fsm_remember(f, e, s);
        }
    } else {
        marks = sent_text(p, f, e, s);
        marks |= sent_acked(p, f, e, s);
        marks |= s->seg.ctl & CTL_RST ? reset_segment(f, e, s) : reset_challenge(f, e, s);
        fsm_segment(f, e, s, marks);
        touch(p, f);
    }
    if (p->c.event)
        tell(p, f, e, s, marks);
}

/** icmp() - an error about a segment that has passed */
static void icmp(struct passive *p, const struct sighting *s)
{
    unsigned e;
    struct flow *f = find(p, &s->src, &s->dst, &e);

    if (f == NULL)
        return;
    fsm_icmp(f, e, s);
    if (p->c.event)
        tell(p, f, e, s, 0);
}

/** pass_time() - to the time of a packet; its number */
static uint64_t pass_time(struct passive *p, gn_time at)
{
    p->stats.backwards += at < p->now;
    p->now = max_u64(p->now, at);
    return ++p->stats.packets;
}

void passive_feed(struct passive *p, gn_time at, const uint8_t *ip, uint32_t captured,
                  uint32_t length)
{
    struct sighting s = {.at = at, .packet = pass_time(p, at)};
    bool cut;

    switch (passive_read(ip, captured, length, &s, &cut)) {
    case READ_TCP:
        p->stats.tcp++;
        p->stats.cut += cut;
        segment(p, &s);
        break;
    case READ_ICMP: icmp(p, &s); break;
    case READ_OTHER: p->stats.other++; break;
    case READ_FRAGMENT: p->stats.fragments++; break;
    case READ_MALFORMED: p->stats.malformed++; break;
    }
}

void passive_skip(struct passive *p, gn_time at)
{
    (void)pass_time(p, at);
    p->stats.other++;
}

void passive_wait(struct passive *p, gn_time at)
{
    p->now = max_u64(p->now, at);
}

struct passive *passive_new(const struct passive_config *c)
{
    struct mem m;
    struct passive *p;
    uint32_t buckets = 16;

    while (buckets < c->max_conns && buckets < 1u << 24)
        buckets *= 2;
    mem_init(&m, c->pages, c->budget);
    p = mem_alloc(&m, sizeof *p);
    if (p == NULL) {
        mem_fini(&m);
        return NULL;
    }
    *p = (struct passive){.c = *c, .mem = m, .mask = buckets - 1};
    memcpy(p->key.k, c->secret, sizeof p->key.k);
    list_init(&p->live);
    list_init(&p->over);
    pool_init(&p->flows, &p->mem, sizeof(struct flow), min_u32(c->max_conns, 1u << 24));
    p->table = mem_alloc(&p->mem, buckets * sizeof *p->table);
    if (p->table == NULL) {
        passive_free(p);
        return NULL;
    }
    memset(p->table, 0, buckets * sizeof *p->table);
    return p;
}

void passive_free(struct passive *p)
{
    if (p == NULL)
        return;
    struct mem m = p->mem; /* it holds the observer itself */
    mem_fini(&m);
}

void passive_end(struct passive *p)
{
    while (!list_empty(&p->over))
        give_up(p, LIST_ENTRY(p->over.next, struct flow, link));
    while (!list_empty(&p->live))
        give_up(p, LIST_ENTRY(p->live.next, struct flow, link));
}

const struct passive_stats *passive_stats(const struct passive *p)
{
    return &p->stats;
}

gn_time passive_now(const struct passive *p)
{
    return p->now;
}
