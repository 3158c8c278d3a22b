/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"
#include "base/wheel.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define TICK ((gn_time)1 << WHEEL_TICK_SHIFT)

static struct wheel wheel;

/* run to @now and return the only node that is due, or NULL */
static struct wheel_node *run(gn_time now)
{
    wheel_run(&wheel, now);
    return wheel_pop(&wheel);
}

Test(wheel, an_empty_wheel_has_no_deadline)
{
    wheel_init(&wheel, 12345);
    cr_assert_not(deadline_armed(wheel_next(&wheel)));
    cr_assert_null(run(UINT64_MAX));
    cr_assert_eq(wheel.armed, 0);
}

Test(wheel, never_early_and_late_by_less_than_a_tick)
{
    static const gn_time delays[] = {
        1,           TICK - 1,          TICK,          TICK + 1,
        63 * TICK,   64 * TICK,         64 * TICK + 1, 65 * TICK,
        4095 * TICK, 4096 * TICK,       4097 * TICK,   GN_SEC,
        60 * GN_SEC, 7200 * GN_SEC + 7, 1 << 30,       (gn_time)1 << 50};
    static const gn_time starts[] = {
        0, 1, TICK - 1, TICK, 63 * TICK + 5, 4095 * TICK + 60000, (gn_time)1 << 40};

    for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        for (unsigned i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
            struct wheel_node n = {0};
            gn_time at = starts[s] + delays[i];

            wheel_init(&wheel, starts[s]);
            wheel_arm(&wheel, &n, at);
            cr_assert_leq(deadline_time(wheel_next(&wheel)), at + TICK - 1);
            cr_assert_null(run(at - 1));
            cr_assert_eq(run(at + TICK - 1), &n);
            cr_assert_not(wheel_armed(&n));
            cr_assert_eq(wheel.armed, 0);
            cr_assert_not(deadline_armed(wheel_next(&wheel)));
        }
    }
}

Test(wheel, the_past_is_due_at_the_next_run_not_in_this_one)
{
    struct wheel_node n = {0};

    wheel_init(&wheel, 10 * GN_SEC);
    wheel_arm(&wheel, &n, 1);
    cr_assert_leq(deadline_time(wheel_next(&wheel)), 10 * GN_SEC);
    cr_assert_null(wheel_pop(&wheel));
    cr_assert_eq(run(10 * GN_SEC), &n);
    wheel_arm(&wheel, &n, 1); /* a handler that arms for the past does not loop */
    cr_assert_null(wheel_pop(&wheel));
    wheel_cancel(&wheel, &n);
    cr_assert_null(run(11 * GN_SEC));
}

Test(wheel, cancel_and_move)
{
    struct wheel_node a = {0}, b = {0};

    wheel_init(&wheel, 0);
    wheel_cancel(&wheel, &a);
    wheel_arm(&wheel, &a, GN_SEC);
    wheel_arm(&wheel, &b, GN_SEC);
    wheel_arm(&wheel, &a, 2 * GN_SEC);
    cr_assert_eq(wheel.armed, 2);
    cr_assert_eq(run(GN_SEC + TICK), &b);
    cr_assert_null(wheel_pop(&wheel));
    wheel_arm(&wheel, &b, 3 * GN_SEC);
    wheel_cancel(&wheel, &b);
    cr_assert_eq(run(5 * GN_SEC), &a);
    cr_assert_null(wheel_pop(&wheel));
    cr_assert_not(deadline_armed(wheel_next(&wheel)));
    /* cancelled while due */
    wheel_arm(&wheel, &a, 6 * GN_SEC);
    wheel_run(&wheel, 7 * GN_SEC);
    wheel_cancel(&wheel, &a);
    cr_assert_null(wheel_pop(&wheel));
    for (unsigned i = 0; i < WHEEL_LEVELS; i++)
        cr_assert_eq(wheel.map[i], 0);
}

Test(wheel, the_end_of_time_does_not_overflow)
{
    struct wheel_node n = {0};

    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &n, UINT64_MAX);
    cr_assert_null(run(UINT64_MAX - 2 * TICK));
    cr_assert_eq(run(UINT64_MAX), &n);
}

Test(wheel, due_nodes_come_in_order_of_their_ticks)
{
    enum { N = 1000 };
    static struct wheel_node n[N];
    struct prng prng;
    struct wheel_node *p;
    gn_time last = 0;
    unsigned got = 0;

    prng_seed(&prng, 5, 0);
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < N; i++)
        wheel_arm(&wheel, &n[i], prng_u64(&prng) >> 20);
    wheel_run(&wheel, UINT64_MAX >> 16);
    while ((p = wheel_pop(&wheel))) {
        gn_time tick = (p->at + TICK - 1) >> WHEEL_TICK_SHIFT;

        cr_assert_geq(tick, last);
        last = tick;
        got++;
    }
    cr_assert_eq(got, N);
}

Test(wheel, what_comes_next_is_seen_ahead)
{
    struct wheel_node n[3] = {0};

    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < 3; i++)
        wheel_arm(&wheel, &n[i], (i + 1) * TICK);
    cr_assert_null(wheel_ahead(&wheel, 0), "none is due");
    wheel_run(&wheel, 3 * TICK);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 4; k++)
            cr_expect_eq(wheel_ahead(&wheel, k), i + k < 3 ? &n[i + k] : NULL);
        cr_assert_eq(wheel_pop(&wheel), &n[i]);
    }
    cr_assert_null(wheel_ahead(&wheel, 0));
}

Test(wheel, a_hundred_thousand_timers)
{
    enum { N = 100000 };
    struct wheel_node *n = calloc(N, sizeof(*n));
    struct prng prng;
    gn_time now = 0;
    unsigned got = 0, wakes = 0;

    prng_seed(&prng, 6, 0);
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < N; i++)
        wheel_arm(&wheel, &n[i], prng_u64(&prng) % (7200 * GN_SEC));
    cr_assert_eq(wheel.armed, N);
    while (wheel.armed) {
        struct wheel_node *p;

        now = deadline_time(wheel_next(&wheel));
        wakes++;
        wheel_run(&wheel, now);
        while ((p = wheel_pop(&wheel))) {
            cr_assert(p->at <= now && now < p->at + TICK);
            got++;
        }
    }
    cr_assert_eq(got, N);
    /* two hours are five digits of ticks: a node wakes the loop once, and before that shares at
     * most four cascades */
    cr_assert_leq(wakes, 4 * N);
    free(n);
}

Test(wheel, agrees_with_a_naive_model)
{
    enum { N = 64 };
    struct wheel_node n[N] = {0};
    gn_time at[N];
    bool armed[N] = {false};
    struct prng prng;
    gn_time now = 77777777;

    prng_seed(&prng, 7, 0);
    wheel_init(&wheel, now);
    for (unsigned round = 0; round < 60000; round++) {
        unsigned i = prng_below(&prng, N), count = 0;
        gn_time delay = prng_u64(&prng) >> (20 + prng_below(&prng, 40)), first = UINT64_MAX;

        switch (prng_below(&prng, 4)) {
        case 0:
        case 1:
            armed[i] = true;
            at[i] = prng_chance(&prng, 50000) ? now - now / 8 : now + delay;
            wheel_arm(&wheel, &n[i], at[i]);
            break;
        case 2:
            armed[i] = false;
            wheel_cancel(&wheel, &n[i]);
            break;
        case 3: now += delay / N; break;
        }
        for (unsigned k = 0; k < N; k++) {
            cr_assert_eq(wheel_armed(&n[k]), armed[k]);
            count += armed[k];
            if (armed[k] && at[k] < first)
                first = at[k];
        }
        cr_assert_eq(wheel.armed, count);
        cr_assert_eq(deadline_armed(wheel_next(&wheel)), count > 0);
        if (count)
            cr_assert_lt(deadline_time(wheel_next(&wheel)), (first > now ? first : now) + TICK);
        if (prng_chance(&prng, 500000))
            continue;
        wheel_run(&wheel, now);
        for (struct wheel_node *p; (p = wheel_pop(&wheel));) {
            cr_assert(armed[p - n]);
            cr_assert_leq(at[p - n], now);
            armed[p - n] = false;
        }
        for (unsigned k = 0; k < N; k++)
            cr_assert(!armed[k] || at[k] + TICK > now);
    }
}
