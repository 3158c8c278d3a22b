/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file world.c  See world.h.
 */
#include "world.h"

#include "base/bits.h"
#include "ip/ip.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* in an hour a connection that gets no memory asks for it 18,000 times; there are some 20 */
#define ROUNDS_MAX 400000

/** addr() - of host @i */
static struct gn_addr addr(unsigned i, bool v6)
{
    struct gn_addr a = gn_addr_v4(10, 0, 0, (uint8_t)(i + 1));

    if (v6) {
        memset(&a, 0, sizeof(a));
        a.b[0] = 0xfd;
        a.b[15] = (uint8_t)(i + 1);
    }
    return a;
}

struct gn_endpoint world_end(unsigned i, bool v6, uint16_t port)
{
    struct gn_endpoint e = {addr(i, v6), port};

    return e;
}

/** host_up() - host @i with one interface and both addresses */
static void host_up(struct world *w, unsigned i)
{
    struct gn_host_config c = {.conf = w->conf, .pages = pages_source(&w->pages[i])};
    struct gn_iface f = w->iface;
    enum gn_err err = GN_OK;

    memset(c.secret, (int)(i + 1 + 2 * w->replaced) * 0x11, sizeof(c.secret));
    f.mac[0] = 2;
    f.mac[5] = (uint8_t)(i + 1);
    w->h[i] = gn_host_new(&c, w->now, &err);
    cr_assert_not_null(w->h[i], "%s", gn_err_text(err));
    cr_assert_eq(gn_host_add_iface(w->h[i], &f), 0);
    cr_assert_eq(gn_host_add_addr(w->h[i], 0, addr(i, false), 24), GN_OK);
    cr_assert_eq(gn_host_add_addr(w->h[i], 0, addr(i, true), 64), GN_OK);
    cr_assert_eq(gn_host_add_route(w->h[i], 0, gn_addr_v4(0, 0, 0, 0), 0, addr(1 - i, false)),
                 GN_OK);
}

void world_init(struct world *w, const struct gn_conf *conf, unsigned caps, enum gn_medium medium)
{
    memset(w, 0, sizeof(*w));
    w->now = 1000 * GN_SEC;
    w->burst = 32;
    if (conf)
        w->conf = *conf;
    else
        gn_conf_default(&w->conf);
    w->iface = (struct gn_iface){.medium = medium, .mtu = 1500, .caps = caps};
    host_up(w, 0);
    host_up(w, 1);
}

struct gn_host *world_replace(struct world *w, unsigned i)
{
    struct gn_host *old = w->h[i];

    w->replaced++;
    host_up(w, i);
    return old;
}

/** wire_clear() - lose all that is under way */
static void wire_clear(struct wire *q)
{
    for (; q->n; q->n--, q->head++)
        free(q->p[q->head % WIRE_MAX].data);
}

void world_fini(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        wire_clear(&w->to[i]);
        gn_host_free(w->h[i]);
        cr_expect_eq(w->pages[i].out, 0, "host %u keeps %zu octets", i, w->pages[i].out);
    }
}

/** carry() - copy a frame onto the wire */
static void carry(struct world *w, unsigned to, const struct gn_frame *f)
{
    struct wire *q = &w->to[to];
    struct packet *p = &q->p[(q->head + q->n) % WIRE_MAX];
    uint32_t at = f->len;

    if (w->cut[to])
        return;
    cr_assert_lt(q->n, WIRE_MAX);
    *p = (struct packet){.len = gn_frame_total(f),
                         .flags = f->flags,
                         .csum_start = f->csum_start,
                         .csum_offset = f->csum_offset,
                         .gso_size = f->gso_size,
                         .hdr_len = f->hdr_len};
    p->data = malloc(p->len);
    memcpy(p->data, f->data, f->len);
    for (unsigned i = 0; i < f->n_tail; at += f->tail[i++].len)
        memcpy(p->data + at, f->tail[i].ptr, f->tail[i].len);
    if (w->bend)
        w->bend(p);
    q->n++;
}

/** pull() - all that host @i has to send; was there anything? */
static bool pull(struct world *w, unsigned i)
{
    static uint8_t room[64][GN_FRAME_MAX];
    struct gn_frame f[64];
    bool any = false;
    size_t n;

    do {
        memset(f, 0, sizeof(f));
        for (unsigned k = 0; k < w->burst; k++) {
            f[k].buf = room[k];
            f[k].cap = sizeof(room[k]);
        }
        n = gn_host_output(w->h[i], f, w->burst, w->now);
        for (size_t k = 0; k < n; k++)
            carry(w, 1 - i, &f[k]);
        any |= n > 0;
    } while (n);
    return any;
}

/** push() - all that is under way to host @i arrives, in bursts; was there anything? */
static bool push(struct world *w, unsigned i)
{
    struct wire *q = &w->to[i];
    bool any = q->n > 0;

    while (q->n) {
        struct gn_frame f[64];
        unsigned n = 0;

        memset(f, 0, sizeof(f));
        for (; n < w->burst && n < q->n; n++) {
            const struct packet *p = &q->p[(q->head + n) % WIRE_MAX];

            f[n].data = p->data;
            f[n].len = p->len;
            f[n].flags = p->flags;
            f[n].csum_start = p->csum_start;
            f[n].csum_offset = p->csum_offset;
            f[n].gso_size = p->gso_size;
            f[n].hdr_len = p->hdr_len;
        }
        if (w->before)
            w->before(w->h[i]);
        gn_host_input(w->h[i], f, n, w->now);
        for (unsigned k = 0; k < n; k++)
            free(q->p[(q->head + k) % WIRE_MAX].data);
        q->head += n;
        q->n -= n;
        w->packets += n;
    }
    return any;
}

void world_flush(struct world *w)
{
    unsigned rounds = 0;
    bool any;

    do {
        any = pull(w, 0);
        any |= push(w, 1);
        any |= pull(w, 1);
        any |= push(w, 0);
        cr_assert_lt(++rounds, ROUNDS_MAX, "livelock");
    } while (any);
}

void world_run(struct world *w, gn_time span)
{
    gn_time end = w->now + span;
    unsigned rounds = 0;

    for (;;) {
        gn_time next = end;

        world_flush(w);
        for (unsigned i = 0; i < 2; i++) {
            struct gn_deadline d = gn_host_deadline(w->h[i]);

            if (d.armed && d.at < next)
                next = d.at;
        }
        if (next >= end)
            break;
        w->now = next > w->now ? next : w->now + 1;
        cr_assert_lt(++rounds, ROUNDS_MAX, "deadlines that never pass");
    }
    w->now = end;
    world_flush(w);
}

void world_pair(struct world *w, bool v6, uint16_t port, gn_handle *ret_listener, gn_handle *ret_c,
                gn_handle *ret_s)
{
    struct gn_endpoint any = {.port = 0};

    cr_assert_eq(gn_host_listen(w->h[1], world_end(1, v6, port), 8, NULL, ret_listener), GN_OK);
    cr_assert_eq(gn_host_connect(w->h[0], any, world_end(1, v6, port), NULL, w->now, ret_c), GN_OK);
    world_flush(w);
    cr_assert_eq(gn_host_accept(w->h[1], *ret_listener, ret_s), GN_OK);
}

enum gn_state world_state(const struct world *w, unsigned i, gn_handle c)
{
    struct gn_status st;

    if (gn_host_status(w->h[i], c, w->now, &st))
        return GN_CLOSED;
    return st.state;
}

void world_inject(struct world *w, unsigned i, struct gn_endpoint from, struct gn_endpoint to,
                  uint32_t at, uint32_t ack, uint16_t ctl)
{
    struct seg s = {.key = {from.addr, to.addr, from.port, to.port},
                    .seq = seq(at),
                    .ack = seq(ack),
                    .ctl = ctl,
                    .wnd = 65535};
    uint8_t p[20 + TCP_HEADER_MAX] = {0x45, [8] = 64, [9] = IP_PROTO_TCP};
    uint32_t n = tcp_emit(&s, p + 20);
    struct gn_frame f = {.data = p, .len = 20 + n};

    put16(p + 2, (uint16_t)(20 + n));
    memcpy(p + 12, from.addr.b + 12, 4);
    memcpy(p + 16, to.addr.b + 12, 4);
    put16(p + 10, csum_finish(csum(p, 20)));
    put16(p + 36, csum_finish(ip_pseudo(&from.addr, &to.addr, IP_PROTO_TCP, n) + csum(p + 20, n)));
    gn_host_input(w->h[i], &f, 1, w->now);
}

struct gn_stats world_stats(const struct world *w, unsigned i)
{
    struct gn_stats s;

    gn_host_stats(w->h[i], &s);
    return s;
}

void world_nothing_left(const struct world *w, unsigned i)
{
    struct gn_stats s = world_stats(w, i);

    for (unsigned k = 0; k < GN_STATE_COUNT; k++)
        cr_expect(k == GN_LISTEN || s.state[k] == 0, "host %u: %lu in %s", i,
                  (unsigned long)s.state[k], gn_state_name((enum gn_state)k));
    cr_expect_eq(s.orphans, 0);
}

/** octet() - the i-th of a stream that has no short period */
static uint8_t octet(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

void world_transfer(struct world *w, unsigned from, gn_handle a, gn_handle b, size_t n)
{
    static uint8_t buf[20000];
    size_t sent = 0, got = 0;

    for (unsigned rounds = 0; got < n; rounds++) {
        int64_t k;

        cr_assert_lt(rounds, 100000, "stuck at %zu of %zu", got, n);
        do {
            size_t len = n - sent < sizeof(buf) ? n - sent : sizeof(buf);

            for (size_t i = 0; i < len; i++)
                buf[i] = octet(sent + i);
            k = len ? gn_host_send(w->h[from], a, buf, len, 0, w->now) : 0;
            sent += k > 0 ? (size_t)k : 0;
        } while (k > 0);
        world_run(w, GN_MSEC);
        while ((k = gn_host_recv(w->h[1 - from], b, buf, sizeof(buf), 0, w->now)) > 0)
            for (int64_t i = 0; i < k; i++)
                cr_assert_eq(buf[i], octet(got++));
    }
}

uint16_t world_close_both(struct world *w, gn_handle c, gn_handle s)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w->h[0], c, w->now, &st), GN_OK);
    cr_expect_eq(gn_host_close(w->h[0], c, w->now), GN_OK);
    world_flush(w);
    cr_expect_eq(gn_host_close(w->h[1], s, w->now), GN_OK);
    world_flush(w);
    cr_expect_eq(world_stats(w, 0).state[GN_TIME_WAIT], 1);
    return st.local.port;
}
