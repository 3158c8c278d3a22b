/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp.c  ICMP errors about a connection (RFC 9293 sec. 3.9.2.2, as hardened by RFC 5927).
 *
 * Anyone can send one. It must quote a sequence number that is in flight; it may then end a
 * connection that is still opening, and otherwise is a hint: told to the user, and no more (MUST-47,
 * MUST-56, SEC-5927-2).
 */
#include "tcp/internal.h"

#define PMTU_MIN_V4 552 /* SEC-5927-4: as Linux's min_pmtu, well above the 68 of RFC 791 */
#define PMTU_MIN_V6 1280

/* frag-needed, packet-too-big: only down, only below what was really sent, never below the floor */
static enum gn_drop path_mtu(struct tcb *t, const struct tcp_env *e, uint32_t mtu)
{
    uint32_t floor = gn_addr_is_v4(&t->key.raddr) ? PMTU_MIN_V4 : PMTU_MIN_V6;
    uint32_t now = t->path_mtu != 0 ? min_u32(t->path_mtu, e->mtu) : e->mtu;

    mtu = max_u32(mtu, floor);
    if (mtu >= now)
        return GN_DROP_ICMP_IGNORED;
    t->path_mtu = (uint16_t)mtu;
    options_mss_changed(t, e);
    return GN_DROP_NONE;
}

enum gn_drop tcp_icmp_error(struct tcb *t, const struct tcp_env *e, seq_t quoted, enum gn_err error,
                            bool hard, uint32_t mtu)
{
    if (t->state == GN_CLOSED || t->state == GN_TIME_WAIT)
        return GN_DROP_ICMP_IGNORED;
    if (!seq_le(t->snd.una, quoted) || !seq_lt(quoted, t->snd.nxt)) /* SEC-5927-1 */
        return GN_DROP_ICMP_OUT_OF_WINDOW;
    if (mtu != 0)
        return path_mtu(t, e, mtu);
    tell_soft_error(t, error); /* SHLD-25 */
    if (hard && t->state == GN_SYN_SENT) /* SC-SS-12, SHLD-26 */
        connection_ends(t, e, GN_CAUSE_ICMP, error);
    return GN_DROP_NONE;
}
