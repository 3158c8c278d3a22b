/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arrives_listen.c  SEGMENT ARRIVES in LISTEN (RFC 9293 sec. 3.10.7.2). The listener itself
 * never changes.
 */
#include "tcp/internal.h"

enum gn_drop tcp_listen_arrives(const struct tcp_env *e, const struct seg *s)
{
    /* first, check for a RST */
    if (s->ctl & CTL_RST)
        return GN_DROP_LISTEN_RST;
    /* second, check for an ACK */
    if (s->ctl & CTL_ACK) {
        reset_in_reply(e, s);
        return GN_DROP_LISTEN_ACK;
    }
    /* third, check for a SYN */
    if (!(s->ctl & CTL_SYN))
        return GN_DROP_LISTEN_NO_SYN;
    if (s->ctl & CTL_FIN) /* a FIN cannot count before the handshake is over */
        return GN_DROP_LISTEN_SYN_FIN;
    /* text that comes with the SYN is not kept: it will be sent again */
    return GN_DROP_NONE;
}
