/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_run.c  Plays a script: two hosts, a simulated wire, virtual time, and a recorder.
 *
 * Segments are recorded where they enter and leave the wire, transitions and drops where the hosts
 * tell of them. A timer counts as fired if a connection says that it is due at the moment to which
 * virtual time is about to move.
 */
#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/pages.h"
#include "cli/view.h"

#include <stdlib.h>
#include <string.h>

#define START      (1000 * GN_SEC) /* virtual time begins here; drawings begin at 0 */
#define ROUNDS_MAX 1000            /* at one moment */

/** A loss that was ordered. */
struct order {
    bool active, for_ever;
    enum demo_what what;
    uint32_t left;
};

#define ORDERS 4

struct side {
    struct stage *stage;
    unsigned index;
    struct gn_host *host;
    struct gn_link *link;
    struct gn_endpoint self;
    gn_handle listener, conn;
    bool reads;
    uint64_t to_stream;          /* octets of DO_STREAM still to be sent */
    uint64_t streamed, received; /* octets sent by DO_STREAM, octets received */
    uint64_t sum_out, sum_in;    /* hashes of both (FNV-1a) */
    struct order order[ORDERS];
};

struct stage {
    const struct demo_options *o;
    struct gn_conf conf;
    struct gn_sim *sim;
    struct gn_simloop *loop;
    struct gn_pcap *pcap;
    struct side side[2];
    struct record *rec;
    uint64_t floods;
    bool quiet; /* a stream runs */
};

/** since() - on the clock of the drawing */
static gn_time since(gn_time at)
{
    return at > START ? at - START : 0;
}

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

/** on_wire() - tap of the simulation: a packet enters or leaves the wire */
static void on_wire(void *ctx, const struct gn_tap *t)
{
    struct stage *st = ctx;
    struct glance g;
    unsigned end = t->kind == GN_TAP_DELIVERED ? t->to : t->from;
    /* the capture is what a capture at A would hold */
    if (st->pcap && end == 0 && t->kind != GN_TAP_LOST)
        gn_pcap_write(st->pcap, t->frame, since(t->at));
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

/** on_trace() - a host tells of a transition or a drop */
static void on_trace(void *ctx, const struct gn_trace *t)
{
    struct side *s = ctx;
    struct stage *st = s->stage;
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

/** read_all() - the application reads what there is, if it reads */
static void read_all(struct side *s, gn_time now)
{
    char chunk[4096];
    int64_t n;
    while (s->conn && s->reads &&
           (n = gn_host_recv(s->host, s->conn, chunk, sizeof chunk, 0, now)) > 0) {
        s->sum_in = fnv(s->sum_in, chunk, (size_t)n);
        s->received += (uint64_t)n;
    }
}

/** stream() - send as much of DO_STREAM's octets as is taken */
static void stream(struct side *s, gn_time now)
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
        if (!from->streamed && !from->to_stream)
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

/** serve() - the application of one host: accept one connection, and read */
static size_t serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct side *s = ctx;
    struct gn_event ev[8];
    size_t n = gn_host_events(h, ev, 8);
    gn_handle c;
    bool readable = false;
    for (size_t i = 0; i < n; i++) {
        readable |= (ev[i].what & GN_EV_READABLE) != 0;
        while (ev[i].what & GN_EV_ACCEPT && gn_host_accept(h, s->listener, &c) == GN_OK) {
            readable = true;
            if (s->conn)
                (void)gn_host_close(h, c, now);
            else
                s->conn = c;
        }
    }
    if (readable)
        read_all(s, now);
    if (n)
        stream(s, now);
    return n;
}

/** make_host() - a host at one end of the wire; false: no memory */
static bool make_host(struct side *s)
{
    struct stage *st = s->stage;
    struct gn_host_config hc = {.conf = st->conf, .pages = pages_source()};
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

/** note_timers() - which timers fire at @at? */
static void note_timers(struct stage *st, gn_time at)
{
    for (unsigned end = 0; end < 2; end++) {
        struct gn_status s;
        uint64_t cursor = 0;
        while (gn_host_walk(st->side[end].host, &cursor, gn_simloop_now(st->loop), &s)) {
            if (!ours(st, end, &s.local, &s.remote))
                continue;
            for (unsigned i = 0; i < GN_TIMER_COUNT; i++) {
                if (!s.timer[i].armed || s.timer[i].at > at || i == GN_TIMER_PACE)
                    continue;
                struct text t;
                text_reset(&t);
                text_str(&t, timer_name(i));
                text_str(&t, " timer");
                if (i == GN_TIMER_RTO && s.rto) {
                    text_str(&t, " (");
                    text_span(&t, s.rto);
                    text_str(&t, ")");
                }
                record_text(st->rec, since(at), end, LADDER_TIMER, "%.*s", (int)t.len, t.s);
            }
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

/** flood() - @n SYNs from invented addresses arrive at @s */
static void flood(struct side *s, uint32_t n, gn_time now)
{
    struct gn_frame f = {0};
    uint8_t packet[80];
    struct gn_frame out[16];
    static uint8_t room[16][2048];
    for (uint32_t i = 0; i < n; i++) {
        struct glance g = {.dst = s->self, .ctl = 2, .seq = i * 2654435761u, .wnd = 65535};
        g.src = s->self;
        g.src.port = (uint16_t)(1024 + i % 60000);
        g.src.addr.b[15] = (uint8_t)(10 + i % 200);
        g.src.addr.b[14] = (uint8_t)(1 + i / 200 % 250);
        f.data = packet;
        f.len = (uint32_t)forge(&g, packet);
        gn_host_input(s->host, &f, 1, now);
        /* its answers would go to nobody: they are taken off the host here */
        for (unsigned k = 0; k < 16; k++)
            out[k] = (struct gn_frame){.buf = room[k], .cap = sizeof room[k]};
        while (gn_host_output(s->host, out, 16, now))
            ;
    }
    s->stage->floods++;
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "%u SYNs from invented addresses",
                n);
}

/** blind_rst() - a RST with the right addresses and a guessed sequence number arrives at @s */
static void blind_rst(struct side *s, uint32_t beyond, gn_time now)
{
    struct gn_status status;
    if (gn_host_status(s->host, s->conn, now, &status) != GN_OK)
        return;
    struct glance g = {
        .src = status.remote, .dst = status.local, .ctl = 4, .seq = status.rcv.nxt + beyond};
    uint8_t packet[80];
    struct gn_frame f = {.data = packet, .len = (uint32_t)forge(&g, packet)};
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "a forged RST arrives");
    gn_host_input(s->host, &f, 1, now);
}

/** send_octets() - SEND @n octets of a pattern */
static enum gn_err send_octets(struct side *s, uint32_t n, gn_time now)
{
    char octets[1024];
    memset(octets, 'g', sizeof octets);
    while (n) {
        size_t part = n < sizeof octets ? n : sizeof octets;
        int64_t took =
            gn_host_send(s->host, s->conn, octets, part, n > part ? GN_SEND_MORE : 0, now);
        if (took < 0)
            return (enum gn_err)took;
        n -= (uint32_t)took;
    }
    return GN_OK;
}

/** order_loss() - DO_LOSE */
static void order_loss(struct side *s, uint32_t arg)
{
    for (unsigned i = 0; i < ORDERS; i++) {
        if (s->order[i].active)
            continue;
        s->order[i] = (struct order){true, DEMO_TIMES(arg) == 0, DEMO_KIND(arg), DEMO_TIMES(arg)};
        return;
    }
}

/** open_call() - DO_LISTEN and DO_CONNECT */
static enum gn_err open_call(struct side *s, enum demo_op op, gn_time now)
{
    struct gn_endpoint any = {.port = s->self.port};
    if (op == DO_LISTEN) {
        record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "OPEN (passive)");
        return gn_host_listen(s->host, any, 16, NULL, &s->listener);
    }
    record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "OPEN (active)");
    return gn_host_connect(s->host, s->self, s->stage->side[s->index ^ 1u].self, NULL, now,
                           &s->conn);
}

/** crash() - the host is replaced by one that knows nothing */
static enum gn_err crash(struct side *s, gn_time now)
{
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE,
                "crash and restart: all is forgotten");
    gn_simloop_remove(s->stage->loop, s->host);
    gn_host_free(s->host);
    s->host = NULL;
    record_add(s->stage->rec, (struct ladder_event){.at = since(now),
                                                    .kind = LADDER_STATE,
                                                    .end = (uint8_t)s->index,
                                                    .to = GN_CLOSED});
    s->stage->floods++;
    return make_host(s) ? GN_OK : GN_E_NO_MEMORY;
}

/** perform() - one step of a script */
static enum gn_err perform(struct stage *st, const struct demo_step *step, gn_time now)
{
    struct side *s = &st->side[step->end];
    gn_handle c = s->conn;
    switch ((enum demo_op)step->op) {
    case DO_END: break;
    case DO_LISTEN:
    case DO_CONNECT: return open_call(s, step->op, now);
    case DO_SEND:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "SEND %u", step->arg);
        return send_octets(s, step->arg, now);
    case DO_STOP_READ:
        record_text(st->rec, since(now), s->index, LADDER_NOTE, "reads no more");
        s->reads = false;
        break;
    case DO_READ:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "RECEIVE");
        s->reads = true;
        read_all(s, now);
        break;
    case DO_CLOSE:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "CLOSE");
        return gn_host_shutdown(s->host, c, now);
    case DO_LEAVE:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "CLOSE, and leave");
        s->conn = GN_NO_HANDLE;
        return gn_host_close(s->host, c, now);
    case DO_ABORT:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "ABORT");
        s->conn = GN_NO_HANDLE;
        return gn_host_abort(s->host, c, now);
    case DO_STREAM:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "SEND %u KiB", step->arg);
        s->to_stream = (uint64_t)step->arg * 1024;
        st->quiet = true;
        stream(s, now);
        break;
    case DO_KEEPALIVE: return gn_host_set_option(s->host, c, GN_OPT_KEEPALIVE, 1, now);
    case DO_LOSE: order_loss(s, step->arg); break;
    case DO_CRASH: return crash(s, now);
    case DO_FLOOD: flood(s, step->arg, now); break;
    case DO_BLIND_RST: blind_rst(s, step->arg, now); break;
    }
    return GN_OK;
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
        if (!make_host(&st->side[i]))
            return false;
    }
    return true;
}

/** take_down() - everything but the hosts; false: the capture is not whole, which is said */
static bool take_down(struct stage *st)
{
    bool whole = !st->pcap || !gn_pcap_close(st->pcap);
    if (!whole)
        complain("the capture could not be written whole");
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
        enum gn_err e = perform(st, &d->step[i], START + d->step[i].ms * GN_MSEC);
        if (e != GN_OK) {
            complain("demo %s, step %zu: %s", d->name, i + 1, gn_err_text(e));
            return false;
        }
    }
    return run_until(st, START + d->until_ms * GN_MSEC) && compare(st);
}

bool demo_play(const struct demo *d, const struct demo_options *o, struct demo_result *ret)
{
    struct stage st = {.o = o, .conf = o->conf, .rec = &ret->record};
    struct gn_link_error err;
    *ret = (struct demo_result){.start = START};
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
    for (unsigned i = 0; i < 2; i++)
        if (r->host[i])
            gn_host_free(r->host[i]);
    record_free(&r->record);
    r->host[0] = r->host[1] = NULL;
}
