/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two blocks live the same life. One takes each segment by the steps of the RFC and makes one
 * segment at a time, by the long way; the other takes bursts by header prediction first, and makes
 * super-segments, and by a short way what is small. Both must be the same at any time, down to the
 * last octet, and say the same on the wire.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIVES       150
#define BRIEF_LIVES 600
#define ROUNDS      120
#define THIRD_ACKS  20000
#define BURST       20
#define WIRE_MAX    400
#define SCALE       6
#define TEXT        65536

struct wire_seg {
    seq_t seq, ack;
    uint16_t ctl, wnd, up;
    uint8_t ecn;
    uint32_t text_len, sum, n_opt;
    uint8_t opt[TCPOPT_MAX];
};

struct pair {
    struct fixture step, fast;
    uint64_t random;
    uint32_t peer;  /* next octet of the peer's stream */
    bool brief;     /* both ends will close soon */
    bool listens;   /* the user sends nothing: there is nothing to acknowledge */
    uint32_t taken; /* segments that prediction took */
    uint32_t ends;  /* ... and that changed the state */
    struct seg burst[BURST];
    struct wire_seg wire[2][WIRE_MAX];
};

static uint8_t text[TEXT];

/* xorshift */
static uint32_t any(struct pair *p, uint32_t below)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return (uint32_t)(p->random >> 20) % below;
}

static bool one_in(struct pair *p, uint32_t n)
{
    return any(p, n) == 0;
}

/* records of what was sent; where they are linked to is compared by what comes of it */
static void assert_same_record(const struct sent *s, const struct sent *f, const char *after)
{
    cr_assert(seq_eq(s->start, f->start) && s->len == f->len && s->resent == f->resent,
              "extent of a record after %s", after);
    cr_assert(s->xmit == f->xmit && s->first_xmit == f->first_xmit && s->flags == f->flags,
              "times and flags of a record after %s", after);
    cr_assert(s->delivered == f->delivered && s->delivered_at == f->delivered_at &&
                  s->send_span == f->send_span,
              "rate sample of a record after %s", after);
}

/* pointers differ between the two, and nothing else may */
static void assert_same(struct pair *p, const char *after)
{
    const struct tcb *s = &p->step.tcb, *f = &p->fast.tcb;
    struct tcb a = *s, b = *f;
    static uint8_t x[1 << 20], y[1 << 20];

    cr_assert_eq(s->rcvbuf.len, f->rcvbuf.len, "receive buffers after %s", after);
    cr_assert_eq(s->sndbuf.len, f->sndbuf.len, "send buffers after %s", after);
    cr_assert_eq(sent_count(&s->rec.sent), sent_count(&f->rec.sent), "records after %s", after);
    ring_get(&s->rcvbuf, 0, x, s->rcvbuf.len);
    ring_get(&f->rcvbuf, 0, y, f->rcvbuf.len);
    cr_assert(!memcmp(x, y, s->rcvbuf.len), "text received after %s", after);
    for (uint32_t no = s->rec.sent.head; no != s->rec.sent.tail; no++)
        assert_same_record(sent_at(&s->rec.sent, no), sent_at(&f->rec.sent, no), after);
    a.sndbuf = b.sndbuf = a.rcvbuf = b.rcvbuf = (struct ring){0};
    a.ooo = b.ooo = (struct ranges){0};
    a.rec.sent.rec = b.rec.sent.rec = NULL;
    a.rec.sent.own = b.rec.sent.own = (struct sent){0};
    for (size_t i = 0; i < sizeof(a); i++)
        cr_assert_eq(((uint8_t *)&a)[i], ((uint8_t *)&b)[i], "octet %zu of the blocks after %s", i,
                     after);
    cr_assert(!memcmp(&p->step.stats, &p->fast.stats, sizeof(p->step.stats)), "counters after %s",
              after);
}

/* an established connection, @p->random decides how it is set up */
static void set_up(struct pair *p, struct fixture *fx, uint32_t how)
{
    struct tcb *t = &fx->tcb;

    fx_init(fx, GN_ESTABLISHED);
    memset(&t->rec, 0, sizeof(t->rec));
    recovery_init(&t->rec, &fx->env.rec, seq(FX_UNA), 1460, how & 1);
    recovery_on_open(&t->rec, &fx->env.rec, 0, 0);
    t->opts.rcvbuf = how % 3 ? 200000 : 20000; /* the window is full now and then */
    t->opts.sndbuf = 200000;
    t->opts.sndbuf_fixed = true;
    t->snd.wscale = t->rcv.wscale = SCALE;
    t->rcv.edge = t->rcv.max_edge = seq(FX_RCV + t->opts.rcvbuf);
    t->ts_ok = how >> 1 & 1;
    t->ecn_ok = how >> 2 & 1;
    t->sack_ok = t->rec.sack_ok = how >> 3 & 1;
    t->opts.nodelay = how >> 4 & 1;
    t->opts.keepidle_s = 1;
    t->opts.keepintvl_ms = 100;
    cr_assert_eq(tcp_set_option(t, &fx->env, GN_OPT_KEEPALIVE, 1), GN_OK);
    if (how % 8 == 1)
        accecn_begin(t, how >> 5);
    options_mss_changed(t, &fx->env);
    (void)p;
}

/* the peer's next segment as a healthy peer sends it */
static struct seg usual(struct pair *p, uint32_t *ack)
{
    static const uint32_t lengths[] = {0, 0, 1, 100, 536, 1448, 1448, 1448};
    const struct tcb *t = &p->step.tcb;
    uint32_t flight = seq_span(seq(*ack), t->snd.nxt);
    struct seg s = {.key = t->key,
                    .seq = seq(p->peer),
                    .ctl = CTL_ACK,
                    .wnd = (uint16_t)(one_in(p, 30) ? 0 : 1000 + any(p, 3000)),
                    .text_len = lengths[any(p, 8)]};

    if (one_in(p, 2) && (int32_t)flight > 0)
        *ack += any(p, flight + 1);
    s.ack = seq(*ack);
    s.n_text = s.text_len > 0;
    s.text[0] = (struct gn_span){text + p->peer % (TEXT - 2000), s.text_len};
    if (one_in(p, 3))
        s.ctl |= CTL_PSH;
    if (s.text_len == 0 && one_in(p, p->brief ? 20 : 1500))
        s.ctl |= CTL_FIN;
    if (t->ts_ok) {
        s.opt.has = OPT_TS;
        s.opt.tsval = tcp_ts_clock(p->step.env.now);
        s.opt.tsecr = ts_now(t, &p->step.env) - any(p, 5);
    }
    p->peer += s.text_len;
    return s;
}

/* something is unusual about it */
static void spoil(struct pair *p, struct seg *s)
{
    switch (any(p, 14)) {
    case 0: s->seq = seq_sub(s->seq, any(p, 3000)); break;
    case 1: s->seq = seq_add(s->seq, any(p, 3000)); break;
    case 2: s->ack = seq_sub(s->ack, any(p, 3000)); break;
    case 3: s->ack = seq_add(s->ack, any(p, 100000)); break;
    case 4: s->ecn = 3; break;
    case 5: s->ctl |= CTL_ECE; break;
    case 6: s->ctl |= CTL_CWR; break;
    case 7:
        s->ctl |= CTL_URG;
        s->up = (uint16_t)any(p, 2000);
        break;
    case 8: s->opt.tsval -= any(p, 100); break;
    case 9: s->opt.has = 0; break;
    case 10:
        if (one_in(p, 20))
            s->ctl |= CTL_FIN;
        break;
    case 11:
        s->opt.has |= OPT_SACK;
        s->opt.n_sack = 1;
        s->opt.sack[0] = (struct tcpopt_sack){seq_add(s->ack, 1448), seq_add(s->ack, 2896)};
        break;
    case 12: p->peer += 1448; break; /* the next one leaves a gap */
    default: s->ctl |= one_in(p, 20) ? CTL_RST : CTL_SYN; break;
    }
}

/* it comes before the one that was sent before it, and may bring the end of the stream: then that
 * one is all that is missing */
static void overtake(struct pair *p, struct seg *s)
{
    struct seg before = s[-1];

    if (s->text_len == 0 && one_in(p, 6))
        s->ctl |= CTL_FIN;
    s[-1] = *s;
    *s = before;
}

/* a burst arrives */
static void arrive(struct pair *p)
{
    unsigned n = 1 + any(p, BURST), i = 0, k;
    uint32_t ack = p->step.tcb.snd.una.raw;

    if (one_in(p, 4))
        p->peer = p->step.tcb.rcv.nxt.raw;
    for (unsigned j = 0; j < n; j++) {
        p->burst[j] = usual(p, &ack);
        if (one_in(p, 12))
            spoil(p, &p->burst[j]);
        if (j > 0 && one_in(p, 25))
            overtake(p, &p->burst[j]);
    }
    for (unsigned j = 0; j < n && p->step.tcb.state != GN_CLOSED; j++)
        (void)tcp_segment_arrives(&p->step.tcb, &p->step.env, &p->burst[j]);
    for (; i < n && p->fast.tcb.state != GN_CLOSED; i += k) {
        uint8_t was = p->fast.tcb.state;

        k = tcp_predicted(&p->fast.tcb, &p->fast.env, &p->burst[i], n - i);
        p->taken += k;
        p->ends += p->fast.tcb.state != was;
        if (!k) {
            (void)tcp_segment_arrives(&p->fast.tcb, &p->fast.env, &p->burst[i]);
            k = 1;
        }
    }
    assert_same(p, "a burst");
}

/* note a segment as it is on the wire */
static void note(struct wire_seg *w, const struct seg *s)
{
    memset(w, 0, sizeof(*w));
    w->seq = s->seq;
    w->ack = s->ack;
    w->ctl = s->ctl;
    w->wnd = s->wnd;
    w->up = s->up;
    w->ecn = s->ecn;
    w->text_len = s->text_len;
    w->n_opt = tcpopt_emit(&s->opt, w->opt);
    for (unsigned i = 0; i < s->n_text; i++)
        for (uint32_t k = 0; k < s->text[i].len; k++)
            w->sum = w->sum * 31 + s->text[i].ptr[k];
}

/* the next segment by the long way */
static bool output_long(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    bool sent = t->state != GN_CLOSED && output_any(t, e, s);

    if (t->state != GN_CLOSED)
        timeouts_persist(t, e);
    return sent;
}

/* everything that a block wants to send */
static unsigned drain(struct fixture *fx, struct wire_seg *w,
                      bool (*next)(struct tcb *, const struct tcp_env *, struct seg *))
{
    unsigned n = 0;
    struct seg s;

    while (n + 64 < WIRE_MAX && next(&fx->tcb, &fx->env, &s)) {
        struct seg one = s;

        if (!s.gso_size) {
            note(&w[n++], &s);
            continue;
        }
        for (uint32_t off = 0; off < s.text_len; off += one.text_len) {
            seg_part(&s, off, &one);
            note(&w[n++], &one);
        }
    }
    return n;
}

/* both send, the one in single segments, the other in trains of up to as many as come at a time */
static void output(struct pair *p)
{
    unsigned n[2];

    p->step.env.segs_max = 1;
    p->fast.env.segs_max = (uint16_t)(1 + any(p, 20));
    n[0] = drain(&p->step, p->wire[0], output_long);
    n[1] = drain(&p->fast, p->wire[1], tcp_output);
    cr_assert_eq(n[0], n[1], "%u segments one by one, %u in trains", n[0], n[1]);
    for (unsigned i = 0; i < n[0]; i++)
        cr_assert(!memcmp(&p->wire[0][i], &p->wire[1][i], sizeof(p->wire[0][i])),
                  "segment %u of %u differs", i, n[0]);
    assert_same(p, "output");
}

/* the user does something */
static void use(struct pair *p)
{
    static uint8_t sink[2][300000];
    struct fixture *fx[2] = {&p->step, &p->fast};
    uint32_t len = 1 + any(p, one_in(p, 4) ? 1400 : 30000), from = any(p, TEXT - 30001);
    unsigned flags = one_in(p, 10) ? GN_SEND_MORE : one_in(p, 40) ? GN_SEND_URGENT : 0;
    bool send = one_in(p, 2) && !p->listens, close = one_in(p, p->brief ? 10 : 300),
         deaf = one_in(p, 600);
    bool trouble = one_in(p, 20);
    int64_t n[2];

    for (unsigned i = 0; i < 2; i++) {
        struct tcb *t = &fx[i]->tcb;

        if (trouble)
            tell_soft_error(t, GN_E_HOST_UNREACHABLE);
        if (close && send) /* FIN goes with it */
            (void)tcp_send(t, &fx[i]->env, text + from, 1 + len % 1000, 0);
        if (close)
            n[i] = tcp_close(t, &fx[i]->env);
        else if (deaf)
            n[i] = tcp_shutdown_read(t, &fx[i]->env);
        else if (send)
            n[i] = tcp_send(t, &fx[i]->env, text + from, len, flags);
        else
            n[i] = tcp_recv(t, &fx[i]->env, sink[i], len * 4, 0);
    }
    cr_assert_eq(n[0], n[1]);
    cr_assert(send || close || deaf || n[0] <= 0 || !memcmp(sink[0], sink[1], (size_t)n[0]));
    assert_same(p, "a call");
}

/* time passes */
static void pass(struct pair *p)
{
    gn_time now = p->step.env.now + (one_in(p, 8) ? any(p, 2000) : any(p, 5)) * GN_MSEC;

    p->step.env.now = p->fast.env.now = now;
    if (p->step.tcb.state != GN_CLOSED && deadline_due(tcp_deadline(&p->step.tcb), now)) {
        tcp_timeouts(&p->step.tcb, &p->step.env);
        tcp_timeouts(&p->fast.tcb, &p->fast.env);
        assert_same(p, "a timeout");
    }
}

/* the @life-th life of two blocks */
static void live(struct pair *p, uint32_t life, bool brief)
{
    unsigned rounds = brief ? ROUNDS / 4 : ROUNDS;

    memset(p, 0, sizeof(*p));
    p->random = life * 0x9e3779b97f4a7c15u;
    p->peer = FX_RCV;
    p->brief = brief;
    p->listens = life % 5 == 0;
    set_up(p, &p->step, life);
    set_up(p, &p->fast, life);
    for (unsigned round = 0; round < rounds && p->step.tcb.state != GN_CLOSED; round++) {
        use(p);
        if (p->step.tcb.state != GN_CLOSED)
            arrive(p);
        output(p);
        pass(p);
    }
    fx_fini(&p->step);
    fx_fini(&p->fast);
}

static void make_text(void)
{
    for (unsigned i = 0; i < TEXT; i++)
        text[i] = (uint8_t)(i * 131 + (i >> 8));
}

Test(predict, prediction_and_trains_change_nothing)
{
    static struct pair p;
    uint32_t taken = 0, ends = 0;

    make_text();
    for (uint32_t life = 1; life <= LIVES; life++) {
        live(&p, life, false);
        taken += p.taken;
    }
    for (uint32_t life = 1; life <= BRIEF_LIVES; life++) {
        live(&p, life, true);
        ends += p.ends;
    }
    cr_assert_gt(taken, LIVES * 94, "prediction took no more than %u segments", taken);
    cr_assert_gt(ends, BRIEF_LIVES / 4, "prediction took no more than %u ends", ends);
}

/* a half-open connection; accurate ECN, which counts segments, is left to the steps */
static struct half_open any_half_open(struct pair *p, const struct tcp_key *k)
{
    uint32_t ecn = any(p, 3); /* none, classic, or asked for by a later SYN */

    return (struct half_open){
        .key = *k,
        .irs = FX_RCV - 1,
        .iss = FX_UNA - 1,
        .ts_recent = 7,
        .mss = 1460,
        .flags = (uint8_t)(any(p, 2) * HALF_OPEN_TS | any(p, 2) * HALF_OPEN_SACK |
                           any(p, 2) * HALF_OPEN_WSCALE | (ecn == 1 ? HALF_OPEN_ECN : 0u)),
        .syn_ecn = (ecn == 2 ? any(p, 3) : 0) & 3,
        .wscale = any(p, 15) & 15,
    };
}

/* an acceptable ACK that completes it, with a request and more */
static struct seg any_third_ack(struct pair *p, const struct half_open *h)
{
    static const uint16_t more[] = {0, CTL_PSH, CTL_PSH, CTL_FIN, CTL_URG, CTL_ECE, CTL_CWR};
    static const uint32_t length[] = {1, 100, 1448, 4344, 60000};
    struct seg s = {.key = h->key,
                    .seq = seq(h->irs + 1),
                    .ack = seq(h->iss + 1),
                    .ctl = CTL_ACK | more[any(p, 7)],
                    .wnd = (uint16_t)(one_in(p, 8) ? 0 : any(p, 65536)),
                    .ecn = (uint8_t)(one_in(p, 4) ? any(p, 4) : 0),
                    .up = 1,
                    .n_text = 1,
                    .text_len = length[any(p, 5)]};

    s.text[0] = (struct gn_span){text, s.text_len};
    if (h->flags & HALF_OPEN_TS) {
        s.opt.has = OPT_TS;
        s.opt.tsval = h->ts_recent + any(p, 3);
        s.opt.tsecr = tcp_ts_clock(p->step.env.now) - any(p, 300);
    }
    return s;
}

/* a block for @h, which @s completes */
static void complete(struct fixture *fx, const struct half_open *h, const struct tcb_opts *o,
                     const struct seg *s)
{
    tcb_begin(&fx->tcb, &h->key, o);
    tcp_open_half(&fx->tcb, &fx->env, h, 0, s, GN_CAUSE_ACK_OF_SYN);
}

/* a third ACK with text is the same as one without, and the text in a segment for the steps */
Test(predict, third_ack_with_a_request)
{
    static struct pair p = {.random = 1};
    struct tcb_opts o;

    make_text();
    fx_init(&p.step, GN_CLOSED);
    fx_init(&p.fast, GN_CLOSED);
    tcb_opts_default(&o, &p.step.conf);
    for (unsigned i = 0; i < THIRD_ACKS; i++) {
        struct half_open h = any_half_open(&p, &p.step.tcb.key);
        struct seg whole = any_third_ack(&p, &h), bare = whole;

        bare.ctl &= (uint16_t) ~(CTL_PSH | CTL_FIN | CTL_URG);
        bare.text_len = bare.n_text = 0;
        complete(&p.step, &h, &o, &bare);
        (void)tcp_segment_arrives(&p.step.tcb, &p.step.env, &whole);
        p.step.tcb.segs_in--;
        complete(&p.fast, &h, &o, &whole);
        assert_same(&p, "a third ACK");
        p.taken += p.fast.tcb.rcvbuf.len > 0;
        tcb_free(&p.step.tcb, &p.step.env);
        tcb_free(&p.fast.tcb, &p.fast.env);
    }
    cr_assert_gt(p.taken, THIRD_ACKS / 2, "text came with no more than %u", p.taken);
    fx_fini(&p.step);
    fx_fini(&p.fast);
}
