/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file parse.c  The frame of a script: options, times, events.
 */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE_USECS 1000

/** option_value() - what follows "--name=": up to the end of the line */
static const char *option_value(struct lex *l)
{
    size_t n;
    const char *v;

    if (*l->p != '=')
        return "";
    l->p++;
    n = strcspn(l->p, " \t\n");
    v = keep_text(l->p, n);
    l->p += n;
    return v;
}

/** parse_option() - one "--name" or "--name=value". Options of packetdrill that have no meaning on
 * virtual time or here are taken and ignored */
static void parse_option(struct lex *l)
{
    static const char *const ignored[] = {
        "verbose",           "dry_run",   "persistent_tun_dev", "speed",
        "tolerance_percent", "non_fatal", "send_omit_free"};
    struct script *s = l->script;
    const char *name = lex_word(l), *value;

    if (!name)
        lex_fail(l, "the name of an option");
    value = option_value(l);
    if (!strcmp(name, "tolerance_usecs") || !strcmp(name, "tolerance")) {
        s->tolerance_usecs = strtoll(value, NULL, 10);
    } else if (!strcmp(name, "tcp_ts_tick_usecs")) {
        s->ts_tick_usecs = strtoll(value, NULL, 10);
    } else if (!strcmp(name, "ip_version")) {
        s->v6 = !strcmp(value, "ipv6");
        if (!s->v6 && strcmp(value, "ipv4"))
            fail_at(s, l->line, "syntax error: no such IP version: %s", value);
    } else if (!strcmp(name, "strict_segments")) {
        s->strict_segments = true;
    } else if (!strcmp(name, "mtu")) {
        snprintf(s->flags + strlen(s->flags), sizeof(s->flags) - strlen(s->flags), "mtu=%s,",
                 value);
    } else {
        for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
            if (!strcmp(name, ignored[i]))
                return;
        fail_at(s, l->line, "syntax error: no such option: --%s", name);
    }
}

/** add_knob() - "name=value" to the flags; sysctl's "net.ipv4." is cut off */
static void add_knob(struct lex *l, const char *text, size_t n)
{
    static const char prefix[] = "net.ipv4.";
    struct script *s = l->script;
    size_t used = strlen(s->flags);

    if (!strncmp(text, prefix, sizeof(prefix) - 1)) {
        text += sizeof(prefix) - 1;
        n -= sizeof(prefix) - 1;
    }
    if (used + n + 2 > sizeof(s->flags))
        fail_at(s, l->line, "too many knobs");
    memcpy(s->flags + used, text, n);
    memcpy(s->flags + used + n, ",", 2);
}

/** parse_init() - the command before the first event sets knobs: "sysctl -q net.ipv4.NAME=VALUE"
 * or, for what Linux does not have or has in another unit, "set NAME=VALUE". Anything else is for
 * other stacks */
static void parse_init(struct lex *l)
{
    const char *p = lex_quoted(l, "`", "`");

    while (*p) {
        size_t n = strcspn(p, "\n");
        bool sysctl = !strncmp(p, "sysctl ", 7), set = !strncmp(p, "set ", 4);
        const char *end = p + n;

        while (p < end) {
            size_t k = strcspn(p, " \t\n");

            if ((sysctl || set) && memchr(p, '=', k))
                add_knob(l, p, k);
            p += k;
            p += strspn(p, " \t");
        }
        p = end + strspn(end, "\n \t");
    }
}

/** parse_time() - "+0.1", "0.1", "*", "0~1", "+0~+1" */
static void parse_time(struct lex *l, struct event *e)
{
    e->line = l->line;
    if (lex_take(l, "*")) {
        e->time = TIME_ANY;
        return;
    }
    e->time = lex_take(l, "+") ? TIME_RELATIVE : TIME_ABSOLUTE;
    e->usecs = e->usecs_end = lex_usecs(l);
    if (lex_take(l, "~")) {
        e->range = true;
        if (e->time == TIME_RELATIVE)
            lex_want(l, "+");
        e->usecs_end = lex_usecs(l);
        if (e->usecs_end < e->usecs)
            fail_at(l->script, l->line, "syntax error: the range of time ends before it begins");
    }
}

/** parse_event() - one, with its time */
static struct event *parse_event(struct lex *l)
{
    struct event *e = keep(sizeof(*e));
    bool blocking;
    int c;

    lex_skip(l);
    parse_time(l, e);
    blocking = lex_take(l, "...");
    if (blocking) {
        e->usecs_end = lex_usecs(l);
        if (e->usecs_end < e->usecs)
            fail_at(l->script, l->line, "syntax error: the call ends before it begins");
    }
    c = lex_peek(l);
    e->line = l->line;
    if (!blocking && (c == '<' || c == '>')) {
        e->kind = EVENT_PACKET;
        e->packet = parse_packet(l);
    } else if (!blocking && c == '`') {
        e->kind = EVENT_COMMAND;
        e->text = lex_quoted(l, "`", "`");
    } else if (!blocking && c == '%') {
        e->kind = EVENT_CODE;
        e->text = lex_quoted(l, "%{", "}%");
    } else {
        e->kind = EVENT_CALL;
        e->call = parse_call(l);
        e->call->blocking = blocking;
        e->call->end_usecs = e->usecs_end;
    }
    return e;
}

struct script *script_parse(const char *name, const char *text)
{
    struct script *s = keep(sizeof(*s));
    struct lex l = {.script = s, .p = text, .line = 1};
    struct event **tail = &s->events;
    bool cleanup = false;

    s->name = name;
    s->tolerance_usecs = TOLERANCE_USECS;
    while (lex_take(&l, "--"))
        parse_option(&l);
    if (lex_peek(&l) == '`')
        parse_init(&l);
    while (lex_peek(&l) && !cleanup) {
        if (lex_peek(&l) == '`') { /* the command at the end is for other stacks */
            (void)lex_quoted(&l, "`", "`");
            cleanup = true;
            continue;
        }
        *tail = parse_event(&l);
        tail = &(*tail)->next;
    }
    if (lex_peek(&l))
        lex_fail(&l, "the end of the script");
    if (!s->events)
        fail_at(s, l.line, "a script without events");
    return s;
}
