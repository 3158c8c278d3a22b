/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file drill.c  See drill.h.
 */
#define _GNU_SOURCE

#include "packetdrill/drill.h"

#include "base/list.h"
#include "link/gso.h"
#include "socket/stack.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEGIN        (1000000 * GN_SEC) /* when virtual time begins */
#define REAL_WAIT_NS 500000000          /* for a woken thread, at the most, real time */
#define HAND_OVER_NS 2000000            /* for one that has to tell the end of its call */

static _Thread_local bool adopted;

struct drill {
    struct gn_link link;
    struct gn_host *host;
    struct gn_simloop *loop;
    struct gn_stack *stack;
    size_t memory; /* blocks that the host holds */
    bool patient;
    pthread_t main;
    pthread_cond_t quiet; /* fewer threads are running */
    unsigned noted;       /* calls that are over, of which packetdrill may not know yet */
    unsigned inside;      /* calls of other threads, asleep or running, or over but not noted */
    struct drill_packet *sent, **sent_tail;
};

/* --- configuration --- */

void drill_config_default(struct drill_config *ret)
{
    *ret = (struct drill_config){.mtu = 1500};
    gn_conf_default(&ret->conf);
    ret->conf.ip_anyaddr = 1;
}

/** config_key() - "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4" */
static bool config_key(struct drill_config *c, const char *text)
{
    for (unsigned i = 0; i < 4; i++) {
        char *end;
        unsigned long n = strtoul(text, &end, 16);

        if (end == text || n > UINT32_MAX || *end != (i < 3 ? '-' : 0))
            return false;
        for (unsigned k = 0; k < 4; k++)
            c->fastopen_key[4 * i + k] = (uint8_t)(n >> 8 * k);
        text = end + 1;
    }
    c->keyed = true;
    return true;
}

/** config_one() - one "name=value", which it takes apart */
static bool config_one(struct drill_config *c, char *text)
{
    char *value = strchr(text, '='), *end;
    unsigned long n;

    if (!value)
        return false;
    *value++ = 0;
    if (!strcmp(text, "ip")) {
        c->conf.ip_anyaddr = 0;
        return gn_addr_parse(value, &c->own);
    }
    if (!strcmp(text, "mtu")) {
        n = strtoul(value, &end, 10);
        c->mtu = (uint16_t)n;
        return !*end && n >= 68 && n <= 65535;
    }
    if (!strcmp(text, "tso")) {
        c->tso = *value == '1';
        return !strcmp(value, "0") || c->tso;
    }
    if (!strcmp(text, "tcp_fastopen_key"))
        return config_key(c, value);
    return gn_conf_set(&c->conf, text, value) == GN_OK;
}

bool drill_config_flags(struct drill_config *c, const char *flags, char *ret_bad)
{
    char one[64];

    while (flags && *flags) {
        size_t n = strcspn(flags, ",");

        size_t k = n < sizeof(one) ? n : sizeof(one) - 1;

        memcpy(one, flags, k);
        one[k] = 0;
        memcpy(ret_bad, one, k + 1);
        if (n && (n != k || !config_one(c, one)))
            return false;
        flags += n + (flags[n] == ',');
    }
    return true;
}

/* --- the host's memory and link --- */

static void *page_alloc(void *ctx, size_t bytes)
{
    struct drill *d = ctx;

    d->memory++;
    return aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
}

static void page_free(void *ctx, void *block, size_t bytes)
{
    struct drill *d = ctx;

    (void)bytes;
    d->memory--;
    free(block);
}

/** link_rx() - packets come by drill_send() */
static int link_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    (void)l;
    (void)frames;
    (void)n;
    (void)now;
    return 0;
}

/** link_tx() - keep what the host sends as the packets of a wire, with their time; without memory
 * it is lost */
static int link_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct drill *d = (struct drill *)l;
    struct gso g;

    for (size_t i = 0; i < n; i++) {
        if (!gso_begin(&g, &frames[i], GN_MEDIUM_IP))
            continue;
        for (uint32_t len = gso_next_len(&g); len > 0; len = gso_next_len(&g)) {
            struct drill_packet *p = malloc(sizeof(*p) + len);

            if (!p) {
                gso_skip(&g);
                continue;
            }
            p->next = NULL;
            p->at = now;
            p->len = gso_next(&g, p->data);
            *d->sent_tail = p;
            d->sent_tail = &p->next;
        }
    }
    return (int)n;
}

static void link_close(struct gn_link *l)
{
    (void)l;
}

static const struct gn_link_ops link_ops = {.rx = link_rx, .tx = link_tx, .close = link_close};

/** host_address() - own an address and send everything through the one interface */
static bool host_address(struct drill *d, const char *text, unsigned prefix)
{
    struct gn_addr any = gn_addr_v4(0, 0, 0, 0), none = {{0}}, a;

    if (!gn_addr_parse(text, &a) || gn_host_add_addr(d->host, 0, a, prefix) != GN_OK)
        return false;
    return gn_host_add_route(d->host, 0, gn_addr_is_v4(&a) ? any : none, 0, none) == GN_OK;
}

/** host_addresses() - those of the configuration */
static bool host_addresses(struct drill *d, const struct drill_config *c)
{
    char text[GN_ADDR_TEXT];

    if (!gn_addr_is_any(&c->own))
        return host_address(d, gn_addr_format(&c->own, text), gn_addr_is_v4(&c->own) ? 16 : 48);
    return host_address(d, "192.168.0.2", 16) &&
           (c->mtu < 1280 || host_address(d, "fd3d:fa7b:d17d::2", 48));
}

/* --- time; the stack's lock is held in all of these --- */

/** asleep() - threads that sleep in a call and have not been woken */
static unsigned asleep(const struct drill *d)
{
    unsigned n = 0;

    for (struct list *e = d->stack->sleepers.next; e != &d->stack->sleepers; e = e->next)
        n += !LIST_ENTRY(e, struct waiter, node)->woken;
    return n;
}

/** quiesce() - wait until nobody runs but us. Real time bounds it: a caller that never says
 * drill_noted() shall not hang a test */
static void quiesce(struct drill *d)
{
    struct timespec ts;

    if (d->inside <= asleep(d))
        return;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += REAL_WAIT_NS;
    ts.tv_sec += ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    while (d->inside > asleep(d))
        if (pthread_cond_timedwait(&d->quiet, &d->stack->lock->mutex, &ts))
            break;
}

/** settle() - all that can happen without time passing */
static void settle(struct drill *d)
{
    (void)gn_simloop_settle(d->loop);
}

/** next_event() - when something will happen by itself; GN_FOREVER: never */
static gn_time next_event(const struct drill *d)
{
    struct gn_deadline a = gn_simloop_next(d->loop), b = gn_stack_deadline(d->stack);
    gn_time t = a.armed ? a.at : GN_FOREVER;

    return b.armed && b.at < t ? b.at : t;
}

/** go_to() - make it @t, which is no later than next_event() */
static void go_to(struct drill *d, gn_time t)
{
    if (t > gn_simloop_now(d->loop))
        (void)gn_simloop_step(d->loop, t);
    settle(d);
}

/** step_once() - to the next event or to @until; false: it is @until, or there is none */
static bool step_once(struct drill *d, gn_time until)
{
    gn_time t = next_event(d);

    if (t > until)
        t = until;
    if (t == GN_FOREVER)
        return false;
    go_to(d, t);
    quiesce(d);
    settle(d);
    return gn_simloop_now(d->loop) < until;
}

static gn_time driver_now(void *ctx)
{
    return gn_simloop_now(((struct drill *)ctx)->loop);
}

/** driver_step() - a call waits: only the main thread moves time */
static enum gn_drive driver_step(void *ctx, gn_time until)
{
    struct drill *d = ctx;
    uint64_t before = d->stack->events;

    settle(d);
    if (d->stack->events != before || until <= gn_simloop_now(d->loop))
        return GN_DRIVE_MOVED;
    if (!drill_is_main(d)) {
        pthread_cond_broadcast(&d->quiet);
        return GN_DRIVE_SLEEP;
    }
    if (until == GN_FOREVER && (!d->patient || next_event(d) == GN_FOREVER))
        return GN_DRIVE_IDLE;
    (void)step_once(d, until);
    return GN_DRIVE_MOVED;
}

/** driver_wake() - what was given to the host leaves when the main thread settles */
static void driver_wake(void *ctx)
{
    (void)ctx;
}

/* --- the door --- */

/** drill_open() - all that can fail */
static bool drill_open(struct drill *d, const struct drill_config *c)
{
    struct gn_host_config hc = {.conf = c->conf,
                                .pages = {.alloc = page_alloc, .free = page_free, .ctx = d},
                                .secret = {1}};
    struct gn_driver driver = {
        .now = driver_now, .step = driver_step, .wake = driver_wake, .ctx = d};

    d->loop = gn_simloop_new(BEGIN);
    d->host = gn_host_new(&hc, BEGIN, NULL);
    if (!d->loop || !d->host || gn_simloop_add(d->loop, d->host, &d->link) != 0)
        return false;
    if (!host_addresses(d, c))
        return false;
    if (c->keyed)
        (void)gn_host_set_fastopen_key(d->host, GN_NO_HANDLE, c->fastopen_key,
                                       sizeof(c->fastopen_key));
    d->stack = gn_stack_new_driven(d->host, &driver, NULL);
    return d->stack && gn_simloop_service(d->loop, d->host, gn_stack_service, d->stack) == GN_OK;
}

struct drill *drill_new(const struct drill_config *c)
{
    struct drill *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->link = (struct gn_link){.ops = &link_ops,
                               .fd = -1,
                               .iface = {.medium = GN_MEDIUM_IP,
                                         .mtu = c->mtu,
                                         .caps = c->tso ? GN_CAP_CSUM_TX | GN_CAP_TSO : 0,
                                         .name = "drill"}};
    d->patient = c->patient;
    d->main = pthread_self();
    d->sent_tail = &d->sent;
    pthread_cond_init(&d->quiet, NULL);
    if (drill_open(d, c))
        return d;
    (void)drill_free(d);
    return NULL;
}

bool drill_free(struct drill *d)
{
    bool clean;

    if (!d)
        return true;
    gn_stack_free(d->stack);
    gn_simloop_free(d->loop);
    if (d->host)
        gn_host_free(d->host);
    while (d->sent) {
        struct drill_packet *p = d->sent;

        d->sent = p->next;
        free(p);
    }
    pthread_cond_destroy(&d->quiet);
    clean = d->memory == 0;
    free(d);
    return clean;
}

struct gn_stack *drill_stack(const struct drill *d)
{
    return d->stack;
}

bool drill_is_main(const struct drill *d)
{
    return pthread_equal(pthread_self(), d->main) != 0;
}

gn_time drill_now(struct drill *d)
{
    gn_time t;

    gn_stack_lock(d->stack);
    t = gn_simloop_now(d->loop);
    gn_stack_unlock(d->stack);
    return t;
}

void drill_send(struct drill *d, const void *packet, uint32_t len)
{
    struct gn_frame f = {.data = packet, .len = len};

    gn_stack_lock(d->stack);
    quiesce(d);
    gn_host_input(d->host, &f, 1, gn_simloop_now(d->loop));
    settle(d);
    quiesce(d);
    settle(d);
    gn_stack_unlock(d->stack);
}

struct drill_packet *drill_receive(struct drill *d, gn_time until)
{
    struct drill_packet *p;

    gn_stack_lock(d->stack);
    quiesce(d);
    settle(d);
    while (!d->sent && step_once(d, until))
        ;
    p = d->sent;
    if (p) {
        d->sent = p->next;
        if (!d->sent)
            d->sent_tail = &d->sent;
    }
    gn_stack_unlock(d->stack);
    return p;
}

/* whose call is over has to take packetdrill's own lock to say so, and shall have it before the
 * main thread goes on; how long that takes, in real time, nobody can know */
static void let_others_go_on(struct drill *d)
{
    const struct timespec a_while = {.tv_nsec = HAND_OVER_NS};
    bool noted = d->noted > 0;

    d->noted = 0;
    gn_stack_unlock(d->stack);
    if (noted && drill_is_main(d))
        nanosleep(&a_while, NULL);
}

void drill_pass(struct drill *d, gn_time until)
{
    gn_stack_lock(d->stack);
    quiesce(d);
    settle(d);
    while (gn_simloop_now(d->loop) < until && step_once(d, until))
        ;
    let_others_go_on(d);
}

void drill_adopt(void)
{
    adopted = true;
}

void drill_enter(struct drill *d)
{
    if (adopted) {
        adopted = false;
        return;
    }
    gn_stack_lock(d->stack);
    d->inside++;
    gn_stack_unlock(d->stack);
}

gn_time drill_leave(struct drill *d)
{
    return drill_now(d);
}

void drill_noted(struct drill *d)
{
    gn_stack_lock(d->stack);
    d->inside--;
    d->noted++;
    pthread_cond_broadcast(&d->quiet);
    gn_stack_unlock(d->stack);
}
