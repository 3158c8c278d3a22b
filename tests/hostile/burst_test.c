/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two hosts get the same frames, one all at once and the other one by one. What a host does in
 * passes over a burst must not show: both send the same octets, give the user the same ones, and
 * count alike, whatever stands between the segments that belong together.
 */
#include "foe.h"

#include "base/bits.h"
#include "ip/ip.h"
#include "wire/checksum.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIVES  120
#define ROUNDS 40
#define FRAMES 80 /* more than two bursts inside the host */
#define PEERS  3

/** One connection as its peer sees it. */
struct peer {
    struct tcp_key key;
    uint32_t nxt, heard, tsval, tsecr;
    bool ts;
    gn_handle c[2];
};

static struct {
    struct foe host[2]; /* 0: in bursts, 1: one by one */
    struct peer peer[PEERS];
    uint64_t random;
    uint8_t octets[FRAMES][2048];
    struct gn_frame frame[FRAMES];
    unsigned n;
} b;

/* xorshift */
static uint32_t any(uint32_t below)
{
    b.random ^= b.random << 13;
    b.random ^= b.random >> 7;
    b.random ^= b.random << 17;
    return (uint32_t)(b.random >> 20) % below;
}

static bool one_in(uint32_t n)
{
    return any(n) == 0;
}

/** heard() - what the peers learn from a packet */
static void heard(const struct gn_frame *f)
{
    struct seg s = {.seq = {0}};

    if (f->data[9] != IP_PROTO_TCP || tcp_parse(f->data + 20, f->len - 20, NULL, 0, &s))
        return;
    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *p = &b.peer[i];
        uint32_t end = s.seq.raw + seg_len(&s);

        if (p->key.lport != s.key.lport || (s.ctl & CTL_RST))
            continue;
        if ((s.ctl & CTL_SYN) || (int32_t)(end - p->heard) > 0)
            p->heard = end;
        if (s.opt.has & OPT_TS)
            p->tsecr = s.opt.tsval;
    }
}

/** pull() - everything that both have to send: the same */
static void pull(void)
{
    static uint8_t room[2][64][2048];
    struct gn_frame f[2][64];
    size_t n[2];

    do {
        for (unsigned h = 0; h < 2; h++) {
            memset(f[h], 0, sizeof(f[h]));
            for (unsigned i = 0; i < 64; i++) {
                f[h][i].buf = room[h][i];
                f[h][i].cap = sizeof(room[h][i]);
            }
            n[h] = gn_host_output(b.host[h].host, f[h], 64, b.host[h].now);
        }
        cr_assert_eq(n[0], n[1], "%zu packets after a burst, %zu one by one", n[0], n[1]);
        for (size_t i = 0; i < n[0]; i++) {
            cr_assert_eq(f[0][i].len, f[1][i].len);
            cr_assert(!memcmp(f[0][i].data, f[1][i].data, f[0][i].len), "packet %zu differs", i);
            heard(&f[0][i]);
        }
    } while (n[0]);
}

/** give() - the frames arrive at both; where they come one by one, something else is between them,
 * so that nothing that is known of the packet before serves for the next */
static void give(void)
{
    struct seg other = {.key = {gn_addr_v4(10, 0, 0, 3), gn_addr_v4(10, 0, 0, 1), 9, 9},
                        .ctl = CTL_RST};
    uint8_t p[64];
    struct gn_frame between = {.data = p, .len = foe_build(&other, NULL, p)};

    for (unsigned i = 0; i < b.n; i++)
        gn_host_input(b.host[0].host, &between, 1, b.host[0].now);
    gn_host_input(b.host[0].host, b.frame, b.n, b.host[0].now);
    for (unsigned i = 0; i < b.n; i++) {
        gn_host_input(b.host[1].host, &between, 1, b.host[1].now);
        gn_host_input(b.host[1].host, &b.frame[i], 1, b.host[1].now);
    }
    b.n = 0;
}

/** put() - one more frame */
static void put(const struct seg *s)
{
    uint8_t *p = b.octets[b.n];

    b.frame[b.n] = (struct gn_frame){.data = p, .len = foe_build(s, NULL, p)};
    for (uint32_t i = 0; i < s->text_len; i++) /* content tells where it belongs */
        p[b.frame[b.n].len - s->text_len + i] = (uint8_t)((s->seq.raw + i) * 31);
    put16(p + 36, 0);
    put16(p + 36,
          csum_finish(ip_pseudo(&s->key.laddr, &s->key.raddr, IP_PROTO_TCP, b.frame[b.n].len - 20) +
                      csum(p + 20, b.frame[b.n].len - 20)));
    b.n++;
}

/** segment() - of a peer, in sequence */
static struct seg segment(struct peer *p, unsigned ctl, uint32_t len)
{
    struct seg s = {.key = p->key,
                    .seq = seq(p->nxt),
                    .ack = seq(ctl & CTL_ACK ? p->heard : 0),
                    .ctl = (uint16_t)ctl,
                    .wnd = 60000,
                    .text_len = len};

    if (p->ts)
        s.opt = (struct tcpopt){.has = OPT_TS, .tsval = ++p->tsval, .tsecr = p->tsecr};
    p->nxt += seg_len(&s);
    return s;
}

/** spoil() - something is wrong or rare about the segment */
static void spoil(struct seg *s)
{
    switch (any(9)) {
    case 0: s->seq = seq_sub(s->seq, any(4000)); break;
    case 1: s->seq = seq_add(s->seq, any(4000)); break;
    case 2: s->ack = seq_add(s->ack, any(4000) - 2000); break;
    case 3: s->ecn = (uint8_t)any(4); break;
    case 4: s->ctl ^= (uint16_t)(1u << any(9)); break;
    case 5: s->opt.tsval -= any(10); break;
    case 6: s->opt.has ^= OPT_TS; break;
    case 7: s->wnd = one_in(2) ? 0 : (uint16_t)any(65536); break;
    default: s->key.lport = (uint16_t)(s->key.lport ^ (1u << any(16))); break;
    }
}

/** bend() - something is wrong or rare about the packet */
static void bend(struct gn_frame *f)
{
    uint8_t *p = b.octets[f - b.frame];

    switch (any(7)) {
    case 0: p[20 + any(f->len - 20)] ^= (uint8_t)(1u << any(8)); break; /* checksum of TCP */
    case 1: p[any(20)] ^= (uint8_t)(1u << any(8)); break;               /* of IP */
    case 2: p[8] = (uint8_t)any(256); break;                            /* TTL */
    case 3: p[1] = (uint8_t)any(256); break;                            /* TOS */
    case 4: p[6] = (uint8_t)(one_in(2) ? 0x20 : 0x40); break;           /* more fragments */
    case 5: put16(p + 2, (uint16_t)(f->len - any(4))); break;           /* padding of the link */
    default: f->len -= any(f->len); break;                              /* cut off */
    }
    if (!one_in(4) && f->len >= 20) {
        put16(p + 10, 0);
        put16(p + 10, csum_finish(csum(p, 20)));
    }
}

/** frames() - a burst, runs of one peer's segments */
static void frames(void)
{
    unsigned want = 1 + any(FRAMES - 1);
    struct peer *p = &b.peer[0];

    while (b.n < want) {
        struct seg s;

        if (one_in(6))
            p = &b.peer[any(PEERS)];
        s = segment(p, CTL_ACK | (one_in(3) ? CTL_PSH : 0), one_in(3) ? 0 : any(1400));
        if (one_in(400))
            s.ctl |= one_in(2) ? CTL_FIN : CTL_RST;
        if (one_in(15))
            spoil(&s);
        put(&s);
        if (one_in(15))
            bend(&b.frame[b.n - 1]);
    }
}

/** use() - both users do the same, with the same result */
static void use(struct peer *p)
{
    static uint8_t buf[2][100000];
    uint32_t n = 1 + any(sizeof(buf[0]) - 1);
    bool send = one_in(3);
    int64_t got[2];

    for (unsigned h = 0; h < 2; h++) {
        struct foe *f = &b.host[h];

        got[h] = send ? gn_host_send(f->host, p->c[h], buf[0], n / 8 + 1, 0, f->now)
                      : gn_host_recv(f->host, p->c[h], buf[h], n, 0, f->now);
    }
    cr_assert_eq(got[0], got[1]);
    cr_assert(send || got[0] <= 0 || !memcmp(buf[0], buf[1], (size_t)got[0]));
}

/** open_peer() - a connection at both; @ecn: flags of its SYN */
static void open_peer(unsigned i, unsigned ecn)
{
    struct peer *p = &b.peer[i];
    struct seg s;

    *p = (struct peer){
        .key = {gn_addr_v4(10, 0, 0, 2), gn_addr_v4(10, 0, 0, 1), (uint16_t)(6000 + i), FOE_PORT},
        .nxt = any(2) ? FOE_IRS : (uint32_t)-5000,
        .tsval = 5000,
        .ts = one_in(2)};
    s = segment(p, CTL_SYN | ecn, 0);
    s.opt.has |= OPT_SACKOK | OPT_WSCALE;
    s.opt.wscale = 3;
    put(&s);
    give();
    pull();
    s = segment(p, CTL_ACK, 0);
    put(&s);
    give();
    pull();
    for (unsigned h = 0; h < 2; h++)
        cr_assert_eq(gn_host_accept(b.host[h].host, b.host[h].listener, &p->c[h]), GN_OK);
}

/** counters() - of host @h, but for what it has taken from its source of pages: that depends on the
 * order in which memory is asked for and given back */
static void counters(unsigned h, struct gn_stats *ret)
{
    gn_host_stats(b.host[h].host, ret);
    ret->memory = ret->memory_peak = 0;
}

/** life() - of two hosts */
static uint64_t life(uint32_t n)
{
    static const unsigned ecn[] = {0, CTL_ECE | CTL_CWR, CTL_AE | CTL_ECE | CTL_CWR};
    struct gn_stats st[2];
    uint64_t octets;

    memset(&b, 0, sizeof(b));
    b.random = n * 0x9e3779b97f4a7c15u;
    for (unsigned h = 0; h < 2; h++) {
        foe_init(&b.host[h]);
        b.host[h].conf.tcp_ecn = n % 6;
        b.host[h].conf.tcp_delack = 40 * GN_MSEC;
        foe_up(&b.host[h]);
    }
    for (unsigned i = 0; i < PEERS; i++)
        open_peer(i, ecn[any(3)]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        gn_time pass = any(one_in(10) ? 3000 : 20) * GN_MSEC;

        frames();
        give();
        if (one_in(2))
            use(&b.peer[any(PEERS)]);
        pull();
        b.host[0].now = b.host[1].now += pass;
        for (unsigned h = 0; h < 2; h++)
            counters(h, &st[h]);
        cr_assert(!memcmp(&st[0], &st[1], sizeof(st[0])), "counters in round %u of life %u", round,
                  n);
    }
    octets = st[0].InOctets;
    foe_fini(&b.host[0]);
    foe_fini(&b.host[1]);
    return octets;
}

Test(hostile, bursts_do_not_show)
{
    uint64_t octets = 0;

    for (uint32_t n = 1; n <= LIVES; n++)
        octets += life(n);
    cr_assert_gt(octets, LIVES * 20000u, "no more than %lu octets arrived", (unsigned long)octets);
}
