/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_text.c  Findings as text for a terminal.
 *
 * One finding:
 *
 *     CRITICAL  close-wait-leak · 214 connections · certain
 *       shop (pid 812) keeps 214 connections open that the peer has closed: ...
 *       who acts   this process
 *       seen       connections 214 · oldest, at least 41 s
 *       not known  whether their number grows
 *                  → gannet why --watch, or ask again in a minute
 *       remedy     in the program: when read() returns 0, close(fd)
 *       such as    CLOSE-WAIT  10.0.0.1:80  10.0.0.2:40001  ...
 */
#include "cli/cli.h"
#include "cli/view.h"
#include "cli/why_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INDENT   2
#define LABEL    11 /* columns of "not known  " */
#define EXAMPLES 3

/** How one line is being filled. */
struct lines {
    const struct why_style *s;
    struct buf *b;
    size_t column;
    size_t indent; /* of what does not fit */
};

/** paint() - begin a colour, or end it ("0") */
static void paint(const struct why_style *s, struct buf *b, const char *code)
{
    if (s->colour)
        buf_printf(b, "\033[%sm", code);
}

/** newline() - end the line and indent the next */
static void newline(struct lines *l)
{
    buf_printf(l->b, "\n%*s", (int)l->indent, "");
    l->column = l->indent;
}

/** words() - text, wrapped at blanks */
static void words(struct lines *l, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");
        size_t columns = text_columns(text, len);
        bool first = l->column <= l->indent;
        if (!first && l->column + 1 + columns > l->s->width) {
            newline(l);
            first = true;
        }
        if (!first) {
            buf_str(l->b, " ");
            l->column++;
        }
        buf_mem(l->b, text, len);
        l->column += columns;
        text += len;
        text += *text == ' ';
    }
}

/** label() - begin a paragraph that has a name */
static struct lines label(const struct why_style *s, struct buf *b, const char *name)
{
    buf_printf(b, "%*s", INDENT, "");
    paint(s, b, "2");
    buf_printf(b, "%-*s", LABEL, name);
    paint(s, b, "0");
    return (struct lines){s, b, INDENT + LABEL, INDENT + LABEL};
}

/** say_value() - a number of the evidence with its unit */
static void say_value(const struct why_evidence *e, struct text *t)
{
    static const char *const units[] = {"octets", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    uint64_t v = e->value < 0 ? 0 : (uint64_t)e->value;
    switch (e->unit) {
    case WHY_COUNT: text_i64(t, e->value); break;
    case WHY_SPAN: text_span(t, v); break;
    case WHY_PER_CENT:
        text_u64(t, v);
        text_str(t, " %");
        break;
    case WHY_OCTETS:
        for (; v >= 10240 && unit < 4; unit++)
            v /= 1024;
        text_u64(t, v);
        text_str(t, " ");
        text_str(t, units[unit]);
        break;
    }
}

/** say_evidence() - "name value", divided by dots, each kept together */
static void say_evidence(const struct why_style *s, const struct why_finding *x, struct buf *b)
{
    struct lines l = label(s, b, "seen");
    for (unsigned i = 0; i < x->n_evidence; i++) {
        struct text t = {.len = 0};
        text_str(&t, x->evidence[i].name);
        text_str(&t, " ");
        say_value(&x->evidence[i], &t);
        size_t columns = text_columns(t.s, t.len);
        if (i && l.column + 3 + columns > s->width) {
            newline(&l);
        } else if (i) {
            buf_str(b, s->ascii ? " | " : " · ");
            l.column += 3;
        }
        buf_mem(b, t.s, t.len);
        l.column += columns;
    }
    buf_str(b, "\n");
}

/** say_conn() - one connection on a line */
static void say_conn(const struct facts *f, const struct fact_conn *c, struct buf *b)
{
    size_t from = b->len;
    struct text t = {.len = 0};
    buf_str(b, gn_state_name(c->state));
    buf_pad(b, from, 13);
    for (unsigned i = 0; i < 2; i++) {
        const struct gn_endpoint *e = i ? &c->remote : &c->local;
        from = b->len;
        if (f->source == FACTS_CAPTURE)
            view_endpoint_seen(e, b);
        else
            view_endpoint(e, b);
        buf_pad(b, from, 22);
    }
    if (c->known & FACT_QUEUES)
        buf_printf(b, "Recv-Q %" PRIu32 " Send-Q %" PRIu32, c->recv_q, c->send_q);
    if (c->known & (FACT_AGE | FACT_AGE_MIN)) {
        text_str(&t, c->known & FACT_AGE ? " for " : " for at least ");
        text_span(&t, c->in_state);
    }
    if (c->backoff) {
        text_str(&t, " backoff ");
        text_u64(&t, c->backoff);
    }
    if (c->known & FACT_TIMER && c->timer != FACT_TIMER_NONE) {
        text_str(&t, " timer in ");
        text_span(&t, c->timer_in);
    }
    buf_mem(b, t.s, t.len);
    if (c->inode)
        buf_printf(b, " ino:%" PRIu64, c->inode);
    if (c->netns < f->n_netns && f->netns[c->netns].name[0])
        buf_printf(b, " netns:%s", f->netns[c->netns].name);
    buf_str(b, "\n");
}

/** say_cause() - what moved it to its state, on a line of its own */
static void say_cause(const struct facts *f, const struct why_style *s, const struct fact_conn *c,
                      struct buf *b)
{
    if (!(c->known & FACT_HISTORY) || !c->n_history)
        return;
    const struct gn_transition *t = &c->history[c->n_history - 1];
    struct text age = {.len = 0};
    (void)label(s, b, "");
    text_span(&age, f->now > t->at ? f->now - t->at : 0);
    buf_printf(b, "  %s -> %s %.*s ago: %s", gn_state_name(t->from), gn_state_name(t->to),
               (int)age.len, age.s, gn_cause_text(t->cause));
    if (gn_cause_rfc(t->cause)[0])
        buf_printf(b, " (%s)", gn_cause_rfc(t->cause));
    buf_str(b, "\n");
}

/** say_conns() - some connections of a finding, or all */
static void say_conns(const struct facts *f, const struct why_style *s, const struct why_finding *x,
                      struct buf *b)
{
    uint32_t most = s->verbose ? s->most ? s->most : UINT32_MAX : EXAMPLES;
    uint32_t n = x->n_conns < most ? x->n_conns : most;
    for (uint32_t i = 0; i < n; i++) {
        (void)label(s, b, i ? "" : n < x->n_conns ? "such as" : "which");
        say_conn(f, &f->conn[x->conn[i]], b);
        if (s->verbose)
            say_cause(f, s, &f->conn[x->conn[i]], b);
    }
    if (n < x->n_conns) {
        (void)label(s, b, "");
        buf_printf(b, "... and %" PRIu32 " more%s\n", x->n_conns - n,
                   s->verbose ? "" : " (-v shows all)");
    }
}

/** who() - who must act, as a sentence begins */
static const char *who(const struct facts *f, const struct why_finding *x)
{
    switch (x->actor) {
    case WHY_NOBODY: return "nobody: it passes by itself";
    case WHY_PROCESS:
        return f->source == FACTS_CAPTURE ? "the program at this end" : "this process";
    case WHY_PEER: return "the peer";
    case WHY_NETWORK: return "the network: whoever runs the path between";
    case WHY_OPERATOR:
        return f->source == FACTS_CAPTURE ? "the operator of that host"
                                          : "the operator of this machine";
    }
    return "";
}

/** say_remedies() - what to do, and what that costs */
static void say_remedies(const struct why_style *s, const struct why_finding *x, struct buf *b)
{
    for (unsigned i = 0; i < x->n_remedies; i++) {
        struct lines l = label(s, b, i ? "" : "remedy");
        l.indent += 2;
        buf_str(b, s->ascii ? "- " : "• ");
        l.column += 2;
        words(&l, x->remedy[i].how);
        if (x->remedy[i].price) {
            newline(&l);
            paint(s, b, "2");
            words(&l, "price:");
            words(&l, x->remedy[i].price);
            paint(s, b, "0");
        }
        buf_str(b, "\n");
    }
}

/** say_head() - severity, id, how many, how sure */
static void say_head(const struct why_style *s, const struct why_finding *x, struct buf *b)
{
    static const char *const colours[] = {"1;36", "1;33", "1;31"};
    static const char *const names[] = {"NOTE", "WARNING", "CRITICAL"};
    const char *dot = s->ascii ? "|" : "·";
    paint(s, b, colours[x->severity]);
    buf_printf(b, "%-9s", names[x->severity]);
    paint(s, b, "0;1");
    buf_str(b, why_rule_id(x->rule));
    paint(s, b, "0");
    if (x->n_conns)
        buf_printf(b, " %s %" PRIu32 " %s", dot, x->n_conns,
                   x->state == GN_LISTEN ? x->n_conns == 1 ? "listener" : "listeners"
                   : x->n_conns == 1     ? "connection"
                                         : "connections");
    buf_printf(b, " %s %s\n", dot, why_confidence_name(x->confidence));
}

void why_text_finding(const struct facts *f, const struct why_finding *x, const struct why_style *s,
                      struct buf *b)
{
    say_head(s, x, b);
    struct lines l = {s, b, INDENT, INDENT};
    buf_printf(b, "%*s", INDENT, "");
    words(&l, x->diagnosis);
    buf_str(b, "\n");
    l = label(s, b, "who acts");
    words(&l, who(f, x));
    buf_str(b, "\n");
    if (x->n_evidence)
        say_evidence(s, x, b);
    if (x->unknown) {
        l = label(s, b, "not known");
        words(&l, x->unknown);
        if (x->settle) {
            newline(&l);
            words(&l, s->ascii ? "->" : "→");
            words(&l, x->settle);
        }
        buf_str(b, "\n");
    }
    say_remedies(s, x, b);
    say_conns(f, s, x, b);
    buf_str(b, "\n");
}

/** things() - what is counted: a capture shows both ends of each connection */
static const char *things(const struct facts *f, size_t n)
{
    if (f->source == FACTS_CAPTURE)
        return "ends of connections";
    return n == 1 ? "connection" : "connections";
}

/** say_healthy() - the one line about all that is well */
static void say_healthy(const struct facts *f, const struct why_style *s,
                        const struct why_result *r, struct buf *b)
{
    static const char sep[] = ", ";
    bool first = true;
    if (!r->n_healthy)
        return;
    paint(s, b, "1;32");
    buf_printf(b, "%-9s", "HEALTHY");
    paint(s, b, "0");
    struct lines l = {s, b, 9, 9};
    char text[64];
    snprintf(text, sizeof text, "%zu of %zu %s:", r->n_healthy, r->n_conns, things(f, r->n_conns));
    words(&l, text);
    for (unsigned i = 0; i < GN_STATE_COUNT; i++) {
        if (!r->healthy[i])
            continue;
        if (!first)
            buf_mem(b, sep, 1);
        snprintf(text, sizeof text, "%" PRIu32 " %s", r->healthy[i], gn_state_name(i));
        words(&l, text);
        first = false;
    }
    buf_str(b, "\n");
}

/** say_gaps() - what could not be seen */
static void say_gaps(const struct facts *f, const struct why_style *s, const struct why_result *r,
                     struct buf *b)
{
    for (size_t i = 0; i < f->n_gaps; i++) {
        paint(s, b, "1;35");
        buf_printf(b, "%-9s", i ? "" : "NOT SEEN");
        paint(s, b, "0");
        struct lines l = {s, b, 9, 9};
        words(&l, f->gap[i]);
        buf_str(b, "\n");
    }
    if (r->truncated)
        buf_str(b, "NOT ALL  memory was short: there is more than this\n");
}

/** first_beyond() - is @rule the first of those of which a capture does not show @what? */
static bool first_beyond(const struct why_rule *rule, const struct why_result *r, const char *what)
{
    const struct why_rule *other;
    size_t i = 0;
    while ((other = why_rule_at(i)) && why_rule_beyond(other, r) != what)
        i++;
    return other == rule;
}

/** say_beyond() - what of all this no capture shows; verbose: and which findings need it */
static void say_beyond(const struct why_style *s, const struct why_result *r, struct buf *b)
{
    const struct why_rule *rule, *other;
    struct lines l = {s, b, 9, 9};
    bool any = false;
    for (size_t i = 0; (rule = why_rule_at(i)); i++) {
        const char *what = why_rule_beyond(rule, r), *before = "(see ";
        if (!what || !first_beyond(rule, r, what))
            continue;
        if (!any) {
            paint(s, b, "1;35");
            buf_printf(b, "%-9s", "BEYOND");
            paint(s, b, "0");
            words(&l, "a capture:");
        } else {
            buf_str(b, ";");
        }
        any = true;
        words(&l, what);
        for (size_t k = i; s->verbose && (other = why_rule_at(k)); k++) {
            char text[64];
            if (why_rule_beyond(other, r) != what)
                continue;
            snprintf(text, sizeof text, "%s%s", before, why_rule_id(other));
            words(&l, text);
            before = "and ";
        }
        buf_str(b, s->verbose ? ")" : "");
    }
    if (any) {
        words(&l, "-- 'gannet why' on the hosts shows these.");
        buf_str(b, "\n");
    }
}

/** say_drops() - why segments were dropped, as far as a Gannet host counts it */
static void say_drops(const struct facts *f, const struct why_style *s, struct buf *b)
{
    bool first = true;
    for (unsigned d = 1; d < GN_DROP_COUNT; d++) {
        char name[64];
        snprintf(name, sizeof name, "GannetDrop%s", gn_drop_name(d));
        int64_t n = facts_counter(f, name, 0);
        if (!n)
            continue;
        paint(s, b, "1");
        buf_printf(b, "%-9s", first ? "DROPPED" : "");
        paint(s, b, "0");
        buf_printf(b, "%" PRId64 " %s\n", n, gn_drop_text(d));
        first = false;
    }
}

void why_text(const struct facts *f, const struct why_result *r, const struct why_style *s,
              const char *what, struct buf *b)
{
    size_t bad = 0;
    for (size_t i = 0; i < r->n_findings; i++)
        bad += r->finding[i]->severity > WHY_NOTE;
    paint(s, b, "1");
    if (bad)
        buf_printf(b, "%s: %zu finding%s, %zu %s\n\n", what, bad, bad == 1 ? "" : "s", r->n_conns,
                   things(f, r->n_conns));
    else
        buf_printf(b, "%s: nothing wrong to be seen, %zu %s\n\n", what, r->n_conns,
                   things(f, r->n_conns));
    paint(s, b, "0");
    for (size_t i = 0; i < r->n_findings; i++)
        why_text_finding(f, r->finding[i], s, b);
    say_healthy(f, s, r, b);
    if (s->verbose)
        say_drops(f, s, b);
    say_gaps(f, s, r, b);
    if (f->source == FACTS_CAPTURE)
        say_beyond(s, r, b);
    if (r->n_findings) {
        struct lines l = {s, b, 0, 0};
        char text[160];
        snprintf(text, sizeof text,
                 "'gannet why --explain %s' tells more of the first; each has such a page.",
                 why_rule_id(r->finding[0]->rule));
        if (b->len < 2 || b->s[b->len - 2] != '\n')
            buf_str(b, "\n");
        words(&l, text);
        buf_str(b, "\n");
    }
}

void *why_run(const struct facts *f, const struct why_options *o, struct why_result *ret)
{
    size_t size = why_arena_size(f);
    struct why_arena a = {.base = malloc(size), .size = size};
    if (!a.base)
        exit(complain("out of memory"));
    why_explain(f, o, &a, ret);
    return a.base;
}
