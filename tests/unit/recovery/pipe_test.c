/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole transfers through a lossy pipe, with random impairments and knobs. */
#include "unit/recovery/pipe.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* random_opts() - anything goes */
static struct pipe_opts random_opts(uint64_t seed, bool sack)
{
    struct prng rnd;

    prng_seed(&rnd, seed, 1);
    return (struct pipe_opts){
        .seed = seed,
        .segments = 1 + prng_below(&rnd, 300),
        .sack = sack,
        .dsack = prng_below(&rnd, 2),
        .ts = prng_below(&rnd, 2),
        .renege = !prng_below(&rnd, 8),
        .cc = prng_below(&rnd, 3),
        .mss = prng_below(&rnd, 2) ? 1000 : 1400,
        .loss = prng_below(&rnd, 3) ? prng_below(&rnd, 2000) : 0,
        .ack_loss = prng_below(&rnd, 3) ? 0 : prng_below(&rnd, 3000),
        .dup = prng_below(&rnd, 3) ? 0 : prng_below(&rnd, 2000),
        .reorder = prng_below(&rnd, 3) ? 0 : prng_below(&rnd, 3000),
        .delay = 1 + prng_below(&rnd, 100 * GN_MSEC),
        .reorder_by = prng_below(&rnd, 50 * GN_MSEC),
        .per_segment = 1 + prng_below(&rnd, 2 * GN_MSEC),
        .queue = 1 + prng_below(&rnd, 100),
        .burst = 1 + prng_below(&rnd, 20),
    };
}

static void swarm(bool sack, void (*knobs)(struct gn_conf *))
{
    const char *from = getenv("PIPE_SEED"), *count = getenv("PIPE_COUNT");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1, n = count ? strtoull(count, NULL, 0) : 300;
    uint64_t plain = 0;

    for (uint64_t seed = first; seed < first + (from && !count ? 1 : n); seed++) {
        struct pipe_opts o = random_opts(seed, sack);

        o.knobs = knobs;
        plain += pipe_run(&o).plain;
    }
    cr_assert(from || plain > 10 * n, "%llu short ways", (unsigned long long)plain);
}

static void no_rack(struct gn_conf *c)
{
    c->tcp_recovery = 0;
}

static void nothing(struct gn_conf *c)
{
    c->tcp_recovery = 4;
    c->tcp_early_retrans = 0;
    c->tcp_frto = 0;
}

static void short_rto(struct gn_conf *c)
{
    c->tcp_rto_min = GN_MSEC; /* many spurious timeouts */
}

Test(pipe, everything_arrives_with_rack)
{
    swarm(true, NULL);
}

Test(pipe, everything_arrives_with_rfc6675)
{
    swarm(true, no_rack);
}

Test(pipe, everything_arrives_without_sack)
{
    swarm(false, NULL);
}

Test(pipe, everything_arrives_with_rto_alone)
{
    swarm(false, nothing);
    swarm(true, nothing);
}

Test(pipe, everything_arrives_in_spite_of_spurious_timeouts)
{
    swarm(true, short_rto);
    swarm(false, short_rto);
}

/* long_haul() - 100 Mbit/s, 20 ms, a queue of one BDP, @loss of 10000; % of the link's rate */
static unsigned long_haul(unsigned cc, uint32_t loss)
{
    const struct pipe_opts o = {.seed = 7,
                                .segments = 60000,
                                .sack = true,
                                .dsack = true,
                                .ts = true,
                                .cc = cc,
                                .mss = 1400,
                                .loss = loss,
                                .delay = 10 * GN_MSEC,
                                .per_segment = 112 * GN_USEC, /* 1400 octets at 100 Mbit/s */
                                .queue = 180,
                                .burst = 4};
    struct pipe_result r = pipe_run(&o);
    unsigned percent = (unsigned)(r.goodput * 100 / 12500000);

    fprintf(stderr, "%-8s %u.%02u %% loss: %u %% of 100 Mbit/s, %u timeouts, %u sent again\n",
            cc_name(cc), loss / 100, loss % 100, percent, r.timeouts, r.retransmits);
    return percent;
}

Test(goodput, clean_path)
{
    cr_expect_geq(long_haul(CC_NEWRENO, 0), 80);
    cr_expect_geq(long_haul(CC_CUBIC, 0), 80);
    cr_expect_geq(long_haul(CC_BBR, 0), 85);
}

Test(goodput, one_percent_random_loss)
{
    /* the response function of RFC 9438 5.1, Reno-friendly: 1.22 * MSS / (RTT * sqrt(p)) is 7 % */
    cr_expect_geq(long_haul(CC_CUBIC, 100), 5);
    cr_expect_geq(long_haul(CC_BBR, 100), 60);
}
