/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file input.c  A burst of frames on its way up: IP, checksum, parsing, demux, and the one place
 * that knows who takes what.
 *
 * Theory of operation. A burst goes through three passes, so that the cache misses of its segments
 * overlap: (1) IP, checksum, parse, hash, and a hint for the slot of the demux table; (2) a hint
 * for the object that the slot names; (3) delivery. Much text of one connection takes them in
 * parts. Segments of one tuple that follow each other go to their connection together: what is
 * found once serves for all of them. Nothing is sent meanwhile: blocks note what they owe, and
 * gn_host_output() decides once for the whole burst (MUST-58, MUST-59).
 */
#include "base/bits.h"
#include "host/host.h"
#include "tcp/fsm.h"

#define BURST 16 /* the hints for so many bring no more than fits the first level of cache */
/* octets that a first pass may sum up before their text is copied: they are to be in the first
 * level of cache still */
#define NEAR 8192

/** Segments that follow each other, of one tuple, from one interface. */
struct run {
    const struct conn *conn; /* most likely theirs, or NULL: then `hash` is set */
    uint32_t hash;
    uint8_t n, iface;
};

/** TCP segments that have passed the first pass. */
struct burst {
    struct run *run_end; /* behind those there are */
    struct seg *seg_end;
    uint32_t summed; /* octets */
    struct run run[BURST];
    struct seg seg[BURST];
};

/** begin() - nothing has passed yet */
static inline void begin(struct burst *b)
{
    b->run_end = b->run;
    b->seg_end = b->seg;
    b->summed = 0;
}

/** full() - the segments have to be delivered before one more passes. Those of one tuple have no
 * misses to overlap, but text to copy */
static inline bool full(const struct burst *b)
{
    return b->seg_end == b->seg + BURST || (b->summed > NEAR && b->run_end == b->run + 1);
}

/** checksum_good() - MUST-2, MUST-3: the sum over pseudo-header, header and text is all ones */
static bool checksum_good(const struct gn_host *h, const struct ip_packet *p)
{
    uint64_t sum = ip_pseudo(&p->src, &p->dst, IP_PROTO_TCP, p->pseudo_len);
    size_t at = p->len;

    sum += h->csum->sum(p->p, p->len);
    for (unsigned i = 0; i < p->n_tail; i++) {
        sum = csum_join(sum, h->csum->sum(p->tail[i].ptr, p->tail[i].len), at);
        at += p->tail[i].len;
    }
    return csum_good(sum);
}

/** enter() - a segment has been made of the octets of a packet, where the next of the burst is to
 * be
 */
static inline void enter(struct gn_host *h, struct burst *b, uint8_t iface)
{
    struct run *r = b->run_end;
    const struct seg *s = b->seg_end++;

    h->stats.InSegs += seg_on_wire(s);
    if (r != b->run && iface == r[-1].iface && tcp_key_equal(&s->key, &s[-1].key)) {
        r[-1].n++;
        return;
    }
    b->run_end++;
    r->n = 1;
    r->iface = iface;
    r->conn = demux_met_ports(&h->demux, &s->key);
    if (r->conn) {
        __builtin_prefetch(r->conn);
        return;
    }
    r->hash = demux_hash(&h->demux, &s->key);
    demux_prefetch_slot(&h->demux, r->hash);
}

/** sum_octets() - the sum of @len octets at @p, see wire/checksum.h */
static inline uint64_t sum_octets(const struct gn_host *h, const uint8_t *p, uint32_t len)
{
    return len <= CSUM_FEW ? csum_few(p, len) : h->csum->sum(p, len);
}

/** accept_again() - first pass for a TCP packet whose IP header is that of the one before; false:
 * it is something else, or not in order, and ip_input() has to see it. What this does is what
 * ip_input() and tcp_accept() would do */
static inline bool accept_again(struct gn_host *h, const struct gn_frame *f, struct burst *b)
{
    const struct ip_again *a = &h->ip.again;
    uint32_t len = ip_again(&h->ip, f);
    const uint8_t *p = f->data + IPV4_HEADER;
    struct seg *s = b->seg_end;

    if (len < IPV4_HEADER + TCP_HEADER_MIN)
        return false;
    len -= IPV4_HEADER;
    if (!(f->flags & (GN_FRAME_CSUM_OK | GN_FRAME_CSUM_OWED))) {
        if (!csum_good_some(a->sum + IP_PROTO_TCP + len + sum_octets(h, p, len)))
            return false;
        b->summed += len;
    }
    if (tcp_parse(p, len, NULL, 0, s) != GN_DROP_NONE)
        return false;
    h->stats.IpInReceives++;
    s->key.laddr = a->dst;
    s->key.raddr = a->src;
    s->ecn = a->ecn;
    s->tos = a->tos;
    s->gso_size = f->gso_size;
    enter(h, b, f->iface);
    return true;
}

/** tcp_accept() - first pass for a TCP packet; false: dropped */
static bool tcp_accept(struct gn_host *h, const struct ip_packet *p, struct burst *b)
{
    struct seg *s = b->seg_end;
    enum gn_drop d;

    if (!p->csum_ok && !checksum_good(h, p))
        d = GN_DROP_TCP_CHECKSUM;
    else
        d = tcp_parse(p->p, p->len, p->tail, p->n_tail, s);
    if (d) {
        h->stats.InSegs++;
        h->stats.InErrs++;
        host_drop(h, d, NULL, GN_CLOSED);
        return false;
    }
    s->key.laddr = p->dst;
    s->key.raddr = p->src;
    s->ecn = p->ecn;
    s->tos = p->tos;
    s->gso_size = p->gso_size;
    b->summed += p->csum_ok ? 0 : p->len;
    enter(h, b, p->iface);
    return true;
}

/** unheard() - why a segment for @c, which gave no block, is dropped */
static enum gn_drop unheard(const struct conn *c)
{
    return c->frozen ? GN_DROP_FROZEN : GN_DROP_NO_MEMORY;
}

/** icmp_error() - an ICMP error goes to the connection whose packet it quotes (MUST-54) */
static enum gn_drop icmp_error(struct gn_host *h, const struct ip_packet *p)
{
    struct tcp_key k = {.laddr = p->src, .raddr = p->dst};
    uint32_t hash;
    struct conn *c;
    struct tcb *t;
    enum gn_drop d;
    ref_t r;

    if (p->proto != IP_PROTO_TCP)
        return GN_DROP_ICMP_IGNORED;
    k.lport = get16(p->p);
    k.rport = get16(p->p + 2);
    hash = demux_hash(&h->demux, &k);
    r = demux_find(&h->demux, hash, &k);
    switch (ref_kind(r)) {
    case REF_NONE: return GN_DROP_ICMP_NO_CONNECTION;
    case REF_TIME_WAIT: return GN_DROP_ICMP_IGNORED;
    case REF_HALF_OPEN: return syncache_icmp(h, r, seq(get32(p->p + 4)), p->hard);
    case REF_CONN: break;
    }
    c = pool_at(&h->conns, ref_index(r));
    t = rest_wake(h, c);
    if (!t)
        return unheard(c);
    d = tcp_icmp_error(t, host_env(h, t), seq(get32(p->p + 4)), p->error, p->hard, p->mtu);
    conn_after(h, t);
    return d;
}

/** other() - first pass for what is not TCP */
static void other(struct gn_host *h, const struct ip_packet *p)
{
    if (p->proto == IP_PROTO_UDP) {
        ip_send_port_unreachable(&h->ip, &h->ip_env, p); /* nobody listens */
        host_drop(h, GN_DROP_CLOSED_PORT, NULL, GN_CLOSED);
    } else {
        host_drop(h, GN_DROP_IP_PROTOCOL, NULL, GN_CLOSED);
    }
}

/** done() - a segment for what is in @state has been dealt with; @d: why it was dropped */
static inline void done(struct gn_host *h, const struct seg *s, enum gn_drop d, enum gn_state state)
{
    if (h->env.trace)
        host_trace_seg(h, GN_TRACE_SEG_IN, s, state);
    if (d)
        host_drop(h, d, s, state);
}

/** to_steps() - a segment that its connection did not expect */
static void to_steps(struct gn_host *h, struct tcb *t, const struct seg *s)
{
    bool syn_sent = t->state == GN_SYN_SENT;
    enum gn_state state;
    enum gn_drop d;

    if (t->state == GN_TIME_WAIT && (s->ctl & (CTL_SYN | CTL_ACK | CTL_RST)) == CTL_SYN &&
        timewait_conn_syn(h, t, s, t->conn->hash, &d)) {
        done(h, s, d, GN_SYN_RECEIVED);
        return;
    }
    d = tcp_segment_arrives(t, host_env(h, t), s);
    state = (enum gn_state)t->state;
    if (syn_sent && state_synchronised(state) && t->fast_tried)
        hostcache_learn(&h->hostcache, &h->secrets.table, &t->key.raddr,
                        h->conf.tcp_fastopen & TFO_CLIENT_NO_COOKIE ? NULL : &s->opt, t->send_mss,
                        t->syn_text, h->now);
    conn_after(h, t);
    done(h, s, d, state);
}

/** trace_run() - tell the tracer of @n segments that left their connection in @state */
static __attribute__((cold, noinline)) void trace_run(struct gn_host *h, const struct seg *s,
                                                      unsigned n, enum gn_state state)
{
    for (unsigned i = 0; i < n; i++)
        host_trace_seg(h, GN_TRACE_SEG_IN, &s[i], state);
}

/** to_conn() - third pass for connection @c: those of the @n segments at @s that it expects, or the
 * first of them alone; how many that was */
static unsigned to_conn(struct gn_host *h, struct conn *c, const struct seg *s, unsigned n)
{
    struct tcb *t = rest_wake(h, c);
    enum gn_state state;
    unsigned taken;

    if (!t) {
        if (!c->frozen)
            rest_answer(h, c, s);
        done(h, s, unheard(c), GN_ESTABLISHED);
        return 1;
    }
    taken = tcp_predicted(t, host_env_plain(h, t), s, n);
    if (!taken) {
        to_steps(h, t, s);
        return 1;
    }
    state = (enum gn_state)t->state;
    conn_after(h, t);
    if (h->env.trace)
        trace_run(h, s, taken, state);
    return taken;
}

/** to_nobody() - no connection, half-open entry or record has this tuple: a listener, or RST */
static enum gn_drop to_nobody(struct gn_host *h, const struct seg *s, uint32_t hash,
                              enum gn_state *ret_state)
{
    struct listener *l;

    *ret_state = GN_CLOSED;
    /* nothing to or from groups: ip_input() has seen to that (MUST-57, MUST-63) */
    DASSERT(ip_is_local(&h->ip, &h->ip_env, &s->key.laddr));
    DASSERT(ip_is_unicast(&h->ip, &s->key.raddr) || ip_is_loopback(&s->key.raddr));
    if (s->key.lport == s->key.rport && gn_addr_eq(&s->key.laddr, &s->key.raddr))
        return GN_DROP_LAND;
    if (!port_ours(h, &s->key)) /* nor is a RST for a stranger's segment ours to send */
        return GN_DROP_OTHER_SHARD;
    l = s->key.rport ? listen_find(&h->listeners, &s->key.laddr, s->key.lport, hash) : NULL;
    if (!l)
        return host_closed(h, s);
    *ret_state = GN_LISTEN;
    return listen_input(h, l, s, hash);
}

/** to_small() - third pass: a segment for the half-open entry or TIME-WAIT record @r at @object, or
 * for nobody (RFC 9293 3.10.7) */
static void to_small(struct gn_host *h, const struct seg *s, uint32_t hash, ref_t r, void *object)
{
    enum gn_state state = GN_CLOSED;
    enum gn_drop d = GN_DROP_NONE;

    switch (ref_kind(r)) {
    case REF_CONN: UNREACHABLE("it has a block");
    case REF_HALF_OPEN:
        state = GN_SYN_RECEIVED;
        d = syncache_input(h, r, object, s, hash);
        break;
    case REF_TIME_WAIT:
        state = GN_TIME_WAIT;
        d = timewait_input(h, r, s, hash);
        break;
    case REF_NONE: d = to_nobody(h, s, hash, &state); break;
    }
    done(h, s, d, state);
}

/** deliver_some() - third pass: the first of the last @n segments of a run, which is at @s, and
 * those behind it that its connection expects; how many that was */
static inline unsigned deliver_some(struct gn_host *h, const struct run *run, const struct seg *s,
                                    unsigned n)
{
    struct demux *d = &h->demux;
    void *object = demux_met(d, &s->key);

    if (!object) {
        uint32_t hash = run->conn ? demux_hash(d, &s->key) : run->hash;
        ref_t r = demux_find_object(d, hash, &s->key, &object);

        if (ref_kind(r) != REF_CONN) {
            to_small(h, s, hash, r, object);
            return 1;
        }
        demux_meet(d, object);
    }
    return to_conn(h, object, s, n);
}

/* with fewer slots in the demux table, or connections, all is in cache, and hints only cost */
#define FAR_SLOTS 4096
#define FAR_CONNS 256

/** expect() - second pass: hints for what the slots most likely name, and of a connection for its
 * block, or what that is made from if it rests. Inlined at all costs: gcc takes a function that
 * only gives hints for one without effect, and leaves calls of it out */
static inline __attribute__((always_inline)) void expect(const struct gn_host *h,
                                                         const struct burst *b)
{
    bool many = h->conns.used > FAR_CONNS;
    size_t n = (size_t)(b->run_end - b->run);
    const struct conn *likely[BURST];

    for (size_t i = 0; i < n; i++) {
        const struct conn *c = b->run[i].conn;
        ref_t r = c ? REF_NULL : demux_likely(&h->demux, b->run[i].hash);

        if (r.raw) {
            const void *object = pool_at(h->demux.pool[ref_kind(r)], ref_index(r));

            __builtin_prefetch(object);
            if (ref_kind(r) == REF_CONN) {
                c = object;
                pool_hint_gen(&h->conns, ref_index(r));
            }
        }
        likely[i] = c;
        if (c && many)
            prefetch((const char *)c + 64, sizeof(*c) / 64 - 1);
    }
    for (size_t i = 0; i < n && many; i++)
        if (likely[i] && likely[i]->tcb)
            prefetch(likely[i]->tcb, CONN_BLOCK_LINES);
}

/** deliver_all() - second and third pass */
static void deliver_all(struct gn_host *h, struct burst *b)
{
    const struct seg *s = b->seg;

    if (b->run_end > b->run + 1 && h->demux.mask >= FAR_SLOTS)
        expect(h, b);
    for (const struct run *r = b->run; r != b->run_end; r++) {
        unsigned left = r->n;

        h->in_iface = r->iface;
        do {
            unsigned n = deliver_some(h, r, s, left);

            s += n;
            left -= n;
        } while (left);
    }
    begin(b);
}

/** inside() - do the octets of a packet lie in its frame? Those of a reassembled one do not, and
 *  live until the next frame goes in */
static bool inside(const struct gn_frame *f, const struct ip_packet *p)
{
    return (uintptr_t)p->p - (uintptr_t)f->data <= f->len;
}

void gn_host_input(struct gn_host *h, const struct gn_frame *frames, size_t n, gn_time now)
{
    const struct gn_frame *end = frames + n;
    struct ip_packet p;
    struct burst b;
    enum gn_drop d;

    begin(&b);
    host_now(h, now);
    for (const struct gn_frame *f = frames; f != end; f++) {
        if (f + 1 != end) {
            __builtin_prefetch(f[1].data);
            __builtin_prefetch(f[1].data + 64);
        }
        if (accept_again(h, f, &b)) {
            if (full(&b))
                deliver_all(h, &b);
            continue;
        }
        d = GN_DROP_NONE;
        switch (ip_input(&h->ip, &h->ip_env, f, &p, &d)) {
        case IP_CONSUMED: break;
        case IP_ERROR:
            deliver_all(h, &b); /* what came before, and may be for a connection that ends now */
            d = icmp_error(h, &p);
            break;
        case IP_TRANSPORT:
            if (p.proto != IP_PROTO_TCP)
                other(h, &p);
            else if (tcp_accept(h, &p, &b) && (full(&b) || !inside(f, &p)))
                deliver_all(h, &b);
            break;
        }
        if (d)
            host_drop(h, d, NULL, GN_CLOSED);
    }
    deliver_all(h, &b);
}
