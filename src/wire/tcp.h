/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcp.h  A TCP segment as a value, and as octets (RFC 9293 sec. 3.1).
 *
 * Parsed once into host order; from then on only values travel.
 */
#ifndef GN_WIRE_TCP_H
#define GN_WIRE_TCP_H

#include "base/addr.h"
#include "base/bits.h"
#include "base/seq.h"
#include "wire/checksum.h"
#include "wire/tcpopt.h"

#include <gannet/frame.h>

#include <string.h>

enum tcp_ctl {
    CTL_FIN = 0x001,
    CTL_SYN = 0x002,
    CTL_RST = 0x004,
    CTL_PSH = 0x008,
    CTL_ACK = 0x010,
    CTL_URG = 0x020,
    CTL_ECE = 0x040,
    CTL_CWR = 0x080,
    CTL_AE = 0x100, /* RFC 9768; formerly NS */
};

#define TCP_HEADER_MIN 20
#define TCP_HEADER_MAX 60
#define TCP_OFF_SPORT  0
#define TCP_OFF_DPORT  2
#define TCP_OFF_SEQ    4
#define TCP_OFF_ACK    8
#define TCP_OFF_CTL    12 /* data offset, three reserved bits, nine control bits */
#define TCP_OFF_WND    14
#define TCP_OFF_SUM    16
#define TCP_OFF_UP     18
#define TCP_CTL_MASK   0x1ff
#define SEG_SPANS      3

/** The four-tuple, seen from this host. */
struct tcp_key {
    struct gn_addr laddr, raddr;
    uint16_t lport, rport;
};

_Static_assert(sizeof(struct tcp_key) == 36, "the key has no padding");

/** tcp_key_ports() - both ports, in whatever order */
static inline uint32_t tcp_key_ports(const struct tcp_key *k)
{
    uint32_t ports;

    memcpy(&ports, &k->lport, 4);
    return ports;
}

/** tcp_key_addrs_equal() - two tuples have the same addresses */
static inline bool tcp_key_addrs_equal(const struct tcp_key *a, const struct tcp_key *b)
{
    return addr_same(&a->raddr, &b->raddr) && addr_same(&a->laddr, &b->laddr);
}

/** tcp_key_equal() - two tuples are the same */
static inline bool tcp_key_equal(const struct tcp_key *a, const struct tcp_key *b)
{
    /* most that differ do so in their ports */
    return tcp_key_ports(a) == tcp_key_ports(b) && tcp_key_addrs_equal(a, b);
}

/** One segment. SEG.LEN is seg_len(): text plus SYN plus FIN. */
struct seg {
    struct tcp_key key;
    seq_t seq, ack;
    uint16_t wnd; /* the field as it is on the wire, not scaled */
    uint16_t ctl; /* CTL_*; with wnd, one load where octets are in this order */
    uint16_t up;  /* urgent pointer field */
    uint8_t ecn;  /* IP ECN field, 0..3 */
    uint8_t ttl;  /* out: to send with */
    uint8_t tos;  /* IP Diffserv octet without ECN */
    uint8_t n_text;
    uint16_t gso_size;              /* out: text octets per wire segment, 0: one segment */
    uint32_t text_len;              /* octets of text */
    bool fragment;                  /* out: without Don't Fragment */
    struct gn_span text[SEG_SPANS]; /* borrowed */
    struct tcpopt opt;
};

/** seg_clear() - no text, no options, and all else 0. What only text or options give a meaning to
 * is left alone */
static inline void seg_clear(struct seg *s)
{
    memset(s, 0, offsetof(struct seg, text));
    memset(&s->opt, 0, offsetof(struct tcpopt, sack));
}

/** seg_copy() - *@to = *@s, but for what only options that it does not have give a meaning to */
static inline void seg_copy(struct seg *to, const struct seg *s)
{
    memcpy(to, s, offsetof(struct seg, opt.sack));
    if (s->opt.has & (OPT_SACK | OPT_TFO | OPT_ACCECN))
        memcpy(&to->opt.sack, &s->opt.sack, sizeof(*s) - offsetof(struct seg, opt.sack));
}

static inline uint32_t seg_len(const struct seg *s)
{
    return s->text_len + !!(s->ctl & CTL_SYN) + !!(s->ctl & CTL_FIN);
}

/** seg_on_wire() - how many segments it is on the wire: a super-segment is several */
static inline uint32_t seg_on_wire(const struct seg *s)
{
    return s->gso_size && s->text_len ? (s->text_len + s->gso_size - 1) / s->gso_size : 1;
}

/** seg_part() - the wire segment of the super-segment @s that begins @off octets into its text, a
 * multiple of gso_size. @ret: was a copy of @s before the first; what is the same for all stays */
void seg_part(const struct seg *s, uint32_t off, struct seg *ret);

/** tcp_read_fixed() - the part of the header that all have, @header octets with its options and
 * with the control field @bits, of a segment of @len octets in one piece */
static inline void tcp_read_fixed(const uint8_t *p, uint32_t len, uint32_t header, uint16_t bits,
                                  struct seg *ret)
{
    uint32_t ports = get32(p + TCP_OFF_SPORT);

    ret->key.lport = (uint16_t)ports;
    ret->key.rport = (uint16_t)(ports >> 16);
    ret->seq = seq(get32(p + TCP_OFF_SEQ));
    ret->ack = seq(get32(p + TCP_OFF_ACK));
    ret->ctl = bits & TCP_CTL_MASK;
    ret->wnd = get16(p + TCP_OFF_WND);
    ret->up = get16(p + TCP_OFF_UP);
    ret->ttl = 0;
    ret->gso_size = 0;
    ret->text_len = len - header;
    ret->n_text = len > header;
    if (len > header)
        ret->text[0] = (struct gn_span){p + header, len - header};
}

/** tcp_parse_any() - tcp_parse() for all segments there are */
enum gn_drop tcp_parse_any(const uint8_t *p, uint32_t len, const struct gn_span *tail,
                           unsigned n_tail, struct seg *ret);

/** tcp_parse_usual() - tcp_parse_any() for a segment in one piece that is no SYN and has timestamps
 * alone, where they usually are, or no options; false: it is another, *ret is untouched */
static inline bool tcp_parse_usual(const uint8_t *p, uint32_t len, struct seg *ret)
{
    uint32_t header = TCP_HEADER_MIN;
    uint16_t bits;
    bool ts;

    if (len < TCP_HEADER_MIN)
        return false;
    bits = get16(p + TCP_OFF_CTL);
    ts = bits >> 12 == (TCP_HEADER_MIN + TCPOPT_TS_SPACE) / 4;
    if ((bits & CTL_SYN) || (!ts && bits >> 12 != TCP_HEADER_MIN / 4))
        return false;
    if (ts) {
        header += TCPOPT_TS_SPACE;
        if (len < header || get32(p + TCP_HEADER_MIN) != TCPOPT_TS_ALONE)
            return false;
    }
    ret->opt = (struct tcpopt){0};
    if (ts) {
        ret->opt.has = OPT_TS;
        ret->opt.tsval = get32(p + TCP_HEADER_MIN + 4);
        ret->opt.tsecr = get32(p + TCP_HEADER_MIN + 8);
    }
    tcp_read_fixed(p, len, header, bits, ret);
    return true;
}

/** tcp_parse_usual_syn() - the same for a SYN with the options that SYNs have as a rule */
__attribute__((noinline)) bool tcp_parse_usual_syn(const uint8_t *p, uint32_t len, struct seg *ret);

/**
 * tcp_parse() - octets to a segment
 * @p, @len:  contiguous: at least the whole TCP header; text may go on in @tail
 * @tail:     borrowed, SEG_SPANS - 1 at most; what the segment really holds, link padding cut off
 * @ret:      the ports of key are set, as this host sees them; its addresses, ecn and tos are the
 * caller's (IP layer) to fill; everything else is set (text beyond n_text is left alone). On
 * failure some of it may be
 *
 * Returns GN_DROP_NONE, _TCP_TRUNCATED, _TCP_DATA_OFFSET, or _TCP_BAD_OPTIONS (a SYN only; in other
 * segments the broken tail of the options is ignored: OPT-GEN-1). Does not verify the checksum.
 */
static inline enum gn_drop tcp_parse(const uint8_t *p, uint32_t len, const struct gn_span *tail,
                                     unsigned n_tail, struct seg *ret)
{
    if (n_tail == 0 && (tcp_parse_usual(p, len, ret) || tcp_parse_usual_syn(p, len, ret)))
        return GN_DROP_NONE;
    return tcp_parse_any(p, len, tail, n_tail, ret);
}

/** tcp_header_len() - octets of header that tcp_emit() will write: 20 plus options, a multiple of 4
 */
uint32_t tcp_header_len(const struct seg *s);
/** tcp_emit_fixed() - the part of the header that all have, of @header octets in all; checksum
 * field 0. The sum of what was written and of @sum, of all 64 bits: csum_narrow() before more is
 * added
 */
static inline uint64_t tcp_emit_fixed(const struct seg *s, uint32_t header, uint8_t *p,
                                      uint64_t sum)
{
    uint64_t ports = (uint32_t)s->key.lport << 16 | s->key.rport;
    uint32_t ctl = (uint32_t)s->ctl << 16 | s->wnd;

    ctl = (ctl & (TCP_CTL_MASK << 16 | UINT16_MAX)) | header / 4 << 28;
    put32(p + TCP_OFF_SUM, s->up);
    sum = csum_put64(p + TCP_OFF_SPORT, ports << 32 | s->seq.raw, sum + s->up);
    return csum_put64(p + TCP_OFF_ACK, (uint64_t)s->ack.raw << 32 | ctl, sum);
}
/** tcp_emit_any() - tcp_emit_sum() whatever the options */
uint32_t tcp_emit_any(const struct seg *s, uint8_t *p, uint64_t *ret_sum);
/** tcp_opts_usual() - @s has timestamps alone, as nearly always, or no options */
static inline bool tcp_opts_usual(const struct seg *s)
{
    return !(s->opt.has & ~OPT_TS);
}
/** tcp_emit_usual() - tcp_emit_sum() for tcp_opts_usual() */
static inline uint32_t tcp_emit_usual(const struct seg *s, uint8_t *p, uint64_t *ret_sum)
{
    uint64_t sum;

    if (!s->opt.has) {
        *ret_sum = csum_narrow(tcp_emit_fixed(s, TCP_HEADER_MIN, p, 0));
        return TCP_HEADER_MIN;
    }
    put32(p + TCP_HEADER_MIN, TCPOPT_TS_ALONE);
    sum = tcp_emit_fixed(s, TCP_HEADER_MIN + TCPOPT_TS_SPACE, p, TCPOPT_TS_ALONE);
    sum = csum_put64(p + TCP_HEADER_MIN + 4, (uint64_t)s->opt.tsval << 32 | s->opt.tsecr, sum);
    *ret_sum = csum_narrow(sum);
    return TCP_HEADER_MIN + TCPOPT_TS_SPACE;
}
/** tcp_emit_sum() - write the header (not the text) at @p, checksum field 0; returns its length.
 * Source port is key.lport. *ret_sum: the sum of what was written, see checksum.h, from the values:
 * @p is only written */
static inline uint32_t tcp_emit_sum(const struct seg *s, uint8_t *p, uint64_t *ret_sum)
{
    return tcp_opts_usual(s) ? tcp_emit_usual(s, p, ret_sum) : tcp_emit_any(s, p, ret_sum);
}
/** tcp_emit() - the same without the sum */
static inline uint32_t tcp_emit(const struct seg *s, uint8_t *p)
{
    uint64_t sum;

    return tcp_emit_sum(s, p, &sum);
}
/** tcp_emit_like() - @p holds the header of another segment of the same connection, @header octets,
 * with the same options, ACK and window: make it that of @s but for the checksum. @p is only
 * written
 */
void tcp_emit_like(const struct seg *s, uint32_t header, uint8_t *p);
/** tcp_varies() - sum of what tcp_emit_like() writes, to be added to that of a header whose
 * SEG.SEQ, control bits and checksum are 0 */
static inline uint64_t tcp_varies(const struct seg *s)
{
    return (uint64_t)s->seq.raw + s->ctl;
}

#endif
