/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reply.c  Segments that no block stands behind.
 *
 * Strangers may call for any number of them, so their queue is bounded. Last words are no more than
 * there are connections of our own.
 */
#include "tcp/env.h"

#define CAP_MAX (1u << 20) /* connections, and so last words, that there may be */

/* grow() - twice as many entries; false: no memory */
static bool grow(struct reply_queue *q, struct mem *m)
{
    size_t bytes = q->cap * sizeof(*q->seg);
    struct seg *more = q->cap < CAP_MAX ? mem_alloc(m, 2 * bytes) : NULL;

    if (more == NULL)
        return false;
    for (uint32_t i = 0; i < q->n; i++)
        more[i] = *reply_at(q, i);
    if (q->small != NULL)
        mem_free(m, q->seg, bytes);
    else
        q->small = q->seg;
    q->seg = more;
    q->cap *= 2;
    q->grown++;
    q->head = 0;
    return true;
}

void reply_shrink(struct reply_queue *q, struct mem *m)
{
    if (q->small == NULL)
        return;
    mem_free(m, q->seg, q->cap * sizeof(*q->seg));
    q->seg = q->small;
    q->small = NULL;
    q->cap >>= q->grown;
    q->grown = q->head = 0;
}

struct seg *env_reply_new(const struct tcp_env *e)
{
    struct reply_queue *q = e->replies;
    struct seg *s;

    if (reply_full(q)) {
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

void env_reply_last(const struct tcp_env *e, const struct seg *s)
{
    struct reply_queue *q = e->replies;

    if (q->n == q->cap && !grow(q, e->mem))
        e->stats->drop[GN_DROP_QUEUE_FULL]++;
    else
        *reply_at(q, q->n++) = *s;
}
