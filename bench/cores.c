/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cores.c  More cores: pairs of hosts that share nothing, each pair in a thread on a
 * processor of its own, on real time.
 *
 * Each thread does the whole of `bulk` and then the whole of `churn`; all begin together, and the
 * time is that until the last has finished. On a machine with other users that time counts theirs
 * as well: "of the time" says how much of its processors this program has had.
 */
#include "workload.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LANES_MAX 64

/** One thread. */
struct lane {
    pthread_t thread;
    size_t cpu;
    const struct options *o;
    pthread_barrier_t *together;
    struct result r[2];      /* bulk, churn */
    double end[2], spent[2]; /* real time and CPU seconds */
};

/** seconds() - of clock @id */
static double seconds(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/** lane_run() - one thread's work, on its processor */
static void *lane_run(void *arg)
{
    static void (*const work[2])(const char *, const struct options *,
                                 struct result *) = {bulk_run, churn_run};
    struct lane *l = arg;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(l->cpu, &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    for (unsigned i = 0; i < 2; i++) {
        pthread_barrier_wait(l->together);
        l->spent[i] = seconds(CLOCK_THREAD_CPUTIME_ID);
        work[i]("gannet", l->o, &l->r[i]);
        l->spent[i] = seconds(CLOCK_THREAD_CPUTIME_ID) - l->spent[i];
        l->end[i] = seconds(CLOCK_MONOTONIC);
        pthread_barrier_wait(l->together);
    }
    return NULL;
}

/** processors() - those that we may use, up to @max; how many */
static unsigned processors(size_t cpu[LANES_MAX], unsigned max)
{
    cpu_set_t set;
    unsigned n = 0;

    if (sched_getaffinity(0, sizeof(set), &set))
        return 0;
    for (size_t i = 0; i < CPU_SETSIZE && n < max; i++)
        if (CPU_ISSET(i, &set))
            cpu[n++] = i;
    return n;
}

/** sum_up() - the figures of work @i, which is @each a thread; @seconds from its beginning on */
static void sum_up(const struct lane *l, unsigned n, unsigned i, double begin, const char *name,
                   const char *unit, double each, struct result *r)
{
    double last = begin, spent = 0;
    char text[sizeof(r->figure[0].unit)];

    for (unsigned k = 0; k < n; k++) {
        last = l[k].end[i] > last ? l[k].end[i] : last;
        spent += l[k].spent[i];
        if (l[k].r[i].why[0])
            memcpy(r->why, l[k].r[i].why, sizeof(r->why));
    }
    figure_add(r, name, unit, each * n / (last - begin));
    snprintf(text, sizeof(text), "%s CPU", unit);
    figure_add(r, name, text, each * n / spent);
    figure_add(r, "of the time", "%", 100 * spent / n / (last - begin));
}

void cores_run(const char *stack, const struct options *o, struct result *r)
{
    static struct lane lane[LANES_MAX];
    size_t cpu[LANES_MAX];
    pthread_barrier_t together;
    unsigned n = processors(cpu, o->threads < LANES_MAX ? (unsigned)o->threads : LANES_MAX);
    double begin[2];

    if (!strcmp(stack, "one-core"))
        n = n ? 1 : 0;
    else if (n < 2) {
        snprintf(r->why, sizeof(r->why), "there is one processor alone");
        return;
    }
    pthread_barrier_init(&together, NULL, n + 1);
    for (unsigned i = 0; i < n; i++) {
        lane[i] = (struct lane){.cpu = cpu[i], .o = o, .together = &together};
        if (pthread_create(&lane[i].thread, NULL, lane_run, &lane[i]))
            abort();
    }
    for (unsigned i = 0; i < 2; i++) {
        begin[i] = seconds(CLOCK_MONOTONIC);
        pthread_barrier_wait(&together); /* they begin */
        pthread_barrier_wait(&together); /* they have done it */
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(lane[i].thread, NULL);
    pthread_barrier_destroy(&together);
    sum_up(lane, n, 0, begin[0], "bulk", "Gbit/s", (double)o->bytes * 8e-9, r);
    sum_up(lane, n, 1, begin[1], "life cycles", "per s", (double)o->total, r);
    figure_add(r, "threads", "", n);
}
