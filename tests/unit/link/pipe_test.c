/* SPDX-License-Identifier: BSD-2-Clause */
#include "link/pipe.h"

#include <criterion/criterion.h>

static uint8_t bytes[2000];

/** offer() - one packet of @len octets */
static struct pipe_verdict offer(struct pipe *p, uint32_t len, gn_time now)
{
    return pipe_offer(p, bytes, len, now);
}

/** count_lost() - of @n packets, one each millisecond */
static unsigned count_lost(struct gn_pipe_config c, unsigned n)
{
    struct pipe p;
    unsigned lost = 0;

    cr_assert(pipe_init(&p, &c, 42, 0));
    for (unsigned i = 0; i < n; i++)
        lost += offer(&p, 100, i * GN_MSEC).loss != GN_LOSS_NONE;
    pipe_fini(&p);
    return lost;
}

Test(pipe, a_perfect_one_takes_no_time)
{
    struct gn_pipe_config c = {0};
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    for (gn_time t = 0; t < 100; t += 50) {
        struct pipe_verdict v = offer(&p, 1500, t);

        cr_assert_eq(v.loss, GN_LOSS_NONE);
        cr_assert_eq(v.at, t);
        cr_assert_not(v.duplicate);
        cr_assert_not(v.corrupt);
    }
    pipe_fini(&p);
}

Test(pipe, rate_and_latency_add_up)
{
    /* 1500 octets at 12 Mbit/s take 1 ms */
    struct gn_pipe_config c = {.rate = 12000000, .latency = 10 * GN_MSEC};
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    cr_assert_eq(offer(&p, 1500, 0).at, 11 * GN_MSEC);
    cr_assert_eq(offer(&p, 1500, 0).at, 12 * GN_MSEC);
    cr_assert_eq(offer(&p, 750, 2 * GN_MSEC).at, 12 * GN_MSEC + GN_MSEC / 2);
    cr_assert_eq(offer(&p, 1500, 100 * GN_MSEC).at, 111 * GN_MSEC);
    pipe_fini(&p);
}

Test(pipe, fractions_of_a_nanosecond_are_not_lost)
{
    struct gn_pipe_config c = {.rate = UINT64_C(100000000000)}; /* 64 octets: 5.12 ns */
    struct pipe p;
    gn_time at = 0;

    cr_assert(pipe_init(&p, &c, 1, 1));
    for (unsigned i = 0; i < 1000; i++)
        at = offer(&p, 64, 0).at;
    cr_assert_eq(at, 5120);
    pipe_fini(&p);
}

Test(pipe, a_queue_counted_in_packets_fills_and_drains)
{
    struct gn_pipe_config c = {.rate = 12000000, .queue_packets = 3};
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(offer(&p, 1500, 0).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1500, 0).loss, GN_LOSS_QUEUE);
    cr_assert_eq(offer(&p, 1500, GN_MSEC - 1).loss, GN_LOSS_QUEUE);
    cr_assert_eq(offer(&p, 1500, GN_MSEC).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1500, GN_MSEC).loss, GN_LOSS_QUEUE);

    c.queue_packets = 5; /* grows while it is full */
    cr_assert(pipe_set(&p, &c));
    cr_assert_eq(offer(&p, 1500, GN_MSEC).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1500, GN_MSEC).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1500, GN_MSEC).loss, GN_LOSS_QUEUE);
    c.queue_packets = 1; /* shrinks: full until all but none have left */
    cr_assert(pipe_set(&p, &c));
    cr_assert_eq(offer(&p, 1500, 5 * GN_MSEC).loss, GN_LOSS_QUEUE);
    cr_assert_eq(offer(&p, 1500, 6 * GN_MSEC).loss, GN_LOSS_NONE);
    pipe_fini(&p);
}

Test(pipe, a_queue_counted_in_octets_fills_and_drains)
{
    struct gn_pipe_config c = {.rate = 8000000, .queue_bytes = 2500}; /* an octet a microsecond */
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    cr_assert_eq(offer(&p, 1500, 0).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1500, 0).loss, GN_LOSS_QUEUE);
    cr_assert_eq(offer(&p, 1000, 0).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 1, 0).loss, GN_LOSS_QUEUE);
    cr_assert_eq(offer(&p, 500, 500 * GN_USEC).loss, GN_LOSS_NONE);
    pipe_fini(&p);

    c.queue_bytes = 100; /* smaller than a packet: still one at a time */
    cr_assert(pipe_init(&p, &c, 1, 1));
    cr_assert_eq(offer(&p, 1500, 0).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 10, 0).loss, GN_LOSS_QUEUE);
    pipe_fini(&p);
}

Test(pipe, random_loss_has_its_rate)
{
    unsigned lost = count_lost((struct gn_pipe_config){.loss_ppm = 10000}, 100000);

    cr_assert(lost > 850 && lost < 1150, "%u", lost);
    cr_assert_eq(count_lost((struct gn_pipe_config){.loss_ppm = 1000000}, 100), 100);
}

Test(pipe, bursts_come_and_go)
{
    struct gn_pipe_config c = {.burst_enter_ppm = 10000, .burst_leave_ppm = 200000};
    struct pipe p;
    unsigned lost = 0, bursts = 0;
    bool before = false;

    cr_assert(pipe_init(&p, &c, 7, 0));
    for (unsigned i = 0; i < 100000; i++) {
        bool l = offer(&p, 100, i).loss == GN_LOSS_RANDOM;

        lost += l;
        bursts += l && !before;
        before = l;
    }
    /* mean length 1 / 0.2, share 0.01 / (0.01 + 0.2) */
    cr_assert(lost > 4000 && lost < 5600, "%u", lost);
    cr_assert(lost / bursts >= 4 && lost / bursts <= 6, "%u in %u", lost, bursts);
    pipe_fini(&p);
}

/** lose_marked() - a filter: packets whose first octet is 9 */
static enum gn_fate lose_marked(void *ctx, const uint8_t *packet, uint32_t len, uint64_t nth)
{
    uint64_t *seen = ctx;

    cr_assert_eq(*seen, nth);
    cr_assert_eq(len, 100);
    *seen = nth + 1;
    return packet[0] == 9 ? GN_FATE_LOSE : GN_FATE_PASS;
}

Test(pipe, a_burst_ends_when_the_path_is_mended)
{
    struct gn_pipe_config c = {.burst_enter_ppm = 1000000}, fine = {0};
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    cr_assert_eq(offer(&p, 100, 0).loss, GN_LOSS_RANDOM);
    cr_assert(pipe_set(&p, &fine));
    cr_assert_eq(offer(&p, 100, 1).loss, GN_LOSS_NONE);
    pipe_fini(&p);
}

Test(pipe, patterns_hit_exactly_the_packets_they_name)
{
    struct gn_pipe_config c = {.drop_mask = 1u << 0 | 1u << 5, .drop_every = 4};
    uint64_t seen = 0;
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    for (unsigned i = 0; i < 200; i++)
        cr_assert_eq(offer(&p, 100, i).loss,
                     i == 0 || i == 5 || i % 4 == 3 ? GN_LOSS_PATTERN : GN_LOSS_NONE);
    pipe_fini(&p);

    c = (struct gn_pipe_config){.filter = lose_marked, .filter_ctx = &seen};
    cr_assert(pipe_init(&p, &c, 1, 1));
    for (unsigned i = 0; i < 20; i++) {
        bytes[0] = (uint8_t)(i % 3 == 0 ? 9 : 1);
        cr_assert_eq(offer(&p, 100, i).loss, i % 3 == 0 ? GN_LOSS_PATTERN : GN_LOSS_NONE);
    }
    cr_assert_eq(seen, 20);
    pipe_fini(&p);
}

Test(pipe, duplicates_and_flipped_bits_are_announced)
{
    struct gn_pipe_config c = {.duplicate_ppm = 500000, .corrupt_ppm = 250000};
    unsigned twins = 0, bad = 0;
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 3, 3));
    for (unsigned i = 0; i < 10000; i++) {
        struct pipe_verdict v = offer(&p, 40, i);

        twins += v.duplicate;
        bad += v.corrupt;
        if (v.corrupt)
            cr_assert_lt(v.bit, 320);
    }
    cr_assert(twins > 4700 && twins < 5300, "%u", twins);
    cr_assert(bad > 2250 && bad < 2750, "%u", bad);
    pipe_fini(&p);
}

Test(pipe, only_reordering_reorders)
{
    struct gn_pipe_config c = {.latency = GN_MSEC, .jitter = 5 * GN_MSEC};
    unsigned overtaken = 0;
    gn_time last = 0;
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 3, 3));
    for (unsigned i = 0; i < 1000; i++) {
        struct pipe_verdict v = offer(&p, 40, i * 100 * GN_USEC);

        cr_assert_geq(v.at, last);
        cr_assert_geq(v.at, i * 100 * GN_USEC + GN_MSEC);
        last = v.at;
    }
    c = (struct gn_pipe_config){.reorder_ppm = 100000, .reorder_delay = GN_MSEC};
    cr_assert(pipe_set(&p, &c));
    for (unsigned i = 0; i < 1000; i++) {
        gn_time now = GN_SEC + i * 100 * GN_USEC;
        struct pipe_verdict v = offer(&p, 40, now);

        cr_assert(v.at == now || v.at == now + GN_MSEC);
        overtaken += v.at != now;
    }
    cr_assert(overtaken > 60 && overtaken < 140, "%u", overtaken);
    pipe_fini(&p);
}

Test(pipe, nothing_passes_while_it_is_down)
{
    struct gn_pipe_config c = {.down_from = 100, .down_until = 200};
    struct pipe p;

    cr_assert(pipe_init(&p, &c, 1, 1));
    cr_assert_eq(offer(&p, 40, 99).loss, GN_LOSS_NONE);
    cr_assert_eq(offer(&p, 40, 100).loss, GN_LOSS_DOWN);
    cr_assert_eq(offer(&p, 40, 199).loss, GN_LOSS_DOWN);
    cr_assert_eq(offer(&p, 40, 200).loss, GN_LOSS_NONE);
    pipe_fini(&p);
}
