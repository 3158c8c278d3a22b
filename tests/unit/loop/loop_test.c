/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <gannet/loop.h>

#include "unit/loop/party.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/** until() - step until @flag, 10 s at the most */
static void until(struct gn_loop *l, const bool *flag)
{
    gn_time end = gn_loop_now() + 10 * GN_SEC;

    while (!*flag) {
        cr_assert(gn_loop_step(l, GN_SEC), "%s", gn_loop_failure(l));
        cr_assert_lt(gn_loop_now(), end, "too long");
    }
}

/** join() - @p on @link in @loop as 10.77.0.@n */
static void join(struct gn_loop *loop, struct party *p, uint8_t n, struct gn_link *link)
{
    party_new(p, n, gn_loop_now());
    cr_assert_eq(gn_loop_add(loop, p->host, link), 0);
    cr_assert_eq(gn_loop_service(loop, p->host, party_serve, p), GN_OK);
    party_addr(p, 0, n);
}

Test(loop, the_clock_does_not_go_back)
{
    gn_time a = gn_loop_now(), b = gn_loop_now(), wall = gn_loop_epoch() + gn_loop_now();

    cr_assert_geq(b, a);
    cr_assert_lt(wall / GN_SEC - (gn_time)time(NULL) + 2, 4);
}

Test(loop, two_hosts_over_a_simulated_link_on_real_time)
{
    struct gn_pipe_config way = {.latency = GN_MSEC};
    struct gn_sim_config c = {.ports = 2, .pipe = {way, way}};
    struct gn_sim *sim = gn_sim_new(&c);
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct gn_loop_counts stats;
    gn_time start = gn_loop_now();
    static struct party a, b;

    join(l, &a, 1, gn_sim_port(sim, 0));
    join(l, &b, 2, gn_sim_port(sim, 1));
    party_listen(&b, 80);
    party_connect(&a, endpoint4(2, 80), 300000, gn_loop_now());
    until(l, &a.done);
    cr_assert_eq(a.answer, 300000);
    cr_assert_not(b.wrong);
    cr_assert_gt(gn_loop_now() - start, 6 * GN_MSEC, "three round trips at the least");
    gn_loop_stats(l, &stats);
    cr_assert_gt(stats.sleeps, 3, "it sleeps for deadlines of links without an fd");
    gn_loop_remove(l, a.host);
    gn_loop_free(l);
    party_free(&a);
    party_free(&b);
    gn_sim_free(sim);
}

/* a host with an interface that is no link's does not keep the loop awake */
Test(loop, a_host_without_a_link_sleeps)
{
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = 1500, .name = "none"};
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct gn_loop_counts stats;
    static struct party a;
    gn_time end;

    party_new(&a, 1, gn_loop_now());
    cr_assert_eq(gn_host_add_iface(a.host, &i), 0);
    party_addr(&a, 0, 1);
    cr_assert_eq(gn_loop_service(l, a.host, party_serve, &a), GN_OK);
    party_connect(&a, endpoint4(9, 80), 1, gn_loop_now());
    end = gn_loop_now() + 100 * GN_MSEC;
    while (gn_loop_now() < end)
        cr_assert(gn_loop_step(l, 50 * GN_MSEC));
    gn_loop_stats(l, &stats);
    cr_expect_lt(stats.steps, 20);
    cr_expect_gt(stats.tx_dropped, 0);
    gn_loop_remove(l, a.host);
    gn_loop_free(l);
    party_free(&a);
}

Test(loop, a_step_sleeps_no_longer_than_asked)
{
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    gn_time t;

    gn_loop_step(l, 0);
    t = gn_loop_now();
    cr_assert(gn_loop_step(l, 20 * GN_MSEC));
    t = gn_loop_now() - t;
    cr_assert(t >= 19 * GN_MSEC && t < GN_SEC, "%llu", (unsigned long long)t);
    t = gn_loop_now();
    cr_assert(gn_loop_step(l, 0));
    cr_assert_lt(gn_loop_now() - t, 100 * GN_MSEC);
    gn_loop_free(l);
}

/** What a watcher has been told. */
struct told {
    struct gn_loop *loop;
    unsigned calls, what;
    bool quit;
};

/** tell() - gn_watch_fn: note it; unwatch when told to quit */
static void tell(void *ctx, int fd, unsigned what, gn_time now)
{
    struct told *t = ctx;
    char c;

    cr_assert_gt(now, 0);
    t->calls++;
    t->what |= what;
    if (what & GN_WATCH_READ)
        cr_assert_leq(read(fd, &c, 1), 1);
    if (t->quit)
        gn_loop_unwatch(t->loop, fd);
}

Test(loop, watchers_are_told_and_can_be_changed)
{
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct told t = {.loop = l};
    int p[2], full;

    cr_assert_eq(pipe(p), 0);
    full = p[1];
    cr_assert_eq(gn_loop_watch(l, p[0], GN_WATCH_READ, tell, &t), GN_OK);
    gn_loop_step(l, 0);
    cr_assert_eq(t.calls, 0);
    cr_assert_eq(write(p[1], "ab", 2), 2);
    gn_loop_step(l, GN_SEC);
    gn_loop_step(l, GN_SEC);
    gn_loop_step(l, 0);
    cr_assert_eq(t.calls, 2, "level-triggered");
    cr_assert_eq(t.what, GN_WATCH_READ);

    cr_assert_eq(gn_loop_watch(l, full, GN_WATCH_WRITE, tell, &t), GN_OK);
    gn_loop_step(l, 0);
    cr_assert_eq(t.what, GN_WATCH_READ | GN_WATCH_WRITE);
    gn_loop_unwatch(l, full);
    close(full);

    t = (struct told){.loop = l};
    cr_assert_eq(gn_loop_watch(l, p[0], 0, tell, &t), GN_OK);
    gn_loop_step(l, 0);
    cr_assert_eq(t.calls, 0, "not even of a hang-up");
    t.quit = true;
    cr_assert_eq(gn_loop_watch(l, p[0], GN_WATCH_READ, tell, &t), GN_OK);
    gn_loop_step(l, 0);
    gn_loop_step(l, 0);
    cr_assert_eq(t.calls, 1, "it has unwatched itself");
    cr_assert(t.what & GN_WATCH_HUP);
    close(p[0]);
    gn_loop_free(l);
}

Test(loop, what_cannot_be_polled_is_refused)
{
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct told t = {.loop = l};
    FILE *f = tmpfile();

    cr_assert_eq(gn_loop_watch(l, -1, GN_WATCH_READ, tell, &t), GN_E_INVALID);
    cr_assert_eq(gn_loop_watch(l, 1000000, GN_WATCH_READ, tell, &t), GN_E_INVALID);
    cr_assert_eq(gn_loop_watch(l, fileno(f), GN_WATCH_READ, tell, &t), GN_E_INVALID);
    gn_loop_unwatch(l, fileno(f));
    fclose(f);
    gn_loop_free(l);
}

/** A loop that runs in this thread while another one acts on it. */
struct shared {
    struct gn_loop *loop;
    pthread_mutex_t mutex;
    atomic_uint served;
};

static void lock(void *ctx)
{
    pthread_mutex_lock(&((struct shared *)ctx)->mutex);
}

static void unlock(void *ctx)
{
    pthread_mutex_unlock(&((struct shared *)ctx)->mutex);
}

/** count() - gn_service_fn */
static size_t count(void *ctx, struct gn_host *h, gn_time now)
{
    (void)h;
    (void)now;
    atomic_fetch_add(&((struct shared *)ctx)->served, 1);
    return 0;
}

/** act() - wake the loop many times, each time waiting until the host has been served; then stop it
 */
static void *act(void *ctx)
{
    struct shared *s = ctx;

    for (unsigned i = 0; i < 200; i++) {
        unsigned before;

        lock(s); /* free whenever the loop sleeps */
        before = atomic_load(&s->served);
        unlock(s);
        gn_loop_wake(s->loop);
        while (atomic_load(&s->served) == before)
            usleep(10);
    }
    gn_loop_stop(s->loop);
    return NULL;
}

Test(loop, other_threads_can_wake_and_stop_it)
{
    struct shared s = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct gn_loop_config c = {.lock = lock, .unlock = unlock, .lock_ctx = &s};
    struct party p;
    pthread_t t;

    s.loop = gn_loop_new(&c, NULL);
    party_new(&p, 1, gn_loop_now());
    cr_assert_eq(gn_loop_service(s.loop, p.host, count, &s), GN_OK);
    cr_assert_eq(pthread_create(&t, NULL, act, &s), 0);
    cr_assert(gn_loop_run(s.loop));
    pthread_join(t, NULL);
    cr_assert_geq(atomic_load(&s.served), 200);
    gn_loop_free(s.loop);
    party_free(&p);
}

/** A link over a simulated port that can be clogged or killed. */
struct sick {
    struct gn_link link; /* first */
    struct gn_link *lower;
    unsigned refuse; /* so many more tx calls take nothing */
    bool dead, closed;
};

static int sick_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct sick *s = (struct sick *)(void *)l;

    return s->dead ? -EIO : gn_link_rx(s->lower, frames, n, now);
}

static int sick_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct sick *s = (struct sick *)(void *)l;

    if (s->refuse > 0) {
        s->refuse--;
        return 0;
    }
    return gn_link_tx(s->lower, frames, n, now);
}

static struct gn_deadline sick_deadline(const struct gn_link *l)
{
    return gn_link_deadline(((const struct sick *)(const void *)l)->lower);
}

static void sick_close(struct gn_link *l)
{
    ((struct sick *)(void *)l)->closed = true;
}

static const struct gn_link_ops sick_ops = {sick_rx, sick_tx, sick_deadline, sick_close};

/** sick_new() - @s over @lower with the fd @fd */
static void sick_new(struct sick *s, struct gn_link *lower, int fd)
{
    *s = (struct sick){.link = {.ops = &sick_ops, .fd = fd, .iface = lower->iface}, .lower = lower};
}

/** clogged() - a transfer over a link that is full again and again */
static void clogged(int fd)
{
    struct gn_sim_config c = {.ports = 2,
                              .caps = GN_CAP_GATHER | GN_CAP_TSO | GN_CAP_CSUM_TX | GN_CAP_CSUM_RX};
    struct gn_sim *sim = gn_sim_new(&c);
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct gn_loop_counts stats;
    static struct party a, b;
    struct sick sick;

    sick_new(&sick, gn_sim_port(sim, 0), fd);
    join(l, &a, 1, &sick.link);
    join(l, &b, 2, gn_sim_port(sim, 1));
    party_listen(&b, 80);
    party_connect(&a, endpoint4(2, 80), 2000000, gn_loop_now());
    for (unsigned step = 0; !a.done; step++) {
        cr_assert_lt(step, 20000);
        if (step % 20 == 0)
            sick.refuse = 2;
        cr_assert(gn_loop_step(l, GN_SEC));
    }
    cr_assert_eq(a.answer, 2000000);
    cr_assert_not(b.wrong, "what was held is what was lent");
    gn_loop_stats(l, &stats);
    cr_assert_gt(stats.tx_held, 0);
    cr_assert_eq(stats.tx_dropped, 0);
    gn_loop_free(l);
    cr_assert(sick.closed);
    party_free(&a);
    party_free(&b);
    gn_sim_free(sim);
}

Test(loop, a_full_link_holds_output_back)
{
    clogged(-1);
}

Test(loop, a_full_link_is_tried_again_when_writable)
{
    int fd = eventfd(0, EFD_NONBLOCK); /* always writable, never readable */

    clogged(fd);
    close(fd);
}

Test(loop, what_stays_full_too_long_is_dropped)
{
    struct gn_sim_config c = {.ports = 2};
    struct gn_sim *sim = gn_sim_new(&c);
    struct gn_simloop *l = gn_simloop_new(GN_SEC);
    struct party a;
    struct sick sick;

    party_new(&a, 1, GN_SEC);
    sick_new(&sick, gn_sim_port(sim, 0), -1);
    cr_assert_eq(gn_simloop_add(l, a.host, &sick.link), 0);
    party_addr(&a, 0, 1);
    cr_assert_eq(gn_simloop_service(l, a.host, party_serve, &a), GN_OK);
    party_connect(&a, endpoint4(2, 80), 1, GN_SEC);
    sick.refuse = 1000000;
    gn_simloop_run(l, 3 * GN_SEC, NULL, NULL);
    cr_assert_eq(gn_simloop_now(l), 3 * GN_SEC, "time went on");
    cr_assert_eq(gn_sim_in_flight(sim), 0);
    sick.refuse = 0;
    gn_simloop_run(l, 10 * GN_SEC, NULL, NULL);
    cr_assert_gt(gn_sim_port(sim, 0)->stats.tx_frames, 0, "and so did the host");
    gn_simloop_free(l);
    party_free(&a);
    gn_sim_free(sim);
}

Test(loop, a_dead_link_is_reported_and_closed)
{
    struct gn_sim_config c = {.ports = 2};
    struct gn_sim *sim = gn_sim_new(&c);
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    int fd = eventfd(1, EFD_NONBLOCK);
    struct party a;
    struct sick sick;

    sick_new(&sick, gn_sim_port(sim, 0), fd);
    join(l, &a, 1, &sick.link);
    cr_assert_eq(gn_loop_add(l, a.host, &sick.link), GN_E_INVALID, "one fd, one link");
    cr_assert(gn_loop_step(l, 0));
    sick.dead = true;
    cr_assert_not(gn_loop_step(l, 0));
    cr_assert(sick.closed);
    cr_assert_str_eq(gn_loop_failure(l), "interface sim0 has gone: Input/output error");
    cr_assert(gn_loop_step(l, 0), "the loop itself goes on");
    party_connect(&a, endpoint4(2, 80), 1, gn_loop_now());
    gn_loop_wake(l);
    cr_assert(gn_loop_step(l, 0), "output for it is dropped");
    close(fd);
    gn_loop_free(l);
    party_free(&a);
    gn_sim_free(sim);
}
