/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arrives_closed.c  SEGMENT ARRIVES in CLOSED (RFC 9293 sec. 3.10.7.1), and the RST that
 * other states send in the same form.
 */
#include "tcp/internal.h"

/* R(a) = <SEQ=SEG.ACK><CTL=RST>, or R(0) = <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
void reset_in_reply(const struct tcp_env *e, const struct seg *s)
{
    struct seg r = {.key = s->key, .ttl = (uint8_t)e->conf->ip_default_ttl};

    if (s->ctl & CTL_ACK) {
        r.seq = s->ack;
        r.ctl = CTL_RST;
    } else {
        r.ack = seq_add(s->seq, seg_len(s));
        r.ctl = CTL_RST | CTL_ACK;
    }
    if (s->opt.has & OPT_TS) { /* OPT-TS-11 */
        r.opt.has = OPT_TS;
        r.opt.tsecr = s->opt.tsval;
    }
    env_reply(e, &r);
}

enum gn_drop tcp_closed_arrives(const struct tcp_env *e, const struct seg *s)
{
    if (s->ctl & CTL_RST)
        return GN_DROP_CLOSED_RST;
    reset_in_reply(e, s);
    return GN_DROP_CLOSED_PORT;
}
