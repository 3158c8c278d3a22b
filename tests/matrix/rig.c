/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rig.c  See rig.h.
 */
#include "rig.h"

#include "base/bits.h"
#include "ip/ip.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* --- memory: blocks are kept for the next host --- */

#define SIZES 32
static struct spare {
    struct spare *next;
} * spares[SIZES];

static void *pages_alloc(void *ctx, size_t bytes)
{
    struct spare **s = &spares[__builtin_ctzl(bytes)];
    struct spare *p = *s;

    (void)ctx;
    if (!p)
        return aligned_alloc(4096, bytes);
    *s = p->next;
    return p;
}

static void pages_free(void *ctx, void *block, size_t bytes)
{
    struct spare **s = &spares[__builtin_ctzl(bytes)];
    struct spare *p = block;

    (void)ctx;
    p->next = *s;
    *s = p;
}

/* --- addresses --- */

static struct gn_addr address(bool v6, uint8_t last)
{
    struct gn_addr a = gn_addr_v4(10, 0, 0, last);

    if (v6)
        a = (struct gn_addr){.b = {[0] = 0xfd, [15] = last}};
    return a;
}

struct gn_endpoint rig_ours(const struct rig *r, uint16_t port)
{
    return (struct gn_endpoint){address(r->set.v6, 1), port};
}

struct gn_endpoint rig_peer(const struct rig *r)
{
    return (struct gn_endpoint){address(r->set.v6, 2), r->peer_port};
}

/* --- the host --- */

void rig_init(struct rig *r, struct setting set)
{
    memset(r, 0, sizeof(*r));
    r->set = set;
    r->now = 1000 * GN_SEC;
    r->peer_port = 1024;
    r->tsval = 5000;
    gn_conf_default(&r->conf);
    r->conf.tcp_delack = 0;
    r->conf.tcp_invalid_ratelimit = 0;
    r->conf.tcp_rmem_default = r->conf.tcp_rmem_max = 3000;
    r->conf.tcp_moderate_rcvbuf = 0;
    r->conf.tcp_nodelay = 1;
}

void rig_up(struct rig *r)
{
    struct gn_host_config c = {.conf = r->conf,
                               .pages = {.alloc = pages_alloc, .free = pages_free}};
    struct gn_iface f = {.medium = GN_MEDIUM_IP, .mtu = 1500};

    memset(c.secret, 0x5a, sizeof(c.secret));
    r->host = gn_host_new(&c, r->now, NULL);
    cr_assert_not_null(r->host);
    cr_assert_eq(gn_host_add_iface(r->host, &f), 0);
    cr_assert_eq(gn_host_add_addr(r->host, 0, address(false, 1), 24), GN_OK);
    cr_assert_eq(gn_host_add_addr(r->host, 0, address(true, 1), 64), GN_OK);
    cr_assert_eq(gn_host_listen(r->host, rig_ours(r, RIG_PORT), 64, NULL, &r->listener), GN_OK);
    cr_assert_eq(gn_host_set_option(r->host, r->listener, GN_OPT_OOBINLINE, 1, r->now), GN_OK);
}

void rig_fini(struct rig *r)
{
    gn_host_free(r->host);
    r->host = NULL;
    for (unsigned i = 0; i < SIZES; i++) {
        while (spares[i]) {
            struct spare *next = spares[i]->next;

            free(spares[i]);
            spares[i] = next;
        }
    }
}

/* --- packets out of the host --- */

/** track() - what a peer learns from a segment of the host */
static void track(struct rig *r, const struct seg *s)
{
    struct block *b = &r->b;
    uint32_t end = s->seq.raw + seg_len(s);

    if (s->ctl & CTL_RST)
        return;
    if ((s->ctl & CTL_SYN) && b->state <= GN_SYN_SENT)
        b->iss = b->una = s->seq.raw, b->nxt = end;
    if ((int32_t)(end - b->nxt) > 0)
        b->nxt = end;
    b->fin_sent |= (s->ctl & CTL_FIN) != 0;
    if (s->ctl & CTL_ACK) {
        b->rcv_nxt = b->last_ack_sent = s->ack.raw;
        b->rcv_wnd = s->wnd;
    } else {
        b->rcv_wnd = s->wnd;
    }
}

/** took() - a packet of the host, read by the wire layer */
static void took(struct rig *r, const struct gn_frame *f)
{
    struct seg *s = &r->out[r->n_out % RIG_OUT];
    uint32_t head = r->set.v6 ? IPV6_HEADER : IPV4_HEADER;

    memset(s, 0, sizeof(*s));
    cr_assert_eq(tcp_parse(f->data + head, f->len - head, f->tail, 0, s), GN_DROP_NONE);
    if (s->key.lport != r->peer_port)
        return; /* of an earlier connection */
    r->n_out++;
    track(r, s);
}

void rig_pull(struct rig *r)
{
    static uint8_t room[2048];
    struct gn_frame f;

    r->n_out = 0;
    for (;;) {
        memset(&f, 0, sizeof(f));
        f.buf = room;
        f.cap = sizeof(room);
        if (!gn_host_output(r->host, &f, 1, r->now))
            break;
        took(r, &f);
    }
}

void rig_pass(struct rig *r, gn_time span)
{
    gn_time end = r->now + span;

    for (;;) {
        struct gn_deadline d = gn_host_deadline(r->host);

        if (!d.armed || d.at > end)
            break;
        if (d.at > r->now)
            r->now = d.at;
        rig_pull(r);
        if (r->n_out)
            return;
    }
    r->now = end;
    rig_pull(r);
}

/* --- packets into the host --- */

/** emit() - IP and TCP headers in front of @n octets of text; the length */
static uint32_t emit(const struct rig *r, const struct seg *s, uint8_t *p)
{
    struct gn_addr src = address(r->set.v6, 2), dst = address(r->set.v6, 1);
    uint32_t head = r->set.v6 ? IPV6_HEADER : IPV4_HEADER;
    uint32_t n = tcp_emit(s, p + head);

    memset(p + head + n, 'x', s->text_len);
    n += s->text_len;
    if (r->set.v6) {
        struct ipv6 h = {
            .src = src, .dst = dst, .next = IP_PROTO_TCP, .hlim = 64, .total_len = head + n};

        ipv6_emit(&h, p);
    } else {
        struct ipv4 h = {.src = src,
                         .dst = dst,
                         .proto = IP_PROTO_TCP,
                         .ttl = 64,
                         .total_len = (uint16_t)(head + n)};

        ipv4_emit(&h, p);
    }
    put16(p + head + 16, csum_finish(ip_pseudo(&src, &dst, IP_PROTO_TCP, n) + csum(p + head, n)));
    return head + n;
}

/** spoil() - break a finished packet; the length that is left of it */
static uint32_t spoil(const struct rig *r, uint8_t *p, uint32_t len)
{
    uint32_t head = r->set.v6 ? IPV6_HEADER : IPV4_HEADER;

    switch (r->defect) {
    case SOUND:
    case DEFECTS: break;
    case BAD_CHECKSUM: p[head + 16] ^= 0x40; break;
    case SHORT_OFFSET: p[head + 12] = 4 << 4; break;
    case LONG_OFFSET: p[head + 12] = 15 << 4; break;
    case CUT_OFF: return head + TCP_HEADER_MIN - 1;
    }
    return len;
}

void rig_arrive(struct rig *r, const struct arrival_seg *s)
{
    uint8_t p[2048];
    struct seg t = {.key = {.lport = r->peer_port, .rport = r->key.lport},
                    .seq = seq(s->seq),
                    .ack = seq(s->ack),
                    .ctl = (uint16_t)s->ctl,
                    .wnd = (uint16_t)s->wnd,
                    .up = (uint16_t)s->up,
                    .text_len = s->text};
    struct gn_frame f = {.data = p};

    if (s->ts) {
        t.opt.has = OPT_TS;
        t.opt.tsval = s->tsval;
    }
    f.len = spoil(r, p, emit(r, &t, p));
    gn_host_input(r->host, &f, 1, r->now);
    rig_pull(r);
}

void rig_say(struct rig *r, unsigned ctl, uint32_t text)
{
    struct block *b = &r->b;
    struct arrival_seg s = {.seq = r->peer_nxt,
                            .ack = ctl & CTL_ACK ? b->nxt : 0,
                            .wnd = RIG_PEER_WND,
                            .text = text,
                            .ctl = ctl,
                            .ts = r->set.ts,
                            .tsval = ++r->tsval};

    r->peer_nxt += text + ((ctl & CTL_SYN) != 0) + ((ctl & CTL_FIN) != 0);
    if (ctl & CTL_ACK)
        b->una = b->nxt;
    b->wnd = b->max_wnd = RIG_PEER_WND;
    b->wl1 = s.seq;
    b->wl2 = s.ack;
    b->ts_recent = s.tsval;
    rig_arrive(r, &s);
}

/* --- looking --- */

/** find() - by walking: of @kind, or of any kind but a half-open one if @kind is negative */
static bool find(struct rig *r, int kind, struct gn_status *ret)
{
    uint64_t cursor = 0;

    while (gn_host_walk(r->host, &cursor, r->now, ret)) {
        if (ret->kind != GN_KIND_LISTENER && ret->remote.port == r->peer_port &&
            (kind < 0 || (int)ret->kind == kind))
            return true;
    }
    return false;
}

bool rig_status(struct rig *r, struct gn_status *ret)
{
    if (r->c != GN_NO_HANDLE)
        return gn_host_status(r->host, r->c, r->now, ret) == GN_OK;
    return find(r, -1, ret);
}

bool rig_half_open(struct rig *r, struct gn_status *ret)
{
    return find(r, GN_KIND_HALF_OPEN, ret);
}

unsigned rig_take_events(struct rig *r)
{
    struct gn_event ev;
    unsigned what = 0;

    while (gn_host_events(r->host, &ev, 1))
        what |= ev.handle == r->c ? ev.what : 0;
    return what;
}

/* --- bringing states about --- */

/** read_all() - the user reads what there is */
static uint32_t read_all(struct rig *r)
{
    char buf[4096];
    uint32_t sum = 0;
    int64_t n;

    while ((n = gn_host_recv(r->host, r->c, buf, sizeof(buf), 0, r->now)) > 0)
        sum += (uint32_t)n;
    return sum;
}

/** write_octets() - the user sends @n octets, which leave */
static void write_octets(struct rig *r, size_t n)
{
    static const char zeros[1024];

    cr_assert_eq(gn_host_send(r->host, r->c, zeros, n, 0, r->now), (int64_t)n);
    rig_pull(r);
}

/** open_connection() - up to SYN-SENT, or SYN-RECEIVED by a listener */
static void open_connection(struct rig *r, bool passive)
{
    r->peer_nxt = RIG_IRS;
    r->b.passive = passive;
    r->b.ts = r->set.ts;
    r->b.ts_offered = true;
    r->b.heir = passive;
    r->key.lport = RIG_PORT;
    if (passive) {
        rig_say(r, CTL_SYN, 0);
        r->b.state = GN_SYN_RECEIVED;
    } else {
        cr_assert_eq(gn_host_connect(r->host, rig_ours(r, 0), rig_peer(r), NULL, r->now, &r->c),
                     GN_OK);
        cr_assert_eq(gn_host_set_option(r->host, r->c, GN_OPT_OOBINLINE, 1, r->now), GN_OK);
        rig_pull(r);
        cr_assert_eq(r->n_out, 1);
        r->key.lport = r->out[0].key.rport;
        r->b.state = GN_SYN_SENT;
    }
    r->b.irs = RIG_IRS;
}

/** open_done() - ESTABLISHED, and some octets have gone either way */
static void open_done(struct rig *r)
{
    rig_say(r, r->b.passive ? CTL_ACK : CTL_SYN | CTL_ACK, 0);
    if (r->b.passive)
        cr_assert_eq(gn_host_accept(r->host, r->listener, &r->c), GN_OK);
    r->b.state = GN_ESTABLISHED;
    write_octets(r, 300);
    rig_say(r, CTL_ACK, 0);
    rig_say(r, CTL_ACK, 200);
    cr_assert_eq(read_all(r), 200);
    rig_pull(r);
}

/** close_window() - text that nobody reads, up to @spare octets before the edge */
static void close_window(struct rig *r, uint32_t spare)
{
    while (r->b.rcv_wnd > spare) {
        uint32_t n = r->b.rcv_wnd - spare;

        n = n > 1400 ? 1400 : n;
        r->unread += n;
        rig_say(r, CTL_ACK, n);
    }
}

/** close_ours() - the user closes: half, or altogether */
static void close_ours(struct rig *r, bool orphan)
{
    if (orphan) {
        cr_assert_eq(gn_host_close(r->host, r->c, r->now), GN_OK);
        r->c = GN_NO_HANDLE;
        r->b.orphan = true;
    } else {
        cr_assert_eq(gn_host_shutdown(r->host, r->c, r->now), GN_OK);
    }
    rig_pull(r);
}

/** fin_of_peer() - the peer's FIN; it acknowledges nothing that is in flight */
static void fin_of_peer(struct rig *r)
{
    uint32_t una = r->b.una, nxt = r->b.nxt;

    r->b.nxt = una;
    rig_say(r, CTL_FIN | CTL_ACK, 0);
    r->b.nxt = nxt;
    r->b.una = una;
}

/** go_on() - from ESTABLISHED to @si; 200 octets are in flight where there may be any */
static void go_on(struct rig *r, const struct situation *si)
{
    bool peer_closes_first = si->state == GN_CLOSE_WAIT || si->state == GN_LAST_ACK;
    bool peer_closes = peer_closes_first || si->state == GN_CLOSING || si->state == GN_TIME_WAIT;
    bool half = si->state == GN_FIN_WAIT_2 || si->state == GN_TIME_WAIT;

    if (r->set.closed_window)
        close_window(r, peer_closes);
    if (peer_closes_first)
        fin_of_peer(r);
    if (!half) {
        write_octets(r, 100);
        write_octets(r, 100);
    }
    if (si->state != GN_ESTABLISHED && si->state != GN_CLOSE_WAIT)
        close_ours(r, si->orphan && si->state != GN_TIME_WAIT);
    if (half)
        rig_say(r, CTL_ACK, 0);
    if (si->state == GN_CLOSING || si->state == GN_TIME_WAIT)
        fin_of_peer(r);
    if (si->state == GN_TIME_WAIT && si->orphan) {
        close_ours(r, true);
        /* a record keeps no windows: nothing can follow the peer's FIN, and for MAX.SND.WND RFC
         * 5961 5.2 allows the largest that there is; nor our ISS */
        r->b.rcv_wnd = 0;
        r->b.max_wnd = 65535u << 14;
        r->b.iss = r->b.una - r->b.max_wnd - 1;
    }
    r->b.state = si->state;
}

void rig_make(struct rig *r, const struct situation *si)
{
    struct gn_status st;

    r->c = GN_NO_HANDLE;
    r->b = (struct block){.state = si->state, .ts_offered = true};
    r->peer_port++;
    r->unread = 0;
    r->peer_nxt = RIG_IRS;
    r->key.lport = si->state == GN_LISTEN ? RIG_PORT : RIG_PORT + 1;
    if (si->state == GN_CLOSED || si->state == GN_LISTEN)
        return;
    r->b.state = GN_CLOSED;
    open_connection(r, si->passive);
    if (si->state == GN_SYN_RECEIVED && !si->passive) {
        rig_say(r, CTL_SYN, 0);
        r->b.state = GN_SYN_RECEIVED;
    } else if (si->state > GN_SYN_RECEIVED) {
        open_done(r);
        go_on(r, si);
    }
    rig_take_events(r);
    cr_assert(rig_status(r, &st), "%s cannot be brought about", si->name);
    cr_assert_eq(st.state, si->state, "%s: %s", si->name, gn_state_name(st.state));
    cr_assert_eq(r->b.rcv_wnd == 0, r->set.closed_window || st.kind == GN_KIND_TIME_WAIT,
                 "%s: window %u", si->name, r->b.rcv_wnd);
}

void rig_drop(struct rig *r)
{
    if (r->c != GN_NO_HANDLE)
        (void)gn_host_abort(r->host, r->c, r->now);
    r->c = GN_NO_HANDLE;
    rig_pull(r);
}

/* clang-format off */
const struct situation situations[] = {
    /* name   state             passive orphan */
    {"CLO",   GN_CLOSED,        false,  false},
    {"LIS",   GN_LISTEN,        true,   false},
    {"SS",    GN_SYN_SENT,      false,  false},
    {"SR/p",  GN_SYN_RECEIVED,  true,   false}, /* a half-open entry */
    {"SR/a",  GN_SYN_RECEIVED,  false,  false}, /* a block */
    {"EST",   GN_ESTABLISHED,   false,  false},
    {"FW1",   GN_FIN_WAIT_1,    true,   false},
    {"FW2",   GN_FIN_WAIT_2,    false,  false},
    {"CW",    GN_CLOSE_WAIT,    true,   false},
    {"CLG",   GN_CLOSING,       false,  false},
    {"LA",    GN_LAST_ACK,      true,   false},
    {"TW",    GN_TIME_WAIT,     true,   false}, /* a block */
    {"FW1/o", GN_FIN_WAIT_1,    false,  true},
    {"FW2/o", GN_FIN_WAIT_2,    true,   true},
    {"CLG/o", GN_CLOSING,       true,   true},
    {"LA/o",  GN_LAST_ACK,      false,  true},
    {"TW/o",  GN_TIME_WAIT,     true,   true}, /* a record */
};
/* clang-format on */
const unsigned n_situations = sizeof(situations) / sizeof(situations[0]);

const struct situation *situation(const char *name)
{
    for (unsigned i = 0; i < n_situations; i++) {
        if (!strcmp(situations[i].name, name))
            return &situations[i];
    }
    cr_assert_fail("no situation %s", name);
    return NULL;
}

bool setting_exists(const struct situation *si, struct setting set)
{
    if (set.closed_window)
        return si->state >= GN_ESTABLISHED && !si->orphan;
    return !set.ts || si->state != GN_CLOSED;
}
