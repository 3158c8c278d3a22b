/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm.c  One simulation from beginning to end: plan, run with faults, run without, empty.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

void swarm_wrong(struct swarm *s, const char *format, ...)
{
    va_list ap;

    if (!s->result->ok)
        return;
    s->result->ok = false;
    va_start(ap, format);
    (void)vsnprintf(s->result->wrong, sizeof s->result->wrong, format, ap);
    va_end(ap);
}

void swarm_note(struct swarm *s, uint64_t value)
{
    s->result->hash = hash_u64(s->result->hash, value);
}

/** everybody_done() - no application has anything left to do */
static bool everybody_done(const struct swarm *s)
{
    for (unsigned i = 0; i < s->n_flow; i++) {
        const struct flow *f = &s->flow[i];

        if (!f->started || f->end[0].state == END_OPEN || f->end[1].state == END_OPEN)
            return false;
    }
    return true;
}

/** next_tick() - when something is to be done by the clock */
static gn_time next_tick(const struct swarm *s)
{
    return min_u64(min_u64(swarm_next_tick(s), swarm_move_next(s)),
                   min_u64(swarm_net_next(s), stall_next(s)));
}

/** run_until() - hosts, network and applications, to @end or until all applications have finished
 */
static void run_until(struct swarm *s, gn_time end, bool or_done)
{
    gn_time now = gn_simloop_now(s->loop);

    while (now < end && s->result->ok && !(or_done && everybody_done(s))) {
        gn_time tick = next_tick(s);

        (void)gn_simloop_step(s->loop, tick < end ? tick : end);
        now = gn_simloop_now(s->loop);
        stall_blame(s);
        if (tick <= now) {
            stall_check(s, now);
            check_pools(s);
            swarm_net_tick(s, now);
            swarm_move_tick(s, now);
            swarm_tick(s, now);
        }
        if (!gn_simloop_settle(s->loop))
            swarm_wrong(s, "packets without end while time stands still");
    }
}

/** tell_drops() - what each host did not use, and why */
static void tell_drops(const struct swarm *s)
{
    for (unsigned i = 0; i < s->n_host; i++) {
        struct gn_stats st;

        gn_host_stats(s->host[i].h, &st);
        for (unsigned d = 1; d < GN_DROP_COUNT; d++)
            if (st.drop[d])
                fprintf(s->log, "host %u: %" PRIu64 " times '%s'\n", i, st.drop[d],
                        gn_drop_text((enum gn_drop)d));
    }
}

/** run() - all phases */
static void run(struct swarm *s)
{
    swarm_listen(s, true, SWARM_START);
    run_until(s, SWARM_READY, false);
    for (unsigned i = 0; i < s->n_host; i++)
        s->host[i].base_used = check_memory(&s->host[i]);
    swarm_plan(s);
    run_until(s, SWARM_HEAL, false);
    if (!swarm_net_heal(s))
        swarm_wrong(s, "no memory");
    run_until(s, SWARM_DONE, true);
    if (s->result->ok)
        check_quiet(s);
    s->result->took = gn_simloop_now(s->loop) - SWARM_START;
    swarm_leave(s, gn_simloop_now(s->loop));
    swarm_listen(s, false, gn_simloop_now(s->loop));
    run_until(s, SWARM_END, false);
    if (!s->result->ok)
        return;
    check_close(s);
    check_budget(s);
    check_nothing_left(s);
}

bool swarm_run(const struct swarm_config *c, struct swarm_result *ret)
{
    struct swarm *s = calloc(1, sizeof *s);
    struct gn_link_error e;
    int unwritten;

    *ret = (struct swarm_result){.seed = c->seed, .ok = true, .move = c->move};
    if (!s) {
        ret->ok = false;
        return false;
    }
    s->result = ret;
    s->log = c->log;
    prng_seed(&s->rng, c->seed, 7);
    if (c->move)
        swarm_move_begin(s, c->seed);
    if (!swarm_net_open(s))
        swarm_wrong(s, "no memory");
    if (c->pcap)
        s->pcap = gn_pcap_open(c->pcap, gn_sim_port(s->sim, 0)->iface.medium, 0, &e);
    if (c->pcap && !s->pcap)
        swarm_wrong(s, "%s", e.text);
    if (ret->ok)
        run(s);
    if (s->log)
        tell_drops(s);
    ret->hosts = s->n_host;
    if (s->pcap && (unwritten = gn_pcap_close(s->pcap)))
        swarm_wrong(s, "cannot write %s: %s", c->pcap, strerror(-unwritten));
    swarm_net_close(s);
    swarm_move_end(s);
    free(s);
    return ret->ok;
}

void swarm_print(const struct swarm_result *r, FILE *f)
{
    fprintf(f,
            "seed=%" PRIu64 " hash=%016" PRIx64 " %s: %u flows, %u ends normal, %u broken, %" PRIu64
            " packets, %" PRIu64 " lost, %" PRIu64 " marked, %" PRIu64 " octets read, ",
            r->seed, r->hash, r->ok ? "ok" : "WRONG", r->flows, r->normal, r->ended, r->packets,
            r->lost, r->marked, r->octets);
    if (r->move)
        fprintf(f, "%u moves, ", r->moves);
    fprintf(f, "%.1f s; %s\n", (double)r->took / 1e9, r->plan);
    if (!r->ok)
        fprintf(f,
                "  %s\n  reproduce: gannet sim%s --seed %" PRIu64 " --verbose --pcap swarm.pcap\n",
                r->wrong, r->move ? " --move" : "", r->seed);
}
