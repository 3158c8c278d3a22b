/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain/passive.h"

#include "base/bits.h"
#include "explain/passive_link.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MS GN_MSEC
#define A  0
#define B  1

/** What the observer has told. */
struct seen {
    struct passive *p;
    struct passive_conn conn[16];
    unsigned n;
    uint32_t marks; /* of the last segment */
    int64_t blocks; /* octets that the page source has lent */
};

static void *lend(void *ctx, size_t bytes)
{
    ((struct seen *)ctx)->blocks += (int64_t)bytes;
    return aligned_alloc(64, bytes);
}

static void take_back(void *ctx, void *block, size_t bytes)
{
    ((struct seen *)ctx)->blocks -= (int64_t)bytes;
    free(block);
}

static void on_event(void *ctx, const struct passive_event *e)
{
    ((struct seen *)ctx)->marks = e->marks;
}

static void on_done(void *ctx, const struct passive_conn *c)
{
    struct seen *s = ctx;

    cr_assert_lt(s->n, 16);
    s->conn[s->n++] = *c;
}

static void begin_with(struct seen *s, uint32_t max, uint64_t budget)
{
    struct passive_config c = {.pages = {lend, take_back, s},
                               .budget = budget,
                               .max_conns = max,
                               .event = on_event,
                               .done = on_done,
                               .ctx = s};

    *s = (struct seen){0};
    s->p = passive_new(&c);
    cr_assert_not_null(s->p);
}

static void begin(struct seen *s)
{
    begin_with(s, 8, 4 << 20);
}

static const struct passive_conn *finish(struct seen *s)
{
    passive_end(s->p);
    passive_free(s->p);
    cr_assert_eq(s->blocks, 0);
    return s->n ? &s->conn[s->n - 1] : NULL;
}

/** One segment; what is not set is what it mostly is. */
struct say {
    unsigned from;
    uint16_t ctl;
    uint32_t seq, ack, len;
    uint16_t wnd;  /* 0: 1000; SHUT: zero */
    uint16_t port; /* A's, 0: 40000 */
    uint16_t ident;
    uint32_t ts;             /* 0: no timestamp */
    uint32_t sack_l, sack_r; /* r 0: none */
};
#define SHUT               0xffff
#define SEG(f, c, s, a, l) .from = (f), .ctl = (c), .seq = (s), .ack = (a), .len = (l)

/** packet() - the segment with its IP header; octets that exist */
static uint32_t packet(const struct say *y, uint8_t *p)
{
    uint16_t port = y->port ? y->port : 40000;
    struct seg s = {.ctl = y->ctl, .wnd = y->wnd == SHUT ? 0 : y->wnd ? y->wnd : 1000};

    s.key.lport = y->from == A ? port : 80;
    s.key.rport = y->from == A ? 80 : port;
    s.seq = seq(y->seq);
    s.ack = seq(y->ack);
    if (y->ctl & CTL_SYN) {
        s.opt.has = OPT_MSS | OPT_SACKOK;
        s.opt.mss = 1460;
    }
    if (y->ts) {
        s.opt.has |= OPT_TS;
        s.opt.tsval = y->ts;
    }
    if (y->sack_r) {
        s.opt.has |= OPT_SACK;
        s.opt.n_sack = 1;
        s.opt.sack[0] = (struct tcpopt_sack){seq(y->sack_l), seq(y->sack_r)};
    }
    uint32_t header = tcp_emit(&s, p + IPV4_HEADER);
    struct ipv4 h = {.src = gn_addr_v4(10, 0, 0, (uint8_t)(1 + y->from)),
                     .dst = gn_addr_v4(10, 0, 0, (uint8_t)(2 - y->from)),
                     .proto = 6,
                     .ttl = 64,
                     .ident = y->ident,
                     .total_len = (uint16_t)(IPV4_HEADER + header + y->len)};
    (void)ipv4_emit(&h, p);
    return IPV4_HEADER + header;
}

/** say() - headers only, as a short snap length leaves them; the marks of the segment */
static uint32_t say(struct seen *s, gn_time at, struct say y)
{
    uint8_t p[128];
    uint32_t n = packet(&y, p);

    s->marks = 0;
    passive_feed(s->p, at, p, n, n + y.len);
    return s->marks;
}

/** open_at() - a handshake 0..20 ms, seen at A, numbers from @a and @b */
static void open_at(struct seen *s, uint32_t a, uint32_t b)
{
    say(s, 0, (struct say){SEG(A, CTL_SYN, a - 1, 0, 0)});
    say(s, 20 * MS, (struct say){SEG(B, CTL_SYN | CTL_ACK, b - 1, a, 0)});
    say(s, 20 * MS, (struct say){SEG(A, CTL_ACK, a, b, 0)});
}

Test(passive, a_life_across_the_wrap_of_sequence_numbers)
{
    static const uint32_t starts[] = {1, 0xffffffffu, 0xfffffff0u, 0x7ffffff0u};

    for (unsigned i = 0; i < 4; i++) {
        struct seen s;
        uint32_t a = starts[i], b = starts[3 - i];
        begin(&s);
        open_at(&s, a, b);
        say(&s, 50 * MS, (struct say){SEG(A, CTL_ACK, a, b, 100)});
        say(&s, 70 * MS, (struct say){SEG(B, CTL_ACK, b, a + 100, 3000)});
        say(&s, 70 * MS, (struct say){SEG(A, CTL_ACK, a + 100, b + 3000, 0)});
        say(&s, 90 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, a + 100, b + 3000, 0)});
        say(&s, 110 * MS, (struct say){SEG(B, CTL_ACK | CTL_FIN, b + 3000, a + 101, 0)});
        say(&s, 110 * MS, (struct say){SEG(A, CTL_ACK, a + 101, b + 3001, 0)});
        const struct passive_conn *c = finish(&s);
        cr_assert_eq(c->side[A].state, GN_TIME_WAIT);
        cr_assert_eq(c->side[B].state, GN_CLOSED);
        cr_assert_eq(c->seen.side[A].bytes, 100);
        cr_assert_eq(c->seen.side[B].bytes, 3000);
        cr_assert_eq(c->seen.side[A].retrans + c->seen.side[B].retrans, 0);
        cr_assert_eq(c->remarks, 0, "%#x", c->remarks);
        cr_assert_eq(passive_rtt_min(c), 20 * MS);
        cr_assert_eq(c->near, A);
    }
}

Test(passive, midway_both_ends_were_there_before)
{
    struct seen s;
    begin(&s);
    say(&s, 0, (struct say){SEG(B, CTL_ACK, 5000, 100, 500)});
    say(&s, 1 * MS, (struct say){SEG(A, CTL_ACK, 100, 5500, 0)});
    say(&s, 2 * MS, (struct say){SEG(B, CTL_ACK | CTL_FIN, 5500, 100, 0)});
    say(&s, 3 * MS, (struct say){SEG(A, CTL_ACK, 100, 5501, 0)});
    const struct passive_conn *c = finish(&s);
    cr_assert(c->remarks & PASSIVE_R_MIDWAY);
    cr_assert(c->seen.inferred && !c->seen.from_start);
    cr_assert_eq(c->seen.opener, PASSIVE_NOBODY);
    cr_assert_eq(c->end[0].port, 80, "who is heard first comes first");
    cr_assert_eq(c->side[0].state, GN_FIN_WAIT_2);
    cr_assert_eq(c->side[1].state, GN_CLOSE_WAIT);
}

Test(passive, a_syn_ack_that_is_missing_is_inferred)
{
    struct seen s;
    begin(&s);
    say(&s, 0, (struct say){SEG(A, CTL_SYN, 0, 0, 0)});
    say(&s, 20 * MS, (struct say){SEG(A, CTL_ACK, 1, 901, 0)});
    say(&s, 20 * MS, (struct say){SEG(A, CTL_ACK, 1, 901, 10)});
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].state, GN_ESTABLISHED);
    cr_assert_eq(c->side[B].state, GN_ESTABLISHED);
    cr_assert(c->side[A].step[1].inferred && c->side[B].step[1].inferred);
    cr_assert(c->remarks & PASSIVE_R_ONE_WAY);
}

Test(passive, half_of_the_fin_is_not_presumed_from_a_fin_that_was_lost)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 100 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, 1, 1, 0)});
    say(&s, 400 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, 1, 1, 0)});
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].state, GN_FIN_WAIT_1);
    cr_assert_eq(c->side[B].state, GN_ESTABLISHED);
    cr_assert_eq(c->seen.side[A].rto_retrans, 1);
}

Test(passive, a_presumption_is_taken_back_when_the_fin_comes_again)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 100 * MS, (struct say){SEG(B, CTL_ACK | CTL_FIN, 1, 1, 0)});
    say(&s, 100 * MS, (struct say){SEG(A, CTL_ACK, 1, 2, 0)});
    say(&s, 200 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, 1, 2, 0)});
    say(&s, 220 * MS, (struct say){SEG(B, CTL_ACK, 2, 2, 0)});
    cr_assert(say(&s, 400 * MS, (struct say){SEG(B, CTL_ACK | CTL_FIN, 1, 2, 0)}) &
              PASSIVE_NEEDLESS);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[B].state, GN_TIME_WAIT, "the FIN of A proves more than the ACK did");
    cr_assert_eq(c->side[B].needless, 1);
}

Test(passive, out_of_order_or_lost_before_by_time)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    cr_assert(say(&s, 30 * MS, (struct say){SEG(B, CTL_ACK, 1001, 1, 1000)}) & PASSIVE_GAP);
    cr_assert_eq(say(&s, 31 * MS, (struct say){SEG(B, CTL_ACK, 1, 1, 1000)}), PASSIVE_OUT_OF_ORDER);
    cr_assert(say(&s, 32 * MS, (struct say){SEG(B, CTL_ACK, 3001, 1, 1000)}) & PASSIVE_GAP);
    uint32_t marks = say(&s, 60 * MS, (struct say){SEG(B, CTL_ACK, 2001, 1, 1000)});
    cr_assert(marks & PASSIVE_FILLS && marks & PASSIVE_RETRANS, "%#x", marks);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->seen.side[B].out_of_order, 1);
    cr_assert_eq(c->seen.side[B].lost_before, 1);
    cr_assert_eq(c->seen.side[B].bytes, 4000);
}

Test(passive, timestamps_tell_what_was_sent_first)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 30 * MS,
        (struct say){.from = B, .ctl = CTL_ACK, .seq = 1001, .ack = 1, .len = 1000, .ts = 50});
    uint32_t late =
        say(&s, 90 * MS,
            (struct say){.from = B, .ctl = CTL_ACK, .seq = 1, .ack = 1, .len = 1000, .ts = 49});
    cr_assert_eq(late, PASSIVE_OUT_OF_ORDER, "older, however late: %#x", late);
    say(&s, 91 * MS,
        (struct say){.from = B, .ctl = CTL_ACK, .seq = 3001, .ack = 1, .len = 1000, .ts = 51});
    uint32_t soon =
        say(&s, 92 * MS,
            (struct say){.from = B, .ctl = CTL_ACK, .seq = 2001, .ack = 1, .len = 1000, .ts = 52});
    cr_assert(soon & PASSIVE_FILLS, "newer, however soon: %#x", soon);
    (void)finish(&s);
}

Test(passive, why_something_is_sent_again)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    for (uint32_t i = 0; i < 6; i++)
        say(&s, 30 * MS, (struct say){SEG(A, CTL_ACK, 1 + i * 1000, 1, 1000)});
    for (uint32_t i = 0; i < 3; i++)
        cr_assert(say(&s, (51 + i) * MS,
                      (struct say){.from = B,
                                   .ctl = CTL_ACK,
                                   .seq = 1,
                                   .ack = 1,
                                   .sack_l = 1001,
                                   .sack_r = 2001 + i * 1000}) &
                  PASSIVE_DUP_ACK);
    cr_assert(say(&s, 54 * MS, (struct say){SEG(A, CTL_ACK, 1, 1, 1000)}) & PASSIVE_FAST);
    say(&s, 75 * MS, (struct say){SEG(B, CTL_ACK, 1, 6001, 0)});
    say(&s, 80 * MS, (struct say){SEG(A, CTL_ACK, 6001, 1, 500)});
    cr_assert(say(&s, 130 * MS, (struct say){SEG(A, CTL_ACK, 6001, 1, 500)}) & PASSIVE_TAIL_PROBE);
    cr_assert(say(&s, 350 * MS, (struct say){SEG(A, CTL_ACK, 6001, 1, 500)}) & PASSIVE_RTO);
    cr_assert(say(&s, 790 * MS, (struct say){SEG(A, CTL_ACK, 6001, 1, 500)}) & PASSIVE_RTO);
    say(&s, 810 * MS, (struct say){SEG(B, CTL_ACK, 1, 6501, 0)});
    cr_assert(say(&s, 1000 * MS, (struct say){SEG(A, CTL_ACK, 6001, 1, 500)}) & PASSIVE_NEEDLESS);
    cr_assert(
        say(&s, 1020 * MS,
            (struct say){
                .from = B, .ctl = CTL_ACK, .seq = 1, .ack = 6501, .sack_l = 6001, .sack_r = 6501}) &
        PASSIVE_D_SACK);
    const struct passive_conn *c = finish(&s);
    const struct fact_side *a = &c->seen.side[A];
    cr_assert_eq(a->retrans, 5);
    cr_assert_eq(a->fast_retrans, 1);
    cr_assert_eq(a->rto_retrans, 2);
    cr_assert_eq(c->side[A].tail_probes, 1);
    cr_assert_eq(c->side[A].needless, 1);
    cr_assert_eq(c->side[A].bytes_again, 1000 + 4 * 500);
    cr_assert_eq(c->side[B].d_sacks, 1);
    cr_assert_eq(c->seen.side[B].dup_acks, 3);
}

Test(passive, a_copy_is_not_a_retransmission)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 30 * MS,
        (struct say){.from = A, .ctl = CTL_ACK, .seq = 1, .ack = 1, .len = 9, .ident = 7});
    cr_assert_eq(
        say(&s, 400 * MS,
            (struct say){.from = A, .ctl = CTL_ACK, .seq = 1, .ack = 1, .len = 9, .ident = 7}),
        PASSIVE_DUPLICATE);
    cr_assert(
        say(&s, 401 * MS,
            (struct say){.from = A, .ctl = CTL_ACK, .seq = 1, .ack = 1, .len = 9, .ident = 8}) &
        PASSIVE_RETRANS);
    cr_assert_eq(say(&s, 402 * MS, (struct say){SEG(A, CTL_ACK, 1, 1, 9)}), PASSIVE_DUPLICATE,
                 "without identification it is time that tells");
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].duplicates, 2);
    cr_assert_eq(c->seen.side[A].bytes, 9);
}

Test(passive, shut_windows_probes_and_keep_alives)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 30 * MS, (struct say){SEG(A, CTL_ACK, 1, 1, 1000)});
    cr_assert(say(&s, 50 * MS, (struct say){SEG(B, CTL_ACK, 1, 1001, 0), .wnd = SHUT}) &
              PASSIVE_ZERO_WINDOW);
    cr_assert_eq(say(&s, 300 * MS, (struct say){SEG(A, CTL_ACK, 1000, 1, 0)}),
                 PASSIVE_WINDOW_PROBE);
    say(&s, 320 * MS, (struct say){SEG(B, CTL_ACK, 1, 1001, 0), .wnd = SHUT});
    cr_assert(say(&s, 700 * MS, (struct say){SEG(A, CTL_ACK, 1001, 1, 1)}) & PASSIVE_WINDOW_PROBE,
              "with an octet");
    say(&s, 720 * MS, (struct say){SEG(B, CTL_ACK, 1, 1001, 0), .wnd = SHUT});
    cr_assert(say(&s, 1500 * MS, (struct say){SEG(A, CTL_ACK, 1001, 1, 1)}) & PASSIVE_WINDOW_PROBE,
              "again");
    cr_assert(say(&s, 2050 * MS, (struct say){SEG(B, CTL_ACK, 1, 1002, 0), .wnd = 500}) &
              PASSIVE_WINDOW_UPDATE);
    cr_assert_eq(say(&s, 9000 * MS, (struct say){SEG(A, CTL_ACK, 1001, 1, 0)}), PASSIVE_KEEPALIVE);
    cr_assert_eq(say(&s, 9020 * MS, (struct say){SEG(B, CTL_ACK, 1, 1002, 0), .wnd = 500}),
                 PASSIVE_KEEPALIVE_ACK);
    cr_assert_eq(say(&s, 19000 * MS, (struct say){SEG(A, CTL_ACK, 1001, 1, 1)}), PASSIVE_KEEPALIVE,
                 "with an octet");
    say(&s, 20000 * MS, (struct say){SEG(A, CTL_ACK, 1001, 1, 0)});
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].window_probes, 3);
    cr_assert_eq(c->seen.side[A].keepalives, 3);
    cr_assert_eq(c->seen.side[A].unanswered_keepalives, 2, "the first was answered");
    cr_assert_eq(c->seen.side[A].retrans, 0);
    cr_assert_eq(c->seen.side[B].zero_window_time, 2000 * MS);
    cr_assert(c->remarks & PASSIVE_R_KEEPALIVE_DEAD && c->remarks & PASSIVE_R_ZERO_WINDOW);
}

/** reset_after() - which rule made the RST that ends a connection, after @n segments */
static enum passive_reset reset_after(const struct say *y, unsigned n)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    for (unsigned i = 0; i < n; i++)
        say(&s, (50 + 30 * i) * MS, y[i]);
    return finish(&s)->reset;
}

Test(passive, which_rule_made_a_rst)
{
    const struct say abort_[] = {{SEG(A, CTL_ACK, 1, 1, 10)},
                                 {SEG(B, CTL_ACK, 1, 11, 0)},
                                 {SEG(A, CTL_RST | CTL_ACK, 11, 1, 0)}};
    const struct say unread[] = {{SEG(A, CTL_ACK, 1, 1, 10)},
                                 {SEG(B, CTL_ACK, 1, 11, 0)},
                                 {SEG(B, CTL_RST | CTL_ACK, 1, 11, 0)}};
    const struct say forgot[] = {{SEG(A, CTL_ACK, 1, 1, 10)}, {SEG(B, CTL_RST, 1, 0, 0)}};
    const struct say closed[] = {{SEG(B, CTL_ACK | CTL_FIN, 1, 1, 0)},
                                 {SEG(A, CTL_ACK, 1, 2, 0)},
                                 {SEG(A, CTL_ACK, 1, 2, 10)},
                                 {SEG(B, CTL_RST, 2, 0, 0)}};
    const struct say probed[] = {{SEG(A, CTL_ACK, 0, 1, 0)},
                                 {SEG(A, CTL_ACK, 0, 1, 0)},
                                 {SEG(A, CTL_RST | CTL_ACK, 1, 1, 0)}};
    const struct say tired[] = {{SEG(A, CTL_ACK, 1, 1, 10)},
                                {SEG(A, CTL_ACK, 1, 1, 10)},
                                {SEG(A, CTL_ACK, 1, 1, 10)},
                                {SEG(A, CTL_ACK, 1, 1, 10)},
                                {SEG(A, CTL_RST | CTL_ACK, 11, 1, 0)}};

    cr_assert_eq(reset_after(abort_, 3), PASSIVE_RESET_ABORT);
    cr_assert_eq(reset_after(unread, 3), PASSIVE_RESET_UNREAD);
    cr_assert_eq(reset_after(forgot, 2), PASSIVE_RESET_HALF_OPEN);
    cr_assert_eq(reset_after(closed, 4), PASSIVE_RESET_AFTER_CLOSE);
    cr_assert_eq(reset_after(probed, 3), PASSIVE_RESET_KEEPALIVE);
    cr_assert_eq(reset_after(tired, 5), PASSIVE_RESET_RETRIES);
}

Test(passive, refused_unasked_and_bad_ack)
{
    struct seen s;
    begin(&s);
    say(&s, 0, (struct say){SEG(A, CTL_SYN, 5, 0, 0)});
    say(&s, 20 * MS, (struct say){SEG(B, CTL_RST | CTL_ACK, 0, 6, 0)});
    say(&s, 30 * MS,
        (struct say){.from = B, .ctl = CTL_SYN | CTL_ACK, .seq = 9, .ack = 77, .port = 40001});
    say(&s, 31 * MS, (struct say){.from = A, .ctl = CTL_RST, .seq = 77, .port = 40001});
    say(&s, 40 * MS, (struct say){.from = A, .ctl = CTL_SYN, .seq = 500, .port = 40002});
    say(&s, 60 * MS, (struct say){.from = B, .ctl = CTL_ACK, .seq = 9, .ack = 77, .port = 40002});
    say(&s, 60 * MS, (struct say){.from = A, .ctl = CTL_RST, .seq = 77, .port = 40002});
    (void)finish(&s);
    cr_assert_eq(s.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct passive_conn *c = &s.conn[i];
        if (c->number == 1) {
            cr_assert_eq(c->reset, PASSIVE_RESET_CLOSED_PORT);
            cr_assert_eq(c->side[A].state, GN_CLOSED);
            cr_assert_eq(c->side[A].step[1].cause, GN_CAUSE_REFUSED);
            cr_assert(c->remarks & PASSIVE_R_REFUSED);
        } else if (c->number == 3) {
            cr_assert_eq(c->reset, PASSIVE_RESET_BAD_ACK);
            cr_assert_eq(c->side[A].state, GN_SYN_SENT, "its own attempt goes on");
        }
    }
}

Test(passive, a_rst_outside_the_window_is_challenged)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 50 * MS, (struct say){SEG(B, CTL_ACK, 1, 1, 100)});
    say(&s, 50 * MS, (struct say){SEG(A, CTL_ACK, 1, 101, 0)});
    cr_assert(say(&s, 60 * MS, (struct say){SEG(B, CTL_RST, 600, 0, 0)}) & PASSIVE_REFUSED_RST);
    cr_assert(say(&s, 61 * MS, (struct say){SEG(A, CTL_ACK, 1, 101, 0)}) & PASSIVE_CHALLENGE);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].state, GN_ESTABLISHED);
    cr_assert_eq(c->side[B].state, GN_ESTABLISHED);
    cr_assert(c->remarks & PASSIVE_R_CHALLENGED);
}

Test(passive, the_same_endpoints_again)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 50 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, 1, 1, 0)});
    say(&s, 70 * MS, (struct say){SEG(B, CTL_ACK | CTL_FIN, 1, 2, 0)});
    say(&s, 70 * MS, (struct say){SEG(A, CTL_ACK, 2, 2, 0)});
    say(&s, 30000 * MS, (struct say){SEG(A, CTL_SYN, 900000, 0, 0)});
    say(&s, 30020 * MS, (struct say){SEG(B, CTL_SYN | CTL_ACK, 700, 900001, 0)});
    (void)finish(&s);
    cr_assert_eq(s.n, 2);
    cr_assert_eq(s.conn[0].side[A].state, GN_TIME_WAIT);
    cr_assert(s.conn[1].remarks & PASSIVE_R_REUSED);
    cr_assert_eq(s.conn[1].side[B].state, GN_SYN_RECEIVED);
}

Test(passive, what_is_over_makes_room_first)
{
    struct seen s;
    begin_with(&s, 2, 1 << 20);
    open_at(&s, 1, 1); /* the oldest, alive */
    for (uint16_t port = 50000; port < 50010; port++) {
        say(&s, 100 * MS, (struct say){.from = A, .ctl = CTL_SYN, .seq = 5, .port = port});
        say(&s, 120 * MS,
            (struct say){.from = B, .ctl = CTL_RST | CTL_ACK, .ack = 6, .port = port});
    }
    cr_assert_eq(s.n, 9, "all that were refused but the last: %u", s.n);
    cr_assert_eq(passive_stats(s.p)->pushed_out, 9);
    for (unsigned i = 0; i < s.n; i++)
        cr_assert_eq(s.conn[i].reset, PASSIVE_RESET_CLOSED_PORT);
    (void)finish(&s);
    cr_assert_eq(s.n, 11);
}

Test(passive, without_memory_packets_are_counted)
{
    struct seen s;
    begin_with(&s, 1000, 1 << 18);
    for (uint32_t i = 0; i < 5000; i++)
        say(&s, i * MS, (struct say){SEG(A, CTL_ACK, 1 + i * 2000, 1, 1000)});
    cr_assert_leq(s.blocks, 1 << 18);
    cr_assert_eq(passive_stats(s.p)->tcp, 5000);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->seen.side[A].data_segs, 5000);
}

Test(passive, a_black_hole_swallows_only_large_segments)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    say(&s, 30 * MS, (struct say){SEG(A, CTL_ACK, 1, 1, 1460)});
    for (unsigned i = 1; i < 5; i++)
        say(&s, 30 * MS + (GN_SEC << i), (struct say){SEG(A, CTL_ACK, 1, 1, 1460)});
    say(&s, 40 * GN_SEC, (struct say){SEG(A, CTL_ACK, 1, 1, 500)});
    say(&s, 40 * GN_SEC + 20 * MS, (struct say){SEG(B, CTL_ACK, 1, 501, 0)});
    const struct passive_conn *c = finish(&s);
    cr_assert_geq(c->seen.side[A].full_size_unacked, 3);
    cr_assert(c->remarks & PASSIVE_R_BLACK_HOLE);
}

Test(passive, icmp_errors_belong_to_what_they_quote)
{
    struct seen s;
    uint8_t quoted[128], out[256];
    struct say syn = {SEG(A, CTL_SYN, 5, 0, 0)};
    begin(&s);
    say(&s, 0, syn);
    uint32_t n = packet(&syn, quoted);
    struct icmp m = {
        .type = ICMP4_UNREACHABLE, .code = ICMP4_PROHIBITED, .body = quoted, .body_len = n};
    uint32_t len = icmp4_emit(&m, out + IPV4_HEADER);
    struct ipv4 h = {.src = gn_addr_v4(10, 9, 9, 9),
                     .dst = gn_addr_v4(10, 0, 0, 1),
                     .proto = 1,
                     .ttl = 60,
                     .total_len = (uint16_t)(IPV4_HEADER + len)};
    (void)ipv4_emit(&h, out);
    passive_feed(s.p, 10 * MS, out, IPV4_HEADER + len, IPV4_HEADER + len);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->seen.side[A].icmp_unreach, 1);
    cr_assert_eq(c->side[A].state, GN_CLOSED);
    cr_assert_eq(c->side[A].step[1].cause, GN_CAUSE_ICMP);
    cr_assert(c->remarks & PASSIVE_R_UNREACHABLE);
}

Test(passive, small_writes_that_wait_for_late_acks)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t marks =
            say(&s, (100 + 60 * i) * MS, (struct say){SEG(A, CTL_ACK, 1 + 10 * i, 1, 10)});
        cr_assert_eq(!!(marks & PASSIVE_STALL), i > 0);
        say(&s, (160 + 60 * i) * MS, (struct say){SEG(B, CTL_ACK, 1, 11 + 10 * i, 0)});
    }
    cr_assert_eq(finish(&s)->seen.side[A].nagle_stalls, 2);
}

Test(passive, stalls_without_the_handshake)
{
    struct seen s;
    begin(&s);
    say(&s, 0, (struct say){SEG(A, CTL_ACK, 1, 1, 10)});
    say(&s, 20 * MS, (struct say){SEG(B, CTL_ACK, 1, 11, 0)}); /* the way and back */
    for (uint32_t i = 1; i < 4; i++) {
        say(&s, (100 + 60 * i) * MS, (struct say){SEG(A, CTL_ACK, 1 + 10 * i, 1, 10)});
        say(&s, (160 + 60 * i) * MS, (struct say){SEG(B, CTL_ACK, 1, 11 + 10 * i, 0)});
    }
    cr_assert_geq(finish(&s)->seen.side[A].nagle_stalls, 1);
}

Test(passive, strays_change_nothing)
{
    struct seen s;
    begin(&s);
    open_at(&s, 1, 1);
    cr_assert_eq(say(&s, 50 * MS, (struct say){SEG(A, CTL_ACK, 0x70000000, 1, 100)}),
                 PASSIVE_STRAY);
    cr_assert_eq(say(&s, 50 * MS, (struct say){SEG(A, CTL_ACK | CTL_FIN, 1, 0x90000000, 0)}),
                 PASSIVE_STRAY);
    cr_assert_eq(say(&s, 51 * MS, (struct say){SEG(A, CTL_SYN, 0x1234567, 0, 0)}), PASSIVE_STRAY);
    cr_assert(say(&s, 71 * MS, (struct say){SEG(B, CTL_ACK, 1, 1, 0)}) & PASSIVE_CHALLENGE);
    cr_assert_eq(passive_stats(s.p)->strays, 3);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].state, GN_ESTABLISHED);
    cr_assert_eq(c->seen.side[A].bytes, 0);
}

Test(passive, malformed_packets_are_counted_each)
{
    struct seen s;
    uint8_t p[128];
    struct say y = {SEG(A, CTL_SYN, 5, 0, 0)};
    uint32_t n = packet(&y, p);
    begin(&s);
    for (uint32_t cut = 0; cut < IPV4_HEADER + TCP_HEADER_MIN; cut++)
        passive_feed(s.p, 0, p, cut, n);
    cr_assert_eq(passive_stats(s.p)->malformed, IPV4_HEADER + TCP_HEADER_MIN);
    cr_assert_eq(passive_stats(s.p)->conns, 0);
    p[32] = 4 << 4; /* data offset below five */
    passive_feed(s.p, 0, p, n, n);
    p[32] = 15 << 4; /* beyond the packet */
    passive_feed(s.p, 0, p, n, n);
    p[0] = 0x55; /* neither 4 nor 6 */
    passive_feed(s.p, 0, p, n, n);
    (void)packet(&y, p);
    put16(p + 2, 9000); /* longer than what passed */
    passive_feed(s.p, 0, p, n, n);
    cr_assert_eq(passive_stats(s.p)->malformed, IPV4_HEADER + TCP_HEADER_MIN + 4);
    (void)packet(&y, p);
    put16(p + 6, 0x2000); /* a fragment */
    passive_feed(s.p, 0, p, n, n);
    cr_assert_eq(passive_stats(s.p)->fragments, 1);
    (void)packet(&y, p);
    p[40] = 2; /* an MSS option of length 0: the options are left out, the SYN counts */
    p[41] = 0;
    passive_feed(s.p, 0, p, n, n);
    (void)packet(&y, p);
    put16(p + 2, 0); /* length left to hardware */
    passive_feed(s.p, 1, p, n, n);
    cr_assert_eq(passive_stats(s.p)->tcp, 2);
    cr_assert_eq(finish(&s)->side[A].state, GN_SYN_SENT);
}

Test(passive, ipv6_behind_extension_headers)
{
    struct seen s;
    uint8_t p[128] = {0};
    struct seg syn = {.ctl = CTL_SYN, .wnd = 100, .seq = seq(9)};
    syn.key.lport = 40000;
    syn.key.rport = 80;
    uint32_t tcp = tcp_emit(&syn, p + IPV6_HEADER + 8);
    struct ipv6 h = {.next = IPV6_DESTINATION, .hlim = 64, .total_len = IPV6_HEADER + 8 + tcp};
    cr_assert(gn_addr_parse("fd00::1", &h.src) && gn_addr_parse("fd00::2", &h.dst));
    (void)ipv6_emit(&h, p);
    p[IPV6_HEADER] = 6;     /* next: TCP */
    p[IPV6_HEADER + 2] = 1; /* PadN */
    p[IPV6_HEADER + 3] = 4;
    begin(&s);
    passive_feed(s.p, 0, p, IPV6_HEADER + 8 + tcp, IPV6_HEADER + 8 + tcp);
    cr_assert_eq(passive_stats(s.p)->tcp, 1);
    const struct passive_conn *c = finish(&s);
    cr_assert_eq(c->side[A].state, GN_SYN_SENT);
    cr_assert(gn_addr_eq(&c->end[B].addr, &h.dst));
}

Test(passive_link, headers_that_are_cut_hold_nothing)
{
    static const int types[] = {LINK_ETHERNET, LINK_SLL, LINK_SLL2, LINK_PPP, LINK_NULL, LINK_LOOP};
    static const uint8_t zeros[64];
    uint32_t at;

    for (unsigned i = 0; i < 6; i++) {
        cr_assert(passive_link_known(types[i]));
        for (uint32_t len = 0; len < (types[i] == LINK_NULL || types[i] == LINK_LOOP ? 4 : 64);
             len++)
            cr_assert_not(passive_link_ip(types[i], zeros, len, &at), "type %d, %u octets",
                          types[i], len);
    }
    cr_assert_not(passive_link_known(105));
}

Test(passive, every_word_is_there)
{
    for (unsigned bit = 0; bit <= 21; bit++)
        cr_assert_gt(strlen(passive_mark_text((enum passive_mark)(1u << bit))), 4);
    for (unsigned bit = 0; bit <= 26; bit++) {
        cr_assert_gt(strlen(passive_remark_word((enum passive_remark)(1u << bit))), 3);
        cr_assert_gt(strlen(passive_remark_text((enum passive_remark)(1u << bit))), 8);
    }
    for (unsigned r = 1; r < PASSIVE_RESET_COUNT; r++)
        cr_assert_gt(strlen(passive_reset_rfc((enum passive_reset)r)), 8);
}
