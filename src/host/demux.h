/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demux.h  From a four-tuple to whatever this host has for it: a connection, a half-open
 * entry or a TIME-WAIT record.
 *
 * Theory of operation. One open-addressing table with linear probing for all three sizes of
 * connection. A slot is 8 octets: 32 bits of a keyed hash (SEC-4987-3: an outsider cannot aim at a
 * chain) and 32 bits of reference, two for the kind and thirty for the index in the pool of that
 * kind. All three kinds begin with their struct tcp_key, so the table compares keys without knowing
 * more. A lookup costs one hash, the slot's cache line, and the first line of the object. Deletion
 * shifts later slots back, so there are no tombstones and no slow ageing. Growing needs only the
 * slots.
 *
 * Most segments are for a connection that had one, or was opened, a moment ago. So there is a short
 * way: the two connections that were met last, for each of a few numbers made of the two ports, are
 * looked at before anything is hashed. Their ports stand beside them: one that is another's, of
 * very many, is far away. Who aims at that makes a lookup cost what it costs without.
 *
 * A TIME-WAIT record may be shadowed by a half-open entry of the same tuple (a new incarnation that
 * is not proved yet); demux_find() then gives the half-open one.
 */
#ifndef GN_HOST_DEMUX_H
#define GN_HOST_DEMUX_H

#include "base/hash.h"
#include "base/pool.h"
#include "wire/tcp.h"

enum ref_kind { REF_NONE, REF_CONN, REF_HALF_OPEN, REF_TIME_WAIT };

/** A reference to an object of one of the pools; REF_NULL: none. */
typedef struct {
    uint32_t raw; /* kind << 30 | index */
} ref_t;

#define REF_NULL ((ref_t){0})

static inline ref_t ref_make(enum ref_kind kind, uint32_t index)
{
    return (ref_t){(uint32_t)kind << 30 | index};
}

static inline enum ref_kind ref_kind(ref_t r)
{
    return (enum ref_kind)(r.raw >> 30);
}

static inline uint32_t ref_index(ref_t r)
{
    return r.raw & 0x3fffffff;
}

struct demux_slot {
    uint32_t hash, ref; /* ref 0: free */
};

#define DEMUX_PLACES 512

/** A connection of those of a place that were met last. */
struct demux_met {
    void *object;   /* in the table; it begins with its key. NULL: there is none */
    uint32_t ports; /* tcp_key_ports() of the key; 0: there is none */
};

struct demux {
    struct demux_slot *slot;
    uint32_t mask; /* slots - 1 */
    uint32_t used;
    const struct pool *pool[4]; /* by enum ref_kind */
    struct siphash_key key;
    struct siphash_start start; /* of the key */
    struct mem *mem;
    uint64_t removals; /* tuples that became free, ever */
    /* by demux_place(), the later met first; each pair in one cache line */
    _Alignas(2 * sizeof(struct demux_met)) struct demux_met met[DEMUX_PLACES][2];
};

/** demux_init() - @conns, @half, @tw: where the objects live; false: no memory */
bool demux_init(struct demux *d, struct mem *m, const struct siphash_key *key,
                const struct pool *conns, const struct pool *half, const struct pool *tw);
/** demux_hash() - the hash of a tuple that all other calls want */
uint32_t demux_hash(const struct demux *d, const struct tcp_key *k);
/** demux_find_object() - who has this tuple, *ret_object: and where it is; a TIME-WAIT record only
 * if nothing else does */
ref_t demux_find_object(const struct demux *d, uint32_t hash, const struct tcp_key *k,
                        void **ret_object);
/** demux_find() - the same, without the object */
static inline ref_t demux_find(const struct demux *d, uint32_t hash, const struct tcp_key *k)
{
    void *object;

    return demux_find_object(d, hash, k, &object);
}
/** demux_place() - where in `met` a connection with this tuple stands */
static inline unsigned demux_place(const struct tcp_key *k)
{
    return (unsigned)(k->lport ^ k->rport) % DEMUX_PLACES;
}
/** demux_met_ports() - the connection with these ports that was met last, most likely of this
 * tuple; NULL: it takes demux_find() to know */
static inline void *demux_met_ports(const struct demux *d, const struct tcp_key *k)
{
    const struct demux_met *m = d->met[demux_place(k)];

    if (m[0].ports == tcp_key_ports(k))
        return m[0].object;
    return m[1].ports == tcp_key_ports(k) ? m[1].object : NULL;
}
/** demux_met() - the connection of this tuple; NULL: it takes demux_find() to know */
static inline void *demux_met(const struct demux *d, const struct tcp_key *k)
{
    void *object = demux_met_ports(d, k);

    return object && tcp_key_addrs_equal(object, k) ? object : NULL;
}
/** demux_meet() - remember connection @object, which is in the table */
static inline void demux_meet(struct demux *d, void *object)
{
    struct demux_met *m = d->met[demux_place(object)];

    m[1] = m[0];
    m[0] = (struct demux_met){object, tcp_key_ports(object)};
}
/** demux_find_time_wait() - the TIME-WAIT record of this tuple, shadowed or not */
ref_t demux_find_time_wait(const struct demux *d, uint32_t hash, const struct tcp_key *k);
/** demux_insert() - false: no memory for a larger table, and this one is full */
bool demux_insert(struct demux *d, uint32_t hash, ref_t r);
/** demux_remove() - @r is in the table */
void demux_remove(struct demux *d, uint32_t hash, ref_t r);
/** demux_replace() - the tuple of @from is from now on @to's; @from is in the table */
void demux_replace(struct demux *d, uint32_t hash, ref_t from, ref_t to);

/** demux_prefetch_slot() - first of two hints before demux_find() */
static inline void demux_prefetch_slot(const struct demux *d, uint32_t hash)
{
    __builtin_prefetch(&d->slot[hash & d->mask]);
}

/** demux_likely() - who most likely has a tuple of this hash, for a second hint; or REF_NULL */
static inline ref_t demux_likely(const struct demux *d, uint32_t hash)
{
    for (uint32_t i = hash; i != hash + 4; i++)
        if (d->slot[i & d->mask].hash == hash)
            return (ref_t){d->slot[i & d->mask].ref};
    return REF_NULL;
}

#endif
