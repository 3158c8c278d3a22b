/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file port.c  Ephemeral ports; see port.h.
 */
#include "host/port.h"

#include "base/conf.h"
#include "host/host.h"
#include "wire/flow.h"

/* RFC 6191 and the timestamps of RFC 7323 tell incarnations apart after a tick of the peer's clock,
 * which may be as slow as one second */
#define REUSE_AFTER_MS 1000
/* so long a failed walk is believed although records age */
#define FULL_LIFE (10 * GN_MSEC)

unsigned gn_flow_shard(const struct gn_endpoint *a, const struct gn_endpoint *b, uint32_t key,
                       unsigned shards)
{
    return shards ? flow_hash(a, b, key) % shards : 0;
}

bool port_ours(const struct gn_host *h, const struct tcp_key *k)
{
    if (h->shards < 2)
        return true;

    const struct gn_endpoint local = {k->laddr, k->lport}, remote = {k->raddr, k->rport};

    return gn_flow_shard(&local, &remote, h->shard_key, h->shards) == h->shard;
}

/** may_reuse() - is the TIME-WAIT record old enough, and distinguishable by timestamps? */
static bool may_reuse(const struct gn_host *h, const struct time_wait *w)
{
    const struct gn_conf *c = &h->conf;

    if (w->ts_recent == 0 && w->ts_recent_ms == 0)
        return false;
    if (c->tcp_timestamps == 0)
        return false;
    if (c->tcp_tw_reuse == 0)
        return false;
    if (c->tcp_tw_reuse == 2 && !ip_is_local(&h->ip, &h->ip_env, &w->key.raddr))
        return false;
    if ((uint32_t)(h->now / GN_MSEC) - w->ts_recent_ms < REUSE_AFTER_MS)
        return false;
    return seq_gt(tcp_isn(&h->env, &w->key), seq(w->snd_nxt)); /* TW-8 */
}

enum port_verdict port_judge(const struct gn_host *h, const struct tcp_key *k, uint32_t hash,
                             ref_t *ret_tw)
{
    ref_t r = demux_find(&h->demux, hash, k);

    *ret_tw = REF_NULL;
    switch (ref_kind(r)) {
    case REF_NONE: return PORT_FREE;
    case REF_CONN:
    case REF_HALF_OPEN: return PORT_TAKEN;
    case REF_TIME_WAIT: break;
    }
    if (!may_reuse(h, pool_at(&h->timewait.pool, ref_index(r))))
        return PORT_TAKEN;
    *ret_tw = r;
    return PORT_REUSE;
}

/** itself() - would this connection be one with itself? */
static bool itself(const struct tcp_key *k)
{
    return k->lport == k->rport && gn_addr_eq(&k->laddr, &k->raddr);
}

/** hint_next() - most likely the next connection to the destination @f will have the tuple @k but
 * for the port, which is @port then. @k is as it was afterwards */
static void hint_next(struct gn_host *h, struct port_counter *c, uint64_t f, struct tcp_key *k,
                      uint16_t port)
{
    uint16_t chosen = k->lport;

    k->lport = port;
    c->f = f;
    c->port = port;
    c->hash = demux_hash(&h->demux, k);
    demux_prefetch_slot(&h->demux, c->hash);
    k->lport = chosen;
}

/** destination() - the keyed hash of @k, whose lport is 0 */
static uint64_t destination(struct gn_host *h, const struct tcp_key *k)
{
    uint32_t at = (get32(k->raddr.b + 12) + k->rport) % PORT_DESTINATIONS;
    struct port_destination *d = &h->ports.destination[at];

    if (!tcp_key_equal(&d->key, k))
        *d = (struct port_destination){.key = *k, .f = key_hash(&h->secrets.port, k)};
    return d->f;
}

enum gn_err port_choose(struct gn_host *h, struct tcp_key *k, uint32_t *ret_hash, ref_t *ret_tw)
{
    struct ports *p = &h->ports;
    const uint32_t min = (uint32_t)h->conf.ip_local_port_min;
    const uint32_t range = (uint32_t)h->conf.ip_local_port_max - min + 1;
    struct port_counter *c;
    uint64_t f;

    k->lport = 0;
    f = destination(h, k);
    c = &p->counter[(f >> 32) % PORT_COUNTERS];
    if (p->full_hash == f && p->full_removals == h->demux.removals &&
        h->now - p->full_at < FULL_LIFE)
        return GN_E_NO_PORTS;
    for (uint32_t n = 0; n < range; n++) {
        k->lport = (uint16_t)(min + ((uint32_t)f + c->n++) % range);
        if (itself(k) || conf_port_reserved(&h->conf, k->lport) ||
            listen_on_port(&h->listeners, k->lport) || !port_ours(h, k))
            continue;
        *ret_hash = k->lport == c->port && f == c->f ? c->hash : demux_hash(&h->demux, k);
        if (port_judge(h, k, *ret_hash, ret_tw) == PORT_TAKEN)
            continue;
        hint_next(h, c, f, k, (uint16_t)(min + ((uint32_t)f + c->n) % range));
        return GN_OK;
    }
    p->full_hash = f;
    p->full_removals = h->demux.removals;
    p->full_at = h->now;
    return GN_E_NO_PORTS;
}

uint16_t port_choose_listen(struct gn_host *h, const struct gn_addr *a)
{
    const uint32_t min = (uint32_t)h->conf.ip_local_port_min;
    const uint32_t range = (uint32_t)h->conf.ip_local_port_max - min + 1;
    uint64_t f = siphash24(&h->secrets.port, a, sizeof(*a));
    uint32_t *counter = &h->ports.counter[(f >> 32) % PORT_COUNTERS].n;

    for (uint32_t n = 0; n < range; n++) {
        uint16_t port = (uint16_t)(min + ((uint32_t)f + (*counter)++) % range);

        if (!conf_port_reserved(&h->conf, port) && !listen_on_port(&h->listeners, port))
            return port;
    }
    return 0;
}
