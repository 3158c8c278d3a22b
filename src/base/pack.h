/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pack.h  Values to octets and back by one description: whoever lists its fields for a pack
 * has written both directions, so that these cannot differ.
 *
 * Numbers are big-endian; a point in time is told by its distance from the present, so that it
 * means the same by another clock. Writing without a place only counts. Reading what is not there,
 * or what cannot be, marks the pack as bad and gives zeros: it is enough to ask once, at the end.
 */
#ifndef GN_BASE_PACK_H
#define GN_BASE_PACK_H

#include "base/seq.h"
#include "base/time.h"

/* further away than this nothing is: what says so is damaged */
#define PACK_SPAN_MAX ((gn_time)1 << 62)

struct pack {
    const uint8_t *from; /* reading; NULL: writing */
    uint8_t *to;         /* writing; NULL: counting */
    size_t at, end;      /* octets done, and there are */
    gn_time now;
    bool bad;
};

/** pack_reader() - to read the @len octets at @from */
static inline struct pack pack_reader(const void *from, size_t len, gn_time now)
{
    return (struct pack){.from = from, .end = len, .now = now};
}

/** pack_writer() - to write into the @len octets at @to; what does not fit is counted only */
static inline struct pack pack_writer(void *to, size_t len, gn_time now)
{
    return (struct pack){.to = to, .end = len, .now = now};
}

/** pack_octets() - @n octets as they are */
void pack_octets(struct pack *p, void *octets, size_t n);
void pack_u8(struct pack *p, uint8_t *x);
void pack_u16(struct pack *p, uint16_t *x);
void pack_u32(struct pack *p, uint32_t *x);
void pack_u64(struct pack *p, uint64_t *x);
void pack_seq(struct pack *p, seq_t *x);
/** pack_past() - a point in time that has been, or 0: never. What would be before the beginning of
 * the clock that reads was at its beginning */
void pack_past(struct pack *p, gn_time *t);
/** pack_deadline() - what is overdue is due now */
void pack_deadline(struct pack *p, deadline_t *d);

#endif
