/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file challenge.c  tcp_challenge_ack_limit: a cap on the challenge ACKs of the whole host (RFC
 * 5961 sec. 7), besides the limit of each connection (ack.c).
 *
 * A cap that is shared is something to count by: who makes the host spend it on their own
 * connection can tell from what is left whether a guess about another one was right
 * (CVE-2016-5696). So the cap of a window of time is drawn anew each time, from half to one and a
 * half of the limit, and so is the length of the window, from half a second to one and a half
 * (SEC-5961-5). The default is no cap.
 */
#include "tcp/internal.h"

bool challenge_allowed(const struct tcp_env *e)
{
    struct challenges *c = e->challenges;
    uint64_t limit = e->conf->tcp_challenge_ack_limit, draw;

    if (limit == UINT32_MAX)
        return true;
    if (e->now >= c->until) {
        c->windows++;
        draw = siphash24(&e->secrets->challenge, &c->windows, sizeof c->windows);
        c->until = e->now + GN_SEC / 2 + (draw >> 32) % GN_SEC;
        c->left = limit / 2 + (draw & UINT32_MAX) % max_u64(limit, 1);
    }
    if (c->left == 0) {
        e->stats->TCPACKSkipped++;
        return false;
    }
    c->left--;
    return true;
}
