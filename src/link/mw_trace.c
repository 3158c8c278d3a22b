/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mw_trace.c  Middleware: a line of text for every frame that passes.
 *
 *     12.000345 > 10.77.0.1:40000 10.77.0.2:80 S seq 1000 ack 0 win 65535 len 0
 *
 * '>' is towards the lower link, '<' from it.
 */
#include <gannet/link.h>

#include "base/bits.h"
#include "wire/eth.h"
#include "wire/tcp.h"

#include <inttypes.h>
#include <stdlib.h>

#define PROTO_TCP 6

struct trace {
    struct gn_link link; /* first */
    struct gn_link *lower;
    FILE *out;
};

/** trace_tcp() - the TCP part; @p holds @len octets from its header on, @total with what follows */
static void trace_tcp(FILE *out, const uint8_t *p, uint32_t len, uint32_t total)
{
    static const char letter[8] = {'F', 'S', 'R', 'P', '.', 'U', 'E', 'W'};
    char flags[9];
    unsigned n = 0;
    uint32_t hdr;

    if (len < TCP_HEADER_MIN) {
        fputs(" truncated", out);
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        if (p[13] >> i & 1)
            flags[n++] = letter[i];
    flags[n] = 0;
    hdr = (p[12] >> 4) * 4u;
    fprintf(out, " %s seq %" PRIu32 " ack %" PRIu32 " win %u len %" PRIu32, n ? flags : "none",
            get32(p + 4), get32(p + 8), get16(p + 14), total > hdr ? total - hdr : 0);
}

/** trace_ip() - addresses, and ports if it is TCP; @p, @len contiguous, @total in all */
static void trace_ip(FILE *out, const uint8_t *p, uint32_t len, uint32_t total)
{
    char src[GN_ADDR_TEXT], dst[GN_ADDR_TEXT];
    struct gn_addr a, b;
    uint32_t hdr = 40;
    uint8_t proto;

    if (len >= 20 && p[0] >> 4 == 4) {
        hdr = (p[0] & 15) * 4u;
        proto = p[9];
        a = gn_addr_v4(p[12], p[13], p[14], p[15]);
        b = gn_addr_v4(p[16], p[17], p[18], p[19]);
    } else if (len >= 40 && p[0] >> 4 == 6) {
        proto = p[6];
        memcpy(a.b, p + 8, 16);
        memcpy(b.b, p + 24, 16);
    } else {
        fputs(" not IP", out);
        return;
    }
    gn_addr_format(&a, src);
    gn_addr_format(&b, dst);
    if (proto != PROTO_TCP || len < hdr + 4) {
        fprintf(out, " %s %s protocol %u", src, dst, proto);
        return;
    }
    fprintf(out, " %s:%u %s:%u", src, get16(p + hdr), dst, get16(p + hdr + 2));
    trace_tcp(out, p + hdr, len - hdr, total - hdr);
}

/** trace_frames() - a line for each of @n frames */
static void trace_frames(struct trace *t, char dir, const struct gn_frame *frames, int n,
                         gn_time now)
{
    for (int i = 0; i < n; i++) {
        const struct gn_frame *f = &frames[i];
        uint32_t eth = t->link.iface.medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;
        uint32_t total = gn_frame_total(f);

        fprintf(t->out, "%" PRIu64 ".%06" PRIu64 " %c", now / GN_SEC, now % GN_SEC / GN_USEC, dir);
        if (f->len < eth)
            fputs(" truncated", t->out);
        else if (eth && get16(f->data + 12) != ETH_IPV4 && get16(f->data + 12) != ETH_IPV6)
            fprintf(t->out, " type 0x%04x len %" PRIu32, get16(f->data + 12), total);
        else
            trace_ip(t->out, f->data + eth, f->len - eth, total - eth);
        if (f->gso_size)
            fprintf(t->out, " gso %u", f->gso_size);
        fputc('\n', t->out);
    }
    t->link.stats = t->lower->stats;
}

/** trace_rx() - gn_link_ops.rx */
static int trace_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct trace *t = (struct trace *)(void *)l;
    int r = gn_link_rx(t->lower, frames, n, now);

    trace_frames(t, '<', frames, r, now);
    return r;
}

/** trace_tx() - gn_link_ops.tx */
static int trace_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct trace *t = (struct trace *)(void *)l;
    int r = gn_link_tx(t->lower, frames, n, now);

    trace_frames(t, '>', frames, r, now);
    return r;
}

/** trace_deadline() - the lower link's */
static struct gn_deadline trace_deadline(const struct gn_link *l)
{
    return gn_link_deadline(((const struct trace *)(const void *)l)->lower);
}

/** trace_close() - gn_link_ops.close; the file stays the caller's */
static void trace_close(struct gn_link *l)
{
    struct trace *t = (struct trace *)(void *)l;

    fflush(t->out);
    gn_link_close(t->lower);
    free(t);
}

static const struct gn_link_ops trace_ops = {trace_rx, trace_tx, trace_deadline, trace_close};

struct gn_link *gn_link_trace(struct gn_link *lower, FILE *out)
{
    struct trace *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->lower = lower;
    t->out = out;
    t->link = (struct gn_link){
        .ops = &trace_ops, .fd = lower->fd, .iface = lower->iface, .about = lower->about};
    return &t->link;
}
