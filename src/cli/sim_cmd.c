/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sim_cmd.c  `gannet sim`: swarm simulations.
 */
#include "cli/cli.h"
#include "lab/swarm.h"

enum { OPT_SEED = 1, OPT_COUNT, OPT_PCAP, OPT_VERBOSE };

static const struct option_spec options[] = {
    {OPT_SEED, 0, "seed", "N", "the first seed (1)"},
    {OPT_COUNT, 0, "count", "N", "how many seeds (1)"},
    {OPT_PCAP, 0, "pcap", "FILE", "write a capture of all packets sent (of the last seed)"},
    {OPT_VERBOSE, 'v', "verbose", NULL, "tell what each connection does"},
    {0, 0, NULL, NULL, NULL},
};

/** run() - the sub-command */
static int run(struct args *a)
{
    struct swarm_config c = {.seed = 1};
    uint64_t count = 1, bad = 0;
    const char *value;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == ARGS_WORD)
            usage_fail(a, "one word too many: '%s'", value);
        if (id == OPT_SEED && !parse_number(value, 0, UINT64_MAX - 1000000000, &c.seed))
            usage_fail(a, "--seed is a number, not '%s'", value);
        if (id == OPT_COUNT && !parse_number(value, 1, 1000000000, &count))
            usage_fail(a, "--count is a number above 0, not '%s'", value);
        if (id == OPT_PCAP)
            c.pcap = value;
        if (id == OPT_VERBOSE)
            c.log = stdout;
    }
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
