/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file route.c  The routing table.
 *
 * Theory of operation: an end host has a handful of routes. They stand in one array by falling
 * prefix length, so the first that covers the destination is the longest. IPv4 routes count their
 * bits from the front of the mapped form (10.0.0.0/8 is
 * ::ffff:10.0.0.0/104) and are kept apart by a flag, because ::/0 covers mapped addresses too.
 */
#include "ip/route.h"

#include "base/addr.h"

#include <string.h>

bool addr_prefix_eq(const struct gn_addr *a, const struct gn_addr *b, unsigned bits)
{
    unsigned octets = bits / 8, rest = bits % 8;

    if (memcmp(a->b, b->b, octets) != 0)
        return false;
    return rest == 0 || ((a->b[octets] ^ b->b[octets]) & (0xff00 >> rest) & 0xff) == 0;
}

struct gn_addr addr_prefix(const struct gn_addr *a, unsigned bits)
{
    unsigned octets = bits / 8, rest = bits % 8;
    struct gn_addr r = {0};

    memcpy(r.b, a->b, octets);
    if (rest)
        r.b[octets] = (uint8_t)(a->b[octets] & (0xff00 >> rest));
    return r;
}

/* index of the route to the same prefix on the same interface, or t->n */
static unsigned find_same(const struct route_table *t, const struct route *r)
{
    unsigned i = 0;

    while (i < t->n && !(t->r[i].bits == r->bits && t->r[i].v4 == r->v4 &&
                         t->r[i].iface == r->iface && gn_addr_eq(&t->r[i].dst, &r->dst)))
        i++;
    return i;
}

enum gn_err route_add(struct route_table *t, unsigned iface, const struct gn_addr *dst,
                      unsigned prefix_len, const struct gn_addr *gateway)
{
    bool v4 = addr_v4(dst);
    unsigned bits = prefix_len + (v4 ? 96 : 0), i;
    struct route r = {.gateway = *gateway,
                      .bits = (uint8_t)bits,
                      .iface = (uint8_t)iface,
                      .v4 = v4,
                      .on_link = gn_addr_is_any(gateway)};

    if (prefix_len > (v4 ? 32u : 128u) || (!r.on_link && addr_v4(gateway) != v4))
        return GN_E_INVALID;
    r.dst = addr_prefix(dst, bits);
    i = find_same(t, &r);
    if (i < t->n) {
        t->r[i] = r;
        return GN_OK;
    }
    if (t->n == ROUTE_MAX)
        return GN_E_NO_MEMORY;
    for (i = t->n; i > 0 && t->r[i - 1].bits < bits; i--)
        t->r[i] = t->r[i - 1];
    t->r[i] = r;
    t->n++;
    return GN_OK;
}

const struct route *route_find(const struct route_table *t, const struct gn_addr *dst)
{
    bool v4 = addr_v4(dst);

    for (unsigned i = 0; i < t->n; i++)
        if (t->r[i].v4 == v4 && addr_prefix_eq(&t->r[i].dst, dst, t->r[i].bits))
            return &t->r[i];
    return NULL;
}
