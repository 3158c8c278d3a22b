/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two blocks live the same life. One is put to rest and woken whenever it may be; both must do the
 * same on the wire and tell the same of themselves.
 *
 * Time goes in steps of 2^20 ns, the coarsest unit in which a rest keeps any of it.
 */
#include "fixture.h"
#include "tcp/rest.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIVES  60
#define ROUNDS 400
#define STEP   ((gn_time)1 << 20)
#define MSS    1460u

struct twins {
    struct fixture awake, sleeper;
    uint64_t random;
    uint32_t peer; /* next octet of the peer's stream */
    unsigned rests;
};

static uint8_t text[65536];

/* xorshift */
static uint32_t any(struct twins *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random >> 20) % below;
}

static void set_up(struct fixture *fx, uint32_t how)
{
    struct tcb *t = &fx->tcb;

    fx_init(fx, GN_ESTABLISHED);
    fx->env.now = (fx->env.now / STEP) * STEP;
    memset(&t->rec, 0, sizeof(t->rec));
    recovery_init(&t->rec, &fx->env.rec, seq(FX_UNA), MSS, how & 1);
    recovery_on_open(&t->rec, &fx->env.rec, 0, how & 2 ? 3 * STEP : 0);
    t->accepted = true;
    t->created = t->last_in = fx->env.now;
    t->past[0].word = t->past[1].word = 77;
    t->events = 0;
    t->opts.rcvbuf = t->opts.sndbuf = 60000;
    t->snd.wscale = t->rcv.wscale = 3;
    t->rcv.edge = t->rcv.max_edge = seq(FX_RCV + 60000);
    t->ts_ok = how >> 2 & 1;
    t->sack_ok = t->rec.sack_ok = how >> 3 & 1;
    t->opts.nodelay = how >> 4 & 1;
    if (how % 3 == 0)
        cr_assert_eq(tcp_set_option(t, &fx->env, GN_OPT_KEEPALIVE, 1), GN_OK);
    options_mss_changed(t, &fx->env);
}

/* what a host does with a block that may rest, and with a segment for it right after */
static void nap(struct twins *w)
{
    struct tcb *t = &w->sleeper.tcb;
    struct tcb_rest r;
    struct tcp_key key = t->key;
    struct tcb_opts o = t->opts;
    deadline_t keepalive = t->keepalive_at;
    uint8_t env = t->env;

    if (!tcp_may_rest(t, &w->sleeper.env))
        return;
    w->rests++;
    o.sndbuf = o.rcvbuf = 0;
    tcp_rest(t, &r);
    memset(t, 0xa5, sizeof(*t));
    tcp_wake(&r, &key, &o, w->sleeper.env.now, t);
    t->keepalive_at = keepalive;
    t->env = env;
    tcb_check(t);
}

static struct gn_status told(const struct fixture *fx)
{
    struct gn_status st;

    tcb_status(&fx->tcb, &fx->env, &st);
    st.created = 0; /* known to a microsecond */
    return st;
}

static void assert_same(struct twins *w, const char *after)
{
    struct gn_status a = told(&w->awake), b = told(&w->sleeper);

    cr_assert_eq(w->awake.tcb.events, w->sleeper.tcb.events);
    w->awake.tcb.events = w->sleeper.tcb.events = 0; /* the user has taken them */
    cr_assert_eq(a.cwnd, b.cwnd, "%u and %u after %s", a.cwnd, b.cwnd, after);
    cr_assert_eq(a.rcvbuf, b.rcvbuf, "%u and %u after %s", a.rcvbuf, b.rcvbuf, after);
    cr_assert(!memcmp(&a, &b, sizeof(a)), "STATUS after %s", after);
    cr_assert(!memcmp(&w->awake.stats, &w->sleeper.stats, sizeof(w->awake.stats)),
              "counters after %s", after);
    nap(w);
}

/* a segment of the peer's; what it acknowledges may be less than all */
static void arrive(struct twins *w)
{
    const struct tcb *t = &w->awake.tcb;
    uint32_t flight = seq_span(t->snd.una, t->snd.nxt);
    struct seg s = {.key = t->key, .seq = seq(w->peer), .ctl = CTL_ACK, .wnd = 8000};

    s.ack = seq_add(t->snd.una, any(w, 4) ? flight : any(w, flight + 1));
    s.text_len = any(w, 2) ? any(w, MSS) : 0;
    s.n_text = s.text_len > 0;
    s.text[0] = (struct gn_span){text + any(w, 60000), s.text_len};
    if (t->ts_ok) {
        s.opt.has = OPT_TS;
        s.opt.tsval = tcp_ts_clock(w->awake.env.now);
        s.opt.tsecr = ts_now(t, &w->awake.env) - any(w, 3);
    }
    if (!any(w, 20)) /* something before it is missing, or it comes again */
        s.seq = seq_add(s.seq, any(w, 2) ? 500 : (uint32_t)-500);
    else
        w->peer += s.text_len;
    cr_assert_eq(tcp_segment_arrives(&w->awake.tcb, &w->awake.env, &s),
                 tcp_segment_arrives(&w->sleeper.tcb, &w->sleeper.env, &s));
    w->peer = w->awake.tcb.rcv.nxt.raw;
}

/* both send what they want to */
static void output(struct twins *w)
{
    uint8_t x[TCPOPT_MAX], y[TCPOPT_MAX];
    struct seg a, b;
    uint32_t n;
    bool more;

    do {
        more = tcp_output(&w->awake.tcb, &w->awake.env, &a);
        cr_assert_eq(tcp_output(&w->sleeper.tcb, &w->sleeper.env, &b), more);
        if (!more)
            return;
        cr_assert(seq_eq(a.seq, b.seq) && seq_eq(a.ack, b.ack) && a.ctl == b.ctl);
        cr_assert_eq(a.wnd, b.wnd);
        cr_assert_eq(a.text_len, b.text_len);
        n = tcpopt_emit(&a.opt, x);
        cr_assert(tcpopt_emit(&b.opt, y) == n && !memcmp(x, y, n));
    } while (more);
}

/* the user sends or reads */
static void use(struct twins *w)
{
    static uint8_t sink[2][65536];
    uint32_t len = 1 + any(w, any(w, 4) ? 300 : 20000);

    if (any(w, 2)) {
        cr_assert_eq(tcp_send(&w->awake.tcb, &w->awake.env, text, len, 0),
                     tcp_send(&w->sleeper.tcb, &w->sleeper.env, text, len, 0));
        return;
    }
    cr_assert_eq(tcp_recv(&w->awake.tcb, &w->awake.env, sink[0], sizeof(sink[0]), 0),
                 tcp_recv(&w->sleeper.tcb, &w->sleeper.env, sink[1], sizeof(sink[1]), 0));
}

/* time passes: mostly little, at times more than any timer but keep-alive's, or than that */
static void pass(struct twins *w)
{
    static const gn_time longest[] = {3, 3, 60, 300, 20000, 8000000};

    w->awake.env.now += any(w, (uint32_t)longest[any(w, 6)]) * STEP;
    w->sleeper.env.now = w->awake.env.now;
    if (!deadline_due(tcp_deadline(&w->awake.tcb), w->awake.env.now))
        return;
    tcp_timeouts(&w->awake.tcb, &w->awake.env);
    tcp_timeouts(&w->sleeper.tcb, &w->sleeper.env);
}

static void round_of(struct twins *w)
{
    switch (any(w, 4)) {
    case 0:
        use(w);
        assert_same(w, "a call");
        break;
    case 1: pass(w); break;
    default:
        arrive(w);
        assert_same(w, "a segment");
        break;
    }
    output(w);
    assert_same(w, "output");
}

Test(rest, changes_nothing_on_the_wire_nor_in_STATUS)
{
    static struct twins w;
    unsigned rests = 0;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 131 + (i >> 8));
    for (uint32_t life = 1; life <= LIVES; life++) {
        memset(&w, 0, sizeof(w));
        w.random = life * 0x9e3779b97f4a7c15u;
        w.peer = FX_RCV;
        set_up(&w.awake, life);
        set_up(&w.sleeper, life);
        for (unsigned i = 0; i < ROUNDS && w.awake.tcb.state == GN_ESTABLISHED; i++)
            round_of(&w);
        rests += w.rests;
        fx_fini(&w.awake);
        fx_fini(&w.sleeper);
    }
    cr_assert_gt(rests, 20 * LIVES, "%u", rests);
}

/* OPT-TS-7: after 24 days of silence TS.Recent is void, and after any number of them */
Test(rest, no_timestamp_is_old_after_24_days)
{
    for (unsigned days = 25; days < 400; days += 5) {
        struct fixture fx;
        struct tcb_rest r;
        struct tcp_key key;
        struct tcb_opts o;
        struct seg s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "x");

        set_up(&fx, 4);
        fx.tcb.ts.recent = 1000;
        fx.tcb.ts.recent_at = fx.env.now;
        cr_assert(tcp_may_rest(&fx.tcb, &fx.env));
        key = fx.tcb.key;
        o = fx.tcb.opts;
        tcp_rest(&fx.tcb, &r);
        fx.env.now += days * 86400 * GN_SEC;
        tcp_wake(&r, &key, &o, fx.env.now, &fx.tcb);
        s.opt.has = OPT_TS;
        s.opt.tsval = 999; /* of a clock that has gone half round */
        cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE, "after %u days", days);
        fx_fini(&fx);
    }
}

Test(rest, nothing_under_way_may_rest)
{
    struct fixture fx;
    struct tcb *t = &fx.tcb;

    set_up(&fx, 4 + 8);
    cr_assert(tcp_may_rest(t, &fx.env));
    t->ack_now = true;
    cr_expect_not(tcp_may_rest(t, &fx.env), "an ACK is owed");
    t->ack_now = false;
    t->events = GN_EV_READABLE;
    cr_expect_not(tcp_may_rest(t, &fx.env), "the user has something to hear");
    t->events = 0;
    t->acc.on = true;
    cr_expect_not(tcp_may_rest(t, &fx.env), "accurate ECN has counters");
    t->acc.on = false;
    t->orphan = true;
    cr_expect_not(tcp_may_rest(t, &fx.env), "nobody holds it");
    t->orphan = false;
    cr_assert_eq(tcp_send(t, &fx.env, "x", 1, 0), 1);
    cr_expect_not(tcp_may_rest(t, &fx.env), "text waits");
    cr_assert(fx_output(&fx));
    cr_expect_not(tcp_may_rest(t, &fx.env), "text is in flight");
    fx_fini(&fx);
}
