/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emit.c  A segment becomes a frame, or several: headers, text, checksum.
 *
 * Text is touched once at the most: without GN_CAP_GATHER it is copied into the frame and summed in
 * one pass; with it, the frame names the send buffer, and only the sum (if the interface does not
 * finish checksums) reads it.
 *
 * A super-segment for an interface that takes none is cut into frames. All but the last are of one
 * length, so their headers differ in SEG.SEQ, a few control bits and the TCP checksum alone: the
 * first frame is made like any other, and the next ones begin with a copy of its headers.
 */
#include "host/emit.h"

#include "base/bits.h"

/** put_text() - copy the text behind the header at @p, or name it; returns @sum, which covers the
 * @th octets of header, with that of the text if it is @wanted */
static uint64_t put_text(const struct gn_host *h, struct gn_frame *f, const struct seg *s,
                         uint8_t *p, uint32_t th, uint64_t sum, unsigned caps, bool wanted)
{
    uint32_t at = th;

    for (unsigned i = 0; i < s->n_text; i++) {
        const struct gn_span *t = &s->text[i];
        uint64_t piece = 0;

        if (caps & GN_CAP_GATHER) {
            f->tail[f->n_tail++] = *t;
            if (wanted)
                piece = h->csum->sum(t->ptr, t->len);
        } else if (wanted) {
            piece = t->len <= CSUM_FEW ? csum_copy_few(p + at, t->ptr, t->len)
                                       : h->csum->copy(p + at, t->ptr, t->len);
        } else {
            memcpy(p + at, t->ptr, t->len);
        }
        if (wanted)
            sum = csum_join(sum, piece, at);
        at += t->len;
    }
    if (!(caps & GN_CAP_GATHER))
        f->len += s->text_len;
    return sum;
}

/** head_sum() - where the checksum of a segment begins: the pseudo-header without the length, and
 * the TCP header, whose sum is @head, unless the interface has to sum it */
static uint64_t head_sum(const struct seg *s, uint64_t head, unsigned caps)
{
    return ip_pseudo(&s->key.laddr, &s->key.raddr, IP_PROTO_TCP, 0) +
           (caps & GN_CAP_CSUM_TX ? 0 : head);
}

/** put_body() - text and checksum (MUST-2) of a frame that has room for @hl octets of other headers
 * and holds @th octets of TCP header, all but the checksum; @sum: head_sum(). Returns octets of TCP
 * packet */
static uint32_t put_body(const struct gn_host *h, struct gn_frame *f, const struct seg *s,
                         uint32_t hl, uint32_t th, uint64_t sum, unsigned caps)
{
    bool owed = caps & GN_CAP_CSUM_TX;
    uint32_t len = th + s->text_len;
    uint8_t *p = f->buf + hl;

    f->data = f->buf;
    f->len = hl + th;
    f->n_tail = 0;
    f->flags = owed ? GN_FRAME_CSUM_OWED : 0;
    f->csum_start = (uint16_t)hl;
    f->csum_offset = TCP_OFF_SUM;
    f->gso_size = 0;
    f->hdr_len = 0;
    sum = put_text(h, f, s, p, th, sum + len, caps, !owed);
    put16(p + TCP_OFF_SUM, owed ? csum_fold(sum) : csum_finish(sum));
    if (s->gso_size && s->text_len > s->gso_size) {
        f->gso_size = s->gso_size;
        f->hdr_len = (uint16_t)(hl + th);
    }
    return len;
}

/** put_headers() - IP and link header of a frame that has everything else; false: it was not used
 * (dropped or held back) */
static bool put_headers(struct gn_host *h, const struct seg *s, struct gn_frame *f,
                        const struct ip_path *path, uint32_t len, enum gn_state state)
{
    const struct ip_header ih = {.src = s->key.laddr,
                                 .dst = s->key.raddr,
                                 .proto = IP_PROTO_TCP,
                                 .tos = (uint8_t)((s->tos & 0xfc) | s->ecn), /* SHLD-22 */
                                 .ttl = s->ttl,
                                 .len = len,
                                 .dont_fragment = !s->fragment};
    enum gn_drop d = ip_emit(&h->ip, &h->ip_env, path, &ih, f->buf);

    if (d == GN_DROP_NEIGH_UNRESOLVED)
        d = ip_hold(&h->ip, &h->ip_env, path, f);
    else if (!d)
        return true;
    if (d)
        host_drop(h, d, s, state);
    return false;
}

/** plain() - an interface without link headers, where all is done here: IPv4 that may not be
 * fragmented, text in one piece at most */
static inline bool plain(const struct ip_path *path, const struct seg *s)
{
    return path->plain && !s->fragment && s->n_text <= 1;
}

/** finish_plain() - the rest of a segment that is plain(): of its TCP packet, @len octets, only the
 * checksum is missing. @sum: of header and text; @addrs: ipv4_pseudo() of the addresses alone */
static inline void finish_plain(struct gn_host *h, const struct seg *s, struct gn_frame *f,
                                const struct ip_path *path, uint32_t len, uint64_t sum,
                                uint64_t addrs)
{
    uint8_t *p = f->buf;

    put16(p + IPV4_HEADER + TCP_OFF_SUM, csum_finish(sum + addrs + IP_PROTO_TCP + len));
    ipv4_put(&s->key.laddr, &s->key.raddr, addrs, (uint8_t)((s->tos & 0xfc) | s->ecn),
             IPV4_HEADER + len, IPV4_DF, ipv4_third(s->ttl, IP_PROTO_TCP), p);
    f->data = p;
    f->len = IPV4_HEADER + len;
    f->n_tail = 0;
    f->iface = path->iface;
    f->flags = 0;
    f->gso_size = 0;
    h->stats.IpOutRequests++;
}

/** emit_text() - emit_segment() for one that is plain() and has text, or options that few have */
static __attribute__((noinline)) bool emit_text(struct gn_host *h, const struct seg *s,
                                                struct gn_frame *f, const struct ip_path *path)
{
    uint8_t *p = f->buf + IPV4_HEADER;
    uint32_t len = s->text_len, th;
    uint64_t sum, addrs = ipv4_pseudo(&s->key.laddr, &s->key.raddr, 0, 0);

    th = tcp_emit_sum(s, p, &sum);
    if (len) /* behind whole words */
        sum += len <= CSUM_FEW ? csum_copy_few(p + th, s->text[0].ptr, len)
                               : h->csum->copy(p + th, s->text[0].ptr, len);
    finish_plain(h, s, f, path, th + len, sum, addrs);
    return true;
}

/** emit_any() - emit_segment() in general. @path: NULL if it is not in the cache */
static __attribute__((noinline)) bool emit_any(struct gn_host *h, const struct seg *s,
                                               struct gn_frame *f, const struct ip_path *path,
                                               enum gn_state state)
{
    uint32_t hl, th, len;
    uint64_t head;

    if (!path)
        path = host_path_find(h, &s->key.raddr, NULL);
    if (h->env.trace)
        host_trace_seg(h, GN_TRACE_SEG_OUT, s, state);
    if (!path) {
        host_drop(h, GN_DROP_IP_NO_ROUTE, s, state);
        return false;
    }
    if (plain(path, s)) /* but traced, or to where nothing was sent lately */
        return emit_text(h, s, f, path);
    f->iface = path->iface;
    hl = path->bare4 ? IPV4_HEADER : ip_headers_len(&h->ip, path->iface, &s->key.raddr);
    th = tcp_emit_sum(s, f->buf + hl, &head);
    len = put_body(h, f, s, hl, th, head_sum(s, head, path->caps), path->caps);
    return put_headers(h, s, f, path, len, state);
}

/* Nearly all segments are plain(): they are made header by header from the values at hand; a test
 * compares the frames. Here are those that need no call, and so no registers to be saved */
__attribute__((noinline)) bool emit_segment(struct gn_host *h, const struct seg *s,
                                            struct gn_frame *f, enum gn_state state)
{
    const struct ip_path *path = host_path_known(h, &s->key.raddr);
    uint64_t sum, addrs;
    uint32_t th;

    if (!path || h->env.trace || !plain(path, s))
        return emit_any(h, s, f, path, state);
    if (s->n_text || s->opt.has != OPT_TS)
        return emit_text(h, s, f, path);
    addrs = ipv4_pseudo(&s->key.laddr, &s->key.raddr, 0, 0);
    th = tcp_emit_usual(s, f->buf + IPV4_HEADER, &sum);
    finish_plain(h, s, f, path, th, sum, addrs);
    return true;
}

/** emit_like() - a segment whose frame differs from @first's in SEG.SEQ, control bits and text.
 * @hl, @th: octets of headers; @sum: head_sum() but for what differs */
static void emit_like(struct gn_host *h, const struct seg *s, struct gn_frame *f,
                      const struct gn_frame *first, uint32_t hl, uint32_t th, uint64_t sum,
                      unsigned caps)
{
    f->iface = first->iface;
    memcpy(f->buf, first->buf, hl + th);
    tcp_emit_like(s, th, f->buf + hl);
    put_body(h, f, s, hl, th, caps & GN_CAP_CSUM_TX ? sum : sum + tcp_varies(s), caps);
    h->stats.IpOutRequests++;
}

size_t emit_train(struct gn_host *h, const struct seg *s, struct gn_frame *f, enum gn_state state)
{
    const struct ip_path *path = host_path(h, &s->key.raddr, NULL);
    struct seg one = *s;
    uint8_t scratch[TCP_HEADER_MAX];
    uint32_t hl = 0, th;
    uint64_t head, sum = 0;
    unsigned caps = 0;
    size_t used = 0;

    one.seq = seq(0);
    one.ctl = 0;
    th = tcp_emit_sum(&one, scratch, &head);
    if (path) {
        hl = ip_headers_len(&h->ip, path->iface, &s->key.raddr);
        caps = path->caps;
        sum = head_sum(s, head, caps);
    }
    for (uint32_t off = 0; off < s->text_len; off += one.text_len) {
        seg_part(s, off, &one);
        if (!used || one.text_len < s->gso_size) {
            used += emit_segment(h, &one, &f[used], state);
            continue;
        }
        if (h->env.trace)
            host_trace_seg(h, GN_TRACE_SEG_OUT, &one, state);
        __builtin_prefetch(f[used].buf + hl + s->gso_size, 1);
        emit_like(h, &one, &f[used], &f[0], hl, th, sum, caps);
        used++;
    }
    return used;
}
