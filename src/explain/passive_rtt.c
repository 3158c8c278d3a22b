/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_rtt.c  Round trips, as an observer on the way can measure them.
 *
 * From a segment to its ACK it is the way from here to the receiver and back. The whole way is the
 * sum of both halves, so the shortest whole way is the sum of the shortest halves. Segments that
 * were sent again are not measured (Karn). Of many samples every second one is dropped whenever the
 * room is full, so that those kept are spread evenly over the connection's life.
 */
#include "explain/passive_parts.h"

#define KEPT (sizeof((struct passive_rtt *)NULL)->us / sizeof(uint32_t))

void rtt_add(struct passive_rtt *r, gn_time span)
{
    if (r->n == 0 || span < r->min)
        r->min = span;
    if (r->every == 0)
        r->every = 1;
    if (r->n++ % r->every != 0)
        return;
    if (r->kept == KEPT) {
        for (unsigned i = 0; i < KEPT / 2; i++)
            r->us[i] = r->us[2 * i];
        r->kept = KEPT / 2;
        r->every = (uint16_t)min_u32(r->every * 2u, 1u << 15);
    }
    r->us[r->kept++] = (uint32_t)min_u64(span / GN_USEC, UINT32_MAX);
}

/** whole() - of two halves; one that nothing measured counts as nothing: the observer is there */
static gn_time whole(const struct passive_conn *c)
{
    return c->side[0].rtt.min + c->side[1].rtt.min;
}

gn_time rtt_whole(const struct flow *f)
{
    return whole(&f->conn);
}

gn_time passive_rtt_min(const struct passive_conn *c)
{
    return whole(c);
}

gn_time passive_rtt_median(const struct passive_conn *c)
{
    /* of the longer half; the other one is short, and its ACKs are delayed rather than far */
    unsigned longer = c->side[1].rtt.min > c->side[0].rtt.min;
    const struct passive_rtt *r = &c->side[longer].rtt;
    uint32_t sorted[KEPT];

    if (r->kept == 0)
        return 0;
    for (unsigned i = 0; i < r->kept; i++) {
        unsigned at = i;
        for (; at > 0 && sorted[at - 1] > r->us[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r->us[i];
    }
    return sorted[r->kept / 2] * GN_USEC + c->side[longer ^ 1u].rtt.min;
}
