/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sim_cmd.c  `gannet sim`: swarm simulations.
 */
#include "cli/cli.h"
#include "lab/plot.h"
#include "lab/swarm.h"
#include "lab/table.h"

#include <errno.h>
#include <string.h>

enum {
    OPT_SEED = 1,
    OPT_COUNT,
    OPT_MOVE,
    OPT_PCAP,
    OPT_VERBOSE,
    OPT_TABLE,
    OPT_QUICK,
    OPT_PLOT,
    OPT_CC,
    OPT_RATE,
    OPT_RTT,
    OPT_LOSS,
    OPT_SECONDS
};

static const struct option_spec options[] = {
    {OPT_SEED, 0, "seed", "N", "the first seed (1)"},
    {OPT_COUNT, 0, "count", "N", "how many seeds (1)"},
    {OPT_MOVE, 0, "move", NULL, "freeze connections now and then, and thaw them"},
    {OPT_PCAP, 0, "pcap", "FILE", "write a capture of all packets sent (of the last seed)"},
    {OPT_VERBOSE, 'v', "verbose", NULL, "tell what each connection does"},
    {OPT_TABLE, 0, "table", "NAME",
     "no swarm: compute a table of tests/table ('list': their names)"},
    {OPT_QUICK, 0, "quick", NULL, "table: only the rows that `make test` computes"},
    {OPT_PLOT, 0, "plot", "FILE", "no swarm: one flow, its windows and sequence by time as SVG"},
    {OPT_CC, 0, "cc", "NAME", "plot: congestion control (cubic)"},
    {OPT_RATE, 0, "rate", "KBIT", "plot: kbit/s of the bottleneck (20000)"},
    {OPT_RTT, 0, "rtt", "MS", "plot: round-trip time; the queue holds as much (20)"},
    {OPT_LOSS, 0, "loss", "PPM", "plot: packets lost, of a million (0)"},
    {OPT_SECONDS, 0, "seconds", "N", "plot: how long (20)"},
    {0, 0, NULL, NULL, NULL},
};

/** plot_option() - take one option of the plot; false: it is none of them */
static bool plot_option(struct args *a, int id, const char *value, struct plot_config *c)
{
    uint64_t n, most = id == OPT_RTT ? 10000 : id == OPT_SECONDS ? 3600 : 10000000;

    if (id == OPT_CC) {
        if (!table_algorithm(value, &c->cc))
            usage_fail(a, "--cc is newreno, cubic or bbr, not '%s'", value);
        return true;
    }
    if (id == OPT_LOSS) {
        if (!parse_number(value, 0, 1000000, &n))
            usage_fail(a, "--loss is a number up to 1000000, not '%s'", value);
        c->loss_ppm = (uint32_t)n;
        return true;
    }
    if (id != OPT_RATE && id != OPT_RTT && id != OPT_SECONDS)
        return false;
    if (!parse_number(value, 1, most, &n))
        usage_fail(a, "--%s is a number from 1 to %u, not '%s'",
                   id == OPT_RATE  ? "rate"
                   : id == OPT_RTT ? "rtt"
                                   : "seconds",
                   (unsigned)most, value);
    if (id == OPT_RATE)
        c->rate = n * 1000;
    else if (id == OPT_RTT)
        c->rtt = n * GN_MSEC;
    else
        c->span = n * GN_SEC;
    return true;
}

/** plot() - simulate one flow and draw it to file @name; the exit code */
static int plot(struct plot_config *c, const char *name)
{
    FILE *f = fopen(name, "w");
    bool ok;

    if (!f)
        return complain("cannot write %s: %s", name, strerror(errno));
    ok = plot_flow(c, f);
    if (fclose(f))
        return complain("cannot write %s: %s", name, strerror(errno));
    return ok ? EXIT_FINE : complain("the flow could not be simulated");
}

/** print_table() - one table, or its quick rows, or the names of all; the exit code */
static int print_table(struct args *a, const char *name, bool quick)
{
    const struct table *t;

    if (!strcmp(name, "list")) {
        for (unsigned i = 0; (t = table_nth(i)); i++)
            printf("%s\n", t->name);
        return EXIT_FINE;
    }
    t = table_find(name);
    if (!t)
        usage_fail(a, "there is no table '%s'", name);
    return table_print(t, quick, stdout) ? EXIT_FINE : EXIT_FAILED;
}

/** check_purpose() - do the options belong together? @drawn, @quick: one of a plot, of a table */
static void check_purpose(struct args *a, bool plot, bool table, bool drawn, bool quick)
{
    if (table && plot)
        usage_fail(a, "either a --table or a --plot");
    if (drawn && !plot)
        usage_fail(a, "--cc, --rate, --rtt, --loss and --seconds are about a --plot");
    if (quick && !table)
        usage_fail(a, "--quick is about a --table");
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct swarm_config c = {.seed = 1};
    struct plot_config p = {.cc = 1, .rate = 20000000, .rtt = 20 * GN_MSEC, .span = 20 * GN_SEC};
    const char *picture = NULL, *table = NULL;
    bool quick = false, drawn = false; /* drawn: an option of the plot was given */
    uint64_t count = 1, bad = 0;
    const char *value;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == ARGS_WORD)
            usage_fail(a, "one word too many: '%s'", value);
        if (plot_option(a, id, value, &p)) {
            drawn = true;
            continue;
        }
        if (id == OPT_PLOT)
            picture = value;
        if (id == OPT_SEED && !parse_number(value, 0, UINT64_MAX - 1000000000, &c.seed))
            usage_fail(a, "--seed is a number, not '%s'", value);
        if (id == OPT_COUNT && !parse_number(value, 1, 1000000000, &count))
            usage_fail(a, "--count is a number above 0, not '%s'", value);
        c.move |= id == OPT_MOVE;
        if (id == OPT_PCAP)
            c.pcap = value;
        if (id == OPT_VERBOSE)
            c.log = stdout;
        if (id == OPT_TABLE)
            table = value;
        quick |= id == OPT_QUICK;
    }
    check_purpose(a, picture != NULL, table != NULL, drawn, quick);
    if (table)
        return print_table(a, table, quick);
    p.seed = c.seed;
    if (picture)
        return plot(&p, picture);
    for (uint64_t i = 0; i < count; i++, c.seed++) {
        struct swarm_result r;
        fflush(stdout);
        bad += !swarm_run(&c, &r);
        swarm_print(&r, stdout);
    }
    return bad ? EXIT_FAILED : EXIT_FINE;
}

const struct command command_sim = {
    .name = "sim",
    .synopsis = "[OPTION...]",
    .summary = "Simulate a swarm of random hosts, networks and applications, and check it.",
    .details = "Hosts, knobs, network, faults and applications follow from the seed; the same seed "
               "gives the\nsame hash on every machine. Exit code 1: a checker objected.",
    .options = options,
    .run = run,
};
