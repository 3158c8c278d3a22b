/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file drive.c  The two drivers that we bring: a real-time loop, which takes the stack's lock
 * except while it sleeps, and a virtual-time loop, which never sleeps and runs under the lock.
 */
#define _GNU_SOURCE

#include "socket/stack.h"

/** loop_now() - CLOCK_MONOTONIC */
static gn_time loop_now(void *ctx)
{
    (void)ctx;
    return gn_loop_now();
}

/** loop_step() - the loop locks for itself what must not be disturbed */
static enum gn_drive loop_step(void *ctx, gn_time until)
{
    struct gn_stack *st = ctx;
    gn_time now = gn_loop_now();
    gn_time wait = until == GN_FOREVER ? GN_FOREVER : until > now ? until - now : 0;

    gn_stack_unlock(st);
    (void)gn_loop_step(st->loop, wait);
    gn_stack_lock(st);
    return GN_DRIVE_MOVED;
}

/** loop_wake() - end its sleep */
static void loop_wake(void *ctx)
{
    struct gn_stack *st = ctx;

    gn_loop_wake(st->loop);
}

struct gn_driver drive_loop(struct gn_stack *st)
{
    return (struct gn_driver){
        .now = loop_now, .step = loop_step, .wake = loop_wake, .ctx = st, .real_time = true};
}

/** sim_now() - virtual time */
static gn_time sim_now(void *ctx)
{
    const struct gn_stack *st = ctx;

    return gn_simloop_now(st->simloop);
}

/** sim_step() - to the next thing that happens; time passes only if nothing does right now */
static enum gn_drive sim_step(void *ctx, gn_time until)
{
    struct gn_stack *st = ctx;
    uint64_t before = st->events;

    (void)gn_simloop_settle(st->simloop);
    if (st->events != before || until <= gn_simloop_now(st->simloop))
        return GN_DRIVE_MOVED;
    if (gn_simloop_step(st->simloop, until) || until != GN_FOREVER)
        return GN_DRIVE_MOVED;
    return GN_DRIVE_IDLE;
}

/** sim_wake() - nobody sleeps in a virtual-time loop */
static void sim_wake(void *ctx)
{
    (void)ctx;
}

struct gn_driver drive_sim(struct gn_stack *st)
{
    return (struct gn_driver){
        .now = sim_now, .step = sim_step, .wake = sim_wake, .ctx = st, .real_time = false};
}
