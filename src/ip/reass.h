/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reass.h  Reassembly of IPv4 and IPv6 fragments: bounded in number, memory and time; overlap
 * ends a packet.
 */
#ifndef GN_IP_REASS_H
#define GN_IP_REASS_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"

#include <gannet/frame.h>

#define REASS_MAX     64 /* packets being put together */
#define REASS_HASH    64
#define REASS_FRAGS   128           /* fragments of one packet */
#define REASS_BYTES   (1024u << 10) /* of buffers in all */
#define REASS_TIME_V4 (30 * GN_SEC)
#define REASS_TIME_V6 (60 * GN_SEC) /* RFC 8200 sec. 4.5 */

/** What names a packet: RFC 791 sec. 3.2; for IPv6 @proto is 0 (RFC 8200 sec. 4.5). Compared as
 * octets: no padding. */
struct reass_key {
    struct gn_addr src, dst;
    uint32_t id;
    uint8_t proto, iface, v4, zero;
};

struct reass_packet; /* one packet being put together */

/** The packets of one family, oldest first: one lifetime, so this is the order of their ends. */
struct reass_queue {
    struct reass_packet *head, *tail;
};

struct reass {
    struct siphash_key key;
    struct reass_packet *hash[REASS_HASH];
    struct reass_queue queue[2]; /* IPv6, IPv4 */
    uint32_t n, bytes;
    struct reass_packet *done; /* handed out last */
};

#define REASS_HEAD                                                                       \
    48 /* octets of room in front of a reassembled payload, for an IP header and an IPv6 \
         fragment header */

/** What the packet takes over from its first fragment. */
struct reass_info {
    uint8_t next; /* IPv4: protocol; IPv6: what the fragmentable part begins with */
    uint8_t tos;  /* all eight bits; ECN of the whole packet in the end (RFC 3168 sec. 5.3) */
    uint8_t ttl;
};

/** One fragment, checked by frag_check(). */
struct reass_frag {
    struct reass_key key;
    struct reass_info info;
    bool more;
    uint32_t off, len; /* octets; off + len <= 65535 */
    struct gn_span part[1 + GN_FRAME_TAILS];
    uint8_t n_part;
};

/** A payload made whole, or the beginning of one that was given up. */
struct reass_whole {
    uint8_t *payload; /* NULL: nothing; REASS_HEAD octets in front of it may be written */
    uint32_t len;
    struct reass_key key;
    struct reass_info info;
};

/** reass_init() - empty; allocates nothing */
void reass_init(struct reass *r, const struct siphash_key *key);
/** reass_fini() - free everything */
void reass_fini(struct reass *r, struct mem *m);
/**
 * reass_add() - take one fragment
 *
 * Returns GN_DROP_NONE: taken; if ret->payload is not NULL then the packet is complete, and lives
 * until reass_release() or the next call of reass_add() or reass_expire(). _FRAG_BAD: contradicts
 * others about the end, or mixes ECN codepoints; _FRAG_OVERLAP: both give the whole packet up, and
 * what still comes of it (RFC 5722, RFC 8200 sec. 4.5, MAL-57). _FRAG_LIMIT: more than REASS_FRAGS
 * fragments; _NO_MEMORY. An exact duplicate is ignored.
 */
enum gn_drop reass_add(struct reass *r, struct mem *m, gn_time now, const struct reass_frag *f,
                       struct reass_whole *ret);
/** reass_release() - the packet handed out last is done with */
void reass_release(struct reass *r, struct mem *m);
/** reass_expire() - give up one packet that has waited too long; false: none. *ret: its first
 * fragment if that has come (payload NULL if not), for an ICMP error; lives as reass_add() says */
bool reass_expire(struct reass *r, struct mem *m, gn_time now, struct reass_whole *ret);
/** reass_deadline() - when reass_expire() will have something */
deadline_t reass_deadline(const struct reass *r);

#endif
