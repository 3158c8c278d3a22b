/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ladder_test.c  The ladder: pairing, rows, lanes, losses, relative numbers, SVG.
 */
#include "explain/ladder.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

#define MS GN_MSEC

/** Everything that was drawn. */
static char drawn[65536];
static size_t drawn_len;

/** keep() - a writer */
static void keep(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    cr_assert(len < sizeof drawn - drawn_len);
    memcpy(drawn + drawn_len, text, len);
    drawn_len += len;
    drawn[drawn_len] = 0;
}

/** draw() - a ladder of both ends as ASCII text of 88 columns */
static const char *draw(struct ladder_event *ev, size_t n)
{
    struct ladder l = {.events = ev, .n = n, .name = {"A", "B"}, .seen = {true, true}};
    struct ladder_style s = {.width = 88, .ascii = true};
    struct text_writer w = {keep, NULL};
    drawn_len = 0;
    ladder_text(&l, &s, &w);
    return drawn;
}

/** seg() - a SEND or RECV */
static struct ladder_event seg(enum ladder_kind k, unsigned end, gn_time at, uint16_t ctl,
                               uint32_t seq, uint32_t ack)
{
    return (struct ladder_event){
        .kind = k, .end = (uint8_t)end, .at = at, .ctl = ctl, .seq = seq, .ack = ack, .wnd = 1};
}

Test(ladder, one_row_for_a_segment_nothing_crosses)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_SYN, 1000, 0),
                                seg(LADDER_RECV, 1, 10 * MS, CTL_SYN, 1000, 0)};
    cr_expect(strstr(draw(ev, 2), "   0.000       CLOSED +-- SYN seq 0 "
                                  "---------------------------->| CLOSED         10.000"),
              "%s", drawn);
}

Test(ladder, crossing_segments_take_lanes)
{
    struct ladder_event ev[] = {
        seg(LADDER_SEND, 0, 0, CTL_SYN, 5, 0), seg(LADDER_SEND, 1, 0, CTL_SYN, 9, 0),
        seg(LADDER_RECV, 0, MS, CTL_SYN, 9, 0), seg(LADDER_RECV, 1, MS, CTL_SYN, 5, 0)};
    draw(ev, 4);
    cr_expect(strstr(drawn, "+-- SYN seq 0 --------------------------.  |"), "%s", drawn);
    cr_expect(strstr(drawn, "|  .-------------------------- SYN seq 0 --+"), "%s", drawn);
    cr_expect(strstr(drawn, "|<-'                                    |  |"), "%s", drawn);
    cr_expect(strstr(drawn, "|                                       '->|"), "%s", drawn);
}

Test(ladder, what_never_arrives_is_marked)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_SYN, 1, 0)};
    cr_expect(strstr(draw(ev, 1), "SYN seq 0 -----------------------X     |"), "%s", drawn);
    cr_expect(ladder_lost(&(struct ladder){.seen = {true, true}}, &ev[0]));
    cr_expect(!ladder_lost(&(struct ladder){.seen = {true, false}}, &ev[0]),
              "the far end was not watched");
}

Test(ladder, ids_tell_copies_apart)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_ACK, 1, 1),
                                seg(LADDER_SEND, 0, MS, CTL_ACK, 1, 1),
                                seg(LADDER_RECV, 1, 2 * MS, CTL_ACK, 1, 1)};
    struct ladder l = {.events = ev, .n = 3, .seen = {true, true}};
    ev[0].id = 1;
    ev[1].id = ev[2].id = 2;
    ladder_prepare(&l);
    cr_expect_eq(ev[0].peer, -1);
    cr_expect_eq(ev[1].peer, 2);
    ev[0].id = ev[1].id = ev[2].id = 0;
    ladder_prepare(&l);
    cr_expect_eq(ev[0].peer, 2, "without ids the first sent arrives first");
}

Test(ladder, numbers_are_relative_across_the_wrap)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_SYN, 0xFFFFFFFF, 0),
                                seg(LADDER_SEND, 1, 0, CTL_SYN | CTL_ACK, 7, 0),
                                seg(LADDER_SEND, 0, 0, CTL_ACK | CTL_PSH, 0, 8)};
    struct ladder l = {.events = ev, .n = 3};
    struct text t;
    text_reset(&t);
    ev[2].len = 10;
    ladder_label(&l, &ev[2], false, &t);
    cr_expect(t.len == strlen("PSH,ACK seq 1 ack 1 len 10") &&
              !memcmp(t.s, "PSH,ACK seq 1 ack 1 len 10", t.len));
    text_reset(&t);
    ladder_label(&l, &ev[2], true, &t);
    cr_expect(t.len == strlen("seq 0 ack 8") && !memcmp(t.s, "seq 0 ack 8", t.len));
}

Test(ladder, a_transition_stands_beside_its_segment)
{
    struct ladder_event ev[] = {
        {.kind = LADDER_STATE, .end = 0, .to = GN_SYN_SENT, .cause = GN_CAUSE_OPEN_ACTIVE},
        seg(LADDER_SEND, 0, 0, CTL_SYN, 1, 0),
        seg(LADDER_RECV, 1, MS, CTL_SYN, 1, 0),
        {.kind = LADDER_STATE, .end = 1, .at = MS, .to = GN_SYN_RECEIVED, .cause = GN_CAUSE_SYN},
    };
    draw(ev, 4);
    cr_expect(strstr(drawn, "SYN-SENT o-- SYN seq 0 ---------------------------->o SYN-RECEIVED"),
              "%s", drawn);
    cr_expect(strstr(drawn, "A: active OPEN, SYN sent"), "%s", drawn);
    cr_expect(strstr(drawn, "/ RFC 9293 3.10.7.2"), "%s", drawn);
}

Test(ladder, a_silence_is_named)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_SYN, 1, 0),
                                seg(LADDER_SEND, 0, 3 * GN_SEC, CTL_SYN, 1, 0)};
    cr_expect(strstr(draw(ev, 2), "3 s pass"), "%s", drawn);
}

Test(ladder, an_empty_one_is_drawn)
{
    cr_expect(strstr(draw(NULL, 0), "CLOSED |"), "%s", drawn);
}

Test(ladder, svg_is_whole_and_escaped)
{
    struct ladder_event ev[] = {seg(LADDER_SEND, 0, 0, CTL_SYN, 1, 0),
                                {.kind = LADDER_CALL, .end = 1, .at = MS, .text = "a<b & \"c\""}};
    struct ladder l = {
        .events = ev, .n = 2, .title = "t", .name = {"A", "B"}, .seen = {true, true}};
    struct ladder_style s = {.width = 80};
    struct text_writer w = {keep, NULL};
    drawn_len = 0;
    ladder_svg(&l, &s, &w);
    cr_expect(!strncmp(drawn, "<svg ", 5));
    cr_expect(!strcmp(drawn + drawn_len - 7, "</svg>\n"));
    cr_expect(strstr(drawn, "a&lt;b &amp; &quot;c&quot;"), "%s", drawn);
    cr_expect(strstr(drawn, "stroke-dasharray=\"6 4\""), "the lost segment is dashed");
}

Test(text, what_others_chose_steers_nothing)
{
    static const char *const rows[][2] = {
        {"h\xc3\xa9llo \xe4\xb8\x96 \xf0\x9f\x90\xa6",
         "h\xc3\xa9llo \xe4\xb8\x96 \xf0\x9f\x90\xa6"},
        {"a\033[2J\x7f", "a?[2J?"},
        {"\xc2\x9b"
         "2J",
         "??2J"}, /* CSI as one character */
        {"\xe2\x80\xae"
         "x",
         "???x"},                /* the other direction of writing */
        {"\xc1\x81\xff", "???"}, /* not the shortest form; not UTF-8 */
        {"cut \xe4\xb8", "cut ??"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text t = {.len = 0};
        text_foreign(&t, rows[i][0]);
        cr_expect(t.len == strlen(rows[i][1]) && !memcmp(t.s, rows[i][1], t.len), "%zu: %.*s", i,
                  (int)t.len, t.s);
    }
}

Test(text, spans_and_fractions)
{
    static const struct {
        gn_time span;
        const char *want;
    } rows[] = {{5 * GN_USEC, "5 us"},
                {40 * MS, "40 ms"},
                {1500 * MS, "1.5 s"},
                {600 * GN_SEC, "10 min"},
                {9000 * GN_SEC, "150 min"},
                {5 * 3600 * GN_SEC, "5 h"},
                {100 * 86400 * GN_SEC, "100 days"}};
    struct text t;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_reset(&t);
        text_span(&t, rows[i].span);
        cr_expect(t.len == strlen(rows[i].want) && !memcmp(t.s, rows[i].want, t.len), "%s",
                  rows[i].want);
    }
    text_reset(&t);
    text_milli(&t, -1234);
    cr_expect(t.len == 6 && !memcmp(t.s, "-1.234", 6));
}

Test(text, what_does_not_fit_is_cut)
{
    struct text t;
    text_reset(&t);
    text_spaces(&t, TEXT_CAP + 10);
    text_cp(&t, 0x2500);
    cr_expect_eq(t.len, (size_t)TEXT_CAP);
}
