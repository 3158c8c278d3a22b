/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file duo.c  See duo.h.
 */
#include "fuzz/duo.h"

#include "base/bits.h"
#include "host/host.h"
#include "wire/checksum.h"
#include "wire/eth.h"

#include <stdio.h>
#include <string.h>

#define END_ROUNDS 20000

_Noreturn void duo_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

uint8_t take8(struct input *in)
{
    uint8_t v = 0;

    if (in->n > 0) {
        v = *in->p++;
        in->n--;
    }
    return v;
}

uint16_t take16(struct input *in)
{
    uint16_t high = take8(in);

    return (uint16_t)(high << 8 | take8(in));
}

uint32_t take32(struct input *in)
{
    uint32_t high = take16(in);

    return high << 16 | take16(in);
}

/** addr() - of host @i */
static struct gn_addr addr(unsigned i, bool v6)
{
    struct gn_addr a = gn_addr_v4(10, 0, 0, (uint8_t)(i + 1));

    if (v6)
        a = (struct gn_addr){.b = {0xfd, [15] = (uint8_t)(i + 1)}};
    return a;
}

struct gn_endpoint duo_end_of(unsigned i, bool v6, uint16_t port)
{
    return (struct gn_endpoint){addr(i, v6), port};
}

/** knobs() - those that change what is on the wire, and small limits */
static void knobs(struct gn_conf *c, struct input *in)
{
    uint8_t a = take8(in), b = take8(in);

    gn_conf_default(c);
    c->tcp_timestamps = a & 1;
    c->tcp_sack = a >> 1 & 1;
    c->tcp_window_scaling = a >> 2 & 1;
    c->tcp_ecn = (a >> 3 & 3) % 3;
    c->tcp_syncookies = (a >> 5 & 3) % 3;
    c->tcp_rest_above = (a >> 5 & 3) == 3 ? 0 : c->tcp_rest_above;
    c->tcp_rfc1337 = a >> 7;
    c->tcp_early_retrans = b & 1;
    c->tcp_delack = b & 2 ? 0 : c->tcp_delack;
    c->tcp_max_syn_backlog = 1 + (b >> 2 & 3);
    c->tcp_max_orphans = b & 16 ? 2 : 1000;
    c->tcp_max_tw_buckets = b & 32 ? 1 : 1000;
    c->tcp_rmem_default = b & 64 ? 2304 : 20000;
    c->tcp_congestion_control = b >> 7;
    c->tcp_rst_ratelimit = UINT32_MAX;
}

/** used() - octets in use at host @i, tables that only grow left out */
static uint64_t used(const struct duo *d, unsigned i)
{
    const struct gn_host *h = d->h[i];

    return h->mem.used - pool_memory(&h->conns) - pool_memory(&h->blocks) -
           pool_memory(&h->syncache.pool) - pool_memory(&h->timewait.pool) -
           pool_memory(&h->listeners.pool) -
           mem_size(((size_t)h->demux.mask + 1) * sizeof(struct demux_slot)) -
           mem_size(((size_t)h->listeners.mask + 1) * sizeof(uint16_t)) -
           (h->ip.neigh.t ? mem_size(sizeof *h->ip.neigh.t) : 0);
}

/** host_up() - host @i */
static void host_up(struct duo *d, unsigned i, const struct gn_conf *c)
{
    struct gn_host_config cfg = {.conf = *c, .pages = lab_pages(&d->pages[i])};
    struct gn_iface f = {.medium = d->medium, .mtu = 1500, .mac = {2, [5] = (uint8_t)(i + 1)}};

    memset(cfg.secret, (int)i + 1, sizeof cfg.secret);
    d->h[i] = gn_host_new(&cfg, d->now, NULL);
    MUST(d->h[i]);
    MUST(gn_host_add_iface(d->h[i], &f) == 0);
    MUST(gn_host_add_addr(d->h[i], 0, addr(i, false), 24) == GN_OK);
    MUST(gn_host_add_addr(d->h[i], 0, addr(i, true), 64) == GN_OK);
}

void duo_new(struct duo *d, struct input *in)
{
    struct gn_conf c;

    memset(d->pages, 0, sizeof d->pages);
    d->to[0].n = d->to[1].n = 0;
    d->now = 1000 * GN_SEC;
    knobs(&c, in);
    d->medium = take8(in) & 1 ? GN_MEDIUM_ETHERNET : GN_MEDIUM_IP;
    host_up(d, 0, &c);
    host_up(d, 1, &c);
    for (d->now += 5 * GN_SEC; d->medium == GN_MEDIUM_ETHERNET && d->now < 1009 * GN_SEC;
         d->now += GN_SEC)
        duo_settle(d, 10); /* addresses are announced */
    for (unsigned i = 0; i < 2; i++)
        d->base_used[i] = used(d, i);
}

void duo_pull(struct duo *d, unsigned i)
{
    static uint8_t room[8][DUO_PACKET];
    struct duo_wire *q = &d->to[1 - i];
    size_t n, rounds = 0;

    do {
        struct gn_frame f[8] = {{0}};

        for (unsigned k = 0; k < 8; k++) {
            f[k].buf = room[k];
            f[k].cap = DUO_PACKET;
        }
        n = gn_host_output(d->h[i], f, 8, d->now);
        for (size_t k = 0; k < n && q->n < DUO_FLIGHT; k++) {
            MUST(f[k].len <= 1514 && f[k].n_tail == 0);
            q->p[q->n].len = f[k].len;
            memcpy(q->p[q->n++].bytes, f[k].data, f[k].len);
        }
        MUST(++rounds < 1000);
    } while (n > 0);
}

void duo_lose(struct duo *d, unsigned i, unsigned k)
{
    struct duo_wire *q = &d->to[i];

    if (k >= q->n)
        return;
    q->n--;
    memmove(&q->p[k], &q->p[k + 1], (q->n - k) * sizeof q->p[0]);
}

void duo_deliver(struct duo *d, unsigned i, unsigned k)
{
    struct gn_frame f = {0};
    uint8_t *copy;

    if (k >= d->to[i].n)
        return;
    f.len = d->to[i].p[k].len;
    copy = malloc(f.len + 1); /* of its size, so that reading beyond it is seen */
    MUST(copy);
    memcpy(copy, d->to[i].p[k].bytes, f.len);
    f.data = copy;
    duo_lose(d, i, k);
    gn_host_input(d->h[i], &f, 1, d->now);
    free(copy);
    duo_pull(d, i);
}

void duo_settle(struct duo *d, unsigned rounds)
{
    duo_pull(d, 0);
    duo_pull(d, 1);
    while (rounds-- > 0 && d->to[0].n + d->to[1].n > 0) {
        for (unsigned i = 0; i < 2; i++)
            for (unsigned n = d->to[i].n; n > 0; n--)
                duo_deliver(d, i, 0);
    }
}

void duo_balance(const struct duo *d, unsigned i)
{
    uint64_t state[GN_STATE_COUNT] = {0}, orphans = 0, cursor = 0;
    struct gn_status s;
    struct gn_stats st;

    gn_host_stats(d->h[i], &st);
    while (gn_host_walk(d->h[i], &cursor, d->now, &s)) {
        state[s.state]++;
        orphans += s.kind == GN_KIND_CONNECTION && s.orphan;
    }
    for (unsigned k = GN_LISTEN; k < GN_STATE_COUNT; k++)
        MUST(state[k] == st.state[k]);
    MUST(orphans == st.orphans);
}

/** tell() - what is left at host @i */
static void tell(const struct duo *d, unsigned i)
{
    uint64_t cursor = 0;
    struct gn_status s;

    while (gn_host_walk(d->h[i], &cursor, d->now, &s))
        fprintf(stderr, "host %u: kind %d in %s, orphan %d, passive %d, error %d, port %u to %u\n",
                i, (int)s.kind, gn_state_name(s.state), s.orphan, s.passive, (int)s.error,
                s.local.port, s.remote.port);
}

/** something() - is there anything at host @i? */
static bool something(const struct duo *d, unsigned i)
{
    uint64_t cursor = 0;
    struct gn_status s;

    return gn_host_walk(d->h[i], &cursor, d->now, &s);
}

void duo_end(struct duo *d)
{
    unsigned rounds = 0;

    duo_settle(d, 50);
    while (something(d, 0) || something(d, 1)) {
        gn_time next = UINT64_MAX;

        for (unsigned i = 0; i < 2; i++) {
            struct gn_deadline at = gn_host_deadline(d->h[i]);

            if (at.armed && at.at < next)
                next = at.at;
        }
        if (next == UINT64_MAX || rounds + 1 == END_ROUNDS) {
            tell(d, 0);
            tell(d, 1);
        }
        MUST(next != UINT64_MAX);    /* something is left that nothing will ever end */
        MUST(++rounds < END_ROUNDS); /* or that never ends */
        d->now = next > d->now ? next : d->now + 1;
        duo_settle(d, 50);
    }
    d->now += 200 * GN_SEC; /* half-made packets of the IP layer die */
    duo_settle(d, 50);
    for (unsigned i = 0; i < 2; i++) {
        duo_balance(d, i);
        MUST(used(d, i) == d->base_used[i] || d->medium == GN_MEDIUM_ETHERNET);
        gn_host_free(d->h[i]);
        MUST(d->pages[i].out == 0);
    }
}

/** repair_tcp() - the checksum of @len octets of TCP at @p */
static void repair_tcp(uint8_t *p, uint32_t len, const struct gn_addr *src,
                       const struct gn_addr *dst)
{
    if (len < 20)
        return;
    put16(p + 16, 0);
    put16(p + 16, csum_finish(ip_pseudo(src, dst, IP_PROTO_TCP, len) + csum(p, len)));
}

void duo_repair(const struct duo *d, struct duo_packet *p)
{
    uint32_t off = d->medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0, len = p->len - off;
    uint8_t *b = p->bytes + off;
    struct gn_addr src, dst;

    if (p->len < off + 20)
        return;
    if (b[0] >> 4 == 4) {
        uint32_t hl = (b[0] & 15u) * 4;

        if (hl < 20 || hl > len)
            return;
        put16(b + 2, (uint16_t)len);
        put16(b + 10, 0);
        put16(b + 10, csum_finish(csum(b, hl)));
        src = gn_addr_v4(b[12], b[13], b[14], b[15]);
        dst = gn_addr_v4(b[16], b[17], b[18], b[19]);
        if (b[9] == IP_PROTO_TCP)
            repair_tcp(b + hl, len - hl, &src, &dst);
    } else if (b[0] >> 4 == 6 && len >= 40) {
        put16(b + 4, (uint16_t)(len - 40));
        memcpy(src.b, b + 8, 16);
        memcpy(dst.b, b + 24, 16);
        if (b[6] == IP_PROTO_TCP)
            repair_tcp(b + 40, len - 40, &src, &dst);
    }
}
