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
    struct reass_packet *done; /* handed out by the last reass_add() */
};

/** One fragment, as parsed. */
struct reass_frag {
    struct reass_key key;
    const uint8_t
        *header; /* offset 0: the 20 or 40 octets of IP header that the whole packet will get */
    uint8_t next_header; /* IPv6: of the fragment header at offset 0 */
    uint8_t ecn;
    bool more;
    uint32_t offset; /* octets */
    uint32_t len;
    struct gn_span part[1 + GN_FRAME_TAILS]; /* the octets */
    uint8_t n_part;
};

/** A packet made whole: IP header without options or extension headers, then the payload. */
struct reass_whole {
    const uint8_t *data;
    uint32_t len;
};

/** reass_init() - empty; allocates nothing */
void reass_init(struct reass *r, const struct siphash_key *key);
/** reass_fini() - free everything */
void reass_fini(struct reass *r, struct mem *m);
/**
 * reass_add() - take one fragment
 *
 * Returns GN_DROP_NONE: taken; if ret->data is not NULL then the packet is complete, its memory
 * lives until reass_release() or the next reass_add(). _FRAG_BAD: malformed (MAL-57);
 * _FRAG_OVERLAP: the whole packet is given up, and so is what still comes of it (RFC 5722, RFC 8200
 * sec. 4.5); _FRAG_LIMIT: more than REASS_FRAGS; _NO_MEMORY. An exact duplicate is ignored.
 */
enum gn_drop reass_add(struct reass *r, struct mem *m, gn_time now, const struct reass_frag *f,
                       struct reass_whole *ret);
/** reass_release() - the packet handed out last is done with */
void reass_release(struct reass *r, struct mem *m);
/** reass_expire() - give up what has waited too long; the number of packets */
unsigned reass_expire(struct reass *r, struct mem *m, gn_time now);
/** reass_deadline() - when reass_expire() will have something */
deadline_t reass_deadline(const struct reass *r);

#endif
