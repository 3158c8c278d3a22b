/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file loop.h  The loops that introduce links to hosts: one on real time (epoll), one on virtual
 * time.
 *
 * Both do the same with each host: drain received bursts up to a bound into gn_host_input(), let
 * the application's service function take events and make calls, pull gn_host_output() until it
 * gives nothing, and sleep until the earliest deadline. The application is called only from here,
 * never from inside the host.
 */
#ifndef GANNET_LOOP_H
#define GANNET_LOOP_H

#include <gannet/host.h>
#include <gannet/link.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GN_FOREVER UINT64_MAX

/**
 * gn_service_fn - the application's turn on one host: gn_host_events() and whatever calls follow
 * from them
 *
 * Returns how many things it did; 0 ends the turn, else output is pulled and it is called again (a
 * bounded number of times in a step). It is called after input, after time-outs and after
 * gn_loop_wake().
 */
typedef size_t gn_service_fn(void *ctx, struct gn_host *h, gn_time now);

/* --- real time --- */

struct gn_loop;

struct gn_loop_config {
    /** Taken by the loop except while it sleeps, so that other threads may call into its hosts;
     * NULL: one thread only. */
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
    void *lock_ctx;
};

/** gn_loop_new() - @c may be NULL; NULL: *ret_err (may be NULL) says why */
GN_API struct gn_loop *gn_loop_new(const struct gn_loop_config *c, struct gn_link_error *ret_err);
/** gn_loop_free() - hosts and watched fds stay the caller's; links that were added are closed */
GN_API void gn_loop_free(struct gn_loop *l);

/** gn_loop_add() - make @link an interface of @h: its index there, or a negative gn_err (the link
 * then stays the caller's). The same host may be added with several links */
GN_API int gn_loop_add(struct gn_loop *l, struct gn_host *h, struct gn_link *link);
/** gn_loop_service() - who serves @h; one function a host, NULL: nobody. The host need not have a
 * link: with an interface of gn_host_add_iface() (medium IP, any MTU) and an address it reaches
 * itself, its timers run, and what it sends to others is dropped (and counted) */
GN_API enum gn_err gn_loop_service(struct gn_loop *l, struct gn_host *h, gn_service_fn *fn,
                                   void *ctx);
/** gn_loop_remove() - forget @h and close its links; not from a service function */
GN_API void gn_loop_remove(struct gn_loop *l, struct gn_host *h);

/** What a watcher waits for and is told. */
enum {
    GN_WATCH_READ = 1,
    GN_WATCH_WRITE = 2,
    GN_WATCH_HUP = 4, /* told only: error or hang-up */
};
typedef void gn_watch_fn(void *ctx, int fd, unsigned what, gn_time now);
/** gn_loop_watch() - level-triggered; called again it changes @what (0: keep, but wait for
 * nothing), @fn and @ctx. All services get a turn after watchers have run. GN_E_NO_MEMORY,
 * GN_E_INVALID (fd cannot be polled) */
GN_API enum gn_err gn_loop_watch(struct gn_loop *l, int fd, unsigned what, gn_watch_fn *fn,
                                 void *ctx);
/** gn_loop_unwatch() - before the fd is closed; fine from within its callback */
GN_API void gn_loop_unwatch(struct gn_loop *l, int fd);

/** gn_loop_step() - sleep until something happens, at most @max_wait (0: do not sleep, GN_FOREVER),
 * and do it all once. False: a link has died or epoll failed, see gn_loop_failure(); the dead link
 * is no longer used */
GN_API bool gn_loop_step(struct gn_loop *l, gn_time max_wait);
/** gn_loop_run() - step until gn_loop_stop(); false as gn_loop_step() */
GN_API bool gn_loop_run(struct gn_loop *l);
/** gn_loop_stop() - from a callback, another thread, or a signal handler */
GN_API void gn_loop_stop(struct gn_loop *l);
/** gn_loop_wake() - from any thread: end the sleep and give every host a turn (its state was
 * changed from outside) */
GN_API void gn_loop_wake(struct gn_loop *l);
GN_API const char *gn_loop_failure(const struct gn_loop *l);

/** gn_loop_now() - CLOCK_MONOTONIC; the only clock in Gannet */
GN_API gn_time gn_loop_now(void);
/** gn_loop_epoch() - wall clock minus gn_loop_now(), for time stamps that people read */
GN_API gn_time gn_loop_epoch(void);

struct gn_loop_counts {
    uint64_t steps, sleeps;
    uint64_t tx_held;    /* frames copied and kept because a link was full */
    uint64_t tx_dropped; /* frames for an interface that has gone or is full for too long */
};
GN_API void gn_loop_stats(const struct gn_loop *l, struct gn_loop_counts *ret);

/* --- virtual time --- */

struct gn_simloop;

/** gn_simloop_new() - time begins at @start. NULL: no memory */
GN_API struct gn_simloop *gn_simloop_new(gn_time start);
/** gn_simloop_free() - hosts and links stay the caller's */
GN_API void gn_simloop_free(struct gn_simloop *l);
/** gn_simloop_add() - as gn_loop_add(), any link that can do with virtual time; not owned */
GN_API int gn_simloop_add(struct gn_simloop *l, struct gn_host *h, struct gn_link *link);
GN_API enum gn_err gn_simloop_service(struct gn_simloop *l, struct gn_host *h, gn_service_fn *fn,
                                      void *ctx);
GN_API void gn_simloop_remove(struct gn_simloop *l, struct gn_host *h);
GN_API gn_time gn_simloop_now(const struct gn_simloop *l);
/** gn_simloop_settle() - everything that can happen without time passing; call it after calls into
 * hosts from outside. False: it would not come to rest (a bound of rounds was hit) */
GN_API bool gn_simloop_settle(struct gn_simloop *l);
/** gn_simloop_next() - when something will happen by itself: the earliest deadline of hosts and
 * links */
GN_API struct gn_deadline gn_simloop_next(const struct gn_simloop *l);
/** gn_simloop_step() - settle, then go to the next deadline, but not beyond @until, and settle
 * there. False: nothing was due (time is @until then, unless that is GN_FOREVER) */
GN_API bool gn_simloop_step(struct gn_simloop *l, gn_time until);
/** gn_simloop_run() - step until @until is reached, or nothing more will happen (@until
 * GN_FOREVER), or @done (may be NULL) returns true. Returns what @done said last */
GN_API bool gn_simloop_run(struct gn_simloop *l, gn_time until, bool (*done)(void *ctx), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
