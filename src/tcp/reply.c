/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reply.c  Segments that no block stands behind.
 */
#include "tcp/env.h"

void env_reply(const struct tcp_env *e, const struct seg *s)
{
    struct reply_queue *q = e->replies;

    if (q->n == q->cap) {
        e->stats->drop[GN_DROP_QUEUE_FULL]++;
        return;
    }
    q->seg[(q->head + q->n++) % q->cap] = *s;
}
