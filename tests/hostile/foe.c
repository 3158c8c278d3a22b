/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file foe.c  See foe.h.
 */
#include "foe.h"

#include "base/bits.h"
#include "ip/ip.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <criterion/criterion.h>
#include <string.h>

/** address() - 10.0.0.@last or fd00::@last */
static struct gn_addr address(bool v6, uint8_t last)
{
    if (v6)
        return (struct gn_addr){.b = {[0] = 0xfd, [15] = last}};
    return gn_addr_v4(10, 0, 0, last);
}

void foe_init(struct foe *f)
{
    memset(f, 0, sizeof(*f));
    f->now = 1000 * GN_SEC;
    f->port = 5000;
    f->my_wnd = 65535;
    f->tsval = 5000;
    gn_conf_default(&f->conf);
    f->conf.tcp_delack = 0;
}

void foe_up(struct foe *f)
{
    struct gn_host_config c = {.conf = f->conf, .pages = pages_source(&f->pages)};
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = 1500};
    struct gn_endpoint any = {.port = FOE_PORT};

    memset(c.secret, 0x5a, sizeof(c.secret));
    f->host = gn_host_new(&c, f->now, NULL);
    cr_assert_not_null(f->host);
    cr_assert_eq(gn_host_add_iface(f->host, &i), 0);
    for (unsigned v6 = 0; v6 < 2; v6++)
        cr_assert_eq(gn_host_add_addr(f->host, 0, address(v6, 1), v6 ? 64 : 24), GN_OK);
    cr_assert_eq(gn_host_add_route(f->host, 0, gn_addr_v4(0, 0, 0, 0), 0, address(false, 2)),
                 GN_OK);
    cr_assert_eq(gn_host_listen(f->host, any, 4096, NULL, &f->listener), GN_OK);
}

void foe_fini(struct foe *f)
{
    gn_host_free(f->host);
    cr_expect_eq(f->pages.out, 0, "%zu octets are left", f->pages.out);
}

/* --- what the foe sends --- */

struct seg foe_seg(struct foe *f, unsigned ctl)
{
    struct seg s = {.key = f->key,
                    .seq = seq(f->nxt),
                    .ack = seq(ctl & CTL_ACK ? f->heard : 0),
                    .ctl = (uint16_t)ctl,
                    .wnd = f->my_wnd};

    if (f->has & OPT_TS) {
        s.opt.has = OPT_TS;
        s.opt.tsval = ++f->tsval;
        s.opt.tsecr = f->tsecr;
    }
    return s;
}

/** put_ip() - an IP header in front of @n octets of TCP at @p + the returned length, and the TCP
 * checksum over them if there is room for it */
static uint32_t put_ip(const struct tcp_key *k, uint8_t tos, uint8_t *p, uint32_t n)
{
    bool v6 = !gn_addr_is_v4(&k->laddr);
    uint32_t head = v6 ? IPV6_HEADER : IPV4_HEADER;
    uint8_t *tcp = p + head;

    if (v6) {
        struct ipv6 h = {.src = k->laddr,
                         .dst = k->raddr,
                         .next = IP_PROTO_TCP,
                         .hlim = 64,
                         .total_len = head + n};

        ipv6_emit(&h, p);
    } else {
        struct ipv4 h = {.src = k->laddr,
                         .dst = k->raddr,
                         .proto = IP_PROTO_TCP,
                         .tos = tos,
                         .ttl = 64,
                         .total_len = (uint16_t)(head + n)};

        ipv4_emit(&h, p);
    }
    if (n >= 18) {
        put16(tcp + 16, 0);
        put16(tcp + 16,
              csum_finish(ip_pseudo(&k->laddr, &k->raddr, IP_PROTO_TCP, n) + csum(tcp, n)));
    }
    return head;
}

uint32_t foe_build(const struct seg *s, const void *text, uint8_t *p)
{
    uint32_t head = gn_addr_is_v4(&s->key.laddr) ? IPV4_HEADER : IPV6_HEADER;
    uint32_t n = tcp_emit(s, p + head);

    if (text)
        memcpy(p + head + n, text, s->text_len);
    else
        memset(p + head + n, 'x', s->text_len);
    n += s->text_len;
    put_ip(&s->key, s->ecn, p, n);
    return head + n;
}

enum gn_drop foe_raw(struct foe *f, const void *packet, uint32_t len)
{
    uint8_t *p = malloc(len ? len : 1); /* of its own, so that reading beyond it is noticed */
    struct gn_frame frame = {.data = p, .len = len};
    struct gn_stats before = foe_stats(f), after;
    enum gn_drop d = GN_DROP_NONE;

    memcpy(p, packet, len);
    gn_host_input(f->host, &frame, 1, f->now);
    free(p);
    after = foe_stats(f);
    for (unsigned i = 1; i < GN_DROP_COUNT; i++)
        if (after.drop[i] != before.drop[i])
            d = (enum gn_drop)i;
    foe_pull(f);
    return d;
}

enum gn_drop foe_arrives(struct foe *f, const struct seg *s, const void *text)
{
    static uint8_t p[66000];

    return foe_raw(f, p, foe_build(s, text, p));
}

void foe_input(struct foe *f, const struct seg *s, const void *text)
{
    static uint8_t p[66000];
    struct gn_frame frame = {.data = p, .len = foe_build(s, text, p)};

    gn_host_input(f->host, &frame, 1, f->now);
}

enum gn_drop foe_tcp(struct foe *f, uint8_t *tcp, uint32_t len)
{
    uint8_t p[2048];
    uint32_t head = gn_addr_is_v4(&f->key.laddr) ? IPV4_HEADER : IPV6_HEADER;

    memcpy(p + head, tcp, len);
    put_ip(&f->key, 0, p, len);
    return foe_raw(f, p, head + len);
}

enum gn_drop foe_icmp(struct foe *f, unsigned code, unsigned mtu, const struct tcp_key *host_key,
                      uint32_t at, uint32_t quoted)
{
    uint8_t p[128] = {0}, *icmp = p + IPV4_HEADER, *q = icmp + 8;
    struct seg s = {.key = *host_key, .seq = seq(at), .ctl = CTL_ACK};
    uint32_t n = 8 + IPV4_HEADER + quoted;
    struct ipv4 h = {.src = address(false, 2),
                     .dst = address(false, 1),
                     .proto = 1,
                     .ttl = 64,
                     .total_len = (uint16_t)(IPV4_HEADER + n)};

    ipv4_emit(&h, p);
    icmp[0] = code > 255 ? (uint8_t)(code >> 8) : 3;
    icmp[1] = (uint8_t)code;
    put16(icmp + 6, (uint16_t)mtu);
    foe_build(&s, NULL, q);
    put16(q + 2, 1500); /* the packet was a full one */
    put16(q + 10, 0);
    put16(q + 10, csum_finish(csum(q, IPV4_HEADER)));
    put16(icmp + 2, csum_finish(csum(icmp, n)));
    return foe_raw(f, p, IPV4_HEADER + n);
}

enum gn_drop foe_say(struct foe *f, unsigned ctl, const void *text, uint32_t len)
{
    struct seg s = foe_seg(f, ctl);

    s.text_len = len;
    f->nxt += len + ((ctl & CTL_SYN) != 0) + ((ctl & CTL_FIN) != 0);
    return foe_arrives(f, &s, text);
}

/* --- what the host sends --- */

/** track() - what a peer learns from a segment */
static void track(struct foe *f, const struct seg *s)
{
    uint32_t end = s->seq.raw + seg_len(s);

    if (s->ctl & CTL_RST)
        return;
    if ((s->ctl & CTL_SYN) || (int32_t)(end - f->heard) > 0)
        f->heard = end;
    if (s->ctl & CTL_ACK)
        f->acked = s->ack.raw;
    f->wnd = s->wnd;
    if (s->opt.has & OPT_TS)
        f->tsecr = s->opt.tsval;
}

/** ip_ends() - the addresses of a packet, as its receiver sees them */
static void ip_ends(const uint8_t *p, struct tcp_key *k)
{
    if (p[0] >> 4 == 4) {
        k->raddr = ipv4_load(p + 12);
        k->laddr = ipv4_load(p + 16);
    } else {
        memcpy(k->raddr.b, p + 8, 16);
        memcpy(k->laddr.b, p + 24, 16);
    }
}

/** took() - one packet of the host */
static void took(struct foe *f, const struct gn_frame *fr)
{
    struct seg *s = &f->out[f->n_out % FOE_OUT];
    uint32_t head = fr->data[0] >> 4 == 4 ? IPV4_HEADER : IPV6_HEADER;

    f->sent++;
    f->sent_octets += fr->len;
    if (fr->data[head == IPV4_HEADER ? 9 : 6] != IP_PROTO_TCP)
        return;
    memset(s, 0, sizeof(*s));
    cr_assert_eq(tcp_parse(fr->data + head, fr->len - head, fr->tail, 0, s), GN_DROP_NONE);
    f->sent_rst += (s->ctl & CTL_RST) != 0;
    if (s->n_text)
        memcpy(f->text[f->n_out % FOE_OUT], s->text[0].ptr, min_u32(s->text[0].len, 128));
    s->ecn = head == IPV4_HEADER ? fr->data[1] & 3 : 0;
    f->n_out++;
    ip_ends(fr->data, &s->key);
    if (!memcmp(&s->key, &f->key, sizeof(f->key)))
        track(f, s);
}

unsigned foe_pull(struct foe *f)
{
    static uint8_t room[2048];
    struct gn_frame fr;

    f->n_out = 0;
    for (;;) {
        memset(&fr, 0, sizeof(fr));
        fr.buf = room;
        fr.cap = sizeof(room);
        if (!gn_host_output(f->host, &fr, 1, f->now))
            return f->n_out;
        took(f, &fr);
    }
}

void foe_pass(struct foe *f, gn_time span)
{
    gn_time end = f->now + span;
    unsigned n = 0, rounds = 0;

    for (;;) {
        struct gn_deadline d = gn_host_deadline(f->host);

        if (!d.armed || d.at > end)
            break;
        f->now = d.at > f->now ? d.at : f->now;
        n += foe_pull(f);
        cr_assert_lt(++rounds, 1000000, "deadlines that never pass");
    }
    f->now = end;
    f->n_out = n + foe_pull(f);
}

const struct seg *foe_last(const struct foe *f)
{
    cr_assert_gt(f->n_out, 0, "nothing was sent");
    return &f->out[(f->n_out - 1) % FOE_OUT];
}

/* --- connections --- */

/** offer() - the options of a SYN */
static void offer(struct foe *f, struct seg *s, unsigned has, uint16_t mss)
{
    s->opt.has = (uint8_t)(has | (mss ? OPT_MSS : 0));
    s->opt.mss = mss;
    s->opt.wscale = 7;
    s->opt.tsval = ++f->tsval;
    s->opt.tsecr = s->ctl & CTL_ACK ? f->tsecr : 0;
}

void foe_open(struct foe *f, unsigned has, uint16_t mss)
{
    struct seg s;

    f->key = (struct tcp_key){address(f->v6, 2), address(f->v6, 1), ++f->port, FOE_PORT};
    f->nxt = FOE_IRS;
    f->has = 0;
    s = foe_seg(f, CTL_SYN);
    offer(f, &s, has, mss);
    f->nxt++;
    cr_assert_eq(foe_arrives(f, &s, NULL), GN_DROP_NONE);
    cr_assert_eq(foe_last(f)->ctl & (CTL_SYN | CTL_ACK), CTL_SYN | CTL_ACK);
    f->has = has & foe_last(f)->opt.has;
    cr_assert_eq(foe_say(f, CTL_ACK, NULL, 0), GN_DROP_NONE);
    cr_assert_eq(gn_host_accept(f->host, f->listener, &f->c), GN_OK);
}

void foe_answer(struct foe *f, unsigned has)
{
    const struct seg *syn;
    struct seg s;

    foe_pull(f);
    syn = foe_last(f);
    cr_assert_eq(syn->ctl & (CTL_SYN | CTL_ACK), CTL_SYN);
    f->key = (struct tcp_key){address(f->v6, 2), address(f->v6, 1), syn->key.lport, syn->key.rport};
    f->heard = syn->seq.raw + 1;
    f->tsecr = syn->opt.tsval;
    f->nxt = FOE_IRS;
    f->has = 0;
    s = foe_seg(f, CTL_SYN | CTL_ACK);
    offer(f, &s, has & syn->opt.has, 1460);
    f->has = has & syn->opt.has;
    f->nxt++;
    cr_assert_eq(foe_arrives(f, &s, NULL), GN_DROP_NONE);
    cr_assert_eq(foe_state(f), GN_ESTABLISHED);
}

void foe_drop(struct foe *f)
{
    (void)gn_host_abort(f->host, f->c, f->now);
    foe_pull(f);
}

enum gn_state foe_state(const struct foe *f)
{
    struct gn_status st;

    return gn_host_status(f->host, f->c, f->now, &st) ? GN_CLOSED : st.state;
}

struct gn_status foe_status(const struct foe *f)
{
    struct gn_status st = {.state = GN_CLOSED};

    cr_assert_eq(gn_host_status(f->host, f->c, f->now, &st), GN_OK);
    return st;
}

struct gn_stats foe_stats(const struct foe *f)
{
    struct gn_stats s;

    gn_host_stats(f->host, &s);
    return s;
}

void foe_alive(struct foe *f)
{
    uint8_t buf[64];
    uint32_t was = f->heard;

    cr_assert_eq(gn_host_send(f->host, f->c, "gannet", 6, 0, f->now), 6);
    foe_pull(f);
    if (f->heard == was) /* Nagle or a probe timer: it may take its time */
        foe_pass(f, GN_SEC);
    cr_assert_eq(f->heard, was + 6, "the host does not send any more: %u", f->heard - was);
    cr_assert_eq(foe_say(f, CTL_ACK | CTL_PSH, "nothing to be done", 18), GN_DROP_NONE);
    cr_assert_eq(f->acked, f->nxt, "the host does not acknowledge any more");
    cr_assert_eq(gn_host_recv(f->host, f->c, buf, sizeof(buf), 0, f->now), 18);
    cr_assert_arr_eq(buf, "nothing to be done", 18);
    foe_pull(f);
    cr_assert_eq(foe_status(f).send_q, 0);
}

struct seg foe_stranger(struct foe *f, uint32_t who)
{
    struct seg s = {.seq = seq(who * 2654435761u), .ctl = CTL_SYN, .wnd = 65535};

    s.key.laddr = gn_addr_v4(11, (uint8_t)(who >> 16), (uint8_t)(who >> 8), (uint8_t)who);
    s.key.raddr = address(false, 1);
    s.key.lport = (uint16_t)(1024 + who % 60000);
    s.key.rport = FOE_PORT;
    (void)f;
    return s;
}
