/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp.c  ICMP errors about a connection (RFC 9293 sec. 3.9.2.2, as hardened by RFC 5927).
 *
 * Anyone can send one. It must quote a sequence number that is in flight; it may then end a
 * connection that is still opening, and otherwise is a hint: told to the user, and no more
 * (MUST-47, MUST-56, SEC-5927-2).
 */
#include "tcp/internal.h"

enum gn_drop tcp_icmp_error(struct tcb *t, const struct tcp_env *e, seq_t quoted, enum gn_err error,
                            bool hard, uint32_t mtu)
{
    if (t->state == GN_CLOSED || t->state == GN_TIME_WAIT)
        return GN_DROP_ICMP_IGNORED;
    if (!seq_le(t->snd.una, quoted) || !seq_lt(quoted, t->snd.nxt)) /* SEC-5927-1 */
        return GN_DROP_ICMP_OUT_OF_WINDOW;
    if (mtu != 0 && t->opts.pmtu != GN_PMTU_WANT && t->opts.pmtu != GN_PMTU_DO)
        return GN_DROP_ICMP_IGNORED;
    if (mtu != 0)
        return pmtu_on_icmp(t, e, quoted, mtu);
    tell_soft_error(t, error); /* SHLD-25 */
    if (t->opts.recverr) {     /* IP_RECVERR: now, and no more than told (MUST-56) */
        t->error = (int8_t)error;
        t->events |= GN_EV_ERROR;
    }
    if (hard && t->state == GN_SYN_SENT) /* SC-SS-12, SHLD-26 */
        connection_ends(t, e, GN_CAUSE_ICMP, error);
    return GN_DROP_NONE;
}
