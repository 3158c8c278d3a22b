/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_cmd.c  `gannet demo`: play a script and draw it.
 */
#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/pages.h"
#include "cli/view.h"
#include "cli/why_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_ASCII = 1,
    OPT_ABSOLUTE,
    OPT_SVG,
    OPT_PCAP,
    OPT_AT,
    OPT_JSON,
    OPT_WIDTH,
    OPT_COLOUR,
    OPT_SET,
    OPT_SEED,
    OPT_V6,
    OPT_LATENCY,
    OPT_LOSS,
    OPT_WHY
};

#define STATUS_LINES 6

static const struct option_spec options[] = {
    {OPT_ASCII, 0, "ascii", NULL, "draw with ASCII characters only"},
    {OPT_ABSOLUTE, 'A', "absolute", NULL, "absolute SEQ and ACK beneath the relative ones"},
    {OPT_WHY, 0, "why", NULL, "say what 'gannet why' finds at both ends, instead of drawing"},
    {OPT_SVG, 0, "svg", "FILE", "draw an SVG into FILE instead ('-': standard output)"},
    {OPT_PCAP, 0, "pcap", "FILE",
     "write a capture, made at the end where the trouble is seen best"},
    {OPT_AT, 0, "at", "END", "with --pcap: made at A, or at B"},
    {OPT_JSON, 0, "json", NULL, "print events and final status as JSON"},
    {OPT_WIDTH, 'w', "width", "COLUMNS", "width of the drawing (the terminal's, else 144)"},
    {OPT_COLOUR, 0, "color", "WHEN", "always, never or auto"},
    {OPT_V6, '6', "ipv6", NULL, "over IPv6"},
    {OPT_LATENCY, 0, "latency", "MS", "time a packet takes, one way (10)"},
    {OPT_LOSS, 0, "loss", "PERCENT", "random loss on top of the script's"},
    {OPT_SEED, 0, "seed", "N", "other sequence numbers, other random losses (1)"},
    {OPT_SET, 0, "set", "KNOB=VALUE", "set a knob of both hosts (see 'gannet knobs')"},
    {0, 0, NULL, NULL, NULL},
};

struct request {
    struct demo_options play;
    struct drawing draw;
    bool json, why;
    const char *name;
};

/** list_findings() - ids that 'gannet why' tells of one demonstration, as an array */
static void list_findings(const struct demo *d, struct json *j)
{
    static const char *const ends[] = {"A", "B", "capture"};
    size_t n;
    const struct demo_finding *f = demo_findings(&n);
    json_open(j, "why", '[');
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f[i].demo, d->name) != 0)
            continue;
        json_open(j, NULL, '{');
        json_str(j, "end", ends[f[i].end]);
        json_str(j, "id", f[i].id);
        json_bool(j, "note", f[i].note);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** list() - all demonstrations, one line each */
static int list(bool json)
{
    size_t n;
    const struct demo *d = demo_list(&n);
    struct buf b = {0};
    struct json j = {.b = &b};
    if (json)
        json_open(&j, NULL, '[');
    else
        buf_str(&b, "NAME                A ends in     B ends in     WHAT\n");
    for (size_t i = 0; i < n; i++) {
        const char *a = gn_state_name(d[i].promise[0]), *z = gn_state_name(d[i].promise[1]);
        if (json) {
            json_open(&j, NULL, '{');
            json_str(&j, "name", d[i].name);
            json_str(&j, "a", a);
            json_str(&j, "b", z);
            json_str(&j, "summary", d[i].summary);
            list_findings(&d[i], &j);
            json_close(&j, '}');
        } else {
            buf_printf(&b, "%-19s %-13s %-13s %s\n", d[i].name, a, z, d[i].summary);
        }
    }
    if (json) {
        json_close(&j, ']');
        buf_str(&b, "\n");
    }
    buf_print(&b, stdout);
    buf_free(&b);
    return EXIT_FINE;
}

/** print_status() - what `gannet ss` would say of both hosts, the first few lines of it */
static void print_status(const struct demo_result *r, bool ascii, struct buf *b)
{
    const struct view v = {.all = true, .timers = true, .ascii = ascii};
    for (unsigned i = 0; i < 2; i++) {
        struct gn_status s;
        uint64_t cursor = 0;
        unsigned n = 0;
        buf_printf(b, "\n%c now:", 'A' + (int)i);
        while (gn_host_walk(r->host[i], &cursor, r->now, &s)) {
            if (n++ == 0) {
                buf_str(b, "\n");
                view_header(b);
            }
            if (n <= STATUS_LINES)
                view_status(&v, &s, r->now, b);
        }
        if (n > STATUS_LINES)
            buf_printf(b, "... and %u more\n", n - STATUS_LINES);
        if (n == 0)
            buf_str(b, " nothing\n");
    }
}

/** print_json() - script, events and status as one object */
static void print_json(const struct demo *d, const struct demo_result *r, struct ladder *l,
                       struct buf *b)
{
    struct json j = {.b = b};
    struct view v = {.all = true, .json = true};
    json_open(&j, NULL, '{');
    json_str(&j, "name", d->name);
    json_str(&j, "summary", d->summary);
    json_open(&j, "promised", '[');
    json_str(&j, NULL, gn_state_name(d->promise[0]));
    json_str(&j, NULL, gn_state_name(d->promise[1]));
    json_close(&j, ']');
    json_open(&j, "final", '[');
    json_str(&j, NULL, gn_state_name(r->final[0]));
    json_str(&j, NULL, gn_state_name(r->final[1]));
    json_close(&j, ']');
    ladder_prepare(l);
    record_json(l, "events", &j);
    json_open(&j, "hosts", '[');
    for (unsigned i = 0; i < 2; i++) {
        struct gn_status s;
        uint64_t cursor = 0;
        json_open(&j, NULL, '[');
        while (gn_host_walk(r->host[i], &cursor, r->now, &s))
            if (view_matches(&v, &s))
                view_status_json(&s, NULL, r->now, &j);
        json_close(&j, ']');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    buf_str(b, "\n");
}

/** explain() - what 'gannet why' says of both ends */
static void explain(const struct demo *d, const struct request *q, struct demo_result *r,
                    struct buf *b)
{
    const struct why_options o = {.notes = true};
    const struct ladder_style *l = &q->draw.style;
    const struct why_style s = {.width = l->width, .colour = l->colour, .ascii = l->ascii};
    struct json j = {.b = b};
    if (q->json)
        json_open(&j, NULL, '[');
    for (unsigned i = 0; i < 2; i++) {
        const struct facts *f = demo_facts(r, i);
        struct why_result found;
        char what[80];
        void *memory = why_run(f, &o, &found);
        snprintf(what, sizeof what, "%c at the end of demo %s", 'A' + (int)i, d->name);
        if (q->json)
            why_json(f, &found, what, UINT32_MAX, NULL, &j);
        else
            why_text(f, &found, &s, what, b);
        buf_str(b, q->json ? "" : "\n");
        free(memory);
    }
    if (q->json) {
        json_close(&j, ']');
        buf_str(b, "\n");
    }
}

/** show() - draw what was played; the exit code */
static int show(const struct demo *d, const struct request *q, struct demo_result *r)
{
    char title[160];
    struct buf b = {0};
    bool v6 = q->play.ipv6;
    struct ladder l = {.events = r->record.event,
                       .n = r->record.n,
                       .title = title,
                       .name = {v6 ? "A [fd00::1]:40000" : "A 10.0.0.1:40000",
                                v6 ? "B [fd00::2]:80" : "B 10.0.0.2:80"},
                       .seen = {true, true}};
    snprintf(title, sizeof title, "%s: %s", d->name, d->summary);
    bool drawn = true;
    if (q->why) {
        explain(d, q, r, &b);
    } else if (q->json) {
        print_json(d, r, &l, &b);
    } else {
        drawn = drawing_make(&q->draw, &l, &b);
        if (!q->draw.svg)
            print_status(r, q->draw.style.ascii, &b);
    }
    buf_print(&b, stdout);
    buf_free(&b);
    if (!drawn)
        return EXIT_FAILED;
    /* a script that was disturbed on purpose need not end where it promised to */
    if (q->play.loss_ppm || (r->final[0] == d->promise[0] && r->final[1] == d->promise[1]))
        return EXIT_FINE;
    return complain("demo %s ended in %s and %s, not in %s and %s", d->name,
                    gn_state_name(r->final[0]), gn_state_name(r->final[1]),
                    gn_state_name(d->promise[0]), gn_state_name(d->promise[1]));
}

/** percent() - "0.5" in parts per million */
static bool percent(const char *text, uint32_t *ret)
{
    unsigned whole = 0, frac = 0;
    char dot = 0, extra;
    char digits[5] = "";
    int n = sscanf(text, "%3u%c%4[0-9]%c", &whole, &dot, digits, &extra);
    if (n < 1 || n > 3 || (n >= 2 && dot != '.') || whole > 100)
        return false;
    for (unsigned i = 0; i < 4; i++)
        frac =
            frac * 10 + (digits[i] >= '0' && i < strlen(digits) ? (unsigned)(digits[i] - '0') : 0);
    *ret = whole * 10000 + frac;
    return *ret <= 1000000;
}

/** take() - one option or word */
static void take(struct args *a, int id, const char *value, struct request *q)
{
    uint64_t n = 0;
    switch (id) {
    case OPT_ASCII: q->draw.style.ascii = true; break;
    case OPT_ABSOLUTE: q->draw.style.absolute = true; break;
    case OPT_SVG: q->draw.svg = value; break;
    case OPT_PCAP: q->play.pcap = value; break;
    case OPT_AT:
        if (strcmp(value, "A") != 0 && strcmp(value, "B") != 0)
            usage_fail(a, "--at is A or B, not '%s'", value);
        q->play.capture_at = value[0] == 'B';
        break;
    case OPT_JSON: q->json = true; break;
    case OPT_WHY: q->why = true; break;
    case OPT_V6: q->play.ipv6 = true; break;
    case OPT_WIDTH:
        if (!parse_number(value, 80, 1000, &n))
            usage_fail(a, "--width is a number from 80 to 1000, not '%s'", value);
        q->draw.style.width = (unsigned)n;
        break;
    case OPT_COLOUR: args_colour(a, value, &q->draw.style.colour); break;
    case OPT_LATENCY:
        if (!parse_number(value, 0, 10000, &n))
            usage_fail(a, "--latency is a number of milliseconds, 10000 at most, not '%s'", value);
        q->play.latency = n * GN_MSEC;
        break;
    case OPT_LOSS:
        if (!percent(value, &q->play.loss_ppm))
            usage_fail(a, "--loss is a percentage, not '%s'", value);
        break;
    case OPT_SEED:
        if (!parse_number(value, 0, UINT64_MAX / 8, &q->play.seed))
            usage_fail(a, "--seed is a number, not '%s'", value);
        break;
    case OPT_SET:
        if (!knob_set(&q->play.conf, value))
            exit(EXIT_USAGE);
        break;
    default:
        if (q->name)
            usage_fail(a, "one demonstration at a time, not '%s' as well", value);
        q->name = value;
    }
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct request q = {.draw = drawing_default(),
                        .play = {.seed = 1, .latency = 10 * GN_MSEC, .capture_at = DEMO_WIRE}};
    const char *value;
    int id;
    gn_conf_default(&q.play.conf);
    while ((id = args_next(a, &value)))
        take(a, id, value, &q);
    if (!q.name)
        return list(q.json);
    const struct demo *d = demo_find(q.name);
    if (!d)
        usage_fail(a, "no demonstration is called '%s'; 'gannet demo' lists them", q.name);
    struct demo_result r;
    if (!demo_play(d, &q.play, &r))
        return EXIT_FAILED;
    int code = show(d, &q, &r);
    demo_clear(&r);
    return code;
}

const struct command command_demo = {
    .name = "demo",
    .synopsis = "[NAME] [OPTION...]",
    .summary =
        "Play a TCP scenario between two hosts in virtual time and draw it; no privileges needed.",
    .details =
        "Without NAME, all demonstrations are listed. Each of the eleven states of TCP is one of "
        "them.\n"
        "Exit status: 0; 1 if the hosts did not end in the states promised; 2 for bad arguments.",
    .options = options,
    .run = run,
};
