/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_net.c  A random network and its hosts: two joined by a path, or a star with a
 * bottleneck; IP or Ethernet; with faults until SWARM_HEAL.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"
#include "host/host.h"
#include "wire/eth.h"

#include <string.h>

/** fault_ppm() - a rate of faults up to @most, often none */
static uint32_t fault_ppm(struct prng *p, uint32_t most)
{
    return draw_one_in(p, 2) ? 0 : (uint32_t)draw_scale(p, 100, most);
}

/**
 * draw_faults() - what goes wrong in one direction
 * @spoil: bits may be flipped, which must happen once on a way at the most: the checksum finds
 * every single flipped bit, but not every two
 */
static void draw_faults(struct swarm *s, struct gn_pipe_config *c, bool spoil)
{
    struct prng *p = &s->rng;

    c->loss_ppm = fault_ppm(p, 60000);
    c->duplicate_ppm = fault_ppm(p, 50000);
    c->corrupt_ppm = spoil ? fault_ppm(p, 30000) : 0;
    c->reorder_ppm = fault_ppm(p, 100000);
    c->reorder_delay = draw_scale(p, 10 * GN_USEC, 80 * GN_MSEC);
    if (draw_one_in(p, 6)) {
        c->burst_enter_ppm = (uint32_t)draw_scale(p, 100, 10000);
        c->burst_leave_ppm = (uint32_t)draw_scale(p, 50000, 500000);
    }
    if (draw_one_in(p, 6))
        c->drop_mask = prng_u64(p) & prng_u64(p) & prng_u64(p);
    if (draw_one_in(p, 5)) {
        c->down_from = SWARM_START + draw_between(p, 0, 20 * GN_SEC);
        c->down_until = c->down_from + draw_scale(p, 10 * GN_MSEC, 25 * GN_SEC);
    }
}

/** draw_aqm() - a queue that marks or loses before it is full, now and then at a step */
static void draw_aqm(struct prng *p, struct gn_pipe_config *c)
{
    if (!draw_one_in(p, 3))
        return;
    c->aqm_from = draw_scale(p, GN_MSEC, 50 * GN_MSEC);
    c->aqm_to = c->aqm_from + (draw_one_in(p, 4) ? 1 : draw_scale(p, GN_MSEC, 200 * GN_MSEC));
}

/** draw_path() - one direction; @slow: of the path that all share */
static struct gn_pipe_config draw_path(struct swarm *s, bool slow)
{
    struct prng *p = &s->rng;
    struct gn_pipe_config c = {.latency = draw_scale(p, 10 * GN_USEC, 150 * GN_MSEC)};

    if (slow && !draw_one_in(p, 3)) {
        c.rate = draw_scale(p, 500000, 1000000000);
        c.queue_packets = (uint32_t)draw_scale(p, 4, 500);
        draw_aqm(p, &c);
    }
    if (draw_one_in(p, 3))
        c.jitter = draw_scale(p, 10 * GN_USEC, 30 * GN_MSEC);
    if (s->faulty)
        draw_faults(s, &c, slow);
    return c;
}

/** is_marked() - does the packet say that it has seen congestion? */
static bool is_marked(const struct swarm *s, const struct gn_frame *f)
{
    uint32_t off = s->ethernet ? ETH_HEADER : 0;
    const uint8_t *p = f->data + off;

    if (f->len < off + 20)
        return false;
    return p[0] >> 4 == 4 ? (p[1] & 3) == 3 : p[0] >> 4 == 6 && (p[1] >> 4 & 3) == 3;
}

/** on_tap() - gn_tap_fn: every packet goes into the hash, and into the capture */
static void on_tap(void *ctx, const struct gn_tap *t)
{
    struct swarm *s = ctx;
    struct swarm_result *r = s->result;

    swarm_note(s,
               (uint64_t)t->kind << 56 | (uint64_t)t->from << 48 | (uint64_t)t->to << 40 | t->id);
    swarm_note(s, t->at);
    stall_packet(s, t, is_marked(s, t->frame));
    if (t->kind == GN_TAP_DELIVERED)
        r->marked += is_marked(s, t->frame);
    if (t->kind == GN_TAP_SENT) {
        r->packets++;
        r->hash = hash_bytes(r->hash, t->frame->data, t->frame->len);
        if (s->pcap)
            gn_pcap_write(s->pcap, t->frame, t->at);
    } else if (t->kind == GN_TAP_LOST) {
        r->lost++;
        if (s->log)
            fprintf(s->log, "%.6f from host %u to host %u: %u octets are lost, %s\n",
                    (double)t->at / 1e9, t->from, t->to, t->frame->len, gn_loss_text(t->loss));
    }
}

/** draw_mtus() - the MTU of the path changes some times */
static void draw_mtus(struct swarm *s)
{
    unsigned n = (unsigned)draw_between(&s->rng, 1, SWARM_MTUS);

    for (unsigned i = 0; i < n; i++) {
        s->change[i].at = draw_between(&s->rng, SWARM_READY, SWARM_HEAL - GN_SEC);
        s->change[i].mtu = (uint16_t)draw_between(&s->rng, s->v6 ? 1280 : 296, s->mtu);
        s->segment = min_u32(s->segment, s->change[i].mtu - 80u);
    }
}

/** tell_plan() - the network in words */
static void tell_plan(struct swarm *s, const struct gn_sim_config *c)
{
    snprintf(s->result->plan, sizeof s->result->plan,
             "%u hosts, %s, mtu %u%s, caps %u, %s, there %.3f ms %.1f Mbit/s%s, back %.3f ms %.1f "
             "Mbit/s%s",
             s->n_host, s->ethernet ? "ethernet" : "ip", c->mtu,
             !s->change[0].at ? ""
             : c->too_big     ? " that changes"
                              : " that changes silently",
             c->caps, s->faulty ? "faulty" : "faultless", (double)c->pipe[0].latency / 1e6,
             (double)c->pipe[0].rate / 1e6, c->pipe[0].aqm_to ? " aqm" : "",
             (double)c->pipe[1].latency / 1e6, (double)c->pipe[1].rate / 1e6,
             c->pipe[1].aqm_to ? " aqm" : "");
}

/** draw_sim() - the network without its hosts */
static struct gn_sim *draw_sim(struct swarm *s)
{
    static const uint16_t mtus[] = {576, 1280, 1500, 1500, 1500, 9000};
    static const unsigned caps[] = {0,
                                    0,
                                    GN_CAP_GATHER,
                                    GN_CAP_CSUM_TX | GN_CAP_CSUM_RX,
                                    GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO,
                                    GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO | GN_CAP_GATHER};
    struct prng *p = &s->rng;
    struct gn_sim_config c = {.tap = on_tap, .tap_ctx = s};

    s->n_host = draw_one_in(p, 2) ? 2 : (unsigned)draw_between(p, 3, SWARM_HOSTS);
    s->faulty = !draw_one_in(p, 5);
    c.ports = s->n_host;
    c.medium = draw_one_in(p, 3) ? GN_MEDIUM_ETHERNET : GN_MEDIUM_IP;
    c.mtu = s->mtu = mtus[prng_below(p, sizeof mtus / sizeof *mtus)];
    c.caps = caps[prng_below(p, sizeof caps / sizeof *caps)];
    c.seed = prng_u64(p);
    c.pipe[0] = draw_path(s, true);
    c.pipe[1] = draw_path(s, true);
    if (draw_one_in(p, 2)) {
        c.pipe[1].rate = c.pipe[0].rate;
        c.pipe[1].queue_packets = c.pipe[0].queue_packets;
        c.pipe[1].latency = c.pipe[0].latency;
        c.pipe[1].aqm_from = c.pipe[0].aqm_from;
        c.pipe[1].aqm_to = c.pipe[0].aqm_to;
    }
    s->v6 = c.mtu >= 1280;
    s->segment = min_u32(c.mtu - 80u, 1200);
    s->ethernet = c.medium == GN_MEDIUM_ETHERNET;
    c.too_big = !draw_one_in(p, 4);
    if (s->faulty && !s->ethernet && draw_one_in(p, 4))
        draw_mtus(s);
    tell_plan(s, &c);
    return gn_sim_new(&c);
}

/** join_star() - access paths, sides and addresses of a star */
static bool join_star(struct swarm *s, unsigned i)
{
    struct gn_pipe_config in = draw_path(s, false), out = draw_path(s, false);

    gn_sim_set_side(s->sim, i, i % 2);
    return gn_sim_set_access(s->sim, i, &in, &out) &&
           gn_sim_add_addr(s->sim, i, (struct gn_prefix){s->host[i].addr[0], 32}) &&
           gn_sim_add_addr(s->sim, i, (struct gn_prefix){s->host[i].addr[1], 128});
}

/** join() - host @i with random knobs at port @i; false: no memory */
static bool join(struct swarm *s, unsigned i)
{
    struct swarm_host *m = &s->host[i];
    struct gn_host_config c = {.pages = lab_pages(&m->pages)};
    struct gn_link *link = gn_sim_port(s->sim, i);
    int iface;

    swarm_knobs(&s->rng, &c.conf);
    if (c.conf.tcp_mtu_probing) /* an outage looks like a black hole to it */
        s->segment = min_u32(s->segment, (uint32_t)c.conf.tcp_mtu_probe_floor);
    for (unsigned k = 0; k < sizeof c.secret; k++)
        c.secret[k] = (uint8_t)prng_u32(&s->rng);
    if (s->v6 && draw_one_in(&s->rng, 6)) /* this one has a smaller MTU than the others */
        link->iface.mtu = (uint16_t)draw_between(&s->rng, 1280, s->mtu);
    m->swarm = s;
    m->addr[0] = gn_addr_v4(10, 0, 0, (uint8_t)(i + 1));
    (void)gn_addr_parse("fd00::", &m->addr[1]);
    m->addr[1].b[15] = (uint8_t)(i + 1);
    m->h = gn_host_new(&c, SWARM_START, NULL);
    if (!m->h)
        return false;
    iface = gn_simloop_add(s->loop, m->h, link);
    if (iface < 0 || gn_host_add_addr(m->h, iface, m->addr[0], 24) ||
        (s->v6 && gn_host_add_addr(m->h, iface, m->addr[1], 64)))
        return false;
    gn_host_trace(m->h, check_trace, m);
    return !gn_simloop_service(s->loop, m->h, swarm_serve, m) &&
           (s->n_host == 2 || join_star(s, i));
}

bool swarm_net_open(struct swarm *s)
{
    bool ok;

    s->loop = gn_simloop_new(SWARM_START);
    s->sim = draw_sim(s);
    ok = s->loop && s->sim;
    for (unsigned i = 0; ok && i < s->n_host; i++)
        ok = join(s, i);
    return ok;
}

bool swarm_net_heal(struct swarm *s)
{
    struct gn_pipe_config c = {.latency = 5 * GN_MSEC, .rate = 20000000, .queue_packets = 100};
    bool ok = gn_sim_set_pipe(s->sim, 0, &c) && gn_sim_set_pipe(s->sim, 1, &c);

    gn_sim_set_mtu(s->sim, s->mtu);
    for (unsigned i = 0; ok && s->n_host > 2 && i < s->n_host; i++)
        ok = gn_sim_set_access(s->sim, i, &c, &c);
    return ok;
}

void swarm_net_tick(struct swarm *s, gn_time now)
{
    for (unsigned i = 0; i < SWARM_MTUS; i++) {
        if (s->change[i].at == 0 || s->change[i].at > now)
            continue;
        s->change[i].at = 0;
        gn_sim_set_mtu(s->sim, s->change[i].mtu);
        if (s->log)
            fprintf(s->log, "%.6f the MTU of the path is %u\n", (double)now / 1e9,
                    s->change[i].mtu);
    }
}

gn_time swarm_net_next(const struct swarm *s)
{
    gn_time next = GN_FOREVER;

    for (unsigned i = 0; i < SWARM_MTUS; i++)
        if (s->change[i].at != 0)
            next = min_u64(next, s->change[i].at);
    return next;
}

void swarm_net_close(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_host; i++) {
        struct swarm_host *m = &s->host[i];

        if (!m->h)
            continue;
        gn_simloop_remove(s->loop, m->h);
        gn_host_free(m->h);
        if (m->pages.out)
            swarm_wrong(s, "host %u keeps %zu octets after gn_host_free()", i, m->pages.out);
    }
    gn_sim_free(s->sim);
    gn_simloop_free(s->loop);
}
