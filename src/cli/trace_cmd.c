/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace_cmd.c  `gannet trace`: what both ends of captured connections did.
 */
#include "cli/cli.h"
#include "cli/pages.h"
#include "cli/record.h"
#include "cli/trace.h"
#include "cli/view.h"
#include "explain/passive_draw.h"
#include "explain/passive_link.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

#define ROWS_SHOWN    200
#define LADDER_WHOLE  400 /* so many segments are drawn all */
#define LADDER_END    150 /* of more, so many at both ends, and what is worth a look between */
#define CONNS_DEFAULT 65536
#define CONN_OCTETS   4096 /* what one connection costs, roughly */
#define FILTER_MAX    4096

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
    const char *path, *iface, *plot;
    char filter[FILTER_MAX];
    struct drawing draw;
    bool ladder, json, all;
    uint64_t number, conns, seconds;
};

static volatile sig_atomic_t interrupted;

/** on_signal() - handler */
static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

/** grown() - room for one more element */
static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap ? 2 * *cap : 64;
    list = realloc(list, *cap * size);
    if (!list)
        exit(complain("out of memory"));
    return list;
}

/** on_done() - passive_config.done */
static void on_done(void *ctx, const struct passive_conn *c)
{
    struct trace *t = ctx;

    if (t->n_rows >= TRACE_ROWS && c->number != t->wanted) {
        t->rows_left_out++;
        return;
    }
    t->row = grown(t->row, t->n_rows, &t->cap_rows, sizeof *t->row);
    t->row[t->n_rows++] = *c;
}

/** on_event() - passive_config.event: keep those of the connection to be drawn */
static void on_event(void *ctx, const struct passive_event *e)
{
    struct trace *t = ctx;

    if (e->conn->number != t->wanted)
        return;
    if (t->n_segs >= TRACE_SEGMENTS) {
        t->segs_left_out = true;
        return;
    }
    t->seg = grown(t->seg, t->n_segs, &t->cap_segs, sizeof *t->seg);
    t->seg[t->n_segs] = *e;
    t->seg[t->n_segs++].conn = NULL;
}

/** by_number() - for qsort() */
static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct passive_conn *)a)->number;
    uint64_t y = ((const struct passive_conn *)b)->number;

    return (x > y) - (x < y);
}

/** clock_seconds() - for --seconds */
static uint64_t clock_seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

/** observe() - every packet of the capture to the observer */
static void observe(struct capture *c, struct passive *p, uint64_t seconds, struct trace *t)
{
    struct capture_packet k;
    enum capture_result result = CAPTURE_NOTHING;
    int type = capture_link_type(c);
    uint64_t until = clock_seconds() + seconds;
    uint32_t skip;

    while (!interrupted && (!seconds || clock_seconds() < until)) {
        result = capture_next(c, &k);
        if (result == CAPTURE_NOTHING)
            continue;
        if (result != CAPTURE_PACKET)
            break;
        if (t->first == 0 || k.at < t->first)
            t->first = k.at;
        t->last = k.at > t->last ? k.at : t->last;
        if (passive_link_ip(type, k.data, k.captured, &skip) && skip < k.captured)
            passive_feed(p, k.at, k.data + skip, k.captured - skip, k.length - skip);
        else
            passive_skip(p, k.at);
    }
    t->broken = result == CAPTURE_BROKEN;
    if (t->broken)
        snprintf(t->error, sizeof t->error, "%s", capture_error(c));
    t->missed = capture_missed(c);
}

/** run_capture() - open, observe, sum up; false: nothing could be read (said already) */
static bool run_capture(const struct request *q, struct trace *t)
{
    char error[CAPTURE_ERROR];
    struct capture_config cc = {.path = q->path, .iface = q->iface, .filter = q->filter};
    struct passive_config pc = {.pages = pages_source(),
                                .budget = q->conns * CONN_OCTETS + ((uint64_t)256 << 20),
                                .max_conns = (uint32_t)q->conns,
                                .event = on_event,
                                .done = on_done,
                                .ctx = t};
    uint8_t secret[32];
    struct capture *c = capture_open(&cc, error);

    if (!c) {
        complain("%s", error);
        return false;
    }
    secret_random(secret);
    memcpy(pc.secret, secret, sizeof pc.secret);
    struct passive *p = passive_new(&pc);
    if (!p) {
        complain("out of memory");
        capture_close(c);
        return false;
    }
    t->link_name = capture_link_name(c);
    snprintf(t->source, sizeof t->source, "%s",
             q->iface                    ? q->iface
             : strcmp(q->path, "-") == 0 ? "standard input"
                                         : q->path);
    observe(c, p, q->seconds, t);
    passive_end(p);
    t->stats = *passive_stats(p);
    passive_free(p);
    capture_close(c);
    if (t->n_rows)
        qsort(t->row, t->n_rows, sizeof *t->row, by_number);
    return true;
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
        view_endpoint(&c->end[x], &name[x]);
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

    if (t->wanted && !c)
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

    if (!q->path && !q->iface) {
        q->path = value;
        return;
    }
    int n = snprintf(q->filter + have, sizeof q->filter - have, "%s%s", have ? " " : "", value);
    if (n < 0 || (size_t)n >= sizeof q->filter - have)
        usage_fail(a, "the filter is longer than %d characters", FILTER_MAX);
}

/** prepend() - what was taken for the file is the first word of the filter: -i came later */
static void prepend(const struct args *a, struct request *q)
{
    size_t n = strlen(q->path), have = strlen(q->filter);

    if (n + 1 + have >= sizeof q->filter)
        usage_fail(a, "the filter is longer than %d characters", FILTER_MAX);
    memmove(q->filter + n + 1, q->filter, have + 1);
    memcpy(q->filter, q->path, n);
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
    case OPT_IFACE: q->iface = value; break;
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
        if (!parse_number(value, 1, 1u << 22, &q->conns))
            usage_fail(a, "--max-connections is a number from 1 to 4194304, not '%s'", value);
        break;
    case OPT_SECONDS:
        if (!parse_number(value, 1, 1u << 30, &q->seconds))
            usage_fail(a, "--seconds is a number, 1 at least, not '%s'", value);
        break;
    case OPT_WIDTH:
        if (!parse_number(value, 80, 1000, &n))
            usage_fail(a, "--width is a number from 80 to 1000, not '%s'", value);
        q->draw.style.width = (unsigned)n;
        break;
    case OPT_COLOUR:
        if (strcmp(value, "always") != 0 && strcmp(value, "never") != 0 &&
            strcmp(value, "auto") != 0)
            usage_fail(a, "--color is always, never or auto, not '%s'", value);
        if (strcmp(value, "auto") != 0)
            q->draw.style.colour = value[0] == 'a';
        break;
    default: word(a, value, q);
    }
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct request q = {.draw = drawing_default(), .conns = CONNS_DEFAULT, .number = 1};
    struct sigaction sa = {.sa_handler = on_signal};
    struct trace t = {0};
    const char *value;
    int id;

    while ((id = args_next(a, &value)))
        take(a, id, value, &q);
    if (q.iface && q.path)
        prepend(a, &q);
    if (!q.iface && !q.path)
        usage_fail(a, "which capture? A FILE ('-': standard input), or -i IF");
    if (q.seconds && !q.iface)
        usage_fail(a, "--seconds goes with -i");
    t.wanted = q.ladder || q.plot ? q.number : 0;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    if (q.iface && !q.json)
        fprintf(stderr, "gannet: listening on %s; Ctrl-C ends it\n", q.iface);
    int code = run_capture(&q, &t) ? show(&q, &t) : EXIT_FAILED;
    free(t.row);
    free(t.seg);
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
