/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reass.c  Reassembly of fragments.
 *
 * Theory of operation: a packet in the making owns one buffer, doubled as offsets grow, into which
 * fragments are copied where they belong, and a sorted array of the fragments seen. Honest senders
 * never overlap: the first overlap kills the packet (RFC 5722, RFC 8900), and what is left of it is
 * a tombstone that swallows its other fragments until its time is over. The end may be told only
 * once, and nothing may lie beyond it.
 *
 * Everything is bounded: the number of packets, of fragments in each, the octets of all buffers.
 * When a bound is met, the oldest packet goes: a flood of forged fragments then costs honest
 * packets the time they wait, instead of locking them out for 30 seconds.
 */
#include "ip/reass.h"

#include "base/assert.h"
#include "base/bits.h"

#include <string.h>

#define IP_CE 3 /* ECN codepoint: congestion experienced */

struct piece {
    uint16_t a, b; /* octets [a, b) */
};

struct reass_packet {
    struct reass_packet *chain;       /* next of the same hash chain */
    struct reass_packet *next, *prev; /* of the same family, by age */
    struct reass_key key;
    struct reass_info info; /* of the first fragment, once @first_len is not 0 */
    gn_time until;
    uint8_t *buf; /* REASS_HEAD octets, then the payload; NULL in a tombstone */
    uint32_t cap;
    uint32_t end;  /* length of the payload; 0: not yet told */
    uint32_t have; /* octets that have come */
    uint16_t first_len;
    uint16_t n;
    uint8_t ecn_seen;                /* 1 << codepoint of every fragment */
    struct piece piece[REASS_FRAGS]; /* sorted, disjoint */
};

void reass_init(struct reass *r, const struct siphash_key *key)
{
    memset(r, 0, sizeof *r);
    r->key = *key;
}

/* where the chain of a key begins */
static struct reass_packet **chain_of(struct reass *r, const struct reass_key *k)
{
    return &r->hash[siphash13(&r->key, k, sizeof *k) % REASS_HASH];
}

/* the queue of a key's family */
static struct reass_queue *queue_of(struct reass *r, const struct reass_key *k)
{
    return &r->queue[k->v4 ? 1 : 0];
}

/* take a packet out of hash and queue; its memory stays */
static void detach(struct reass *r, struct reass_packet *p)
{
    struct reass_queue *q = queue_of(r, &p->key);
    struct reass_packet **at = chain_of(r, &p->key);

    while (*at != p)
        at = &(*at)->chain;
    *at = p->chain;
    *(p->prev ? &p->prev->next : &q->head) = p->next;
    *(p->next ? &p->next->prev : &q->tail) = p->prev;
    r->n--;
}

/* free the buffer */
static void drop_buf(struct reass *r, struct mem *m, struct reass_packet *p)
{
    if (p->buf)
        mem_free(m, p->buf, p->cap);
    p->buf = NULL;
    r->bytes -= p->cap;
    p->cap = 0;
}

/* free a detached packet */
static void packet_free(struct reass *r, struct mem *m, struct reass_packet *p)
{
    drop_buf(r, m, p);
    mem_free(m, p, sizeof *p);
}

void reass_release(struct reass *r, struct mem *m)
{
    if (r->done)
        packet_free(r, m, r->done);
    r->done = NULL;
}

void reass_fini(struct reass *r, struct mem *m)
{
    reass_release(r, m);
    for (unsigned i = 0; i < 2; i++)
        while (r->queue[i].head) {
            struct reass_packet *p = r->queue[i].head;

            detach(r, p);
            packet_free(r, m, p);
        }
}

/* drop the packet that has waited longest, but never @spare: one alone is within all bounds */
static void evict(struct reass *r, struct mem *m, const struct reass_packet *spare)
{
    struct reass_packet *oldest = NULL;

    for (unsigned i = 0; i < 2; i++) {
        struct reass_packet *p = r->queue[i].head;
        gn_time life = i ? REASS_TIME_V4 : REASS_TIME_V6;

        if (p && p == spare)
            p = p->next;
        if (p && (!oldest || p->until - life < oldest->until - REASS_TIME_V6))
            oldest = p;
    }
    ASSERT(oldest);
    detach(r, oldest);
    packet_free(r, m, oldest);
}

/* the packet of a key, made if there is none yet; NULL: out of memory */
static struct reass_packet *find_or_new(struct reass *r, struct mem *m, gn_time now,
                                        const struct reass_key *k)
{
    struct reass_packet *p, **chain = chain_of(r, k);
    struct reass_queue *q = queue_of(r, k);

    for (p = *chain; p; p = p->chain)
        if (memcmp(&p->key, k, sizeof *k) == 0)
            return p;
    if (r->n == REASS_MAX)
        evict(r, m, NULL);
    p = mem_alloc(m, sizeof *p);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->key = *k;
    p->until = now + (k->v4 ? REASS_TIME_V4 : REASS_TIME_V6);
    p->chain = *chain;
    *chain = p;
    p->prev = q->tail;
    *(q->tail ? &q->tail->next : &q->head) = p;
    q->tail = p;
    r->n++;
    return p;
}

/* give a packet up, but remember its name */
static enum gn_drop bury(struct reass *r, struct mem *m, struct reass_packet *p, enum gn_drop why)
{
    drop_buf(r, m, p);
    p->first_len = 0;
    p->n = REASS_FRAGS + 1;
    return why;
}

/* room for @end octets of payload: GN_DROP_NONE or _NO_MEMORY */
static enum gn_drop grow(struct reass *r, struct mem *m, struct reass_packet *p, uint32_t end)
{
    uint32_t cap = (uint32_t)mem_size(REASS_HEAD + end);
    uint8_t *buf;

    if (cap <= p->cap)
        return GN_DROP_NONE;
    while (r->bytes - p->cap + cap > REASS_BYTES)
        evict(r, m, p);
    buf = mem_alloc(m, cap);
    if (!buf)
        return GN_DROP_NO_MEMORY;
    if (p->buf) {
        memcpy(buf, p->buf, p->cap);
        mem_free(m, p->buf, p->cap);
    }
    r->bytes += cap - p->cap;
    p->buf = buf;
    p->cap = cap;
    return GN_DROP_NONE;
}

/* index of the first piece that ends behind @a: where [a, b) belongs, or what it collides with */
static unsigned find_place(const struct reass_packet *p, uint32_t a)
{
    unsigned lo = 0, hi = p->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (p->piece[mid].b > a)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* does the fragment agree with what is known about the packet's end? */
static bool end_agrees(const struct reass_packet *p, const struct reass_frag *f)
{
    uint32_t b = f->off + f->len, last = p->n ? p->piece[p->n - 1].b : 0;

    if (p->end)
        return f->more ? b < p->end : b == p->end;
    return f->more || b >= last;
}

/*
 * The ECN codepoint of the whole (RFC 3168 5.3): CE if any fragment had it, else the first one's.
 * Not-ECT mixed with CE is nothing that an honest path makes: false.
 */
static bool join_ecn(struct reass_packet *p)
{
    if (!(p->ecn_seen & 1 << IP_CE))
        return true;
    p->info.tos |= IP_CE;
    return !(p->ecn_seen & 1);
}

/* copy the fragment's octets to their place and note it as piece number @at */
static void put(struct reass_packet *p, const struct reass_frag *f, unsigned at)
{
    uint8_t *to = p->buf + REASS_HEAD + f->off;

    for (unsigned i = 0; i < f->n_part; i++) {
        memcpy(to, f->part[i].ptr, f->part[i].len);
        to += f->part[i].len;
    }
    memmove(&p->piece[at + 1], &p->piece[at], (p->n - at) * sizeof p->piece[0]);
    p->piece[at] = (struct piece){(uint16_t)f->off, (uint16_t)(f->off + f->len)};
    p->n++;
    p->have += f->len;
    p->ecn_seen |= (uint8_t)(1 << (f->info.tos & 3));
    if (!f->more)
        p->end = f->off + f->len;
    if (f->off == 0) {
        p->info = f->info;
        p->first_len = (uint16_t)f->len;
    }
}

/* hand a detached packet out, @len octets of it */
static void hand_out(struct reass *r, struct reass_packet *p, uint32_t len, struct reass_whole *ret)
{
    r->done = p;
    *ret = (struct reass_whole){
        .payload = len ? p->buf + REASS_HEAD : NULL, .len = len, .key = p->key, .info = p->info};
}

enum gn_drop reass_add(struct reass *r, struct mem *m, gn_time now, const struct reass_frag *f,
                       struct reass_whole *ret)
{
    struct reass_packet *p;
    enum gn_drop drop;
    unsigned at;

    ASSERT(f->len > 0 && f->off + f->len <= UINT16_MAX);
    reass_release(r, m);
    *ret = (struct reass_whole){0};
    p = find_or_new(r, m, now, &f->key);
    if (!p)
        return GN_DROP_NO_MEMORY;
    if (p->n > REASS_FRAGS)
        return GN_DROP_FRAG_OVERLAP;
    at = find_place(p, f->off);
    if (at < p->n && p->piece[at].a < f->off + f->len) {
        if (p->piece[at].a == f->off && p->piece[at].b == f->off + f->len)
            return GN_DROP_NONE; /* exact duplicate: RFC 8200 4.5 lets us ignore it */
        return bury(r, m, p, GN_DROP_FRAG_OVERLAP);
    }
    if (!end_agrees(p, f))
        return bury(r, m, p, GN_DROP_FRAG_BAD);
    if (p->n == REASS_FRAGS)
        return bury(r, m, p, GN_DROP_FRAG_LIMIT);
    drop = grow(r, m, p, f->off + f->len);
    if (drop != GN_DROP_NONE)
        return drop;
    put(p, f, at);
    if (!p->end || p->have < p->end)
        return GN_DROP_NONE;
    if (!join_ecn(p))
        return bury(r, m, p, GN_DROP_FRAG_BAD);
    detach(r, p);
    hand_out(r, p, p->end, ret);
    return GN_DROP_NONE;
}

bool reass_expire(struct reass *r, struct mem *m, gn_time now, struct reass_whole *ret)
{
    reass_release(r, m);
    for (unsigned i = 0; i < 2; i++) {
        struct reass_packet *p = r->queue[i].head;

        if (p && deadline_due(deadline_at(p->until), now)) {
            detach(r, p);
            hand_out(r, p, p->first_len, ret);
            return true;
        }
    }
    return false;
}

deadline_t reass_deadline(const struct reass *r)
{
    deadline_t d = deadline_none();

    for (unsigned i = 0; i < 2; i++)
        if (r->queue[i].head)
            d = deadline_min(d, deadline_at(r->queue[i].head->until));
    return d;
}
