/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bottle.c  See bottle.h.
 */
#include "lab/bottle.h"

#include "base/bits.h"
#include "lab/pages.h"

#include <gannet/host.h>
#include <gannet/loop.h>

#include <stdlib.h>
#include <string.h>

#define START     (1000 * GN_SEC)
#define PORT      80
#define WAIT_BINS 1000
#define IN_FLIGHT ((uint64_t)4 << 30) /* octets that the simulation may hold */

/** Both ends of one flow. */
struct pair {
    const struct bottle_flow *plan;
    gn_handle from, to;
    uint16_t port; /* of the sender */
    bool open;
    uint64_t sent, got, before; /* before: got when measuring began */
};

struct bottle {
    const struct bottle_config *c;
    struct bottle_result *r;
    struct gn_simloop *loop;
    struct gn_sim *sim;
    struct gn_host *host[2];
    struct lab_pages pages[2];
    gn_handle listener;
    struct pair pair[BOTTLE_FLOWS];
    bool measuring, failed;
    uint64_t wait_n, wait_sum, wait_bin[WAIT_BINS];
    gn_time wait_most; /* of a full queue */
};

/** address() - of host @i */
static struct gn_addr address(unsigned i)
{
    return gn_addr_v4(10, 0, 0, (uint8_t)(i + 1));
}

/** on_tap() - gn_tap_fn: how long did a packet wait for the bottleneck? */
static void on_tap(void *ctx, const struct gn_tap *t)
{
    struct bottle *b = ctx;
    const struct gn_pipe_config *p = &b->c->there;
    gn_time least, wait;

    if (!b->measuring || t->kind != GN_TAP_DELIVERED || t->from != 0 || p->rate == 0)
        return;
    least = p->latency + t->frame->len * 8 * GN_SEC / p->rate;
    wait = t->at - t->sent > least ? t->at - t->sent - least : 0;
    b->wait_n++;
    b->wait_sum += wait;
    if (b->wait_most > 0)
        b->wait_bin[min_u64(wait * WAIT_BINS / b->wait_most, WAIT_BINS - 1)]++;
}

/** pair_send() - fill the send buffer; what is in it does not matter */
static void pair_send(struct bottle *b, struct pair *p, gn_time now)
{
    uint64_t total = p->plan->octets ? p->plan->octets : UINT64_MAX;

    while (p->sent < total) {
        struct gn_room span[2];
        uint64_t room = 0;
        int n = gn_host_send_room(b->host[0], p->from, min_u64(total - p->sent, 1 << 20), span);

        if (n == GN_E_WOULD_BLOCK || n == GN_E_NOT_CONNECTED)
            return;
        for (int i = 0; i < n; i++)
            room += span[i].len;
        room = min_u64(room, total - p->sent);
        if (n < 0 || gn_host_send_commit(b->host[0], p->from, room, 0, now) < 0) {
            b->failed = true;
            return;
        }
        p->sent += room;
        if (p->sent == total && gn_host_shutdown(b->host[0], p->from, now))
            b->failed = true;
    }
}

/** pair_read() - all that has arrived */
static void pair_read(struct bottle *b, struct pair *p, gn_time now)
{
    struct gn_span span[2];
    int n;

    while ((n = gn_host_recv_data(b->host[1], p->to, span)) > 0) {
        uint64_t len = span[0].len + (n > 1 ? span[1].len : 0);

        p->got += len;
        (void)gn_host_recv_done(b->host[1], p->to, len, now);
    }
    if (n == 0) {
        b->r->took[p - b->pair] = now - START - p->plan->start;
        (void)gn_host_close(b->host[1], p->to, now);
        (void)gn_host_close(b->host[0], p->from, now);
        p->open = false;
    } else if (n != GN_E_WOULD_BLOCK) {
        b->failed = true;
    }
}

/** accept_all() - whose connections are they? */
static void accept_all(struct bottle *b, gn_time now)
{
    gn_handle c;

    while (!gn_host_accept(b->host[1], b->listener, &c)) {
        struct gn_status st;

        (void)gn_host_status(b->host[1], c, now, &st);
        for (unsigned i = 0; i < b->c->n_flow; i++) {
            struct pair *p = &b->pair[i];

            if (p->open && p->port == st.remote.port) {
                p->to = c;
                (void)gn_host_set_user(b->host[1], c, p);
                pair_read(b, p, now);
            }
        }
    }
}

/** serve() - gn_service_fn of both hosts */
static size_t serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct bottle *b = ctx;
    struct gn_event ev[32];
    size_t n = gn_host_events(h, ev, 32);

    for (size_t i = 0; i < n; i++) {
        struct pair *p = ev[i].user;

        if (ev[i].what & GN_EV_ACCEPT)
            accept_all(b, now);
        else if (p && p->open && (ev[i].what & (GN_EV_CONNECTED | GN_EV_WRITABLE)))
            pair_send(b, p, now);
        else if (p && p->open && p->to == ev[i].handle)
            pair_read(b, p, now);
    }
    return n;
}

/** open_due() - flows that begin now; the time when the next one does */
static gn_time open_due(struct bottle *b, gn_time now)
{
    struct gn_endpoint any = {0}, to = {address(1), PORT};
    gn_time next = GN_FOREVER;

    for (unsigned i = 0; i < b->c->n_flow; i++) {
        struct pair *p = &b->pair[i];
        struct gn_status st;

        if (p->plan || b->c->flow[i].start + START > now) {
            if (!p->plan)
                next = min_u64(next, b->c->flow[i].start + START);
            continue;
        }
        p->plan = &b->c->flow[i];
        if (gn_host_connect(b->host[0], any, to, p, now, &p->from) ||
            gn_host_set_option(b->host[0], p->from, GN_OPT_CONGESTION, p->plan->cc, now) ||
            gn_host_status(b->host[0], p->from, now, &st))
            b->failed = true;
        else
            p->port = st.local.port;
        p->open = !b->failed;
    }
    return next;
}

/** host_open() - host @i at its port; false: no memory */
static bool host_open(struct bottle *b, unsigned i)
{
    struct gn_host_config c = {.pages = lab_pages(&b->pages[i])};
    struct gn_endpoint local = {.port = PORT};
    int iface;

    gn_conf_default(&c.conf);
    c.conf.tcp_rmem_max = c.conf.tcp_wmem_max = BOTTLE_BUFFER;
    memset(c.secret, (int)i + 1, sizeof c.secret);
    b->host[i] = gn_host_new(&c, START, NULL);
    if (!b->host[i])
        return false;
    iface = gn_simloop_add(b->loop, b->host[i], gn_sim_port(b->sim, i));
    return iface >= 0 && !gn_host_add_addr(b->host[i], iface, address(i), 24) &&
           !gn_simloop_service(b->loop, b->host[i], serve, b) &&
           (i == 0 || !gn_host_listen(b->host[i], local, BOTTLE_FLOWS, NULL, &b->listener));
}

/** bottle_open() - the network and its hosts; false: no memory */
static bool bottle_open(struct bottle *b)
{
    struct gn_sim_config c = {
        .ports = 2,
        .medium = GN_MEDIUM_IP,
        .mtu = BOTTLE_MTU,
        .caps = GN_CAP_CSUM_TX | GN_CAP_CSUM_RX,
        .seed = b->c->seed,
        .pipe = {b->c->there, b->c->back},
        .max_bytes = IN_FLIGHT,
        .tap = on_tap,
        .tap_ctx = b,
    };

    if (b->c->there.rate)
        b->wait_most =
            b->c->there.queue_packets * (UINT64_C(8) * BOTTLE_MTU) * GN_SEC / b->c->there.rate;
    b->loop = gn_simloop_new(START);
    b->sim = gn_sim_new(&c);
    return b->loop && b->sim && host_open(b, 0) && host_open(b, 1);
}

/** bottle_close() - all that bottle_open() has made */
static void bottle_close(struct bottle *b)
{
    for (unsigned i = 0; i < 2; i++)
        if (b->host[i]) {
            gn_simloop_remove(b->loop, b->host[i]);
            gn_host_free(b->host[i]);
        }
    gn_sim_free(b->sim);
    gn_simloop_free(b->loop);
    free(b);
}

/** watch() - tell how far the flows are */
static void watch(struct bottle *b, gn_time now)
{
    uint64_t got[BOTTLE_FLOWS];
    struct gn_status st = {0};

    for (unsigned i = 0; i < b->c->n_flow; i++)
        got[i] = b->pair[i].got;
    if (b->pair[0].open)
        (void)gn_host_status(b->host[0], b->pair[0].from, now, &st);
    b->c->watch(b->c->ctx, now - START, got, &st);
}

/** measure() - what was read by now is not counted */
static void measure(struct bottle *b)
{
    struct gn_stats st;

    gn_host_stats(b->host[0], &st);
    b->r->timeouts = st.TCPTimeouts;
    b->r->retrans = st.RetransSegs;
    for (unsigned i = 0; i < b->c->n_flow; i++)
        b->pair[i].before = b->pair[i].got;
    b->measuring = true;
}

/** results() - at the end */
static void results(struct bottle *b)
{
    uint64_t seen = 0;
    struct gn_stats st;
    unsigned bin = 0;

    gn_host_stats(b->host[0], &st);
    b->r->timeouts = st.TCPTimeouts - b->r->timeouts;
    b->r->retrans = st.RetransSegs - b->r->retrans;
    for (unsigned i = 0; i < b->c->n_flow; i++)
        b->r->got[i] = b->pair[i].got - b->pair[i].before;
    if (b->wait_n == 0)
        return;
    b->r->wait_mean = b->wait_sum / b->wait_n;
    while (bin < WAIT_BINS && (seen += b->wait_bin[bin]) * 20 < b->wait_n * 19)
        bin++;
    b->r->wait_95 = b->wait_most * (bin + 1) / WAIT_BINS;
}

/** run() - from the beginning to the end of measuring */
static void run(struct bottle *b)
{
    gn_time end = START + b->c->until, look = b->c->every ? START : GN_FOREVER;
    gn_time now = START, next = open_due(b, now);

    while (now < end && !b->failed) {
        gn_time stop = min_u64(min_u64(next, look), end);

        if (!b->measuring)
            stop = min_u64(stop, START + b->c->from);
        (void)gn_simloop_run(b->loop, stop, NULL, NULL);
        now = gn_simloop_now(b->loop);
        if (now >= next)
            next = open_due(b, now);
        if (now >= look) {
            watch(b, now);
            look += b->c->every;
        }
        if (!b->measuring && now >= START + b->c->from)
            measure(b);
    }
    results(b);
}

bool bottle_run(const struct bottle_config *c, struct bottle_result *ret)
{
    struct bottle *b = calloc(1, sizeof *b);
    bool ok;

    *ret = (struct bottle_result){.got = {0}};
    if (!b)
        return false;
    b->c = c;
    b->r = ret;
    ok = bottle_open(b);
    if (ok)
        run(b);
    ok = ok && !b->failed;
    bottle_close(b);
    return ok;
}
