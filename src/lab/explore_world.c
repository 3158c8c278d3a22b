/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_world.c  Two hosts, a network that holds a few packets, two users; and what may
 * happen to them.
 */
#include "lab/explore_parts.h"

#include "base/bits.h"
#include "host/host.h"
#include "tcp/fsm.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

#include <string.h>

#define PORT_ACTIVE  1000
#define PORT_PASSIVE 80
#define TICK         ((gn_time)1 << WHEEL_TICK_SHIFT)

/** The two hosts' ends of the connection. */
static struct gn_endpoint endpoint(unsigned i)
{
    return (struct gn_endpoint){gn_addr_v4(10, 0, 0, (uint8_t)(i + 1)),
                                i ? PORT_PASSIVE : PORT_ACTIVE};
}

/** octet() - number @k of what host @i sends */
static uint8_t octet(unsigned i, unsigned k)
{
    return (uint8_t)((i ? 'A' : 'a') + k);
}

/* --- beginning --- */

/** knobs() - few retries, so that giving up is within reach, and no timer that matters not */
static void knobs(const struct explore_config *c, struct gn_conf *ret)
{
    gn_conf_default(ret);
    ret->tcp_syn_retries = 1;
    ret->tcp_synack_retries = 1;
    ret->tcp_retries2 = 2;
    ret->tcp_orphan_retries = 2;
    ret->tcp_syncookies = 0;
    ret->tcp_timestamps = 0;
    ret->tcp_nodelay = 1;
    ret->tcp_quickacks = 0; /* a count that would only multiply the states */
    ret->tcp_delack = c->delay_acks ? ret->tcp_delack : 0;
    ret->tcp_early_retrans = c->probes;
    ret->tcp_invalid_ratelimit = 0;
}

/** host_up() - host @i on a link of its own */
static struct gn_host *host_up(struct explorer *x, unsigned i)
{
    static struct x_ear ear[2];
    struct gn_host_config c = {.pages = arena_source(x->arena)};
    struct gn_iface f = {.medium = GN_MEDIUM_IP, .mtu = 1500};
    struct gn_host *h;

    knobs(x->c, &c.conf);
    memset(c.secret, (int)i + 1, sizeof c.secret);
    h = gn_host_new(&c, X_START, NULL);
    if (!h || gn_host_add_iface(h, &f) || gn_host_add_addr(h, 0, endpoint(i).addr, 24))
        return NULL;
    ear[i] = (struct x_ear){x, i};
    gn_host_trace(h, x_trace, &ear[i]);
    return h;
}

uint64_t x_used(const struct x_world *w, unsigned i)
{
    const struct gn_host *h = w->h[i];

    return h->mem.used - pool_memory(&h->conns) - pool_memory(&h->blocks) -
           pool_memory(&h->syncache.pool) - pool_memory(&h->timewait.pool) -
           pool_memory(&h->listeners.pool);
}

bool x_world_new(struct explorer *x)
{
    struct gn_page_source src = arena_source(x->arena);
    size_t bytes = 4096;

    while (bytes < sizeof *x->w)
        bytes *= 2;
    x->w = src.alloc(src.ctx, bytes);
    if (!x->w)
        return false;
    memset(x->w, 0, sizeof *x->w);
    x->w->left = x->c->budget;
    for (unsigned i = 0; i < 2; i++) {
        x->w->now[i] = X_START;
        x->w->h[i] = host_up(x, i);
        if (!x->w->h[i])
            return false;
        x->w->base_used[i] = x_used(x->w, i);
    }
    return true;
}

void x_world_heat(const struct explorer *x)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct gn_host *h = x->w->h[i];

        arena_heat(x->arena, h, sizeof *h);
        arena_heat(x->arena, h->demux.slot, (h->demux.mask + 1) * sizeof *h->demux.slot);
        arena_heat(x->arena, h->listeners.bucket,
                   (h->listeners.mask + 1) * sizeof *h->listeners.bucket);
    }
    arena_heat(x->arena, x->w, sizeof *x->w);
}

/* --- looking --- */

bool x_deadline(const struct x_world *w, unsigned i, gn_time *ret)
{
    const struct gn_host *h = w->h[i];
    deadline_t d = deadline_min(syncache_deadline(h), timewait_deadline(h));
    struct tcb scratch;

    for (uint32_t at = 0; (at = pool_next(&h->conns, at)) != UINT32_MAX; at++)
        d = deadline_min(d, tcp_deadline(rest_look(h, pool_at(&h->conns, at), &scratch)));
    if (!deadline_armed(d))
        return false;
    *ret = deadline_time(d) > w->now[i] ? deadline_time(d) - w->now[i] : 0;
    return true;
}

enum gn_state x_state(const struct x_world *w, unsigned i)
{
    const struct gn_host *h = w->h[i];
    uint64_t cursor = 0;
    struct gn_status st;
    enum gn_state found = GN_CLOSED;

    while (gn_host_walk(h, &cursor, w->now[i], &st))
        if (st.state != GN_CLOSED && (found == GN_CLOSED || found == GN_LISTEN))
            found = st.state;
    return found;
}

/** conn_state() - of the connection that user @i holds */
static enum gn_state conn_state(const struct x_world *w, unsigned i)
{
    struct conn *c = w->user[i].conn ? conn_held(w->h[i], w->user[i].conn) : NULL;
    struct tcb scratch;

    return c ? rest_look(w->h[i], c, &scratch)->state : GN_CLOSED;
}

bool x_alive(const struct x_world *w, unsigned i)
{
    return conn_state(w, i) != GN_CLOSED;
}

/* --- users --- */

/** user_failed() - the stack tells user @i of an error: has its peer given a reason? */
static void user_failed(struct explorer *x, unsigned i, int64_t err)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i];

    if (u->error == 0)
        u->error = (int8_t)err;
    if (err == GN_E_TIMED_OUT ? !w->timed_out && x_state(w, 1 - i) > GN_LISTEN : !w->reason[1 - i])
        x_wrong(x, "host %u is told '%s' though nothing is wrong with its peer", i,
                gn_err_text((enum gn_err)err));
}

/** user_read() - all that is there (INV-06) */
static void user_read(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i], *p = &w->user[1 - i];
    uint8_t buf[32];
    int64_t n = 1;

    while (u->conn && !u->eof && n > 0) {
        n = gn_host_recv(w->h[i], u->conn, buf, sizeof buf, 0, w->now[i]);
        for (int64_t k = 0; k < n; k++, u->got++) {
            if (u->got >= p->sent)
                x_wrong(x, "host %u reads octets that were never sent", i);
            else if (buf[k] != octet(1 - i, u->got))
                x_wrong(x, "host %u reads '%c' where '%c' was sent", i, buf[k],
                        octet(1 - i, u->got));
        }
        if (n == 0) {
            u->eof = true;
            if (!p->fin && !p->left)
                x_wrong(x, "host %u sees an end of data that nobody has sent", i);
            else if (u->got != p->sent)
                x_wrong(x, "host %u sees the end of data after %u of %u octets", i, u->got,
                        p->sent);
        } else if (n < 0 && n != GN_E_WOULD_BLOCK) {
            user_failed(x, i, n);
        }
    }
}

/** user_gone() - user @i has given its handle away */
static void user_gone(struct x_user *u)
{
    u->conn = GN_NO_HANDLE;
    u->over = true;
}

/** user_turn() - events, accept, reading; a connection that is over is let go */
static void user_turn(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i];
    struct gn_event ev[8];
    gn_handle c;

    while (gn_host_events(w->h[i], ev, 8) > 0)
        ;
    while (u->listener && !gn_host_accept(w->h[i], u->listener, &c)) {
        if (u->conn || u->over) {
            x_wrong(x, "host %u accepts a second connection", i);
            (void)gn_host_abort(w->h[i], c, w->now[i]);
            break;
        }
        u->conn = c;
    }
    if (!u->conn)
        return;
    if (!x->c->reads_by_call || conn_state(w, i) == GN_CLOSED)
        user_read(x, i);
    if (conn_state(w, i) == GN_CLOSED) {
        enum gn_err err = gn_host_error(w->h[i], u->conn);

        if (err)
            user_failed(x, i, err);
        (void)gn_host_close(w->h[i], u->conn, w->now[i]);
        user_gone(u);
    }
}

/* --- steps --- */

/** note_rst() - host @i sends @f: if it resets the connection, may it? */
static void note_rst(struct x_world *w, unsigned i, const struct gn_frame *f)
{
    enum gn_state s = conn_state(w, i);

    if ((f->data[20 + 13] & CTL_RST) && (s == GN_CLOSED || s == GN_SYN_SENT))
        w->reason[i] = true;
}

/** full() - is there no room for one more packet in @q? Then the state is not continued */
static bool full(struct explorer *x, const struct x_wire *q)
{
    if (q->n < X_FLIGHT)
        return false;
    x->w->clipped = true;
    return true;
}

/** put_on_wire() - a packet leaves host @from */
static void put_on_wire(struct explorer *x, unsigned from, const struct gn_frame *f)
{
    struct x_wire *q = &x->w->to[1 - from];

    if (full(x, q))
        return;
    if (f->len > X_PACKET || f->n_tail) {
        x_wrong(x, "a packet of %u octets", gn_frame_total(f));
        return;
    }
    note_rst(x->w, from, f);
    q->p[q->n].len = (uint16_t)f->len;
    memset(q->p[q->n].bytes, 0, X_PACKET);
    memcpy(q->p[q->n++].bytes, f->data, f->len);
}

/** busy() - connections of host @i in any state */
static uint64_t busy(const struct x_world *w, unsigned i)
{
    uint64_t n = 0;

    for (unsigned s = GN_SYN_SENT; s < GN_STATE_COUNT; s++)
        n += w->h[i]->stats.state[s];
    return n;
}

/** pump() - all that host @i and its user can do at once */
static void pump(struct explorer *x, unsigned i)
{
    static uint8_t room[4][2048];
    unsigned rounds = 0;
    size_t n;

    do {
        struct gn_frame f[4] = {{0}};

        for (unsigned k = 0; k < 4; k++) {
            f[k].buf = room[k];
            f[k].cap = sizeof room[k];
        }
        user_turn(x, i);
        n = gn_host_output(x->w->h[i], f, 4, x->w->now[i]);
        for (size_t k = 0; k < n; k++)
            put_on_wire(x, i, &f[k]);
        if (++rounds > 20)
            x_wrong(x, "host %u sends without end", i);
    } while (n > 0 && rounds <= 20);
    user_turn(x, i);
}

/** call_open() - OPEN, passive or active */
static void call_open(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i];
    enum gn_err err;

    x_say(x, LADDER_CALL, i, i && !x->c->both_active ? "OPEN (passive)" : "OPEN (active)");
    if (i && !x->c->both_active)
        err = gn_host_listen(w->h[i], endpoint(i), 4, NULL, &u->listener);
    else
        err = gn_host_connect(w->h[i], endpoint(i), endpoint(1 - i), NULL, w->now[i], &u->conn);
    u->opened = true;
    if (err)
        x_wrong(x, "OPEN at host %u: %s", i, gn_err_text(err));
}

/** call_send() - SEND of one octet */
static void call_send(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    uint8_t byte = octet(i, w->user[i].sent);
    int64_t n;

    x_say(x, LADDER_CALL, i, "SEND 1");
    n = gn_host_send(w->h[i], w->user[i].conn, &byte, 1, 0, w->now[i]);
    if (n == 1)
        w->user[i].sent++;
    else if (n != GN_E_WOULD_BLOCK)
        user_failed(x, i, n);
}

/** call_close() - CLOSE; in SYN-SENT this is the end */
static void call_close(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i];
    bool early = conn_state(w, i) == GN_SYN_SENT;
    enum gn_err err;

    x_say(x, LADDER_CALL, i, "CLOSE");
    err = gn_host_shutdown(w->h[i], u->conn, w->now[i]);
    if (err)
        x_wrong(x, "CLOSE at host %u: %s", i, gn_err_text(err));
    u->fin = true;
    if (early) {
        u->aborted = true;
        (void)gn_host_close(w->h[i], u->conn, w->now[i]);
        user_gone(u);
    }
}

/** call_leave() - close() of a socket, or ABORT */
static void call_leave(struct explorer *x, unsigned i, bool abort)
{
    struct x_world *w = x->w;
    struct x_user *u = &w->user[i];
    enum gn_err err;

    x_say(x, LADDER_CALL, i, abort ? "ABORT" : "CLOSE, and leave");
    if (abort || conn_state(w, i) == GN_SYN_SENT)
        u->aborted = true;
    if (abort)
        err = gn_host_abort(w->h[i], u->conn, w->now[i]);
    else
        err = gn_host_close(w->h[i], u->conn, w->now[i]);
    if (err)
        x_wrong(x, "leaving host %u: %s", i, gn_err_text(err));
    u->left = true;
    user_gone(u);
}

/** take_off() - packet @k is no longer in flight */
static void take_off(struct x_wire *q, unsigned k)
{
    q->n--;
    memmove(&q->p[k], &q->p[k + 1], (q->n - k) * sizeof q->p[0]);
    memset(&q->p[q->n], 0, sizeof q->p[0]);
}

/** deliver() - packet @k arrives at host @i */
static void deliver(struct explorer *x, unsigned i, unsigned k)
{
    struct x_packet p = x->w->to[i].p[k];
    struct gn_frame f = {.data = p.bytes, .len = p.len};

    take_off(&x->w->to[i], k);
    gn_host_input(x->w->h[i], &f, 1, x->w->now[i]);
}

/** timeout() - the clock of host @i goes to its next timer, whole ticks of the wheel */
static void timeout(struct explorer *x, unsigned i)
{
    gn_time d = 0;

    x_say(x, LADDER_TIMER, i, "timer");
    x->w->timed_out |= !x->resting;
    if (x_deadline(x->w, i, &d))
        x->w->now[i] = (x->w->now[i] + d + TICK - 1) / TICK * TICK;
}

/**
 * forge() - <SEQ=RCV.NXT><ACK=SND.NXT+1><CTL=ACK> arrives at host @i: it is to be answered with an
 * ACK, and not to be used (RFC 9293 3.10.7.4)
 */
static void forge(struct explorer *x, unsigned i)
{
    struct x_world *w = x->w;
    struct gn_endpoint from = endpoint(1 - i), to = endpoint(i);
    uint8_t p[40] = {0x45, [3] = 40, [8] = 64, [9] = IP_PROTO_TCP};
    struct gn_frame f = {.data = p, .len = sizeof p};
    unsigned before = w->to[1 - i].n;
    struct gn_status st;

    x_say(x, LADDER_NOTE, i, "a forged ACK arrives, of an octet not sent yet");
    (void)gn_host_status(w->h[i], w->user[i].conn, w->now[i], &st);
    memcpy(p + 12, from.addr.b + 12, 4);
    memcpy(p + 16, to.addr.b + 12, 4);
    put16(p + 10, csum_finish(csum(p, 20)));
    put16(p + 20, from.port);
    put16(p + 22, to.port);
    put32(p + 24, st.rcv.nxt);
    put32(p + 28, st.snd.nxt + 1);
    p[32] = 0x50;
    p[33] = CTL_ACK;
    put16(p + 34, 1000);
    put16(p + 36,
          csum_finish(ip_pseudo(&from.addr, &to.addr, IP_PROTO_TCP, 20) + csum(p + 20, 20)));
    gn_host_input(w->h[i], &f, 1, w->now[i]);
    pump(x, i);
    if (w->to[1 - i].n == before && !w->clipped)
        x_wrong(x, "host %u does not answer an ACK of what it has not sent", i);
}

void x_step(struct explorer *x, struct x_choice c)
{
    struct x_world *w = x->w;
    unsigned i = c.who;
    bool was_busy = busy(w, i) > 0;

    switch ((enum x_kind)c.kind) {
    case X_OPEN: w->left.open[i]--, call_open(x, i); break;
    case X_SEND: w->left.send[i]--, call_send(x, i); break;
    case X_CLOSE: w->left.close[i]--, call_close(x, i); break;
    case X_LEAVE: w->left.leave[i]--, call_leave(x, i, false); break;
    case X_ABORT: w->left.abort[i]--, call_leave(x, i, true); break;
    case X_RECEIVE:
        x_say(x, LADDER_CALL, i, "RECEIVE");
        user_read(x, i);
        break;
    case X_UNLISTEN:
        x_say(x, LADDER_CALL, i, "CLOSE (listener)");
        w->left.unlisten--;
        (void)gn_host_close(w->h[i], w->user[i].listener, w->now[i]);
        w->user[i].listener = GN_NO_HANDLE;
        break;
    case X_DELIVER: deliver(x, i, c.arg); break;
    case X_LOSE:
        x_say(x, LADDER_NOTE, i, "a packet is lost");
        w->left.lose--;
        take_off(&w->to[i], c.arg);
        return;
    case X_DUPLICATE:
        x_say(x, LADDER_NOTE, i, "a packet is doubled");
        w->left.duplicate--;
        if (!full(x, &w->to[i]))
            w->to[i].p[w->to[i].n++] = w->to[i].p[c.arg];
        return;
    case X_TIMEOUT:
        w->left.timeout--;
        timeout(x, i);
        break;
    case X_FORGE: w->left.forge--, forge(x, i); break;
    }
    pump(x, i);
    if (was_busy && busy(w, i) == 0)
        w->now[i] += TICK; /* or the next incarnation would get the same ISN */
    if (x->learning)
        (void)arena_scan(x->arena);
}

/* --- choices --- */

/** first_of_its_kind() - is packet @k not the copy of an earlier one? */
static bool first_of_its_kind(const struct x_wire *q, unsigned k)
{
    for (unsigned i = 0; i < k; i++)
        if (!memcmp(&q->p[i], &q->p[k], sizeof q->p[0]))
            return false;
    return true;
}

/** add() - one more choice */
static void add(struct x_choice *list, unsigned *n, enum x_kind kind, unsigned who, unsigned arg)
{
    if (*n < X_CHOICES)
        list[(*n)++] = (struct x_choice){(uint8_t)kind, (uint8_t)who, (uint8_t)arg};
}

/** choices_net() - what the network may do with packets to host @i */
static void choices_net(const struct x_world *w, unsigned i, struct x_choice *list, unsigned *n)
{
    const struct x_wire *q = &w->to[i];

    for (unsigned k = 0; k < q->n; k++) {
        if (!first_of_its_kind(q, k))
            continue;
        add(list, n, X_DELIVER, i, k);
        if (w->left.lose)
            add(list, n, X_LOSE, i, k);
        if (w->left.duplicate)
            add(list, n, X_DUPLICATE, i, k);
    }
}

/** choices_user() - what the user of host @i may call */
static void choices_user(const struct explorer *x, unsigned i, struct x_choice *list, unsigned *n)
{
    const struct x_world *w = x->w;
    const struct x_user *u = &w->user[i];

    if (w->left.open[i] && !u->conn && !u->listener)
        add(list, n, X_OPEN, i, 0);
    if (w->left.unlisten && u->listener)
        add(list, n, X_UNLISTEN, i, 0);
    if (!u->conn)
        return;
    if (w->left.forge && state_synchronised(conn_state(w, i)) && conn_state(w, i) != GN_TIME_WAIT)
        add(list, n, X_FORGE, i, 0);
    if (w->left.send[i] && !u->fin)
        add(list, n, X_SEND, i, 0);
    if (w->left.close[i] && !u->fin)
        add(list, n, X_CLOSE, i, 0);
    if (w->left.leave[i])
        add(list, n, X_LEAVE, i, 0);
    if (w->left.abort[i])
        add(list, n, X_ABORT, i, 0);
    if (x->c->reads_by_call && !u->eof && (gn_host_poll(w->h[i], u->conn) & GN_EV_READABLE))
        add(list, n, X_RECEIVE, i, 0);
}

unsigned x_choices(const struct explorer *x, struct x_choice ret[X_CHOICES])
{
    unsigned n = 0;
    gn_time d;

    for (unsigned i = 0; i < 2; i++) {
        choices_net(x->w, i, ret, &n);
        choices_user(x, i, ret, &n);
        if (x->w->left.timeout && x_deadline(x->w, i, &d))
            add(ret, &n, X_TIMEOUT, i, 0);
    }
    return n;
}
