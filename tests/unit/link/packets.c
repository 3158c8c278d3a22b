/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/link/packets.h"

#include "base/bits.h"

uint16_t sum16(uint32_t start, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        start = (start & 0xffff) + (start >> 16);
    }
    return (uint16_t)((start & 0xffff) + (start >> 16));
}

uint8_t text_octet(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13);
}

/** pseudo() - folded sum of the pseudo-header of @len octets of TCP in the packet at @ip */
static uint32_t pseudo(const uint8_t *ip, bool v6, uint32_t len)
{
    uint8_t tail[8] = {
        (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, 6};

    return sum16(sum16(0, v6 ? ip + 8 : ip + 12, v6 ? 32 : 8), tail, 8);
}

/** make_ip() - the IP header at @p for @len octets of TCP; its length */
static uint32_t make_ip(uint8_t *p, const struct recipe *r, uint32_t len)
{
    uint8_t dst = r->dst_host ? r->dst_host : 2;

    if (r->v6) {
        static const uint8_t net[8] = {0xfd, 0, 0, 0, 0, 0, 0, 0x77};

        p[0] = 0x60;
        put16(p + 4, (uint16_t)len);
        p[6] = 6;
        p[7] = 64;
        memcpy(p + 8, net, 8);
        p[23] = 1;
        memcpy(p + 24, net, 8);
        p[39] = dst;
        return 40;
    }
    p[0] = 0x45;
    put16(p + 2, (uint16_t)(20 + len));
    put16(p + 4, r->ident);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = 6;
    memcpy(p + 12, (uint8_t[4]){10, 77, 0, 1}, 4);
    memcpy(p + 16, (uint8_t[4]){10, 77, 0, dst}, 4);
    put16(p + 10, (uint16_t)~sum16(0, p, 20));
    return 20;
}

void make(struct made *m, const struct recipe *r)
{
    uint32_t hdr = 20u + r->options, ip = 0, tcp, off, front = r->text - r->tail0 - r->tail1;
    static uint8_t text[66 * 1024];
    uint8_t *p = m->bytes;

    memset(m->bytes, 0, 256);
    for (uint32_t i = 0; i < r->text; i++)
        text[i] = text_octet(i);
    if (r->medium == GN_MEDIUM_ETHERNET) {
        memcpy(p, (uint8_t[6]){2, 0, 0, 0, 0, r->dst_host ? r->dst_host : 2}, 6);
        memcpy(p + 6, (uint8_t[6]){2, 0, 0, 0, 0, 1}, 6);
        put16(p + 12, r->v6 ? 0x86dd : 0x0800);
        ip = 14;
    }
    tcp = ip + make_ip(p + ip, r, hdr + r->text);
    put16(p + tcp, 40000);
    put16(p + tcp + 2, 80);
    put32(p + tcp + 4, r->seq);
    put32(p + tcp + 8, 77);
    p[tcp + 12] = (uint8_t)(hdr / 4 << 4);
    p[tcp + 13] = r->ctl;
    put16(p + tcp + 14, 1000);
    memset(p + tcp + 20, 1, r->options);
    put16(p + tcp + 16, (uint16_t)pseudo(p + ip, r->v6, hdr + r->text));
    off = tcp + hdr;
    if (!r->owed) { /* odd text behind an even header: one sum will do */
        uint16_t s = sum16(0, p + tcp, hdr);

        put16(p + tcp + 16, (uint16_t)~sum16(s, text, r->text));
    }
    memcpy(p + off, text, front);
    memcpy(m->tail[0], text + front, r->tail0);
    memcpy(m->tail[1], text + front + r->tail0, r->tail1);
    m->f = (struct gn_frame){.data = p,
                             .len = off + front,
                             .n_tail = (uint8_t)(r->tail1   ? 2
                                                 : r->tail0 ? 1
                                                            : 0),
                             .tail = {{m->tail[0], r->tail0}, {m->tail[1], r->tail1}},
                             .flags = r->owed ? GN_FRAME_CSUM_OWED : 0,
                             .csum_start = (uint16_t)(r->owed ? tcp : 0),
                             .csum_offset = (uint16_t)(r->owed ? 16 : 0),
                             .gso_size = r->gso_size,
                             .hdr_len = (uint16_t)(r->gso_size ? off : 0)};
}

struct seen look(const uint8_t *p, uint32_t len, enum gn_medium m)
{
    struct seen s = {0};
    uint32_t ip = m == GN_MEDIUM_ETHERNET ? 14 : 0, tcp, hdr;

    if (len < ip + 20)
        return s;
    s.v6 = p[ip] >> 4 == 6;
    tcp = ip + (s.v6 ? 40 : 20);
    if (len < tcp + 20)
        return s;
    hdr = (p[tcp + 12] >> 4) * 4u;
    s.ident = s.v6 ? 0 : get16(p + ip + 4);
    s.sport = get16(p + tcp);
    s.dport = get16(p + tcp + 2);
    s.seq = get32(p + tcp + 4);
    s.ctl = p[tcp + 13];
    s.text = p + tcp + hdr;
    s.text_len = len - tcp - hdr;
    s.ok = len >= tcp + hdr && sum16(pseudo(p + ip, s.v6, len - tcp), p + tcp, len - tcp) == 0xffff;
    if (s.v6)
        s.ok = s.ok && get16(p + ip + 4) == len - tcp;
    else
        s.ok = s.ok && get16(p + ip + 2) == len - ip && sum16(0, p + ip, 20) == 0xffff;
    return s;
}
