/* SPDX-License-Identifier: BSD-2-Clause */
/* The short ways: small segments and their ACKs, with pauses and now and then some trouble. What
 * both ways make of whole transfers through a lossy pipe, pipe_test.c looks at. */
#include "base/prng.h"
#include "unit/recovery/twin.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define LIVES 200
#define TURNS 300

struct life {
    struct rig g;
    struct prng rnd;
    uint32_t sent, acks;             /* in all */
    uint32_t plain_sent, plain_acks; /* of these by the short way, too */
};

static bool one_in(struct life *l, uint32_t n)
{
    return prng_below(&l->rnd, n) == 0;
}

/* a connection as the knobs of a life make it */
static void set_up(struct life *l, uint64_t seed)
{
    memset(l, 0, sizeof(*l));
    prng_seed(&l->rnd, seed, 1);
    rig_open(&l->g, seed & 1, 1 + prng_below(&l->rnd, 50 * GN_MSEC));
    l->g.conf.tcp_recovery = one_in(l, 4) ? 0 : 1;
    l->g.conf.tcp_slow_start_after_idle = one_in(l, 2);
    l->g.conf.tcp_early_retrans = !one_in(l, 4);
    recovery_set_cc(&l->g.r, &l->g.env, one_in(l, 2) ? CC_CUBIC : CC_NEWRENO);
    if (one_in(l, 2)) /* beyond the first slow start */
        l->g.r.cc.ssthresh = (2 + prng_below(&l->rnd, 30)) * MSS;
    if (one_in(l, 10))
        cr_assert(recovery_set_max_pacing(&l->g.r, &l->g.env, 1000000));
}

/* some segments leave */
static void talk(struct life *l)
{
    struct recovery *r = &l->g.r;
    uint32_t len, lost;
    seq_t start;

    while (recovery_next_lost(r, MSS, &start, &lost) && recovery_room(r) >= lost)
        (void)twin_sent(&l->g, start, lost, false);
    for (uint32_t n = 1 + prng_below(&l->rnd, one_in(l, 10) ? 12 : 3); n; n--) {
        len = one_in(l, 3) ? MSS : 1 + prng_below(&l->rnd, MSS);
        if (recovery_room(r) < len)
            return;
        cr_assert(recovery_reserve(r, &l->g.env, 2));
        l->sent++;
        l->plain_sent += twin_sent(&l->g, r->nxt, len, n == 1);
        if (one_in(l, 3))
            l->g.env.now += prng_below(&l->rnd, GN_MSEC);
    }
}

/* the number of a segment's end, or one inside of it, or of nothing new */
static seq_t acked_to(struct life *l)
{
    const struct sent_log *log = &l->g.r.sent;
    uint32_t n = sent_count(log), k = one_in(l, 2) ? n : prng_below(&l->rnd, n + 1);
    seq_t end = k ? sent_end(sent_at(log, log->head + k - 1)) : l->g.r.una;

    return k && one_in(l, 12) ? seq_sub(end, 1) : end;
}

/* an ACK comes */
static void listen(struct life *l)
{
    struct recovery *r = &l->g.r;
    struct rec_ack a = {.ack = acked_to(l), .has_ts = true, .ts_rtt = GN_MSEC};

    a.dup = seq_eq(a.ack, r->una);
    a.ece = one_in(l, 40);
    if (r->sack_ok && one_in(l, 20) && seq_lt(a.ack, r->nxt)) {
        const struct sent *last = sent_at(&r->sent, r->sent.tail - 1);

        a.sack[a.n_sack++] = (struct rec_sack){last->start, sent_end(last)};
    }
    if (a.dup && seq_eq(r->una, r->nxt))
        return;
    l->acks += seq_gt(a.ack, r->una);
    l->plain_acks += twin_ack(&l->g, &a);
}

/* time passes, and timers fire */
static void pass(struct life *l)
{
    struct recovery *r = &l->g.r;
    struct rec_env *e = &l->g.env;

    e->now += one_in(l, 30) ? prng_below(&l->rnd, 2 * GN_SEC) : prng_below(&l->rnd, 20 * GN_MSEC);
    if (one_in(l, 300))
        e->now += 400 * GN_SEC;
    if (deadline_due(r->reo_at, e->now))
        recovery_on_reorder_timer(r, e);
    if (deadline_due(r->pto_at, e->now))
        recovery_on_pto(r, e);
    if (deadline_due(r->rto_at, e->now))
        recovery_on_rto(r, e);
    if (deadline_due(recovery_pace_at(r), e->now))
        recovery_on_pace(r, e, false);
}

/* a SYN, alone or with text, perhaps once more, and then ACKs of it; true: one by the short way */
static bool open_one(struct life *l, uint64_t seed)
{
    struct recovery *r = &l->g.r;
    bool plain = false, syn;

    memset(l, 0, sizeof(*l));
    prng_seed(&l->rnd, seed, 2);
    rig_init(&l->g, seed & 1);
    l->g.conf.tcp_recovery = one_in(l, 4) ? 0 : 1;
    recovery_set_cc(r, &l->g.env, prng_below(&l->rnd, 3));
    if (one_in(l, 10))
        cr_assert(recovery_set_max_pacing(r, &l->g.env, 1000000));
    cr_assert(recovery_reserve(r, &l->g.env, 3));
    recovery_on_sent(r, &l->g.env, seq(ISS), one_in(l, 2) ? 1 : 1 + prng_below(&l->rnd, MSS), true);
    if (one_in(l, 4))
        recovery_on_sent(r, &l->g.env, r->nxt, 1 + prng_below(&l->rnd, MSS), true);
    if (one_in(l, 4)) {
        rig_rto(&l->g);
        (void)rig_again(&l->g);
    }
    while (!seq_eq(r->una, r->nxt)) {
        uint32_t span = seq_span(r->una, r->nxt);
        struct rec_ack a = {.ack = seq_add(r->una, one_in(l, 4) ? 1 : span),
                            .has_ts = one_in(l, 2)};

        a.ts_rtt = prng_below(&l->rnd, 3) * GN_MSEC;
        a.ece = one_in(l, 10);
        l->g.env.now += prng_below(&l->rnd, 3) * 100 * GN_MSEC;
        syn = r->handshake;
        plain |= twin_ack(&l->g, &a) && syn;
    }
    rig_fini(&l->g);
    return plain;
}

Test(plain, both_ways_open_the_same)
{
    static struct life l;
    unsigned plain = 0;

    for (uint64_t seed = 1; seed <= 10 * LIVES; seed++)
        plain += open_one(&l, seed);
    cr_assert_gt(plain, 5 * LIVES / 2, "%u of %u openings", plain, 10 * LIVES);
}

Test(plain, both_ways_are_the_same)
{
    static struct life l;
    uint64_t sent = 0, acks = 0, plain_sent = 0, plain_acks = 0;

    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        set_up(&l, seed);
        for (unsigned i = 0; i < TURNS; i++) {
            talk(&l);
            pass(&l);
            listen(&l);
        }
        sent += l.sent;
        acks += l.acks;
        plain_sent += l.plain_sent;
        plain_acks += l.plain_acks;
        rig_fini(&l.g);
    }
    cr_assert_gt(plain_sent, sent / 10, "%llu of %llu segments", (unsigned long long)plain_sent,
                 (unsigned long long)sent);
    cr_assert_gt(plain_acks, acks / 10, "%llu of %llu ACKs", (unsigned long long)plain_acks,
                 (unsigned long long)acks);
    fprintf(stderr, "short way: %llu of %llu segments, %llu of %llu ACKs\n",
            (unsigned long long)plain_sent, (unsigned long long)sent,
            (unsigned long long)plain_acks, (unsigned long long)acks);
}
