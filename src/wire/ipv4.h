/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ipv4.h  IPv4 headers (RFC 791).
 */
#ifndef GN_WIRE_IPV4_H
#define GN_WIRE_IPV4_H

#include "base/bits.h"
#include "wire/checksum.h"

#include <gannet/types.h>

#include <string.h>

#define IPV4_HEADER     20 /* what ipv4_emit() writes */
#define IPV4_HEADER_MAX 60
#define IPV4_OFF_SRC    12
#define IPV4_OFF_DST    16

struct ipv4 {
    struct gn_addr src, dst; /* mapped form */
    uint8_t proto;
    uint8_t tos; /* all eight bits, ECN included */
    uint8_t ttl;
    bool df;
    bool more;         /* more fragments follow this one */
    bool source_route; /* parsed only: loose or strict source route present */
    uint16_t ident;
    uint16_t frag_off;   /* octets, a multiple of 8 */
    uint16_t header_len; /* octets, 20 .. 60; not used by ipv4_emit() */
    uint16_t total_len;  /* octets, header included */
};

/** ipv4_load() - four octets as a mapped address */
static inline struct gn_addr ipv4_load(const uint8_t *p)
{
    struct gn_addr a = {.b = {[10] = 0xff, [11] = 0xff}};
    memcpy(a.b + 12, p, 4);
    return a;
}

/** ipv4_store() - the last four octets of a mapped address */
static inline void ipv4_store(const struct gn_addr *a, uint8_t *p)
{
    memcpy(p, a->b + 12, 4);
}

/** ipv4_is_fragment() - a part of a packet, not the whole of it */
static inline bool ipv4_is_fragment(const struct ipv4 *h)
{
    return h->more || h->frag_off != 0;
}

/**
 * ipv4_parse() - the header of a packet
 * @p, @len:     contiguous octets; the header at least must be among them
 * @frame_total: octets of the packet in all, contiguous or not, link padding included
 * @ret:         untouched on failure
 *
 * Returns GN_DROP_NONE, _IP_TRUNCATED, _IP_VERSION, _IP_HEADER_LEN, _IP_CHECKSUM, _IP_OPTIONS, or
 * _FRAG_BAD (see frag.h). On success header_len <= len and header_len <= total_len <= frame_total.
 */
enum gn_drop ipv4_parse(const uint8_t *p, uint32_t len, uint32_t frame_total, struct ipv4 *ret);
/** ipv4_parse_quoted() - the same for a packet quoted by ICMP: it may end anywhere after its
 * header, which routers have changed. total_len is that of the quoted packet, not checked; nor is
 * the checksum */
enum gn_drop ipv4_parse_quoted(const uint8_t *p, uint32_t len, struct ipv4 *ret);
/** ipv4_sum20() - are the 20 octets of a header without options good by its checksum? As three
 * words: all ones are that in any order of octets */
static inline bool ipv4_sum20(const uint8_t *p)
{
    uint64_t first, last, sum;
    uint32_t mid;

    memcpy(&first, p, 8);
    memcpy(&mid, p + 8, 4);
    memcpy(&last, p + 12, 8);
    sum = first + last;
    sum += sum < last;
    sum += mid;
    sum += sum < mid;
    return sum != 0 && csum_good_some(sum);
}
/** ipv4_pseudo() - sum of the pseudo-header in front of @len octets of transport (RFC 9293 3.1) */
static inline uint64_t ipv4_pseudo(const struct gn_addr *src, const struct gn_addr *dst,
                                   uint8_t proto, uint32_t len)
{
    /* 2^16 counts as 1 here, so a 32-bit word stands for the sum of its halves */
    return (uint64_t)get32(src->b + 12) + get32(dst->b + 12) + proto + len;
}

#define IPV4_DF   0x4000
#define IPV4_MORE 0x2000

/** ipv4_third() - the word of time to live and protocol, but for the checksum */
static inline uint32_t ipv4_third(uint8_t ttl, uint8_t proto)
{
    return (uint32_t)ttl << 24 | (uint32_t)proto << 16;
}

/** ipv4_put() - header without options, checksum included. @ident: the word of identification,
 * flags and offset; @third: ipv4_third(); @addrs: ipv4_pseudo() of the addresses alone */
static inline void ipv4_put(const struct gn_addr *src, const struct gn_addr *dst, uint64_t addrs,
                            uint8_t tos, uint32_t total_len, uint32_t ident, uint32_t third,
                            uint8_t *p)
{
    uint32_t first = 4u << 28 | (uint32_t)IPV4_HEADER / 4 << 24 | (uint32_t)tos << 16 | total_len;
    /* from the values: what was just written is not read again, it may not be near */
    uint64_t sum = addrs + first + ident + third;

    put32(p, first);
    put32(p + 4, ident);
    put32(p + 8, third | csum_finish(sum));
    ipv4_store(src, p + 12);
    ipv4_store(dst, p + 16);
}

/** ipv4_emit() - header without options, checksum included; returns IPV4_HEADER */
static inline uint32_t ipv4_emit(const struct ipv4 *h, uint8_t *p)
{
    uint32_t ident = (uint32_t)h->ident << 16 | h->frag_off / 8u;

    ident |= (h->df ? IPV4_DF : 0u) | (h->more ? IPV4_MORE : 0u);
    ipv4_put(&h->src, &h->dst, ipv4_pseudo(&h->src, &h->dst, 0, 0), h->tos, h->total_len, ident,
             ipv4_third(h->ttl, h->proto), p);
    return IPV4_HEADER;
}

#endif
