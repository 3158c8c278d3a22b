/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pack.c  Values to octets and back.
 */
#include "base/pack.h"

#include "base/bits.h"

#include <string.h>

/** pack_span() - to read, the next @n octets where they lie; NULL: there are no so many */
static const uint8_t *pack_span(struct pack *p, size_t n)
{
    const uint8_t *span = p->from + p->at;

    if (p->bad || n > p->end - p->at) {
        p->bad = true;
        return NULL;
    }
    p->at += n;
    return span;
}

void pack_octets(struct pack *p, void *octets, size_t n)
{
    if (p->from) {
        const uint8_t *span = pack_span(p, n);

        if (span)
            memcpy(octets, span, n);
        else
            memset(octets, 0, n);
        return;
    }
    if (p->to && p->at <= p->end && n <= p->end - p->at)
        memcpy(p->to + p->at, octets, n);
    p->at += n;
}

void pack_u8(struct pack *p, uint8_t *x)
{
    pack_octets(p, x, 1);
}

void pack_u16(struct pack *p, uint16_t *x)
{
    uint8_t b[2];

    put16(b, *x);
    pack_octets(p, b, sizeof(b));
    *x = get16(b);
}

void pack_u32(struct pack *p, uint32_t *x)
{
    uint8_t b[4];

    put32(b, *x);
    pack_octets(p, b, sizeof(b));
    *x = get32(b);
}

void pack_u64(struct pack *p, uint64_t *x)
{
    uint32_t high = (uint32_t)(*x >> 32), low = (uint32_t)*x;

    pack_u32(p, &high);
    pack_u32(p, &low);
    *x = (uint64_t)high << 32 | low;
}

void pack_seq(struct pack *p, seq_t *x)
{
    pack_u32(p, &x->raw);
}

void pack_past(struct pack *p, gn_time *t)
{
    uint64_t age = *t ? (p->now > *t ? p->now - *t : 0) + 1 : 0; /* 0: never */

    pack_u64(p, &age);
    p->bad |= age > PACK_SPAN_MAX;
    if (!p->from)
        return;
    *t = 0;
    if (age && !p->bad)
        *t = age - 1 < p->now ? p->now - (age - 1) : 1;
}

void pack_deadline(struct pack *p, deadline_t *d)
{
    uint64_t left = 0; /* and 1; 0: not armed */

    if (deadline_armed(*d))
        left = (deadline_time(*d) > p->now ? deadline_time(*d) - p->now : 0) + 1;
    pack_u64(p, &left);
    p->bad |= left > PACK_SPAN_MAX;
    if (p->from)
        *d = left && !p->bad ? deadline_at(p->now + left - 1) : deadline_none();
}
