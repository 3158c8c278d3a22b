/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file gso.c  Segmentation of TCP super-segments in software.
 *
 * Each piece gets the headers of the super-segment with these changes: the IP length; the IPv4
 * identification, counted up, and the header checksum; the sequence number, advanced by the text
 * before it; FIN and PSH only in the last piece, CWR only in the first (RFC 3168 6.1.2); the TCP
 * checksum, computed while the text is copied.
 */
#include "link/gso.h"

#include "base/bits.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/tcp.h"

#define PROTO_TCP             6
#define PROTO_UDP_CSUM_OFFSET 6

uint64_t frame_copy(const struct gn_frame *f, uint32_t off, uint32_t len, uint8_t *dst)
{
    uint64_t sum = 0;
    uint32_t done = 0;

    for (unsigned i = 0; i <= f->n_tail && done < len; i++) {
        const uint8_t *p = i ? f->tail[i - 1].ptr : f->data;
        uint32_t n = i ? f->tail[i - 1].len : f->len;

        if (off >= n) {
            off -= n;
            continue;
        }
        n = min_u32(n - off, len - done);
        sum = csum_join(sum, csum_copy(dst + done, p + off, n), done);
        done += n;
        off = 0;
    }
    return sum;
}

/**
 * gso_locate() - find and check the headers of a super-segment
 *
 * True: g->ip, tcp, hdr, v6 and pseudo are set, and all headers are contiguous.
 */
static bool gso_locate(struct gso *g, enum gn_medium m)
{
    const struct gn_frame *f = g->f;
    const uint8_t *ip;

    g->ip = m == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;
    if (f->len < g->ip + 20)
        return false;
    ip = f->data + g->ip;
    g->v6 = ip[0] >> 4 == 6;
    if (g->v6) {
        g->tcp = g->ip + 40;
        if (f->len < g->tcp || ip[6] != PROTO_TCP)
            return false;
        g->pseudo = csum(ip + 8, 32) + PROTO_TCP;
    } else {
        g->tcp = g->ip + (ip[0] & 15) * 4u;
        if (ip[0] >> 4 != 4 || g->tcp < g->ip + 20 || ip[9] != PROTO_TCP)
            return false;
        g->pseudo = csum(ip + 12, 8) + PROTO_TCP;
    }
    if (f->len < g->tcp + TCP_HEADER_MIN)
        return false;
    g->hdr = g->tcp + (f->data[g->tcp + 12] >> 4) * 4u;
    return g->hdr >= g->tcp + TCP_HEADER_MIN && g->hdr <= f->len;
}

bool gso_begin(struct gso *g, const struct gn_frame *f, enum gn_medium m)
{
    *g = (struct gso){.f = f};
    if (f->n_tail > GN_FRAME_TAILS)
        return false;
    g->total = gn_frame_total(f);
    if (g->total == 0 || g->total > GN_FRAME_MAX)
        return false;
    if (f->gso_size != 0) {
        if (!gso_locate(g, m))
            return false;
        g->size = f->gso_size;
        g->text = g->total - g->hdr;
        return true;
    }
    return !(f->flags & GN_FRAME_CSUM_OWED) ||
           (uint32_t)f->csum_start + f->csum_offset + 2 <= f->len;
}

bool gso_finishes(const struct gso *g)
{
    return g->size != 0 || (g->f->flags & GN_FRAME_CSUM_OWED);
}

uint32_t gso_next_len(const struct gso *g)
{
    if (g->done)
        return 0;
    return g->size ? g->hdr + min_u32(g->size, g->text - g->off) : g->total;
}

void gso_skip(struct gso *g)
{
    g->off += g->size ? min_u32(g->size, g->text - g->off) : 0;
    g->index++;
    g->done = g->off == g->text;
}

/** gso_whole() - a frame that is one packet: gather it, finish what is owed */
static uint32_t gso_whole(struct gso *g, uint8_t *out)
{
    const struct gn_frame *f = g->f;

    frame_copy(f, 0, g->total, out);
    if (f->flags & GN_FRAME_CSUM_OWED) {
        /* the field holds the pseudo-header's sum, so it is summed with the rest */
        uint16_t c = csum_finish(csum(out + f->csum_start, g->total - f->csum_start));

        if (c == 0 && f->csum_offset == PROTO_UDP_CSUM_OFFSET)
            c = 0xffff; /* 0 would mean: no checksum (RFC 768) */
        put16(out + f->csum_start + f->csum_offset, c);
    }
    gso_skip(g);
    return g->total;
}

/** gso_fix_ip() - length, identification and header checksum of the piece at @out, @len octets in
 * all */
static void gso_fix_ip(const struct gso *g, uint8_t *out, uint32_t len)
{
    uint8_t *ip = out + g->ip;

    if (g->v6) {
        put16(ip + 4, (uint16_t)(len - g->ip - 40));
        return;
    }
    put16(ip + 2, (uint16_t)(len - g->ip));
    put16(ip + 4, (uint16_t)(get16(ip + 4) + g->index));
    put16(ip + 10, 0);
    put16(ip + 10, csum_finish(csum(ip, g->tcp - g->ip)));
}

uint32_t gso_next(struct gso *g, uint8_t *out)
{
    uint32_t len = gso_next_len(g), n = len - g->hdr;
    uint8_t *tcp = out + g->tcp;
    uint64_t sum;
    bool last;

    if (len == 0)
        return 0;
    if (g->size == 0)
        return gso_whole(g, out);

    last = g->off + n == g->text;
    memcpy(out, g->f->data, g->hdr);
    sum = frame_copy(g->f, g->hdr + g->off, n, out + g->hdr);
    gso_fix_ip(g, out, len);
    put32(tcp + 4, get32(tcp + 4) + g->off);
    if (!last)
        tcp[13] &= (uint8_t) ~(CTL_FIN | CTL_PSH);
    if (g->index > 0)
        tcp[13] &= (uint8_t)~CTL_CWR;
    put16(tcp + 16, 0);
    /* the TCP header is a multiple of four octets, so the text stays in step with it */
    sum += csum(tcp, g->hdr - g->tcp) + g->pseudo + (len - g->tcp);
    put16(tcp + 16, csum_finish(sum));

    gso_skip(g);
    return len;
}
