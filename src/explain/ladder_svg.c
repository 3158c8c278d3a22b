/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ladder_svg.c  The ladder as one SVG document.
 *
 * Theory of operation. A first pass gives every event a height: moments follow each other by their
 * order, with room that grows a little with the time between them; a silence is cut out and named.
 * The second pass draws lifelines whose colour is the state, then arrows, which slope because
 * segments take time, then words. Labels are sheared along their arrows, which needs no
 * trigonometry.
 */
#include "explain/ladder.h"

#include "wire/tcp.h"

#include <string.h>

#define PAGE_W   1480
#define LIFE_A   530
#define LIFE_B   950
#define TOP      116
#define NOTE_GAP 34 /* between two causes at one end */
#define GAP      (500 * GN_MSEC)

struct page {
    struct ladder *l;
    const struct ladder_style *s;
    const struct text_writer *w;
    struct text t;
    int32_t height;
    int32_t clock[2]; /* where the last clock of each end stands */
};

static const char *const state_fill[GN_STATE_COUNT] = {
    [GN_CLOSED] = "#6b7280",       [GN_LISTEN] = "#0e7490",      [GN_SYN_SENT] = "#b45309",
    [GN_SYN_RECEIVED] = "#c2410c", [GN_ESTABLISHED] = "#15803d", [GN_FIN_WAIT_1] = "#6d28d9",
    [GN_FIN_WAIT_2] = "#4338ca",   [GN_CLOSE_WAIT] = "#be185d",  [GN_CLOSING] = "#a21caf",
    [GN_LAST_ACK] = "#be123c",     [GN_TIME_WAIT] = "#334155"};

static const char style_sheet[] =
    "<style>\n"
    "text{font:12px ui-sans-serif,'DejaVu Sans',sans-serif;fill:#1f2937}\n"
    ".title{font-size:18px;font-weight:bold}\n"
    ".name{font-size:14px;font-weight:bold}\n"
    ".mono,.label{font-family:ui-monospace,'DejaVu Sans Mono',monospace}\n"
    ".label{font-size:11.5px;paint-order:stroke;stroke:#fff;stroke-width:4px}\n"
    ".clock{font-size:10.5px;fill:#6b7280}\n"
    ".rfc{font-size:10.5px;fill:#6b7280}\n"
    ".call{font-weight:bold}\n"
    ".timer{fill:#b45309;font-weight:bold}\n"
    ".pill{font-size:11px;font-weight:bold;fill:#fff}\n"
    ".arrow{stroke-width:1.6;fill:none}\n"
    ".gap{stroke:#fff;stroke-width:12}\n"
    "</style>\n"
    "<defs>\n"
    "<marker id=\"h\" viewBox=\"0 0 10 8\" refX=\"10\" refY=\"4\" markerWidth=\"9\" "
    "markerHeight=\"8\" "
    "orient=\"auto\"><path d=\"M0,0 L10,4 L0,8 z\" fill=\"#374151\"/></marker>\n"
    "</defs>\n";

/** out() - hand over what has gathered */
static void out(struct page *p)
{
    text_flush(&p->t, p->w);
}

/** str() - append markup */
static void str(struct page *p, const char *s)
{
    text_str(&p->t, s);
}

/** num() - append a number */
static void num(struct page *p, int64_t v)
{
    text_i64(&p->t, v);
}

/** attr() - append name="number" */
static void attr(struct page *p, const char *name, int64_t v)
{
    str(p, " ");
    str(p, name);
    str(p, "=\"");
    num(p, v);
    str(p, "\"");
}

/** escaped() - append words with the five special characters replaced */
static void escaped(struct page *p, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&': str(p, "&amp;"); break;
        case '<': str(p, "&lt;"); break;
        case '>': str(p, "&gt;"); break;
        case '"': str(p, "&quot;"); break;
        default: text_mem(&p->t, s, 1); break;
        }
    }
}

/** words() - one text element */
static void words(struct page *p, int32_t x, int32_t y, const char *anchor, const char *class,
                  const char *s)
{
    str(p, "<text");
    attr(p, "x", x);
    attr(p, "y", y);
    str(p, " text-anchor=\"");
    str(p, anchor);
    str(p, "\" class=\"");
    str(p, class);
    str(p, "\">");
    escaped(p, s);
    str(p, "</text>\n");
    out(p);
}

/** x_of() - the lifeline of an end */
static int32_t x_of(unsigned end)
{
    return end == 0 ? LIFE_A : LIFE_B;
}

/** has_note() - does the event have a cause written beside it? */
static bool has_note(const struct ladder_event *e)
{
    return e->kind == LADDER_STATE || e->kind == LADDER_DROP || e->kind == LADDER_REMARK;
}

/** note_follows() - will the local successor of @i at the same time need room for its cause? */
static bool note_follows(const struct ladder *l, size_t i)
{
    int32_t n = ladder_next(l, i, l->events[i].end);
    return n >= 0 && has_note(&l->events[n]) && l->events[n].at == l->events[i].at;
}

/** leaves_later() - does a segment leave the end of @i at the same time, so that words need a place
 * above its arrow? */
static bool leaves_later(const struct ladder *l, size_t i)
{
    for (size_t j = i + 1; j < l->n && l->events[j].at == l->events[i].at; j++)
        if (l->events[j].end == l->events[i].end && l->events[j].kind == LADDER_SEND)
            return true;
    return false;
}

/** step_of() - pixels between two moments */
static int32_t step_of(gn_time span)
{
    if (span > GAP)
        return 64;
    if (span >= 5 * GN_MSEC)
        return 44;
    return span >= 100 * GN_USEC ? 34 : 24;
}

/** place() - give every event its height; returns the height of the last */
static int32_t place(struct page *p)
{
    struct ladder *l = p->l;
    int32_t cursor[2] = {TOP, TOP}, noted[2] = {-NOTE_GAP, -NOTE_GAP};
    for (size_t i = 0; i < l->n; i++) {
        struct ladder_event *e = &l->events[i];
        if (i && e->at != l->events[i - 1].at) {
            int32_t base = (cursor[0] > cursor[1] ? cursor[0] : cursor[1]) +
                           step_of(e->at - l->events[i - 1].at);
            cursor[0] = cursor[1] = base;
        }
        int32_t *c = &cursor[e->end];
        if ((has_note(e) || note_follows(l, i)) && *c < noted[e->end] + NOTE_GAP)
            *c = noted[e->end] + NOTE_GAP;
        if (e->kind == LADDER_RECV && e->peer >= 0 && *c < l->events[e->peer].y + 24)
            *c = l->events[e->peer].y + 24;
        e->y = *c;
        if (has_note(e))
            noted[e->end] = *c;
        else if (e->kind == LADDER_SEND ||
                 (e->kind != LADDER_RECV && (leaves_later(l, i) || !note_follows(l, i))))
            *c += 20;
    }
    return cursor[0] > cursor[1] ? cursor[0] : cursor[1];
}

/** bar() - a stretch of lifeline in the colour of a state */
static void bar(struct page *p, unsigned end, int32_t from, int32_t to, enum gn_state s)
{
    str(p, "<rect");
    attr(p, "x", x_of(end) - 4);
    attr(p, "y", from);
    attr(p, "width", 8);
    attr(p, "height", to > from ? to - from : 0);
    str(p, " rx=\"3\" fill=\"");
    str(p, state_fill[s]);
    str(p, "\"/>\n");
    out(p);
}

/** pill() - the name of a state beside its lifeline */
static void pill(struct page *p, unsigned end, int32_t y, enum gn_state s)
{
    int32_t x = end == 0 ? LIFE_A - 194 : LIFE_B + 86;
    str(p, "<rect");
    attr(p, "x", x);
    attr(p, "y", y - 10);
    str(p, " width=\"108\" height=\"20\" rx=\"10\" fill=\"");
    str(p, state_fill[s]);
    str(p, "\"/>\n");
    words(p, x + 54, y + 4, "middle", "pill", gn_state_name(s));
}

/** clock_at() - the time of an event beside its lifeline */
static void clock_at(struct page *p, const struct ladder_event *e)
{
    struct text t;
    if (p->clock[e->end] == e->y)
        return;
    p->clock[e->end] = e->y;
    text_reset(&t);
    text_milli(&t, (int64_t)(e->at / GN_USEC));
    text_str(&t, " ms");
    if (e->at >= 10 * GN_SEC) {
        text_reset(&t);
        text_milli(&t, (int64_t)(e->at / GN_MSEC));
        text_str(&t, " s");
    }
    t.s[t.len] = 0;
    words(p, e->end == 0 ? LIFE_A - 10 : LIFE_B + 10, e->y + 4, e->end == 0 ? "end" : "start",
          "clock mono", t.s);
}

/** lifelines() - both ends as sequences of coloured bars */
static void lifelines(struct page *p)
{
    for (unsigned end = 0; end < 2; end++) {
        enum gn_state now = p->l->start[end];
        int32_t from = TOP - 40;
        words(p, x_of(end), TOP - 54, "middle", "name", p->l->name[end]);
        if (p->l->seen[end])
            pill(p, end, from + 4, now);
        for (size_t i = 0; i < p->l->n; i++) {
            const struct ladder_event *e = &p->l->events[i];
            if (e->kind != LADDER_STATE || e->end != end)
                continue;
            bar(p, end, from, e->y, now);
            from = e->y;
            now = e->to;
        }
        bar(p, end, from, p->height - 40, p->l->seen[end] ? now : GN_CLOSED);
    }
}

/** gaps() - where a silence was cut out of the lifelines */
static void gaps(struct page *p)
{
    for (size_t i = 1; i < p->l->n; i++) {
        const struct ladder_event *e = &p->l->events[i], *before = &p->l->events[i - 1];
        if (e->at <= before->at + GAP)
            continue;
        struct text t;
        text_reset(&t);
        text_span(&t, e->at - before->at);
        text_str(&t, " pass");
        t.s[t.len] = 0;
        int32_t y = e->y - 28;
        for (unsigned end = 0; end < 2; end++) {
            str(p, "<line class=\"gap\"");
            attr(p, "x1", x_of(end));
            attr(p, "x2", x_of(end));
            attr(p, "y1", y - 8);
            attr(p, "y2", y + 8);
            str(p, " stroke-dasharray=\"4 3\"/>\n");
        }
        words(p, (LIFE_A + LIFE_B) / 2, y + 4, "middle", "rfc", t.s);
    }
}

/** arrow_colour() - by what the segment does */
static const char *arrow_colour(uint16_t ctl)
{
    if (ctl & CTL_RST)
        return "#dc2626";
    if (ctl & CTL_SYN)
        return "#15803d";
    return ctl & CTL_FIN ? "#7c3aed" : "#374151";
}

/** sheared() - the segment's words along its arrow, near its sender */
static void sheared(struct page *p, const struct ladder_event *e, int32_t y1, int32_t y2,
                    bool absolute)
{
    struct text t;
    text_reset(&t);
    ladder_label(p->l, e, absolute, &t);
    t.s[t.len] = 0;
    bool right = ladder_sender(e) == 0;
    int32_t slope = (y2 - y1) * 1000 / (LIFE_B - LIFE_A) * (right ? 1 : -1);
    int32_t away = 64;
    int32_t x = right ? LIFE_A + away : LIFE_B - away;
    int32_t y = y1 + (y2 - y1) * away / (LIFE_B - LIFE_A) + (absolute ? 13 : -5);
    str(p, "<text class=\"label\" text-anchor=\"");
    str(p, right ? "start" : "end");
    str(p, "\" transform=\"matrix(1 ");
    text_milli(&p->t, slope);
    str(p, " 0 1 ");
    num(p, x);
    str(p, " ");
    num(p, y);
    str(p, ")\">");
    escaped(p, t.s);
    str(p, "</text>\n");
    out(p);
}

/** line() - an arrow; @part: of a hundred, how far it gets */
static void line(struct page *p, const struct ladder_event *e, int32_t y1, int32_t y2, int32_t part)
{
    unsigned from = ladder_sender(e);
    int32_t x1 = x_of(from) + (from == 0 ? 5 : -5);
    int32_t x2 = x_of(from ^ 1u) + (from == 0 ? -6 : 6);
    int32_t xe = x1 + (x2 - x1) * part / 100, ye = y1 + (y2 - y1) * part / 100;
    str(p, "<line class=\"arrow\"");
    attr(p, "x1", x1);
    attr(p, "y1", y1);
    attr(p, "x2", xe);
    attr(p, "y2", ye);
    str(p, " stroke=\"");
    str(p, arrow_colour(e->ctl));
    str(p, part == 100 ? "\" marker-end=\"url(#h)\"/>\n" : "\" stroke-dasharray=\"6 4\"/>\n");
    out(p);
    if (part == 100)
        return;
    str(p, "<path stroke=\"#dc2626\" stroke-width=\"2.5\" d=\"M");
    num(p, xe - 6);
    str(p, ",");
    num(p, ye - 6);
    str(p, " l12,12 m0,-12 l-12,12\"/>\n");
    out(p);
}

/** draw_segment() - the arrow of a departure, or of an arrival whose departure nobody saw */
static void draw_segment(struct page *p, const struct ladder_event *e)
{
    int32_t y1 = e->y, y2 = e->y + 14, part = 100;
    if (e->kind == LADDER_RECV) {
        if (e->peer >= 0)
            return; /* drawn with its departure */
        y1 = e->y - 14;
        y2 = e->y;
    } else if (e->peer >= 0) {
        y2 = p->l->events[e->peer].y;
    } else if (ladder_lost(p->l, e)) {
        part = 78;
        y2 = y1 + 24;
    }
    line(p, e, y1, y2, part);
    sheared(p, e, y1, y2, false);
    if (p->s->absolute)
        sheared(p, e, y1, y2, true);
}

/** draw_note() - the cause of a change of state, or of a drop, outside its lifeline */
static void draw_note(struct page *p, const struct ladder_event *e)
{
    bool left = e->end == 0;
    const char *anchor = left ? "end" : "start";
    bool state = e->kind == LADDER_STATE;
    int32_t x = left ? LIFE_A - 204 : LIFE_B + 204;
    if (state)
        pill(p, e->end, e->y, e->to);
    words(p, x, e->y, anchor, "note",
          state                      ? gn_cause_text(e->cause)
          : e->kind == LADDER_REMARK ? e->text
                                     : gn_drop_text(e->drop));
    if (state)
        words(p, x, e->y + 14, anchor, "rfc", gn_cause_rfc(e->cause));
    clock_at(p, e);
}

/** draw_words() - a call, a timer or a note inside, beside its lifeline */
static void draw_words(struct page *p, const struct ladder_event *e)
{
    bool left = e->end == 0;
    words(p, left ? LIFE_A + 14 : LIFE_B - 14, e->y + 4, left ? "start" : "end",
          e->kind == LADDER_CALL    ? "call"
          : e->kind == LADDER_TIMER ? "timer"
                                    : "note",
          e->text);
}

/** draw() - everything that belongs to one event */
static void draw(struct page *p, const struct ladder_event *e)
{
    switch (e->kind) {
    case LADDER_SEND:
    case LADDER_RECV:
        draw_segment(p, e);
        clock_at(p, e);
        break;
    case LADDER_STATE:
    case LADDER_REMARK:
    case LADDER_DROP: draw_note(p, e); break;
    case LADDER_CALL:
    case LADDER_TIMER:
    case LADDER_NOTE: draw_words(p, e); break;
    }
}

void ladder_svg(struct ladder *l, const struct ladder_style *s, const struct text_writer *w)
{
    struct page p = {.l = l, .s = s, .w = w};
    ladder_prepare(l);
    p.height = place(&p) + 90;
    str(&p, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    attr(&p, "width", PAGE_W);
    attr(&p, "height", p.height);
    str(&p, " viewBox=\"0 0 ");
    num(&p, PAGE_W);
    str(&p, " ");
    num(&p, p.height);
    str(&p, "\">\n");
    out(&p);
    w->write(w->ctx, style_sheet, sizeof style_sheet - 1);
    str(&p, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    if (l->title)
        words(&p, PAGE_W / 2, 30, "middle", "title", l->title);
    lifelines(&p);
    gaps(&p);
    for (size_t i = 0; i < l->n; i++)
        draw(&p, &l->events[i]);
    uint32_t iss[2];
    if (ladder_iss(l, 0, &iss[0]) && ladder_iss(l, 1, &iss[1])) {
        struct text t;
        text_reset(&t);
        text_str(&t, "relative to ");
        text_u64(&t, iss[0]);
        text_str(&t, " (left) and ");
        text_u64(&t, iss[1]);
        text_str(&t, " (right)");
        t.s[t.len] = 0;
        words(&p, PAGE_W / 2, p.height - 14, "middle", "rfc", t.s);
    }
    str(&p, "</svg>\n");
    out(&p);
}
