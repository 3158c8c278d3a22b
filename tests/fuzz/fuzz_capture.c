/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_capture.c  libFuzzer target over link-layer headers and the passive observer: whatever
 * a capture holds, it must be told without harm.
 *
 * The first octet chooses a link type and whether packets come as they are or as segments of two
 * conversations, so that their states are reached. Each packet of the input has a length octet and
 * a delay octet before it. The oracle: transitions of an end form a chain that ends in its state,
 * what is sent again is of a known kind, no more connections are followed than allowed, a ladder
 * can be drawn within its bound, and all memory comes back.
 */
#include "base/bits.h"
#include "explain/passive_draw.h"
#include "explain/passive_link.h"
#include "lab/pages.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

#include <stdlib.h>

#define INPUT_MAX  4096
#define EVENTS_MAX 2048

/** MUST() - the oracle speaks */
#define MUST(c) ((c) ? (void)0 : abort())

/** What the observer has told. */
struct told {
    struct passive_event event[EVENTS_MAX];
    size_t n;
    uint64_t conns;
};

/** on_event() - passive_config.event: the first connection's segments are kept for a ladder */
static void on_event(void *ctx, const struct passive_event *e)
{
    struct told *t = ctx;

    MUST(e->from < 2 && e->n_sack <= TCPOPT_SACK_MAX);
    if (e->conn->number == 1 && t->n < EVENTS_MAX)
        t->event[t->n++] = *e;
}

/** check_end() - one end of a connection that is given up */
static void check_end(const struct passive_conn *c, unsigned x)
{
    const struct passive_side *s = &c->side[x];
    const struct fact_side *f = &c->seen.side[x];

    MUST(s->n_steps <= PASSIVE_STEPS && (s->known || s->state == GN_CLOSED));
    for (unsigned i = 0; i + 1 < s->n_steps; i++)
        MUST(s->step[i].to == s->step[i + 1].from);
    for (unsigned i = 0; i < s->n_steps; i++)
        MUST(s->step[i].to < GN_STATE_COUNT && s->step[i].cause < GN_CAUSE_COUNT);
    MUST(s->n_steps == 0 || s->step[s->n_steps - 1].to == (uint8_t)s->state);
    MUST(f->rto_retrans + f->fast_retrans + s->tail_probes + s->needless == f->retrans);
    MUST(s->rtt.kept <= 32 && s->rtt.kept <= s->rtt.n);
}

/** on_done() - passive_config.done */
static void on_done(void *ctx, const struct passive_conn *c)
{
    struct told *t = ctx;
    struct ladder_event *drawn;
    struct fact_conn fact;
    struct fact_seen seen;
    struct gn_transition history[PASSIVE_STEPS];

    t->conns++;
    for (unsigned x = 0; x < 2; x++) {
        check_end(c, x);
        passive_facts(c, x, c->last, &fact, &seen, history);
        MUST(fact.state == c->side[x].state && fact.n_history == c->side[x].n_steps);
    }
    MUST(c->near <= PASSIVE_NOBODY && c->seen.rst_by <= PASSIVE_NOBODY &&
         passive_rtt_median(c) <= UINT64_MAX / 2);
    MUST(c->reset < PASSIVE_RESET_COUNT);
    if (c->number != 1)
        return;
    drawn = calloc(PASSIVE_DRAW_MAX(t->n), sizeof *drawn);
    MUST(drawn);
    size_t n = passive_draw(c, t->event, t->n, drawn);
    MUST(n <= PASSIVE_DRAW_MAX(t->n));
    for (size_t i = 0; i + 1 < n; i++)
        MUST(drawn[i].kind <= LADDER_NOTE && drawn[i].end < 2);
    free(drawn);
}

/** forge_segment() - eight octets of input as a segment of one of two conversations; its length */
static uint32_t forge_segment(const uint8_t *in, uint8_t *p)
{
    static const uint16_t flags[16] = {
        CTL_SYN,           CTL_SYN | CTL_ACK, CTL_ACK,           CTL_ACK,
        CTL_ACK,           CTL_ACK | CTL_PSH, CTL_ACK | CTL_FIN, CTL_ACK | CTL_FIN,
        CTL_RST,           CTL_RST | CTL_ACK, CTL_FIN,           0,
        CTL_SYN | CTL_FIN, CTL_ACK | CTL_URG, CTL_SYN,           CTL_ACK};
    unsigned e = in[0] & 1, conv = in[0] >> 1 & 1;
    struct seg s = {.ctl = flags[in[1] & 15], .wnd = (uint16_t)(in[2] << 5)};
    uint32_t iss[2] = {UINT32_MAX - 20, 1000}, text = in[5] & 3 ? 0 : in[5] * 8u;

    s.key.lport = e ? 80 : 40000;
    s.key.rport = e ? (uint16_t)(40000 + conv) : 80;
    if (!e)
        s.key.lport = (uint16_t)(40000 + conv);
    s.seq = seq(iss[e] + in[3] * (in[0] & 4 ? 1u : 40u));
    s.ack = seq(iss[e ^ 1u] + in[4] * (in[0] & 8 ? 1u : 40u));
    if (in[6] & 1) {
        s.opt.has |= OPT_TS;
        s.opt.tsval = in[6];
    }
    if (in[7] & 1) {
        s.opt.has |= OPT_SACK;
        s.opt.n_sack = 1;
        s.opt.sack[0].l = seq(iss[e ^ 1u] + in[7] * 40u);
        s.opt.sack[0].r = seq(iss[e ^ 1u] + in[7] * 40u + 400);
    }
    if (s.ctl & CTL_SYN)
        s.opt.has |= OPT_MSS;
    s.opt.mss = 1460;
    uint32_t header = tcp_emit(&s, p + IPV4_HEADER);
    struct ipv4 h = {.src = gn_addr_v4(10, 0, 0, (uint8_t)(1 + e)),
                     .dst = gn_addr_v4(10, 0, 0, (uint8_t)(2 - e)),
                     .proto = 6,
                     .ttl = 64,
                     .ident = (uint16_t)(in[6] >> 4),
                     .total_len = (uint16_t)(IPV4_HEADER + header + text)};
    (void)ipv4_emit(&h, p);
    return IPV4_HEADER + header;
}

/** feed() - all packets of the input */
static void feed(struct passive *p, const uint8_t *data, size_t size)
{
    static const int types[] = {LINK_RAW,  LINK_ETHERNET, LINK_SLL,  LINK_SLL2,
                                LINK_NULL, LINK_PPP,      LINK_LOOP, LINK_RAW};
    int type = types[data[0] & 7];
    bool forged = data[0] & 0x80;
    gn_time at = GN_SEC;
    size_t i = 1;

    while (i + 2 < size) {
        uint32_t len = data[i], skip;
        uint8_t segment[128];
        at += (gn_time)data[i + 1] * data[i + 1] * 100 * GN_USEC;
        i += 2;
        len = forged ? 8 : len;
        if (len > size - i)
            len = (uint32_t)(size - i);
        if (forged && len == 8) {
            uint32_t n = forge_segment(data + i, segment);
            passive_feed(p, at, segment, n, n + 2048);
        } else if (passive_link_ip(type, data + i, len, &skip) && skip < len) {
            uint8_t *exact = malloc(len - skip); /* so that any read outside is seen */
            MUST(exact);
            memcpy(exact, data + i + skip, len - skip);
            passive_feed(p, at, exact, len - skip, len - skip + (data[i] & 63u));
            free(exact);
        } else {
            passive_skip(p, at);
        }
        i += len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct told told;
    struct lab_pages pages = {0};
    struct passive_config c = {.pages = lab_pages(&pages),
                               .budget = 1 << 20,
                               .max_conns = 3,
                               .event = on_event,
                               .done = on_done,
                               .ctx = &told};

    if (size < 1 || size > INPUT_MAX)
        return 0;
    told.n = 0;
    told.conns = 0;
    struct passive *p = passive_new(&c);
    MUST(p);
    feed(p, data, size);
    passive_end(p);
    const struct passive_stats *s = passive_stats(p);
    MUST(told.conns == s->conns && s->tcp + s->other + s->malformed + s->fragments <= s->packets);
    passive_free(p);
    MUST(pages.out == 0);
    return 0;
}
