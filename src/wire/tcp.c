/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcp.c  TCP headers: octets to a value, and back.
 */
#include "wire/tcp.h"

#include "base/assert.h"
#include "base/bits.h"

#define SYN_ONLY (OPT_MSS | OPT_WSCALE | OPT_SACKOK | OPT_TFO)

/** add_text() - the text that is not in one piece with the header: lengths come from the buffers,
 * never from the wire (MAL-60) */
static void add_text(struct seg *s, const struct gn_span *tail, unsigned n_tail)
{
    for (unsigned i = 0; i < n_tail; i++) {
        if (tail[i].len == 0)
            continue;
        s->text[s->n_text++] = tail[i];
        s->text_len += tail[i].len;
    }
}

bool tcp_parse_usual_syn(const uint8_t *p, uint32_t len, struct seg *ret)
{
    const uint32_t header = TCP_HEADER_MIN + TCPOPT_SYN_SPACE;
    uint16_t bits;

    if (len < header)
        return false;
    bits = get16(p + TCP_OFF_CTL);
    if (!(bits & CTL_SYN) || bits >> 12 != header / 4 ||
        !tcpopt_parse_usual_syn(p + TCP_HEADER_MIN, &ret->opt))
        return false;
    tcp_read_fixed(p, len, header, bits, ret);
    return true;
}

enum gn_drop tcp_parse_any(const uint8_t *p, uint32_t len, const struct gn_span *tail,
                           unsigned n_tail, struct seg *ret)
{
    ASSERT(n_tail < SEG_SPANS);
    if (len < TCP_HEADER_MIN) /* MAL-01 */
        return GN_DROP_TCP_TRUNCATED;

    uint16_t bits = get16(p + TCP_OFF_CTL);
    uint32_t header = (uint32_t)(bits >> 12) * 4;
    if (header < TCP_HEADER_MIN || header > len) /* MAL-02, MAL-03 */
        return GN_DROP_TCP_DATA_OFFSET;

    if (header == TCP_HEADER_MIN) {
        ret->opt = (struct tcpopt){0};
    } else if (bits & CTL_SYN) { /* MUST-5: any segment may carry options */
        if (!tcpopt_parse(p + TCP_HEADER_MIN, header - TCP_HEADER_MIN, true, &ret->opt))
            return GN_DROP_TCP_BAD_OPTIONS; /* MUST-7: dropped, not reset: that would be a tool for
                                               blind resets */
    } else { /* MAL-10: a broken list must not cost an established connection its segment */
        (void)tcpopt_parse(p + TCP_HEADER_MIN, header - TCP_HEADER_MIN, false, &ret->opt);
    }
    tcp_read_fixed(p, len, header, bits, ret);
    add_text(ret, tail, n_tail);
    return GN_DROP_NONE;
}

uint32_t tcp_header_len(const struct seg *s)
{
    return TCP_HEADER_MIN + tcpopt_len(&s->opt);
}

void seg_part(const struct seg *s, uint32_t off, struct seg *ret)
{
    uint32_t n = min_u32(s->gso_size, s->text_len - off), left = n, skip = off;

    ret->seq = seq_add(s->seq, off);
    ret->gso_size = 0;
    ret->text_len = n;
    ret->n_text = 0;
    ret->ctl = s->ctl;
    if (off + n < s->text_len)
        ret->ctl &= (uint16_t) ~(CTL_PSH | CTL_FIN); /* with the last */
    for (unsigned i = 0; left; i++) {
        uint32_t gone = min_u32(skip, s->text[i].len), len = min_u32(s->text[i].len - gone, left);

        skip -= gone;
        left -= len;
        if (len)
            ret->text[ret->n_text++] = (struct gn_span){s->text[i].ptr + gone, len};
    }
}

void tcp_emit_like(const struct seg *s, uint32_t header, uint8_t *p)
{
    put32(p + TCP_OFF_SEQ, s->seq.raw);
    put16(p + TCP_OFF_CTL, (uint16_t)(header / 4 << 12 | (s->ctl & TCP_CTL_MASK)));
}

uint32_t tcp_emit_any(const struct seg *s, uint8_t *p, uint64_t *ret_sum)
{
    ASSERT((s->ctl & CTL_SYN) || !(s->opt.has & SYN_ONLY)); /* MUST-65 */

    uint64_t sum = 0;
    uint32_t header = TCP_HEADER_MIN + tcpopt_emit_sum(&s->opt, p + TCP_HEADER_MIN, &sum);

    *ret_sum = csum_narrow(tcp_emit_fixed(s, header, p, sum));
    return header;
}
