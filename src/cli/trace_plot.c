/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_plot.c  Sequence numbers by time, in the tradition of tcptrace: segments as upright
 * strokes, the receiver's acknowledgments and window edge as stairs below and above them.
 *
 * Drawn are octets of text relative to the sender's first one. Where more segments fall on a pixel
 * than can be seen, those that look alike there are drawn once.
 */
#include "cli/trace.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

#define LEFT    84.0
#define WIDTH   960.0
#define TOP     64.0
#define HEIGHT  380.0
#define GAP     74.0
#define TICKS   6
#define STROKES 200000 /* elements of one panel at most */

struct plot {
    const struct trace *t;
    const struct passive_conn *c;
    struct buf *b;
    unsigned sender, panel;
    seq_t base;  /* the sender's first octet */
    double most; /* octets at the top */
    double span; /* seconds */
    unsigned strokes;
};

/** x_of() - of a moment */
static double x_of(const struct plot *p, gn_time at)
{
    double s = at > p->c->first ? (double)(at - p->c->first) / 1e9 : 0;

    return LEFT + WIDTH * (s < p->span ? s / p->span : 1);
}

/** y_of() - of an octet; what is outside is put on the edge */
static double y_of(const struct plot *p, double octet)
{
    double share = octet < 0 ? 0 : octet > p->most ? 1 : octet / p->most;

    return TOP + p->panel * (HEIGHT + GAP) + HEIGHT * (1 - share);
}

/** octet() - a sequence number relative to the base */
static double octet(const struct plot *p, uint32_t n)
{
    return (double)seq_diff(seq(n), p->base);
}

/** round_up() - 1, 2 or 5 times a power of ten, not below @v */
static double round_up(double v)
{
    static const double step[] = {1, 2, 5};

    for (double power = 1e-6;; power *= 10)
        for (unsigned i = 0; i < 3; i++)
            if (step[i] * power >= v)
                return step[i] * power;
}

/** find_base() - the sender's first octet, how far it goes, and until when anything happens to its
 * text; false: it has sent none */
static bool find_base(struct plot *p)
{
    bool found = false;
    gn_time last = p->c->first;
    uint32_t acked = 0;

    p->most = 0;
    for (size_t i = 0; i < p->t->n_segs; i++) {
        const struct passive_event *e = &p->t->seg[i];
        if (e->icmp || e->from != p->sender || !e->len || e->marks & PASSIVE_STRAY)
            continue;
        if (!found || seq_lt(seq(e->seq), p->base))
            p->base = seq(e->seq);
        found = true;
    }
    for (size_t i = 0; found && i < p->t->n_segs; i++) {
        const struct passive_event *e = &p->t->seg[i];
        bool text = !e->icmp && e->from == p->sender && e->len;
        bool ack = e->acks && e->from != p->sender && e->ack != acked;
        if (text && octet(p, e->seq + e->len) > p->most)
            p->most = octet(p, e->seq + e->len);
        if (ack)
            acked = e->ack;
        if ((text || ack) && e->at > last)
            last = e->at;
    }
    p->most *= 1.08;
    p->span = (double)(last - p->c->first) / 1e9 * 1.03;
    if (p->span <= 0)
        p->span = 1e-3;
    return found;
}

/** put_octets() - "1.5 MB" beside the axis */
static void put_octets(double v, struct buf *b)
{
    if (v >= 1e9)
        buf_printf(b, "%g GB", v / 1e9);
    else if (v >= 1e6)
        buf_printf(b, "%g MB", v / 1e6);
    else if (v >= 1e3)
        buf_printf(b, "%g kB", v / 1e3);
    else
        buf_printf(b, "%g B", v);
}

/** put_moment() - below the axis, in the unit that suits all of @span */
static void put_moment(double s, double span, struct buf *b)
{
    if (span >= 2)
        buf_printf(b, "%g s", s);
    else if (span >= 2e-3)
        buf_printf(b, "%g ms", s * 1e3);
    else
        buf_printf(b, "%g us", s * 1e6);
}

/** axes() - frame, grid and numbers */
static void axes(struct plot *p)
{
    double step = round_up(p->most / TICKS), tick = round_up(p->span / TICKS);
    struct buf *b = p->b;

    buf_printf(b, "<text x=\"%.0f\" y=\"%.0f\" class=\"panel\">%c to %c: ", LEFT,
               y_of(p, p->most) - 12, 'A' + (int)p->sender, 'B' - (int)p->sender);
    view_endpoint_seen(&p->c->end[p->sender], b);
    buf_str(b, " sends</text>\n");
    for (unsigned i = 0; i * step <= p->most; i++) {
        double v = i * step;
        buf_printf(b,
                   "<path class=\"grid\" d=\"M%.1f,%.1fh%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                   "class=\"y\">",
                   LEFT, y_of(p, v), WIDTH, LEFT - 8, y_of(p, v) + 4);
        put_octets(v, b);
        buf_str(b, "</text>\n");
    }
    for (unsigned i = 0; i * tick <= p->span * 1.0001; i++) {
        double s = i * tick;
        double x = LEFT + WIDTH * s / p->span;
        buf_printf(b,
                   "<path class=\"grid\" d=\"M%.1f,%.1fv%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                   "class=\"x\">",
                   x, y_of(p, 0), -HEIGHT, x, y_of(p, 0) + 16);
        put_moment(s, p->span, b);
        buf_str(b, "</text>\n");
    }
}

/** stairs() - a value of the receiver's that holds until the next one: its ACK, or the right edge
 * of its window */
static void stairs(struct plot *p, bool edge)
{
    bool down = false;
    double x0 = -1, y0 = -1;

    buf_printf(p->b, "<path class=\"%s\" d=\"", edge ? "edge" : "ack");
    for (size_t i = 0; i < p->t->n_segs; i++) {
        const struct passive_event *e = &p->t->seg[i];
        if (e->icmp || e->from == p->sender || !e->acks || e->marks & PASSIVE_STRAY)
            continue;
        double v = octet(p, e->ack) + (edge ? e->wnd : 0);
        double x = x_of(p, e->at), y = y_of(p, v);
        if (down && x - x0 < 0.05 && y - y0 < 0.05 && y0 - y < 0.05)
            continue;
        if (down)
            buf_printf(p->b, "H%.1fV%.1f", x, y);
        else
            buf_printf(p->b, "M%.1f,%.1f", x, y);
        down = true;
        x0 = x;
        y0 = y;
    }
    if (down)
        buf_printf(p->b, "H%.1f", x_of(p, p->c->last));
    buf_str(p->b, "\"/>\n");
}

/** class_of() - by why the segment passed */
static const char *class_of(const struct passive_event *e)
{
    if (e->marks & PASSIVE_NEEDLESS)
        return "needless";
    if (e->marks & PASSIVE_RTO)
        return "rto";
    if (e->marks & PASSIVE_RETRANS)
        return "again";
    if (e->marks & (PASSIVE_OUT_OF_ORDER | PASSIVE_DUPLICATE))
        return "order";
    return "seg";
}

/** strokes() - the sender's segments of one class */
static void strokes(struct plot *p, const char *class)
{
    double x0 = -1, low = 0, high = -1;
    double least = strcmp(class, "seg") == 0 ? 1.6 : 9; /* what is rare has to stand out */

    buf_printf(p->b, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < p->t->n_segs && p->strokes < STROKES; i++) {
        const struct passive_event *e = &p->t->seg[i];
        if (e->icmp || e->from != p->sender || !e->len || strcmp(class_of(e), class) != 0)
            continue;
        double x = x_of(p, e->at), a = y_of(p, octet(p, e->seq));
        double z = y_of(p, octet(p, e->seq + e->len));
        if (a - z < least) { /* it would not be seen */
            a += (least - (a - z)) / 2;
            z = a - least;
        }
        if (x - x0 < 0.05 && z >= high && a <= low)
            continue;
        buf_printf(p->b, "M%.1f,%.1fV%.1f", x, a, z);
        p->strokes++;
        x0 = x;
        low = a;
        high = z;
    }
    buf_str(p->b, "\"/>\n");
}

/** sacks() - what the receiver says to have beyond a hole */
static void sacks(struct plot *p)
{
    buf_str(p->b, "<path class=\"sack\" d=\"");
    for (size_t i = 0; i < p->t->n_segs && p->strokes < STROKES; i++) {
        const struct passive_event *e = &p->t->seg[i];
        if (e->icmp || e->from == p->sender)
            continue;
        for (unsigned k = 0; k < e->n_sack; k++, p->strokes++)
            buf_printf(p->b, "M%.1f,%.1fV%.1f", x_of(p, e->at),
                       y_of(p, octet(p, e->sack[k][0].raw)), y_of(p, octet(p, e->sack[k][1].raw)));
    }
    buf_str(p->b, "\"/>\n");
}

/** has_class() - is there anything of that class in the panel? */
static bool has_class(const struct plot *p, const char *class)
{
    bool sack = strcmp(class, "sack") == 0;

    for (size_t i = 0; i < p->t->n_segs; i++) {
        const struct passive_event *e = &p->t->seg[i];
        if (sack ? e->from != p->sender && e->n_sack
                 : e->from == p->sender && e->len && strcmp(class_of(e), class) == 0)
            return true;
    }
    return false;
}

/** legend() - the names of what is drawn */
static void legend(struct plot *p)
{
    static const struct {
        const char *class, *name;
        bool line;
    } rows[] = {{"seg", "segment", false},
                {"again", "sent again (fast, probe)", false},
                {"rto", "sent again (timer)", false},
                {"needless", "sent again in vain", false},
                {"order", "out of order, copy", false},
                {"sack", "SACK", false},
                {"ack", "acknowledged", true},
                {"edge", "window", true}};
    double x = LEFT, y = y_of(p, 0) + 40;

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool line = rows[i].line;
        if (!line && !has_class(p, rows[i].class))
            continue;
        buf_printf(p->b,
                   "<path class=\"%s\" d=\"M%.0f,%.0f%s\"/><text x=\"%.0f\" y=\"%.0f\">%s</text>\n",
                   rows[i].class, x + (line ? 0 : 8), y + (line ? -4 : 2), line ? "h18" : "v-12",
                   x + 24, y, rows[i].name);
        x += 42 + 6.7 * (double)text_length(rows[i].name);
    }
}

/** panel() - one direction */
static void panel(struct plot *p)
{
    static const char *const rare[] = {"order", "needless", "again", "rto"};

    axes(p);
    stairs(p, true);
    sacks(p);
    strokes(p, "seg");
    stairs(p, false);
    for (unsigned i = 0; i < sizeof rare / sizeof rare[0]; i++)
        strokes(p, rare[i]);
    legend(p);
}

/** beginning() - of the document, for @panels panels */
static void beginning(struct plot *p, unsigned panels)
{
    double height = TOP + panels * (HEIGHT + GAP) + 4, width = LEFT + WIDTH + 36;

    buf_printf(p->b,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\">\n<style>\n"
               "text{font:12px ui-sans-serif,'DejaVu Sans',sans-serif;fill:#1f2937}\n"
               ".title{font-size:15px;font-weight:bold}.panel{font-weight:bold}\n"
               ".y{text-anchor:end}.x{text-anchor:middle}path{fill:none;stroke-width:1.5}\n"
               ".grid{stroke:#e5e7eb;stroke-width:1}.seg{stroke:#1d4ed8;stroke-width:2}\n"
               ".again{stroke:#ea580c;stroke-width:3}.rto{stroke:#dc2626;stroke-width:3}\n"
               ".needless{stroke:#9333ea;stroke-width:3}.order{stroke:#0891b2;stroke-width:3}\n"
               ".sack{stroke:#f9a8d4;stroke-width:2}.ack{stroke:#16a34a}\n"
               ".edge{stroke:#ca8a04;stroke-dasharray:4 2}\n</style>\n"
               "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n",
               width, height, width, height, width, height);
    buf_printf(p->b, "<text x=\"%.0f\" y=\"24\" class=\"title\">connection %" PRIu64 ": ", LEFT,
               p->c->number);
    view_endpoint_seen(&p->c->end[0], p->b);
    buf_str(p->b, " (A) and ");
    view_endpoint_seen(&p->c->end[1], p->b);
    buf_str(p->b, " (B)</text>\n");
}

void trace_plot(const struct trace *t, const struct passive_conn *c, struct buf *b)
{
    struct plot p = {.t = t, .c = c, .b = b};
    unsigned panels = 0;

    for (p.sender = 0; p.sender < 2; p.sender++)
        panels += find_base(&p);
    beginning(&p, panels);
    for (p.sender = 0; p.sender < 2; p.sender++) {
        if (!find_base(&p))
            continue;
        p.strokes = 0;
        panel(&p);
        p.panel++;
    }
    if (panels == 0)
        buf_printf(b, "<text x=\"%.0f\" y=\"52\">no text passed</text>\n", LEFT);
    buf_str(b, "</svg>\n");
}
