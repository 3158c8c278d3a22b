/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules on the STATUS of real hosts in virtual time: what one host alone cannot show, and whether
 * what is foretold comes true. Everything else is a demonstration: tests/cli/why_demos.py. */
#include "explain/facts_host.h"
#include "explain/rules.h"
#include "unit/host/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define CONNS 256

static struct world w;
static struct gn_status status[CONNS];
static struct fact_conn conn[CONNS];
static struct fact_number setting[FACTS_SETTINGS];
static struct fact_process process[2] = {{.pid = 1, .comm = "old"}, {.pid = 2, .comm = "new"}};
static struct facts f;
static struct why_result r;
static _Alignas(16) unsigned char memory[1 << 20];

/** look() - add what host @i shows, as held by process @i */
static void look(unsigned i)
{
    uint64_t cursor = 0;

    while (f.n_conns < CONNS && gn_host_walk(w.h[i], &cursor, w.now, &status[f.n_conns])) {
        facts_from_status(&status[f.n_conns], w.now, &conn[f.n_conns]);
        if (conn[f.n_conns].process == 0)
            conn[f.n_conns].process = i;
        f.n_conns++;
    }
}

/** begin() - two hosts, no facts */
static void begin(const struct gn_conf *conf)
{
    world_init(&w, conf, 0, GN_MEDIUM_IP);
    f = (struct facts){.source = FACTS_GANNET,
                       .conn = conn,
                       .process = process,
                       .n_processes = 2,
                       .setting = setting};
    f.n_settings = facts_from_conf(gn_host_conf(w.h[0]), setting);
}

/** find() - apply the rules; the finding of rule @id, or NULL */
static const struct why_finding *find(const char *id)
{
    static const struct why_options o = {.notes = true};
    struct why_arena a = {memory, sizeof memory, 0};

    f.now = w.now;
    why_explain(&f, &o, &a, &r);
    cr_assert_not(r.truncated);
    for (size_t i = 0; i < r.n_findings; i++)
        if (!strcmp(why_rule_id(r.finding[i]->rule), id))
            return r.finding[i];
    return NULL;
}

/** crowd() - @n connections from host 1 - @to to port 80 of host @to */
static void crowd(unsigned to, unsigned n)
{
    gn_handle c;

    while (n--)
        cr_assert_eq(gn_host_connect(w.h[1 - to], (struct gn_endpoint){.port = 0},
                                     world_end(to, false, 80), NULL, w.now, &c),
                     GN_OK);
    world_run(&w, GN_SEC);
}

/** listen_at() - a listener on port 80 of every address of host @i */
static gn_handle listen_at(unsigned i, unsigned backlog)
{
    gn_handle l;

    cr_assert_eq(gn_host_listen(w.h[i], (struct gn_endpoint){.port = 80}, backlog, NULL, &l),
                 GN_OK);
    return l;
}

/* Two hosts behind one flow hash are to their clients what two listeners with SO_REUSEPORT are. */
Test(why, duplicate_listeners)
{
    begin(NULL);
    listen_at(0, 16);
    listen_at(1, 16);
    look(0);
    look(1);
    const struct why_finding *x = find("duplicate-listeners");
    cr_assert_not_null(x);
    cr_assert_eq(x->severity, WHY_WARNING);
    cr_assert_eq(x->n_conns, 2);
    process[1].comm = "old"; /* workers of one program */
    cr_assert_null(find("duplicate-listeners"));
    process[1].comm = "new";
    world_fini(&w);
}

Test(why, reuseport_imbalance)
{
    gn_handle a, b, c;

    begin(NULL);
    a = listen_at(0, 16);
    b = listen_at(1, 16);
    crowd(0, 12);
    crowd(1, 12);
    look(0);
    look(1);
    cr_assert_null(find("reuseport-imbalance")); /* both are slow: that is another matter */
    while (gn_host_accept(w.h[1], b, &c) == GN_OK)
        ;
    f.n_conns = 0;
    look(0);
    look(1);
    const struct why_finding *x = find("reuseport-imbalance");
    cr_assert_not_null(x);
    cr_assert_eq(x->actor, WHY_PROCESS);
    cr_assert_eq(x->evidence[1].value, 12);
    while (gn_host_accept(w.h[0], a, &c) == GN_OK)
        ;
    f.n_conns = 0;
    look(0);
    look(1);
    cr_assert_null(find("reuseport-imbalance"));
    world_fini(&w);
}

/** foretold() - when is the only connection of host 0 given up, by the rules? */
static gn_time foretold(void)
{
    struct rules rules = {.f = &f};
    gn_time left = 0;

    f.n_conns = 0;
    look(0);
    cr_assert_eq(f.n_conns, 1);
    cr_assert(rules_time_left(&rules, &conn[0], &left));
    return w.now + left;
}

/** comes_true() - what is foretold at several times is when @c comes to its end */
static void comes_true(gn_handle c, gn_time step, unsigned looks)
{
    gn_time told[16];

    for (unsigned i = 0; i < looks; i++) {
        world_run(&w, step);
        told[i] = foretold();
    }
    while (world_state(&w, 0, c) != GN_CLOSED && w.now < 4000 * GN_SEC)
        world_run(&w, 10 * GN_MSEC);
    for (unsigned i = 0; i < looks; i++) {
        cr_expect_leq(told[i], w.now, "look %u: %.3f, was %.3f", i, (double)told[i] / 1e9,
                      (double)w.now / 1e9);
        cr_expect_geq(told[i] + 20 * GN_MSEC, w.now, "look %u: %.3f, was %.3f", i,
                      (double)told[i] / 1e9, (double)w.now / 1e9);
    }
    world_fini(&w);
}

Test(why, the_end_of_a_dead_connection_is_foretold, .timeout = 60)
{
    gn_handle l, c, s;
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_retries2 = 7;
    begin(&conf);
    world_pair(&w, false, 80, &l, &c, &s);
    w.cut[1] = true;
    cr_assert_eq(gn_host_send(w.h[0], c, "text", 4, 0, w.now), 4);
    comes_true(c, 3 * GN_SEC, 5);
}

Test(why, the_end_of_an_attempt_to_connect_is_foretold, .timeout = 60)
{
    gn_handle c;

    begin(NULL);
    w.cut[1] = true;
    cr_assert_eq(gn_host_connect(w.h[0], (struct gn_endpoint){.port = 0}, world_end(1, false, 80),
                                 NULL, w.now, &c),
                 GN_OK);
    comes_true(c, 10 * GN_SEC, 8);
}
