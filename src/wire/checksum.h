/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file checksum.h  The Internet checksum (RFC 1071, RFC 1624): sums, copies with a sum,
 * incremental update.
 *
 * A sum is an unfolded 64-bit accumulator over 16-bit words in network order (as if loaded
 * big-endian). Pieces of odd length shift the next piece by one octet; csum_join() takes care of
 * that.
 */
#ifndef GN_WIRE_CHECKSUM_H
#define GN_WIRE_CHECKSUM_H

#include "base/bits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** csum_fold() - to 16 bits, not complemented, host order value of the big-endian word; nonzero
 * stays nonzero */
static inline uint16_t csum_fold(uint64_t sum)
{
    uint32_t half;

    sum += sum >> 32 | sum << 32; /* the upper half: both, and the carry of the lower */
    half = (uint32_t)(sum >> 32);
    half += half >> 16 | half << 16;
    return (uint16_t)(half >> 16);
}

/** csum_good() - is the sum of octets, their checksum included, all ones? It is if it is a multiple
 * of that, as 2^16 counts as 1 */
static inline bool csum_good(uint64_t sum)
{
    return sum != 0 && sum % UINT16_MAX == 0;
}

/** csum_good_some() - the same for octets not all of which are 0, nor could be */
static inline bool csum_good_some(uint64_t sum)
{
    return sum % UINT16_MAX == 0;
}

/** csum_finish() - what goes into the checksum field: the complement of the fold */
static inline uint16_t csum_finish(uint64_t sum)
{
    return (uint16_t)~csum_fold(sum);
}

/** csum_join() - append a piece whose own sum is @piece at offset @offset (may be odd) to @sum */
static inline uint64_t csum_join(uint64_t sum, uint64_t piece, size_t offset)
{
    uint16_t w;

    if (!(offset & 1))
        return sum + piece;
    w = csum_fold(piece); /* each of its octets sits in the other half of a word */
    return sum + (uint16_t)(w << 8 | w >> 8);
}

/** csum_put64() - @v at @p in network order, and with it @sum, which may have all 64 bits: the
 * carry comes back in */
static inline uint64_t csum_put64(uint8_t *p, uint64_t v, uint64_t sum)
{
    put64(p, v);
    sum += v;
    return sum + (sum < v);
}

/** csum_narrow() - a sum of all 64 bits as one of 33, to which more can be added */
static inline uint64_t csum_narrow(uint64_t sum)
{
    return (sum & UINT32_MAX) + (sum >> 32);
}

/** csum() - sum of @len octets that begin at an even offset of the packet */
uint64_t csum(const void *p, size_t len);
/** csum_copy() - memcpy and csum() in one pass */
__attribute__((nonnull)) uint64_t csum_copy(void *dst, const void *src, size_t len);
#define CSUM_FEW 128 /* octets, up to which no vectors pay */
/** csum_few() - csum() of at most CSUM_FEW octets */
uint64_t csum_few(const void *p, size_t len);
/** csum_copy_few() - csum_copy() of as few */
__attribute__((nonnull)) uint64_t csum_copy_few(void *dst, const void *src, size_t len);
/** The two for the texts of packets, as fast as the processor allows; they give the same values. */
struct csum_ops {
    uint64_t (*sum)(const void *p, size_t len);
    uint64_t (*copy)(void *dst, const void *src, size_t len);
};
/** csum_ops() - for a processor that has @cpu (GN_CPU_*); never NULL */
const struct csum_ops *csum_ops(unsigned cpu);
/** csum_update16() - the field @old after a 16-bit word changed from @from to @to (RFC 1624) */
uint16_t csum_update16(uint16_t old, uint16_t from, uint16_t to);

#endif
