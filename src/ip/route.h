/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file route.h  The routing table: a small array, longest prefix first.
 */
#ifndef GN_IP_ROUTE_H
#define GN_IP_ROUTE_H

#include <gannet/types.h>

#define ROUTE_MAX 64

struct route {
    struct gn_addr dst;     /* host bits cleared */
    struct gn_addr gateway; /* any: on-link */
    uint8_t bits;           /* of the 128: 0 .. 128 for IPv6, 96 .. 128 for IPv4 */
    uint8_t iface;
    bool v4; /* an IPv6 default route must not match mapped addresses */
    bool on_link;
};

struct route_table {
    struct route r[ROUTE_MAX]; /* by falling @bits; of equals the older first */
    uint8_t n;
};

/** addr_prefix_eq() - do the first @bits (0 .. 128) of two addresses agree? */
bool addr_prefix_eq(const struct gn_addr *a, const struct gn_addr *b, unsigned bits);
/** addr_prefix() - @a with everything behind the first @bits (0 .. 128) cleared */
struct gn_addr addr_prefix(const struct gn_addr *a, unsigned bits);

/**
 * route_add() - one more route; the same destination, length and interface again replaces the
 * gateway
 * @prefix_len: 0 .. 32 for a mapped @dst, else 0 .. 128; host bits of @dst are ignored
 * @gateway:    any address (:: or 0.0.0.0) means on-link, else of @dst's family
 * GN_E_INVALID: length or family; GN_E_NO_MEMORY: ROUTE_MAX reached
 */
enum gn_err route_add(struct route_table *t, unsigned iface, const struct gn_addr *dst,
                      unsigned prefix_len, const struct gn_addr *gateway);
/** route_find() - the longest prefix that covers @dst, or NULL. At most ROUTE_MAX comparisons */
const struct route *route_find(const struct route_table *t, const struct gn_addr *dst);

#endif
