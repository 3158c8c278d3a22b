/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pipe.c  Impairments of one direction of a path.
 *
 * In this order: a path that is down takes nothing; a long queue marks the packet or refuses it; a
 * full queue takes nothing; the packet waits for those before it and takes its time at the given
 * rate; then it may be lost by pattern or at random, having used the wire all the same; then it
 * travels for the latency.
 */
#include "link/pipe.h"

#include "base/bits.h"
#include "link/router.h"

#include <stdlib.h>

#define QUEUE_PACKETS_MAX (1u << 20)
#define QUEUE_BYTES_MAX   (1u << 30) /* times 8e9 still fits 64 bits */

bool pipe_init(struct pipe *p, const struct gn_pipe_config *c, uint64_t seed, uint64_t stream)
{
    *p = (struct pipe){0};
    prng_seed(&p->rng, seed, stream);
    return pipe_set(p, c);
}

bool pipe_set(struct pipe *p, const struct gn_pipe_config *c)
{
    uint32_t room = c->rate ? min_u32(c->queue_packets, QUEUE_PACKETS_MAX) : 0;
    gn_time *leave = NULL;
    uint32_t keep = min_u32(p->leave_n, room);

    if (room > 0) {
        leave = malloc(room * sizeof *leave);
        if (!leave)
            return false;
        for (uint32_t i = 0; i < keep; i++) /* the latest ones, which will leave last */
            leave[i] = p->leave[(p->leave_head + p->leave_n - keep + i) % p->c.queue_packets];
    }
    free(p->leave);
    p->leave = leave;
    p->leave_head = 0;
    p->leave_n = keep;
    p->c = *c;
    p->c.queue_packets = room;
    p->c.queue_bytes = min_u32(c->queue_bytes, QUEUE_BYTES_MAX);
    p->carry = 0;
    p->in_burst = p->in_burst && c->burst_enter_ppm > 0;
    return true;
}

void pipe_fini(struct pipe *p)
{
    free(p->leave);
    p->leave = NULL;
}

/** pipe_chance() - draws only if there is a chance, so that unused knobs do not shift the others'
 * luck */
static bool pipe_chance(struct pipe *p, uint32_t ppm)
{
    return ppm > 0 && prng_chance(&p->rng, ppm);
}

/**
 * pipe_queue() - wait for the rate
 * @ret_sent: when the last bit has been sent
 *
 * False: the queue is full. A queue that is empty takes one packet of any size.
 */
static bool pipe_queue(struct pipe *p, uint32_t len, gn_time now, gn_time *ret_sent)
{
    gn_time start = p->free_at > now ? p->free_at : now;
    uint64_t bits;

    if (p->c.rate == 0) {
        *ret_sent = now;
        return true;
    }
    while (p->leave_n > 0 && p->leave[p->leave_head] <= now) {
        p->leave_head = (p->leave_head + 1) % p->c.queue_packets;
        p->leave_n--;
    }
    bits = len * UINT64_C(8) * GN_SEC + p->carry;
    if (start > now) {
        if (p->c.queue_packets && p->leave_n == p->c.queue_packets)
            return false;
        if (p->c.queue_bytes &&
            start - now + bits / p->c.rate > p->c.queue_bytes * UINT64_C(8) * GN_SEC / p->c.rate)
            return false;
    }
    p->carry = bits % p->c.rate;
    p->free_at = start + bits / p->c.rate;
    if (p->c.queue_packets)
        p->leave[(p->leave_head + p->leave_n++) % p->c.queue_packets] = p->free_at;
    *ret_sent = p->free_at;
    return true;
}

/**
 * pipe_early() - does the queue's management want less of the sender of a packet that comes now?
 *
 * The chance follows the time that the packet would wait, and has no memory: a plain cousin of RED.
 */
static bool pipe_early(struct pipe *p, gn_time now)
{
    gn_time wait = p->free_at > now ? p->free_at - now : 0;

    if (p->c.aqm_to == 0 || p->c.rate == 0 || wait <= p->c.aqm_from)
        return false;
    return wait >= p->c.aqm_to ||
           pipe_chance(p, (uint32_t)((wait - p->c.aqm_from) * UINT64_C(1000000) /
                                     (p->c.aqm_to - p->c.aqm_from)));
}

/** pipe_pattern() - told to lose packet @nth? */
static bool pipe_pattern(const struct pipe *p, const uint8_t *bytes, uint32_t len, uint64_t nth)
{
    if (nth < 64 && (p->c.drop_mask >> nth & 1))
        return true;
    if (p->c.drop_every && (nth + 1) % p->c.drop_every == 0)
        return true;
    return p->c.filter && p->c.filter(p->c.filter_ctx, bytes, len, nth) == GN_FATE_LOSE;
}

/** pipe_unlucky() - lost at random, alone or in a burst */
static bool pipe_unlucky(struct pipe *p)
{
    if (p->in_burst)
        p->in_burst = !pipe_chance(p, p->c.burst_leave_ppm);
    else
        p->in_burst = pipe_chance(p, p->c.burst_enter_ppm);
    return p->in_burst || pipe_chance(p, p->c.loss_ppm);
}

/** pipe_arrival() - when a packet sent by @sent comes out; only reordering lets others overtake it
 */
static gn_time pipe_arrival(struct pipe *p, gn_time sent)
{
    gn_time at = sent + p->c.latency;

    if (p->c.jitter)
        at += prng_u64(&p->rng) % (p->c.jitter + 1);
    if (pipe_chance(p, p->c.reorder_ppm))
        return at + p->c.reorder_delay;
    if (at < p->last_out)
        at = p->last_out;
    p->last_out = at;
    return at;
}

struct pipe_verdict pipe_offer(struct pipe *p, const uint8_t *bytes, uint32_t len, gn_time now)
{
    struct pipe_verdict v = {.loss = GN_LOSS_NONE};
    uint64_t nth = p->nth++;
    bool early = pipe_early(p, now);
    gn_time sent;

    if (now >= p->c.down_from && now < p->c.down_until)
        v.loss = GN_LOSS_DOWN;
    else if (early && !(len > p->ip_at && router_ect(bytes + p->ip_at, len - p->ip_at)))
        v.loss = GN_LOSS_AQM;
    else if (!pipe_queue(p, len, now, &sent))
        v.loss = GN_LOSS_QUEUE;
    else if (pipe_pattern(p, bytes, len, nth))
        v.loss = GN_LOSS_PATTERN;
    else if (pipe_unlucky(p))
        v.loss = GN_LOSS_RANDOM;
    if (v.loss != GN_LOSS_NONE)
        return v;

    v.at = pipe_arrival(p, sent);
    v.mark = early;
    v.duplicate = pipe_chance(p, p->c.duplicate_ppm);
    v.corrupt = pipe_chance(p, p->c.corrupt_ppm);
    if (v.corrupt)
        v.bit = prng_below(&p->rng, len * 8);
    return v;
}
