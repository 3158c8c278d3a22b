/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_cmd.c  `gannet explore`: exhaustive exploration of two hosts and one connection.
 */
#include "cli/cli.h"
#include "lab/explore.h"

#include <inttypes.h>
#include <string.h>

enum { OPT_LIST = 1, OPT_MAX, OPT_LOSE, OPT_DUPLICATE, OPT_TIMEOUT };

#define EXIT_PART 3 /* nothing is wrong in what was tried, but that was not all */

static const struct option_spec options[] = {
    {OPT_LIST, 0, "list", NULL, "list the scenarios"},
    {OPT_LOSE, 0, "lose", "N", "so many more losses"},
    {OPT_DUPLICATE, 0, "duplicate", "N", "so many more duplications"},
    {OPT_TIMEOUT, 0, "timeout", "N", "so many more timeouts"},
    {OPT_MAX, 0, "max-states", "N", "give a scenario up beyond so many states"},
    {0, 0, NULL, NULL, NULL},
};

/** print_result() - one line */
static void print_result(const struct explore_config *c, const struct explore_result *r)
{
    printf("%-32s %9" PRIu64 " states, %9" PRIu64 " steps, depth %3u%s\n", c->name, r->states,
           r->steps, r->depth, r->ok ? "" : ", WRONG");
    if (!r->ok) /* the search ended there */
        return;
    if (r->clipped)
        printf("    not complete: %" PRIu64 " states with more packets in flight than it follows\n",
               r->clipped);
    if (!r->complete && (r->untried || !r->clipped))
        printf("    not complete: given up with %" PRIu64 " choices left\n", r->untried);
}

/** print_pairs() - which states the two hosts were in at one time */
static void print_pairs(const struct explore_result *r)
{
    static const char *const head[GN_STATE_COUNT] = {
        "CLOSED", "LISTEN", "SYN-S", "SYN-R",  "ESTAB",  "FIN-W1",
        "FIN-W2", "CLO-W",  "CLOSG", "LAST-A", "TIME-W",
    };
    unsigned n = 0;
    printf("\n%-13s", "host 0 \\ 1");
    for (unsigned b = 0; b < GN_STATE_COUNT; b++)
        printf(" %-6s", head[b]);
    for (unsigned a = 0; a < GN_STATE_COUNT; a++) {
        printf("\n%-13s", gn_state_name((enum gn_state)a));
        for (unsigned b = 0; b < GN_STATE_COUNT; b++) {
            printf(" %-6s", r->pair[a][b] ? "x" : ".");
            n += r->pair[a][b];
        }
    }
    printf("\n%" PRIu64 " states, %u pairs of states of the two hosts\n", r->states, n);
}

/** print_transitions() - those that happened; @all: compare them with the legal ones */
static void print_transitions(const struct explore_result *r, bool all)
{
    unsigned n = 0;
    putchar('\n');
    for (unsigned a = 0; a < GN_STATE_COUNT; a++) {
        for (unsigned b = 0; b < GN_STATE_COUNT; b++) {
            if (r->transition[a][b])
                printf("%s to %s\n", gn_state_name((enum gn_state)a),
                       gn_state_name((enum gn_state)b));
            n += r->transition[a][b];
        }
    }
    printf("%u transitions\n", n);
    if (all && explore_missing(r, stdout) == 0)
        puts("these are all that are legal, and no other");
}

/** verdict() - the exit code; @part of @found scenarios were not searched whole */
static int verdict(const struct explore_result *sum, size_t found, size_t part)
{
    if (part)
        complain("not exhaustive: %zu of %zu scenarios were not searched whole (%" PRIu64
                 " choices left by --max-states, %" PRIu64 " states with too much in flight)",
                 part, found, sum->untried, sum->clipped);
    if (!sum->ok)
        return EXIT_FAILED;
    return part ? EXIT_PART : EXIT_FINE;
}

/** run() - the sub-command */
static int run(struct args *a)
{
    size_t n, found = 0, part = 0;
    const struct explore_config *s = explore_scenarios(&n);
    struct explore_result sum = {.ok = true};
    const char *value, *word = NULL;
    uint64_t max = 0, more[3] = {0};
    bool list = false;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == OPT_LIST)
            list = true;
        else if (id == OPT_MAX && !parse_number(value, 1, UINT64_MAX, &max))
            usage_fail(a, "--max-states is a number above 0, not '%s'", value);
        else if (id >= OPT_LOSE && id <= OPT_TIMEOUT &&
                 !parse_number(value, 0, 100, &more[id - OPT_LOSE]))
            usage_fail(a, "how many more? Not '%s'", value);
        else if (id == ARGS_WORD && word)
            usage_fail(a, "one word too many: '%s' (quote a name that has blanks)", value);
        else if (id == ARGS_WORD)
            word = value;
    }
    for (size_t i = 0; i < n; i++) {
        struct explore_config c = s[i];
        struct explore_result r;
        if (word && !strstr(c.name, word))
            continue;
        found++;
        if (list) {
            puts(c.name);
            continue;
        }
        c.max_states = max;
        c.budget.lose = (uint8_t)(c.budget.lose + more[0]);
        c.budget.duplicate = (uint8_t)(c.budget.duplicate + more[1]);
        c.budget.timeout = (uint8_t)(c.budget.timeout + more[2]);
        sum.ok &= explore_run(&c, &r, stdout);
        part += r.ok && !r.complete;
        print_result(&c, &r);
        fflush(stdout);
        explore_merge(&sum, &r);
    }
    if (found == 0)
        usage_fail(a, "no scenario has '%s' in its name; --list names them", word);
    if (list)
        return EXIT_FINE;
    print_pairs(&sum);
    print_transitions(&sum, !word);
    return verdict(&sum, found, part);
}

const struct command command_explore = {
    .name = "explore",
    .synopsis = "[WORD] [OPTION...]",
    .summary =
        "Try every interleaving of calls, deliveries, losses and timeouts of one connection.",
    .details =
        "With WORD only the scenarios that have it in their names. What is wrong is drawn as "
        "the shortest\nladder that shows it. Exit code 1: something is wrong; 3: nothing is, but "
        "not all was tried\n(--max-states, or more packets in flight than it follows).",
    .options = options,
    .run = run,
};
