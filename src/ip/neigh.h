/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file neigh.h  The neighbour cache: link addresses by IP address, for ARP (RFC 826) and Neighbour
 * Discovery (RFC 4861) alike.
 *
 * Knows states and times, writes no packets: what has to be sent is returned to the caller.
 */
#ifndef GN_IP_NEIGH_H
#define GN_IP_NEIGH_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "ip/own.h"

#define NEIGH_MAX  512 /* entries */
#define NEIGH_HASH 512 /* chains */
#define NEIGH_HINT 64  /* direct-mapped shortcuts in front of the hash */
#define NEIGH_UNPROVEN \
    64 /* entries that a flood of strangers may hold at the expense of proven ones */
#define NEIGH_HELD       8  /* packets held for one neighbour */
#define NEIGH_HELD_ALL   64 /* ... for all */
#define NEIGH_HELD_BYTES (256u << 10)
#define NEIGH_NONE       UINT16_MAX

/* RFC 4861 sec. 10 */
#define NEIGH_REACHABLE_TIME (30 * GN_SEC) /* times 0.5 .. 1.5, drawn once a confirmation */
#define NEIGH_RETRANS_TIME   GN_SEC
#define NEIGH_DELAY_TIME     (5 * GN_SEC)
#define NEIGH_SOLICIT        3 /* MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT */

/** RFC 4861 sec. 7.3.2, and FAILED: asked in vain; the next packet asks again. */
enum neigh_state {
    NEIGH_INCOMPLETE,
    NEIGH_REACHABLE,
    NEIGH_STALE,
    NEIGH_DELAY,
    NEIGH_PROBE,
    NEIGH_FAILED
};

/** The queues of entries: unused ones, and by worth when room is needed. */
enum neigh_class { NEIGH_CLASS_STRANGER, NEIGH_CLASS_PROVEN, NEIGH_CLASSES };

/** The timers: each has one duration, so that a queue in order of arming is in order of time. */
enum neigh_timer { NEIGH_TIMER_RETRANS, NEIGH_TIMER_DELAY, NEIGH_TIMERS };

/** Links of a queue of entries, by index. */
struct neigh_link {
    uint16_t next, prev;
};

struct neigh_queue {
    uint16_t head, tail, n;
};

struct neigh {
    struct gn_addr addr;
    uint8_t mac[6];
    uint8_t iface;
    uint8_t state; /* enum neigh_state */
    uint8_t class; /* enum neigh_class */
    uint8_t timer; /* enum neigh_timer, or NEIGH_TIMERS: none */
    uint8_t asked; /* solicitations sent in INCOMPLETE or PROBE */
    bool used;     /* a packet was sent to it since it was last considered for eviction */
    bool router;
    uint16_t chain; /* next of the same hash chain; of free entries: the next free one */
    struct neigh_link by_class, by_timer;
    gn_time until; /* REACHABLE: becomes STALE; with a timer: fires */
    struct own_list held;
};

struct neigh_table {
    struct neigh e[NEIGH_MAX];
    uint16_t hash[NEIGH_HASH];
    uint16_t hint[NEIGH_HINT];
};

struct neigh_cache {
    struct neigh_table *t; /* allocated with the first neighbour: NULL on hosts without Ethernet */
    struct siphash_key key;
    struct neigh_queue class[NEIGH_CLASSES], timer[NEIGH_TIMERS];
    uint16_t free_head;
    uint32_t n_held, held_bytes; /* over all entries */
    uint32_t n_dropped; /* held packets given up since the owner last looked and cleared it */
};

/** What a use of a neighbour found. */
enum neigh_use {
    NEIGH_USE_SEND,      /* its link address is known */
    NEIGH_USE_WAIT,      /* resolution is under way */
    NEIGH_USE_ASK,       /* resolution begins: multicast (broadcast) a solicitation */
    NEIGH_USE_NO_MEMORY, /* no table */
};

/** What an expired timer asks for. */
enum neigh_due {
    NEIGH_DUE_NONE,   /* nothing is due */
    NEIGH_DUE_ASK,    /* multicast (broadcast) a solicitation */
    NEIGH_DUE_PROBE,  /* send one to the link address known */
    NEIGH_DUE_FAILED, /* unreachable; what was held has been dropped */
};

/** What a message told about a neighbour. */
struct neigh_news {
    bool solicited;     /* answers a question of ours: reachability is confirmed */
    bool override;      /* may replace a known link address */
    bool is_advert;     /* ARP reply or Neighbour Advertisement; else the sender of a question */
    bool router;        /* advertisement: its R flag */
    const uint8_t *mac; /* 6 octets, or NULL: not told */
};

/** neigh_init() - an empty cache; allocates nothing */
void neigh_init(struct neigh_cache *c, const struct siphash_key *key);
/** neigh_fini() - free the table and everything held */
void neigh_fini(struct neigh_cache *c, struct mem *m);
/** neigh_find() - the entry of @addr on @iface, or NULL; changes no state */
struct neigh *neigh_find(const struct neigh_cache *c, unsigned iface, const struct gn_addr *addr);
/** neigh_use() - a packet is about to be sent to @addr; *ret: its entry (not for NO_MEMORY). RFC
 * 4861 sec. 7.2.2, 7.3.3 */
enum neigh_use neigh_use(struct neigh_cache *c, struct mem *m, gn_time now, unsigned iface,
                         const struct gn_addr *addr, struct neigh **ret);
/**
 * neigh_learn() - a message from or about @addr was received (RFC 4861 sec. 7.2.3 and 7.2.5; RFC
 * 826)
 * @create: a question to us: note the sender (STALE) even if unknown
 *
 * Returns the entry if its link address is known now (held packets may go: the caller takes them by
 * neigh_take()), else NULL.
 */
struct neigh *neigh_learn(struct neigh_cache *c, struct mem *m, gn_time now, unsigned iface,
                          const struct gn_addr *addr, const struct neigh_news *news, bool create);
/** neigh_hold() - let @o wait for an INCOMPLETE entry; the oldest of too many goes (RFC 4861
 * sec. 7.2.2). Takes @o in any case, even if it drops it at once */
void neigh_hold(struct neigh_cache *c, struct mem *m, struct neigh *n, struct ip_own *o);
/** neigh_take() - the next packet held for @n, the caller's from now on; NULL: none */
struct ip_own *neigh_take(struct neigh_cache *c, struct neigh *n);
/** neigh_expire() - one timer that is due; call until NEIGH_DUE_NONE. *ret: the entry */
enum neigh_due neigh_expire(struct neigh_cache *c, struct mem *m, gn_time now, struct neigh **ret);
/** neigh_doubt() - @addr seems not to answer any more: probe it as if its time were over, and
 * forget its link address if that is in vain too (RFC 4861 sec. 7.3.1) */
void neigh_doubt(struct neigh_cache *c, gn_time now, unsigned iface, const struct gn_addr *addr);
/** neigh_deadline() - when neigh_expire() will have something */
deadline_t neigh_deadline(const struct neigh_cache *c);

#endif
