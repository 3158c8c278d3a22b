/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demux.c  The table of tuples; see demux.h.
 */
#include "host/demux.h"

#include "base/addr.h"
#include "base/assert.h"
#include "base/bits.h"

#define DEMUX_SLOTS_MIN 64

bool demux_init(struct demux *d, struct mem *m, const struct siphash_key *key,
                const struct pool *conns, const struct pool *half, const struct pool *tw)
{
    d->slot = mem_alloc(m, DEMUX_SLOTS_MIN * sizeof(*d->slot));
    if (!d->slot)
        return false;
    memset(d->slot, 0, DEMUX_SLOTS_MIN * sizeof(*d->slot));
    d->mask = DEMUX_SLOTS_MIN - 1;
    d->used = 0;
    d->pool[REF_NONE] = NULL;
    d->pool[REF_CONN] = conns;
    d->pool[REF_HALF_OPEN] = half;
    d->pool[REF_TIME_WAIT] = tw;
    d->key = *key;
    d->start = siphash_start(key);
    d->mem = m;
    d->removals = 0;
    memset(d->met, 0, sizeof(d->met));
    return true;
}

uint32_t demux_hash(const struct demux *d, const struct tcp_key *k)
{
    uint32_t remote, local;

    if (!addr_v4(&k->raddr))
        return (uint32_t)siphash13(&d->key, k, sizeof(*k));
    memcpy(&remote, k->raddr.b + 12, 4);
    memcpy(&local, k->laddr.b + 12, 4);
    return (uint32_t)siphash13_3(&d->start, remote, local, tcp_key_ports(k));
}

/** slot_object() - the object that a slot names; it begins with its key */
static inline struct tcp_key *slot_object(const struct demux *d, ref_t r)
{
    return pool_at(d->pool[ref_kind(r)], ref_index(r));
}

ref_t demux_find_object(const struct demux *d, uint32_t hash, const struct tcp_key *k,
                        void **ret_object)
{
    ref_t shadowed = REF_NULL;

    for (uint32_t i = hash & d->mask; d->slot[i].ref; i = (i + 1) & d->mask) {
        ref_t r = {d->slot[i].ref};
        struct tcp_key *object;

        if (d->slot[i].hash != hash)
            continue;
        object = slot_object(d, r);
        if (!tcp_key_equal(object, k))
            continue;
        *ret_object = object;
        if (ref_kind(r) != REF_TIME_WAIT)
            return r;
        shadowed = r;
    }
    return shadowed;
}

ref_t demux_find_time_wait(const struct demux *d, uint32_t hash, const struct tcp_key *k)
{
    for (uint32_t i = hash & d->mask; d->slot[i].ref; i = (i + 1) & d->mask) {
        ref_t r = {d->slot[i].ref};

        if (d->slot[i].hash == hash && ref_kind(r) == REF_TIME_WAIT &&
            tcp_key_equal(slot_object(d, r), k))
            return r;
    }
    return REF_NULL;
}

/** slot_of() - where @r stands; it does */
static uint32_t slot_of(const struct demux *d, uint32_t hash, ref_t r)
{
    uint32_t i = hash & d->mask;

    while (d->slot[i].ref != r.raw) {
        ASSERT(d->slot[i].ref);
        i = (i + 1) & d->mask;
    }
    return i;
}

/** enters() - @r enters the table; a connection is met again soon */
static inline void enters(struct demux *d, ref_t r)
{
    if (ref_kind(r) == REF_CONN)
        demux_meet(d, slot_object(d, r));
}

/** leaves() - @r leaves the table */
static inline void leaves(struct demux *d, ref_t r)
{
    const struct tcp_key *object;
    struct demux_met *m;

    if (ref_kind(r) != REF_CONN)
        return;
    object = slot_object(d, r);
    m = d->met[demux_place(object)];
    if (m[0].object == object)
        m[0] = m[1];
    else if (m[1].object != object)
        return;
    m[1] = (struct demux_met){NULL, 0};
}

/** put() - into the first free slot from the hash's own on */
static void put(struct demux_slot *slot, uint32_t mask, struct demux_slot s)
{
    uint32_t i = s.hash & mask;

    while (slot[i].ref)
        i = (i + 1) & mask;
    slot[i] = s;
}

/** grow() - twice as many slots; without memory the table stays */
static __attribute__((cold, noinline)) void grow(struct demux *d)
{
    uint64_t n = ((uint64_t)d->mask + 1) * 2;
    size_t bytes = (size_t)n * sizeof(*d->slot);
    struct demux_slot *slot;

    if (n > (uint64_t)1 << 26)
        return;
    slot = mem_alloc(d->mem, bytes);
    if (!slot)
        return;
    memset(slot, 0, bytes);
    for (uint32_t i = 0; i <= d->mask; i++)
        if (d->slot[i].ref)
            put(slot, (uint32_t)n - 1, d->slot[i]);
    mem_free(d->mem, d->slot, bytes / 2);
    d->slot = slot;
    d->mask = (uint32_t)n - 1;
}

bool demux_insert(struct demux *d, uint32_t hash, ref_t r)
{
    if (d->used > d->mask / 4 * 3)
        grow(d);
    /* no memory to grow: go on, slower, up to 15/16 */
    if (d->used > d->mask / 16 * 15)
        return false;
    put(d->slot, d->mask, (struct demux_slot){hash, r.raw});
    d->used++;
    enters(d, r);
    return true;
}

void demux_remove(struct demux *d, uint32_t hash, ref_t r)
{
    uint32_t hole = slot_of(d, hash, r), i = hole;

    leaves(d, r);
    for (;;) {
        i = (i + 1) & d->mask;
        if (!d->slot[i].ref)
            break;
        /* may it move back to the hole? Only if the hole is not before its own place */
        if (((i - d->slot[i].hash) & d->mask) >= ((i - hole) & d->mask)) {
            d->slot[hole] = d->slot[i];
            hole = i;
        }
    }
    d->slot[hole] = (struct demux_slot){0, 0};
    d->used--;
    d->removals++;
}

void demux_replace(struct demux *d, uint32_t hash, ref_t from, ref_t to)
{
    leaves(d, from);
    enters(d, to);
    d->slot[slot_of(d, hash, from)].ref = to.raw;
}
