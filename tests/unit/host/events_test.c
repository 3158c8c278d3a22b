/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host tells: events, traces, ICMP, options that show in events. */
#include "world.h"

#include "base/bits.h"
#include "ip/ip.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

/** take() - the events of host @i for handle @c, all others must be none */
static unsigned take(unsigned i, gn_handle c)
{
    struct gn_event ev[8];
    size_t n = gn_host_events(w.h[i], ev, 8);
    unsigned what = 0;

    for (size_t k = 0; k < n; k++) {
        cr_expect_eq(ev[k].handle, c);
        what |= ev[k].what;
    }
    return what;
}

/* the life of a connection in events; each is told once */
Test(events, life)
{
    gn_handle l, c, s;
    uint8_t b;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect(take(0, c) & GN_EV_CONNECTED);
    cr_expect_eq(take(1, l), GN_EV_ACCEPT);
    cr_expect_eq(take(1, l), 0);
    cr_expect_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
    world_flush(&w);
    /* data came before the user had the connection: it hears of it afterwards */
    cr_expect_eq(take(1, l), 0);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_expect(take(1, s) & GN_EV_READABLE);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), 1);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), GN_E_WOULD_BLOCK);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect(take(1, s) & GN_EV_EOF);
    cr_expect(gn_host_poll(w.h[1], s) & GN_EV_EOF);
    cr_expect_eq(gn_host_shutdown(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    cr_expect(take(1, s) & GN_EV_CLOSED);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_fini(&w);
}

/* nobody hears of a connection that its user has closed, not even if the event was queued before */
Test(events, none_after_close)
{
    gn_handle l, c, s;
    struct gn_event ev[4];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_events(w.h[0], ev, 4), 0);
    world_fini(&w);
}

/* the zero-copy calls carry the same octets */
Test(events, zero_copy)
{
    gn_handle l, c, s;
    struct gn_room room[2];
    struct gn_span span[2];
    uint8_t got[10];
    uint32_t n = 0;
    int k;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    k = gn_host_send_room(w.h[0], c, 10, room);
    cr_assert_gt(k, 0);
    for (int i = 0; i < k; i++)
        for (uint32_t j = 0; j < room[i].len; j++)
            room[i].ptr[j] = (uint8_t)n++;
    cr_expect_eq(n, 10);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 10, 0, w.now), 10);
    world_flush(&w);
    k = gn_host_recv_data(w.h[1], s, span);
    cr_assert_eq(k, 1);
    cr_assert_eq(span[0].len, 10);
    memcpy(got, span[0].ptr, 10);
    for (n = 0; n < 10; n++)
        cr_expect_eq(got[n], n);
    cr_expect_eq(gn_host_recv_done(w.h[1], s, 10, w.now), GN_OK);
    cr_expect_eq(gn_host_recv_data(w.h[1], s, span), GN_E_WOULD_BLOCK);
    world_fini(&w);
}

/* only what there was room given for can be committed, once, and only while SEND is allowed */
Test(events, commit_of_what_nobody_gave)
{
    gn_handle l, c, s;
    struct gn_room room[2];
    uint8_t buf[64];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 1, 0, w.now), GN_E_INVALID);
    cr_assert_eq(gn_host_send_room(w.h[0], c, 10, room), 1);
    memset(room[0].ptr, 'a', 10);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 11, 0, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 200000, 0, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, (size_t)(UINT64_C(1) << 32) + 5, 0, w.now),
                 GN_E_INVALID);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 10, 0, w.now), 10);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 1, 0, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 0, 0, w.now), 0);

    /* the buffer goes back as soon as all of it is acknowledged */
    cr_assert_eq(gn_host_send_room(w.h[0], c, 10, room), 1);
    world_flush(&w);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 10, 0, w.now), GN_E_INVALID);

    cr_assert_eq(gn_host_send_room(w.h[0], c, 10, room), 1);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(gn_host_send_commit(w.h[0], c, 10, 0, w.now), GN_E_CLOSING);
    world_flush(&w);
    cr_expect_eq(gn_host_recv(w.h[1], s, buf, sizeof buf, 0, w.now), 10);
    cr_expect_eq(gn_host_recv(w.h[1], s, buf, sizeof buf, 0, w.now), 0);

    cr_assert_eq(gn_host_send_room(w.h[1], s, 10, room), 1);
    cr_expect_eq(gn_host_abort(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_send_commit(w.h[1], s, 10, 0, w.now), GN_E_RESET);
    cr_expect_eq(gn_host_send_commit(w.h[1], s, 10, 0, w.now), GN_E_CLOSING);
    cr_expect_eq(gn_host_send_commit(w.h[1], l, 1, 0, w.now), GN_E_NOT_CONNECTED);
    world_fini(&w);
}

/* CLOSE in SYN-SENT: what was queued is lost, and the user hears of it (RFC 9293 3.10.4) */
Test(events, closed_while_connecting)
{
    gn_handle l, c;
    unsigned what;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    cr_expect_eq(gn_host_send(w.h[0], c, "abc", 3, 0, w.now), 3);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    what = take(0, c);
    cr_expect_eq(what & (GN_EV_ERROR | GN_EV_CLOSED), GN_EV_ERROR | GN_EV_CLOSED);
    cr_expect(gn_host_poll(w.h[0], c) & GN_EV_ERROR);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_CLOSING);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_OK);
    cr_expect_eq(gn_host_send(w.h[0], c, "abc", 3, 0, w.now), GN_E_CLOSING);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    world_nothing_left(&w, 0);
    world_nothing_left(&w, 1);
    world_fini(&w);
}

/* MUST-12: what a connection without the peer's FIN came to never looks like an end of data,
 * whoever has fetched the error */
Test(events, no_end_of_data_without_a_fin)
{
    struct gn_span span[2];
    gn_handle l, c, s;
    uint8_t b[8];

    for (unsigned fetch = 0; fetch < 4; fetch++) {
        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        world_pair(&w, false, 80, &l, &c, &s);
        cr_assert_eq(gn_host_send(w.h[1], s, "abc", 3, 0, w.now), 3);
        world_flush(&w);
        if (fetch == 3) /* the end of one's own reading is none either */
            cr_assert_eq(gn_host_shutdown_read(w.h[0], c, w.now), GN_OK);
        cr_assert_eq(gn_host_abort(w.h[1], s, w.now), GN_OK);
        world_flush(&w);
        cr_expect_not(gn_host_poll(w.h[0], c) & GN_EV_EOF);
        cr_expect_eq(gn_host_recv(w.h[0], c, b, sizeof b, 0, w.now), 3);
        if (fetch == 0)
            cr_expect_eq(gn_host_error(w.h[0], c), GN_E_RESET);
        else if (fetch == 1)
            cr_expect_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), GN_E_RESET);
        else
            cr_expect_eq(gn_host_recv(w.h[0], c, b, sizeof b, 0, w.now), GN_E_RESET);
        cr_expect_eq(gn_host_recv(w.h[0], c, b, sizeof b, 0, w.now), GN_E_NOT_CONNECTED);
        cr_expect_eq(gn_host_recv_data(w.h[0], c, span), GN_E_NOT_CONNECTED);
        cr_expect_eq(gn_host_poll(w.h[0], c), GN_EV_CLOSED | GN_EV_READABLE | GN_EV_WRITABLE);
        world_fini(&w);
    }
}

/** seen() - the tracer of a test: counts by kind, and transitions of each connection */
struct seen {
    unsigned kind[4];
    unsigned to[GN_STATE_COUNT];
};

static void see(void *ctx, const struct gn_trace *t)
{
    struct seen *s = ctx;

    s->kind[t->kind]++;
    if (t->kind == GN_TRACE_STATE)
        s->to[t->transition.to]++;
}

/* every transition is traced once, also where a small record stands for the connection */
Test(events, trace)
{
    struct seen seen = {{0}, {0}};
    struct gn_stats st;
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    gn_host_trace(w.h[1], see, &seen);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(seen.to[GN_LISTEN], 1);
    cr_expect_eq(seen.to[GN_SYN_RECEIVED], 1);
    cr_expect_eq(seen.to[GN_ESTABLISHED], 1);
    gn_host_close(w.h[1], s, w.now);
    world_flush(&w);
    gn_host_close(w.h[0], c, w.now);
    world_run(&w, 61 * GN_SEC);
    cr_expect_eq(seen.to[GN_FIN_WAIT_1], 1);
    cr_expect_eq(seen.to[GN_FIN_WAIT_2], 1);
    cr_expect_eq(seen.to[GN_TIME_WAIT], 1);
    cr_expect_eq(seen.to[GN_CLOSED], 1);
    st = world_stats(&w, 1);
    cr_expect_eq(st.PassiveOpens, 1);
    cr_expect_eq(st.transition[GN_LISTEN][GN_SYN_RECEIVED], 1);
    cr_expect_eq(st.transition[GN_TIME_WAIT][GN_CLOSED], 1);
    cr_expect_eq(seen.kind[GN_TRACE_SEG_IN], st.InSegs);
    cr_expect_eq(seen.kind[GN_TRACE_SEG_OUT], st.OutSegs);
    world_nothing_left(&w, 1);
    world_fini(&w);
}

/** icmp() - a destination unreachable of @code from host 1 to host 0 that quotes a segment, or as
 * much of another protocol */
static void icmp(uint8_t code, uint8_t proto, struct gn_endpoint from, struct gn_endpoint to,
                 uint32_t at)
{
    uint8_t p[56] = {0x45, 0, 0, 56, 0, 0, 0, 0, 64, IP_PROTO_ICMP};
    uint8_t *q = p + 28;
    struct gn_frame f = {.data = p, .len = sizeof(p)};

    memcpy(p + 12, world_end(1, false, 0).addr.b + 12, 4);
    memcpy(p + 16, world_end(0, false, 0).addr.b + 12, 4);
    put16(p + 10, csum_finish(csum(p, 20)));
    p[20] = 3;
    p[21] = code;
    q[0] = 0x45;
    q[3] = 60;
    q[8] = 64;
    q[9] = proto;
    memcpy(q + 12, from.addr.b + 12, 4);
    memcpy(q + 16, to.addr.b + 12, 4);
    put16(q + 10, csum_finish(csum(q, 20)));
    put16(q + 20, from.port);
    put16(q + 22, to.port);
    put32(q + 24, at);
    put16(p + 22, csum_finish(csum(p + 20, 36)));
    gn_host_input(w.h[0], &f, 1, w.now);
}

/* MUST-54: an ICMP error reaches the connection that it quotes, and no other */
Test(events, icmp_error)
{
    struct gn_status st;
    gn_handle c[2];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    w.cut[1] = true;
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    gn_host_status(w.h[0], c[0], w.now, &st);
    icmp(2, IP_PROTO_TCP, st.local, world_end(1, false, 81), st.snd.iss);
    cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_ICMP_NO_CONNECTION], 1);
    icmp(2, IP_PROTO_TCP, st.local, st.remote, st.snd.iss + 77);
    cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_ICMP_OUT_OF_WINDOW], 1);
    cr_expect_eq(world_state(&w, 0, c[0]), GN_SYN_SENT);
    icmp(2, IP_PROTO_TCP, st.local, st.remote, st.snd.iss); /* protocol unreachable: hard */
    cr_expect_eq(world_state(&w, 0, c[0]), GN_CLOSED);
    cr_expect_neq(gn_host_error(w.h[0], c[0]), GN_OK);
    cr_expect_eq(world_state(&w, 0, c[1]), GN_SYN_SENT);
    world_fini(&w);
}

/* MUST-54: ports and numbers of another protocol are nobody's, though they look like a connection's
 */
Test(events, icmp_error_of_another_protocol)
{
    static const uint8_t proto[] = {IP_PROTO_UDP, 132};
    struct gn_status st;
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    w.cut[1] = true;
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    gn_host_status(w.h[0], c, w.now, &st);
    for (unsigned i = 0; i < 2; i++) {
        icmp(2, proto[i], st.local, st.remote, st.snd.iss);
        cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_ICMP_IGNORED], i + 1);
        cr_expect_eq(world_state(&w, 0, c), GN_SYN_SENT);
    }
    world_fini(&w);
}

/* a datagram to nobody is answered with port unreachable */
Test(events, udp_to_nobody)
{
    uint8_t p[32] = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, IP_PROTO_UDP};
    uint8_t out[2048];
    struct gn_frame f = {.data = p, .len = sizeof(p)};

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    memcpy(p + 12, world_end(0, false, 0).addr.b + 12, 4);
    memcpy(p + 16, world_end(1, false, 0).addr.b + 12, 4);
    put16(p + 10, csum_finish(csum(p, 20)));
    put16(p + 20, 53);
    put16(p + 22, 53);
    put16(p + 24, 12);
    gn_host_input(w.h[1], &f, 1, w.now);
    f = (struct gn_frame){.buf = out, .cap = sizeof(out)};
    cr_assert_eq(gn_host_output(w.h[1], &f, 1, w.now), 1);
    cr_expect_eq(f.data[9], IP_PROTO_ICMP);
    cr_expect_eq(f.data[20], 3);
    cr_expect_eq(f.data[21], 3);
    world_fini(&w);
}

/* GN_OPT_DEFER_ACCEPT: no connection before its first text */
Test(events, defer_accept)
{
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_DEFER_ACCEPT, 5 * GN_SEC, w.now), GN_OK);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_E_WOULD_BLOCK);
    cr_expect_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
    world_flush(&w);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_E_WOULD_BLOCK);
    /* who never says anything is let in at last */
    world_run(&w, 20 * GN_SEC);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    world_fini(&w);
}

/* frames that are too small are left alone, and nothing is lost */
Test(events, small_frames)
{
    uint8_t out[2048];
    struct gn_frame f = {.buf = out, .cap = 100};
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    cr_expect_eq(gn_host_output(w.h[0], &f, 1, w.now), 0);
    cr_expect(gn_host_deadline(w.h[0]).armed);
    f.cap = sizeof(out);
    cr_expect_eq(gn_host_output(w.h[0], &f, 1, w.now), 1);
    world_fini(&w);
}

/* whoever asks again and again for room that is not there must not keep the host awake */
Test(events, a_call_that_takes_nothing_gives_the_host_nothing_to_do)
{
    static uint8_t data[1 << 16];
    gn_handle l, c, s;
    struct gn_deadline d;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    while (gn_host_send(w.h[0], c, data, sizeof(data), 0, w.now) > 0)
        world_flush(&w);
    d = gn_host_deadline(w.h[0]);
    cr_assert(!d.armed || d.at > w.now);
    cr_expect_eq(gn_host_send(w.h[0], c, data, sizeof(data), 0, w.now), GN_E_WOULD_BLOCK);
    cr_expect_eq(gn_host_recv(w.h[0], c, data, sizeof(data), 0, w.now), GN_E_WOULD_BLOCK);
    d = gn_host_deadline(w.h[0]);
    cr_expect(!d.armed || d.at > w.now);
    world_fini(&w);
}
