/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file loop.c  The loop on real time: epoll, an eventfd for other threads, and the clock.
 *
 * A step waits, runs the watchers of ready fds, and then visits each host: one burst from each
 * ready link, the application's turn, output. While bursts come full there is more to read: then
 * the next step does not wait, and asks epoll only now and then, for the sake of the other fds.
 *
 * Waking: another thread sets @woken, and writes to the eventfd only if the loop has announced that
 * it is going to sleep; the loop announces that before it looks at @woken for the last time.
 */
#define _GNU_SOURCE
#include "link/error.h"
#include "loop/station.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS     64 /* taken from epoll at once */
#define BUSY_STEPS 8  /* epoll is asked at least this often */

enum source_kind { SOURCE_WAKE, SOURCE_LINK, SOURCE_WATCH };

/** What an epoll event points at. */
struct source {
    enum source_kind kind;
    int fd;
    struct source *next; /* retired ones, until the events at hand are done with */
    /* SOURCE_LINK */
    struct station *station;
    unsigned iface;
    bool ready, wants_write;
    /* SOURCE_WATCH */
    gn_watch_fn *fn;
    void *ctx;
    bool retired;
};

struct gn_loop {
    struct gn_loop_config c;
    int epoll;
    struct source wake;
    struct station *stations;
    struct source **source; /* of link fds and watched fds, by fd */
    size_t n_source;
    struct source *retired;
    unsigned busy_steps;
    bool busy; /* there is more to read */
    bool kick; /* every host gets a turn */
    bool failed;
    atomic_bool stop, woken, asleep;
    struct gn_loop_counts stats;
    struct gn_link_error failure;
};

gn_time gn_loop_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (gn_time)t.tv_sec * GN_SEC + (gn_time)t.tv_nsec;
}

gn_time gn_loop_epoch(void)
{
    struct timespec t;
    gn_time now = gn_loop_now();

    clock_gettime(CLOCK_REALTIME, &t);
    return (gn_time)t.tv_sec * GN_SEC + (gn_time)t.tv_nsec - now;
}

/** loop_lock() - no other thread may call into the hosts from here on */
static void loop_lock(struct gn_loop *l)
{
    if (l->c.lock)
        l->c.lock(l->c.lock_ctx);
}

static void loop_unlock(struct gn_loop *l)
{
    if (l->c.unlock)
        l->c.unlock(l->c.lock_ctx);
}

/** loop_ctl() - epoll_ctl() for @s; 0 or -errno */
static int loop_ctl(struct gn_loop *l, int op, struct source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    return epoll_ctl(l->epoll, op, s->fd, &e) < 0 ? -errno : 0;
}

struct gn_loop *gn_loop_new(const struct gn_loop_config *c, struct gn_link_error *ret_err)
{
    struct gn_loop *l = calloc(1, sizeof *l);

    if (!l) {
        link_fail(ret_err, ENOMEM, "cannot make a loop");
        return NULL;
    }
    if (c)
        l->c = *c;
    l->wake.kind = SOURCE_WAKE;
    l->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->wake.fd < 0 || l->epoll < 0 || loop_ctl(l, EPOLL_CTL_ADD, &l->wake, EPOLLIN) < 0) {
        link_fail(ret_err, errno, "cannot make a loop");
        gn_loop_free(l);
        return NULL;
    }
    l->kick = true;
    return l;
}

/** loop_bury() - free the retired sources */
static void loop_bury(struct gn_loop *l)
{
    while (l->retired) {
        struct source *s = l->retired;

        l->retired = s->next;
        free(s);
    }
}

void gn_loop_free(struct gn_loop *l)
{
    if (!l)
        return;
    while (l->stations)
        gn_loop_remove(l, l->stations->host);
    for (size_t fd = 0; fd < l->n_source; fd++)
        free(l->source[fd]);
    free(l->source);
    loop_bury(l);
    if (l->wake.fd >= 0)
        close(l->wake.fd);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l);
}

/** loop_source() - the source of @fd, NULL: none */
static struct source *loop_source(const struct gn_loop *l, int fd)
{
    return fd >= 0 && (size_t)fd < l->n_source ? l->source[fd] : NULL;
}

/** loop_source_new() - a source for @fd that is watched for @events; NULL and *ret_err */
static struct source *loop_source_new(struct gn_loop *l, int fd, const struct source *like,
                                      uint32_t events, enum gn_err *ret_err)
{
    struct source *s;

    *ret_err = GN_E_NO_MEMORY;
    if ((size_t)fd >= l->n_source) {
        size_t n = (size_t)fd * 2 + 16;
        struct source **v = realloc(l->source, n * sizeof(struct source *));

        if (!v)
            return NULL;
        memset(v + l->n_source, 0, (n - l->n_source) * sizeof(struct source *));
        l->source = v;
        l->n_source = n;
    }
    s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = *like;
    s->fd = fd;
    if (loop_ctl(l, EPOLL_CTL_ADD, s, events) < 0) {
        *ret_err = errno == ENOMEM || errno == ENOSPC ? GN_E_NO_MEMORY : GN_E_INVALID;
        free(s);
        return NULL;
    }
    l->source[fd] = s;
    return s;
}

/** loop_source_retire() - no more events of @fd; freed when those at hand have been looked at */
static void loop_source_retire(struct gn_loop *l, int fd)
{
    struct source *s = loop_source(l, fd);

    if (!s)
        return;
    loop_ctl(l, EPOLL_CTL_DEL, s, 0);
    l->source[fd] = NULL;
    s->retired = true;
    s->next = l->retired;
    l->retired = s;
}

int gn_loop_add(struct gn_loop *l, struct gn_host *h, struct gn_link *link)
{
    struct source like = {.kind = SOURCE_LINK};
    struct station *s = station_get(&l->stations, h, &l->stats);
    struct source *src = NULL;
    enum gn_err err;
    int i;

    if (!s)
        return GN_E_NO_MEMORY;
    like.station = s;
    if (link->fd >= 0) {
        if (loop_source(l, link->fd))
            return GN_E_INVALID;
        src = loop_source_new(l, link->fd, &like, EPOLLIN, &err);
        if (!src)
            return err;
    }
    i = station_add(s, link);
    if (i < 0)
        loop_source_retire(l, link->fd);
    else if (src)
        src->iface = (unsigned)i;
    return i;
}

enum gn_err gn_loop_service(struct gn_loop *l, struct gn_host *h, gn_service_fn *fn, void *ctx)
{
    struct station *s = station_get(&l->stations, h, &l->stats);

    if (!s)
        return GN_E_NO_MEMORY;
    s->service = fn;
    s->service_ctx = ctx;
    return GN_OK;
}

/** loop_drop_link() - the end of interface @i of @s */
static void loop_drop_link(struct gn_loop *l, struct station *s, unsigned i)
{
    struct gn_link *link = station_drop_link(s, i);

    if (!link)
        return;
    loop_source_retire(l, link->fd);
    gn_link_close(link);
}

void gn_loop_remove(struct gn_loop *l, struct gn_host *h)
{
    for (struct station **p = &l->stations; *p; p = &(*p)->next) {
        struct station *s = *p;

        if (s->host != h)
            continue;
        for (unsigned i = 0; i < GN_IFACE_MAX; i++)
            loop_drop_link(l, s, i);
        *p = s->next;
        station_free(s);
        return;
    }
}

enum gn_err gn_loop_watch(struct gn_loop *l, int fd, unsigned what, gn_watch_fn *fn, void *ctx)
{
    uint32_t events = (what & GN_WATCH_READ ? (uint32_t)EPOLLIN : 0) |
                      (what & GN_WATCH_WRITE ? (uint32_t)EPOLLOUT : 0);
    struct source like = {.kind = SOURCE_WATCH, .fn = fn, .ctx = ctx};
    struct source *s = loop_source(l, fd);
    enum gn_err err = GN_OK;

    if (fd < 0 || (s && s->kind != SOURCE_WATCH))
        return GN_E_INVALID;
    if (!s) {
        s = loop_source_new(l, fd, &like, events, &err);
        if (!s)
            return err;
    }
    s->fn = fn;
    s->ctx = ctx;
    if (what == 0) { /* epoll would go on to tell of a hang-up */
        loop_ctl(l, EPOLL_CTL_DEL, s, 0);
        return GN_OK;
    }
    if (loop_ctl(l, EPOLL_CTL_MOD, s, events) < 0 && loop_ctl(l, EPOLL_CTL_ADD, s, events) < 0)
        return GN_E_INVALID;
    return GN_OK;
}

void gn_loop_unwatch(struct gn_loop *l, int fd)
{
    struct source *s = loop_source(l, fd);

    if (s && s->kind == SOURCE_WATCH)
        loop_source_retire(l, fd);
}

/** loop_timeout() - how long to sleep, at most @max_wait, in nanoseconds */
static gn_time loop_timeout(const struct gn_loop *l, gn_time max_wait)
{
    struct gn_deadline d = {0, false};
    gn_time now;

    if (l->busy || l->kick)
        return 0;
    for (const struct station *s = l->stations; s; s = s->next)
        d = earlier(d, station_deadline(s));
    if (!d.armed)
        return max_wait;
    now = gn_loop_now();
    if (d.at <= now)
        return 0;
    return d.at - now < max_wait ? d.at - now : max_wait;
}

/**
 * loop_epoll() - wait for events, at most @wait nanoseconds; their number, or -1 with errno
 *
 * Where the kernel counts in milliseconds only, it is better to sleep too long than to spin.
 */
static int loop_epoll(const struct gn_loop *l, struct epoll_event *e, gn_time wait)
{
    struct timespec t = {.tv_sec = (time_t)(wait / GN_SEC), .tv_nsec = (long)(wait % GN_SEC)};
    int n = epoll_pwait2(l->epoll, e, EVENTS, wait == GN_FOREVER ? NULL : &t, NULL);

    if (n >= 0 || errno != ENOSYS)
        return n;
    wait = wait / GN_MSEC + (wait % GN_MSEC != 0);
    return epoll_wait(l->epoll, e, EVENTS, wait > INT_MAX ? -1 : (int)wait);
}

/** loop_wait() - sleep without the lock; as loop_epoll() */
static int loop_wait(struct gn_loop *l, struct epoll_event *e, gn_time wait)
{
    int n, err;

    if (wait > 0) {
        atomic_store(&l->asleep, true);
        if (atomic_load(&l->woken))
            wait = 0;
    }
    if (wait > 0) {
        l->stats.sleeps++;
        loop_unlock(l);
    }
    n = loop_epoll(l, e, wait);
    err = errno;
    if (wait > 0)
        loop_lock(l);
    atomic_store(&l->asleep, false);
    if (atomic_exchange(&l->woken, false))
        l->kick = true;
    errno = err;
    return n;
}

/** loop_event() - one event of epoll */
static void loop_event(struct gn_loop *l, const struct epoll_event *e)
{
    struct source *s = e->data.ptr;
    uint64_t count;
    unsigned what = 0;

    switch (s->kind) {
    case SOURCE_WAKE:
        (void)!read(s->fd, &count, sizeof count);
        l->kick = true;
        return;
    case SOURCE_LINK: s->ready = true; return;
    case SOURCE_WATCH: break;
    }
    if (e->events & EPOLLIN)
        what |= GN_WATCH_READ;
    if (e->events & EPOLLOUT)
        what |= GN_WATCH_WRITE;
    if (e->events & (EPOLLHUP | EPOLLERR))
        what |= GN_WATCH_HUP;
    if (!s->retired)
        s->fn(s->ctx, s->fd, what, gn_loop_now());
    l->kick = true;
}

/** loop_clear_dead() - close what has died of the links of @s, and remember why */
static void loop_clear_dead(struct gn_loop *l, struct station *s)
{
    for (unsigned i = 0; i < GN_IFACE_MAX; i++) {
        struct station_link *sl = &s->link[i];

        if (!sl->link || sl->err == 0)
            continue;
        link_fail(&l->failure, sl->err, "interface %s has gone", sl->link->iface.name);
        l->failed = true;
        loop_drop_link(l, s, i);
    }
}

/** loop_want_write() - watch the fd of interface @i for room as long as something is held for it */
static void loop_want_write(struct gn_loop *l, struct station *s, unsigned i)
{
    struct source *src = s->link[i].link ? loop_source(l, s->link[i].link->fd) : NULL;
    bool want = station_held(s, i);

    if (!src || src->wants_write == want)
        return;
    src->wants_write = want;
    loop_ctl(l, EPOLL_CTL_MOD, src, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/** loop_visit() - one burst from each link of @s that may have one, and the host's turn */
static void loop_visit(struct gn_loop *l, struct station *s, bool kick)
{
    gn_time now = gn_loop_now();

    for (unsigned i = 0; i < GN_IFACE_MAX; i++) {
        struct source *src;
        size_t n;

        if (!station_alive(s, i))
            continue;
        src = loop_source(l, s->link[i].link->fd);
        if (!(src && src->ready) && !station_link_due(s, i, now))
            continue;
        n = station_input(s, i, now);
        kick = true;
        if (src)
            src->ready = n == STATION_RX;
        if (n == STATION_RX)
            l->busy = true;
    }
    if (kick || station_due(s, now))
        station_turn(s, now);
    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        loop_want_write(l, s, i);
    loop_clear_dead(l, s);
}

/** loop_step() - gn_loop_step() under the lock */
static bool loop_step(struct gn_loop *l, gn_time max_wait)
{
    struct epoll_event e[EVENTS];
    gn_time wait = loop_timeout(l, max_wait);
    bool kick;
    int n = 0;

    l->stats.steps++;
    if (!l->busy || ++l->busy_steps % BUSY_STEPS == 0)
        n = loop_wait(l, e, wait);
    if (n < 0 && errno != EINTR) {
        link_fail(&l->failure, errno, "cannot wait for events");
        return false;
    }
    for (int i = 0; i < n; i++)
        loop_event(l, &e[i]);
    loop_bury(l);
    kick = l->kick;
    l->kick = l->busy = l->failed = false;
    for (struct station *s = l->stations; s; s = s->next)
        loop_visit(l, s, kick);
    return !l->failed;
}

bool gn_loop_step(struct gn_loop *l, gn_time max_wait)
{
    bool r;

    loop_lock(l);
    r = loop_step(l, max_wait);
    loop_unlock(l);
    return r;
}

bool gn_loop_run(struct gn_loop *l)
{
    bool r = true;

    while (r && !atomic_load(&l->stop))
        r = gn_loop_step(l, GN_FOREVER);
    atomic_store(&l->stop, false);
    return r;
}

void gn_loop_stop(struct gn_loop *l)
{
    atomic_store(&l->stop, true);
    gn_loop_wake(l);
}

void gn_loop_wake(struct gn_loop *l)
{
    const uint64_t one = 1;

    atomic_store(&l->woken, true);
    if (atomic_exchange(&l->asleep, false))
        (void)!write(l->wake.fd, &one, sizeof one);
}

const char *gn_loop_failure(const struct gn_loop *l)
{
    return l->failure.text;
}

void gn_loop_stats(const struct gn_loop *l, struct gn_loop_counts *ret)
{
    *ret = l->stats;
}
