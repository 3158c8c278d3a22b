/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fixture.h  A TCP layer without a host: an environment, blocks constructed in any state,
 * segments by hand.
 *
 * Numbers: our ISS is 1000, the peer's 5000; both SYNs are acknowledged, so SND.UNA = 1001 and
 * RCV.NXT = 5001; both windows are 10000 unless a test says otherwise; no options are negotiated
 * unless a test says so.
 */
#ifndef TESTS_TCP_FIXTURE_H
#define TESTS_TCP_FIXTURE_H

#include "tcp/internal.h"

#define FX_ISS     1000u
#define FX_IRS     5000u
#define FX_UNA     (FX_ISS + 1)
#define FX_RCV     (FX_IRS + 1)
#define FX_WND     10000u
#define FX_REPLIES 16

struct fixture {
    struct gn_conf conf;
    struct mem mem;
    struct secrets secrets;
    struct gn_stats stats;
    struct seg reply_room[FX_REPLIES];
    struct reply_queue replies;
    struct challenges challenges;
    struct tcp_env env;
    struct tcb tcb;
    struct seg out; /* what fx_output() gave last */
};

/** fx_init() - time 1000 s, IPv4 with MTU 1500; a TCB in @state as the RFC's events would have left
 * it */
void fx_init(struct fixture *fx, enum gn_state state);
/** fx_fini() - everything must have been given back: asserts that no memory is used */
void fx_fini(struct fixture *fx);
/** fx_seg() - a segment from the peer */
struct seg fx_seg(uint16_t ctl, uint32_t seq_no, uint32_t ack_no, const char *text);
/** fx_arrives() - let it arrive */
enum gn_drop fx_arrives(struct fixture *fx, struct seg s);
/** fx_output() - next segment of the block into fx->out */
bool fx_output(struct fixture *fx);
/** fx_pass() - let time pass and run what is due; no longer than until something can leave, or the
 * connection is over */
void fx_pass(struct fixture *fx, gn_time span);
/** fx_wait() - let time pass, up to @until at the most, until a segment leaves: it is fx->out */
bool fx_wait(struct fixture *fx, gn_time until);
/** fx_reply() - number of replies queued; the last one in *ret if there is any */
unsigned fx_reply(const struct fixture *fx, struct seg *ret);

#endif
