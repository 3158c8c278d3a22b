/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fleet.c  The hosts of one `gannet up`.
 */
#include "cli/fleet.h"

#include <signal.h>
#include <string.h>

_Static_assert(GN_HANDLE_SPARE >> GN_HANDLE_SPARE_SHIFT == FLEET_MAX - 1, "a handle names a host");

/** gate_lock() - gn_loop_config.lock, and the way in for the main thread */
static void gate_lock(void *ctx)
{
    struct gate *g = ctx;
    pthread_mutex_lock(&g->next);
    pthread_mutex_lock(&g->inside);
    pthread_mutex_unlock(&g->next);
}

static void gate_unlock(void *ctx)
{
    struct gate *g = ctx;
    pthread_mutex_unlock(&g->inside);
}

struct gn_host *fleet_enter(struct fleet_member *m)
{
    if (m != m->fleet->m) /* the first one is the main thread's own */
        gate_lock(&m->gate);
    return m->rig.host;
}

void fleet_leave(struct fleet_member *m, bool changed)
{
    if (m != m->fleet->m)
        gate_unlock(&m->gate);
    if (changed)
        gn_loop_wake(m->rig.loop);
}

bool fleet_open(struct rig_options *o, unsigned threads, struct fleet *ret)
{
    struct rig_share share = {.shards = threads > 1 ? threads : 0};
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 0; i < threads; i++) {
        struct fleet_member *m = &ret->m[i];
        const struct gn_loop_config c = {.lock = gate_lock, .unlock = gate_unlock, &m->gate};
        m->fleet = ret;
        pthread_mutex_init(&m->gate.next, NULL);
        pthread_mutex_init(&m->gate.inside, NULL);
        share.first = i ? &ret->m[0].rig : NULL;
        share.shard = i;
        share.loop = i ? &c : NULL;
        if (!rig_open_share(o, &share, &m->rig)) {
            fleet_close(ret);
            return false;
        }
        ret->n++;
    }
    return true;
}

/** run_member() - a thread: one of the loops, until it is stopped. If it ends by itself, so does
 * the first */
static void *run_member(void *ctx)
{
    struct fleet_member *m = ctx;
    m->failed = !gn_loop_run(m->rig.loop);
    if (m->failed)
        gn_loop_stop(m->fleet->m[0].rig.loop);
    return NULL;
}

/** start() - all threads but the first, deaf to signals, which are the main thread's */
static bool start(struct fleet *f)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 1; i < f->n; i++)
        f->m[i].runs = !pthread_create(&f->m[i].thread, NULL, run_member, &f->m[i]);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (unsigned i = 1; i < f->n; i++)
        if (!f->m[i].runs)
            return false;
    return true;
}

const char *fleet_run(struct fleet *f)
{
    const char *why = NULL;
    if (!start(f))
        why = "cannot start a thread";
    else if (!gn_loop_run(f->m[0].rig.loop))
        why = gn_loop_failure(f->m[0].rig.loop);
    for (unsigned i = 1; i < f->n; i++) {
        struct fleet_member *m = &f->m[i];
        if (!m->runs)
            continue;
        gn_loop_stop(m->rig.loop);
        (void)pthread_join(m->thread, NULL);
        m->runs = false;
        if (m->failed && !why)
            why = gn_loop_failure(m->rig.loop);
    }
    return why;
}

void fleet_close(struct fleet *f)
{
    for (unsigned i = f->n; i-- > 0;) {
        struct fleet_member *m = &f->m[i];
        rig_close(&m->rig);
        pthread_mutex_destroy(&m->gate.next);
        pthread_mutex_destroy(&m->gate.inside);
    }
    f->n = 0;
}

bool fleet_walk(struct fleet *f, struct fleet_cursor *c, struct gn_status *ret, gn_time *ret_now)
{
    for (; c->host < f->n; c->host++, c->at = 0) {
        struct fleet_member *m = &f->m[c->host];
        struct gn_host *h = fleet_enter(m);
        *ret_now = gn_loop_now(); /* no earlier than anything that the host remembers */
        bool more = gn_host_walk(h, &c->at, *ret_now, ret);
        fleet_leave(m, false);
        if (!more)
            continue;
        if (ret->handle != GN_NO_HANDLE)
            ret->handle |= (gn_handle)c->host << GN_HANDLE_SPARE_SHIFT;
        return true;
    }
    return false;
}

void fleet_stats(struct fleet *f, struct gn_stats *ret)
{
    /* it is counters from end to end */
    enum { N = sizeof *ret / sizeof(uint64_t) };
    uint64_t sum[N] = {0}, one[N];
    _Static_assert(sizeof sum == sizeof *ret, "nothing but counters of 64 bits");
    for (unsigned i = 0; i < f->n; i++) {
        struct fleet_member *m = &f->m[i];
        gn_host_stats(fleet_enter(m), ret);
        fleet_leave(m, false);
        memcpy(one, ret, sizeof one);
        for (unsigned k = 0; k < N; k++)
            sum[k] += one[k];
    }
    memcpy(ret, sum, sizeof sum);
}

enum gn_err fleet_set_knob(struct fleet *f, const char *name, const char *value)
{
    enum gn_err e = GN_OK;
    /* a value that is good for the first is good for all */
    for (unsigned i = 0; i < f->n && e == GN_OK; i++) {
        e = gn_host_set_knob(fleet_enter(&f->m[i]), name, value);
        fleet_leave(&f->m[i], true);
    }
    return e;
}

struct fleet_member *fleet_member(struct fleet *f, gn_handle *h)
{
    unsigned i = (unsigned)((*h & GN_HANDLE_SPARE) >> GN_HANDLE_SPARE_SHIFT);
    *h &= ~GN_HANDLE_SPARE;
    return i < f->n ? &f->m[i] : NULL;
}

enum gn_err fleet_end(struct fleet *f, gn_handle h, bool abort_it)
{
    struct fleet_member *m = fleet_member(f, &h);
    enum gn_err e;
    if (!m)
        return GN_E_BAD_HANDLE;
    struct gn_host *host = fleet_enter(m);
    gn_time now = gn_loop_now(); /* after it was entered, for its time does not go back */
    e = abort_it ? gn_host_abort(host, h, now) : gn_host_shutdown(host, h, now);
    fleet_leave(m, true);
    return e;
}
