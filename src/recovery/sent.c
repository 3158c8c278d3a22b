/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sent.c  The log of transmissions.
 */
#include "recovery/sent.h"

#include "base/assert.h"
#include "base/bits.h"

#define SENT_MIN 4 /* records in the smallest ring */

/* a comes before b in the numbering */
static bool no_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

void sent_shed(struct sent_log *l, struct mem *m)
{
    mem_give(m, l->rec, (size_t)l->cap * sizeof(*l->rec));
}

bool sent_grow(struct sent_log *l, struct mem *m, uint32_t n)
{
    uint32_t need = sent_count(l) + n, cap = max_u32(l->cap, SENT_MIN);
    struct sent *rec;

    while (cap < need)
        cap *= 2;
    rec = mem_alloc(m, (size_t)cap * sizeof(*rec));
    if (!rec)
        return false;
    for (uint32_t no = l->head; no != l->tail; no++)
        rec[no & (cap - 1)] = *sent_at(l, no);
    if (l->rec && l->rec != &l->own)
        sent_shed(l, m);
    l->rec = rec;
    l->cap = cap;
    return true;
}

/* settle_hole() - `hole` moves on to the first record with something to be sent again, if any */
static void settle_hole(struct sent_log *l)
{
    if (!l->resend)
        return;
    if (no_before(l->hole, l->head))
        l->hole = l->head;
    while (!sent_pending(sent_at(l, l->hole)))
        l->hole =
            sent_at(l, l->hole)->flags & SENT_SACKED ? sent_unsacked(l, l->hole) : l->hole + 1;
}

/* link_last() - record @no becomes the youngest retransmission */
static void link_last(struct sent_log *l, uint32_t no)
{
    struct sent *s = sent_at(l, no);

    s->flags |= SENT_RETRANS | SENT_EVER_RETRANS;
    s->next = no;
    s->prev = no;
    if (l->retrans) {
        s->prev = l->rt_tail;
        sent_at(l, l->rt_tail)->next = no;
    } else {
        l->rt_head = no;
    }
    l->rt_tail = no;
    l->retrans += s->resent;
}

/* unlink_retrans() - the retransmission of record @no is no longer believed to be in the network;
 * a link to itself marks either end of the list */
static void unlink_retrans(struct sent_log *l, uint32_t no)
{
    struct sent *s = sent_at(l, no);

    if (no == l->rt_head)
        l->rt_head = s->next;
    else
        sent_at(l, s->prev)->next = no == l->rt_tail ? s->prev : s->next;
    if (no == l->rt_tail)
        l->rt_tail = s->prev;
    else
        sent_at(l, s->next)->prev = no == s->prev ? s->next : s->prev;
    s->flags &= ~SENT_RETRANS;
    l->retrans -= s->resent;
}

/* forget() - take record @no out of all totals but the count of SACKED ones' octets */
static void forget(struct sent_log *l, uint32_t no)
{
    struct sent *s = sent_at(l, no);

    if (s->flags & SENT_RETRANS)
        unlink_retrans(l, no);
    if (s->flags & SENT_LOST) {
        l->lost -= s->len;
        l->resend -= s->len - s->resent;
    }
    s->resent = 0;
    s->flags &= ~SENT_LOST;
}

void sent_pop(struct sent_log *l)
{
    struct sent *s = sent_at(l, l->head);

    if (s->flags & SENT_SACKED) {
        l->sacked -= s->len;
        l->n_sacked--;
    } else if (s->flags) {
        forget(l, l->head);
    }
    l->head++;
    settle_hole(l);
}

void sent_trim(struct sent_log *l, uint32_t n)
{
    struct sent *s = sent_at(l, l->head);
    uint32_t resent = s->resent > n ? s->resent - n : 0;

    ASSERT(n < s->len);
    if (s->flags & SENT_SACKED)
        l->sacked -= n;
    if (s->flags & SENT_LOST) {
        l->lost -= n;
        l->resend -= s->len - s->resent - (s->len - n - resent);
    }
    if ((s->flags & SENT_RETRANS) && !resent)
        unlink_retrans(l, l->head);
    else if (s->flags & SENT_RETRANS)
        l->retrans -= s->resent - resent;
    s->resent = resent;
    s->start = seq_add(s->start, n);
    s->len -= n;
    settle_hole(l);
}

/* start_of() - where the record @i places after the first begins, counted from @base */
static uint32_t start_of(const struct sent_log *l, seq_t base, uint32_t i)
{
    return seq_span(base, sent_at(l, l->head + i)->start);
}

/*
 * Most records are of one length, so the first guess by proportion is right or next to it. From
 * there steps that double find a bracket, and halving finds the record.
 */
uint32_t sent_find(const struct sent_log *l, seq_t s)
{
    seq_t base = sent_at(l, l->head)->start;
    uint32_t last = sent_count(l) - 1, off = seq_span(base, s), span = start_of(l, base, last);
    uint32_t lo, hi, step = 1;

    if (off >= span)
        return l->head + last;
    lo = (uint32_t)((uint64_t)off * last / span);
    for (; start_of(l, base, lo) > off; step *= 2)
        lo -= min_u32(lo, step);
    for (hi = lo + 1; start_of(l, base, hi) <= off; step *= 2) {
        lo = hi;
        hi = min_u32(hi + step, last);
    }
    while (hi - lo > 1) { /* lo begins at or before s, hi after it */
        uint32_t mid = lo + (hi - lo) / 2;

        if (start_of(l, base, mid) <= off)
            lo = mid;
        else
            hi = mid;
    }
    return l->head + lo;
}

uint32_t sent_unsacked(struct sent_log *l, uint32_t no)
{
    uint32_t end = no;

    while (end != l->tail && (sent_at(l, end)->flags & SENT_SACKED))
        end = sent_at(l, end)->next;
    while (no != end) {
        struct sent *s = sent_at(l, no);

        no = s->next;
        s->next = end;
    }
    return end;
}

void sent_sack(struct sent_log *l, uint32_t no)
{
    struct sent *s = sent_at(l, no);

    forget(l, no);
    s->flags |= SENT_SACKED;
    s->next = no + 1;
    if (!l->n_sacked || no_before(l->sacked_end, no + 1))
        l->sacked_end = no + 1;
    l->sacked += s->len;
    l->n_sacked++;
    settle_hole(l);
}

void sent_lose(struct sent_log *l, uint32_t no)
{
    struct sent *s = sent_at(l, no);

    if ((s->flags & SENT_SACKED) || (sent_pending(s) && !(s->flags & SENT_RETRANS)))
        return;
    if (!l->lost_new || s->xmit >= sent_at(l, l->lost_last)->xmit)
        l->lost_last = no;
    l->lost_all += s->len;
    l->lost_new += s->len;
    forget(l, no);
    if (!l->resend || no_before(no, l->hole))
        l->hole = no;
    s->flags |= SENT_LOST;
    l->lost += s->len;
    l->resend += s->len;
    settle_hole(l);
}

void sent_unlose(struct sent_log *l)
{
    for (uint32_t no = l->head; l->lost; no++) {
        struct sent *s = sent_at(l, no);

        if (!(s->flags & SENT_LOST))
            continue;
        l->lost -= s->len;
        l->resend -= s->len - s->resent;
        s->flags &= ~SENT_LOST;
    }
}

void sent_renege(struct sent_log *l)
{
    for (uint32_t no = l->head; l->n_sacked; no++) {
        struct sent *s = sent_at(l, no);

        if (!(s->flags & SENT_SACKED))
            continue;
        s->flags &= ~SENT_SACKED;
        l->sacked -= s->len;
        l->n_sacked--;
    }
}

void sent_resend(struct sent_log *l, uint32_t no, uint32_t upto, gn_time now)
{
    struct sent *s = sent_at(l, no);
    uint32_t resent = max_u32(upto, s->resent);

    ASSERT(upto && upto <= s->len);
    s->xmit = now;
    if (s->flags & SENT_SACKED) {
        s->flags |= SENT_EVER_RETRANS;
        return;
    }
    if (s->flags & SENT_RETRANS)
        unlink_retrans(l, no);
    if (s->flags & SENT_LOST)
        l->resend -= resent - s->resent;
    s->resent = resent;
    link_last(l, no);
    settle_hole(l);
}

/* check_list() - the list of retransmissions: as long as @n, both ways, in order of time */
static void check_list(const struct sent_log *l, uint32_t n)
{
    uint32_t no = l->rt_head;

    for (uint32_t i = 0; i < n; i++) {
        const struct sent *s = sent_at(l, no);
        bool last = i == n - 1;

        ASSERT(s->flags & SENT_RETRANS);
        ASSERT(last == (no == l->rt_tail));
        ASSERT(last || (sent_at(l, s->next)->prev == no && sent_at(l, s->next)->xmit >= s->xmit));
        no = s->next;
    }
}

void sent_check(const struct sent_log *l, seq_t una, seq_t nxt)
{
    struct sent_log sum = {0};
    uint32_t n_retrans = 0;
    bool hole = false;

    ASSERT(sent_count(l) <= l->cap);
    for (uint32_t no = l->head; no != l->tail; no++) {
        const struct sent *s = sent_at(l, no);

        ASSERT(s->len && s->resent <= s->len && seq_eq(s->start, una));
        ASSERT(!(s->flags & SENT_SACKED) || !(s->flags & (SENT_LOST | SENT_RETRANS)));
        ASSERT(!(s->flags & SENT_RETRANS) == !s->resent);
        sum.sacked += s->flags & SENT_SACKED ? s->len : 0;
        sum.n_sacked += s->flags & SENT_SACKED ? 1 : 0;
        sum.lost += s->flags & SENT_LOST ? s->len : 0;
        sum.retrans += s->resent;
        sum.resend += s->flags & SENT_LOST ? s->len - s->resent : 0;
        n_retrans += s->flags & SENT_RETRANS ? 1 : 0;
        ASSERT(!sent_pending(s) || hole || no == l->hole);
        ASSERT(!(s->flags & SENT_SACKED) || no_before(no, l->sacked_end));
        hole |= sent_pending(s);
        una = sent_end(s);
    }
    ASSERT(seq_eq(una, nxt));
    ASSERT(sum.sacked == l->sacked && sum.n_sacked == l->n_sacked && sum.lost == l->lost);
    ASSERT(sum.retrans == l->retrans && sum.resend == l->resend);
    check_list(l, n_retrans);
}
