/* SPDX-License-Identifier: BSD-2-Clause */
/** @file The receive buffer follows the path: against a sender that fills whatever window it gets,
 * in virtual time. */
#include "fixture.h"

#include <criterion/criterion.h>

#define MSS     1448
#define DEFAULT 131072
#define CHUNKS  64 /* in which a round trip's worth arrives */

/* An ACK on its way: what the sender may do once it is there, by the time at which what it sends
 * then arrives. */
struct permit {
    gn_time at;
    uint64_t ack, edge;
    uint32_t tsval;
};

struct flow {
    struct fixture fx;
    uint64_t rate; /* octets per second */
    gn_time rtt;   /* of the path */
    bool ts;
    uint64_t sent, cwnd, read;
    gn_time link_free;
    struct permit last, on_way[4096];
    uint32_t head, tail;
};

static struct flow f;
static const char zeros[8 << 20];

static void open_flow(unsigned rtt_ms, uint64_t mbit, bool ts)
{
    struct tcb *t = &f.fx.tcb;

    memset(&f, 0, sizeof f);
    fx_init(&f.fx, GN_ESTABLISHED);
    mem_set_budget(&f.fx.mem, (uint64_t)1 << 40);
    f.fx.conf.tcp_rmem_max = 1 << 30;
    f.rate = mbit * 1000000 / 8;
    f.rtt = rtt_ms * GN_MSEC;
    f.ts = t->ts_ok = ts;
    t->ts.recent_at = f.fx.env.now;
    t->rcv.wscale = 14;
    t->opts.rcvbuf = DEFAULT;
    t->opts.rcvbuf_fixed = false;
    f.cwnd = 10 * MSS;
    f.last.edge = FX_WND;
    f.link_free = f.fx.env.now;
}

/* an ACK leaves if one is due */
static void send_ack(void)
{
    while (fx_output(&f.fx)) {
        struct permit *p = &f.on_way[f.tail++ % 4096];

        p->at = f.fx.env.now + f.rtt;
        p->ack = f.fx.out.ack.raw - FX_RCV;
        p->ack += (f.sent - p->ack) >> 32 << 32;
        p->edge = p->ack + ((uint32_t)f.fx.out.wnd << 14);
        p->tsval = f.fx.out.opt.tsval;
        cr_assert_lt(f.tail - f.head, 4096);
    }
}

/* the sender hears of it: slow start without end, as into a queue without bound */
static void take_permit(void)
{
    struct permit *p = &f.on_way[f.head++ % 4096];

    f.cwnd += p->ack - f.last.ack;
    f.last = *p;
}

/* octets that the sender may send at this time of arrival */
static uint64_t allowed(gn_time at)
{
    uint64_t end;

    while (f.head != f.tail && f.on_way[f.head % 4096].at <= at)
        take_permit();
    end = f.last.ack + f.cwnd < f.last.edge ? f.last.ack + f.cwnd : f.last.edge;
    return end > f.sent ? end - f.sent : 0;
}

/* the next text arrives, and is read at once */
static void arrive(uint64_t chunk)
{
    struct seg s = fx_seg(CTL_ACK, FX_RCV + (uint32_t)f.sent, FX_UNA, "");
    uint64_t n;

    while ((n = allowed(f.link_free)) < MSS) {
        cr_assert(f.head != f.tail, "the sender waits for ever");
        f.link_free = max_u64(f.link_free, f.on_way[f.head % 4096].at);
    }
    n = min_u64(n, chunk);
    s.text_len = (uint32_t)n;
    s.n_text = 1;
    s.text[0] = (struct gn_span){(const uint8_t *)zeros, s.text_len};
    s.gso_size = MSS;
    if (f.ts) {
        s.opt.has = OPT_TS;
        s.opt.tsval = (uint32_t)(f.link_free / GN_MSEC);
        s.opt.tsecr = f.last.tsval;
    }
    f.link_free += n * GN_SEC / f.rate;
    f.fx.env.now = f.link_free;
    cr_assert_eq(fx_arrives(&f.fx, s), GN_DROP_NONE);
    f.sent += n;
}

static void read_all(void)
{
    struct gn_span span[2];

    while (tcp_recv_data(&f.fx.tcb, span) > 0)
        cr_assert_eq(tcp_recv_done(&f.fx.tcb, &f.fx.env, span[0].len), GN_OK);
}

/* octets that arrive in @rounds round trips */
static uint64_t run(unsigned rounds)
{
    gn_time end = f.fx.env.now + rounds * f.rtt;
    uint64_t before = f.sent, bdp = f.rate * f.rtt / GN_SEC;

    while (f.fx.env.now < end) {
        arrive(max_u64(bdp / CHUNKS, MSS));
        read_all();
        send_ack();
    }
    return f.sent - before;
}

static void follows(unsigned rtt_ms, uint64_t mbit, bool ts)
{
    uint64_t bdp, got, most;
    uint32_t buf;

    open_flow(rtt_ms, mbit, ts);
    bdp = f.rate * f.rtt / GN_SEC;
    send_ack();
    (void)run(40);
    got = run(5);
    buf = f.fx.tcb.opts.rcvbuf;
    cr_expect_geq(got * 100, 5 * bdp * 99, "%u ms, %u Mbit/s: only %u %% of the path", rtt_ms,
                  (unsigned)mbit, (unsigned)(got * 20 / bdp));
    cr_expect_geq(buf, bdp);
    /* without timestamps a round trip begins as long as the first window takes */
    most = 8 * (ts ? bdp : max_u64(bdp, DEFAULT)) + 64 * MSS;
    cr_expect(buf <= DEFAULT || buf <= most, "%u ms, %u Mbit/s: %u for a path of %u", rtt_ms,
              (unsigned)mbit, (unsigned)buf, (unsigned)bdp);
    fx_fini(&f.fx);
}

static void matrix(bool ts)
{
    static const unsigned rtt[] = {1, 20, 100, 300}, mbit[] = {10, 100, 1000, 10000};

    for (unsigned i = 0; i < 16; i++)
        follows(rtt[i / 4], mbit[i % 4], ts);
}

/* no round trip was measured in the handshake: the receiver's own serves, to the path's product and
 * not much beyond, though the sender would fill any queue */
Test(rcvbuf, follows_the_path_with_timestamps)
{
    matrix(true);
}

Test(rcvbuf, follows_the_path_without_timestamps)
{
    matrix(false);
}

/* what the handshake measured is of no account once the receiver has measured */
Test(rcvbuf, forgets_the_handshake)
{
    open_flow(100, 100, true);
    f.fx.tcb.rec.rtt.srtt = GN_SEC;
    send_ack();
    (void)run(20);
    cr_expect_leq(f.fx.tcb.drs.rtt, 102 * GN_MSEC);
    cr_expect_geq(f.fx.tcb.drs.rtt, 100 * GN_MSEC);
    cr_expect_leq(f.fx.tcb.opts.rcvbuf, 10 * f.rate / 10);
    fx_fini(&f.fx);
}

/* the path grows longer: after a while the buffer follows */
Test(rcvbuf, follows_a_path_that_grows)
{
    open_flow(10, 100, true);
    send_ack();
    (void)run(40);
    cr_expect_lt(f.fx.tcb.drs.rtt, 12 * GN_MSEC);
    f.rtt = 200 * GN_MSEC;
    (void)run(100);
    cr_expect_geq(f.fx.tcb.drs.rtt, 200 * GN_MSEC);
    cr_expect_geq(run(5) * 100, 5 * f.rate / 5 * 99);
    fx_fini(&f.fx);
}

/* a mark whose ACK was lost before a pause so long that the clock of timestamps has gone half round
 * in it: the next one is as good */
Test(rcvbuf, a_mark_of_long_ago_is_forgotten)
{
    struct tcb *t = &f.fx.tcb;

    open_flow(10, 100, true);
    send_ack();
    (void)run(20);
    t->drs.marked = true;
    t->drs.mark++;
    f.fx.env.now += 25 * 24 * 3600 * GN_SEC;
    f.link_free = f.fx.env.now;
    (void)run(20);
    cr_expect_lt(f.fx.env.now - t->drs.marked_at, GN_SEC);
    fx_fini(&f.fx);
}

/* a user that reads slowly is no reason for a larger buffer */
Test(rcvbuf, a_slow_user_gets_no_more)
{
    open_flow(10, 1000, true);
    send_ack();
    for (unsigned i = 0; i < 2000; i++) {
        struct gn_span span[2];

        if (allowed(f.fx.env.now) >= MSS)
            arrive(MSS);
        else
            f.link_free = f.fx.env.now += 100 * GN_USEC;
        if (i % 2 && tcp_recv_data(&f.fx.tcb, span) > 0)
            cr_assert_eq(tcp_recv_done(&f.fx.tcb, &f.fx.env, min_u32(span[0].len, 100)), GN_OK);
        send_ack();
    }
    cr_expect_eq(f.fx.tcb.opts.rcvbuf, DEFAULT);
    fx_fini(&f.fx);
}

/* SEC-MEM-3: with memory short the buffer does not grow, the window is not taken back, what was
 * accepted stays, and tcp_rmem_min is always offered again */
Test(rcvbuf, short_of_memory)
{
    struct tcb *t = &f.fx.tcb;
    seq_t edge;

    open_flow(10, 100, true);
    f.fx.conf.tcp_rmem_min = 8192;
    send_ack();
    edge = t->rcv.edge;
    mem_set_budget(&f.fx.mem, 2 << 20);
    f.fx.mem.used += 2 << 20; /* somebody holds it all */
    cr_assert(mem_short(&f.fx.mem));
    for (unsigned i = 0; i < 200; i++) {
        if (allowed(f.fx.env.now) < MSS)
            break;
        arrive(MSS);
        cr_expect(seq_ge(t->rcv.edge, edge), "never to the left");
        edge = t->rcv.edge;
        send_ack();
    }
    cr_expect_gt(t->rcvbuf.len, 0);
    cr_expect_leq(tcb_rcv_wnd(t), 1 << 14);
    cr_expect_eq(t->opts.rcvbuf, DEFAULT);
    read_all();
    ack_at_once(t);
    send_ack();
    cr_expect_leq(tcb_rcv_wnd(t), 1 << 14);
    f.fx.mem.used -= 2 << 20;
    ack_at_once(t);
    send_ack();
    cr_expect_gt(tcb_rcv_wnd(t), DEFAULT / 2);
    fx_fini(&f.fx);
}
