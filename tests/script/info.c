/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file info.c  Assertions about TCP_INFO: comparisons, sums, "and", "or", chains such as
 * "90000 <= tcpi_rtt <= 110000". They speak of the descriptor that the script got last.
 */
#define _GNU_SOURCE

#include "play.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

/** An assertion being evaluated. */
struct eval {
    struct play *p;
    int line;
    const char *at;
    struct tcp_info info;
};

#define FIELD(n)                                                            \
    {                                                                       \
#n, offsetof(struct tcp_info, n), sizeof(((struct tcp_info *)0)->n) \
    }

static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
    FIELD(tcpi_state),      FIELD(tcpi_ca_state),      FIELD(tcpi_retransmits), FIELD(tcpi_probes),
    FIELD(tcpi_backoff),    FIELD(tcpi_options),       FIELD(tcpi_rto),         FIELD(tcpi_ato),
    FIELD(tcpi_snd_mss),    FIELD(tcpi_rcv_mss),       FIELD(tcpi_unacked),     FIELD(tcpi_sacked),
    FIELD(tcpi_lost),       FIELD(tcpi_retrans),       FIELD(tcpi_pmtu),        FIELD(tcpi_rtt),
    FIELD(tcpi_rttvar),     FIELD(tcpi_snd_ssthresh),  FIELD(tcpi_snd_cwnd),    FIELD(tcpi_advmss),
    FIELD(tcpi_reordering), FIELD(tcpi_total_retrans),
};

static long long eval_or(struct eval *e);

/** blanks() - skip them */
static void blanks(struct eval *e)
{
    e->at += strspn(e->at, " \t");
}

/** took() - take @text if it comes next */
static bool took(struct eval *e, const char *text)
{
    blanks(e);
    if (strncmp(e->at, text, strlen(text)) != 0)
        return false;
    e->at += strlen(text);
    return true;
}

/** named() - the value of a field or constant */
static long long named(struct eval *e)
{
    size_t n = 0;
    const char *name;
    uint32_t v = 0;
    long long c;

    while (isalnum((unsigned char)e->at[n]) || e->at[n] == '_')
        n++;
    name = keep_text(e->at, n);
    e->at += n;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!strcmp(fields[i].name, name)) {
            memcpy(&v, (const char *)&e->info + fields[i].offset, fields[i].size);
            return v;
        }
    }
    if (!n || !name_value(name, &c))
        fail_at(e->p->script, e->line, "assert: cannot evaluate \"%.30s\"", n ? name : e->at);
    return c;
}

/** eval_atom() - number, name, or in parentheses */
static long long eval_atom(struct eval *e)
{
    char *end;
    long long v;

    if (took(e, "(")) {
        v = eval_or(e);
        if (!took(e, ")"))
            fail_at(e->p->script, e->line, "assert: \")\" expected");
        return v;
    }
    if (took(e, "-"))
        return -eval_atom(e);
    blanks(e);
    if (!isdigit((unsigned char)*e->at))
        return named(e);
    v = strtoll(e->at, &end, 0);
    e->at = end;
    return v;
}

/** eval_sum() - with + - * & */
static long long eval_sum(struct eval *e)
{
    long long v = eval_atom(e);

    for (;;) {
        if (took(e, "+"))
            v += eval_atom(e);
        else if (took(e, "-"))
            v -= eval_atom(e);
        else if (took(e, "*"))
            v *= eval_atom(e);
        else if (took(e, "&"))
            v &= eval_atom(e);
        else if (took(e, "|"))
            v |= eval_atom(e);
        else
            return v;
    }
}

/** eval_compare() - a chain of comparisons, or a sum alone */
static long long eval_compare(struct eval *e)
{
    long long a = eval_sum(e), b;
    bool chain = false, r = true;

    for (;; a = b, chain = true) {
        if (took(e, "=="))
            r &= a == (b = eval_sum(e));
        else if (took(e, "!="))
            r &= a != (b = eval_sum(e));
        else if (took(e, "<="))
            r &= a <= (b = eval_sum(e));
        else if (took(e, ">="))
            r &= a >= (b = eval_sum(e));
        else if (took(e, "<"))
            r &= a < (b = eval_sum(e));
        else if (took(e, ">"))
            r &= a > (b = eval_sum(e));
        else
            return chain ? r : a;
    }
}

/** eval_and() - "a and b" */
static long long eval_and(struct eval *e)
{
    long long v = eval_compare(e);

    while (took(e, "and "))
        v = (eval_compare(e) != 0) & (v != 0);
    return v;
}

/** eval_or() - "a or b" */
static long long eval_or(struct eval *e)
{
    long long v = eval_and(e);

    while (took(e, "or "))
        v = (eval_and(e) != 0) | (v != 0);
    return v;
}

/** one_line() - an assertion, or nothing */
static void one_line(struct eval *e, const char *text)
{
    long long value;
    const char *shown;

    e->at = text;
    blanks(e);
    if (!*e->at || *e->at == '#')
        return;
    if (!took(e, "assert "))
        fail_at(e->p->script, e->line, "only assertions are understood in code, not \"%s\"", text);
    shown = e->at;
    if (eval_or(e))
        return;
    if (!took(e, ","))
        fail_at(e->p->script, e->line, "assertion failed: %s", shown);
    value = eval_or(e);
    fail_at(e->p->script, e->line, "assertion failed: %s (it is %lld)", shown, value);
}

void info_check(struct play *p, const struct event *event)
{
    struct eval e = {.p = p, .line = event->line};
    socklen_t len = sizeof(e.info);
    const char *text = event->text;

    if (p->ifc.getsockopt(p->drill, p->latest, IPPROTO_TCP, TCP_INFO, &e.info, &len))
        fail_at(p->script, event->line, "getsockopt(TCP_INFO) failed");
    while (*text) {
        size_t n = strcspn(text, "\n");

        one_line(&e, keep_text(text, n));
        text += n + (text[n] == '\n');
        e.line += 1;
    }
}
