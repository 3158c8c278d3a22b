/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ss_cmd.c  `gannet ss`: the connections of a running `gannet up`.
 */
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/filter.h"
#include "cli/view.h"

#include <string.h>

enum {
    OPT_TIMERS = 1,
    OPT_INTERNALS,
    OPT_SUMMARY,
    OPT_ALL,
    OPT_LISTENING,
    OPT_IGNORED,
    OPT_V4,
    OPT_V6,
    OPT_HISTORY,
    OPT_JSON,
    OPT_NO_HEADER,
    OPT_CONTROL,
    OPT_ASCII
};

static const struct option_spec options[] = {
    {OPT_ALL, 'a', "all", NULL, "listeners too"},
    {OPT_LISTENING, 'l', "listening", NULL, "listeners only"},
    {OPT_TIMERS, 'o', "options", NULL, "timers that run"},
    {OPT_INTERNALS, 'i', "info", NULL, "congestion, round-trip times, windows, totals"},
    {OPT_HISTORY, 0, "history", NULL, "the last transitions and their causes"},
    {OPT_SUMMARY, 's', "summary", NULL, "counts by state only"},
    {OPT_V4, '4', "ipv4", NULL, "IPv4 only"},
    {OPT_V6, '6', "ipv6", NULL, "IPv6 only"},
    {OPT_NO_HEADER, 'H', "no-header", NULL, "no line over the columns"},
    {OPT_JSON, 0, "json", NULL, "an array with one object a connection"},
    {OPT_ASCII, 0, "ascii", NULL, "ASCII characters only"},
    {OPT_CONTROL, 0, "control", "PATH", "control socket of the 'gannet up' to ask"},
    {OPT_IGNORED, 'n', "numeric", NULL, "as always"},
    {OPT_IGNORED, 't', "tcp", NULL, "as always"},
    {0, 0, NULL, NULL, NULL},
};

/** option() - one that starts with a dash; false: it is --summary */
static bool option(int id, const char *value, struct view *v, const char **path)
{
    switch (id) {
    case OPT_TIMERS: v->timers = true; break;
    case OPT_INTERNALS: v->internals = true; break;
    case OPT_HISTORY: v->history = true; break;
    case OPT_ALL: v->all = true; break;
    case OPT_LISTENING: v->listening = true; break;
    case OPT_V4: v->only_v4 = true; break;
    case OPT_V6: v->only_v6 = true; break;
    case OPT_NO_HEADER: v->no_header = true; break;
    case OPT_JSON: v->json = true; break;
    case OPT_ASCII: v->ascii = true; break;
    case OPT_CONTROL: *path = value; break;
    case OPT_SUMMARY: return false;
    default: break;
    }
    return true;
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct view v = {0};
    struct buf ask = {0};
    const char *value, *path = NULL;
    bool summary = false;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == ARGS_WORD)
            filter_word(a, value, &v);
        else if (!option(id, value, &v, &path))
            summary = true;
    }
    if (summary) {
        buf_str(&ask, v.json ? "summary json" : "summary");
    } else {
        buf_str(&ask, "ss");
        view_request(&v, &ask);
    }
    buf_str(&ask, "\n");
    int code = client_ask(path, ask.s, NULL);
    buf_free(&ask);
    return code;
}

const struct command command_ss = {
    .name = "ss",
    .synopsis = "[OPTION...] [FILTER...]",
    .summary = "List the connections of a running 'gannet up', in the columns of ss.",
    .details = "filters:\n"
               "  state S, exclude S         a state by the RFC's name or that of ss, or all, "
               "connected, synchronized,\n"
               "                             bucket, big, listening; may be repeated\n"
               "  sport = :N, dport = :N     local and remote port",
    .options = options,
    .run = run,
};
