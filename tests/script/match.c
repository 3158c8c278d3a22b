/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file match.c  Packets in, packets out, and whether they are the ones that the script says.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#define LATE (700 * GN_SEC) /* how long a packet is waited for, only to say when it came */

void play_inbound(struct play *p, const struct event *e)
{
    struct flow *f = flow_for(p, e);
    struct packet_spec s = *e->packet;
    uint8_t *text = malloc(s.len + 1u);
    uint32_t n;

    if (!text)
        abort();
    flow_in(p, f, e, &s);
    for (uint32_t i = 0; i < s.len; i++)
        text[i] = pattern(s.seq + i + !!(s.ctl & FLAG_SYN) - f->irs - 1);
    n = packet_build(p->script, e->line, &s, &f->in, text, p->packet);
    free(text);
    drill_send(p->drill, p->packet, n);
}

/** mismatch() - say what was expected and what was sent */
_Noreturn static void mismatch(struct play *p, const struct event *e, const struct seen *got,
                               gn_time at, const char *what)
{
    char want[512], have[512];

    packet_print(e->packet, want, sizeof(want));
    packet_print(&got->spec, have, sizeof(have));
    fail_at(p->script, e->line, "%s\n  expected: %10.6f > %s\n    actual: %10.6f > %s", what,
            (double)play_usecs(p, drill_now(p->drill)) / USEC_PER_SEC, want,
            (double)play_usecs(p, at) / USEC_PER_SEC, have);
}

/** same_option() - by kind, and by value except of a time stamp, whose value is the stack's choice
 */
static bool same_option(const struct option *a, const struct option *b)
{
    if (a->kind != b->kind || a->n != b->n || a->len != b->len)
        return false;
    if (a->kind == OPTION_TS)
        return a->num[1] == b->num[1];
    return !memcmp(a->num, b->num, sizeof(a->num)) && !memcmp(a->raw, b->raw, sizeof(a->raw));
}

/** compare_options() - NULL: as expected */
static const char *compare_options(const struct packet_spec *want, const struct packet_spec *got)
{
    if (want->any_options)
        return NULL;
    if (want->n_option != got->n_option)
        return "another number of TCP options";
    for (unsigned i = 0; i < want->n_option; i++)
        if (!same_option(&want->option[i], &got->option[i]))
            return "other TCP options";
    return NULL;
}

/** compare_ip() - the octets of the IP header that the script speaks of */
static const char *compare_ip(const struct packet_spec *want, const struct packet_spec *got)
{
    uint8_t ecn = got->tos & 3;

    if (want->ttl >= 0 && want->ttl != got->ttl)
        return "another TTL";
    switch (want->ecn_check) {
    case ECN_ANY: return NULL;
    case ECN_EXACT: return ecn == want->tos ? NULL : "another ECN field";
    case ECN_ECT01: return ecn == 1 || ecn == 2 ? NULL : "another ECN field";
    case TOS_EXACT: return got->tos == want->tos ? NULL : "another TOS octet";
    }
    return NULL;
}

/** compare() - NULL: as expected */
static const char *compare(const struct packet_spec *want, const struct packet_spec *got)
{
    if (want->ctl != got->ctl)
        return "other TCP flags";
    if (want->seq != got->seq)
        return "another sequence number";
    if (want->len != got->len)
        return "another length of text";
    if (want->has_ack != got->has_ack || want->ack != got->ack)
        return "another acknowledgment number";
    if (want->has_win && want->win != got->win)
        return "another window";
    if (want->has_urg ? want->urg != got->urg : got->has_urg)
        return "another urgent pointer";
    if (compare_options(want, got))
        return compare_options(want, got);
    return compare_ip(want, got);
}

/** compare_icmp() - type and code */
static const char *compare_icmp(const struct play *p, const struct packet_spec *want,
                                const struct seen *got)
{
    uint8_t type, code;

    if (!icmp_number(p->script->v6, want->icmp_type, want->icmp_code, &type, &code))
        return "no such ICMP message";
    return type == got->icmp_type && code == got->icmp_code ? NULL : "another ICMP message";
}

/** compare_text() - is every octet the one that the user wrote? */
static const char *compare_text(const struct play *p, const struct flow *f, const struct seen *got)
{
    uint32_t at = got->spec.seq + f->iss_delta + !!(got->spec.ctl & FLAG_SYN) - f->iss - 1;

    if (p->own_data || !f->have_iss)
        return NULL;
    for (uint32_t i = 0; i < got->spec.len; i++)
        if (got->text[i] != pattern(at + i))
            return "an octet that the user did not write there";
    return NULL;
}

/** belongs() - is the packet of this connection? */
static bool belongs(const struct flow *f, const struct seen *s)
{
    uint32_t n = s->tuple.v6 ? 16 : 4;

    if (s->tuple.v6 != f->in.v6 || memcmp(s->tuple.dst, f->in.src, n))
        return false;
    if (s->spec.kind != PACKET_TCP)
        return true;
    return s->tuple.dport == f->in.sport && (!f->in.dport || s->tuple.sport == f->in.dport);
}

/** take() - the next packet of the stack, taken apart, in the script's terms; *ret_live: its time
 * stamp. NULL: none until @until */
static struct drill_packet *take(struct play *p, const struct event *e, struct flow *f,
                                 gn_time until, struct seen *ret, uint32_t *ret_live)
{
    struct drill_packet *d = drill_receive(p->drill, until);
    const char *wrong;

    if (!d)
        return NULL;
    wrong = packet_dissect(d->data, d->len, ret);
    if (wrong)
        fail_at(p->script, e->line, "the stack has sent a malformed packet: %s", wrong);
    if (!belongs(f, ret))
        mismatch(p, e, ret, d->at, "a packet of another connection");
    for (unsigned i = 0; i < ret->spec.n_option; i++)
        if (ret->spec.option[i].kind == OPTION_TS)
            *ret_live = ret->spec.option[i].num[0];
    if (ret->spec.kind == PACKET_TCP)
        flow_out(p, f, e->packet, ret);
    return d;
}

/** joins() - does @next go on where @s ends? */
static bool joins(const struct packet_spec *s, const struct packet_spec *next)
{
    return next->seq == s->seq_end && next->ack == s->ack && next->len &&
           !(s->ctl & (FLAG_FIN | FLAG_SYN | FLAG_RST)) &&
           (next->ctl & ~(FLAG_PSH | FLAG_FIN)) == (s->ctl & ~FLAG_PSH);
}

/** join() - a script may write as one what the stack sends as several segments */
static void join(struct play *p, const struct event *e, struct flow *f, struct seen *got)
{
    const struct packet_spec *want = e->packet;
    struct seen next;
    uint32_t live;

    while (!p->script->strict_segments && got->spec.len && got->spec.len < want->len &&
           got->spec.seq == want->seq) {
        struct drill_packet *d = take(p, e, f, drill_now(p->drill), &next, &live);
        const char *wrong;

        if (!d)
            return;
        wrong = compare_text(p, f, &next);
        if (!wrong && !joins(&got->spec, &next.spec))
            wrong = "a segment that does not go on where the one before ends";
        if (wrong)
            mismatch(p, e, &next, d->at, wrong);
        got->spec.len += next.spec.len;
        got->spec.seq_end = next.spec.seq_end;
        got->spec.ctl = next.spec.ctl;
        got->spec.win = next.spec.win;
        free(d);
    }
}

/** check_time() - was it sent when the script says? */
static void check_time(struct play *p, const struct event *e, const struct seen *got, gn_time begin,
                       gn_time end, gn_time at)
{
    gn_time slack = (gn_time)p->script->tolerance_usecs * GN_USEC;
    char text[512];

    if (e->time == TIME_ANY || (at + slack >= begin && at <= end + slack))
        return;
    packet_print(&got->spec, text, sizeof(text));
    if (begin == end)
        fail_at(p->script, e->line,
                "timing error: expected the packet at %.6f but it came at %.6f"
                " (tolerance %.6f)\n    actual: %s",
                (double)play_usecs(p, begin) / USEC_PER_SEC,
                (double)play_usecs(p, at) / USEC_PER_SEC,
                (double)p->script->tolerance_usecs / USEC_PER_SEC, text);
    fail_at(p->script, e->line,
            "timing error: expected the packet between %.6f and %.6f but it came"
            " at %.6f\n    actual: %s",
            (double)play_usecs(p, begin) / USEC_PER_SEC, (double)play_usecs(p, end) / USEC_PER_SEC,
            (double)play_usecs(p, at) / USEC_PER_SEC, text);
}

void play_outbound(struct play *p, const struct event *e, gn_time begin, gn_time end)
{
    struct flow *f = flow_for(p, e);
    struct drill_packet *d;
    const char *wrong;
    struct seen got;
    uint32_t live = 0;
    char text[512];

    d = take(p, e, f, end + LATE, &got, &live);
    if (!d) {
        packet_print(e->packet, text, sizeof(text));
        fail_at(p->script, e->line, "the stack has sent nothing\n  expected: %10.6f > %s",
                (double)play_usecs(p, begin) / USEC_PER_SEC, text);
    }
    if (got.spec.kind != e->packet->kind)
        mismatch(p, e, &got, d->at, "another protocol");
    if (got.spec.kind == PACKET_ICMP) {
        wrong = compare_icmp(p, e->packet, &got);
    } else {
        wrong = compare_text(p, f, &got);
        if (!wrong) {
            join(p, e, f, &got);
            wrong = compare(e->packet, &got.spec);
        }
        if (!wrong)
            wrong = flow_stamp(p, f, e->packet, &got.spec, live, d->at);
    }
    if (wrong)
        mismatch(p, e, &got, d->at, wrong);
    check_time(p, e, &got, begin, end, d->at);
    free(d);
}

void play_rest(struct play *p, int line)
{
    struct drill_packet *d = drill_receive(p->drill, drill_now(p->drill));
    struct seen got;
    char text[512] = "";

    if (!d)
        return;
    if (!packet_dissect(d->data, d->len, &got)) {
        if (p->current)
            got.spec.seq -= p->current->iss_delta, got.spec.seq_end -= p->current->iss_delta;
        packet_print(&got.spec, text, sizeof(text));
    }
    fail_at(p->script, line, "a packet that the script does not have\n    actual: %10.6f > %s",
            (double)play_usecs(p, d->at) / USEC_PER_SEC, text);
}
