/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_acts.c  What a script can do: each step, and the applications at both ends.
 */
#include "cli/demo_stage.h"

#include <gannet/freeze.h>

#include <stdlib.h>
#include <string.h>

/** inject() - a segment arrives at @s out of nowhere, and its answers go to nobody: they are taken
 * off the host here */
static void inject(struct side *s, const struct glance *g, gn_time now)
{
    static uint8_t room[16][2048];
    uint8_t packet[80];
    struct gn_frame f = {.data = packet, .len = (uint32_t)forge(g, packet)}, out[16];
    stage_capture(s->stage, s->index, &f, now);
    gn_host_input(s->host, &f, 1, now);
    for (;;) {
        for (unsigned k = 0; k < 16; k++)
            out[k] = (struct gn_frame){.buf = room[k], .cap = sizeof room[k]};
        size_t n = gn_host_output(s->host, out, 16, now);
        if (n == 0)
            return;
        for (size_t k = 0; k < n; k++)
            stage_capture(s->stage, s->index, &out[k], now);
    }
}

/** flood() - @n SYNs from invented addresses arrive at @s */
static void flood(struct side *s, uint32_t n, gn_time now)
{
    for (uint32_t i = 0; i < n; i++) {
        struct glance g = {
            .src = s->self, .dst = s->self, .ctl = 2, .seq = i * 2654435761u, .wnd = 65535};
        g.src.port = (uint16_t)(1024 + i % 60000);
        g.src.addr.b[15] = (uint8_t)(10 + i % 200);
        g.src.addr.b[14] = (uint8_t)(1 + i / 200 % 250);
        inject(s, &g, now);
    }
    s->stage->floods++;
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "%u SYNs from invented addresses",
                n);
}

/** scan() - somebody tries ports 1 to @n of @s */
static void scan(struct side *s, uint32_t n, gn_time now)
{
    for (uint32_t i = 1; i <= n; i++) {
        struct glance g = {
            .src = s->self, .dst = s->self, .ctl = 2, .seq = i * 2654435761u, .wnd = 1024};
        g.src.port = (uint16_t)(50000 + i);
        g.src.addr.b[15] = 66;
        g.dst.port = (uint16_t)i;
        inject(s, &g, now);
    }
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "somebody tries %u ports", n);
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
        uint32_t times = DEMO_TIMES(arg), every = times & DEMO_EVERY ? times & ~DEMO_EVERY : 0;
        s->order[i] =
            (struct order){true, times == 0 || every, DEMO_KIND(arg), times & ~DEMO_EVERY, every};
        return;
    }
}

/** open_call() - DO_LISTEN, DO_LISTEN_AT and DO_CONNECT */
static enum gn_err open_call(struct side *s, const struct demo_step *step, gn_time now)
{
    struct gn_endpoint any = {.port = s->self.port};
    if (step->op == DO_CONNECT) {
        record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "OPEN (active)");
        return gn_host_connect(s->host, s->self, s->stage->side[s->index ^ 1u].self, NULL, now,
                               &s->conn);
    }
    record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "OPEN (passive)");
    if (step->op == DO_LISTEN_AT) { /* its own address, but for the last octet */
        any.addr = s->self.addr;
        any.addr.b[15] = (uint8_t)step->arg;
        enum gn_err e = gn_host_add_addr(s->host, 0, any.addr, s->stage->o->ipv6 ? 64 : 24);
        if (e != GN_OK)
            return e;
    }
    return gn_host_listen(s->host, any, 16, NULL, &s->listener);
}

/** crowd() - @n connections more to the other end's port, from ports of the host's choice */
static enum gn_err crowd(struct side *s, uint32_t n, gn_time now)
{
    struct gn_endpoint from = {.addr = s->self.addr};
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "opens %u connections more", n);
    s->stage->crowded = true;
    while (n-- && s->n_crowd < DEMO_CROWD) {
        enum gn_err e = gn_host_connect(s->host, from, s->stage->side[s->index ^ 1u].self, NULL,
                                        now, &s->crowd[s->n_crowd]);
        if (e == GN_E_NO_PORTS)
            record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "no port is left");
        if (e != GN_OK)
            return e == GN_E_NO_PORTS ? GN_OK : e;
        s->n_crowd++;
    }
    return GN_OK;
}

/** end_crowd() - CLOSE and leave all that DO_CROWD has opened, or was accepted of it, or ABORT it
 */
static enum gn_err end_crowd(struct side *s, bool abort_it, gn_time now)
{
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE, "%s the %u others",
                abort_it ? "aborts" : "closes", s->n_crowd);
    for (unsigned i = 0; i < s->n_crowd; i++) {
        if (abort_it)
            (void)gn_host_abort(s->host, s->crowd[i], now);
        else
            (void)gn_host_close(s->host, s->crowd[i], now);
    }
    s->n_crowd = 0;
    return GN_OK;
}

void stage_accept(struct side *s, gn_time now)
{
    gn_handle c;
    while (!s->hangs && s->listener && gn_host_accept(s->host, s->listener, &c) == GN_OK) {
        if (!s->conn)
            s->conn = c;
        else if (s->stage->crowded && s->n_crowd < DEMO_CROWD)
            s->crowd[s->n_crowd++] = c;
        else
            (void)gn_host_close(s->host, c, now);
    }
}

/** replace() - another host stands at the end of @s, which knows nothing */
static enum gn_err replace(struct side *s, gn_time now)
{
    gn_simloop_remove(s->stage->loop, s->host);
    gn_host_free(s->host);
    s->host = NULL;
    record_add(s->stage->rec, (struct ladder_event){.at = since(now),
                                                    .kind = LADDER_STATE,
                                                    .end = (uint8_t)s->index,
                                                    .to = GN_CLOSED});
    s->stage->floods++;
    return stage_make_host(s) ? GN_OK : GN_E_NO_MEMORY;
}

/** crash() - all is forgotten */
static enum gn_err crash(struct side *s, gn_time now)
{
    record_text(s->stage->rec, since(now), s->index, LADDER_NOTE,
                "crash and restart: all is forgotten");
    return replace(s, now);
}

/** freeze() - the connection stands still */
static enum gn_err freeze(struct side *s, gn_time now)
{
    record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "freeze");
    return gn_host_freeze(s->host, s->conn, now);
}

/** move() - the connection, which is frozen, goes on at another host */
static enum gn_err move(struct side *s, gn_time now)
{
    int64_t n = gn_host_image(s->host, s->conn, NULL, 0);
    void *image = n > 0 ? malloc((size_t)n) : NULL;
    if (!image)
        return n < 0 ? (enum gn_err)n : GN_E_NO_MEMORY;
    (void)gn_host_image(s->host, s->conn, image, (size_t)n);
    s->conn = s->listener = GN_NO_HANDLE; /* listeners stay behind */
    enum gn_err e = replace(s, now);
    record_text(s->stage->rec, since(now), s->index, LADDER_CALL, "thaw, at another host");
    if (e == GN_OK)
        e = gn_host_thaw(s->host, image, (size_t)n, 0, NULL, now, &s->conn);
    free(image);
    return e;
}

/** stream() - @n octets of a pattern, as fast as they are taken */
static void stream(struct side *s, uint64_t n, gn_time now)
{
    s->to_stream = n;
    s->stage->quiet = true;
    stage_stream(s, now);
}

enum gn_err stage_perform(struct stage *st, const struct demo_step *step, gn_time now)
{
    struct side *s = &st->side[step->end];
    gn_handle c = s->conn;
    switch ((enum demo_op)step->op) {
    case DO_END: break;
    case DO_LISTEN:
    case DO_LISTEN_AT:
    case DO_CONNECT: return open_call(s, step, now);
    case DO_CROWD: return crowd(s, step->arg, now);
    case DO_CROWD_CLOSE: return end_crowd(s, false, now);
    case DO_CROWD_ABORT: return end_crowd(s, true, now);
    case DO_HANG:
        record_text(st->rec, since(now), s->index, LADDER_NOTE, "accepts no more");
        s->hangs = true;
        break;
    case DO_ACCEPT:
        record_text(st->rec, since(now), s->index, LADDER_NOTE, "accepts again");
        s->hangs = false;
        stage_accept(s, now);
        break;
    case DO_MAXSEG: return gn_host_set_option(s->host, s->listener, GN_OPT_MAXSEG, step->arg, now);
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
        stage_read(s, now);
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
        stream(s, (uint64_t)step->arg * 1024, now);
        break;
    case DO_POUR:
        record_text(st->rec, since(now), s->index, LADDER_CALL, "SEND without end");
        s->pours = true;
        stream(s, UINT64_MAX / 2, now);
        break;
    case DO_KEEPALIVE: return gn_host_set_option(s->host, c, GN_OPT_KEEPALIVE, 1, now);
    case DO_LOSE: order_loss(s, step->arg); break;
    case DO_CRASH: return crash(s, now);
    case DO_FREEZE: return freeze(s, now);
    case DO_MOVE: return move(s, now);
    case DO_FLOOD: flood(s, step->arg, now); break;
    case DO_CAPTURE:
        if (st->o->capture_at == DEMO_WIRE)
            st->capture_at = s->index;
        break;
    case DO_SCAN: scan(s, step->arg, now); break;
    case DO_BLIND_RST: blind_rst(s, step->arg, now); break;
    }
    return GN_OK;
}
