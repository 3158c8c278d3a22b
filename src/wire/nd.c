/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nd.c  Neighbour solicitations and advertisements.
 */
#include "wire/nd.h"

#include "base/bits.h"

#define TARGET_LEN     16
#define OPTION_UNIT    8 /* lengths of options count these, kind and length included */
#define OPTION_SOURCE  1
#define OPTION_TARGET  2
#define FLAG_ROUTER    0x80000000u
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE  0x20000000u

/** is_multicast() - ff00::/8 */
static bool is_multicast(const struct gn_addr *a)
{
    return a->b[0] == 0xff;
}

/** is_unspecified() - :: */
static bool is_unspecified(const struct gn_addr *a)
{
    static const struct gn_addr zero;
    return memcmp(a, &zero, sizeof zero) == 0;
}

/** is_solicited_node() - in ff02::1:ff00:0/104 */
static bool is_solicited_node(const struct gn_addr *a)
{
    struct gn_addr group = nd_solicited_node(a);
    return memcmp(a, &group, sizeof group) == 0;
}

/** read_options() - the link address that goes with n->type; false: a length of 0 or beyond the
 * end, or a group address */
static bool read_options(const uint8_t *p, const uint8_t *end, struct nd *n)
{
    uint8_t wanted = n->type == ICMP6_NEIGHBOUR_SOLICIT ? OPTION_SOURCE : OPTION_TARGET;

    while (p < end) {
        if (end - p < OPTION_UNIT || p[1] == 0 || p[1] * OPTION_UNIT > end - p)
            return false;
        if (p[0] == wanted && p[1] == 1 && !n->has_lladdr) {
            if (p[2] & 1) /* nobody's link address */
                return false;
            n->has_lladdr = true;
            memcpy(n->lladdr, p + 2, sizeof n->lladdr);
        }
        p += p[1] * OPTION_UNIT;
    }
    return true;
}

/** is_legitimate() - do addresses and contents fit together? (RFC 4861 7.1.1, 7.1.2) */
static bool is_legitimate(const struct nd *n, const struct gn_addr *src, const struct gn_addr *dst)
{
    if (is_multicast(&n->target))
        return false;
    if (n->type == ICMP6_NEIGHBOUR_ADVERT)
        return !(is_multicast(dst) && n->solicited);
    return !is_unspecified(src) || (is_solicited_node(dst) && !n->has_lladdr);
}

enum gn_drop nd_parse(const struct icmp *m, const struct gn_addr *src, const struct gn_addr *dst,
                      uint8_t hlim, struct nd *ret)
{
    struct nd n = {.type = m->type};

    if (m->type != ICMP6_NEIGHBOUR_SOLICIT && m->type != ICMP6_NEIGHBOUR_ADVERT)
        return GN_DROP_ND_BAD;
    if (hlim != ND_HLIM || m->code != 0 || m->body_len < TARGET_LEN)
        return GN_DROP_ND_BAD;
    memcpy(n.target.b, m->body, TARGET_LEN);
    if (m->type == ICMP6_NEIGHBOUR_ADVERT) {
        n.router = m->rest & FLAG_ROUTER;
        n.solicited = m->rest & FLAG_SOLICITED;
        n.override = m->rest & FLAG_OVERRIDE;
    }
    if (!read_options(m->body + TARGET_LEN, m->body + m->body_len, &n) ||
        !is_legitimate(&n, src, dst))
        return GN_DROP_ND_BAD;
    *ret = n;
    return GN_DROP_NONE;
}

uint32_t nd_emit(const struct nd *n, const struct gn_addr *src, const struct gn_addr *dst,
                 uint8_t *p)
{
    bool solicit = n->type == ICMP6_NEIGHBOUR_SOLICIT;
    uint8_t *body = p + ICMP_HEADER, *option = body + TARGET_LEN;
    struct icmp m = {.type = n->type, .body = body, .body_len = TARGET_LEN};

    memcpy(body, n->target.b, TARGET_LEN);
    if (n->has_lladdr) {
        option[0] = solicit ? OPTION_SOURCE : OPTION_TARGET;
        option[1] = 1;
        memcpy(option + 2, n->lladdr, sizeof n->lladdr);
        m.body_len += OPTION_UNIT;
    }
    if (!solicit)
        m.rest = (n->router ? FLAG_ROUTER : 0) | (n->solicited ? FLAG_SOLICITED : 0) |
                 (n->override ? FLAG_OVERRIDE : 0);
    return icmp6_emit(src, dst, &m, p);
}

struct gn_addr nd_solicited_node(const struct gn_addr *a)
{
    struct gn_addr g = {.b = {0xff, 0x02, [11] = 1, [12] = 0xff}};
    memcpy(g.b + 13, a->b + 13, 3);
    return g;
}
