/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sim.c  The simulated network: ports joined by impaired pipes, on the caller's time.
 *
 * A packet is given its way when it is sent: up to three pipes. Whatever is in a pipe sits in one
 * heap, ordered by the time at which it comes out and then by the order in which it went in, so
 * that the same calls give the same result. Each rx or tx first moves everything that is due by now
 * from pipe to pipe, in the order of time, and at the end of its way to the receiving port's line.
 *
 * Two ports: one pipe each way. A star: port - access pipe - hub - [bottleneck] - access pipe -
 * port, where the bottleneck, one pipe each way, lies between ports of different sides.
 */
#include "link/packet.h"
#include "link/pipe.h"
#include "link/router.h"

#include "base/bits.h"
#include "wire/eth.h"

#include <stdlib.h>

#define DEFAULT_MTU   1500
#define DEFAULT_BYTES (UINT64_C(256) << 20)
#define ROUTES        256
#define PIPES_SHARED  2 /* pipe[0], pipe[1]; then two for each port of a star */

struct sim_port {
    struct gn_link link; /* first: links of this kind are cast back */
    struct gn_sim *sim;
    struct packet_fifo in;   /* arrived */
    struct packet_fifo lent; /* handed out by the last rx */
    uint8_t index, side;
    uint8_t mac[6]; /* of the last frame it sent */
    bool mac_known, unplugged;
};

struct sim_route {
    struct gn_prefix p;
    uint8_t port;
};

struct gn_sim {
    struct gn_sim_config c;
    struct packet_heap heap;
    struct packet_pool pool;
    uint64_t next_id;
    struct sim_port *port;
    struct pipe *pipe;
    unsigned n_pipe;
    unsigned n_route;
    struct sim_route route[ROUTES];
};

/** sim_star() - more than a point-to-point link */
static bool sim_star(const struct gn_sim *s)
{
    return s->c.ports > 2;
}

/** sim_tap() - tell the observer what has happened to @p at @at */
static void sim_tap(const struct gn_sim *s, enum gn_tap_kind kind, enum gn_loss loss,
                    const struct packet *p, gn_time at)
{
    struct gn_tap t = {.kind = kind,
                       .loss = loss,
                       .id = p->id,
                       .at = at,
                       .sent = p->sent,
                       .from = p->from,
                       .to = p->to,
                       .corrupted = p->corrupted,
                       .duplicate = p->duplicate,
                       .frame = &p->frame};

    if (s->c.tap)
        s->c.tap(s->c.tap_ctx, &t);
}

/** sim_lose() - the end of @p */
static void sim_lose(struct gn_sim *s, struct packet *p, enum gn_loss loss, gn_time at)
{
    sim_tap(s, GN_TAP_LOST, loss, p, at);
    packet_free(&s->pool, p);
}

/** sim_push() - into the heap, or lost for want of memory */
static void sim_push(struct gn_sim *s, struct packet *p, gn_time now)
{
    if (!packet_heap_push(&s->heap, p))
        sim_lose(s, p, GN_LOSS_MEMORY, now);
}

/** sim_enter() - @p enters the next pipe on its way at @now */
static void sim_enter(struct gn_sim *s, struct packet *p, gn_time now)
{
    struct pipe *pipe = &s->pipe[p->hop[p->next_hop++]];
    struct pipe_verdict v = pipe_offer(pipe, p->bytes, p->frame.len, now);
    struct packet *twin = NULL;

    /* nobody would notice a flipped bit under a checksum that is still owed */
    if (v.loss == GN_LOSS_NONE && v.corrupt && (p->frame.flags & GN_FRAME_CSUM_OWED))
        v.loss = GN_LOSS_RANDOM;
    if (v.loss != GN_LOSS_NONE) {
        sim_lose(s, p, v.loss, now);
        return;
    }
    p->at = v.at;
    if (v.mark)
        router_mark(p->bytes + pipe->ip_at);
    if (v.duplicate)
        twin = packet_clone(&s->pool, p);
    if (v.corrupt) {
        packet_flip(p, v.bit);
        p->corrupted = true;
        p->frame.flags = 0;
    }
    sim_push(s, p, now);
    if (twin) {
        twin->id = s->next_id++;
        twin->duplicate = true;
        sim_push(s, twin, now);
    }
}

/** sim_arrive() - @p has come to the end of its way at p->at */
static void sim_arrive(struct gn_sim *s, struct packet *p)
{
    struct sim_port *to = &s->port[p->to];

    if (to->unplugged) {
        sim_lose(s, p, GN_LOSS_DOWN, p->at);
        return;
    }
    if (!(to->link.iface.caps & GN_CAP_CSUM_RX))
        p->frame.flags &= (uint8_t)~GN_FRAME_CSUM_OK;
    sim_tap(s, GN_TAP_DELIVERED, GN_LOSS_NONE, p, p->at);
    packet_append(&to->in, p);
}

/** sim_advance() - let happen what is due by @now, in order */
static void sim_advance(struct gn_sim *s, gn_time now)
{
    for (struct packet *p; (p = packet_heap_pop(&s->heap, now));) {
        if (p->next_hop < p->n_hop)
            sim_enter(s, p, p->at);
        else
            sim_arrive(s, p);
    }
}

/** prefix_has() - is @a in @p? */
static bool prefix_has(const struct gn_prefix *p, const struct gn_addr *a)
{
    unsigned bits = gn_addr_is_v4(&p->addr) ? p->len + 96 : p->len;
    unsigned i = bits / 8;

    if (memcmp(p->addr.b, a->b, i) != 0)
        return false;
    return bits % 8 == 0 || ((p->addr.b[i] ^ a->b[i]) & (0xff00 >> bits % 8) & 0xff) == 0;
}

/** sim_route_ip() - set of ports for an IP packet: one, or none */
static uint64_t sim_route_ip(const struct gn_sim *s, const struct packet *p)
{
    const struct sim_route *best = NULL;
    struct gn_addr dst;

    if (p->frame.len >= 20 && p->bytes[0] >> 4 == 4)
        dst = gn_addr_v4(p->bytes[16], p->bytes[17], p->bytes[18], p->bytes[19]);
    else if (p->frame.len >= 40 && p->bytes[0] >> 4 == 6)
        memcpy(dst.b, p->bytes + 24, 16);
    else
        return 0;
    for (unsigned i = 0; i < s->n_route; i++) {
        const struct sim_route *r = &s->route[i];

        if (gn_addr_is_v4(&r->p.addr) == gn_addr_is_v4(&dst) && prefix_has(&r->p, &dst) &&
            (!best || r->p.len > best->p.len))
            best = r;
    }
    return best ? UINT64_C(1) << best->port : 0;
}

/** sim_route_eth() - set of ports for a frame: the one that owns the MAC, or all others */
static uint64_t sim_route_eth(struct gn_sim *s, const struct packet *p)
{
    struct sim_port *from = &s->port[p->from];
    uint64_t others = 0;

    if (p->frame.len < ETH_HEADER)
        return 0;
    memcpy(from->mac, p->bytes + 6, 6);
    from->mac_known = true;
    for (unsigned i = 0; i < s->c.ports; i++) {
        if (i == p->from)
            continue;
        if (s->port[i].mac_known && memcmp(s->port[i].mac, p->bytes, 6) == 0)
            return UINT64_C(1) << i;
        others |= UINT64_C(1) << i;
    }
    return others;
}

/** sim_way() - the pipes from p->from to p->to */
static void sim_way(const struct gn_sim *s, struct packet *p)
{
    unsigned from = s->port[p->from].side, to = s->port[p->to].side;

    p->n_hop = p->next_hop = 0;
    if (!sim_star(s)) {
        p->hop[p->n_hop++] = p->from;
        return;
    }
    p->hop[p->n_hop++] = (uint8_t)(PIPES_SHARED + 2 * p->from);
    if (from != to)
        p->hop[p->n_hop++] = from < to ? 0 : 1;
    p->hop[p->n_hop++] = (uint8_t)(PIPES_SHARED + 2 * p->to + 1);
}

/** sim_too_big() - the router in front of the path tells the sender of @p that it does not fit */
static void sim_too_big(struct gn_sim *s, const struct packet *p, gn_time now)
{
    uint8_t error[ROUTER_ERROR_MAX];
    uint32_t len = router_too_big(p->bytes, p->frame.len, s->c.mtu, error);
    struct packet *back = len ? packet_new(&s->pool, len) : NULL;

    if (!back)
        return;
    memcpy(back->bytes, error, len);
    back->from = back->to = p->from;
    back->at = back->sent = now;
    back->id = s->next_id++;
    sim_tap(s, GN_TAP_SENT, GN_LOSS_NONE, back, now);
    sim_push(s, back, now);
}

/** sim_send_to() - @p, which has its destination, starts */
static void sim_send_to(struct gn_sim *s, struct packet *p, unsigned to, gn_time now)
{
    uint32_t eth = s->c.medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;
    uint32_t wire =
        p->frame.gso_size ? (uint32_t)p->frame.hdr_len + p->frame.gso_size : p->frame.len;

    p->to = (uint8_t)to;
    p->id = s->next_id++;
    sim_tap(s, GN_TAP_SENT, GN_LOSS_NONE, p, now);
    if (wire > s->c.mtu + eth) {
        if (s->c.too_big && s->c.medium == GN_MEDIUM_IP)
            sim_too_big(s, p, now);
        sim_lose(s, p, GN_LOSS_MTU, now);
        return;
    }
    sim_way(s, p);
    sim_enter(s, p, now);
}

/** sim_send() - one wire packet leaves port p->from */
static void sim_send(struct gn_sim *s, struct packet *p, gn_time now)
{
    uint64_t to;

    p->sent = now;
    if (!sim_star(s))
        to = UINT64_C(1) << (1 - p->from);
    else if (s->c.medium == GN_MEDIUM_IP)
        to = sim_route_ip(s, p);
    else
        to = sim_route_eth(s, p);
    if (to == 0) {
        p->to = p->from;
        p->id = s->next_id++;
        sim_tap(s, GN_TAP_SENT, GN_LOSS_NONE, p, now);
        sim_lose(s, p, GN_LOSS_ROUTE, now);
        return;
    }
    while (to != 0) {
        unsigned i = (unsigned)__builtin_ctzll(to);
        struct packet *copy;

        to &= to - 1;
        copy = to ? packet_clone(&s->pool, p) : p;
        if (copy)
            sim_send_to(s, copy, i, now);
    }
}

/** port_tx() - gn_link_ops.tx */
static int port_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct sim_port *port = (struct sim_port *)(void *)l;
    struct gn_sim *s = port->sim;
    const struct pipe *first = &s->pipe[sim_star(s) ? PIPES_SHARED + 2 * port->index : port->index];

    sim_advance(s, now);
    for (size_t i = 0; i < n; i++) {
        struct cut cut;

        if (port->unplugged || !cut_begin(&cut, &frames[i], s->c.medium, first->c.pass_super)) {
            l->stats.tx_dropped++;
            continue;
        }
        l->stats.tx_frames++;
        l->stats.tx_bytes += cut.gso.total;
        l->stats.tx_super += frames[i].gso_size != 0;
        while (cut_more(&cut)) {
            struct packet *p = cut_next(&cut, &s->pool);

            if (!p) {
                l->stats.tx_dropped++;
                continue;
            }
            p->from = port->index;
            sim_send(s, p, now);
        }
    }
    return (int)n;
}

/** port_rx() - gn_link_ops.rx */
static int port_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct sim_port *port = (struct sim_port *)(void *)l;
    size_t got = 0;

    packet_clear(&port->lent, &port->sim->pool);
    sim_advance(port->sim, now);
    for (struct packet *p; got < n && (p = packet_pop(&port->in));) {
        packet_append(&port->lent, p);
        frames[got++] = p->frame;
        l->stats.rx_frames++;
        l->stats.rx_bytes += p->frame.len;
        l->stats.rx_super += p->frame.gso_size != 0;
    }
    return (int)got;
}

/** port_deadline() - what waits in line, or the next event of the network */
static struct gn_deadline port_deadline(const struct gn_link *l)
{
    const struct sim_port *port = (const struct sim_port *)(const void *)l;

    if (port->unplugged)
        return (struct gn_deadline){0, false};
    if (port->in.head)
        return (struct gn_deadline){port->in.head->at, true};
    return packet_heap_deadline(&port->sim->heap);
}

/** port_close() - unplug; the simulation goes on */
static void port_close(struct gn_link *l)
{
    struct sim_port *port = (struct sim_port *)(void *)l;

    packet_clear(&port->in, &port->sim->pool);
    packet_clear(&port->lent, &port->sim->pool);
    port->unplugged = true;
}

static const struct gn_link_ops port_ops = {port_rx, port_tx, port_deadline, port_close};

/** sim_init_port() - port @i as configured */
static void sim_init_port(struct gn_sim *s, unsigned i)
{
    struct sim_port *p = &s->port[i];

    p->sim = s;
    p->index = (uint8_t)i;
    p->link = (struct gn_link){
        .ops = &port_ops,
        .fd = -1,
        .iface = {.medium = s->c.medium,
                  .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)},
                  .mtu = s->c.mtu,
                  .caps = s->c.caps},
    };
    snprintf(p->link.iface.name, sizeof p->link.iface.name, "sim%u", i);
}

/** sim_init() - ports and pipes; false: no memory, gn_sim_free() cleans up */
static bool sim_init(struct gn_sim *s)
{
    unsigned n_pipe = PIPES_SHARED + (sim_star(s) ? 2 * s->c.ports : 0);

    s->port = calloc(s->c.ports, sizeof *s->port);
    s->pipe = calloc(n_pipe, sizeof *s->pipe);
    if (!s->port || !s->pipe)
        return false;
    for (unsigned i = 0; i < s->c.ports; i++)
        sim_init_port(s, i);
    for (; s->n_pipe < n_pipe; s->n_pipe++) {
        unsigned i = s->n_pipe;

        if (!pipe_init(&s->pipe[i], i < PIPES_SHARED ? &s->c.pipe[i] : &s->c.access, s->c.seed, i))
            return false;
        s->pipe[i].ip_at = s->c.medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;
    }
    return true;
}

struct gn_sim *gn_sim_new(const struct gn_sim_config *c)
{
    struct gn_sim *s;

    if (c->ports < 2 || c->ports > GN_SIM_PORTS)
        return NULL;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->c = *c;
    if (s->c.mtu == 0)
        s->c.mtu = DEFAULT_MTU;
    s->pool.max = c->max_bytes ? c->max_bytes : DEFAULT_BYTES;
    if (!sim_init(s)) {
        gn_sim_free(s);
        return NULL;
    }
    return s;
}

void gn_sim_free(struct gn_sim *s)
{
    if (!s)
        return;
    for (unsigned i = 0; s->port && i < s->c.ports; i++) {
        packet_clear(&s->port[i].in, &s->pool);
        packet_clear(&s->port[i].lent, &s->pool);
    }
    packet_heap_fini(&s->heap, &s->pool);
    for (unsigned i = 0; i < s->n_pipe; i++)
        pipe_fini(&s->pipe[i]);
    free(s->pipe);
    free(s->port);
    free(s);
}

struct gn_link *gn_sim_port(struct gn_sim *s, unsigned i)
{
    return i < s->c.ports ? &s->port[i].link : NULL;
}

bool gn_sim_add_addr(struct gn_sim *s, unsigned port, struct gn_prefix p)
{
    if (s->n_route == ROUTES || port >= s->c.ports || p.len > (gn_addr_is_v4(&p.addr) ? 32u : 128u))
        return false;
    s->route[s->n_route++] = (struct sim_route){p, (uint8_t)port};
    return true;
}

void gn_sim_set_side(struct gn_sim *s, unsigned port, unsigned side)
{
    if (port < s->c.ports)
        s->port[port].side = side != 0;
}

bool gn_sim_set_pipe(struct gn_sim *s, unsigned dir, const struct gn_pipe_config *c)
{
    return dir < PIPES_SHARED && pipe_set(&s->pipe[dir], c);
}

bool gn_sim_set_access(struct gn_sim *s, unsigned port, const struct gn_pipe_config *to_hub,
                       const struct gn_pipe_config *from_hub)
{
    if (!sim_star(s) || port >= s->c.ports)
        return false;
    return pipe_set(&s->pipe[PIPES_SHARED + 2 * port], to_hub) &&
           pipe_set(&s->pipe[PIPES_SHARED + 2 * port + 1], from_hub);
}

void gn_sim_set_mtu(struct gn_sim *s, uint16_t mtu)
{
    s->c.mtu = mtu;
}

struct gn_deadline gn_sim_deadline(const struct gn_sim *s)
{
    struct gn_deadline d = packet_heap_deadline(&s->heap);

    for (unsigned i = 0; i < s->c.ports; i++) {
        const struct packet *p = s->port[i].in.head;

        if (p && (!d.armed || p->at < d.at))
            d = (struct gn_deadline){p->at, true};
    }
    return d;
}

size_t gn_sim_in_flight(const struct gn_sim *s)
{
    return s->pool.n;
}
