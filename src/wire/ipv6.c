/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ipv6.c  IPv6 headers and extension headers.
 *
 * The walk over extension headers is bounded in three ways (MAL-58): by IPV6_EXT_MAX headers, each
 * of which moves it on by at least 8 octets, inside the octets that are both contiguous and part of
 * the packet.
 */
#include "wire/ipv6.h"

#include "base/bits.h"
#include "wire/frag.h"
#include "wire/icmp6.h"

#define PROTO_TCP   6
#define TCP_HEADER  20
#define PAYLOAD_MAX 65535
#define OFF_FLOW    0
#define OFF_PAYLOAD 4
#define OFF_NEXT    6
#define OFF_HLIM    7
#define OFF_SRC     8
#define OFF_DST     24
#define FLOW_MASK   0xfffff
#define EXT_UNIT    8 /* lengths of extension headers count these, not counting the first */
#define OPTION_PAD1 0

/** What the two high bits of an option's type ask of who does not know it (RFC 8200 4.2). */
enum unknown_option {
    OPTION_SKIP = 0,
    OPTION_DISCARD = 1,
    OPTION_TELL = 2,
    OPTION_TELL_UNLESS_GROUP = 3,
};

/** Where a walk stands. */
struct walk {
    const uint8_t *p;
    uint32_t end; /* of what may be read */
    uint32_t at;
    uint32_t next_at; /* the octet that says what begins at @at */
    uint8_t next;     /* what begins at @at */
    bool quoted;      /* look behind the fragment header of a first fragment */
    bool skim;        /* lengths alone count */
    bool cut;         /* refused: @end is inside a header */
    bool even_group;  /* refused, and the sender is told even if the packet went to a group */
    uint8_t bad_code; /* ... as what, enum icmp6_param */
    uint32_t bad_at;  /* ... of which octet; 0: it is not told */
    struct ipv6_frag frag;
};

/** refuse() - end a walk for the field at @at, of which the sender is to hear */
static bool refuse(struct walk *w, enum icmp6_param code, uint32_t at)
{
    w->bad_code = (uint8_t)code;
    w->bad_at = at;
    return false;
}

/** has() - are there @len octets at w->at? */
static bool has(struct walk *w, uint32_t len)
{
    w->cut = w->end - w->at < len;
    return !w->cut;
}

/** walk_options() - of the hop-by-hop or destination header at w->at, which ends at @end; false:
 * malformed, or one that forbids to go on */
static bool walk_options(struct walk *w, uint32_t end)
{
    const uint8_t *p = w->p;
    uint32_t at = w->at + 2;

    while (at < end) {
        if (p[at] == OPTION_PAD1) {
            at++;
            continue;
        }
        if (end - at < 2 || p[at + 1] > end - at - 2)
            return false;
        enum unknown_option ask = p[at] >> 6; /* all but padding; the jumbo payload, too */
        if (ask == OPTION_DISCARD)
            return false;
        if (ask != OPTION_SKIP) {
            w->even_group = ask == OPTION_TELL;
            return refuse(w, ICMP6_BAD_OPTION, at);
        }
        at += 2u + p[at + 1];
    }
    return true;
}

/** walk_header() - pass over the hop-by-hop, routing or destination header at w->at */
static bool walk_header(struct walk *w)
{
    if (!has(w, EXT_UNIT))
        return false;
    const uint8_t *h = w->p + w->at;
    uint32_t len = (h[1] + 1u) * EXT_UNIT;
    if (!has(w, len))
        return false;
    if (!w->skim) {
        if (w->next != IPV6_ROUTING) {
            if (!walk_options(w, w->at + len))
                return false;
        } else if (h[3] != 0) { /* stops left: we forward nothing (RFC 5095) */
            return refuse(w, ICMP6_BAD_FIELD, w->at + 2);
        }
    }
    w->next = h[0];
    w->next_at = w->at;
    w->at += len;
    return true;
}

/** walk_fragment() - pass over the fragment header at w->at, the only one there may be */
static bool walk_fragment(struct walk *w)
{
    if (w->frag.present || !has(w, IPV6_FRAG_HEADER))
        return false;
    const uint8_t *h = w->p + w->at;
    uint16_t bits = get16(h + 2);
    w->frag = (struct ipv6_frag){
        .present = true, .more = bits & 1, .off = bits & 0xfff8, .id = get32(h + 4)};
    w->next = h[0];
    w->next_at = w->at;
    w->at += IPV6_FRAG_HEADER;
    return true;
}

/** walk_ends() - is what lies behind the fragment header just passed no chain of headers to walk
 * now? */
static bool walk_ends(const struct walk *w)
{
    return w->frag.off != 0 || (w->frag.more && !w->quoted);
}

/** walk_chain() - from w->at to the transport header, or behind the header of a true fragment;
 * false: malformed */
static bool walk_chain(struct walk *w)
{
    for (unsigned n = 0; n <= IPV6_EXT_MAX; n++) {
        switch (w->next) {
        case IPV6_HOP_BY_HOP: /* only at the very beginning, unknown elsewhere (RFC 8200 4) */
            if (!w->skim && w->next_at != OFF_NEXT)
                return refuse(w, ICMP6_BAD_NEXT, w->next_at);
            if (!walk_header(w))
                return false;
            break;
        case IPV6_ROUTING:
        case IPV6_DESTINATION:
            if (!walk_header(w))
                return false;
            break;
        case IPV6_FRAGMENT:
            if (!walk_fragment(w))
                return false;
            if (walk_ends(w))
                return true;
            break;
        default: /* a number from the wire, not an enumerator */ return true;
        }
    }
    return false;
}

/** decode() - fixed header and chain, as far as @len and the packet's own length reach; *ret is
 * written piece by piece, and so is @w, whose flags are the caller's */
static enum gn_drop decode(const uint8_t *p, uint32_t len, uint32_t frame_total, struct walk *w,
                           struct ipv6 *ret)
{
    if (len < IPV6_HEADER)
        return GN_DROP_IP_TRUNCATED;
    if (p[0] >> 4 != 6)
        return GN_DROP_IP_VERSION;

    uint32_t first = get32(p + OFF_FLOW);
    ret->tclass = (uint8_t)(first >> 20);
    ret->flow = first & FLOW_MASK;
    ret->hlim = p[OFF_HLIM];
    ret->total_len = (uint32_t)IPV6_HEADER + get16(p + OFF_PAYLOAD);
    if (ret->total_len > frame_total) /* MAL-59 */
        return GN_DROP_IP_TRUNCATED;
    memcpy(ret->src.b, p + OFF_SRC, sizeof ret->src.b);
    memcpy(ret->dst.b, p + OFF_DST, sizeof ret->dst.b);

    w->p = p;
    w->end = min_u32(len, ret->total_len);
    w->at = IPV6_HEADER;
    w->next_at = OFF_NEXT;
    w->next = p[OFF_NEXT];
    bool good = walk_chain(w);
    ret->next = w->next;
    ret->header_len = w->at;
    ret->frag = w->frag;
    return good ? GN_DROP_NONE : GN_DROP_IP_OPTIONS;
}

/** check_fragment() - of a packet whose header is in @h: the first one holds all headers, TCP's too
 * (RFC 7112, MAL-57) */
static enum gn_drop check_fragment(const uint8_t *p, uint32_t len, const struct ipv6 *h)
{
    struct frag f = {h->frag.off, h->total_len - h->header_len, h->frag.more};
    uint32_t readable = min_u32(len, h->total_len) - h->header_len, ext;
    uint8_t proto = h->next;

    if (f.off == 0) {
        if (ipv6_extensions(p + h->header_len, readable, &proto, &ext) != GN_DROP_NONE)
            return GN_DROP_FRAG_BAD;
        f.len -= ext;
    }
    return frag_check(&f, proto);
}

enum gn_drop ipv6_parse(const uint8_t *p, uint32_t len, uint32_t frame_total, struct ipv6 *ret)
{
    struct ipv6 h;
    struct walk w = {0};
    enum gn_drop drop = decode(p, len, frame_total, &w, &h);

    if (drop != GN_DROP_NONE)
        return drop;
    if (ipv6_is_fragment(&h)) {
        drop = check_fragment(p, len, &h);
        if (drop != GN_DROP_NONE)
            return drop;
    }
    *ret = h;
    return GN_DROP_NONE;
}

enum gn_drop ipv6_parse_quoted(const uint8_t *p, uint32_t len, struct ipv6 *ret)
{
    struct ipv6 h;
    struct walk w = {.quoted = true};
    enum gn_drop drop = decode(p, len, UINT32_MAX, &w, &h);

    if (drop == GN_DROP_NONE)
        *ret = h;
    return drop;
}

enum gn_drop ipv6_skim(const uint8_t *p, uint32_t len, struct ipv6 *ret)
{
    struct ipv6 h;
    struct walk w = {.quoted = true, .skim = true};
    enum gn_drop drop = decode(p, len, UINT32_MAX, &w, &h);

    if (drop != GN_DROP_NONE && !w.cut)
        return drop;
    *ret = h;
    return GN_DROP_NONE;
}

enum gn_drop ipv6_extensions(const uint8_t *p, uint32_t len, uint8_t *next, uint32_t *ret_len)
{
    /* one fragment header has been there: another one is refused */
    struct walk w = {.p = p, .end = len, .next = *next, .frag.present = true};

    if (!walk_chain(&w))
        return GN_DROP_IP_OPTIONS;
    *next = w.next;
    *ret_len = w.at;
    return GN_DROP_NONE;
}

/** holds_all() - does the first fragment, whose walk @w ended behind its fragment header, hold all
 * headers? */
static bool holds_all(struct walk *w)
{
    return walk_chain(w) && (w->next != PROTO_TCP || has(w, TCP_HEADER));
}

/** fragment_problem() - what is to be said of fragment @h, whose walk @w ended behind its fragment
 * header (RFC 8200 4.5); false: nothing */
static bool fragment_problem(struct walk *w, const struct ipv6 *h)
{
    uint32_t len = h->total_len - h->header_len;

    if (h->frag.off == 0 && !holds_all(w)) {
        bool incomplete = w->cut && w->end == h->total_len; /* else the rest is in another span */

        if (incomplete)
            (void)refuse(w, ICMP6_INCOMPLETE, 0);
        return incomplete || w->bad_at != 0;
    }
    if (len > 0 && h->frag.off + len > PAYLOAD_MAX)
        (void)refuse(w, ICMP6_BAD_FIELD, h->header_len - IPV6_FRAG_HEADER + 2);
    else if (h->frag.more && len % 8 != 0)
        (void)refuse(w, ICMP6_BAD_FIELD, OFF_PAYLOAD);
    return w->bad_at != 0;
}

bool ipv6_problem(const uint8_t *p, uint32_t len, struct ipv6_problem *ret)
{
    struct ipv6 h;
    struct walk w = {0};
    enum gn_drop drop = decode(p, len, UINT32_MAX, &w, &h);

    if (drop == GN_DROP_IP_TRUNCATED || drop == GN_DROP_IP_VERSION)
        return false;
    if (drop == GN_DROP_NONE && !ipv6_is_fragment(&h))
        (void)refuse(&w, ICMP6_BAD_NEXT, w.next_at);
    else if (drop == GN_DROP_NONE ? !fragment_problem(&w, &h) : w.bad_at == 0)
        return false;
    *ret = (struct ipv6_problem){.src = h.src,
                                 .dst = h.dst,
                                 .total_len = h.total_len,
                                 .code = w.bad_code,
                                 .pointer = w.bad_at,
                                 .even_group = w.even_group};
    return true;
}

uint32_t ipv6_emit(const struct ipv6 *h, uint8_t *p)
{
    put32(p + OFF_FLOW, 6u << 28 | (uint32_t)h->tclass << 20 | (h->flow & FLOW_MASK));
    put16(p + OFF_PAYLOAD, (uint16_t)(h->total_len - IPV6_HEADER));
    p[OFF_NEXT] = h->frag.present ? IPV6_FRAGMENT : h->next;
    p[OFF_HLIM] = h->hlim;
    memcpy(p + OFF_SRC, h->src.b, sizeof h->src.b);
    memcpy(p + OFF_DST, h->dst.b, sizeof h->dst.b);
    if (!h->frag.present)
        return IPV6_HEADER;

    uint8_t *f = p + IPV6_HEADER;
    f[0] = h->next;
    f[1] = 0;
    put16(f + 2, (uint16_t)(h->frag.off | (h->frag.more ? 1 : 0)));
    put32(f + 4, h->frag.id);
    return IPV6_HEADER + IPV6_FRAG_HEADER;
}

/** addr_sum() - 2^16 counts as 1, so a 32-bit word stands for the sum of its halves */
static inline uint64_t addr_sum(const struct gn_addr *a)
{
    return (uint64_t)get32(a->b) + get32(a->b + 4) + get32(a->b + 8) + get32(a->b + 12);
}

uint64_t ipv6_pseudo(const struct gn_addr *src, const struct gn_addr *dst, uint8_t proto,
                     uint32_t len)
{
    return addr_sum(src) + addr_sum(dst) + proto + len;
}
