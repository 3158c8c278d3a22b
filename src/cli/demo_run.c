/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_run.c  Plays a script: two hosts, a simulated wire, virtual time, and a recorder.
 *
 * Segments are recorded where they enter and leave the wire, transitions and drops where the hosts
 * tell of them. A timer counts as fired if a connection says that it is due at the moment to which
 * virtual time is about to move.
 */
#include "cli/cli.h"
#include "cli/demo_stage.h"
#include "cli/pages.h"
#include "cli/view.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 1000 /* at one moment */

/** is_what() - is the segment of the kind that shall be lost? */
static bool is_what(const struct glance *g, enum demo_what what)
{
    unsigned ctl = g->ctl;
    bool syn = ctl & 2, fin = ctl & 1, rst = ctl & 4, ack = ctl & 16;
    switch (what) {
    case ANY: return true;
    case SYN: return syn && !ack;
    case SYN_ACK: return syn && ack;
    case PURE_ACK: return ack && !syn && !fin && !rst && !g->len;
    case DATA: return g->len > 0;
    case FIN: return fin;
    case LARGE: return g->len > 1000;
    }
    return false;
}

/** decide() - filter of one direction of the wire: is this packet one that was ordered lost? */
static enum gn_fate decide(void *ctx, const uint8_t *packet, uint32_t len, uint64_t nth)
{
    struct side *s = ctx;
    struct glance g;
    (void)nth;
    if (!glance_at(packet, len, &g))
        return GN_FATE_PASS;
    for (unsigned i = 0; i < ORDERS; i++) {
        struct order *o = &s->order[i];
        if (!o->active || !is_what(&g, o->what))
            continue;
        if (o->every && --o->left > 0)
            continue;
        if (o->every)
            o->left = o->every;
        if (!o->for_ever && --o->left == 0)
            o->active = false;
        return GN_FATE_LOSE;
    }
    return GN_FATE_PASS;
}

/** ours() - does the conversation on show have these ends? */
static bool ours(const struct stage *st, unsigned end, const struct gn_endpoint *local,
                 const struct gn_endpoint *remote)
{
    const struct gn_endpoint *a = &st->side[end].self, *b = &st->side[end ^ 1u].self;
    return local->port == a->port && remote->port == b->port && gn_addr_eq(&remote->addr, &b->addr);
}

void stage_capture(struct stage *st, unsigned end, const struct gn_frame *f, gn_time at)
{
    if (st->pcap && end == st->capture_at)
        gn_pcap_write(st->pcap, f, since(at));
}

/** end_capture() - with a ping of the other end: it tells until when nothing else passed; false:
 * the capture is not whole, which is said */
static bool end_capture(struct stage *st)
{
    uint8_t packet[80];
    const struct gn_addr *here = &st->side[st->capture_at].self.addr;
    const struct gn_addr *there = &st->side[st->capture_at ^ 1u].self.addr;
    struct gn_frame f = {.data = packet, .len = (uint32_t)forge_echo(here, there, packet)};
    if (st->pcap && st->loop)
        gn_pcap_write(st->pcap, &f, since(gn_simloop_now(st->loop)));
    if (!st->pcap || !gn_pcap_close(st->pcap))
        return true;
    complain("the capture could not be written whole");
    return false;
}

/** on_wire() - tap of the simulation: a packet enters or leaves the wire */
static void on_wire(void *ctx, const struct gn_tap *t)
{
    struct stage *st = ctx;
    struct glance g;
    unsigned end = t->kind == GN_TAP_DELIVERED ? t->to : t->from;
    if (t->kind != GN_TAP_LOST)
        stage_capture(st, end, t->frame, t->at);
    if (t->kind == GN_TAP_LOST || !glance_at(t->frame->data, t->frame->len, &g))
        return;
    if (st->quiet && !(g.ctl & 7)) /* in the middle of a stream only SYN, FIN and RST are drawn */
        return;
    bool sent = t->kind == GN_TAP_SENT;
    if (!ours(st, end, sent ? &g.src : &g.dst, sent ? &g.dst : &g.src))
        return;
    record_add(st->rec, (struct ladder_event){.at = since(t->at),
                                              .kind = sent ? LADDER_SEND : LADDER_RECV,
                                              .end = (uint8_t)end,
                                              .ctl = g.ctl,
                                              .seq = g.seq,
                                              .ack = g.ack,
                                              .len = g.len,
                                              .wnd = g.wnd,
                                              .id = t->id + 1});
}

/** note_ended() - remember a connection that is no more, for it may matter how it ended */
static void note_ended(struct stage *st, unsigned end, const struct gn_trace *t)
{
    struct demo_ended *e = &st->ended[end];
    if (t->remote.port == 0 || e->n == DEMO_ENDED)
        return;
    e->conn[e->n++] = (struct gn_status){.kind = GN_KIND_CONNECTION,
                                         .state = GN_CLOSED,
                                         .local = t->local,
                                         .remote = t->remote,
                                         .history = {t->transition},
                                         .n_history = 1};
}

/** on_trace() - a host tells of a transition or a drop */
static void on_trace(void *ctx, const struct gn_trace *t)
{
    struct side *s = ctx;
    struct stage *st = s->stage;
    if (t->kind == GN_TRACE_STATE && t->transition.to == GN_CLOSED)
        note_ended(st, s->index, t);
    bool listener = t->remote.port == 0 && t->local.port == s->self.port;
    if (!listener && !ours(st, s->index, &t->local, &t->remote))
        return;
    if (st->quiet && t->kind != GN_TRACE_STATE)
        return;
    struct ladder_event e = {.at = since(t->at), .end = (uint8_t)s->index};
    if (t->kind == GN_TRACE_STATE) {
        e.kind = LADDER_STATE;
        e.from = t->transition.from;
        e.to = t->transition.to;
        e.cause = t->transition.cause;
    } else if (t->kind == GN_TRACE_DROP) {
        e.kind = LADDER_DROP;
        e.drop = t->drop;
    } else {
        return;
    }
    record_add(st->rec, e);
}

/** fnv() - a hash, continued over @n octets */
static uint64_t fnv(uint64_t sum, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
    return sum;
}

void stage_read(struct side *s, gn_time now)
{
    char chunk[4096];
    int64_t n;
    while (s->conn && s->reads &&
           (n = gn_host_recv(s->host, s->conn, chunk, sizeof chunk, 0, now)) > 0) {
        s->sum_in = fnv(s->sum_in, chunk, (size_t)n);
        s->received += (uint64_t)n;
    }
}

void stage_stream(struct side *s, gn_time now)
{
    char chunk[4096];
    while (s->to_stream) {
        size_t want = s->to_stream < sizeof chunk ? (size_t)s->to_stream : sizeof chunk;
        for (size_t i = 0; i < want; i++)
            chunk[i] = (char)((s->streamed + i) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
        int64_t took = gn_host_send(s->host, s->conn, chunk, want, 0, now);
        if (took <= 0)
            return;
        s->sum_out = fnv(s->sum_out, chunk, (size_t)took);
        s->streamed += (uint64_t)took;
        s->to_stream -= (uint64_t)took;
    }
}

/** compare() - did every octet of a stream arrive as it was sent? Only for scripts that stream */
static bool compare(struct stage *st)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct side *from = &st->side[i], *to = &st->side[i ^ 1u];
        if (from->pours || (!from->streamed && !from->to_stream))
            continue;
        bool same =
            !from->to_stream && from->streamed == to->received && from->sum_out == to->sum_in;
        record_text(st->rec, since(gn_simloop_now(st->loop)), to->index, LADDER_NOTE,
                    "%s%llu octets, hash %016llx",
                    same ? "" : "NOT THE SAME: ", (unsigned long long)to->received,
                    (unsigned long long)to->sum_in);
        if (!same) {
            complain("%llu octets were sent, %llu arrived, or they differ",
                     (unsigned long long)from->streamed, (unsigned long long)to->received);
            return false;
        }
    }
    return true;
}

/** serve() - the application of one host: accept, and read */
static size_t serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct side *s = ctx;
    struct gn_event ev[8];
    size_t n = gn_host_events(h, ev, 8);
    bool busy = false;
    for (size_t i = 0; i < n; i++) {
        busy |= (ev[i].what & (GN_EV_READABLE | GN_EV_ACCEPT)) != 0;
        if (ev[i].what & GN_EV_ACCEPT)
            stage_accept(s, now);
    }
    if (busy)
        stage_read(s, now);
    if (n)
        stage_stream(s, now);
    return n;
}

bool stage_make_host(struct side *s)
{
    struct stage *st = s->stage;
    struct gn_host_config hc = {.conf = st->conf, .pages = pages_source(), .cpu = gn_cpu()};
    gn_time now = gn_simloop_now(st->loop);
    secret_seeded(st->o->seed * 4 + s->index + 2 * st->floods, hc.secret);
    s->host = gn_host_new(&hc, now, NULL);
    if (!s->host)
        return false;
    int iface = gn_simloop_add(st->loop, s->host, s->link);
    if (iface < 0 || gn_host_add_addr(s->host, iface, s->self.addr, st->o->ipv6 ? 64 : 24) != GN_OK)
        return false;
    /* answers to invented addresses go out as well */
    struct gn_addr any = st->o->ipv6 ? (struct gn_addr){{0}} : gn_addr_v4(0, 0, 0, 0);
    if (gn_host_add_route(s->host, iface, any, 0, (struct gn_addr){{0}}) != GN_OK)
        return false;
    gn_host_trace(s->host, on_trace, s);
    s->listener = s->conn = GN_NO_HANDLE;
    s->reads = true;
    s->sum_in = s->sum_out = UINT64_C(0xcbf29ce484222325);
    return gn_simloop_service(st->loop, s->host, serve, s) == GN_OK;
}

/** note_timer() - timer @i of @end's connection @s fires at @at */
static void note_timer(struct stage *st, unsigned end, const struct gn_status *s, unsigned i,
                       gn_time at)
{
    struct text t;
    text_reset(&t);
    text_str(&t, timer_name(i));
    text_str(&t, " timer");
    if (i == GN_TIMER_RTO && s->rto) {
        text_str(&t, " (");
        text_span(&t, s->rto);
        text_str(&t, ")");
    }
    record_text(st->rec, since(at), end, LADDER_TIMER, "%.*s", (int)t.len, t.s);
}

/** note_timers() - which timers fire at @at? */
static void note_timers(struct stage *st, gn_time at)
{
    for (unsigned end = 0; end < 2; end++) {
        struct gn_status s;
        uint64_t cursor = 0;
        while (gn_host_walk(st->side[end].host, &cursor, gn_simloop_now(st->loop), &s)) {
            if (!ours(st, end, &s.local, &s.remote))
                continue;
            for (unsigned i = 0; i < GN_TIMER_COUNT; i++)
                if (s.timer[i].armed && s.timer[i].at <= at && i != GN_TIMER_PACE)
                    note_timer(st, end, &s, i, at);
        }
    }
}

/** run_until() - let virtual time pass; false: it stands still, which is a bug of the stack */
static bool run_until(struct stage *st, gn_time until)
{
    unsigned rounds = 0;
    gn_time last = 0;
    (void)gn_simloop_settle(st->loop);
    for (;;) {
        struct gn_deadline next = gn_simloop_next(st->loop);
        if (!next.armed || next.at > until)
            break;
        rounds = next.at > last ? 0 : rounds + 1;
        if (rounds == ROUNDS_MAX) {
            complain("time stands still at %.6f s: something is due and does not get done",
                     (double)since(next.at) / 1e9);
            return false;
        }
        last = next.at;
        if (rounds == 0 && !st->quiet)
            note_timers(st, next.at);
        (void)gn_simloop_step(st->loop, next.at);
    }
    while (gn_simloop_step(st->loop, until))
        ;
    return true;
}

/** build() - wire, loop and hosts; false: no memory */
static bool build(struct stage *st, const struct demo *d)
{
    struct gn_sim_config sc = {
        .ports = 2, .medium = GN_MEDIUM_IP, .seed = st->o->seed, .tap = on_wire, .tap_ctx = st};
    for (unsigned i = 0; i < 2; i++) {
        struct side *s = &st->side[i];
        s->stage = st;
        s->index = i;
        s->self.port = i == 0 ? DEMO_PORT_A : DEMO_PORT_B;
        s->self.addr = gn_addr_v4(10, 0, 0, (uint8_t)(i + 1));
        if (st->o->ipv6)
            (void)gn_addr_parse(i == 0 ? "fd00::1" : "fd00::2", &s->self.addr);
        sc.pipe[i] = (struct gn_pipe_config){.latency = st->o->latency,
                                             .rate = (uint64_t)d->mbit * 1000000,
                                             .loss_ppm = st->o->loss_ppm,
                                             .filter = decide,
                                             .filter_ctx = s};
    }
    st->sim = gn_sim_new(&sc);
    st->loop = gn_simloop_new(START);
    if (!st->sim || !st->loop)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        st->side[i].link = gn_sim_port(st->sim, i);
        if (!stage_make_host(&st->side[i]))
            return false;
    }
    return true;
}

/** take_down() - everything but the hosts; false: the capture is not whole, which is said */
static bool take_down(struct stage *st)
{
    bool whole = end_capture(st);
    if (st->loop) {
        for (unsigned i = 0; i < 2; i++)
            if (st->side[i].host)
                gn_simloop_remove(st->loop, st->side[i].host);
        gn_simloop_free(st->loop);
    }
    if (st->sim)
        gn_sim_free(st->sim);
    return whole;
}

/** act() - all steps of the script, then the rest of the time */
static bool act(struct stage *st, const struct demo *d)
{
    for (size_t i = 0; i < DEMO_STEPS && (d->step[i].op || d->step[i].ms); i++) {
        if (!run_until(st, START + d->step[i].ms * GN_MSEC))
            return false;
        st->quiet = st->quiet && d->step[i].op == DO_STREAM;
        enum gn_err e = stage_perform(st, &d->step[i], START + d->step[i].ms * GN_MSEC);
        if (e != GN_OK) {
            complain("demo %s, step %zu: %s", d->name, i + 1, gn_err_text(e));
            return false;
        }
    }
    return run_until(st, START + d->until_ms * GN_MSEC) && compare(st);
}

bool demo_play(const struct demo *d, const struct demo_options *o, struct demo_result *ret)
{
    struct stage st = {.o = o,
                       .conf = o->conf,
                       .capture_at = o->capture_at == DEMO_WIRE ? 0 : o->capture_at,
                       .rec = &ret->record,
                       .ended = ret->ended};
    struct gn_link_error err;
    memset(ret, 0, sizeof *ret);
    ret->start = START;
    for (size_t i = 0; i < DEMO_KNOBS && d->knobs[i]; i++)
        if (!knob_set(&st.conf, d->knobs[i]))
            return false;
    if (o->pcap && !(st.pcap = gn_pcap_open(o->pcap, GN_MEDIUM_IP, 0, &err))) {
        complain("%s", err.text);
        return false;
    }
    bool good = build(&st, d);
    if (!good)
        complain("out of memory");
    for (unsigned i = 0; good && i < 2; i++)
        (void)why_facts_take(&ret->facts[i], st.side[i].host, START);
    good = good && act(&st, d);
    for (unsigned i = 0; i < 2; i++) {
        ret->host[i] = st.side[i].host;
        ret->final[i] = record_final(&ret->record, i);
    }
    ret->now = st.loop ? gn_simloop_now(st.loop) : START;
    good = take_down(&st) && good;
    if (!good)
        demo_clear(ret);
    return good;
}

void demo_clear(struct demo_result *r)
{
    for (unsigned i = 0; i < 2; i++) {
        if (r->host[i])
            gn_host_free(r->host[i]);
        why_facts_free(&r->facts[i]);
    }
    record_free(&r->record);
    r->host[0] = r->host[1] = NULL;
}
