/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file seq.h  Sequence numbers modulo 2^32 (RFC 9293 sec. 3.4). A one-member struct, so that `a <
 * b` does not compile.
 */
#ifndef GN_BASE_SEQ_H
#define GN_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t raw;
} seq_t;

static inline seq_t seq(uint32_t raw)
{
    return (seq_t){raw};
}

static inline seq_t seq_add(seq_t a, uint32_t n)
{
    return (seq_t){a.raw + n};
}

static inline seq_t seq_sub(seq_t a, uint32_t n)
{
    return (seq_t){a.raw - n};
}

/* a - b as a signed distance */
static inline int32_t seq_diff(seq_t a, seq_t b)
{
    return (int32_t)(a.raw - b.raw);
}

/* a - b where b <= a is known */
static inline uint32_t seq_span(seq_t b, seq_t a)
{
    return a.raw - b.raw;
}

static inline bool seq_eq(seq_t a, seq_t b)
{
    return a.raw == b.raw;
}

static inline bool seq_lt(seq_t a, seq_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_le(seq_t a, seq_t b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_ge(seq_t a, seq_t b)
{
    return seq_diff(a, b) >= 0;
}

/* first <= x < first + size */
static inline bool seq_in(seq_t x, seq_t first, uint32_t size)
{
    return x.raw - first.raw < size;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? a : b;
}

#endif
