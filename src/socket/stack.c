/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file stack.c  Stacks: making them, driving them, sleeping in them. See stack.h.
 */
#define _GNU_SOURCE

#include "socket/stack.h"

#include "socket/sock.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define EVENT_BURST 64

static _Atomic(struct gn_stack *) default_stack;

/** lock_get() - a new lock, or one more user of @beside's; NULL: no memory */
static struct stack_lock *lock_get(struct gn_stack *beside)
{
    struct stack_lock *l;

    if (beside) {
        gn_stack_lock(beside);
        beside->lock->stacks++;
        gn_stack_unlock(beside);
        return beside->lock;
    }
    l = calloc(1, sizeof(*l));
    if (l) {
        pthread_mutex_init(&l->mutex, NULL);
        l->stacks = 1;
    }
    return l;
}

/** lock_put() - the last user frees it */
static void lock_put(struct stack_lock *l)
{
    unsigned left;

    pthread_mutex_lock(&l->mutex);
    left = --l->stacks;
    pthread_mutex_unlock(&l->mutex);
    if (left)
        return;
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

/** stack_alloc() - all but the driver */
static struct gn_stack *stack_alloc(struct gn_host *h, struct gn_stack *beside)
{
    struct gn_stack *st = calloc(1, sizeof(*st));

    if (!st)
        return NULL;
    st->lock = lock_get(beside);
    if (!st->lock) {
        free(st);
        return NULL;
    }
    st->host = h;
    list_init(&st->sleepers);
    list_init(&st->socks);
    for (unsigned i = 0; i < STACK_PORT_BUCKETS; i++)
        list_init(&st->port[i]);
    return st;
}

/** stack_ready() - it is complete: the first of the process becomes the default */
static struct gn_stack *stack_ready(struct gn_stack *st)
{
    struct gn_stack *none = NULL;

    atomic_compare_exchange_strong(&default_stack, &none, st);
    return st;
}

/** lock_fn(), unlock_fn() - for gn_loop_config */
static void lock_fn(void *st)
{
    gn_stack_lock(st);
}

static void unlock_fn(void *st)
{
    gn_stack_unlock(st);
}

struct gn_stack *gn_stack_new(struct gn_host *h)
{
    struct gn_stack *st = stack_alloc(h, NULL);
    struct gn_loop_config c = {.lock = lock_fn, .unlock = unlock_fn, .lock_ctx = st};
    struct gn_link_error err;

    if (!st)
        return NULL;
    st->loop = gn_loop_new(&c, &err);
    if (!st->loop || gn_loop_service(st->loop, h, gn_stack_service, st) != GN_OK) {
        int e = st->loop || !err.err ? ENOMEM : err.err;

        gn_stack_free(st);
        errno = e;
        return NULL;
    }
    st->driver = drive_loop(st);
    return stack_ready(st);
}

struct gn_stack *gn_stack_new_sim(struct gn_host *h, struct gn_simloop *l, struct gn_stack *beside)
{
    struct gn_stack *st = stack_alloc(h, beside);

    if (!st)
        return NULL;
    if (gn_simloop_service(l, h, gn_stack_service, st) != GN_OK) {
        gn_stack_free(st);
        errno = ENOMEM;
        return NULL;
    }
    st->simloop = l;
    st->driver = drive_sim(st);
    return stack_ready(st);
}

struct gn_stack *gn_stack_new_driven(struct gn_host *h, const struct gn_driver *d,
                                     struct gn_stack *beside)
{
    struct gn_stack *st = stack_alloc(h, beside);

    if (!st)
        return NULL;
    st->driver = *d;
    return stack_ready(st);
}

void gn_stack_free(struct gn_stack *st)
{
    struct gn_stack *self = st;
    struct list *n;

    if (!st)
        return;
    gn_stack_stop(st);
    atomic_compare_exchange_strong(&default_stack, &self, NULL);
    gn_stack_lock(st);
    while ((n = st->socks.next) != &st->socks) {
        struct sock *sk = LIST_ENTRY(n, struct sock, all);

        sock_dissolve(sk, false);
        bind_release(sk);
        sock_close(sk);
    }
    stack_flush(st);
    if (st->simloop)
        (void)gn_simloop_service(st->simloop, st->host, NULL, NULL);
    gn_stack_unlock(st);
    if (st->loop)
        gn_loop_free(st->loop);
    lock_put(st->lock);
    free(st);
}

/** thread_main() - drive until told to stop */
static void *thread_main(void *ctx)
{
    struct gn_stack *st = ctx;

    gn_stack_lock(st);
    while (st->driving) { /* a caller still does: it leaves that to us once it wakes */
        st->driver.wake(st->driver.ctx);
        gn_stack_unlock(st);
        sched_yield();
        gn_stack_lock(st);
    }
    while (!st->stopping)
        (void)st->driver.step(st->driver.ctx, GN_FOREVER);
    gn_stack_unlock(st);
    return NULL;
}

int gn_stack_start(struct gn_stack *st)
{
    int e = EINVAL;

    gn_stack_lock(st);
    if (st->driver.real_time && !st->threaded) {
        st->stopping = false;
        e = pthread_create(&st->thread, NULL, thread_main, st);
        st->threaded = e == 0;
    }
    gn_stack_unlock(st);
    if (!e)
        return 0;
    errno = e;
    return -1;
}

void gn_stack_stop(struct gn_stack *st)
{
    if (!st->threaded)
        return;
    gn_stack_lock(st);
    st->stopping = true;
    st->driver.wake(st->driver.ctx);
    gn_stack_unlock(st);
    pthread_join(st->thread, NULL);
    gn_stack_lock(st);
    st->threaded = false;
    stack_hand_over(st);
    gn_stack_unlock(st);
}

struct gn_host *gn_stack_host(const struct gn_stack *st)
{
    return st->host;
}

struct gn_loop *gn_stack_loop(const struct gn_stack *st)
{
    return st->loop;
}

gn_time gn_stack_now(const struct gn_stack *st)
{
    return stack_now(st);
}

void gn_stack_lock(struct gn_stack *st)
{
    pthread_mutex_lock(&st->lock->mutex);
}

void gn_stack_unlock(struct gn_stack *st)
{
    pthread_mutex_unlock(&st->lock->mutex);
}

struct gn_stack *gn_stack_default(void)
{
    return atomic_load(&default_stack);
}

void gn_stack_set_default(struct gn_stack *st)
{
    atomic_store(&default_stack, st);
}

/** waiter_wake() - it shall look again */
static void waiter_wake(struct waiter *w)
{
    w->woken = true;
    if (w->sleeping)
        pthread_cond_signal(&w->cond);
}

void sock_notify(struct sock *sk, uint32_t news)
{
    for (struct list *n = sk->waiters.next; n != &sk->waiters; n = n->next) {
        struct wait_link *l = LIST_ENTRY(n, struct wait_link, node);

        if (l->happened)
            l->happened(l, news);
        else
            waiter_wake(l->waiter);
    }
}

/** wake_expired() - sleepers whose time is over; with real time they wake by themselves */
static void wake_expired(struct gn_stack *st)
{
    gn_time now;

    if (st->driver.real_time || list_empty(&st->sleepers))
        return;
    now = stack_now(st);
    for (struct list *n = st->sleepers.next; n != &st->sleepers; n = n->next) {
        struct waiter *w = LIST_ENTRY(n, struct waiter, node);

        if (w->until <= now)
            waiter_wake(w);
    }
}

/** news_of() - what an event is to epoll, as on Linux: text and room are one thing each, an end is
 * news for all; less text than SO_RCVLOWAT is none */
static uint32_t news_of(const struct sock *sk, unsigned what)
{
    uint32_t news = 0;

    if (what & (GN_EV_CONNECTED | GN_EV_EOF | GN_EV_ERROR | GN_EV_CLOSED))
        return NEWS_ALL;
    if (what & GN_EV_READABLE && sk->opt_set >> GN_OPT_RCVLOWAT & 1)
        what &= ~(unsigned)GN_EV_READABLE | gn_host_poll(sk->stack->host, sk->handle);
    if (what & (GN_EV_READABLE | GN_EV_ACCEPT | GN_EV_URGENT))
        news |= NEWS_IN;
    if (what & GN_EV_WRITABLE)
        news |= NEWS_OUT;
    return news;
}

size_t gn_stack_service(void *ctx, struct gn_host *h, gn_time now)
{
    struct gn_stack *st = ctx;
    size_t total = 0, n;
    struct gn_event ev[EVENT_BURST];

    (void)now;
    while ((n = gn_host_events(h, ev, EVENT_BURST))) {
        for (size_t i = 0; i < n; i++) {
            struct sock *sk = ev[i].user;

            /* one that was closed since, and perhaps opened again, has another handle */
            if (sk && sk->handle == ev[i].handle)
                sock_notify(sk, news_of(sk, ev[i].what));
        }
        total += n;
    }
    st->events += total;
    wake_expired(st);
    return total;
}

struct gn_deadline gn_stack_deadline(const struct gn_stack *st)
{
    struct gn_deadline d = {.at = GN_FOREVER};

    for (struct list *n = st->sleepers.next; n != &st->sleepers; n = n->next) {
        const struct waiter *w = LIST_ENTRY(n, struct waiter, node);

        if (w->until < d.at)
            d = (struct gn_deadline){.at = w->until, .armed = true};
    }
    return d.armed ? d : (struct gn_deadline){.at = 0};
}

/** drive() - one step by the calling thread, not beyond the time-out of another one */
static enum gn_drive drive(struct gn_stack *st, gn_time until)
{
    enum gn_drive r;

    if (!st->driver.real_time) {
        struct gn_deadline d = gn_stack_deadline(st);

        until = d.armed && d.at < until ? d.at : until;
    }
    st->driving = true;
    r = st->driver.step(st->driver.ctx, until);
    st->driving = false;
    wake_expired(st);
    return r;
}

enum gn_drive gn_stack_step(struct gn_stack *st, gn_time until)
{
    enum gn_drive r = GN_DRIVE_SLEEP;

    gn_stack_lock(st);
    if (!st->threaded && !st->driving) {
        r = drive(st, until);
        stack_hand_over(st);
    }
    gn_stack_unlock(st);
    return r;
}

/** sleep_in() - on the waiter's condition variable, until it is woken or the time is over */
static void sleep_in(struct gn_stack *st, struct waiter *w, gn_time until)
{
    pthread_condattr_t attr;
    struct timespec ts = {.tv_sec = (time_t)(until / GN_SEC), .tv_nsec = (long)(until % GN_SEC)};

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->cond, &attr);
    pthread_condattr_destroy(&attr);
    w->until = until;
    w->sleeping = true;
    list_append(&st->sleepers, &w->node);
    while (!w->woken) {
        if (until == GN_FOREVER || !st->driver.real_time)
            pthread_cond_wait(&w->cond, &st->lock->mutex);
        else if (pthread_cond_timedwait(&w->cond, &st->lock->mutex, &ts) == ETIMEDOUT)
            break;
    }
    list_remove(&w->node);
    w->sleeping = false;
    pthread_cond_destroy(&w->cond);
}

int stack_wait(struct gn_stack *st, struct waiter *w, gn_time until)
{
    enum gn_drive r = GN_DRIVE_SLEEP;

    if (w->woken) {
        w->woken = false;
        return 0;
    }
    if (stack_now(st) >= until) {
        st->dirty = true; /* who asks again and again must get an answer in the end */
        return -ETIMEDOUT;
    }
    if (st->threaded || st->driving)
        stack_flush(st); /* what this call has queued so far must not wait for its end */
    else
        r = drive(st, until);
    switch (r) {
    case GN_DRIVE_MOVED: break;
    case GN_DRIVE_IDLE: return w->woken ? 0 : -EDEADLK;
    case GN_DRIVE_SLEEP: sleep_in(st, w, until); break;
    }
    w->woken = false;
    return 0;
}

void stack_flush(struct gn_stack *st)
{
    if (!st->dirty)
        return;
    st->dirty = false;
    if (st->threaded || st->driving)
        st->driver.wake(st->driver.ctx);
    else
        (void)drive(st, stack_now(st));
}

void stack_hand_over(struct gn_stack *st)
{
    if (!st->threaded && !st->driving && !list_empty(&st->sleepers))
        waiter_wake(LIST_ENTRY(st->sleepers.next, struct waiter, node));
}

int sock_wait(struct sock *sk, gn_time until)
{
    struct waiter w = {.woken = false};
    struct wait_link l = {.waiter = &w};
    int r;

    list_append(&sk->waiters, &l.node);
    r = stack_wait(sk->stack, &w, until);
    list_remove(&l.node);
    return sk->closed ? -EBADF : r;
}

gn_time sock_until(const struct sock *sk, gn_time t, bool dontwait)
{
    gn_time now;

    if (!t && !dontwait)
        return GN_FOREVER;
    now = stack_now(sk->stack);
    return dontwait ? now : now + t;
}
