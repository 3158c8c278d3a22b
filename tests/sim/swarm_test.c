/* SPDX-License-Identifier: BSD-2-Clause */
/* The swarm: many seeds, and that a seed says everything. A failing one prints how to see it again;
 * so does a bug that ends the program. */
#include "lab/swarm.h"
#include "part.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t running; /* the seed at work */
static bool moving;      /* its connections do */

/** on_death() - a signal handler: which seed was it? */
static void on_death(int sig)
{
    char text[96];
    int n =
        snprintf(text, sizeof text, "died with seed=%" PRIu64 ": gannet sim%s --seed %" PRIu64 "\n",
                 running, moving ? " --move" : "", running);

    (void)!write(STDERR_FILENO, text, (size_t)n);
    (void)signal(sig, SIG_DFL);
    (void)raise(sig);
}

/** on_sanitizer() - the same for the sanitizer's way out */
static void on_sanitizer(void)
{
    fprintf(stderr, "died with seed=%" PRIu64 "%s\n", running, moving ? " --move" : "");
}

/* there if this is a build with AddressSanitizer */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

/** watch_for_death() - tell the seed whatever happens */
static void watch_for_death(void)
{
    (void)signal(SIGABRT, on_death);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(on_sanitizer);
}

/** swarm() - @whole seeds from @first on, or a tenth of them */
static void swarm(uint64_t first, uint64_t whole)
{
    struct swarm_result r, sum = {0};
    uint64_t n = part(whole / 10, whole);

    watch_for_death();
    for (running = first; running < first + n; running++) {
        struct swarm_config c = {.seed = running, .move = moving};

        if (!swarm_run(&c, &r)) {
            swarm_print(&r, stderr);
            cr_expect_fail("%s", r.wrong);
        }
        sum.flows += r.flows;
        sum.normal += r.normal;
        sum.ended += r.ended;
        sum.moves += r.moves;
        sum.packets += r.packets;
        sum.octets += r.octets;
        sum.marked += r.marked;
        sum.silences += r.silences;
        sum.blamed += r.blamed;
    }
    fprintf(stderr,
            "swarm: %" PRIu64 " seeds of %" PRIu64
            ", %u connections, %u ends normal, %u broken, %" PRIu64 " packets, %" PRIu64
            " octets compared, %u moves\n",
            n, whole, sum.flows, sum.normal, sum.ended, sum.packets, sum.octets, sum.moves);
    fprintf(stderr,
            "silences: %" PRIu64 " above a second; %" PRIu64
            " after the network did wrong, in the others "
            "there was nothing to say, or a reader who did not listen\n",
            sum.silences, sum.blamed);
    cr_expect_gt(sum.normal, sum.ended, "the swarm should not be all failures");
    cr_expect_gt(sum.marked, 0, "no queue has marked anything");
    cr_expect_eq(sum.moves > 0, moving);
    cr_expect_gt(sum.silences, sum.blamed, "nothing was ever silent but for the network");
}

Test(swarm, seeds_1, .timeout = 300)
{
    swarm(1, 1000);
}

Test(swarm, seeds_1001, .timeout = 300)
{
    swarm(1001, 1000);
}

/* connections are frozen and thawed at random times, and their peers see nothing but losses */
Test(swarm, moves, .timeout = 300)
{
    moving = true;
    swarm(1, 500);
}

/* the same seed does the same twice, another one does not */
Test(swarm, a_seed_says_everything)
{
    struct swarm_result a, b, c;
    struct swarm_config config = {.seed = 5}, other = {.seed = 6};

    swarm_run(&config, &a);
    swarm_run(&config, &b);
    swarm_run(&other, &c);
    cr_expect_eq(a.hash, b.hash);
    cr_expect_eq(a.packets, b.packets);
    cr_expect_neq(a.hash, c.hash);
}
