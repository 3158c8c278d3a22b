/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file neigh.c  The neighbour cache.
 *
 * Theory of operation: one state machine (RFC 4861 sec. 7.3.2 and appendix C) serves IPv4 and IPv6;
 * ARP is Neighbour Discovery with other packets. An ARP reply sent to us counts as a solicited
 * advertisement with the override flag, an ARP request as the solicitation of its sender.
 *
 * Time costs nothing while nobody is asked: REACHABLE turns STALE when somebody looks after its
 * time, and the two kinds of real timers have one duration each, so that appending keeps their
 * queues in order and the next deadline is the earlier of two heads.
 *
 * Memory is bounded, and strangers cannot push out those we talk to: an entry that has answered a
 * solicitation of ours is PROVEN; all others (asked about, or heard of only) are STRANGERs and make
 * room among themselves once they are more than NEIGH_UNPROVEN. The proven ones go by second
 * chance: the oldest that no packet was sent to since it was last looked at.
 */
#include "ip/neigh.h"

#include "base/assert.h"
#include "base/bits.h"

#include <string.h>

#define IFACE_FREE UINT8_MAX /* iface of an unused entry: equals no interface */
#define CHANCES    8         /* used entries passed over by one eviction */

/* --- queues of entries, linked by index --- */

/* a queue's link inside an entry */
static struct neigh_link *link_of(struct neigh *n, bool timer)
{
    return timer ? &n->by_timer : &n->by_class;
}

/* append entry @i to @q */
static void queue_append(struct neigh_cache *c, struct neigh_queue *q, uint16_t i, bool timer)
{
    *link_of(&c->t->e[i], timer) = (struct neigh_link){NEIGH_NONE, q->tail};
    if (q->n)
        link_of(&c->t->e[q->tail], timer)->next = i;
    else
        q->head = i;
    q->tail = i;
    q->n++;
}

/* take entry @i out of @q */
static void queue_remove(struct neigh_cache *c, struct neigh_queue *q, uint16_t i, bool timer)
{
    struct neigh_link l = *link_of(&c->t->e[i], timer);

    if (l.prev == NEIGH_NONE)
        q->head = l.next;
    else
        link_of(&c->t->e[l.prev], timer)->next = l.next;
    if (l.next == NEIGH_NONE)
        q->tail = l.prev;
    else
        link_of(&c->t->e[l.next], timer)->prev = l.prev;
    q->n--;
}

static uint16_t index_of(const struct neigh_cache *c, const struct neigh *n)
{
    return (uint16_t)(n - c->t->e);
}

/* put an entry into the other class, or at the end of its own */
static void set_class(struct neigh_cache *c, struct neigh *n, enum neigh_class to)
{
    queue_remove(c, &c->class[n->class], index_of(c, n), false);
    n->class = (uint8_t)to;
    queue_append(c, &c->class[to], index_of(c, n), false);
}

static void timer_stop(struct neigh_cache *c, struct neigh *n)
{
    if (n->timer != NEIGH_TIMERS)
        queue_remove(c, &c->timer[n->timer], index_of(c, n), true);
    n->timer = NEIGH_TIMERS;
}

static void timer_start(struct neigh_cache *c, struct neigh *n, gn_time now, enum neigh_timer which)
{
    timer_stop(c, n);
    n->timer = (uint8_t)which;
    n->until = now + (which == NEIGH_TIMER_RETRANS ? NEIGH_RETRANS_TIME : NEIGH_DELAY_TIME);
    queue_append(c, &c->timer[which], index_of(c, n), true);
}

/* --- held packets --- */

/* drop the packet that has waited longest for @n */
static void drop_oldest(struct neigh_cache *c, struct mem *m, struct neigh *n)
{
    own_free(m, neigh_take(c, n));
    c->n_dropped++;
}

static void drop_held(struct neigh_cache *c, struct mem *m, struct neigh *n)
{
    while (n->held.n)
        drop_oldest(c, m, n);
}

struct ip_own *neigh_take(struct neigh_cache *c, struct neigh *n)
{
    struct ip_own *o = own_pop(&n->held);

    if (o) {
        c->n_held--;
        c->held_bytes -= o->len;
    }
    return o;
}

void neigh_hold(struct neigh_cache *c, struct mem *m, struct neigh *n, struct ip_own *o)
{
    ASSERT(n->state == NEIGH_INCOMPLETE);
    while (n->held.n && (n->held.n >= NEIGH_HELD || c->n_held >= NEIGH_HELD_ALL ||
                         c->held_bytes + o->len > NEIGH_HELD_BYTES))
        drop_oldest(c, m, n);
    if (c->n_held >= NEIGH_HELD_ALL || c->held_bytes + o->len > NEIGH_HELD_BYTES) {
        own_free(m, o);
        c->n_dropped++;
        return;
    }
    own_push(&n->held, o);
    c->n_held++;
    c->held_bytes += o->len;
}

/* --- entries --- */

void neigh_init(struct neigh_cache *c, const struct siphash_key *key)
{
    memset(c, 0, sizeof *c);
    c->key = *key;
    for (unsigned i = 0; i < NEIGH_CLASSES; i++)
        c->class[i].head = c->class[i].tail = NEIGH_NONE;
    for (unsigned i = 0; i < NEIGH_TIMERS; i++)
        c->timer[i].head = c->timer[i].tail = NEIGH_NONE;
}

void neigh_fini(struct neigh_cache *c, struct mem *m)
{
    if (!c->t)
        return;
    for (unsigned i = 0; i < NEIGH_MAX; i++)
        own_clear(&c->t->e[i].held, m);
    mem_free(m, c->t, sizeof *c->t);
    c->t = NULL;
}

/* allocate the table; false: out of memory */
static bool table_new(struct neigh_cache *c, struct mem *m)
{
    struct neigh_table *t = mem_alloc(m, sizeof *t);

    if (!t)
        return false;
    memset(t, 0, sizeof *t);
    for (unsigned i = 0; i < NEIGH_MAX; i++) {
        t->e[i].iface = IFACE_FREE;
        t->e[i].timer = NEIGH_TIMERS;
        t->e[i].chain = (uint16_t)(i + 1 < NEIGH_MAX ? i + 1 : NEIGH_NONE);
    }
    for (unsigned i = 0; i < NEIGH_HASH; i++)
        t->hash[i] = NEIGH_NONE;
    c->t = t;
    c->free_head = 0;
    return true;
}

/* the chain of an address; the interface is not worth hashing */
static uint16_t *chain_of(const struct neigh_cache *c, const struct gn_addr *addr)
{
    return &c->t->hash[siphash13(&c->key, addr->b, sizeof addr->b) % NEIGH_HASH];
}

static bool is_entry(const struct neigh *n, unsigned iface, const struct gn_addr *addr)
{
    return memcmp(&n->addr, addr, sizeof *addr) == 0 && n->iface == iface;
}

/*
 * The hint is a guess by the last octets of the address: right nearly always for a host with few
 * neighbours, and checked in full. Who makes addresses collide costs us the keyed hash, no more.
 */
struct neigh *neigh_find(const struct neigh_cache *c, unsigned iface, const struct gn_addr *addr)
{
    uint16_t *hint, i;

    if (!c->t)
        return NULL;
    hint = &c->t->hint[(addr->b[15] ^ addr->b[14] ^ iface) % NEIGH_HINT];
    if (is_entry(&c->t->e[*hint], iface, addr))
        return &c->t->e[*hint];
    for (i = *chain_of(c, addr); i != NEIGH_NONE; i = c->t->e[i].chain)
        if (is_entry(&c->t->e[i], iface, addr)) {
            *hint = i;
            return &c->t->e[i];
        }
    return NULL;
}

/* unlink an entry from everything and put it on the free list */
static void entry_free(struct neigh_cache *c, struct mem *m, struct neigh *n)
{
    uint16_t *at = chain_of(c, &n->addr), i = index_of(c, n);

    while (*at != i)
        at = &c->t->e[*at].chain;
    *at = n->chain;
    timer_stop(c, n);
    queue_remove(c, &c->class[n->class], i, false);
    drop_held(c, m, n);
    n->iface = IFACE_FREE;
    n->chain = c->free_head;
    c->free_head = i;
}

/* make room for one entry; the table is full */
static void evict(struct neigh_cache *c, struct mem *m)
{
    bool strangers =
        c->class[NEIGH_CLASS_STRANGER].n > NEIGH_UNPROVEN || c->class[NEIGH_CLASS_PROVEN].n == 0;
    enum neigh_class from = strangers ? NEIGH_CLASS_STRANGER : NEIGH_CLASS_PROVEN;
    struct neigh *n = &c->t->e[c->class[from].head];

    for (unsigned i = 0; i < CHANCES && n->used; i++) {
        n->used = false;
        set_class(c, n, from);
        n = &c->t->e[c->class[from].head];
    }
    entry_free(c, m, n);
}

/* a new entry, STRANGER, state to be set; NULL: no table */
static struct neigh *entry_new(struct neigh_cache *c, struct mem *m, unsigned iface,
                               const struct gn_addr *addr)
{
    struct neigh *n;
    uint16_t i, *chain;

    if (!c->t && !table_new(c, m))
        return NULL;
    if (c->free_head == NEIGH_NONE)
        evict(c, m);
    i = c->free_head;
    n = &c->t->e[i];
    c->free_head = n->chain;
    chain = chain_of(c, addr);
    *n = (struct neigh){.addr = *addr,
                        .iface = (uint8_t)iface,
                        .class = NEIGH_CLASS_STRANGER,
                        .timer = NEIGH_TIMERS,
                        .chain = *chain};
    *chain = i;
    queue_append(c, &c->class[NEIGH_CLASS_STRANGER], i, false);
    return n;
}

/* --- the state machine --- */

/* begin to ask for the link address; the caller sends the first solicitation */
static void to_incomplete(struct neigh_cache *c, struct neigh *n, gn_time now)
{
    n->state = NEIGH_INCOMPLETE;
    n->asked = 1;
    timer_start(c, n, now, NEIGH_TIMER_RETRANS);
}

/* the neighbour has answered us: it is there, for a random time around REACHABLE_TIME (RFC
 * 4861 6.3.2) */
static void to_reachable(struct neigh_cache *c, struct neigh *n, gn_time now)
{
    uint64_t seed[3] = {now, 0, 0};

    memcpy(&seed[1], n->addr.b, sizeof n->addr.b);
    timer_stop(c, n);
    n->state = NEIGH_REACHABLE;
    n->until = now + NEIGH_REACHABLE_TIME / 2 +
               siphash13(&c->key, seed, sizeof seed) % NEIGH_REACHABLE_TIME;
    if (n->class != NEIGH_CLASS_PROVEN)
        set_class(c, n, NEIGH_CLASS_PROVEN);
}

/* the link address is known but not confirmed; packets that wait make it a use at once */
static void to_stale(struct neigh_cache *c, struct neigh *n, gn_time now)
{
    timer_stop(c, n);
    n->state = NEIGH_STALE;
    if (n->held.n) {
        n->state = NEIGH_DELAY;
        timer_start(c, n, now, NEIGH_TIMER_DELAY);
    }
}

enum neigh_use neigh_use(struct neigh_cache *c, struct mem *m, gn_time now, unsigned iface,
                         const struct gn_addr *addr, struct neigh **ret)
{
    struct neigh *n = neigh_find(c, iface, addr);

    if (!n) {
        n = entry_new(c, m, iface, addr);
        if (!n)
            return NEIGH_USE_NO_MEMORY;
        to_incomplete(c, n, now);
        *ret = n;
        return NEIGH_USE_ASK;
    }
    *ret = n;
    n->used = true;
    switch ((enum neigh_state)n->state) {
    case NEIGH_REACHABLE:
        if (now < n->until)
            return NEIGH_USE_SEND;
        /* fall through */
    case NEIGH_STALE:
        n->state = NEIGH_DELAY;
        timer_start(c, n, now, NEIGH_TIMER_DELAY);
        return NEIGH_USE_SEND;
    case NEIGH_DELAY:
    case NEIGH_PROBE: return NEIGH_USE_SEND;
    case NEIGH_INCOMPLETE: return NEIGH_USE_WAIT;
    case NEIGH_FAILED: break;
    }
    to_incomplete(c, n, now);
    return NEIGH_USE_ASK;
}

/* the sender of a question names its link address: RFC 4861 7.2.3 */
static void learn_question(struct neigh_cache *c, struct neigh *n, gn_time now,
                           const struct neigh_news *news)
{
    bool known = n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;

    if (!news->mac || (known && memcmp(n->mac, news->mac, 6) == 0))
        return;
    memcpy(n->mac, news->mac, 6);
    to_stale(c, n, now);
}

/* an advertisement: RFC 4861 7.2.5 */
static void learn_advert(struct neigh_cache *c, struct neigh *n, gn_time now,
                         const struct neigh_news *news)
{
    bool known = n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;
    bool differs = news->mac && memcmp(n->mac, news->mac, 6) != 0;

    if (!known && !news->mac)
        return;
    if (known && differs && !news->override) {
        if (n->state == NEIGH_REACHABLE)
            to_stale(c, n, now);
        return;
    }
    if (news->mac)
        memcpy(n->mac, news->mac, 6);
    n->router = news->router;
    if (news->solicited)
        to_reachable(c, n, now);
    else if (!known || differs)
        to_stale(c, n, now);
}

struct neigh *neigh_learn(struct neigh_cache *c, struct mem *m, gn_time now, unsigned iface,
                          const struct gn_addr *addr, const struct neigh_news *news, bool create)
{
    struct neigh *n = neigh_find(c, iface, addr);

    if (!n) {
        if (!create || !news->mac)
            return NULL;
        n = entry_new(c, m, iface, addr);
        if (!n)
            return NULL;
        memcpy(n->mac, news->mac, 6);
        n->state = NEIGH_STALE;
        return n;
    }
    if (news->is_advert)
        learn_advert(c, n, now, news);
    else
        learn_question(c, n, now, news);
    return n->state == NEIGH_INCOMPLETE || n->state == NEIGH_FAILED ? NULL : n;
}

/* no answer: RFC 4861 7.3.3; the entry stays as a stranger until its room is wanted */
static enum neigh_due give_up(struct neigh_cache *c, struct mem *m, struct neigh *n)
{
    timer_stop(c, n);
    drop_held(c, m, n);
    n->state = NEIGH_FAILED;
    set_class(c, n, NEIGH_CLASS_STRANGER);
    return NEIGH_DUE_FAILED;
}

/* the head of a timer queue if it is due, else NULL */
static struct neigh *due(const struct neigh_cache *c, enum neigh_timer which, gn_time now)
{
    struct neigh *n = c->timer[which].n ? &c->t->e[c->timer[which].head] : NULL;

    return n && deadline_due(deadline_at(n->until), now) ? n : NULL;
}

enum neigh_due neigh_expire(struct neigh_cache *c, struct mem *m, gn_time now, struct neigh **ret)
{
    struct neigh *n = due(c, NEIGH_TIMER_RETRANS, now);

    if (n) {
        *ret = n;
        if (n->asked >= NEIGH_SOLICIT)
            return give_up(c, m, n);
        n->asked++;
        timer_start(c, n, now, NEIGH_TIMER_RETRANS);
        return n->state == NEIGH_INCOMPLETE ? NEIGH_DUE_ASK : NEIGH_DUE_PROBE;
    }
    n = due(c, NEIGH_TIMER_DELAY, now);
    if (!n)
        return NEIGH_DUE_NONE;
    n->state = NEIGH_PROBE;
    n->asked = 1;
    timer_start(c, n, now, NEIGH_TIMER_RETRANS);
    *ret = n;
    return NEIGH_DUE_PROBE;
}

void neigh_doubt(struct neigh_cache *c, gn_time now, unsigned iface, const struct gn_addr *addr)
{
    struct neigh *n = neigh_find(c, iface, addr);

    if (!n)
        return;
    switch ((enum neigh_state)n->state) {
    case NEIGH_REACHABLE:
    case NEIGH_STALE:
    case NEIGH_DELAY:
        n->state = NEIGH_PROBE;
        n->asked = 0;
        timer_start(c, n, now, NEIGH_TIMER_RETRANS);
        return;
    case NEIGH_INCOMPLETE: /* is being asked, or was */
    case NEIGH_PROBE:
    case NEIGH_FAILED: return;
    }
}

deadline_t neigh_deadline(const struct neigh_cache *c)
{
    deadline_t d = deadline_none();

    for (unsigned i = 0; i < NEIGH_TIMERS; i++)
        if (c->timer[i].n)
            d = deadline_min(d, deadline_at(c->t->e[c->timer[i].head].until));
    return d;
}
