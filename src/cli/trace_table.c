/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_table.c  What `gannet trace` has seen, as a table and as JSON.
 */
#include "cli/trace.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

enum column {
    COL_NUMBER,
    COL_OPENER,
    COL_PEER,
    COL_STATE_A,
    COL_STATE_B,
    COL_SPAN,
    COL_BYTES_A,
    COL_BYTES_B,
    COL_AGAIN_A,
    COL_AGAIN_B,
    COL_RTT,
    COL_REMARKS,
    COLUMNS
};

#define RESETS_TOLD 12

/** One row of text; columns but the last are padded. */
struct cells {
    char text[COLUMNS][64];
    struct buf remarks;
};

const struct passive_conn *trace_row(const struct trace *t, uint64_t number)
{
    for (size_t i = 0; i < t->n_rows; i++)
        if (t->row[i].number == number)
            return &t->row[i];
    return NULL;
}

/** put_endpoint() - into a cell */
static void put_endpoint(const struct gn_endpoint *e, char *cell, size_t size)
{
    struct buf b = {0};

    view_endpoint_seen(e, &b);
    snprintf(cell, size, "%s", b.s);
    buf_free(&b);
}

/** put_state() - '~': inferred; '?': nothing tells it */
static void put_state(const struct passive_side *side, char *cell, size_t size)
{
    bool inferred = side->n_steps && side->step[side->n_steps - 1].inferred;

    snprintf(cell, size, "%s%s", side->known ? gn_state_name(side->state) : "?",
             inferred ? "~" : "");
}

/** put_bytes() - "1234", "56.7k", "8.9M" */
static void put_bytes(uint64_t n, char *cell, size_t size)
{
    static const char unit[] = "kMGT";
    double v = (double)n;
    unsigned i = 0;

    if (n < 100000) {
        snprintf(cell, size, "%" PRIu64, n);
        return;
    }
    for (v /= 1000; v >= 1000 && i < sizeof unit - 2; i++)
        v /= 1000;
    snprintf(cell, size, "%.*f%c", v < 100, v, unit[i]);
}

/** put_span() - a time as people read it, at the end of @cell */
static void put_span(gn_time span, char *cell, size_t size)
{
    struct text t;
    size_t have = strlen(cell);

    text_reset(&t);
    text_span(&t, span);
    snprintf(cell + have, size - have, "%.*s", (int)t.len, t.s);
}

/** put_rtt() - "20 ms/21.5 ms": shortest and median */
static void put_rtt(const struct passive_conn *c, char *cell, size_t size)
{
    gn_time least = passive_rtt_min(c), median = passive_rtt_median(c);

    if (least == 0) {
        snprintf(cell, size, "-");
        return;
    }
    put_span(least, cell, size);
    snprintf(cell + strlen(cell), size - strlen(cell), " / ");
    put_span(median > least ? median : least, cell, size);
}

/** fill() - the cells of one connection */
static void fill(const struct passive_conn *c, struct cells *r)
{
    const struct fact_side *a = &c->seen.side[0], *b = &c->seen.side[1];
    size_t size = sizeof r->text[0];

    memset(r->text, 0, sizeof r->text);
    snprintf(r->text[COL_NUMBER], size, "%" PRIu64, c->number);
    put_endpoint(&c->end[0], r->text[COL_OPENER], size);
    put_endpoint(&c->end[1], r->text[COL_PEER], size);
    put_state(&c->side[0], r->text[COL_STATE_A], size);
    put_state(&c->side[1], r->text[COL_STATE_B], size);
    put_span(c->last - c->first, r->text[COL_SPAN], size);
    put_bytes(a->bytes, r->text[COL_BYTES_A], size);
    put_bytes(b->bytes, r->text[COL_BYTES_B], size);
    snprintf(r->text[COL_AGAIN_A], size, "%" PRIu32, a->retrans);
    snprintf(r->text[COL_AGAIN_B], size, "%" PRIu32, b->retrans);
    put_rtt(c, r->text[COL_RTT], size);
    r->remarks.len = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(c->remarks >> bit & 1))
            continue;
        if (r->remarks.len)
            buf_str(&r->remarks, " ");
        buf_str(&r->remarks, passive_remark_word((enum passive_remark)(1u << bit)));
    }
}

/** right() - is the column a number, set right? */
static bool right(unsigned column)
{
    return column == COL_NUMBER || (column >= COL_SPAN && column <= COL_RTT);
}

/** put_row() - one line of the table */
static void put_row(const struct cells *r, const size_t *width, struct buf *b)
{
    for (unsigned i = 0; i < COL_REMARKS; i++) {
        size_t have = text_columns(r->text[i], strlen(r->text[i]));
        size_t blank = have < width[i] ? width[i] - have : 0;

        if (right(i))
            buf_printf(b, "%*s", (int)blank, "");
        buf_str(b, r->text[i]);
        buf_printf(b, "%*s", (int)(2 + (right(i) ? 0 : blank)), "");
    }
    buf_mem(b, r->remarks.s ? r->remarks.s : "", r->remarks.len);
    while (b->len && b->s[b->len - 1] == ' ')
        b->len--;
    buf_str(b, "\n");
}

/** explain() - every word that was used, and every reset */
static void explain(const struct trace *t, size_t rows, struct buf *b)
{
    uint32_t used = 0;
    unsigned resets = 0;

    for (size_t i = 0; i < rows; i++)
        used |= t->row[i].remarks;
    if (used)
        buf_str(b, "\n");
    for (unsigned bit = 0; bit < 32; bit++) {
        size_t from = b->len;
        if (!(used >> bit & 1))
            continue;
        buf_printf(b, "  %s", passive_remark_word((enum passive_remark)(1u << bit)));
        buf_pad(b, from, 24);
        buf_printf(b, "%s\n", passive_remark_text((enum passive_remark)(1u << bit)));
    }
    for (size_t i = 0; i < rows; i++) {
        const struct passive_conn *c = &t->row[i];
        if (c->reset == PASSIVE_RESET_NONE)
            continue;
        if (resets++ == 0)
            buf_str(b, "\n");
        if (resets > RESETS_TOLD)
            continue;
        buf_printf(b, "  RST in %" PRIu64 " by ", c->number);
        view_endpoint_seen(&c->end[c->seen.rst_by], b);
        buf_printf(b, ": %s (%s)\n", passive_reset_text(c->reset), passive_reset_rfc(c->reset));
    }
    if (resets > RESETS_TOLD)
        buf_printf(b, "  and %u connections more that were reset\n", resets - RESETS_TOLD);
}

/** counted() - ", 3 fragments" unless there are none */
static void counted(uint64_t n, const char *what, struct buf *b)
{
    if (n)
        buf_printf(b, ", %" PRIu64 " %s", n, what);
}

/** foot() - how much there was, and what was not followed */
static void foot(const struct trace *t, size_t rows, struct buf *b)
{
    const struct passive_stats *s = &t->stats;

    if (rows < t->n_rows || t->rows_left_out)
        buf_printf(b, "... and %" PRIu64 " connections more (--all lists them)\n",
                   t->n_rows - rows + t->rows_left_out);
    buf_printf(b, "\n%s: %" PRIu64 " packets", t->source, s->packets);
    if (s->packets) {
        char span[64] = "";
        put_span(t->last - t->first, span, sizeof span);
        buf_printf(b, " in %s", span);
    }
    buf_printf(b, ", %" PRIu64 " connection%s", s->conns, s->conns == 1 ? "" : "s");
    counted(s->other, "not TCP", b);
    counted(s->cut, "with headers only (that is enough)", b);
    counted(s->fragments, "fragments not put together", b);
    counted(s->malformed, "malformed or cut off inside their headers", b);
    counted(s->strays, "far outside their connection's window", b);
    counted(s->backwards, "back in time", b);
    counted(s->no_memory, "for which there was no memory", b);
    counted(t->missed, "missed by the capture", b);
    buf_str(b, "\n");
    if (t->broken)
        buf_printf(b, "The capture is not whole: %s. What came before is told.\n", t->error);
}

void trace_table(const struct trace *t, size_t most, bool ascii, struct buf *b)
{
    static const char *const unicode[] = {"#",
                                          "A (opener)",
                                          "B",
                                          "state of A",
                                          "state of B",
                                          "lasted",
                                          "bytes A\342\206\222B",
                                          "bytes B\342\206\222A",
                                          "again A",
                                          "again B",
                                          "rtt min / median",
                                          "remarks"};
    static const char *const plain[] = {
        "#",         "A (opener)", "B",       "state of A", "state of B",       "lasted",
        "bytes A>B", "bytes B>A",  "again A", "again B",    "rtt min / median", "remarks"};
    size_t rows = t->n_rows < most ? t->n_rows : most, width[COLUMNS];
    struct cells r = {.remarks = {0}};

    for (unsigned i = 0; i < COLUMNS; i++)
        width[i] =
            text_columns(ascii ? plain[i] : unicode[i], strlen(ascii ? plain[i] : unicode[i]));
    for (size_t k = 0; k < rows; k++) {
        fill(&t->row[k], &r);
        for (unsigned i = 0; i < COL_REMARKS; i++)
            if (strlen(r.text[i]) > width[i])
                width[i] = strlen(r.text[i]);
    }
    for (unsigned i = 0; i < COL_REMARKS; i++)
        snprintf(r.text[i], sizeof r.text[i], "%s", ascii ? plain[i] : unicode[i]);
    r.remarks.len = 0;
    buf_str(&r.remarks, plain[COL_REMARKS]);
    if (rows)
        put_row(&r, width, b);
    for (size_t k = 0; k < rows; k++) {
        fill(&t->row[k], &r);
        put_row(&r, width, b);
    }
    explain(t, rows, b);
    foot(t, rows, b);
    buf_free(&r.remarks);
}

/** steps_json() - the transitions of one end */
static void steps_json(const struct passive_conn *c, const struct passive_side *side,
                       struct json *j)
{
    json_open(j, "transitions", '[');
    for (unsigned i = 0; i < side->n_steps; i++) {
        const struct passive_step *s = &side->step[i];
        json_open(j, NULL, '{');
        json_seconds(j, "t", s->at > c->first ? s->at - c->first : 0);
        json_str(j, "from", gn_state_name((enum gn_state)s->from));
        json_str(j, "to", gn_state_name((enum gn_state)s->to));
        json_str(j, "cause", gn_cause_name((enum gn_cause)s->cause));
        if (s->by)
            json_u64(j, "packet", s->by);
        json_str(j, "known", s->inferred ? "inferred" : s->presumed ? "presumed" : "seen");
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** side_json() - one end */
static void side_json(const struct passive_conn *c, unsigned x, struct json *j)
{
    const struct passive_side *side = &c->side[x];
    const struct fact_side *f = &c->seen.side[x];
    struct buf b = {0};
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"bytes", f->bytes},
                  {"data_segments", f->data_segs},
                  {"syns", f->syns},
                  {"syn_acks", f->syn_acks},
                  {"fins", f->fins},
                  {"rsts", f->rsts},
                  {"retransmissions", f->retrans},
                  {"bytes_again", side->bytes_again},
                  {"by_timer", f->rto_retrans},
                  {"fast", f->fast_retrans},
                  {"tail_probes", side->tail_probes},
                  {"spurious", side->needless},
                  {"lost_before", f->lost_before},
                  {"out_of_order", f->out_of_order},
                  {"duplicates", side->duplicates},
                  {"duplicate_acks", f->dup_acks},
                  {"d_sacks", side->d_sacks},
                  {"keepalives", f->keepalives},
                  {"window_probes", side->window_probes},
                  {"zero_windows", f->zero_windows},
                  {"not_captured", side->not_captured},
                  {"stalls", f->nagle_stalls},
                  {"unanswered", side->backoff},
                  {"icmp_unreachable", f->icmp_unreach},
                  {"icmp_too_big", f->icmp_too_big},
                  {"mss", side->mss},
                  {"max_window", side->max_wnd}};

    json_open(j, x == 0 ? "a" : "b", '{');
    view_endpoint_seen(&c->end[x], &b);
    json_str(j, "endpoint", b.s);
    buf_free(&b);
    if (side->known)
        json_str(j, "state", gn_state_name(side->state));
    else
        json_null(j, "state");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_u64(j, counts[i].name, counts[i].n);
    json_seconds(j, "zero_window_time", f->zero_window_time);
    steps_json(c, side, j);
    json_close(j, '}');
}

/** conn_json() - one connection */
static void conn_json(const struct trace *t, const struct passive_conn *c, struct json *j)
{
    json_open(j, NULL, '{');
    json_u64(j, "number", c->number);
    json_seconds(j, "begins", c->first - t->first);
    json_seconds(j, "lasted", c->last - c->first);
    json_u64(j, "packets", c->packets);
    json_bool(j, "from_start", c->seen.from_start);
    json_seconds(j, "rtt_min", passive_rtt_min(c));
    json_seconds(j, "rtt_median", passive_rtt_median(c));
    if (c->near == PASSIVE_NOBODY)
        json_null(j, "captured_near");
    else
        json_str(j, "captured_near", c->near ? "b" : "a");
    side_json(c, 0, j);
    side_json(c, 1, j);
    json_open(j, "remarks", '[');
    for (unsigned bit = 0; bit < 32; bit++)
        if (c->remarks >> bit & 1)
            json_str(j, NULL, passive_remark_word((enum passive_remark)(1u << bit)));
    json_close(j, ']');
    if (c->reset != PASSIVE_RESET_NONE) {
        json_open(j, "reset", '{');
        json_str(j, "by", c->seen.rst_by ? "b" : "a");
        json_u64(j, "packet", c->reset_packet);
        json_str(j, "why", passive_reset_text(c->reset));
        json_str(j, "rfc", passive_reset_rfc(c->reset));
        json_close(j, '}');
    }
    json_close(j, '}');
}

void trace_json(const struct trace *t, struct json *j)
{
    const struct passive_stats *s = &t->stats;

    json_str(j, "source", t->source);
    json_str(j, "link_type", t->link_name);
    json_bool(j, "whole", !t->broken);
    if (t->broken)
        json_str(j, "error", t->error);
    json_u64(j, "packets", s->packets);
    json_seconds(j, "span", t->last - t->first);
    json_u64(j, "not_tcp", s->other);
    json_u64(j, "headers_only", s->cut);
    json_u64(j, "fragments", s->fragments);
    json_u64(j, "malformed", s->malformed);
    json_u64(j, "strays", s->strays);
    json_u64(j, "missed", t->missed);
    json_u64(j, "connections_seen", s->conns);
    json_open(j, "connections", '[');
    for (size_t i = 0; i < t->n_rows; i++)
        conn_json(t, &t->row[i], j);
    json_close(j, ']');
}
