/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_app.c  Random applications.
 *
 * An application acts on events alone (and, where its plan says so, by the clock): if the host
 * forgets an event, a connection stands still and the checkers see it.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"

#include <string.h>

#define PIECE      16384
#define ALGORITHMS 3 /* those that are not built in are refused */

/* --- plans --- */

/** plan_bulk() - one way, or (@both) both ways at once */
static void plan_bulk(struct swarm *s, struct flow *f, bool both)
{
    uint64_t most = draw_one_in(&s->rng, 3) ? 1 << 22 : 1 << 17;

    f->kind = both ? "both ways" : "bulk";
    f->end[0].plan.total = draw_scale(&s->rng, 0, most);
    f->end[1].plan.total = both ? draw_scale(&s->rng, 0, most) : 0;
    f->end[1].plan.fin_after_eof = true;
}

/** plan_rounds() - request and response, some times */
static void plan_rounds(struct swarm *s, struct flow *f)
{
    uint64_t ask = draw_scale(&s->rng, 1, 4000), answer = draw_scale(&s->rng, 1, 20000);
    uint64_t rounds = draw_scale(&s->rng, 1, 20);

    f->kind = "rounds";
    f->end[0].plan.total = ask * rounds;
    f->end[0].plan.base = f->end[0].plan.unit = ask;
    f->end[0].plan.per = answer;
    f->end[1].plan.total = answer * rounds;
    f->end[1].plan.base = 0;
    f->end[1].plan.unit = answer;
    f->end[1].plan.per = ask;
    f->end[1].plan.fin_after_eof = prng_below(&s->rng, 2);
}

/** plan_half_close() - the answer comes after the end of the question */
static void plan_half_close(struct swarm *s, struct flow *f)
{
    f->kind = "half-close";
    f->end[0].plan.total = draw_scale(&s->rng, 0, 30000);
    f->end[1].plan.total = draw_scale(&s->rng, 1, 1 << 17);
    f->end[1].plan.after_eof = true;
    f->end[1].plan.fin_after_eof = true;
}

/** plan_server_first() - the server talks, and often closes first: TIME-WAIT is on its side */
static void plan_server_first(struct swarm *s, struct flow *f)
{
    f->kind = "server first";
    f->end[1].plan.total = draw_scale(&s->rng, 0, 1 << 16);
    f->end[0].plan.total = draw_scale(&s->rng, 0, 100);
    f->end[0].plan.fin_after_eof = prng_below(&s->rng, 2);
}

/** plan_roughness() - some ends abort, do not wait, or read slowly */
static void plan_roughness(struct swarm *s, struct flow *f)
{
    uint64_t all = f->end[0].plan.total + f->end[1].plan.total;

    for (unsigned i = 0; i < 2; i++) {
        struct plan *p = &f->end[i].plan;

        p->chunk = (uint32_t)draw_scale(&s->rng, 1, PIECE);
        if (p->chunk < all / 500)
            p->chunk = (uint32_t)(all / 500);
        p->fickle = draw_one_in(&s->rng, 6);
        if (draw_one_in(&s->rng, 8)) {
            p->aborts = true;
            p->abort_at = draw_between(&s->rng, 0, all);
        }
        if (draw_one_in(&s->rng, 10) && !p->fin_after_eof)
            p->rude = true;
        if (draw_one_in(&s->rng, 6)) {
            p->read_max = (uint32_t)(draw_scale(&s->rng, 1, 5000) + all / 200);
            p->read_gap = draw_scale(&s->rng, 10 * GN_USEC, 300 * GN_MSEC);
        }
    }
}

/** plan_flow() - one connection between two hosts, starting at @start */
static void plan_flow(struct swarm *s, struct flow *f, gn_time start, bool brief)
{
    static const uint32_t weight[] = {3, 5, 8, 10, 12};
    unsigned from = prng_below(&s->rng, s->n_host), kind = prng_below(&s->rng, weight[4]);

    f->start = start;
    f->v6 = s->v6 && prng_below(&s->rng, 2);
    f->end[0].host = from;
    f->end[1].host = (from + 1 + prng_below(&s->rng, s->n_host - 1)) % s->n_host;
    for (unsigned i = 0; i < 2; i++) {
        f->end[i].flow = f;
        f->end[i].key = prng_u64(&s->rng);
        f->end[i].plan.base = UINT64_MAX;
    }
    if (brief || kind < weight[0])
        plan_rounds(s, f);
    else if (kind < weight[1])
        plan_bulk(s, f, true);
    else if (kind < weight[2])
        plan_bulk(s, f, false);
    else if (kind < weight[3])
        plan_half_close(s, f);
    else
        plan_server_first(s, f);
    plan_roughness(s, f);
    s->planned += f->end[0].plan.total + f->end[1].plan.total;
}

void swarm_plan(struct swarm *s)
{
    unsigned bulky = (unsigned)draw_between(&s->rng, 1, 8);
    unsigned brief = draw_one_in(&s->rng, 3) ? (unsigned)draw_between(&s->rng, 5, 50) : 0;
    gn_time at = SWARM_READY + draw_between(&s->rng, 0, 5 * GN_SEC);

    for (unsigned i = 0; i < bulky; i++)
        plan_flow(s, &s->flow[s->n_flow++], SWARM_READY + draw_scale(&s->rng, 0, 20 * GN_SEC),
                  false);
    for (unsigned i = 0; i < brief; i++) {
        at += draw_scale(&s->rng, 0, 300 * GN_MSEC);
        plan_flow(s, &s->flow[s->n_flow++], at, true);
    }
    s->result->flows = s->n_flow;
}

/* --- one end of a connection at work --- */

/** end_host() - the host that @e lives on */
static struct gn_host *end_host(const struct swarm *s, const struct end *e)
{
    return s->host[e->host].h;
}

/** end_options() - some options, as programs set them */
static void end_options(struct swarm *s, const struct end *e, gn_time now)
{
    struct prng *p = &s->rng;
    struct gn_host *h = end_host(s, e);
    /* a sender that has seen a larger window waits for the override of its SWS avoidance, up to a
     * second each time, and must be done in the end */
    uint64_t least = max_u64(2304, e->flow->end[e == e->flow->end].plan.total / 400);

    if (draw_one_in(p, 2))
        (void)gn_host_set_option(h, e->handle, GN_OPT_NODELAY, 1, now);
    if (draw_one_in(p, 6))
        (void)gn_host_set_option(h, e->handle, GN_OPT_QUICKACK, 1, now);
    if (draw_one_in(p, 6))
        (void)gn_host_set_option(h, e->handle, GN_OPT_CORK, 1, now);
    if (draw_one_in(p, 6))
        (void)gn_host_set_option(h, e->handle, GN_OPT_SNDBUF, draw_scale(p, 4608, 100000), now);
    if (draw_one_in(p, 6))
        (void)gn_host_set_option(h, e->handle, GN_OPT_RCVBUF, draw_scale(p, least, 100000), now);
    if (draw_one_in(p, 3))
        (void)gn_host_set_option(h, e->handle, GN_OPT_CONGESTION, prng_below(p, ALGORITHMS), now);
    if (draw_one_in(p, 4)) {
        (void)gn_host_set_option(h, e->handle, GN_OPT_KEEPIDLE, 10 * GN_SEC, now);
        (void)gn_host_set_option(h, e->handle, GN_OPT_KEEPALIVE, 1, now);
    }
}

/** end_opened() - @e has got its handle */
static void end_opened(struct swarm *s, struct end *e, gn_handle c, gn_time now)
{
    e->handle = c;
    e->state = END_OPEN;
    (void)gn_host_set_user(end_host(s, e), c, e);
    end_options(s, e, now);
}

/** end_over() - @e is done with its handle */
static void end_over(struct swarm *s, struct end *e, enum end_state how, gn_time now)
{
    e->state = (uint8_t)how;
    if (how == END_ABORTED)
        (void)gn_host_abort(end_host(s, e), e->handle, now);
    else
        (void)gn_host_close(end_host(s, e), e->handle, now);
    swarm_note(s, (uint64_t)how << 32 | (uint32_t)e->error);
}

/** end_failed() - a call gave an error */
static void end_failed(struct swarm *s, struct end *e, int64_t err, gn_time now)
{
    e->error = (enum gn_err)err;
    if (err == GN_E_BAD_HANDLE)
        swarm_wrong(s, "a handle that is in use was refused");
    end_over(s, e, END_ERROR, now);
}

/** end_may_send() - how much of its stream may be sent by now, in all */
static uint64_t end_may_send(const struct end *e)
{
    const struct plan *p = &e->plan;
    uint64_t may = p->base;

    if (p->after_eof)
        return e->eof ? p->total : 0;
    if (p->per)
        may += e->got / p->per * p->unit;
    return may < p->total ? may : p->total;
}

/** end_send() - all that may be sent and is taken; octets */
static size_t end_send(struct swarm *s, struct end *e, gn_time now)
{
    uint8_t buf[PIECE];
    uint64_t may = end_may_send(e), before = e->sent;

    while (e->state == END_OPEN && e->sent < may && !e->fin) {
        uint64_t len = min_u64(min_u64(may - e->sent, e->plan.chunk), sizeof buf);
        int64_t n;

        pattern_fill(e->key, e->sent, buf, len);
        n = gn_host_send(end_host(s, e), e->handle, buf, len, 0, now);
        if (n == GN_E_WOULD_BLOCK || n == GN_E_NOT_CONNECTED)
            break;
        if (n < 0)
            end_failed(s, e, n, now);
        else
            e->sent += (uint64_t)n;
    }
    return (size_t)(e->sent - before);
}

/** end_read() - as much as its plan allows now; octets */
static size_t end_read(struct swarm *s, struct end *e, gn_time now)
{
    uint8_t buf[PIECE];
    uint64_t before = e->got;
    size_t len = e->plan.read_max ? min_u64(e->plan.read_max, sizeof buf) : sizeof buf;

    while (e->state == END_OPEN && !e->eof && e->next_read <= now) {
        int64_t n = gn_host_recv(end_host(s, e), e->handle, buf, len, 0, now);

        if (n == GN_E_WOULD_BLOCK || n == GN_E_NOT_CONNECTED)
            break;
        if (n < 0) {
            end_failed(s, e, n, now);
        } else if (n == 0) {
            e->eof = true;
            check_eof(s, e);
        } else {
            check_octets(s, e, buf, (uint64_t)n);
            e->got += (uint64_t)n;
            if (e->plan.read_max)
                e->next_read = now + e->plan.read_gap;
        }
    }
    return (size_t)(e->got - before);
}

/** end_finish() - CLOSE, ABORT and giving the handle back, when the plan says so */
static void end_finish(struct swarm *s, struct end *e, gn_time now)
{
    const struct plan *p = &e->plan;

    if (e->state != END_OPEN)
        return;
    if (p->aborts && e->sent + e->got >= p->abort_at) {
        end_over(s, e, END_ABORTED, now);
        return;
    }
    if (!e->connected) /* CLOSE now would throw the connection away */
        return;
    if (e->sent == p->total && p->rude) {
        end_over(s, e, END_RUDE, now);
        return;
    }
    if (!e->fin && e->sent == p->total && (e->eof || !p->fin_after_eof)) {
        enum gn_err err = gn_host_shutdown(end_host(s, e), e->handle, now);

        if (err) {
            end_failed(s, e, err, now);
            return;
        }
        e->fin = true;
    }
    if (e->fin && e->eof)
        end_over(s, e, END_NORMAL, now);
}

/** end_work() - everything that @e can do now */
static size_t end_work(struct swarm *s, struct end *e, gn_time now)
{
    size_t did;
    bool fin;

    if (e->state != END_OPEN || e->move.step)
        return 0;
    did = end_read(s, e, now);
    did += end_send(s, e, now);
    if (did > 0 && e->state == END_OPEN && e->plan.fickle && draw_one_in(&s->rng, 10))
        (void)gn_host_set_option(end_host(s, e), e->handle, GN_OPT_CONGESTION,
                                 prng_below(&s->rng, ALGORITHMS), now);
    fin = e->fin;
    end_finish(s, e, now);
    if (did > 0 || fin != e->fin || e->state != END_OPEN)
        stall_touch(e->flow, now);
    return did + (e->state != END_OPEN);
}

/* --- hosts --- */

/** flow_of() - whose connection is it that @st describes, on the side that accepted? */
static struct flow *flow_of(struct swarm *s, const struct gn_status *st)
{
    for (unsigned i = s->n_flow; i-- > 0;) {
        struct flow *f = &s->flow[i];

        if (f->started && f->iss == st->rcv.irs && f->from.port == st->remote.port &&
            gn_addr_eq(&f->from.addr, &st->remote.addr))
            return f;
    }
    return NULL;
}

/** is_alive() - has the connection of @e not ended, whether it has heard of that or not? */
static bool is_alive(const struct swarm_host *m, const struct end *e, gn_time now)
{
    struct gn_status st;

    return e->state == END_OPEN && gn_host_status(m->h, e->handle, now, &st) == GN_OK &&
           st.state != GN_CLOSED;
}

/** accept_all() - what waits at the listener */
static void accept_all(struct swarm_host *m, gn_time now)
{
    struct swarm *s = m->swarm;
    gn_handle c;

    while (!gn_host_accept(m->h, m->listener, &c)) {
        struct gn_status st;
        struct flow *f;

        (void)gn_host_status(m->h, c, now, &st);
        f = flow_of(s, &st);
        if (!f) {
            swarm_wrong(s, "accepted a connection that nobody opened");
            (void)gn_host_abort(m->h, c, now);
        } else if (f->end[1].state != END_NONE) {
            /* a packet that was late brings a connection back from its cookie (RFC 4987 3.6) */
            if (!gn_host_conf(m->h)->tcp_syncookies || is_alive(m, &f->end[1], now))
                swarm_wrong(s, "accepted the connection of flow %u twice", (unsigned)(f - s->flow));
            (void)gn_host_abort(m->h, c, now);
        } else {
            f->end[1].connected = true;
            end_opened(s, &f->end[1], c, now);
            (void)end_work(s, &f->end[1], now);
        }
    }
}

size_t swarm_serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct swarm_host *m = ctx;
    struct gn_event ev[32];
    size_t n = gn_host_events(h, ev, 32);

    for (size_t i = 0; i < n; i++) {
        struct end *e = ev[i].user;

        if (ev[i].what & GN_EV_ACCEPT)
            accept_all(m, now);
        if (!e || e->handle != ev[i].handle)
            continue;
        e->connected |= (ev[i].what & GN_EV_CONNECTED) != 0;
        (void)end_work(m->swarm, e, now);
    }
    return n;
}

/** flow_open() - active OPEN of @f */
static void flow_open(struct swarm *s, struct flow *f, gn_time now)
{
    struct gn_endpoint any = {0};
    struct end *e = &f->end[0];
    struct gn_status st;
    gn_handle c;

    f->to = (struct gn_endpoint){s->host[f->end[1].host].addr[f->v6], SWARM_PORT};
    f->refused = gn_host_connect(end_host(s, e), any, f->to, e, now, &c) != GN_OK;
    f->started = true;
    if (f->refused)
        return;
    (void)gn_host_status(end_host(s, e), c, now, &st);
    f->iss = st.snd.iss;
    f->from = st.local;
    stall_open(s, f, now);
    end_opened(s, e, c, now);
    (void)end_work(s, e, now);
    if (s->log)
        fprintf(s->log, "%.6f flow %u: host %u to host %u, %s, %lu and %lu octets\n",
                (double)now / 1e9, (unsigned)(f - s->flow), e->host, f->end[1].host, f->kind,
                (unsigned long)e->plan.total, (unsigned long)f->end[1].plan.total);
}

void swarm_tick(struct swarm *s, gn_time now)
{
    for (unsigned i = 0; i < s->n_flow; i++) {
        struct flow *f = &s->flow[i];

        if (!f->started && f->start <= now)
            flow_open(s, f, now);
        for (unsigned k = 0; k < 2; k++)
            if (f->end[k].next_read && f->end[k].next_read <= now && !f->end[k].move.step) {
                f->end[k].next_read = 0;
                (void)end_work(s, &f->end[k], now);
            }
    }
}

gn_time swarm_next_tick(const struct swarm *s)
{
    gn_time next = GN_FOREVER;

    for (unsigned i = 0; i < s->n_flow; i++) {
        const struct flow *f = &s->flow[i];

        if (!f->started)
            next = min_u64(next, f->start);
        for (unsigned k = 0; k < 2; k++)
            if (f->end[k].state == END_OPEN && f->end[k].next_read && !f->end[k].move.step)
                next = min_u64(next, f->end[k].next_read);
    }
    return next;
}

void swarm_leave(struct swarm *s, gn_time now)
{
    for (unsigned i = 0; i < s->n_flow; i++)
        for (unsigned k = 0; k < 2; k++)
            if (s->flow[i].end[k].state == END_OPEN)
                end_over(s, &s->flow[i].end[k], END_LEFT, now);
}

void swarm_listen(struct swarm *s, bool on, gn_time now)
{
    struct gn_endpoint local = {.port = SWARM_PORT};

    for (unsigned i = 0; i < s->n_host; i++) {
        struct swarm_host *m = &s->host[i];

        if (!on)
            (void)gn_host_close(m->h, m->listener, now);
        else if (gn_host_listen(m->h, local, (unsigned)draw_between(&s->rng, 1, 30), NULL,
                                &m->listener))
            swarm_wrong(s, "host %u cannot listen", i);
    }
}
