/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_serve.c  Findings over HTTP.
 *
 * Whoever asks gets the latest sample; a new one is taken if that is older than SAMPLE_AGE, so that
 * many askers cost no more than one. Paths: / and /page.js, /metrics, /api/sample,
 * /api/connections?state=S, /api/connection?id=ID, /api/ladder?id=ID, /api/rule?id=ID.
 */
#include "cli/why_serve.h"

#include "cli/cli.h"
#include "cli/embed.h"
#include "cli/metrics.h"
#include "cli/web.h"
#include "cli/why_report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_AGE GN_SEC
#define LIST_MOST  500 /* connections in one answer */

struct why_serve {
    struct why_series series;
    struct web *web;
    bool page;
    char url[100];
};

/** refuse() - a status and a sentence */
static void refuse(struct web_answer *a, int status, const char *text)
{
    a->status = status;
    a->type = "text/plain; charset=utf-8";
    a->body.len = 0;
    buf_printf(&a->body, "%s\n", text);
}

/** parameter() - the value of @name in a query, decoded as far as our own pages encode it; "" if it
 * is missing */
static const char *parameter(const char *query, const char *name, char *ret, size_t cap)
{
    size_t n = strlen(name), len = 0;

    ret[0] = 0;
    for (const char *at = query; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, n) != 0 || at[n] != '=')
            continue;
        for (at += n + 1; *at && *at != '&' && len < cap - 1; at++)
            ret[len++] = *at;
        ret[len] = 0;
        break;
    }
    return ret;
}

/** by_id() - the connection that the query names; NULL: refused */
static const struct fact_conn *by_id(struct why_serve *s, const struct http_request *q,
                                     struct web_answer *a)
{
    const struct facts *f = s->series.facts;
    char wanted[WHY_CONN_ID], id[WHY_CONN_ID];

    parameter(q->query, "id", wanted, sizeof wanted);
    for (size_t i = 0; i < f->n_conns; i++)
        if (!strcmp(why_conn_id(f, &f->conn[i], id), wanted))
            return &f->conn[i];
    refuse(a, 404, "there is no such connection now");
    return NULL;
}

/** give_sample() - findings and counts */
static void give_sample(struct why_serve *s, struct web_answer *a)
{
    struct json j = {.b = &a->body};

    why_json(s->series.facts, &s->series.found, s->series.source->what, LIST_MOST, NULL, &j);
}

/** give_list() - the connections in one state */
static void give_list(struct why_serve *s, const struct http_request *q, struct web_answer *a)
{
    const struct facts *f = s->series.facts;
    struct json j = {.b = &a->body};
    char state[20];
    unsigned n = 0;

    parameter(q->query, "state", state, sizeof state);
    json_open(&j, NULL, '[');
    for (size_t i = 0; i < f->n_conns && n < LIST_MOST; i++)
        if (!strcmp(gn_state_name(f->conn[i].state), state)) {
            why_json_connection(f, &f->conn[i], false, &j);
            n++;
        }
    json_close(&j, ']');
}

/** give_connection() - all that is known of one */
static void give_connection(struct why_serve *s, const struct http_request *q, struct web_answer *a)
{
    const struct fact_conn *c = by_id(s, q, a);
    struct json j = {.b = &a->body};

    if (c)
        why_json_connection(s->series.facts, c, true, &j);
}

/** give_ladder() - its segments, if the source has seen them */
static void give_ladder(struct why_serve *s, const struct http_request *q, struct web_answer *a)
{
    const struct why_source *from = s->series.source;
    const struct fact_conn *c = by_id(s, q, a);
    char sorry[WHY_SORRY] = "";

    if (!c)
        return;
    if (!from->ladder)
        refuse(a, 404,
               "The kernel tells states and figures, not segments. To see these: gannet trace -i "
               "IF, or gannet why on a capture.");
    else if (!from->ladder(from->ctx, c, &a->body, sorry))
        refuse(a, 404, sorry);
    else
        a->type = "image/svg+xml";
}

/** give_rule() - the page about a finding */
static void give_rule(const struct http_request *q, struct web_answer *a)
{
    char id[80], name[84];

    snprintf(name, sizeof name, "%s.md", parameter(q->query, "id", id, sizeof id));
    web_file(why_pages, name, a);
    a->type = "text/plain; charset=utf-8";
}

/** give_metrics() - in the format that the collector asks for */
static void give_metrics(struct why_serve *s, const struct http_request *q, struct web_answer *a)
{
    bool open = strstr(q->accept, "application/openmetrics-text") != NULL;

    metrics_write(s->series.facts, &s->series.found, open, s->series.took, &a->body);
    a->type = open ? METRICS_OPEN_TYPE : METRICS_TEXT_TYPE;
}

/** give_data() - what needs a sample; false: there is no such path */
static bool give_data(struct why_serve *s, const struct http_request *q, struct web_answer *a)
{
    a->type = "application/json";
    if (!strcmp(q->path, "api/sample"))
        give_sample(s, a);
    else if (!strcmp(q->path, "api/connections"))
        give_list(s, q, a);
    else if (!strcmp(q->path, "api/connection"))
        give_connection(s, q, a);
    else if (!strcmp(q->path, "api/ladder"))
        give_ladder(s, q, a);
    else
        return false;
    return true;
}

/** answer() - web_handler */
static void answer(void *ctx, const struct http_request *q, struct web_answer *a)
{
    struct why_serve *s = ctx;
    bool metrics = !strcmp(q->path, "metrics");
    char sorry[WHY_SORRY] = "";

    if (!metrics && !s->page) {
        refuse(a, 404, "here is /metrics and nothing else");
    } else if (!metrics && strncmp(q->path, "api/", 4) != 0) {
        web_file(web_files, *q->path ? q->path : "index.html", a);
    } else if (!strcmp(q->path, "api/rule")) {
        give_rule(q, a);
    } else if (!why_series_fresh(&s->series, SAMPLE_AGE, sorry)) {
        refuse(a, 500, sorry);
    } else if (metrics) {
        give_metrics(s, q, a);
    } else if (!give_data(s, q, a)) {
        refuse(a, 404, "no such path");
    }
}

struct why_serve *why_serve_open(struct gn_loop *l, struct why_source *source,
                                 const struct why_options *o, const char *where, bool page)
{
    struct why_serve *s = calloc(1, sizeof *s);

    if (!s)
        exit(complain("out of memory"));
    s->series = (struct why_series){.source = source, .options = *o, .notes = false};
    s->page = page;
    s->web = web_open(l, where, answer, s);
    if (!s->web) {
        free(s);
        return NULL;
    }
    snprintf(s->url, sizeof s->url, "%s%s", web_url(s->web), page ? "" : "metrics");
    return s;
}

const char *why_serve_url(const struct why_serve *s)
{
    return s->url;
}

void why_serve_close(struct why_serve *s)
{
    if (!s)
        return;
    web_close(s->web);
    why_series_free(&s->series);
    free(s);
}

static struct gn_loop *running; /* for the signal handler */

/** on_signal() - end the loop */
static void on_signal(int sig)
{
    (void)sig;
    gn_loop_stop(running);
}

int why_serve_run(struct why_source *source, const struct why_options *o, const char *where,
                  bool page)
{
    struct sigaction act = {.sa_handler = on_signal};
    struct gn_link_error err;
    struct why_serve *s;
    bool good;

    running = gn_loop_new(NULL, &err);
    if (!running)
        return complain("%s", err.text);
    s = why_serve_open(running, source, o, where, page);
    if (!s) {
        gn_loop_free(running);
        return EXIT_FAILED;
    }
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    printf("gannet: %s\n", why_serve_url(s));
    fflush(stdout);
    good = gn_loop_run(running);
    why_serve_close(s);
    gn_loop_free(running);
    return good ? EXIT_FINE : complain("the loop has failed");
}
