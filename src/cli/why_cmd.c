/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_cmd.c  `gannet why`: the state of every connection, the cause, who must act, the
 * remedy.
 */
#include "cli/cli.h"
#include "cli/embed.h"
#include "cli/filter.h"
#include "cli/record.h"
#include "cli/trace.h"
#include "cli/why_report.h"
#include "cli/why_serve.h"
#include "cli/why_source.h"
#include "cli/why_tape.h"
#include "cli/why_watch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIVE_SECONDS 10

enum {
    OPT_JSON = 1,
    OPT_VERBOSE,
    OPT_ALL,
    OPT_EXPLAIN,
    OPT_MARKDOWN,
    OPT_HOST,
    OPT_UP,
    OPT_PID,
    OPT_PORT,
    OPT_V4,
    OPT_V6,
    OPT_NETNS,
    OPT_ALL_NETNS,
    OPT_FOR,
    OPT_IDLE,
    OPT_WIDTH,
    OPT_ASCII,
    OPT_COLOUR,
    OPT_WEB,
    OPT_METRICS,
    OPT_LISTEN,
    OPT_IFACE,
    OPT_WATCH,
    OPT_INTERVAL,
    OPT_COUNT,
    OPT_RECORD,
    OPT_REPLAY
};

static const struct option_spec options[] = {
    {OPT_ALL, 'a', "all", NULL, "notes too: states in which nothing is wrong"},
    {OPT_VERBOSE, 'v', "verbose", NULL, "every connection of a finding, and notes"},
    {OPT_EXPLAIN, 0, "explain", NULL,
     "print the page about a finding: --explain ID; without ID, list all"},
    {OPT_MARKDOWN, 0, "markdown", NULL, "with --explain: the list as the index of docs/why"},
    {OPT_IFACE, 'i', "interface", "IF",
     "listen on an interface ('any': all) for 10 s, or as --for says, instead"},
    {OPT_UP, 'u', "up", NULL, "ask the running 'gannet up' of this user instead of the kernel"},
    {OPT_HOST, 0, "host", "NAME",
     "ask the 'gannet up' on that device, or with that control socket"},
    {OPT_NETNS, 'N', "netns", "NAME",
     "look into that network namespace (a name, PID or path); may be repeated"},
    {OPT_ALL_NETNS, 0, "all-netns", NULL, "look into every network namespace"},
    {OPT_PID, 'p', "pid", "PID", "sockets of that process only"},
    {OPT_PORT, 0, "port", "N", "connections with that port at either end only"},
    {OPT_V4, '4', "ipv4", NULL, "IPv4 only"},
    {OPT_V6, '6', "ipv6", NULL, "IPv6 only"},
    {OPT_FOR, 0, "for", "SECONDS",
     "look again after so long and compare: what grows, how fast, who stays as he was"},
    {OPT_IDLE, 0, "idle", "SECONDS", "silence that idle-no-keepalive takes for long (3600)"},
    {OPT_JSON, 0, "json", NULL, "print all as JSON"},
    {OPT_WATCH, 0, "watch", NULL,
     "look again and again: what grows, and how fast; a live view on a terminal"},
    {OPT_INTERVAL, 0, "interval", "SECONDS", "with --watch: from one sample to the next (2)"},
    {OPT_COUNT, 0, "count", "N", "with --watch: end after so many samples"},
    {OPT_RECORD, 0, "record", "FILE", "watch, and keep every sample in FILE"},
    {OPT_REPLAY, 0, "replay", "FILE", "watch what was recorded in FILE"},
    {OPT_WEB, 0, "web", NULL, "serve a page: states, findings, ladders (" WHY_SERVE_WHERE ")"},
    {OPT_METRICS, 0, "metrics", NULL, "serve /metrics for Prometheus, at the same place"},
    {OPT_LISTEN, 0, "listen", "WHERE", "serve at PORT, ADDR:PORT or [ADDR]:PORT instead"},
    {OPT_WIDTH, 'w', "width", "COLUMNS", "width of the text (the terminal's, 100 at most)"},
    {OPT_ASCII, 0, "ascii", NULL, "ASCII characters only"},
    {OPT_COLOUR, 0, "color", "WHEN", "always, never or auto"},
    {0, 0, NULL, NULL, NULL},
};

/** What was asked. */
struct question {
    struct why_place place;
    struct view view; /* filters in the words of ss */
    struct why_options rules;
    struct why_style style;
    bool json, all, explain, markdown, web, metrics;
    const char *listen;
    bool watch;
    uint32_t interval, count; /* --watch; 0: not given */
    const char *record, *replay;
    uint32_t seconds; /* between two samples; 0: one is enough */
    const char *id;
    const char *stray; /* a word that only an option which follows may make sense of */
};

/** page() - print the page about one rule */
static int page(const char *id)
{
    char name[80];
    snprintf(name, sizeof name, "%s.md", id);
    for (const struct embedded *e = why_pages; e->name; e++) {
        if (strcmp(e->name, name) != 0)
            continue;
        fwrite(e->bytes, 1, e->len, stdout);
        return EXIT_FINE;
    }
    return complain("there is no finding '%s'; 'gannet why --explain' lists them", id);
}

/** list_pages() - every rule on a line; @markdown: as docs/why/README.md */
static int list_pages(bool markdown)
{
    const struct why_rule *r;
    if (markdown)
        puts("# What `gannet why` finds\n\n"
             "Each finding has a page: what it is, why it happens, how other tools show it, who "
             "must "
             "act, what\nhelps and what that costs, and how to see it for oneself. `gannet why "
             "--explain ID` prints it.\n\n"
             "| finding | what it says |\n|---|---|");
    for (size_t i = 0; (r = why_rule_at(i)); i++) {
        const char *id = why_rule_id(r);
        if (markdown)
            printf("| [%s](%s.md) | %s |\n", id, id, why_rule_title(r));
        else
            printf("%-22s %s\n", id, why_rule_title(r));
    }
    return EXIT_FINE;
}

/** number() - the value of an option, or the end */
static uint32_t number(const struct args *a, const char *what, const char *value, uint64_t min,
                       uint64_t max)
{
    uint64_t n;
    if (!parse_number(value, min, max, &n))
        usage_fail(a, "'%s' is no %s", value, what);
    return (uint32_t)n;
}

/** is_capture() - does a word name a file ("-": standard input) rather than belong to a filter? */
static bool is_capture(const char *word)
{
    return strcmp(word, "-") == 0 || strpbrk(word, "./");
}

/** is_port() - is a word a port rather than a part of a filter? */
static bool is_port(const char *word)
{
    uint64_t n;
    return parse_number(word, 1, 65535, &n);
}

/** word() - one that is neither an option nor its value */
static void word(struct args *a, const char *value, struct question *q)
{
    if (q->explain && !q->id)
        q->id = value;
    else if (is_capture(value) && !q->place.capture)
        q->place.capture = value;
    else if (filter_begins(value) || q->stray)
        filter_word(a, value, &q->view);
    else
        q->stray = value;
}

/** settle_stray() - all options are known: what was that word about? */
static void settle_stray(struct args *a, struct question *q)
{
    const char *value = q->stray;
    if (!value)
        return;
    if (q->explain && !q->id)
        q->id = value;
    else if ((q->web || q->metrics) && is_port(value))
        usage_fail(a, "'%s' is no filter; --listen %s serves at that port", value, value);
    else
        filter_word(a, value, &q->view);
}

/** take() - one option or word */
static void take(struct args *a, int id, const char *value, struct question *q)
{
    struct why_place *p = &q->place;
    switch (id) {
    case OPT_JSON: q->json = true; break;
    case OPT_ALL: q->all = true; break;
    case OPT_VERBOSE: q->style.verbose = q->all = true; break;
    case OPT_EXPLAIN: q->explain = true; break;
    case OPT_UP: p->up = true; break;
    case OPT_IFACE: p->iface = value; break;
    case OPT_WEB: q->web = true; break;
    case OPT_METRICS: q->metrics = true; break;
    case OPT_LISTEN: q->listen = value; break;
    case OPT_WATCH: q->watch = true; break;
    case OPT_INTERVAL: q->interval = number(a, "number of seconds", value, 1, 86400); break;
    case OPT_COUNT: q->count = number(a, "number of samples", value, 1, UINT32_MAX); break;
    case OPT_RECORD: q->record = value; break;
    case OPT_REPLAY: q->replay = value; break;
    case OPT_MARKDOWN: q->markdown = true; break;
    case OPT_HOST:
        p->up = true;
        p->host = value;
        break;
    case OPT_NETNS:
        if (p->n_netns == WHY_NETNS)
            usage_fail(a, "no more than %d network namespaces", WHY_NETNS);
        p->netns[p->n_netns++] = value;
        break;
    case OPT_ALL_NETNS: p->all_netns = true; break;
    case OPT_PID: q->rules.filter.pid = number(a, "process number", value, 1, INT32_MAX); break;
    case OPT_PORT: q->rules.filter.port = number(a, "port", value, 1, 65535); break;
    case OPT_V4: q->rules.filter.v4 = true; break;
    case OPT_V6: q->rules.filter.v6 = true; break;
    case OPT_FOR: q->seconds = number(a, "number of seconds", value, 1, 86400); break;
    case OPT_IDLE:
        q->rules.idle = number(a, "number of seconds", value, 1, 31536000) * GN_SEC;
        break;
    case OPT_WIDTH: q->style.width = number(a, "width from 60 to 1000", value, 60, 1000); break;
    case OPT_ASCII: q->style.ascii = true; break;
    case OPT_COLOUR: args_colour(a, value, &q->style.colour); break;
    default: word(a, value, q);
    }
}

/** filtered() - was only a part asked for? Then notes about it are wanted too */
static bool filtered(const struct why_filter *f)
{
    return f->states || f->sport || f->dport || f->port || f->pid;
}

/** on_signal() - enough was heard */
static void on_signal(int sig)
{
    (void)sig;
    trace_interrupt();
}

/** print() - what came out */
static void print(const struct question *q, const struct why_series *s)
{
    const char *what = s->source->what;
    struct buf b = {0};
    if (q->json) {
        struct json j = {.b = &b};
        why_json(s->facts, &s->found, what, UINT32_MAX, NULL, &j);
        buf_str(&b, "\n");
    } else {
        why_text(s->facts, &s->found, &q->style, what, &b);
    }
    buf_print(&b, stdout);
    buf_free(&b);
}

/** answer() - sample, once or twice, and print */
static int answer(const struct question *q)
{
    struct why_source source;
    struct timespec left = {.tv_sec = q->seconds};
    char sorry[WHY_SORRY] = "";
    if (!why_source_open(&q->place, &source, sorry))
        return sorry[0] ? complain("%s", sorry) : EXIT_FAILED;
    struct why_series s = {.source = &source,
                           .options = q->rules,
                           .notes = q->all || source.small || filtered(&q->rules.filter)};
    bool good = why_series_next(&s, sorry);
    if (good && q->seconds) {
        while (nanosleep(&left, &left) != 0)
            ;
        good = why_series_next(&s, sorry);
    }
    if (good)
        print(q, &s);
    why_series_free(&s);
    source.close(source.ctx);
    if (good)
        return EXIT_FINE;
    return sorry[0] ? complain("%s", sorry) : EXIT_FAILED;
}

/** serve() - the page or the figures, until interrupted */
static int serve(struct question *q)
{
    struct why_source source;
    char sorry[WHY_SORRY] = "";
    if (!why_source_open(&q->place, &source, sorry))
        return sorry[0] ? complain("%s", sorry) : EXIT_FAILED;
    int code = why_serve_run(&source, &q->rules, q->listen ? q->listen : WHY_SERVE_WHERE, q->web);
    source.close(source.ctx);
    return code;
}

/** listen_live() - an interface is listened to once, for a while */
static void listen_live(const struct args *a, struct question *q)
{
    struct sigaction sa = {.sa_handler = on_signal};
    if (q->place.capture || q->place.up)
        usage_fail(a, "one source at a time: an interface, a capture, or a running host");
    q->place.seconds = q->seconds ? q->seconds : LIVE_SECONDS;
    q->seconds = 0;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    q->place.tell = !q->json;
}

/** watch() - look again and again, at what there is or at what was recorded */
static int watch(const struct question *q)
{
    struct why_watch_options o = {.style = q->style,
                                  .seconds = q->interval ? q->interval
                                             : q->replay ? 0
                                                         : 2,
                                  .count = q->count,
                                  .notes = q->all || filtered(&q->rules.filter),
                                  .json = q->json,
                                  .record = q->record};
    struct why_source source;
    char sorry[WHY_SORRY] = "";
    if (q->replay ? !why_source_tape(q->replay, &source, sorry)
                  : !why_source_open(&q->place, &source, sorry))
        return sorry[0] ? complain("%s", sorry) : EXIT_FAILED;
    int code = why_watch(&source, &q->rules, &o);
    source.close(source.ctx);
    return code;
}

/** check() - options that do not go together */
static void check(const struct args *a, const struct question *q)
{
    bool serves = q->web || q->metrics, watches = q->watch || q->record || q->replay;
    if (q->listen && !serves)
        usage_fail(a, "--listen goes with --web or --metrics");
    if ((q->interval || q->count) && !watches)
        usage_fail(a, "--%s goes with --watch", q->interval ? "interval" : "count");
    if (serves + watches + (q->seconds > 0) > 1)
        usage_fail(a, "one of --for, --watch, --web and --metrics");
    if (q->replay && (q->record || q->place.capture || q->place.up))
        usage_fail(a, "--replay shows what was recorded and nothing else");
    if (q->place.capture && (watches || serves || q->seconds))
        usage_fail(a, "a capture stays as it is: look once");
    if (q->place.iface && (watches || serves))
        usage_fail(a, "-i listens once, for a while (--for)");
}

/** run() - the sub-command */
static int run(struct args *a)
{
    const struct ladder_style l = drawing_default().style;
    struct question q = {
        .style = {.width = l.width < 100 ? l.width : 100, .colour = l.colour, .ascii = l.ascii}};
    const char *value;
    int id;
    while ((id = args_next(a, &value)))
        take(a, id, value, &q);
    settle_stray(a, &q);
    if (q.explain)
        return q.id ? page(q.id) : list_pages(q.markdown);
    q.rules.filter.states = q.view.states;
    q.rules.filter.sport = q.view.sport;
    q.rules.filter.dport = q.view.dport;
    check(a, &q);
    if (q.place.iface)
        listen_live(a, &q);
    if (q.web || q.metrics)
        return serve(&q);
    return q.watch || q.record || q.replay ? watch(&q) : answer(&q);
}

const struct command command_why = {
    .name = "why",
    .synopsis = "[FILE] [OPTION...] [FILTER...]",
    .summary = "Say what is wrong with this machine's TCP connections, why, who must act, and how.",
    .details =
        "Findings come worst first; what is healthy is one line. No privileges are needed for\n"
        "one's own sockets; what could not be seen is said. With FILE, a pcap or pcapng capture\n"
        "(a name with a dot or slash in it; '-': standard input), both ends of its connections\n"
        "are looked at instead; with -i, what passes an interface.\n\nfilters:\n"
        "  state S, exclude S         a state by the RFC's name or that of ss; may be repeated\n"
        "  sport = :N, dport = :N     local and remote port",
    .options = options,
    .run = run,
};
