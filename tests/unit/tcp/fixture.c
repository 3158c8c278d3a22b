/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

void gn_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static void *pages_alloc(void *ctx, size_t bytes)
{
    (void)ctx;
    return aligned_alloc(64, bytes);
}

static void pages_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(p);
}

static void init_env(struct fixture *fx)
{
    struct gn_page_source pages = {pages_alloc, pages_free, NULL};

    memset(fx, 0, sizeof *fx);
    gn_conf_default(&fx->conf);
    mem_init(&fx->mem, pages, (uint64_t)64 << 20);
    for (unsigned i = 0; i < sizeof fx->secrets; i++)
        ((uint8_t *)&fx->secrets)[i] = (uint8_t)(i * 7 + 1);
    fx->replies = (struct reply_queue){.seg = fx->reply_room, .cap = FX_REPLIES};
    fx->env = (struct tcp_env){.now = 1000 * GN_SEC,
                               .conf = &fx->conf,
                               .mem = &fx->mem,
                               .secrets = &fx->secrets,
                               .stats = &fx->stats,
                               .replies = &fx->replies,
                               .challenges = &fx->challenges,
                               .mtu = 1500,
                               .mtu_headers = 20};
}

static struct tcp_key a_key(void)
{
    return (struct tcp_key){gn_addr_v4(10, 0, 0, 1), gn_addr_v4(10, 0, 0, 2), 80, 40000};
}

/* sequence numbers and windows of a connection whose SYNs are exchanged */
static void synchronise(struct fixture *fx)
{
    struct tcb *t = &fx->tcb;

    t->snd.iss = seq(FX_ISS);
    t->snd.una = t->snd.nxt = t->snd.up = seq(FX_UNA);
    t->snd.wnd = t->snd.max_wnd = FX_WND;
    t->snd.wl1 = seq(FX_IRS);
    t->snd.wl2 = seq(FX_UNA);
    t->rcv.irs = seq(FX_IRS);
    t->rcv.nxt = t->rcv.acked = t->rcv.up = seq(FX_RCV);
    t->rcv.edge = t->rcv.max_edge = seq(FX_RCV + FX_WND);
    t->dsack = (struct range){t->rcv.nxt, t->rcv.nxt};
    t->opts.rcvbuf = FX_WND;
    t->opts.rcvbuf_fixed = true;
    t->send_mss = 1460;
    memset(&t->rec, 0, sizeof(t->rec));
    recovery_init(&t->rec, &fx->env.rec, seq(FX_UNA), 1460, 0);
    recovery_on_open(&t->rec, &fx->env.rec, 0, 0);
}

/* our FIN has been sent; @acked: and acknowledged */
static void send_fin(struct fixture *fx, bool acked)
{
    struct tcb *t = &fx->tcb;

    t->fin_queued = t->fin_sent = true;
    cr_assert(recovery_reserve(&t->rec, &fx->env.rec, 1));
    recovery_on_sent(&t->rec, &fx->env.rec, t->snd.nxt, 1, true);
    t->snd.nxt = t->rec.nxt;
    if (acked) {
        struct rec_ack ra = {.ack = t->snd.nxt};
        struct rec_result rr;

        recovery_on_ack(&t->rec, &fx->env.rec, &ra, &rr);
        t->snd.una = t->snd.nxt;
        t->fin_acked = true;
    }
}

static void receive_fin(struct tcb *t)
{
    t->rcv.nxt = t->rcv.acked = seq_add(t->rcv.nxt, 1);
    t->fin_rcvd = true;
}

void fx_init(struct fixture *fx, enum gn_state state)
{
    struct tcb *t = &fx->tcb;
    struct tcp_key k = a_key();

    init_env(fx);
    tcb_init(t, &fx->env, &k);
    if (state == GN_CLOSED)
        return;
    if (state == GN_SYN_SENT || state == GN_SYN_RECEIVED) {
        tcp_open(t, &fx->env);
        cr_assert(fx_output(fx));
        if (state == GN_SYN_RECEIVED) {
            cr_assert_eq(fx_arrives(fx, fx_seg(CTL_SYN, FX_IRS, 0, "")), GN_DROP_NONE);
            cr_assert(fx_output(fx));
        }
        return;
    }
    synchronise(fx);
    if (state == GN_FIN_WAIT_1 || state == GN_CLOSING || state == GN_LAST_ACK)
        send_fin(fx, false);
    if (state == GN_FIN_WAIT_2 || state == GN_TIME_WAIT)
        send_fin(fx, true);
    if (state == GN_CLOSE_WAIT || state == GN_CLOSING || state == GN_LAST_ACK ||
        state == GN_TIME_WAIT)
        receive_fin(t);
    t->state = (uint8_t)state;
    fx->stats.state[state]++;
    if (state == GN_TIME_WAIT)
        timeouts_on_time_wait(t, &fx->env);
}

void fx_fini(struct fixture *fx)
{
    tcb_free(&fx->tcb, &fx->env);
    cr_assert_eq(fx->mem.used, 0, "%llu octets not given back", (unsigned long long)fx->mem.used);
    mem_fini(&fx->mem);
}

struct seg fx_seg(uint16_t ctl, uint32_t seq_no, uint32_t ack_no, const char *text)
{
    struct seg s = {
        .key = a_key(), .seq = seq(seq_no), .ack = seq(ack_no), .ctl = ctl, .wnd = FX_WND};

    s.text_len = (uint32_t)strlen(text);
    s.n_text = s.text_len > 0;
    s.text[0] = (struct gn_span){(const uint8_t *)text, s.text_len};
    return s;
}

enum gn_drop fx_arrives(struct fixture *fx, struct seg s)
{
    enum gn_drop d = tcp_segment_arrives(&fx->tcb, &fx->env, &s);

    tcb_check(&fx->tcb);
    return d;
}

bool fx_output(struct fixture *fx)
{
    bool sent = tcp_output(&fx->tcb, &fx->env, &fx->out);

    tcb_check(&fx->tcb);
    return sent;
}

void fx_pass(struct fixture *fx, gn_time span)
{
    gn_time end = fx->env.now + span;

    for (;;) {
        deadline_t d = tcp_deadline(&fx->tcb);

        if (!deadline_armed(d) || deadline_time(d) > end)
            break;
        if (deadline_time(d) + 1 > fx->env.now)
            fx->env.now = deadline_time(d) + 1;
        tcp_timeouts(&fx->tcb, &fx->env);
        if (tcp_wants_output(&fx->tcb) || fx->tcb.state == GN_CLOSED)
            return; /* the test wants to see it */
    }
    fx->env.now = end;
}

bool fx_wait(struct fixture *fx, gn_time until)
{
    while (fx->env.now < until && fx->tcb.state != GN_CLOSED) {
        fx_pass(fx, until - fx->env.now);
        if (fx_output(fx))
            return true;
    }
    return false;
}

unsigned fx_reply(const struct fixture *fx, struct seg *ret)
{
    const struct reply_queue *q = &fx->replies;

    if (q->n > 0)
        *ret = q->seg[(q->head + q->n - 1) % q->cap];
    return q->n;
}
