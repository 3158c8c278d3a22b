/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ts.c  Timestamps and PAWS (RFC 7323 sec. 3 to 5).
 */
#include "tcp/internal.h"

/* TS.Recent is worthless after this long without an update (RFC 7323 5.5, OPT-TS-7) */
#define PAWS_IDLE (24 * 86400 * GN_SEC)

/**
 * ts_check() - R1 of RFC 7323 5.3: reject old duplicates before the window test
 *
 * RST is exempt (OPT-TS-6): nobody asks for one. An absent timestamp is dropped silently, never a
 * reason to abort (OPT-TS-2, PL-05).
 */
enum gn_drop ts_check(struct arrival *a)
{
    struct tcb *t = a->t;

    if (!t->ts_ok)
        return GN_DROP_NONE;
    if (!(a->s.opt.has & OPT_TS))
        return GN_DROP_NO_TIMESTAMP;
    if ((int32_t)(a->s.opt.tsval - t->ts.recent) >= 0 || a->e->now - t->ts.recent_at > PAWS_IDLE)
        return GN_DROP_NONE;
    a->e->stats->PAWSEstab++;
    ack_invalid(t, a->e, &a->s);
    return GN_DROP_PAWS;
}

void ts_update(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if (!t->ts_ok || !(s->opt.has & OPT_TS) || (s->ctl & CTL_RST))
        return;
    if ((int32_t)(s->opt.tsval - t->ts.recent) < 0 && e->now - t->ts.recent_at <= PAWS_IDLE)
        return;
    ts_take(t, e, s);
}

/* a round-trip time from the echo; an echo of 0 or from the future gives none (OPT-TS-5, MAL-52) */
bool ts_rtt(const struct tcb *t, const struct tcp_env *e, const struct seg *s, gn_time *ret)
{
    uint32_t age;

    if (!t->ts_ok || !(s->opt.has & OPT_TS) || s->opt.tsecr == 0)
        return false;
    age = ts_now(t, e) - s->opt.tsecr;
    if ((int32_t)age < 0 || age > 10 * 60 * 1000)
        return false;
    *ret = age * GN_MSEC;
    return true;
}
