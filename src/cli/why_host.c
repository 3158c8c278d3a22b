/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_host.c  Facts of a running `gannet up`, asked through its control socket.
 *
 * Times come as spans, so both programs may have clocks of their own; they are put back onto this
 * one's.
 */
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/status_line.h"
#include "cli/why_facts.h"
#include "cli/why_source.h"

#include <gannet/loop.h>

#include <stdlib.h>
#include <string.h>

struct asked {
    char path[512]; /* "": the only one */
    struct why_facts facts;
};

/** take_lines() - read the answer; false: it makes no sense */
static bool take_lines(char *text, struct why_facts *w, gn_time now)
{
    struct gn_stats stats = {0};
    struct gn_conf conf = {0};
    struct gn_status s;
    bool good = true, whole = false;
    char *save = NULL;
    why_facts_clear(w);
    for (char *line = strtok_r(text, "\n", &save); good && line;
         line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "c ", 2) && (good = status_line_read(line + 2, now, &s)))
            why_facts_add(w, &s, now);
        else if (line[0] == 's')
            good = stats_line_read(line + 1, &stats);
        else if (line[0] == 'k')
            good = whole = conf_line_read(line + 1, &conf);
    }
    if (good && whole)
        (void)why_facts_done(w, &stats, &conf, now);
    return good && whole;
}

/** sample_host() - ask once */
static const struct facts *sample_host(void *ctx, char *ret_sorry)
{
    struct asked *a = ctx;
    struct buf answer = {0};
    int code = client_ask(a->path[0] ? a->path : NULL, "facts\n", &answer);
    bool good = code == EXIT_FINE && answer.len > 0;
    if (good)
        good = take_lines(answer.s, &a->facts, gn_loop_now());
    buf_free(&answer);
    if (!good)
        snprintf(ret_sorry, WHY_SORRY, "%s",
                 code == EXIT_FINE ? "'gannet up' gave an answer that makes no sense" : "");
    return good ? &a->facts.f : NULL;
}

/** ladder_words() - the request for the ladder of @c: the port that is its own */
static void ladder_words(const struct fact_conn *c, char *ret, size_t cap)
{
    unsigned port = c->listener == FACT_NONE ? c->local.port : c->remote.port;
    snprintf(ret, cap, "svg port=%u", port);
}

/** ladder_host() - ask for it */
static bool ladder_host(void *ctx, const struct fact_conn *c, struct buf *b, char *ret_sorry)
{
    struct asked *a = ctx;
    char words[40], line[60];
    ladder_words(c, words, sizeof words);
    snprintf(line, sizeof line, "ladder %s\n", words);
    if (client_ask(a->path[0] ? a->path : NULL, line, b) == EXIT_FINE)
        return true;
    snprintf(ret_sorry, WHY_SORRY, "its segments were not recorded: start 'gannet up' --ladder");
    return false;
}

/** close_host() - free all */
static void close_host(void *ctx)
{
    struct asked *a = ctx;
    why_facts_free(&a->facts);
    free(a);
}

bool why_source_host(const char *host, struct why_source *ret, char *ret_sorry)
{
    struct asked *a = calloc(1, sizeof *a);
    if (!a) {
        snprintf(ret_sorry, WHY_SORRY, "out of memory");
        return false;
    }
    if (host && strchr(host, '/')) {
        snprintf(a->path, sizeof a->path, "%s", host);
    } else if (host && !control_path(host, a->path, sizeof a->path)) {
        ret_sorry[0] = 0; /* it was said */
        free(a);
        return false;
    }
    *ret = (struct why_source){
        .small = true, .ctx = a, .sample = sample_host, .ladder = ladder_host, .close = close_host};
    snprintf(ret->what, sizeof ret->what, "%s", host ? host : "the running gannet up");
    return true;
}

/** The hosts of this program. */
struct own {
    struct fleet *fleet;
    struct history *seen;
    struct why_facts facts;
};

/** sample_own() - look at them */
static const struct facts *sample_own(void *ctx, char *ret_sorry)
{
    struct own *o = ctx;
    struct fleet_cursor at = {0};
    struct gn_stats stats;
    struct gn_status s;
    gn_time now = gn_loop_now();
    (void)ret_sorry;
    why_facts_clear(&o->facts);
    while (fleet_walk(o->fleet, &at, &s, &now))
        why_facts_add(&o->facts, &s, now);
    fleet_stats(o->fleet, &stats);
    return why_facts_done(&o->facts, &stats, fleet_conf(o->fleet), now);
}

/** ladder_own() - from what was recorded */
static bool ladder_own(void *ctx, const struct fact_conn *c, struct buf *b, char *ret_sorry)
{
    struct own *o = ctx;
    char words[40];
    ladder_words(c, words, sizeof words);
    if (o->seen && history_draw(o->seen, words, b))
        return true;
    snprintf(ret_sorry, WHY_SORRY, "%s",
             o->seen ? "its opening was not recorded"
                     : "its segments were not recorded: start 'gannet up' with --ladder");
    return false;
}

/** close_own() - free all but the hosts */
static void close_own(void *ctx)
{
    struct own *o = ctx;
    why_facts_free(&o->facts);
    free(o);
}

void why_source_own(struct fleet *f, struct history *seen, struct why_source *ret)
{
    struct own *o = calloc(1, sizeof *o);
    if (!o)
        exit(complain("out of memory"));
    o->fleet = f;
    o->seen = seen;
    *ret = (struct why_source){
        .small = true, .ctx = o, .sample = sample_own, .ladder = ladder_own, .close = close_own};
    snprintf(ret->what, sizeof ret->what, "this host");
}
