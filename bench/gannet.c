/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file gannet.c  Gannet as a stack to be measured: its public interface and nothing else.
 */
#include "world.h"

#include <gannet/host.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BURST 32

struct bench_host {
    struct gn_host *h;
    const struct bench_user *user;
    struct bench_wire *out;
    struct bench_setup setup;
    struct gn_frame *frame;    /* one for each place of the wire */
    struct gn_frame in[BURST]; /* to hand in */
    uint64_t memory;
    uint8_t sink[BENCH_SINK];
};

/** page_alloc() - gn_page_source.alloc, counting. Large blocks in huge pages, if there are any */
static void *page_alloc(void *ctx, size_t bytes)
{
    void *p = aligned_alloc(bytes < WORLD_HUGE ? 4096 : WORLD_HUGE, bytes);

    if (p)
        *(uint64_t *)ctx += bytes;
    if (p && bytes >= WORLD_HUGE)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

/** page_free() - gn_page_source.free */
static void page_free(void *ctx, void *block, size_t bytes)
{
    *(uint64_t *)ctx -= bytes;
    free(block);
}

/** gannet_refuses() - nothing that the benchmark asks for */
static const char *gannet_refuses(const struct bench_setup *s)
{
    (void)s;
    return NULL;
}

/** configure() - the knobs that the set-up names; all others keep their defaults */
static void configure(struct gn_conf *c, const struct bench_setup *s)
{
    gn_conf_default(c);
    c->tcp_timestamps = s->timestamps;
    c->tcp_sack = s->sack;
    if (s->window) {
        c->tcp_rmem_default = c->tcp_wmem_default = s->window;
        c->tcp_rmem_max = c->tcp_wmem_max = s->window;
        c->tcp_moderate_rcvbuf = 0;
    }
    if (s->time_wait)
        c->tcp_msl = s->time_wait / 2;
}

/** gannet_open() - one interface, one address, everybody on the link */
static struct bench_host *gannet_open(const struct bench_setup *s, const struct bench_user *u,
                                      struct bench_wire *out, uint64_t now)
{
    struct bench_host *b = calloc(1, sizeof(*b));
    struct gn_host_config c = {.pages = {page_alloc, page_free, NULL}};
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = BENCH_MTU, .name = "bench0"};

    if (!b || !(b->frame = calloc(out->size, sizeof(*b->frame))))
        return NULL;
    for (uint32_t k = 0; k < out->size; k++) {
        b->frame[k].buf = out->ring[k].data;
        b->frame[k].cap = out->cap;
    }
    b->user = u;
    b->out = out;
    b->setup = *s;
    configure(&c.conf, s);
    c.pages.ctx = &b->memory;
    c.cpu = gn_cpu();
    memset(c.secret, 0x5a + (int)s->side, sizeof(c.secret));
    if (s->super)
        i.caps = GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO;
    i.caps |= s->gather ? GN_CAP_GATHER : 0;
    b->h = gn_host_new(&c, now, NULL);
    if (!b->h || gn_host_add_iface(b->h, &i) != 0 ||
        gn_host_add_addr(b->h, 0, gn_addr_v4(10, 0, 0, (uint8_t)(s->side + 1)), 8) != GN_OK)
        return NULL;
    return b;
}

/** gannet_input() - a burst of packets from the wire */
static void gannet_input(struct bench_host *b, const struct bench_packet *p, size_t n, uint64_t now)
{
    struct gn_frame *f = b->in;

    for (size_t i = 0; i < n; i++) {
        f[i].data = p[i].data;
        f[i].len = p[i].len;
        if (b->setup.gather) {
            f[i].n_tail = (uint8_t)p[i].n_tail;
            for (uint32_t k = 0; k < p[i].n_tail; k++)
                f[i].tail[k] = (struct gn_span){p[i].tail[k].ptr, p[i].tail[k].len};
        }
        if (b->setup.super) {
            f[i].flags = p[i].flags;
            f[i].gso_size = p[i].gso_size;
            f[i].hdr_len = p[i].hdr_len;
            f[i].csum_start = p[i].csum_start;
            f[i].csum_offset = p[i].csum_offset;
        }
    }
    gn_host_input(b->h, f, n, now);
}

/** read_loan() - the application looks at what there is in the receive buffer itself */
static void read_loan(struct bench_host *b, struct bench_conn *c, uint64_t now)
{
    struct gn_span s[2];
    size_t len = 0;
    int n = gn_host_recv_data(b->h, c->handle, s);

    for (int i = 0; i < n; i++)
        for (size_t at = 0, part; at < s[i].len; at += part, len += part) {
            part = s[i].len - at < BENCH_SINK ? s[i].len - at : BENCH_SINK;
            b->user->on(b->user->arg, c, BENCH_DATA, s[i].ptr + at, part);
        }
    if (len)
        gn_host_recv_done(b->h, c->handle, len, now);
}

/** read_all() - the application reads what there is, up to the end if the peer has sent it */
static void read_all(struct bench_host *b, struct bench_conn *c, unsigned what, uint64_t now)
{
    gn_handle h = c->handle;
    int64_t n;

    if (b->setup.loan) {
        read_loan(b, c, now);
        return;
    }
    do {
        n = gn_host_recv(b->h, h, b->sink, BENCH_SINK, 0, now);
        if (n > 0)
            b->user->on(b->user->arg, c, BENCH_DATA, b->sink, (size_t)n);
        if (c->handle != h || !c->open)
            return;
    } while (n == BENCH_SINK);
    if (what & GN_EV_EOF)
        b->user->on(b->user->arg, c, BENCH_END, NULL, 0);
}

/** keep_alive() - switch probes on, as the set-up wants them */
static void keep_alive(struct bench_host *b, gn_handle h, uint64_t now)
{
    gn_host_set_option(b->h, h, GN_OPT_KEEPALIVE, 1, now);
    gn_host_set_option(b->h, h, GN_OPT_KEEPIDLE, b->setup.keepalive_idle, now);
}

/** accept_all() - a listener has connections; what has happened to them is among the next events */
static void accept_all(struct bench_host *b, gn_handle listener, uint64_t now)
{
    gn_handle h;

    while (gn_host_accept(b->h, listener, &h) == GN_OK) {
        struct bench_conn *c = b->user->accept(b->user->arg, b->user->side);

        c->handle = h;
        c->open = true;
        gn_host_set_user(b->h, h, c);
        if (b->setup.keepalive)
            keep_alive(b, h, now);
    }
}

/** tell() - one event of the host to the application */
static void tell(struct bench_host *b, const struct gn_event *e, uint64_t now)
{
    struct bench_conn *c = e->user;

    if (e->what & GN_EV_ACCEPT)
        accept_all(b, e->handle, now);
    if (!c || c->handle != e->handle || !c->open)
        return;
    if (e->what & GN_EV_ERROR) {
        gn_host_close(b->h, c->handle, now);
        c->open = false;
        b->user->on(b->user->arg, c, BENCH_FAILED, NULL, 0);
        return;
    }
    if (e->what & GN_EV_CONNECTED)
        b->user->on(b->user->arg, c, BENCH_CONNECTED, NULL, 0);
    if (e->what & (GN_EV_READABLE | GN_EV_EOF) && c->handle == e->handle && c->open)
        read_all(b, c, e->what, now);
    if (e->what & GN_EV_WRITABLE && c->handle == e->handle && c->open)
        b->user->on(b->user->arg, c, BENCH_WRITABLE, NULL, 0);
}

/** transmit() - a burst from the host to the wire; true: there may be more */
static bool transmit(struct bench_host *b, uint64_t now)
{
    struct bench_wire *w = b->out;
    uint32_t room = bench_wire_room(w), first = w->tail & (w->size - 1);
    struct gn_frame *f = &b->frame[first];
    struct bench_packet *p = &w->ring[first];
    uint64_t octets = 0;
    size_t n;

    if (room > BURST)
        room = BURST;
    if (room > w->size - first)
        room = w->size - first;
    n = gn_host_output(b->h, f, room, now);
    for (size_t i = 0; i < n; i++) {
        if (b->setup.super) {
            p[i].flags = f[i].flags;
            p[i].gso_size = f[i].gso_size;
            p[i].hdr_len = f[i].hdr_len;
            p[i].csum_start = f[i].csum_start;
            p[i].csum_offset = f[i].csum_offset;
        }
        if (f[i].data != p[i].data)
            memmove(p[i].data, f[i].data, f[i].len);
        p[i].len = f[i].len;
        p[i].n_tail = f[i].n_tail;
        for (uint32_t k = 0; k < f[i].n_tail; k++)
            p[i].tail[k] = (struct bench_span){f[i].tail[k].ptr, f[i].tail[k].len};
        octets += gn_frame_total(&f[i]);
    }
    bench_wire_filled(w, (uint32_t)n, octets);
    return n && n == room;
}

/** gannet_work() - events to the application, then all that it and the host want to send. Packets
 * that refer to what the host holds have to be taken in before it is called again */
static void gannet_work(struct bench_host *b, uint64_t now)
{
    struct gn_event e[64];
    size_t n;

    do {
        while ((n = gn_host_events(b->h, e, 64)) > 0)
            for (size_t i = 0; i < n; i++)
                tell(b, &e[i], now);
    } while (transmit(b, now) && !b->setup.gather);
}

/** gannet_deadline() - when to work even if nothing arrives */
static uint64_t gannet_deadline(struct bench_host *b, uint64_t now)
{
    struct gn_deadline d = gn_host_deadline(b->h);

    (void)now;
    return d.armed ? d.at : UINT64_MAX;
}

/** gannet_listen() - at any address */
static bool gannet_listen(struct bench_host *b, uint16_t port)
{
    struct gn_endpoint local = {.port = port};
    gn_handle h;

    return gn_host_listen(b->h, local, b->setup.backlog, NULL, &h) == GN_OK;
}

/** gannet_connect() - to the other host */
static bool gannet_connect(struct bench_host *b, struct bench_conn *c, uint16_t port,
                           uint16_t local_port, uint64_t now)
{
    struct gn_endpoint local = {.port = local_port};
    struct gn_endpoint remote = {gn_addr_v4(10, 0, 0, (uint8_t)(2 - b->setup.side)), port};

    if (gn_host_connect(b->h, local, remote, c, now, &c->handle) != GN_OK)
        return false;
    c->open = true;
    if (b->setup.keepalive)
        keep_alive(b, c->handle, now);
    return true;
}

/** send_loan() - the application makes its octets in the send buffer itself; octets taken */
static size_t send_loan(struct bench_host *b, struct bench_conn *c, const uint8_t *data, size_t len,
                        uint64_t now)
{
    struct gn_room room[2];
    size_t done = 0;

    for (int n; done < len && (n = gn_host_send_room(b->h, c->handle, len - done, room)) > 0;) {
        size_t made = 0;

        for (int i = 0; i < n; made += room[i++].len)
            memcpy(room[i].ptr, data + done + made, room[i].len);
        if (gn_host_send_commit(b->h, c->handle, made, 0, now) < 0)
            break;
        done += made;
    }
    return done;
}

/** gannet_send() - octets taken */
static size_t gannet_send(struct bench_host *b, struct bench_conn *c, const uint8_t *data,
                          size_t len, uint64_t now)
{
    int64_t n;

    if (b->setup.loan)
        return send_loan(b, c, data, len, now);
    n = gn_host_send(b->h, c->handle, data, len, 0, now);
    return n > 0 ? (size_t)n : 0;
}

/** gannet_close() - the application is done with it */
static void gannet_close(struct bench_host *b, struct bench_conn *c, uint64_t now)
{
    gn_host_close(b->h, c->handle, now);
}

/** gannet_memory() - octets of pages held */
static uint64_t gannet_memory(struct bench_host *b)
{
    return b->memory;
}

/** gannet_time_wait() - 2 MSL */
static uint64_t gannet_time_wait(struct bench_host *b)
{
    return 2 * gn_host_conf(b->h)->tcp_msl;
}

/** gannet_waiting() - connections in TIME-WAIT */
static uint64_t gannet_waiting(struct bench_host *b)
{
    struct gn_stats st;

    gn_host_stats(b->h, &st);
    return st.state[GN_TIME_WAIT];
}

const struct bench_stack stack_gannet = {
    .name = "gannet",
    .refuses = gannet_refuses,
    .open = gannet_open,
    .input = gannet_input,
    .work = gannet_work,
    .deadline = gannet_deadline,
    .listen = gannet_listen,
    .connect = gannet_connect,
    .send = gannet_send,
    .close = gannet_close,
    .memory = gannet_memory,
    .time_wait = gannet_time_wait,
    .waiting = gannet_waiting,
};
