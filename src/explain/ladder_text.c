/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ladder_text.c  The ladder as lines of text.
 *
 * Theory of operation. Events are taken in order. Each makes a row: two clocks, two states, two
 * lifelines, and between them a strip of cells. A departure is drawn together with its arrival as
 * one arrow if nothing happened at the receiving end between the two: then no order seen at either
 * end is broken by moving the arrival up. Otherwise it goes into a lane, a vertical line in the
 * strip, until its arrival is reached; this is how crossing segments look like crossing segments.
 * State changes join the row of the segment that caused them (arrivals) or that announces them
 * (departures).
 */
#include "explain/ladder.h"

#include "wire/tcp.h"

#include <string.h>

#define STRIP_MIN   34
#define STRIP_MAX   60
#define TIME_WIDTH  8
#define STATE_WIDTH 12
#define FIXED       (2 * TIME_WIDTH + 2 * STATE_WIDTH + 6) /* all columns but the strip */
#define NOTE_MIN    30 /* narrower than this, causes go under the arrows */
#define LANES       6
#define NOTES       8
#define NO_BREAK    "\001"          /* a blank at which no line is broken; shown as a blank */
#define GAP         (500 * GN_MSEC) /* a silence that deserves a line */

enum paint { PAINT_PLAIN, PAINT_DIM, PAINT_BOLD, PAINT_GREEN, PAINT_BLUE, PAINT_YELLOW, PAINT_RED };

/** What lines are drawn with. */
struct glyphs {
    uint32_t h, v, tee_right, tee_left, node, head_right, head_left, lost, call, timer, gap,
        down_left, down_right, up_right, up_left;
    const char *section, *dot;
};

static const struct glyphs glyphs_unicode = {
    .h = 0x2500,
    .v = 0x2502,
    .tee_right = 0x251C,
    .tee_left = 0x2524,
    .node = 0x25CF,
    .head_right = 0x25B6,
    .head_left = 0x25C0,
    .lost = 0x2717,
    .call = 0x25C6,
    .timer = 0x25F7,
    .gap = 0x250A,
    .down_left = 0x256E,
    .down_right = 0x256D,
    .up_right = 0x2570,
    .up_left = 0x256F,
    .section = "\302\247",
    .dot = "\302\267" NO_BREAK,
};
static const struct glyphs glyphs_ascii = {
    .h = '-',
    .v = '|',
    .tee_right = '+',
    .tee_left = '+',
    .node = 'o',
    .head_right = '>',
    .head_left = '<',
    .lost = 'X',
    .call = '*',
    .timer = '@',
    .gap = ':',
    .down_left = '.',
    .down_right = '.',
    .up_right = '\'',
    .up_left = '\'',
    .section = "",
    .dot = "/" NO_BREAK,
};

/** A segment in flight that could not be drawn on one row. */
struct lane {
    bool used;
    unsigned from;   /* the end that sent it */
    int32_t arrival; /* index of its RECV */
    unsigned column; /* of the strip */
};

struct row {
    bool timed[2];
    gn_time at[2];
    bool changed[2];
    uint32_t edge[2];
    uint32_t cell[STRIP_MAX];
    uint8_t paint[STRIP_MAX];
    uint8_t n_note;
    struct {
        const struct ladder_event *event;
    } note[NOTES];
};

struct view {
    struct ladder *l;
    const struct ladder_style *s;
    const struct text_writer *w;
    const struct glyphs *g;
    unsigned strip; /* cells between the lifelines */
    unsigned notes; /* columns for causes at the side, 0: under the arrows */
    bool milli;     /* clocks in milliseconds, else in seconds */
    enum gn_state state[2];
    gn_time clock; /* latest time drawn */
    struct lane lane[LANES];
    struct text line;
    struct row row;
};

/** paint() - switch the colour, if there are colours */
static void paint(struct view *v, enum paint p)
{
    static const char *const codes[] = {
        [PAINT_PLAIN] = "\033[0m",  [PAINT_DIM] = "\033[2m",   [PAINT_BOLD] = "\033[1m",
        [PAINT_GREEN] = "\033[32m", [PAINT_BLUE] = "\033[36m", [PAINT_YELLOW] = "\033[33m",
        [PAINT_RED] = "\033[1;31m"};
    if (v->s->colour)
        text_str(&v->line, codes[p]);
}

/** emit() - end the line without trailing blanks, and hand it over */
static void emit(struct view *v)
{
    while (v->line.len && v->line.s[v->line.len - 1] == ' ')
        v->line.len--;
    for (size_t i = 0; i < v->line.len; i++)
        if (v->line.s[i] == NO_BREAK[0])
            v->line.s[i] = ' ';
    text_str(&v->line, "\n");
    text_flush(&v->line, v->w);
}

/** row_begin() - a row with nothing on it but lifelines and lanes */
static struct row *row_begin(struct view *v)
{
    struct row *r = &v->row;
    memset(r, 0, sizeof *r);
    for (unsigned i = 0; i < v->strip; i++)
        r->cell[i] = ' ';
    for (unsigned i = 0; i < LANES; i++) {
        if (!v->lane[i].used)
            continue;
        r->cell[v->lane[i].column] = v->g->v;
        r->paint[v->lane[i].column] = PAINT_DIM;
    }
    r->edge[0] = r->edge[1] = v->g->v;
    return r;
}

/** put_time() - the clock of one end, if the row has one; @right: left-aligned */
static void put_time(struct view *v, unsigned end)
{
    struct text num;
    text_reset(&num);
    if (v->row.timed[end])
        text_milli(&num, (int64_t)(v->row.at[end] / (v->milli ? GN_USEC : GN_MSEC)));
    if (num.len < TIME_WIDTH)
        text_spaces(&v->line, TIME_WIDTH - num.len);
    paint(v, PAINT_DIM);
    text_mem(&v->line, num.s, num.len);
    paint(v, PAINT_PLAIN);
}

/** put_state() - the state of one end: bright where it has just changed, dim where it stands */
static void put_state(struct view *v, unsigned end)
{
    const char *name = v->l->seen[end] ? gn_state_name(v->state[end]) : "";
    size_t len = text_length(name);
    size_t blank = len < STATE_WIDTH ? STATE_WIDTH - len : 0;
    if (end == 0)
        text_spaces(&v->line, blank);
    paint(v, v->row.changed[end] ? PAINT_BOLD : PAINT_DIM);
    text_str(&v->line, name);
    paint(v, PAINT_PLAIN);
    if (end == 1)
        text_spaces(&v->line, blank);
}

/** put_strip() - lifeline, cells, lifeline */
static void put_strip(struct view *v)
{
    const struct row *r = &v->row;
    enum paint now = PAINT_PLAIN;
    text_cp(&v->line, r->edge[0]);
    for (unsigned i = 0; i < v->strip; i++) {
        if (r->paint[i] != now) {
            paint(v, PAINT_PLAIN);
            now = r->paint[i];
            paint(v, now);
        }
        text_cp(&v->line, r->cell[i]);
    }
    if (now != PAINT_PLAIN)
        paint(v, PAINT_PLAIN);
    text_cp(&v->line, r->edge[1]);
}

/** put_note() - one cause: "A: CLOSE called, FIN queued (RFC 9293 3.10.4)" */
static void put_note(struct view *v, const struct ladder_event *e, struct text *t)
{
    const char *rfc = "";
    text_str(t, e->end == 0 ? "A: " : "B: ");
    if (e->kind == LADDER_DROP) {
        text_str(t, gn_drop_text(e->drop));
    } else if (e->kind == LADDER_REMARK) {
        text_str(t, e->text);
    } else {
        text_str(t, gn_cause_text(e->cause));
        rfc = gn_cause_rfc(e->cause);
    }
    if (!*rfc)
        return;
    text_str(t, " ");
    text_str(t, v->g->dot);
    /* "RFC 9293 3.10.4" is shown as "RFC 9293 <section sign>3.10.4", and not broken */
    size_t spaces = 0;
    for (; *rfc; rfc++) {
        text_str(t, *rfc == ' ' ? NO_BREAK : (char[2]){*rfc, 0});
        if (*rfc == ' ' && ++spaces == 2)
            text_str(t, v->g->section);
    }
}

/** wrap() - how many octets of @s (from @n) fit into @columns, broken at a blank if possible */
static size_t wrap(const char *s, size_t n, size_t columns)
{
    size_t blank = 0, i = 0, used = 0;
    while (i < n && used <= columns) {
        if (s[i] == ' ')
            blank = i;
        do
            i++;
        while (i < n && ((unsigned char)s[i] & 0xC0) == 0x80);
        used++;
    }
    if (used <= columns)
        return n;
    return blank ? blank : columns;
}

/** put_row() - the fixed part of a row */
static void put_row(struct view *v)
{
    put_time(v, 0);
    text_str(&v->line, " ");
    put_state(v, 0);
    text_str(&v->line, " ");
    put_strip(v);
    text_str(&v->line, " ");
    put_state(v, 1);
    text_str(&v->line, " ");
    put_time(v, 1);
}

/** put_filler() - lifelines and lanes only, no clocks, no states */
static void put_filler(struct view *v)
{
    (void)row_begin(v);
    text_spaces(&v->line, TIME_WIDTH + 1 + STATE_WIDTH + 1);
    put_strip(v);
    text_spaces(&v->line, 1 + STATE_WIDTH + 1 + TIME_WIDTH);
}

/** emit_notes_under() - causes inside the strip, on rows of their own */
static void emit_notes_under(struct view *v, const struct text *all, size_t n, const size_t *ends)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        while (from < ends[i]) {
            size_t len = wrap(all->s + from, ends[i] - from, v->strip - 4);
            struct row *r = row_begin(v);
            unsigned col = 2;
            for (size_t k = from; k < from + len; col++) {
                uint32_t cp = (unsigned char)all->s[k++];
                while (k < from + len && ((unsigned char)all->s[k] & 0xC0) == 0x80)
                    cp = (cp & 0x1F) << 6 | ((unsigned char)all->s[k++] & 0x3F);
                r->cell[col] = cp;
                r->paint[col] = PAINT_DIM;
            }
            text_spaces(&v->line, TIME_WIDTH + 1 + STATE_WIDTH + 1);
            put_strip(v);
            emit(v);
            from += len;
            while (from < ends[i] && all->s[from] == ' ')
                from++;
        }
    }
}

/** emit_notes_beside() - the first lines of the causes go on the row itself, the others on rows of
 * their own */
static void emit_notes_beside(struct view *v, const struct text *all, size_t n, const size_t *ends)
{
    size_t from = 0;
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        bool begin = true;
        while (from < ends[i]) {
            if (!first)
                put_filler(v);
            first = false;
            size_t indent = begin ? 0 : 3;
            size_t len = wrap(all->s + from, ends[i] - from, v->notes - indent);
            text_spaces(&v->line, 2 + indent);
            paint(v, PAINT_BLUE);
            text_mem(&v->line, all->s + from, len);
            paint(v, PAINT_PLAIN);
            emit(v);
            from += len;
            while (from < ends[i] && all->s[from] == ' ')
                from++;
            begin = false;
        }
    }
    if (first)
        emit(v);
}

/** row_emit() - print the row with its causes */
static void row_emit(struct view *v)
{
    struct text all;
    size_t ends[NOTES];
    size_t n = v->row.n_note;
    text_reset(&all);
    for (size_t i = 0; i < n; i++) {
        put_note(v, v->row.note[i].event, &all);
        ends[i] = all.len;
    }
    put_row(v);
    for (unsigned end = 0; end < 2; end++)
        if (v->row.timed[end] && v->row.at[end] > v->clock)
            v->clock = v->row.at[end];
    if (v->notes) {
        emit_notes_beside(v, &all, n, ends);
    } else {
        emit(v);
        emit_notes_under(v, &all, n, ends);
    }
}

/** row_text() - words in the strip from @col on; what does not fit is cut */
static void row_text(struct view *v, unsigned col, const char *s, size_t n, enum paint p)
{
    for (size_t i = 0; i < n && col < v->strip; col++) {
        uint32_t cp = (unsigned char)s[i++];
        if (cp >= 0xE0) {
            cp &= 0x0F;
            for (int k = 0; k < 2 && i < n; k++)
                cp = cp << 6 | ((unsigned char)s[i++] & 0x3F);
        } else if (cp >= 0xC0 && i < n) {
            cp = (cp & 0x1F) << 6 | ((unsigned char)s[i++] & 0x3F);
        }
        v->row.cell[col] = cp;
        v->row.paint[col] = (uint8_t)p;
    }
}

/** row_clock() - the row shows @at on the clock of @end */
static void row_clock(struct view *v, unsigned end, gn_time at)
{
    v->row.timed[end] = true;
    v->row.at[end] = at;
}

/** row_note() - a transition or a drop belongs to this row */
static void row_note(struct view *v, struct ladder_event *e)
{
    e->drawn = true;
    if (e->kind == LADDER_STATE) {
        v->state[e->end] = e->to;
        v->row.changed[e->end] = true;
        v->row.edge[e->end] = v->g->node;
    }
    bool unexplained = e->kind == LADDER_STATE && e->cause == GN_CAUSE_NONE;
    if (v->row.n_note < NOTES && !unexplained)
        v->row.note[v->row.n_note++].event = e;
}

/** take_before() - state changes of @end that wait for the departure at @i */
static void take_before(struct view *v, size_t i, unsigned end)
{
    for (size_t j = 0; j < i; j++) {
        struct ladder_event *e = &v->l->events[j];
        if (!e->drawn && e->end == end && (e->kind == LADDER_STATE || e->kind == LADDER_REMARK))
            row_note(v, e);
    }
}

/** waits_for_send() - is the change or remark at @i one of the departure that comes next? */
static bool waits_for_send(const struct view *v, size_t i)
{
    const struct ladder_event *e = &v->l->events[i];
    int32_t next = ladder_next(v->l, i, e->end);
    while (next >= 0 &&
           (v->l->events[next].kind == LADDER_STATE || v->l->events[next].kind == LADDER_REMARK))
        next = ladder_next(v->l, (size_t)next, e->end);
    return next >= 0 && v->l->events[next].kind == LADDER_SEND && v->l->events[next].at == e->at;
}

/** take_after() - what the arrival @i caused at its end, up to the next thing of another kind */
static void take_after(struct view *v, size_t i)
{
    const struct ladder_event *r = &v->l->events[i];
    int32_t j = (int32_t)i;
    while ((j = ladder_next(v->l, (size_t)j, r->end)) >= 0) {
        struct ladder_event *e = &v->l->events[j];
        bool belongs =
            e->kind == LADDER_STATE || e->kind == LADDER_DROP || e->kind == LADDER_REMARK;
        bool announced = e->kind == LADDER_REMARK || e->cause == GN_CAUSE_CLOSE_CALL;
        if (!belongs || e->at != r->at || (announced && waits_for_send(v, (size_t)j)))
            return;
        row_note(v, e);
    }
}

/** colour_of() - by what the segment does */
static enum paint colour_of(const struct ladder_event *e)
{
    if (e->ctl & CTL_RST)
        return PAINT_RED;
    if (e->ctl & CTL_SYN)
        return PAINT_GREEN;
    if (e->ctl & CTL_FIN)
        return PAINT_YELLOW;
    return PAINT_PLAIN;
}

/** arrow() - a horizontal line over columns [@a, @b), not over what is written already if @under */
static void arrow(struct view *v, unsigned a, unsigned b, enum paint p)
{
    for (unsigned i = a; i < b && i < v->strip; i++) {
        v->row.cell[i] = v->g->h;
        v->row.paint[i] = (uint8_t)p;
    }
}

/** label() - the segment's words beside the end that sent it */
static void label(struct view *v, const struct ladder_event *e, bool absolute)
{
    struct text t;
    text_reset(&t);
    text_str(&t, " ");
    ladder_label(v->l, e, absolute, &t);
    text_str(&t, " ");
    unsigned room = v->strip - 8;
    if (t.len > room)
        t.len = room;
    unsigned col = ladder_sender(e) == 0 ? 2 : v->strip - 2 - (unsigned)t.len;
    row_text(v, col, t.s, t.len, absolute ? PAINT_DIM : colour_of(e));
}

/** emit_absolute() - the absolute numbers on a row of their own, if wanted */
static void emit_absolute(struct view *v, const struct ladder_event *e)
{
    if (!v->s->absolute)
        return;
    (void)row_begin(v);
    label(v, e, true);
    text_spaces(&v->line, TIME_WIDTH + 1 + STATE_WIDTH + 1);
    put_strip(v);
    emit(v);
}

/** tees() - where the arrow leaves a lifeline that has no node already */
static void tee(struct view *v, unsigned end)
{
    if (v->row.edge[end] == v->g->v)
        v->row.edge[end] = end == 0 ? v->g->tee_right : v->g->tee_left;
}

/** head() - the point of an arrow at @end */
static void head(struct view *v, unsigned end, enum paint p)
{
    unsigned col = end == 0 ? 0 : v->strip - 1;
    v->row.cell[col] = end == 0 ? v->g->head_left : v->g->head_right;
    v->row.paint[col] = (uint8_t)p;
}

/** lane_take() - a free lane for a segment from @from; NULL: none */
static struct lane *lane_take(struct view *v, unsigned from, int32_t arrival)
{
    for (unsigned k = 0; k < LANES / 2; k++) {
        unsigned column = from == 0 ? v->strip - 3 - 2 * k : 2 + 2 * k;
        struct lane *hole = NULL;
        for (unsigned i = 0; i < LANES; i++) {
            if (v->lane[i].used && v->lane[i].column == column) {
                hole = NULL;
                break;
            }
            if (!v->lane[i].used && !hole)
                hole = &v->lane[i];
        }
        if (hole) {
            *hole = (struct lane){.used = true, .from = from, .arrival = arrival, .column = column};
            return hole;
        }
    }
    return NULL;
}

/** may_join() - can departure @i and its arrival be one row? Only if the other end did nothing in
 * between */
static bool may_join(const struct view *v, size_t i)
{
    const struct ladder_event *s = &v->l->events[i];
    if (s->peer < 0)
        return false;
    /* what crosses a segment already on its way is drawn crossing */
    for (unsigned k = 0; k < LANES; k++)
        if (v->lane[k].used && v->lane[k].from != s->end)
            return false;
    int32_t next = ladder_next(v->l, i, s->end ^ 1u);
    /* undrawn state changes before @i wait for a departure of theirs and would be overtaken */
    for (size_t j = 0; j < i; j++)
        if (!v->l->events[j].drawn && v->l->events[j].end != s->end)
            return false;
    return next == s->peer;
}

/** stub() - an arrow of @end that stops in column @stop */
static void stub(struct view *v, unsigned end, unsigned stop, enum paint p)
{
    if (end == 0)
        arrow(v, 0, stop, p);
    else
        arrow(v, stop, v->strip, p);
}

/** bend() - an arrow of @s bends into a lane, if there is one left */
static void bend(struct view *v, const struct ladder_event *s, struct row *r, enum paint p)
{
    const struct lane *lane = lane_take(v, s->end, s->peer);
    unsigned stop = lane ? lane->column : v->strip / 2;

    stub(v, s->end, stop, p);
    r->cell[stop] = lane ? s->end == 0 ? v->g->down_left : v->g->down_right : v->g->h;
    r->paint[stop] = (uint8_t)p;
}

/** draw_send() - a departure: a whole arrow, a lost one, or one that bends into a lane */
static void draw_send(struct view *v, size_t i)
{
    struct ladder_event *s = &v->l->events[i];
    unsigned to = s->end ^ 1u, stop = s->end == 0 ? v->strip - 6 : 5;
    enum paint p = colour_of(s);
    bool lost = ladder_lost(v->l, s);
    bool join = !lost && (s->peer < 0 || may_join(v, i));
    struct row *r = row_begin(v);
    row_clock(v, s->end, s->at);
    s->drawn = true;
    if (join) {
        arrow(v, 0, v->strip, p);
        head(v, to, p);
    } else if (lost) {
        stub(v, s->end, stop, p);
    } else {
        bend(v, s, r, p);
    }
    label(v, s, false);
    if (lost) {
        r->cell[stop] = v->g->lost;
        r->paint[stop] = PAINT_RED;
    }
    take_before(v, i, s->end);
    if (join && s->peer >= 0) {
        v->l->events[s->peer].drawn = true;
        row_clock(v, to, v->l->events[s->peer].at);
        take_after(v, (size_t)s->peer);
    }
    tee(v, s->end);
    row_emit(v);
    emit_absolute(v, s);
}

/** draw_recv() - an arrival that was not drawn with its departure */
static void draw_recv(struct view *v, size_t i)
{
    struct ladder_event *e = &v->l->events[i];
    enum paint p = colour_of(e);
    struct lane *lane = NULL;
    for (unsigned k = 0; k < LANES; k++)
        if (v->lane[k].used && v->lane[k].arrival == (int32_t)i)
            lane = &v->lane[k];
    struct row *r = row_begin(v);
    row_clock(v, e->end, e->at);
    e->drawn = true;
    bool far = e->peer < 0 && !v->l->seen[e->end ^ 1u]; /* its departure could not be seen */
    unsigned start = lane ? lane->column : far ? (e->end == 1 ? 0 : v->strip - 1) : v->strip / 2;
    arrow(v, e->end == 1 ? start : 0, e->end == 1 ? v->strip : start + 1, p);
    if (lane) {
        r->cell[start] = e->end == 1 ? v->g->up_right : v->g->up_left;
        lane->used = false;
    } else {
        label(v, e, false);
    }
    head(v, e->end, p);
    take_after(v, i);
    if (far)
        tee(v, e->end ^ 1u);
    row_emit(v);
    if (!lane)
        emit_absolute(v, e);
}

/** draw_words() - a call, a timer or a note beside the lifeline of its end */
static void draw_words(struct view *v, size_t i)
{
    struct ladder_event *e = &v->l->events[i];
    struct text t;
    (void)row_begin(v);
    row_clock(v, e->end, e->at);
    e->drawn = true;
    text_reset(&t);
    if (e->kind != LADDER_NOTE) {
        text_cp(&t, e->kind == LADDER_CALL ? v->g->call : v->g->timer);
        text_str(&t, " ");
    }
    text_str(&t, e->text);
    size_t columns = text_columns(t.s, t.len);
    unsigned col = 2;
    if (e->end == 1 && columns + 2 < v->strip)
        col = v->strip - 2 - (unsigned)columns;
    row_text(v, col, t.s, t.len, e->kind == LADDER_TIMER ? PAINT_YELLOW : PAINT_BOLD);
    /* a call or a time-out that changes the state and sends nothing has its cause on its own row */
    int32_t next = ladder_next(v->l, i, e->end);
    if (next >= 0 && v->l->events[next].kind == LADDER_STATE && v->l->events[next].at == e->at) {
        int32_t after = ladder_next(v->l, (size_t)next, e->end);
        if (after < 0 || v->l->events[after].kind != LADDER_SEND || v->l->events[after].at != e->at)
            row_note(v, &v->l->events[next]);
    }
    row_emit(v);
}

/** draw_state() - a change of state, a drop or a remark that no segment carries */
static void draw_state(struct view *v, size_t i)
{
    struct ladder_event *e = &v->l->events[i];
    (void)row_begin(v);
    row_clock(v, e->end, e->at);
    row_note(v, e);
    row_emit(v);
}

/** draw_gap() - a silence */
static void draw_gap(struct view *v, gn_time span)
{
    struct text t;
    struct row *r = row_begin(v);
    r->edge[0] = r->edge[1] = v->g->gap;
    text_reset(&t);
    text_span(&t, span);
    text_str(&t, " pass");
    row_text(v, (v->strip - (unsigned)t.len) / 2, t.s, t.len, PAINT_DIM);
    text_spaces(&v->line, TIME_WIDTH + 1 + STATE_WIDTH + 1);
    put_strip(v);
    emit(v);
}

/** emit_head() - title, names, initial sequence numbers */
static void emit_head(struct view *v)
{
    const struct ladder *l = v->l;
    if (l->title) {
        paint(v, PAINT_BOLD);
        text_str(&v->line, l->title);
        paint(v, PAINT_PLAIN);
        emit(v);
        emit(v);
    }
    size_t from = v->line.len;
    text_spaces(&v->line, TIME_WIDTH - 2);
    text_str(&v->line, v->milli ? "ms" : " s");
    text_pad(&v->line, from, TIME_WIDTH + 2 + STATE_WIDTH);
    size_t names = text_length(l->name[0]) + text_length(l->name[1]);
    text_str(&v->line, l->name[0]);
    text_spaces(&v->line, names < v->strip + 1 ? v->strip + 2 - names : 2);
    text_str(&v->line, l->name[1]);
    text_pad(&v->line, from, FIXED + v->strip - 2);
    text_str(&v->line, v->milli ? "ms" : " s");
    if (v->notes) {
        text_pad(&v->line, from, FIXED + v->strip + 2);
        text_str(&v->line, "why");
    }
    emit(v);
    (void)row_begin(v);
    put_row(v);
    emit(v);
}

/** emit_foot() - the last states, and what relative numbers are relative to */
static void emit_foot(struct view *v)
{
    (void)row_begin(v);
    put_row(v);
    emit(v);
    uint32_t iss;
    text_spaces(&v->line, TIME_WIDTH + 1);
    paint(v, PAINT_DIM);
    for (unsigned end = 0; end < 2; end++) {
        if (!ladder_iss(v->l, end, &iss))
            continue;
        text_str(&v->line, end == 0 ? "A's sequence numbers begin at " : ", B's at ");
        text_u64(&v->line, iss);
    }
    paint(v, PAINT_PLAIN);
    emit(v);
}

/** view_init() - choose glyphs, widths and the unit of the clocks */
static void view_init(struct view *v, struct ladder *l, const struct ladder_style *s,
                      const struct text_writer *w)
{
    memset(v, 0, sizeof *v);
    v->l = l;
    v->s = s;
    v->w = w;
    v->g = s->ascii ? &glyphs_ascii : &glyphs_unicode;
    v->strip = 42;
    if (s->width >= FIXED + 42 + 2 + NOTE_MIN) {
        v->notes = s->width - FIXED - 42 - 2;
        if (v->notes > 64) {
            unsigned wider = (v->notes - 64) / 2;
            v->strip += wider < STRIP_MAX - 42 ? wider : STRIP_MAX - 42;
            v->notes = s->width - FIXED - v->strip - 2;
        }
    } else if (s->width < FIXED + 42) {
        v->strip = s->width > FIXED + STRIP_MIN ? s->width - FIXED : STRIP_MIN;
    }
    v->state[0] = l->start[0];
    v->state[1] = l->start[1];
    v->milli = l->n && l->events[l->n - 1].at - l->events[0].at < GN_SEC;
    v->clock = l->n ? l->events[0].at : 0;
}

void ladder_text(struct ladder *l, const struct ladder_style *s, const struct text_writer *w)
{
    struct view v;
    view_init(&v, l, s, w);
    ladder_prepare(l);
    emit_head(&v);
    for (size_t i = 0; i < l->n; i++) {
        const struct ladder_event *e = &l->events[i];
        bool change = e->kind == LADDER_STATE || e->kind == LADDER_REMARK;
        if (e->drawn || (change && waits_for_send(&v, i)))
            continue;
        if (e->at > v.clock + GAP)
            draw_gap(&v, e->at - v.clock);
        switch (e->kind) {
        case LADDER_SEND: draw_send(&v, i); break;
        case LADDER_RECV: draw_recv(&v, i); break;
        case LADDER_CALL:
        case LADDER_TIMER:
        case LADDER_NOTE: draw_words(&v, i); break;
        case LADDER_STATE:
        case LADDER_REMARK:
        case LADDER_DROP: draw_state(&v, i); break;
        }
    }
    emit_foot(&v);
}
