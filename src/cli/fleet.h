/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fleet.h  The hosts of one `gannet up`, seen as one: a single host, or several at the same
 * addresses, each in a thread of its own behind a queue of its own, that share nothing.
 *
 * A connection belongs to one of them for good (gn_flow_shard()). The first runs in the main
 * thread; so do all callers of this file, who may look into the others between two of their steps.
 */
#ifndef GN_CLI_FLEET_H
#define GN_CLI_FLEET_H

#include "cli/rig.h"

#include <pthread.h>

#define FLEET_MAX 64 /* as many as a handle can tell apart */

/** Lets the main thread in between two steps of a loop, however busy that is: who waits holds the
 * gate, before which the loop has to wait in its turn. */
struct gate {
    pthread_mutex_t next, inside;
};

struct fleet;

/** One host. */
struct fleet_member {
    struct rig rig;
    struct gate gate;
    struct fleet *fleet;
    pthread_t thread;
    bool runs, failed;
};

struct fleet {
    unsigned n;
    struct fleet_member m[FLEET_MAX];
};

/** Where a walk is; all zero: at the beginning. */
struct fleet_cursor {
    unsigned host;
    uint64_t at;
};

/** fleet_open() - @threads hosts; complains and returns false if it cannot be */
bool fleet_open(struct rig_options *o, unsigned threads, struct fleet *ret);
/** fleet_run() - until one of the loops ends; NULL, or why that was, if it was no stop */
const char *fleet_run(struct fleet *f);
void fleet_close(struct fleet *f);

/** fleet_walk() - as gn_host_walk(), through all hosts; *ret_now: the time at which it was so. The
 * handles in *ret name the host, too, and are good for this file and move.h alone */
bool fleet_walk(struct fleet *f, struct fleet_cursor *c, struct gn_status *ret, gn_time *ret_now);
/** fleet_stats() - the counters of all hosts together */
void fleet_stats(struct fleet *f, struct gn_stats *ret);
/** fleet_conf() - the knobs, which are the same for all */
static inline const struct gn_conf *fleet_conf(const struct fleet *f)
{
    return gn_host_conf(f->m[0].rig.host);
}
/** fleet_set_knob() - of all hosts; as gn_host_set_knob() */
enum gn_err fleet_set_knob(struct fleet *f, const char *name, const char *value);
/** fleet_member() - the host that a handle from fleet_walk() names, *@h as that one knows it; NULL:
 * there is none */
struct fleet_member *fleet_member(struct fleet *f, gn_handle *h);
/** fleet_enter() - nobody else uses the host of @m until fleet_leave() */
struct gn_host *fleet_enter(struct fleet_member *m);
/** fleet_leave() - @changed: it has something to do now */
void fleet_leave(struct fleet_member *m, bool changed);
/** fleet_end() - gn_host_abort() or gn_host_shutdown() of a handle from fleet_walk() */
enum gn_err fleet_end(struct fleet *f, gn_handle h, bool abort_it);

#endif
