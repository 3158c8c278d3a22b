/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcpopt.c  TCP options: one reader, one writer (TRAP-12).
 *
 * The layout is the one of Linux, so that captures look familiar and middleboxes see nothing new: a
 * SYN carries MSS, SACK permitted, timestamps, NOP, window scale, in this order; everything else
 * carries NOP NOP timestamps, NOP NOP SACK (RFC 7323 appendix A). Every item that comes before
 * another one fills whole 32-bit words.
 */
#include "wire/tcpopt.h"

#include "base/assert.h"
#include "base/bits.h"
#include "wire/checksum.h"

/* MUST-4, MUST-68: kinds 0 and 1 stand alone, every other has a length octet */
enum kind {
    KIND_EOL = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_SACKOK = 4,
    KIND_SACK = 5,
    KIND_TS = 8,
    KIND_TFO = 34,
    KIND_ACCECN0 = 172,
    KIND_ACCECN1 = 174,
};

enum length {
    LEN_MSS = 4,
    LEN_WSCALE = 3,
    LEN_SACKOK = 2,
    LEN_TS = 10,
    LEN_SACK = 8,    /* of one block; 2 in front of them */
    LEN_TFO_MIN = 4, /* of the cookie; 2 in front of it */
    LEN_TFO_MAX = 16,
    LEN_ACCECN = 3, /* of one counter; 2 in front of them */
};

#define WSCALE_MAX    14
#define SYN_MSS       ((uint32_t)KIND_MSS << 24 | LEN_MSS << 16)
#define SYN_SACKOK_TS ((uint32_t)KIND_SACKOK << 24 | LEN_SACKOK << 16 | KIND_TS << 8 | LEN_TS)
#define SYN_WSCALE    ((uint32_t)KIND_NOP << 24 | KIND_WSCALE << 16 | LEN_WSCALE << 8)

/** read_ts() - ten octets of a timestamps option without kind and length. Like all reads here,
 * octet by octet: an option may begin anywhere (MUST-64) */
static inline void read_ts(const uint8_t *p, struct tcpopt *o)
{
    o->has |= OPT_TS;
    o->tsval = get32(p);
    o->tsecr = get32(p + 4);
}

/** read_sack() - blocks, if the length is that of 1 to 4 of them (MAL-08) */
static void read_sack(const uint8_t *p, uint32_t len, struct tcpopt *o)
{
    uint32_t n = len / LEN_SACK;

    if (n == 0 || n > TCPOPT_SACK_MAX || len % LEN_SACK != 0)
        return;
    o->has |= OPT_SACK;
    o->n_sack = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++, p += LEN_SACK)
        o->sack[i] = (struct tcpopt_sack){seq(get32(p)), seq(get32(p + 4))};
}

/** read_tfo() - a request (no cookie) or a cookie of 4 to 16 octets, even (RFC 7413 4.1.1) */
static void read_tfo(const uint8_t *p, uint32_t len, struct tcpopt *o)
{
    if (len != 0 && (len < LEN_TFO_MIN || len > LEN_TFO_MAX || len % 2 != 0))
        return;
    o->has |= OPT_TFO;
    o->tfo_len = (uint8_t)len;
    memcpy(o->tfo, p, len);
}

/** read_accecn() - as many whole counters as there are; what is left over is ignored (CC-9768-8) */
static void read_accecn(unsigned order, const uint8_t *p, uint32_t len, struct tcpopt *o)
{
    o->has |= OPT_ACCECN;
    o->acc_order = (uint8_t)order;
    o->n_acc = (uint8_t)min_u32(len / LEN_ACCECN, 3);
    for (uint32_t i = 0; i < o->n_acc; i++, p += LEN_ACCECN)
        o->acc[i] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/**
 * read_option() - one option with a length octet
 * @p, @len: what stands behind kind and length
 *
 * A wrong length makes it as if it were absent (OPT-GEN-2). Unknown kinds are passed over (MUST-6,
 * OPT-GEN-5).
 */
static void read_option(uint8_t kind, const uint8_t *p, uint32_t len, bool syn, struct tcpopt *o)
{
    switch (kind) {
    case KIND_MSS:
        if (syn && len == LEN_MSS - 2 && !(o->has & OPT_MSS)) { /* OPT-GEN-3, OPT-GEN-4 */
            o->has |= OPT_MSS;
            o->mss = get16(p); /* MAL-12: any value; who uses it clamps it */
        }
        break;
    case KIND_WSCALE:
        if (syn && len == LEN_WSCALE - 2 && !(o->has & OPT_WSCALE)) {
            o->has |= OPT_WSCALE;
            o->wscale = p[0] > WSCALE_MAX ? WSCALE_MAX : p[0]; /* OPT-WS-3, MAL-13 */
        }
        break;
    case KIND_SACKOK:
        if (syn && len == LEN_SACKOK - 2)
            o->has |= OPT_SACKOK;
        break;
    case KIND_SACK:
        if (!(o->has & OPT_SACK))
            read_sack(p, len, o);
        break;
    case KIND_TS:
        if (len == LEN_TS - 2 && !(o->has & OPT_TS)) /* MAL-09 */
            read_ts(p, o);
        break;
    case KIND_TFO:
        if (syn && !(o->has & OPT_TFO))
            read_tfo(p, len, o);
        break;
    case KIND_ACCECN0:
    case KIND_ACCECN1:
        if (!(o->has & OPT_ACCECN))
            read_accecn(kind == KIND_ACCECN1, p, len, o);
        break;
    default: /* a number from the wire, not an enumerator */ break;
    }
}

bool tcpopt_parse_usual_syn(const uint8_t p[TCPOPT_SYN_SPACE], struct tcpopt *ret)
{
    uint32_t mss = get32(p), wscale = get32(p + 16);

    if (mss >> 16 != SYN_MSS >> 16 || get32(p + 4) != SYN_SACKOK_TS ||
        wscale >> 8 != SYN_WSCALE >> 8)
        return false;
    *ret = (struct tcpopt){.has = TCPOPT_SYN, .mss = (uint16_t)mss};
    ret->wscale = (uint8_t)min_u32(wscale & 0xff, WSCALE_MAX); /* OPT-WS-3, MAL-13 */
    ret->tsval = get32(p + 8);
    ret->tsecr = get32(p + 12);
    return true;
}

bool tcpopt_parse(const uint8_t *p, uint32_t len, bool syn, struct tcpopt *ret)
{
    const uint8_t *end = p + len;

    *ret = (struct tcpopt){0};
    if (len == TCPOPT_TS_SPACE && get32(p) == TCPOPT_TS_ALONE) {
        read_ts(p + 4, ret);
        return true;
    }
    while (p < end && p[0] != KIND_EOL) { /* OPT-GEN-7: may end without EOL */
        if (p[0] == KIND_NOP) {
            p++;
            continue;
        }
        /* OPT-GEN-1, MUST-7, MAL-04, MAL-05, MAL-06: each turn goes on by two at least, and never
         * beyond the end */
        if (end - p < 2 || p[1] < 2 || p[1] > end - p)
            return false;
        read_option(p[0], p + 2, p[1] - 2u, syn, ret);
        p += p[1];
    }
    return true;
}

/** words() - round up to whole 32-bit words */
static inline uint32_t words(uint32_t n)
{
    return (n + 3) & ~3u;
}

/** other_len() - everything but SACK, each item rounded up to whole words; 40 at most */
static uint32_t other_len(const struct tcpopt *o)
{
    uint32_t n = 0;

    if (o->has & OPT_MSS)
        n += LEN_MSS;
    if (o->has & OPT_TS)
        n += TCPOPT_TS_SPACE; /* SACK permitted, if any, takes the place of its two NOPs */
    else if (o->has & OPT_SACKOK)
        n += words(LEN_SACKOK);
    if (o->has & OPT_WSCALE)
        n += words(LEN_WSCALE);
    if (o->has & OPT_TFO)
        n += words(2u + o->tfo_len);
    return n;
}

/** sack_fitting() - blocks that find room beside @other octets: fewer, never a broken header
 * (OPT-SACK-2) */
static uint32_t sack_fitting(const struct tcpopt *o, uint32_t other)
{
    if (!(o->has & OPT_SACK) || other + 4 > TCPOPT_MAX)
        return 0;
    ASSERT(o->n_sack <= TCPOPT_SACK_MAX);
    return min_u32(o->n_sack, (TCPOPT_MAX - 4 - other) / LEN_SACK);
}

/** accecn_fitting() - its octets, or 0 where @used leave no room: it yields, as SACK blocks do, and
 * never breaks a header (OPT-SACK-2, CC-9768-8) */
static uint32_t accecn_fitting(const struct tcpopt *o, uint32_t used)
{
    uint32_t n = o->has & OPT_ACCECN ? words(2u + (uint32_t)o->n_acc * LEN_ACCECN) : 0;

    return used + n <= TCPOPT_MAX ? n : 0;
}

uint32_t tcpopt_len(const struct tcpopt *o)
{
    if (o->has == OPT_TS)
        return TCPOPT_TS_SPACE;
    uint32_t other = other_len(o), n = sack_fitting(o, other);
    uint32_t used = other + (n ? 4 + n * LEN_SACK : 0);
    return used + accecn_fitting(o, used);
}

/** put_head() - kind and length behind two NOPs */
static inline uint8_t *put_head(uint8_t *p, uint8_t kind, uint32_t len)
{
    return put32(p,
                 (uint32_t)KIND_NOP << 24 | (uint32_t)KIND_NOP << 16 | (uint32_t)kind << 8 | len);
}

/** put_ts() - SACK permitted or two NOPs, then timestamps */
static inline uint8_t *put_ts(const struct tcpopt *o, uint8_t *p)
{
    if (o->has & OPT_SACKOK)
        p = put32(p, SYN_SACKOK_TS);
    else
        p = put32(p, TCPOPT_TS_ALONE);
    return put32(put32(p, o->tsval), o->tsecr);
}

/** put_sack() - @n blocks, at least one */
static uint8_t *put_sack(const struct tcpopt *o, uint32_t n, uint8_t *p)
{
    p = put_head(p, KIND_SACK, 2 + n * LEN_SACK);
    for (uint32_t i = 0; i < n; i++)
        p = put32(put32(p, o->sack[i].l.raw), o->sack[i].r.raw);
    return p;
}

/** put_tfo() - the last option: what is left of its word are no-operations, so that the list fills
 * the header and there is no padding that could be other than zero (MUST-69, OPT-GEN-6) */
static uint8_t *put_tfo(const struct tcpopt *o, uint8_t *p)
{
    uint32_t len = 2u + o->tfo_len;

    ASSERT(o->tfo_len <= LEN_TFO_MAX);
    p[0] = KIND_TFO;
    p[1] = (uint8_t)len;
    memcpy(p + 2, o->tfo, o->tfo_len);
    memset(p + len, KIND_NOP, words(len) - len);
    return p + words(len);
}

/** put_accecn() - counters, filled up with NOPs */
static uint8_t *put_accecn(const struct tcpopt *o, uint8_t *p)
{
    uint32_t len = 2u + (uint32_t)o->n_acc * LEN_ACCECN;

    p[0] = o->acc_order ? KIND_ACCECN1 : KIND_ACCECN0;
    p[1] = (uint8_t)len;
    for (uint32_t i = 0; i < o->n_acc; i++) {
        p[2 + 3 * i] = (uint8_t)(o->acc[i] >> 16);
        p[3 + 3 * i] = (uint8_t)(o->acc[i] >> 8);
        p[4 + 3 * i] = (uint8_t)o->acc[i];
    }
    memset(p + len, KIND_NOP, words(len) - len);
    return p + words(len);
}

/** put_all() - any options at all at @p; where they end */
static uint8_t *put_all(const struct tcpopt *o, uint8_t *p)
{
    uint32_t other = o->has & (OPT_SACK | OPT_ACCECN) ? other_len(o) : 0;
    uint32_t n_sack = sack_fitting(o, other);

    if (o->has & OPT_MSS)
        p = put32(p, SYN_MSS | o->mss);
    if (o->has & OPT_TS)
        p = put_ts(o, p);
    else if (o->has & OPT_SACKOK)
        p = put_head(p, KIND_SACKOK, LEN_SACKOK);
    if (o->has & OPT_WSCALE)
        p = put32(p, SYN_WSCALE | o->wscale);
    if (n_sack)
        p = put_sack(o, n_sack, p);
    if (accecn_fitting(o, other + (n_sack ? 4 + n_sack * LEN_SACK : 0)))
        p = put_accecn(o, p);
    if (o->has & OPT_TFO)
        p = put_tfo(o, p);
    return p;
}

/** emit_any() - tcpopt_emit_sum() of any options at all */
static __attribute__((noinline)) uint32_t emit_any(const struct tcpopt *o, uint8_t *p,
                                                   uint64_t *sum)
{
    uint8_t all[TCPOPT_MAX];
    uint32_t n = (uint32_t)(put_all(o, all) - all);

    memcpy(p, all, n);
    *sum += csum(all, n);
    return n;
}

/** emit_usual_syn() - of a SYN that has what SYNs have as a rule: what emit_any() would write */
static inline uint32_t emit_usual_syn(const struct tcpopt *o, uint8_t *p, uint64_t *sum)
{
    uint32_t mss = SYN_MSS | o->mss, wscale = SYN_WSCALE | o->wscale;

    put32(put_ts(o, put32(p, mss)), wscale);
    *sum += (uint64_t)mss + SYN_SACKOK_TS + o->tsval + o->tsecr + wscale;
    return TCPOPT_SYN_SPACE;
}

uint32_t tcpopt_emit_sum(const struct tcpopt *o, uint8_t *p, uint64_t *sum)
{
    if (o->has == OPT_TS) {
        put_ts(o, p);
        *sum += (uint64_t)TCPOPT_TS_ALONE + o->tsval + o->tsecr;
        return TCPOPT_TS_SPACE;
    }
    if (o->has == TCPOPT_SYN)
        return emit_usual_syn(o, p, sum);
    return o->has ? emit_any(o, p, sum) : 0;
}
