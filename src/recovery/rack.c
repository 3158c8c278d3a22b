/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rack.c  RACK.
 */
#include "recovery/rack.h"

#define REO_WND_PERSIST 16 /* recoveries that a widened window lasts (RFC 8985 6.2 step 4) */

void rack_init(struct rack *k, seq_t iss)
{
    memset(k, 0, sizeof(*k));
    k->end_seq = k->fack = iss;
    k->reo_wnd_mult = 1;
}

void rack_update(struct rack *k, const struct delivery *d)
{
    k->fack = d->high;
    k->reordering_seen |= d->reordered;
    if (!d->rack)
        return;
    k->rtt = d->now - d->rack_xmit;
    if (sent_after(d->rack_xmit, d->rack_end, k->xmit, k->end_seq)) { /* CC-8985-2 */
        k->xmit = d->rack_xmit;
        k->end_seq = d->rack_end;
    }
}

void rack_adapt(struct rack *k, seq_t una, seq_t nxt, bool dsack, bool left)
{
    if (k->in_dsack_round && seq_ge(una, k->dsack_round))
        k->in_dsack_round = false;
    if (dsack && !k->in_dsack_round) { /* CC-8985-5 */
        k->in_dsack_round = true;
        k->dsack_round = nxt;
        k->reo_wnd_mult = (uint8_t)min_u32(k->reo_wnd_mult + 1u, UINT8_MAX);
        k->reo_wnd_persist = REO_WND_PERSIST;
    } else if (left && k->reo_wnd_persist && !--k->reo_wnd_persist) {
        k->reo_wnd_mult = 1;
    }
}

gn_time rack_reo_wnd(const struct rack *k, const struct rtt *rtt, bool at_once)
{
    if (!k->reordering_seen && at_once) /* CC-8985-4 */
        return 0;
    return min_u64(k->reo_wnd_mult * rtt->min / 4, rtt->srtt);
}

/* judge() - record @s, sent before RACK.segment or not: lost now, or when (later), or not to be
 * said; false: neither it nor anything sent after it is lost now */
static bool judge(const struct rack *k, const struct sent *s, gn_time wait, gn_time now,
                  deadline_t *later)
{
    if (!sent_after(k->xmit, k->end_seq, s->xmit, sent_end(s)))
        return false;
    if (s->xmit + wait <= now) /* CC-8985-6 */
        return true;
    *later = deadline_min(*later, deadline_at(s->xmit + wait + 1));
    return false;
}

deadline_t rack_detect_loss(struct rack *k, struct sent_log *l, gn_time reo_wnd, gn_time now,
                            gn_time since, bool *ret_again)
{
    deadline_t later = deadline_none();
    gn_time wait = k->rtt + reo_wnd;

    if ((int32_t)(k->cursor - l->head) < 0)
        k->cursor = l->head;
    while (k->cursor != l->tail) {
        const struct sent *s = sent_at(l, k->cursor);

        if (s->flags & SENT_SACKED) {
            k->cursor = sent_unsacked(l, k->cursor);
            continue;
        }
        if (!(s->flags & (SENT_LOST | SENT_RETRANS))) {
            if (!judge(k, s, wait, now, &later))
                break;
            sent_lose(l, k->cursor);
        }
        k->cursor++;
    }
    while (l->retrans) { /* CC-8985-7 */
        const struct sent *s = sent_at(l, l->rt_head);

        if (!judge(k, s, wait, now, &later))
            break;
        *ret_again |= (s->flags & SENT_LOST) && s->xmit >= since;
        sent_lose(l, l->rt_head);
    }
    return later;
}

void rack_mark_on_rto(const struct rack *k, struct sent_log *l, gn_time reo_wnd, gn_time now)
{
    for (uint32_t no = l->head; no != l->tail; no++)
        if (no == l->head || sent_at(l, no)->xmit + k->rtt + reo_wnd <= now) /* CC-8985-8 */
            sent_lose(l, no);
}
