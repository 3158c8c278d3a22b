/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_scenarios.c  What is explored: each a small budget of one flavour, together all
 * transitions. Those with fewer states come first.
 */
#include "lab/explore.h"

static const struct explore_config scenarios[] = {
    {.name = "a duplicate", .budget = {.open = {1, 1}, .close = {1, 1}, .duplicate = 1}},
    {.name = "users leave, a loss",
     .budget = {.open = {1, 1}, .leave = {1, 1}, .abort = {0, 1}, .lose = 1}},
    {.name = "both open, then abort",
     .both_active = true,
     .budget = {.open = {1, 1}, .close = {1, 0}, .abort = {1, 1}}},
    {.name = "users abort",
     .budget = {.open = {1, 1}, .close = {1, 1}, .abort = {1, 1}, .unlisten = 1}},
    {.name = "nobody answers",
     .budget = {.open = {1, 1}, .close = {1, 0}, .lose = 2, .timeout = 3}},
    {.name = "a forged acknowledgment",
     .budget = {.open = {1, 1}, .send = {1, 0}, .close = {1, 1}, .forge = 1}},
    {.name = "an octet each way", .budget = {.open = {1, 1}, .send = {1, 1}, .close = {1, 1}}},
    {.name = "users leave",
     .budget = {.open = {1, 1}, .send = {1, 0}, .leave = {1, 1}, .timeout = 1}},
    {.name = "tail loss probes",
     .probes = true,
     .delay_acks = true,
     .budget = {.open = {1, 1}, .send = {2, 0}, .close = {1, 0}, .lose = 1, .timeout = 1}},
    {.name = "both open, then close",
     .both_active = true,
     .budget = {.open = {1, 1}, .close = {1, 1}, .timeout = 1}},
    {.name = "users read when they like",
     .reads_by_call = true,
     .delay_acks = true,
     .budget = {.open = {1, 1}, .send = {2, 0}, .close = {1, 0}, .leave = {0, 1}}},
    {.name = "an octet, a loss",
     .budget = {.open = {1, 1}, .send = {1, 0}, .close = {1, 1}, .lose = 1, .timeout = 1}},
};

const struct explore_config *explore_scenarios(size_t *ret_n)
{
    *ret_n = sizeof scenarios / sizeof *scenarios;
    return scenarios;
}
