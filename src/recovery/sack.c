/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sack.c  Selective acknowledgments.
 */
#include "recovery/sack.h"

/* is_dsack() - RFC 2883 4: the first block lies below the ACK, or inside the second (CC-2883-2) */
static bool is_dsack(seq_t una, const struct rec_sack *b, unsigned n)
{
    if (!seq_lt(b[0].l, b[0].r))
        return false;
    if (seq_le(b[0].r, una))
        return true;
    return n > 1 && seq_ge(b[0].l, b[1].l) && seq_le(b[0].r, b[1].r);
}

/* in_flight() - the block lies in what is outstanding (CC-2018-8) */
static bool in_flight(struct rec_sack b, seq_t una, seq_t nxt)
{
    return seq_ge(b.l, una) && seq_lt(b.l, b.r) && seq_le(b.r, nxt);
}

/* first_unsacked() - the first record that begins in the block and is not SACKed yet, or the tail
 */
static uint32_t first_unsacked(struct sent_log *l, struct rec_sack b)
{
    uint32_t no = sent_find(l, b.l);

    return sent_unsacked(l, no + seq_lt(sent_at(l, no)->start, b.l));
}

/* take_block() - mark the records that lie wholly in [l, r); one covered in part waits until it is
 * covered. What was SACKed before is leapt over */
static void take_block(struct sent_log *l, struct rec_sack b, struct delivery *d)
{
    for (uint32_t no = first_unsacked(l, b); no != l->tail; no = sent_unsacked(l, no + 1)) {
        const struct sent *s = sent_at(l, no);

        if (seq_gt(sent_end(s), b.r))
            break;
        delivery_note(d, s);
        sent_sack(l, no);
    }
}

void sack_take(struct sent_log *l, seq_t una, seq_t nxt, const struct rec_sack *b, unsigned n,
               struct delivery *d, struct sack_sum *ret)
{
    uint32_t before = l->sacked;

    ret->dsack = n && is_dsack(una, b, n);
    if (ret->dsack) {
        ret->dup_l = b[0].l;
        ret->dup_len = seq_span(b[0].l, b[0].r);
    }
    for (unsigned i = ret->dsack; i < n; i++)
        if (in_flight(b[i], una, nxt))
            take_block(l, b[i], d);
    ret->sacked = l->sacked - before;
}

bool sack_is_news(struct sent_log *l, seq_t una, seq_t nxt, const struct rec_sack *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t no = in_flight(b[i], una, nxt) ? first_unsacked(l, b[i]) : l->tail;

        if (no != l->tail && seq_le(sent_end(sent_at(l, no)), b[i].r))
            return true;
    }
    return false;
}

void sack_detect_loss(struct sent_log *l, uint32_t *cursor, uint32_t mss, uint32_t dup_thresh)
{
    uint32_t octets = 0, ranges = 0, no = l->sacked_end;
    bool above = false; /* the record above is SACKed */

    if (l->n_sacked < dup_thresh && l->sacked <= (dup_thresh - 1) * mss)
        return;
    while (no != l->head && ranges < dup_thresh && octets <= (dup_thresh - 1) * mss) {
        const struct sent *s = sent_at(l, --no);
        bool sacked = s->flags & SENT_SACKED;

        ranges += sacked && !above; /* CC-6675-1 */
        octets += sacked ? s->len : 0;
        above = sacked;
    }
    if (ranges < dup_thresh && octets <= (dup_thresh - 1) * mss)
        return;
    if ((int32_t)(*cursor - l->head) < 0)
        *cursor = l->head;
    for (; (int32_t)(*cursor - no) < 0; ++*cursor)
        if (!(sent_at(l, *cursor)->flags & (SENT_LOST | SENT_RETRANS)))
            sent_lose(l, *cursor);
}
