/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule engine on constructed facts: grouping, thresholds, order, memory. */
#include "explain/why.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct fact_conn conn[300000];
static struct fact_process process[] = {{.pid = 812, .comm = "shop", .cmdline = "shop"},
                                        {.pid = 99, .comm = "cron", .cmdline = "cron"}};
static struct facts f;
static struct why_options o;
static struct why_arena a;
static struct why_result r;

/** begin() - no facts */
static void begin(void)
{
    f = (struct facts){.source = FACTS_KERNEL,
                       .now = 1000 * GN_SEC,
                       .conn = conn,
                       .process = process,
                       .n_processes = 2};
    o = (struct why_options){.notes = false};
}

/** add() - one connection more, held by process 0 */
static struct fact_conn *add(enum gn_state state)
{
    struct fact_conn *c = &conn[f.n_conns++];
    *c = (struct fact_conn){.state = state,
                            .kind = GN_KIND_CONNECTION,
                            .known = FACT_OWNER | FACT_QUEUES,
                            .listener = FACT_NONE,
                            .local = {gn_addr_v4(10, 0, 0, 1), 80},
                            .remote = {gn_addr_v4(10, 0, 0, 2), (uint16_t)(40000 + f.n_conns)}};
    return c;
}

/** in_state() - add @n connections that have been in @state for @age */
static void in_state(enum gn_state state, unsigned n, gn_time age)
{
    while (n--) {
        struct fact_conn *c = add(state);
        c->known |= FACT_AGE;
        c->in_state = age;
    }
}

/** explain() - run the rules with @size octets of memory */
static void explain(size_t size)
{
    free(a.base);
    a = (struct why_arena){.base = malloc(size), .size = size};
    why_explain(&f, &o, &a, &r);
}

/** is() - is the @i-th finding of the rule @id? */
static bool is(size_t i, const char *id)
{
    return i < r.n_findings && !strcmp(why_rule_id(r.finding[i]->rule), id);
}

Test(why, close_wait_leak_names_the_process)
{
    begin();
    in_state(GN_CLOSE_WAIT, 5, 40 * GN_SEC);
    in_state(GN_ESTABLISHED, 3, GN_SEC);
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_findings, 1);
    cr_assert(is(0, "close-wait-leak"));
    cr_assert_eq(r.finding[0]->actor, WHY_PROCESS);
    cr_assert_eq(r.finding[0]->n_conns, 5);
    cr_assert_eq(r.finding[0]->process, 0);
    cr_assert(strstr(r.finding[0]->diagnosis, "shop (pid 812)"));
    cr_assert_eq(r.n_conns, 8);
    cr_assert_eq(r.n_healthy, 3);
    cr_assert_not(r.truncated);
}

/* a state that was seen last before a hole of the capture is nothing to be alarmed about */
Test(why, holes_of_a_capture_leave_nothing_but_notes)
{
    begin();
    in_state(GN_CLOSE_WAIT, 5, 40 * GN_SEC);
    f.holes = true;
    explain(why_arena_size(&f));
    cr_expect_eq(r.n_findings, 0);
    o.notes = true;
    explain(why_arena_size(&f));
    cr_assert(is(0, "close-wait-leak"));
    cr_expect_eq(r.finding[0]->severity, WHY_NOTE);
    cr_expect_eq(r.finding[0]->confidence, WHY_POSSIBLE);
}

Test(why, close_wait_of_a_moment_is_healthy)
{
    begin();
    in_state(GN_CLOSE_WAIT, 1000, 20 * GN_MSEC);
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_findings, 0);
    cr_assert_eq(r.n_healthy, 1000);
    o.notes = true;
    explain(why_arena_size(&f));
    cr_assert(is(0, "close-wait-leak"));
    cr_assert_eq(r.finding[0]->severity, WHY_NOTE);
    cr_assert_eq(r.n_healthy, 1000);
}

Test(why, groups_are_by_process_and_worst_comes_first)
{
    begin();
    in_state(GN_CLOSE_WAIT, 4, 40 * GN_SEC);
    in_state(GN_CLOSE_WAIT, 2000, 40 * GN_SEC);
    for (unsigned i = 4; i < f.n_conns; i++)
        conn[i].process = 1;
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_findings, 2);
    cr_assert_eq(r.finding[0]->process, 1);
    cr_assert_eq(r.finding[0]->severity, WHY_CRITICAL);
    cr_assert_eq(r.finding[1]->n_conns, 4);
}

Test(why, growth_is_told_from_the_sample_before)
{
    struct why_past past[8];
    size_t n;

    begin();
    in_state(GN_CLOSE_WAIT, 20, 40 * GN_SEC);
    explain(why_arena_size(&f));
    cr_assert_eq(r.finding[0]->severity, WHY_WARNING);
    const struct why_past *p = why_past_of(&r, &a, &n);
    memcpy(past, p, n * sizeof *p);
    o.past = past;
    o.n_past = n;
    f.now += 10 * GN_SEC;
    in_state(GN_CLOSE_WAIT, 5, 6 * GN_SEC);
    explain(why_arena_size(&f));
    cr_assert_eq(r.finding[0]->severity, WHY_CRITICAL);
    cr_assert(r.finding[0]->compared);
    cr_assert_eq(r.finding[0]->before, 20);
    cr_assert_eq(r.finding[0]->since, 1000 * GN_SEC);
}

Test(why, filter_chooses_connections)
{
    begin();
    in_state(GN_CLOSE_WAIT, 10, 40 * GN_SEC);
    conn[3].local.port = 443;
    o.filter.port = 443;
    o.notes = true;
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_conns, 1);
    cr_assert_eq(r.finding[0]->n_conns, 1);
    o.filter = (struct why_filter){.pid = 99};
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_conns, 0);
    o.filter = (struct why_filter){.states = 1u << GN_ESTABLISHED};
    explain(why_arena_size(&f));
    cr_assert_eq(r.n_conns, 0);
}

Test(why, any_arena_is_enough_for_a_true_answer)
{
    begin();
    in_state(GN_CLOSE_WAIT, 500, 40 * GN_SEC);
    in_state(GN_TIME_WAIT, 500, GN_SEC);
    size_t enough = why_arena_size(&f);
    explain(enough);
    cr_assert_not(r.truncated);
    for (size_t size = 0; size < 60000; size += 97) {
        explain(size);
        cr_assert(r.truncated || (is(0, "close-wait-leak") && r.finding[0]->n_conns == 500));
        cr_assert_leq(a.used, size);
    }
}

Test(why, every_rule_has_an_id_of_its_own)
{
    for (size_t i = 0; why_rule_at(i); i++) {
        const char *id = why_rule_id(why_rule_at(i));
        cr_assert_eq(why_rule_find(id), why_rule_at(i), "%s", id);
        cr_assert_gt(strlen(why_rule_title(why_rule_at(i))), 10);
    }
    cr_assert_null(why_rule_find("no-such-rule"));
}
