/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file frag.h  What a fragment may look like, IPv4 or IPv6.
 */
#ifndef GN_WIRE_FRAG_H
#define GN_WIRE_FRAG_H

#include <gannet/types.h>

/** Where a fragment lies in the payload of its packet. */
struct frag {
    uint32_t off; /* octets, a multiple of 8 */
    uint32_t len; /* octets, at least 1 in a good one */
    bool more;
};

/**
 * frag_check() - can this be a fragment of an honest packet?
 * @proto: transport protocol; 6 (TCP) has its header guarded: the first fragment must hold at least
 * its 20 octets, and no later one may begin inside them (RFC 1858, RFC 3128)
 *
 * Returns GN_DROP_NONE or _FRAG_BAD: empty, not a multiple of 8 though more follow, or ends beyond
 * 65535.
 */
enum gn_drop frag_check(const struct frag *f, uint8_t proto);

#endif
