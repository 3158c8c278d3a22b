/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_cmd.c  `gannet trace`: what both ends of captured connections did.
 */
#include "cli/cli.h"
#include "cli/record.h"
#include "cli/trace.h"
#include "cli/view.h"
#include "explain/passive_draw.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_IFACE = 1,
    OPT_LADDER,
    OPT_PLOT,
    OPT_SVG,
    OPT_JSON,
    OPT_ALL,
    OPT_CONNS,
    OPT_SECONDS,
    OPT_ASCII,
    OPT_ABSOLUTE,
    OPT_WIDTH,
    OPT_COLOUR
};

#define ROWS_SHOWN   200
#define LADDER_WHOLE 400 /* so many segments are drawn all */
#define LADDER_END   150 /* of more, so many at both ends, and what is worth a look between */
#define FILTER_MAX   4096

static const struct option_spec options[] = {
    {OPT_IFACE, 'i', "interface", "IF", "listen on an interface ('any': all) until Ctrl-C"},
    {OPT_SECONDS, 0, "seconds", "N", "listen for so long"},
    {OPT_LADDER, 'l', "ladder", NULL, "draw connection N (the number may follow; else 1)"},
    {OPT_SVG, 0, "svg", "FILE", "draw the ladder as SVG into FILE ('-': standard output)"},
    {OPT_PLOT, 0, "plot", "FILE", "plot sequence numbers by time of that connection, as SVG"},
    {OPT_ALL, 'a', "all", NULL, "list all connections, draw all segments"},
    {OPT_JSON, 0, "json", NULL, "one object, with the segments if --ladder is given"},
    {OPT_CONNS, 0, "max-connections", "N", "followed at a time (65536)"},
    {OPT_ASCII, 0, "ascii", NULL, "ASCII characters only"},
    {OPT_ABSOLUTE, 'A', "absolute", NULL, "absolute SEQ and ACK beneath the relative ones"},
    {OPT_WIDTH, 'w', "width", "COLUMNS", "width of the ladder (the terminal's, else 144)"},
    {OPT_COLOUR, 0, "color", "WHEN", "always, never or auto"},
    {0, 0, NULL, NULL, NULL},
};

struct request {
    struct trace_request run;
    const char *plot;
    char filter[FILTER_MAX];
    struct drawing draw;
    bool ladder, json, all;
    uint64_t number;
};

/** on_signal() - handler */
static void on_signal(int sig)
{
    (void)sig;
    trace_interrupt();
}

/** thin_out() - of a long connection only its ends and what is worth a look; how many are left out
 */
static size_t thin_out(struct trace *t)
{
    size_t n = 0, middle = 0, all = t->n_segs;

    if (all <= LADDER_WHOLE)
        return 0;
    for (size_t i = 0; i < all; i++) {
        bool keep = i < LADDER_END || i + LADDER_END >= all;
        if (!keep && passive_telling(&t->seg[i]) && middle < LADDER_WHOLE) {
            keep = true;
            middle++;
        }
        if (keep)
            t->seg[n++] = t->seg[i];
    }
    t->n_segs = n;
    return all - n;
}

/** make_ladder() - events of the connection's ladder; *@ret holds them, to be freed */
static struct ladder_event *make_ladder(struct trace *t, const struct passive_conn *c,
                                        struct ladder *ret)
{
    struct ladder_event *e = calloc(PASSIVE_DRAW_MAX(t->n_segs), sizeof *e);

    if (!e)
        exit(complain("out of memory"));
    ret->events = e;
    ret->n = passive_draw(c, t->seg, t->n_segs, e);
    for (size_t i = 0; i < ret->n; i++) /* the drawing's clock begins with the connection */
        e[i].at = e[i].at > c->first ? e[i].at - c->first : 0;
    for (unsigned x = 0; x < 2; x++) {
        ret->start[x] = passive_begin(c, x);
        ret->seen[x] = true;
    }
    return e;
}

/** draw_ladder() - as text into @b, as SVG into a file, or as JSON; false: the file cannot be
 * written */
static bool draw_ladder(const struct request *q, struct trace *t, const struct passive_conn *c,
                        struct json *j, struct buf *b)
{
    struct ladder l = {0};
    struct buf name[2] = {{0}, {0}}, title = {0};
    size_t left_out = q->all ? 0 : thin_out(t);
    bool good = true;

    buf_printf(&title, "connection %" PRIu64 " of %s", c->number, t->source);
    if (left_out)
        buf_printf(&title, " (%zu plain segments are not drawn; --all draws them)", left_out);
    for (unsigned x = 0; x < 2; x++) {
        buf_printf(&name[x], "%c ", 'A' + (int)x);
        view_endpoint_seen(&c->end[x], &name[x]);
        l.name[x] = name[x].s;
    }
    l.title = title.s;
    struct ladder_event *e = make_ladder(t, c, &l);
    if (j) {
        ladder_prepare(&l);
        record_json(&l, "events", j);
    } else {
        good = drawing_make(&q->draw, &l, b);
    }
    free(e);
    buf_free(&name[0]);
    buf_free(&name[1]);
    buf_free(&title);
    return good;
}

/** plot() - into the file; false: it cannot be written (said already) */
static bool plot(const struct request *q, const struct trace *t, const struct passive_conn *c)
{
    struct buf b = {0};
    bool out = strcmp(q->plot, "-") == 0;
    FILE *f = out ? stdout : fopen(q->plot, "w");

    if (f)
        trace_plot(t, c, &b);
    bool good = f && fwrite(b.s, 1, b.len, f) == b.len;
    if (f && !out && fclose(f))
        good = false;
    if (!good)
        complain("cannot write %s: %s", q->plot, strerror(errno));
    buf_free(&b);
    return good;
}

/** show() - what was asked for; the exit code */
static int show(const struct request *q, struct trace *t)
{
    const struct passive_conn *c = t->wanted ? trace_row(t, t->wanted) : NULL;
    struct buf b = {0};
    struct json j = {.b = &b};
    bool good = !t->broken;

    bool nothing = t->broken && t->stats.conns == 0; /* that is told, and is the reason */

    if (t->wanted && !c && !nothing)
        good = !complain("%s has no connection %" PRIu64 ", only %" PRIu64, t->source, t->wanted,
                         t->stats.conns) &&
               good;
    if (c && q->plot) /* before the ladder thins its segments out */
        good = plot(q, t, c) && good;
    if (q->json) {
        json_open(&j, NULL, '{');
        trace_json(t, &j);
        if (c && q->ladder)
            (void)draw_ladder(q, t, c, &j, &b);
        json_close(&j, '}');
        buf_str(&b, "\n");
    } else if (c && q->ladder) {
        good = draw_ladder(q, t, c, NULL, &b) && good;
    } else if (!q->plot) {
        trace_table(t, q->all ? SIZE_MAX : ROWS_SHOWN, q->draw.style.ascii, &b);
    }
    buf_print(&b, stdout);
    buf_free(&b);
    if (t->broken && (q->json || q->ladder || q->plot))
        complain("the capture is not whole: %s; what came before is told", t->error);
    if (t->segs_left_out)
        complain("only the first %d segments of that connection were kept", TRACE_SEGMENTS);
    return good ? EXIT_FINE : EXIT_FAILED;
}

/** word() - the file, then words of the filter */
static void word(struct args *a, const char *value, struct request *q)
{
    size_t have = strlen(q->filter);

    if (!q->run.path && !q->run.iface) {
        q->run.path = value;
        return;
    }
    int n = snprintf(q->filter + have, sizeof q->filter - have, "%s%s", have ? " " : "", value);
    if (n < 0 || (size_t)n >= sizeof q->filter - have)
        usage_fail(a, "the filter is longer than %d characters", FILTER_MAX);
}

/** prepend() - what was taken for the file is the first word of the filter: -i came later */
static void prepend(const struct args *a, struct request *q)
{
    size_t n = strlen(q->run.path), have = strlen(q->filter);

    if (n + 1 + have >= sizeof q->filter)
        usage_fail(a, "the filter is longer than %d characters", FILTER_MAX);
    memmove(q->filter + n + 1, q->filter, have + 1);
    memcpy(q->filter, q->run.path, n);
    q->filter[n] = have ? ' ' : '\0';
}

/** number_after() - "--ladder 3": the number is optional */
static void number_after(struct args *a, struct request *q)
{
    uint64_t n;

    q->ladder = true;
    if (args_left(a) && parse_number(a->argv[a->at], 1, UINT64_MAX, &n)) {
        q->number = n;
        a->at++;
    }
}

/** take() - one option or word */
static void take(struct args *a, int id, const char *value, struct request *q)
{
    uint64_t n = 0;

    switch (id) {
    case OPT_IFACE: q->run.iface = value; break;
    case OPT_LADDER: number_after(a, q); break;
    case OPT_PLOT: q->plot = value; break;
    case OPT_SVG:
        q->draw.svg = value;
        q->ladder = true;
        break;
    case OPT_JSON: q->json = true; break;
    case OPT_ALL: q->all = true; break;
    case OPT_ASCII: q->draw.style.ascii = true; break;
    case OPT_ABSOLUTE: q->draw.style.absolute = true; break;
    case OPT_CONNS:
        if (!parse_number(value, 1, 1u << 22, &q->run.conns))
            usage_fail(a, "--max-connections is a number from 1 to 4194304, not '%s'", value);
        break;
    case OPT_SECONDS:
        if (!parse_number(value, 1, 1u << 30, &q->run.seconds))
            usage_fail(a, "--seconds is a number, 1 at least, not '%s'", value);
        break;
    case OPT_WIDTH:
        if (!parse_number(value, 80, 1000, &n))
            usage_fail(a, "--width is a number from 80 to 1000, not '%s'", value);
        q->draw.style.width = (unsigned)n;
        break;
    case OPT_COLOUR: args_colour(a, value, &q->draw.style.colour); break;
    default: word(a, value, q);
    }
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct request q = {.draw = drawing_default(), .number = 1, .run.conns = TRACE_CONNS};
    struct sigaction sa = {.sa_handler = on_signal};
    struct trace t = {0};
    char why[CAPTURE_ERROR];
    const char *value;
    int id;

    while ((id = args_next(a, &value)))
        take(a, id, value, &q);
    if (q.run.iface && q.run.path)
        prepend(a, &q);
    if (!q.run.iface && !q.run.path)
        usage_fail(a, "which capture? A FILE ('-': standard input), or -i IF");
    if (q.run.seconds && !q.run.iface)
        usage_fail(a, "--seconds goes with -i");
    t.wanted = q.ladder || q.plot ? q.number : 0;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    q.run.tell = !q.json;
    q.run.filter = q.filter;
    int code = trace_run(&q.run, &t, why, sizeof why) ? show(&q, &t) : complain("%s", why);
    trace_free(&t);
    return code;
}

const struct command command_trace = {
    .name = "trace",
    .synopsis = "FILE|-i IF [FILTER...] [OPTION...]",
    .summary = "Tell what both ends of captured connections did: states, losses, resets, ladders.",
    .details =
        "FILE is pcap or pcapng ('-': standard input); FILTER is what tcpdump takes. A "
        "capture of headers is enough.\n"
        "A state marked ~ is inferred: what led there is not in the capture. ? is one that "
        "nothing tells.\n"
        "Exit status: 0; 1 if the capture cannot be read or is cut off; 2 for bad arguments.",
    .options = options,
    .run = run,
};
