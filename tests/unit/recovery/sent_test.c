/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of transmissions alone. */
#include "base/prng.h"
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;
static struct sent_log *l = &g.r.sent;

static void check(void)
{
    sent_check(l, g.r.una, g.r.nxt);
}

Test(sent, holds_no_memory_while_empty)
{
    rig_open(&g, true, GN_MSEC);
    cr_expect_eq(g.mem.used, 0);
    rig_send(&g, 1);
    cr_expect_leq(g.mem.used, 256);
    rig_ack(&g, 1, 1);
    cr_expect_eq(g.mem.used, 0);
    rig_fini(&g);
}

Test(sent, names_survive_growth)
{
    rig_open(&g, true, GN_MSEC);
    rig_send(&g, 3);
    uint32_t no = sent_find(l, rig_seq(1500));
    cr_expect(seq_eq(sent_at(l, no)->start, rig_seq(1000)));
    for (int i = 0; i < 10; i++)
        rig_send(&g, 10);
    cr_expect(seq_eq(sent_at(l, no)->start, rig_seq(1000)));
    for (uint32_t i = 0; i < 103; i++) {
        cr_expect_eq(sent_find(l, rig_seq(i * MSS)), l->head + i);
        cr_expect_eq(sent_find(l, rig_seq(i * MSS + 999)), l->head + i);
    }
    rig_fini(&g);
}

Test(sent, a_long_sacked_run_is_passed_at_once)
{
    rig_open(&g, true, GN_MSEC);
    rig_send(&g, 1000);
    for (uint32_t i = 1; i < 999; i++)
        sent_sack(l, l->head + i);
    check();
    cr_expect_eq(sent_unsacked(l, l->head + 1), l->head + 999);
    cr_expect_eq(sent_at(l, l->head + 1)->next, l->head + 999, "compressed");
    cr_expect_eq(sent_unsacked(l, l->head), l->head);
    sent_sack(l, l->head + 999);
    cr_expect_eq(sent_unsacked(l, l->head + 1), l->tail);
    rig_fini(&g);
}

Test(sent, a_part_acknowledged)
{
    rig_open(&g, true, GN_MSEC);
    rig_send(&g, 3);
    sent_lose(l, l->head);
    sent_resend(l, l->head, 600, g.env.now);
    check();
    cr_expect(l->lost == 1000 && l->resend == 400 && l->retrans == 600);
    sent_trim(l, 500);
    g.r.una = seq_add(g.r.una, 500);
    check();
    cr_expect(l->lost == 500 && l->resend == 400 && l->retrans == 100);
    sent_trim(l, 200);
    g.r.una = seq_add(g.r.una, 200);
    check();
    cr_expect(l->lost == 300 && l->resend == 300 && l->retrans == 0);
    rig_fini(&g);
}

Test(sent, random_marks_keep_the_totals)
{
    struct prng rnd;

    prng_seed(&rnd, 42, 0);
    rig_open(&g, true, GN_MSEC);
    for (int i = 0; i < 20000; i++) {
        uint32_t n = sent_count(l), no = l->head + (n ? prng_below(&rnd, n) : 0);

        g.env.now += prng_below(&rnd, 3);
        if (n < 5 || (n < 200 && !prng_below(&rnd, 3)))
            rig_send(&g, 1 + prng_below(&rnd, 5));
        else if (!prng_below(&rnd, 3)) {
            g.r.una = sent_end(sent_at(l, l->head));
            sent_pop(l);
        } else if (!prng_below(&rnd, 3) && !(sent_at(l, no)->flags & SENT_SACKED))
            sent_sack(l, no);
        else if (prng_below(&rnd, 2))
            sent_lose(l, no);
        else if (!(sent_at(l, no)->flags & SENT_SACKED))
            sent_resend(l, no, 1 + prng_below(&rnd, sent_at(l, no)->len), g.env.now);
        if (!prng_below(&rnd, 500))
            sent_unlose(l);
        if (!prng_below(&rnd, 500))
            sent_renege(l);
        check();
    }
    cr_assert_gt(sent_count(l), 0);
    rig_fini(&g);
}
