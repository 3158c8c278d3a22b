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

/* take_block() - mark the records that lie wholly in [l, r); one covered in part waits until it is
 * covered. What was SACKed before is leapt over */
static void take_block(struct sent_log *l, struct rec_sack b, struct delivery *d)
{
    uint32_t no = sent_find(l, b.l);

    if (seq_lt(sent_at(l, no)->start, b.l))
        no++;
    for (no = sent_unsacked(l, no); no != l->tail; no = sent_unsacked(l, no + 1)) {
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
        if (seq_ge(b[i].l, una) && seq_lt(b[i].l, b[i].r) && seq_le(b[i].r, nxt)) /* CC-2018-8 */
            take_block(l, b[i], d);
    ret->sacked = l->sacked - before;
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
