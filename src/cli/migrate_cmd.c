/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file migrate_cmd.c  `gannet migrate`: connections go from one `gannet up` to another, in this
 * machine or, through a pipe, in another one.
 */
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/filter.h"
#include "cli/move.h"
#include "cli/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_FROM = 1, OPT_TO, OPT_EXEC, OPT_SAME_PATH, OPT_QUIET };

static const struct option_spec options[] = {
    {OPT_FROM, 0, "from", "PATH", "control socket of the 'gannet up' that has them"},
    {OPT_TO, 0, "to", "PATH", "control socket of the one that gets them"},
    {OPT_EXEC, 0, "exec", "COMMAND",
     "run it when all have left and before they go on: lead their packets there"},
    {OPT_SAME_PATH, 0, "same-path", NULL, "packets take the way they took: keep congestion window"},
    {OPT_QUIET, 'q', "quiet", NULL, "say only what went wrong"},
    {0, 0, NULL, NULL, NULL},
};

struct migration {
    const char *from, *to, *exec;
    bool same_path, quiet;
    unsigned moved, failed;
    struct buf arrived; /* handles at the new host, a line each */
};

/** ask_about() - VERB HANDLE to the host at @path; false: complained */
static bool ask_about(const char *path, const char *verb, const char *handle)
{
    char request[64];
    struct buf none = {0};
    snprintf(request, sizeof request, "%s %s\n", verb, handle);
    bool good = client_ask(path, request, &none) == EXIT_FINE;
    buf_free(&none);
    return good;
}

/** said() - what became of a connection, on standard error: standard output may be parcels */
static void said(struct migration *m, const char *who, size_t octets, const char *why)
{
    m->moved += !why;
    m->failed += why != NULL;
    if (why)
        fprintf(stderr, "gannet: %s stays: %s\n", who, why);
    else if (!m->quiet)
        fprintf(stderr, "%s %s, %zu octets\n", who, m->to ? "has moved" : "is frozen", octets);
}

/** thaw() - a parcel to the new host; false: *@ret says why not, else it is the handle there */
static bool thaw(const struct migration *m, const char *parcel, size_t len, struct buf *ret)
{
    char request[64];
    snprintf(request, sizeof request, "thaw %s%zu\n", m->same_path ? "same-path " : "", len);
    bool good = client_ask_with(m->to, request, parcel, len, ret);
    while (ret->len && ret->s[ret->len - 1] == '\n')
        ret->s[--ret->len] = 0;
    return good;
}

/** move_one() - "HANDLE WHO": leaves its host, and stands frozen at the new one or is written out.
 * If that cannot be it goes on where it was */
static void move_one(struct migration *m, char *line)
{
    char *who = strchr(line, ' '), request[64];
    struct buf parcel = {0}, answer = {0};
    if (!who)
        return;
    *who++ = 0;
    snprintf(request, sizeof request, "freeze %s\n", line);
    if (!client_ask_with(m->from, request, NULL, 0, &parcel)) {
        if (strcmp(parcel.s, gn_err_text(GN_E_BAD_HANDLE)) != 0) /* else it has ended meanwhile */
            said(m, who, 0, parcel.s);
    } else if (!m->to) {
        bool out = fwrite(parcel.s, 1, parcel.len, stdout) == parcel.len && !fflush(stdout);
        if (!out)
            (void)ask_about(m->from, "unfreeze", line);
        said(m, who, parcel.len, out ? NULL : strerror(errno));
    } else if (!thaw(m, parcel.s, parcel.len, &answer)) {
        (void)ask_about(m->from, "unfreeze", line);
        said(m, who, 0, answer.s);
    } else if (ask_about(m->from, "forget", line)) {
        buf_printf(&m->arrived, "%s\n", answer.s);
        said(m, who, parcel.len, NULL);
    } else { /* it is where it was, or nowhere: two of them must not be */
        (void)ask_about(m->to, "forget", answer.s);
        said(m, who, 0, "it could not be told to go");
    }
    buf_free(&parcel);
    buf_free(&answer);
}

/** each_line() - @what with each line of @b, which is spoiled */
static void each_line(struct migration *m, struct buf *b,
                      void (*what)(struct migration *, char *line))
{
    char *save = NULL;
    buf_mem(b, "", 1);
    for (char *l = strtok_r(b->s, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        what(m, l);
}

/** leave() - all that the filter matches leave their host; false: complained */
static bool leave(struct migration *m, struct view *v)
{
    struct buf ask = {0}, list = {0};
    v->handles = true;
    buf_str(&ask, "ss");
    view_request(v, &ask);
    buf_str(&ask, "\n");
    bool good = client_ask(m->from, ask.s, &list) == EXIT_FINE;
    if (good)
        each_line(m, &list, move_one);
    buf_free(&ask);
    buf_free(&list);
    return good;
}

/** read_parcels() - all parcels on standard input come to the new host; false: complained */
static bool read_parcels(struct migration *m)
{
    struct buf in = {0};
    char piece[65536];
    size_t n, at = 0, len;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_mem(&in, piece, n);
    while (at < in.len && (len = move_parcel(in.s + at, in.len - at)) != 0 && len <= in.len - at) {
        struct buf answer = {0};
        bool good = thaw(m, in.s + at, len, &answer);
        if (good)
            buf_printf(&m->arrived, "%s\n", answer.s);
        said(m, "a connection", len, good ? NULL : answer.s);
        buf_free(&answer);
        at += len;
    }
    if (at < in.len)
        complain("octet %zu of standard input begins no whole connection", at);
    bool whole = at == in.len;
    buf_free(&in);
    return whole;
}

/** go_on() - one that has arrived */
static void go_on(struct migration *m, char *handle)
{
    if (!ask_about(m->to, "unfreeze", handle))
        m->failed++;
}

/** check() - what was given goes together */
static void check(struct args *a, const struct migration *m, bool filtered)
{
    if (!m->from && !m->to)
        usage_fail(a, "--from, --to, or both");
    if (!m->from && filtered)
        usage_fail(a, "a filter is for --from");
    if (!m->to && (m->exec || m->same_path))
        usage_fail(a, "--exec and --same-path are for --to");
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct migration m = {.from = NULL};
    struct view v = {0};
    const char *value;
    bool filtered = false, good;
    int id;
    while ((id = args_next(a, &value))) {
        switch (id) {
        case OPT_FROM: m.from = value; break;
        case OPT_TO: m.to = value; break;
        case OPT_EXEC: m.exec = value; break;
        case OPT_SAME_PATH: m.same_path = true; break;
        case OPT_QUIET: m.quiet = true; break;
        default: filter_word(a, value, &v); filtered = true;
        }
    }
    check(a, &m, filtered);
    good = m.from ? leave(&m, &v) : read_parcels(&m);
    if (m.exec && m.moved && system(m.exec) != 0) {
        complain("'%s' failed; those that have moved go on all the same", m.exec);
        good = false;
    }
    if (m.to)
        each_line(&m, &m.arrived, go_on);
    buf_free(&m.arrived);
    if (m.from && !m.to && m.moved)
        fprintf(
            stderr,
            "gannet: frozen: %u. When they are elsewhere: gannet ctl --control %s forget all; to "
            "take them back: unfreeze all\n",
            m.moved, m.from);
    return good && !m.failed ? EXIT_FINE : EXIT_FAILED;
}

const struct command command_migrate = {
    .name = "migrate",
    .synopsis = "[--from PATH] [--to PATH] [OPTION...] [FILTER...]",
    .summary =
        "Move connections from one running 'gannet up' to another; their peers notice nothing.",
    .details = "With --from and --to they go from one to the other. With --from alone they are "
               "frozen and\n"
               "written to standard output, with --to alone they are read from standard input:\n"
               "  gannet migrate --from PATH | ssh HOST gannet migrate --to PATH\n"
               "The new host needs their local addresses and services on their ports; what the "
               "peers send\n"
               "has to come to it from then on (--exec). Filters are those of 'gannet ss'.\n"
               "Exit status: 0: all have moved; 1: some stay where they were, and it is said why.",
    .options = options,
    .run = run,
};
