/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file plot.c  See plot.h. Two panels over one time axis: above the windows in segments, below
 * what the receiver has read beside what the link could have carried.
 */
#include "lab/plot.h"

#include "base/bits.h"
#include "congestion/cc.h"
#include "lab/bottle.h"
#include "lab/table.h"

#include <inttypes.h>
#include <stdlib.h>

#define SAMPLES 900
#define LEFT    70.0
#define WIDTH   860.0
#define TOP     56.0
#define HEIGHT  250.0
#define GAP     50.0
#define TICKS   5

struct sample {
    double at, cwnd, ssthresh, in_flight, got; /* seconds, segments */
    bool recovery;
};

struct plot {
    const struct plot_config *c;
    FILE *f;
    unsigned n;
    struct sample s[SAMPLES + 8];
    double most_window, most_got;
};

/** on_sample() - bottle_config.watch */
static void on_sample(void *ctx, gn_time at, const uint64_t *got, const struct gn_status *st)
{
    struct plot *p = ctx;
    struct sample *s = &p->s[p->n];

    if (p->n == sizeof p->s / sizeof *p->s)
        return;
    p->n++;
    s->at = (double)at / 1e9;
    s->cwnd = (double)st->cwnd / BOTTLE_MSS;
    s->ssthresh = st->ssthresh == UINT32_MAX ? -1 : (double)st->ssthresh / BOTTLE_MSS;
    s->in_flight = (double)st->in_flight / BOTTLE_MSS;
    s->got = (double)got[0] / BOTTLE_MSS;
    s->recovery = st->recovery >= GN_RECOVERY_FAST;
    p->most_window = s->cwnd > p->most_window ? s->cwnd : p->most_window;
    p->most_got = s->got > p->most_got ? s->got : p->most_got;
}

/** queue_of() - a bandwidth-delay product, 20 packets at least */
static uint32_t queue_of(const struct plot_config *c)
{
    uint64_t n = c->rate / 1000 * (c->rtt / GN_MSEC) / (UINT64_C(8) * BOTTLE_MTU);

    return (uint32_t)max_u64(n, 20);
}

/** x_of() - of a time in seconds */
static double x_of(const struct plot *p, double at)
{
    return LEFT + WIDTH * at / ((double)p->c->span / 1e9);
}

/** y_of() - of @value in panel @panel, where @most is the top */
static double y_of(unsigned panel, double value, double most)
{
    return TOP + panel * (HEIGHT + GAP) + HEIGHT * (1 - value / most);
}

/** round_up() - 1, 2 or 5 times a power of ten, not below @v */
static double round_up(double v)
{
    static const double step[] = {1, 2, 5};
    double power = 1;

    for (;; power *= 10)
        for (unsigned i = 0; i < 3; i++)
            if (step[i] * power >= v)
                return step[i] * power;
}

/** axes() - frame, grid and numbers of one panel */
static void axes(struct plot *p, unsigned panel, double most, const char *title)
{
    double y0 = y_of(panel, 0, 1), span = (double)p->c->span / 1e9;

    fprintf(p->f, "<text x=\"%.0f\" y=\"%.0f\" class=\"panel\">%s</text>\n", LEFT,
            y_of(panel, 1, 1) - 8, title);
    for (unsigned i = 0; i <= TICKS; i++) {
        double y = y_of(panel, i, TICKS), x = LEFT + WIDTH * i / TICKS;

        fprintf(p->f, "<path class=\"grid\" d=\"M%.1f,%.1fh%.1f\"/>", LEFT, y, WIDTH);
        fprintf(p->f, "<text x=\"%.1f\" y=\"%.1f\" class=\"y\">%g</text>\n", LEFT - 8, y + 4,
                most * i / TICKS);
        fprintf(p->f, "<path class=\"grid\" d=\"M%.1f,%.1fv%.1f\"/>", x, y0, -HEIGHT);
        fprintf(p->f, "<text x=\"%.1f\" y=\"%.1f\" class=\"x\">%g s</text>\n", x, y0 + 16,
                span * i / TICKS);
    }
}

/** curve() - one line; @offset: of the member of struct sample; what is below 0 is left out */
static void curve(struct plot *p, unsigned panel, double most, size_t offset, const char *class)
{
    bool down = false;

    fprintf(p->f, "<path class=\"%s\" d=\"", class);
    for (unsigned i = 0; i < p->n; i++) {
        double v = *(const double *)(const void *)((const char *)&p->s[i] + offset);

        if (v >= 0 && v <= most)
            fprintf(p->f, "%c%.1f,%.1f", down ? 'L' : 'M', x_of(p, p->s[i].at),
                    y_of(panel, v, most));
        down = v >= 0 && v <= most;
    }
    fprintf(p->f, "\"/>\n");
}

/** recoveries() - shade the times of fast recovery and after timeouts */
static void recoveries(struct plot *p)
{
    for (unsigned i = 0; i + 1 < p->n; i++)
        if (p->s[i].recovery)
            fprintf(p->f,
                    "<rect class=\"loss\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                    x_of(p, p->s[i].at), TOP, x_of(p, p->s[i + 1].at) - x_of(p, p->s[i].at),
                    HEIGHT);
}

/** legend() - names of the curves, from right to left */
static void legend(struct plot *p, unsigned panel, double x, const char *class, const char *name)
{
    double y = y_of(panel, 1, 1) - 12;

    fprintf(p->f, "<path class=\"%s\" d=\"M%.0f,%.1fh24\"/>", class, x, y);
    fprintf(p->f, "<text x=\"%.0f\" y=\"%.1f\">%s</text>\n", x + 30, y + 4, name);
}

/** beginning() - of the document */
static void beginning(struct plot *p, uint64_t goodput)
{
    const struct plot_config *c = p->c;
    double height = TOP + 2 * HEIGHT + GAP + 34;

    fprintf(p->f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"%.0f\" "
            "viewBox=\"0 0 960 %.0f\">\n<style>\n"
            "text{font:12px ui-sans-serif,'DejaVu Sans',sans-serif;fill:#1f2937}\n"
            ".title{font-size:15px;font-weight:bold}.panel{font-weight:bold}\n"
            ".y{text-anchor:end}.x{text-anchor:middle}path{fill:none;stroke-width:1.5}\n"
            ".grid{stroke:#e5e7eb;stroke-width:1}.cwnd{stroke:#1d4ed8}.flight{stroke:#86efac;"
            "stroke-width:4}\n"
            ".ssthresh{stroke:#b45309;stroke-dasharray:5 3}.link{stroke:#9ca3af}\n"
            ".loss{fill:#fecaca;stroke:none}\n</style>\n"
            "<rect width=\"960\" height=\"%.0f\" fill=\"#fff\"/>\n",
            height, height, height);
    fprintf(p->f,
            "<text x=\"%.0f\" y=\"20\" class=\"title\">%s, %g Mbit/s, %g ms, %g %% lost, queue of "
            "%" PRIu32 " packets: %.2f Mbit/s</text>\n",
            LEFT, cc_name(c->cc), (double)c->rate / 1e6, (double)c->rtt / 1e6, c->loss_ppm / 1e4,
            queue_of(c), (double)goodput / 1e6);
}

/** document() - all of it */
static void document(struct plot *p, uint64_t goodput)
{
    double window = round_up(p->most_window * 1.05), got = round_up(p->most_got);
    double span = (double)p->c->span / 1e9;
    double link = (double)limit_link(p->c->rate, 0) * span / (BOTTLE_MSS * 8);
    double end = link > got ? span * got / link : span;

    beginning(p, goodput);
    recoveries(p);
    axes(p, 0, window, "windows, segments (shaded: recovery)");
    curve(p, 0, window, offsetof(struct sample, in_flight), "flight");
    curve(p, 0, window, offsetof(struct sample, ssthresh), "ssthresh");
    curve(p, 0, window, offsetof(struct sample, cwnd), "cwnd");
    legend(p, 0, LEFT + WIDTH - 270, "cwnd", "cwnd");
    legend(p, 0, LEFT + WIDTH - 190, "ssthresh", "ssthresh");
    legend(p, 0, LEFT + WIDTH - 90, "flight", "in flight");
    axes(p, 1, got, "sequence, segments read");
    fprintf(p->f, "<path class=\"link\" d=\"M%.1f,%.1fL%.1f,%.1f\"/>\n", x_of(p, 0),
            y_of(1, 0, got), x_of(p, end), y_of(1, link * end / span, got));
    curve(p, 1, got, offsetof(struct sample, got), "cwnd");
    legend(p, 1, LEFT + WIDTH - 190, "link", "the link");
    legend(p, 1, LEFT + WIDTH - 90, "cwnd", "read");
    fprintf(p->f, "</svg>\n");
}

bool plot_flow(const struct plot_config *c, FILE *f)
{
    struct bottle_flow flow = {.cc = c->cc};
    struct bottle_config b = {.flow = &flow, .n_flow = 1, .until = c->span, .seed = c->seed};
    struct bottle_result r;
    struct plot *p = calloc(1, sizeof *p);
    bool ok;

    if (!p)
        return false;
    p->c = c;
    p->f = f;
    b.there.rate = c->rate;
    b.there.latency = b.back.latency = c->rtt / 2;
    b.there.loss_ppm = c->loss_ppm;
    b.there.queue_packets = queue_of(c);
    b.every = max_u64(c->span / SAMPLES, 1);
    b.watch = on_sample;
    b.ctx = p;
    ok = bottle_run(&b, &r);
    if (ok)
        document(p, r.got[0] * 8 * GN_MSEC / (c->span / 1000));
    free(p);
    return ok;
}
