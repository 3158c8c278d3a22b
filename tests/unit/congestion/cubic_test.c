/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 9438 and RFC 9406 as numbers. */
#include "congestion/cubic.h"

#include <criterion/criterion.h>

#define MSS 1000
#define RTT (100 * GN_MSEC)

static struct cc c;
static gn_time now, rtt;
static uint64_t delivered;

static struct cubic *q(void)
{
    return (struct cubic *)(void *)&c.u;
}

static void start(uint32_t cwnd, uint32_t ssthresh)
{
    now = GN_SEC;
    rtt = RTT;
    delivered = 0;
    c = (struct cc){0};
    cc_init(&c, CC_CUBIC, MSS, 10, NULL, now);
    c.cwnd = cwnd * MSS;
    if (ssthresh) {
        c.ssthresh = ssthresh * MSS;
        cc_switch(&c, CC_CUBIC, NULL, now);
    }
}

/* one segment is acknowledged */
static void ack(bool limited)
{
    struct cc_ack a = {.now = now, .acked = MSS, .cwnd_limited = limited, .srtt = rtt, .rtt = rtt};

    delivered += MSS;
    a.delivered = delivered;
    a.in_flight = c.cwnd - MSS;
    c.ops->on_ack(&c, &a);
}

/* one round trip of ACKs, spread evenly */
static void round_trip(void)
{
    uint32_t n = c.cwnd / MSS;

    for (uint32_t i = 0; i < n; i++) {
        now += rtt / n;
        ack(true);
    }
}

Test(cubic, root)
{
    static const uint64_t at[] = {0, 1, 7, 8, 26, 27, 63, 64, 999999999, 1000000000};

    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        uint64_t y = cubic_root(at[i]);

        cr_expect(y * y * y <= at[i] && (y + 1) * (y + 1) * (y + 1) > at[i]);
    }
    for (uint64_t y = 1; y < 2642245; y += 977) {
        cr_expect_eq(cubic_root(y * y * y), y);
        cr_expect_eq(cubic_root(y * y * y - 1), y - 1);
    }
    cr_expect_eq(cubic_root(UINT64_MAX), 2642245);
}

Test(cubic, CC_9438_1_the_curve)
{
    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    cr_expect(c.cwnd > 69900 && c.cwnd <= 70100, "CC-9438-2: beta is 0.7");
    ack(true);
    /* K = cbrt(30 segments / 0.4) = 4.217 s */
    cr_expect(q()->k > 4205 && q()->k < 4230);
    cr_expect_eq(q()->w_max, 100 * MSS);
    cr_expect_eq(cubic_window(q(), MSS, q()->k), 100 * MSS, "plateau at W_max after K");
    cr_expect_eq(cubic_window(q(), MSS, q()->k + 1000), 100 * MSS + 400, "C is 0.4");
    cr_expect_eq(cubic_window(q(), MSS, q()->k - 1000), 100 * MSS - 400);
}

Test(cubic, CC_9438_1_grows_back_to_w_max_in_k)
{
    start(1000, 700);
    c.ops->on_loss(&c, 1000 * MSS, now);
    ack(true);
    gn_time end = now + q()->k * GN_MSEC; /* 9.08 s */
    while (now < end)
        round_trip();
    cr_expect(c.cwnd > 985 * MSS && c.cwnd < 1015 * MSS, "%u", c.cwnd);
}

Test(cubic, CC_9438_3_no_faster_than_half_more_per_round_trip)
{
    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    ack(true);
    now += 60 * GN_SEC; /* W_cubic is far up */
    uint32_t was = c.cwnd;
    round_trip();
    cr_expect(c.cwnd <= was + was / 2 + MSS && c.cwnd > was + was / 4);
}

Test(cubic, CC_9438_4_reno_friendly_on_short_paths)
{
    start(20, 10);
    rtt = 5 * GN_MSEC;
    c.ops->on_loss(&c, 20 * MSS, now);
    uint32_t was = c.cwnd;
    for (int i = 0; i < 6; i++)
        round_trip();
    uint32_t up = c.cwnd - was; /* 6 round trips at 0.529 segments */
    cr_expect(up > 2700 && up < 3600, "%u", up);
    while (c.cwnd < 21 * MSS)
        round_trip();
    was = c.cwnd;
    round_trip();
    cr_expect(c.cwnd - was > 900 && c.cwnd - was <= 1100, "alpha is 1 beyond cwnd_prior");
}

Test(cubic, CC_9438_5_application_limited_time_does_not_count)
{
    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    round_trip();
    uint32_t was = c.cwnd;
    for (int i = 0; i < 100; i++) {
        now += RTT;
        ack(false);
    }
    cr_expect_eq(c.cwnd, was);
    round_trip();
    cr_expect_leq(c.cwnd - was, 4 * MSS, "as if the pause had not been");
    was = c.cwnd;
    now += 100 * GN_SEC;
    c.ops->on_idle(&c, 100 * GN_SEC + RTT, 1000 * GN_SEC, now);
    round_trip();
    cr_expect_leq(c.cwnd - was, 4 * MSS);
}

/* bursts with nothing in flight between them, and the ACK of the last segment is a delayed one: it
 * begins the epoch later after a transmission than all further ACKs come */
Test(cubic, CC_9438_5_no_epoch_lies_in_the_future)
{
    gn_time sent;

    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    sent = now;
    now += RTT + 40 * GN_MSEC;
    ack(true);
    for (int i = 0; i < 10; i++) {
        now += 5 * GN_MSEC;
        c.ops->on_idle(&c, now - sent, 1000 * GN_SEC, now);
        sent = now;
        now += RTT - 5 * GN_MSEC;
        for (uint32_t n = c.cwnd / MSS; n > 0; n--)
            ack(true);
        cr_expect_leq(q()->epoch.start, now);
    }
    cr_expect_leq(c.cwnd, 90 * MSS, "%u", c.cwnd);
    cr_expect_geq(now - q()->epoch.start, 900 * GN_MSEC, "and the bursts are time");
}

/* t_epoch and W_est are those of the present stage of congestion avoidance (4.1.2) */
Test(cubic, CC_9438_1_another_epoch_after_a_restart)
{
    start(100, 70);
    rtt = 5 * GN_MSEC; /* as Reno */
    c.ops->on_loss(&c, 100 * MSS, now);
    while (c.cwnd < 90 * MSS)
        round_trip();
    now += 10 * GN_SEC;
    c.ops->on_idle(&c, 10 * GN_SEC, GN_SEC, now);
    cr_expect_eq(c.cwnd, 10 * MSS);
    while (c.cwnd < c.ssthresh)
        ack(true);
    round_trip();
    cr_expect_leq(c.cwnd, c.ssthresh + 2 * MSS, "no leap to where it was: %u", c.cwnd);
}

Test(cubic, CC_9438_6_fast_convergence)
{
    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    cr_expect_eq(q()->w_max, 100 * MSS);
    c.ops->on_loss(&c, 70 * MSS, now); /* below W_max: release what another flow takes */
    cr_expect(q()->w_max > 59000 && q()->w_max < 59600);
}

Test(cubic, CC_9438_7_timeout)
{
    start(100, 70);
    c.ops->on_timeout(&c, 100 * MSS, true, now);
    cr_expect_eq(c.cwnd, MSS);
    cr_expect(c.ssthresh > 69900 && c.ssthresh <= 70100);
    c.ops->on_timeout(&c, 100 * MSS, false, now);
    cr_expect(c.ssthresh > 69900 && c.ssthresh <= 70100);
    while (c.cwnd < c.ssthresh)
        ack(true);
    ack(true);
    cr_expect_eq(q()->k, 0);
    cr_expect(q()->w_max >= 69900 && q()->w_max <= 71100);
}

Test(cubic, CC_9438_9_undo)
{
    start(100, 70);
    c.ops->on_loss(&c, 100 * MSS, now);
    round_trip();
    struct cubic was = *q();
    uint32_t cwnd = c.cwnd, ssthresh = c.ssthresh;
    c.ops->on_timeout(&c, 70 * MSS, true, now);
    c.ops->on_undo(&c, now);
    cr_expect(c.cwnd == cwnd && c.ssthresh == ssthresh);
    cr_expect(q()->k == was.k && q()->w_max == was.w_max && q()->epoch.start == was.epoch.start);
}

Test(cubic, CC_9438_9_undo_into_the_first_slow_start)
{
    start(40, 0);
    c.ops->on_loss(&c, 40 * MSS, now);
    ack(true);
    c.ops->on_undo(&c, now);
    cr_expect(c.ssthresh == UINT32_MAX && c.cwnd >= 40 * MSS);
    ack(true);
    cr_expect_geq(c.cwnd, 41 * MSS);
}

Test(cubic, CC_9438_11_nothing_overflows)
{
    start(1, 2);
    c.ops->on_loss(&c, 100 * MSS, now);
    ack(true);
    now += 1000000 * GN_SEC;
    for (int i = 0; i < 1000; i++)
        ack(true);
    cr_expect_leq(c.cwnd, CC_CWND_MAX);
    c.cwnd = 1 << 30;
    c.ops->on_loss(&c, 1 << 30, now);
    for (int i = 0; i < 1000; i++) {
        now += RTT;
        ack(true);
    }
    cr_expect_leq(c.cwnd, CC_CWND_MAX);
}

Test(cubic, CC_8511_1_ecn)
{
    start(100, 70);
    c.ops->on_ece(&c, 100 * MSS, now);
    cr_expect(c.cwnd > 84800 && c.cwnd <= 85000);
    start(1, 2);
    c.ops->on_ece(&c, MSS, now);
    cr_expect(c.cwnd == MSS && c.ssthresh == 2 * MSS, "CC-9438-2");
}

/* CC-9406-1, CC-9438-8 */
Test(hystart, CC_9406_1_leaves_slow_start_when_the_rtt_grows)
{
    start(10, 0);
    while (c.cwnd < 40 * MSS)
        round_trip();
    cr_expect_eq(q()->hystart.css_rounds, 0);
    rtt += 13 * GN_MSEC; /* RttThresh is 100 / 8 = 12.5 ms */
    round_trip();
    round_trip();
    cr_expect_gt(q()->hystart.css_rounds, 0, "conservative slow start");
    uint32_t was = c.cwnd;
    round_trip();
    cr_expect_leq(c.cwnd, was + was / 3, "growth / 4");
    for (int i = 0; i < 7 && c.ssthresh == UINT32_MAX; i++)
        round_trip();
    cr_expect_neq(c.ssthresh, UINT32_MAX, "five rounds, then congestion avoidance");
    was = c.cwnd;
    round_trip();
    cr_expect_leq(c.cwnd, was + 3 * MSS);
}

/* an ACK of twenty segments in the first slow start: by how many does the window grow? */
static uint32_t growth(uint64_t pacing_rate)
{
    struct cc_ack a = {.acked = 20 * MSS, .cwnd_limited = true, .srtt = RTT, .rtt = RTT};
    uint32_t was;

    start(100, 0);
    c.pacing_rate = pacing_rate;
    was = c.cwnd;
    a.now = now;
    a.delivered = a.acked;
    a.in_flight = was - a.acked;
    c.ops->on_ack(&c, &a);
    return (c.cwnd - was) / MSS;
}

Test(hystart, CC_9406_1_eight_segments_for_an_ack_unless_paced)
{
    cr_expect_eq(growth(0), 8);
    cr_expect_eq(growth(1000000), 20);
}

Test(hystart, CC_9406_1_goes_back_if_it_was_jitter)
{
    start(10, 0);
    while (c.cwnd < 40 * MSS)
        round_trip();
    rtt += 20 * GN_MSEC;
    round_trip();
    round_trip();
    cr_expect_gt(q()->hystart.css_rounds, 0);
    rtt -= 20 * GN_MSEC;
    round_trip();
    round_trip();
    cr_expect_eq(q()->hystart.css_rounds, 0);
    uint32_t was = c.cwnd;
    round_trip();
    cr_expect_geq(c.cwnd, 2 * was - 2 * MSS);
}

Test(hystart, CC_9406_1_small_changes_do_not_count)
{
    start(10, 0);
    rtt = 10 * GN_MSEC;
    while (c.cwnd < 40 * MSS)
        round_trip();
    rtt += 3 * GN_MSEC; /* below MIN_RTT_THRESH */
    round_trip();
    round_trip();
    cr_expect_eq(q()->hystart.css_rounds, 0);
}
