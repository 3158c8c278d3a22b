/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcpopt.h  TCP options as values (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413, RFC 9768).
 */
#ifndef GN_WIRE_TCPOPT_H
#define GN_WIRE_TCPOPT_H

#include "base/seq.h"

#include <gannet/types.h>

enum { /* bits of tcpopt.has */
       OPT_MSS = 1,
       OPT_WSCALE = 2,
       OPT_SACKOK = 4,
       OPT_TS = 8,
       OPT_SACK = 16,
       OPT_TFO = 32, /* tfo_len 0: a cookie is asked for */
       OPT_ACCECN = 64,
};

#define TCPOPT_SACK_MAX 4
#define TCPOPT_MAX      40
/* NOP NOP TS 10, and its octets with the values: what nearly every segment has (RFC 7323 app. A) */
#define TCPOPT_TS_ALONE 0x0101080au
#define TCPOPT_TS_SPACE 12
/* MSS; SACK permitted and timestamps; NOP and window scale: what a SYN has as a rule */
#define TCPOPT_SYN       (OPT_MSS | OPT_SACKOK | OPT_TS | OPT_WSCALE)
#define TCPOPT_SYN_SPACE 20

struct tcpopt_sack {
    seq_t l, r;
};

struct tcpopt {
    uint8_t has; /* OPT_* */
    uint8_t wscale;
    uint16_t mss;
    uint32_t tsecr, tsval; /* one load where octets are in this order */
    uint8_t n_sack;
    uint8_t tfo_len;
    struct tcpopt_sack sack[TCPOPT_SACK_MAX];
    uint8_t tfo[16];
    uint8_t acc_order; /* 0: EE0B, ECEB, EE1B; 1: the reverse (RFC 9768 3.2.3) */
    uint8_t n_acc;     /* 0 to 3 of them, as they stand in the option */
    uint32_t acc[3];   /* 24 bits each */
};

/**
 * tcpopt_parse() - @len octets (0..40) of options
 * @syn: options that belong into a SYN only (MSS, WSCALE, SACKOK, TFO) are ignored without it
 * (OPT-GEN-4)
 *
 * False: the list is malformed (length 0, 1 or beyond the end); *ret then holds what stood before
 * the break. A known kind with a wrong length is ignored (OPT-GEN-2), of duplicates the first
 * counts (OPT-GEN-3), a shift above 14 is 14.
 */
bool tcpopt_parse(const uint8_t *p, uint32_t len, bool syn, struct tcpopt *ret);
/** tcpopt_parse_usual_syn() - the same for the options of a SYN as Linux and this file lay them
 * out, five words, which are compared as such; false: they are others, *ret is untouched */
bool tcpopt_parse_usual_syn(const uint8_t p[TCPOPT_SYN_SPACE], struct tcpopt *ret);
/** tcpopt_len() - octets that tcpopt_emit() writes: a multiple of 4, 40 at most; fewer SACK blocks
 * and no accurate ECN if they do not fit */
uint32_t tcpopt_len(const struct tcpopt *o);
/** tcpopt_emit_sum() - the one place that lays options out; padding is NOP inside and zero at the
 * end; returns tcpopt_len(). The sum of what was written is added to *@sum; @p is only written */
uint32_t tcpopt_emit_sum(const struct tcpopt *o, uint8_t *p, uint64_t *sum);
/** tcpopt_emit() - the same without the sum */
static inline uint32_t tcpopt_emit(const struct tcpopt *o, uint8_t *p)
{
    uint64_t sum = 0;

    return tcpopt_emit_sum(o, p, &sum);
}

#endif
