/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reply.c  Segments that no block stands behind.
 */
#include "tcp/env.h"

struct seg *env_reply_new(const struct tcp_env *e)
{
    struct reply_queue *q = e->replies;
    struct seg *s;

    if (q->n == q->cap) {
        e->stats->drop[GN_DROP_QUEUE_FULL]++;
        return NULL;
    }
    s = reply_at(q, q->n++);
    seg_clear(s);
    return s;
}

void env_reply(const struct tcp_env *e, const struct seg *s)
{
    struct seg *to = env_reply_new(e);

    if (to)
        *to = *s;
}
