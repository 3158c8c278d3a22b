/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_watch.c  libFuzzer target: a capture that somebody sent, as `gannet why` and `gannet
 * trace` read it: any packets at any times, cut off anywhere, of two hosts with few ports.
 *
 * The oracle: assertions and sanitizers, states and causes in range, all memory given back and
 * never more than the budget.
 */
#include "fuzz/duo.h"

#include "base/bits.h"
#include "explain/passive.h"
#include "explain/passive_link.h"

#include <string.h>

#define BUDGET   (1 << 20)
#define CONNS    3 /* the fourth pushes one out */
#define OPTIONS  40
#define CAPTURED 200

static struct lab_pages pages;

/** look() - passive_config.event and .done: whatever is told must be readable */
static void look(const struct passive_conn *c)
{
    struct fact_conn f;
    struct fact_seen seen;
    struct gn_transition history[PASSIVE_STEPS];

    for (unsigned x = 0; x < 2; x++) {
        MUST(c->side[x].state < GN_STATE_COUNT);
        passive_facts(c, x, 2000 * GN_SEC, &f, &seen, history);
        MUST(f.state < GN_STATE_COUNT);
    }
    (void)passive_rtt_min(c);
    (void)passive_rtt_median(c);
    MUST(passive_reset_text(c->reset));
}

/** on_event() - passive_config.event */
static void on_event(void *ctx, const struct passive_event *e)
{
    (void)ctx;
    look(e->conn);
}

/** on_done() - passive_config.done */
static void on_done(void *ctx, const struct passive_conn *c)
{
    (void)ctx;
    look(c);
}

/** feed() - @len octets at @p, in memory of their size */
static void feed(struct passive *w, gn_time at, const uint8_t *p, uint32_t len, uint32_t length)
{
    uint8_t *copy = malloc(len + 1);

    MUST(copy);
    memcpy(copy, p, len);
    passive_feed(w, at, copy, len, length);
    free(copy);
}

/** feed_segment() - a TCP segment between the two hosts, good but for what the input says */
static void feed_segment(struct passive *w, gn_time at, uint8_t how, struct input *in)
{
    uint8_t p[20 + 20 + OPTIONS] = {0x45, [8] = 64, [9] = 6, [12] = 10, [16] = 10};
    uint32_t options = (take8(in) & 15) > 10 ? take8(in) % (OPTIONS + 1) / 4 * 4 : 0;
    uint32_t text = how & 32 ? take16(in) % 1500 : 0, len = 40 + options;
    bool back = how & 4;
    uint16_t port = (uint16_t)(1000 + (how >> 3 & 3));

    put16(p + 2, (uint16_t)(len + text));
    p[15] = back ? 2 : 1;
    p[19] = back ? 1 : 2;
    put16(p + 20, back ? 80 : port);
    put16(p + 22, back ? port : 80);
    put32(p + 24, (back ? 5000u : 1000u) + (uint32_t)(int16_t)take16(in));
    put32(p + 28, (back ? 1000u : 5000u) + (uint32_t)(int16_t)take16(in));
    p[32] = (uint8_t)((20 + options) / 4 << 4);
    p[33] = take8(in);
    put16(p + 34, take16(in));
    for (uint32_t i = 0; i < options; i++)
        p[40 + i] = take8(in);
    if (how & 64) /* falsified */
        p[take8(in) % len] = take8(in);
    feed(w, at, p, how & 128 ? take8(in) % (len + 1) : len, len + text);
}

/** feed_raw() - octets as they are, behind a link header of some type */
static void feed_raw(struct passive *w, gn_time at, struct input *in)
{
    static const enum link_type types[] = {LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW_BSD,
                                           LINK_RAW,  LINK_LOOP,     LINK_SLL, LINK_SLL2,
                                           LINK_IPV4, LINK_IPV6};
    int type = (int)types[take8(in) % (sizeof types / sizeof *types)];
    uint32_t n = take8(in), at_ip;

    n = n < in->n ? n : (uint32_t)in->n;
    n = n < CAPTURED ? n : CAPTURED;
    if (passive_link_ip(type, in->p, n, &at_ip)) {
        MUST(at_ip <= n);
        feed(w, at, in->p + at_ip, n - at_ip, n - at_ip);
    } else {
        passive_skip(w, at);
    }
    in->p += n;
    in->n -= n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct passive_config c = {.pages = lab_pages(&pages),
                               .budget = BUDGET,
                               .max_conns = CONNS,
                               .event = on_event,
                               .done = on_done};
    struct passive *w = passive_new(&c);
    gn_time now = 1000 * GN_SEC;

    MUST(w);
    while (in.n > 0) {
        uint8_t how = take8(&in);

        now += (how & 3) == 2 ? (gn_time)take16(&in) * 10 * GN_MSEC : GN_USEC;
        if ((how & 3) == 3)
            feed_raw(w, now, &in);
        else
            feed_segment(w, now, how, &in);
        MUST(pages.out <= BUDGET);
    }
    passive_end(w);
    passive_free(w);
    MUST(pages.out == 0);
    return 0;
}
