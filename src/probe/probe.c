/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file probe.c  One sample: namespaces, sockets, numbers, owners, and what the sample before adds.
 */
#define _GNU_SOURCE
#include "probe/probe.h"
#include "probe/diag.h"
#include "probe/netns.h"
#include "probe/numbers.h"
#include "probe/owner.h"
#include "probe/store.h"
#include "probe/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct probe {
    struct netns home; /* where we are, and return to */
    struct list named; /* struct netns: those asked for */
    bool all;
    struct {
        struct store store;
        struct facts facts;
    } sample[2]; /* this one and the one before */
    unsigned at; /* index of the newest */
    bool sampled;
    gn_time taken; /* monotonic time of the newest */
};

/** clock_ns() - a clock of the system */
static gn_time clock_ns(clockid_t clock)
{
    struct timespec t = {0};

    clock_gettime(clock, &t);
    return (gn_time)t.tv_sec * GN_SEC + (gn_time)t.tv_nsec;
}

/** open_named() - the namespaces asked for; 0 or -errno with the sentence */
static int open_named(struct probe *p, const struct probe_options *o, char *ret_why)
{
    for (size_t i = 0; i < o->n_netns; i++) {
        struct netns n = {.fd = -1}, *place;
        int r = netns_open(o->netns[i], &n);

        if (r == 0) {
            place = store_add(&p->sample[0].store, &p->named, sizeof *place);
            if (place != NULL)
                *place = n;
            else
                r = -ENOMEM;
        }
        if (r != 0) {
            netns_close(&n);
            snprintf(ret_why, PROBE_WHY, "network namespace '%.100s': %s", o->netns[i],
                     netns_why(r));
            return r;
        }
    }
    return 0;
}

struct probe *probe_new(const struct probe_options *o, char *ret_why)
{
    struct probe *p = calloc(1, sizeof *p);
    int r;

    if (p == NULL) {
        snprintf(ret_why, PROBE_WHY, "out of memory");
        return NULL;
    }
    p->all = o->all_netns;
    p->home.fd = -1;
    r = netns_self(&p->home);
    if (r != 0 && (o->all_netns || o->n_netns > 0)) {
        snprintf(ret_why, PROBE_WHY, "/proc/thread-self/ns/net: %s", strerror(-r));
        probe_free(p);
        return NULL;
    }
    if (open_named(p, o, ret_why) != 0) {
        probe_free(p);
        return NULL;
    }
    return p;
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    netns_close(&p->home);
    netns_close_list(&p->named);
    free(p->named.item);
    store_free(&p->sample[0].store);
    store_free(&p->sample[1].store);
    free(p);
}

/** read_netns() - sockets and numbers of the namespace that we are in now; 0 or -errno */
static int read_netns(struct store *s, const struct netns *n)
{
    struct fact_netns *place = store_add(s, &s->netns, sizeof *place);
    int r;

    if (place == NULL)
        return -ENOMEM;
    place->name = store_text(s, n->name, strlen(n->name));
    place->inode = n->inode;
    r = diag_dump(s, (uint32_t)s->netns.n - 1);
    if (r == 0)
        numbers_read(s);
    else
        s->netns.n--;
    return r;
}

/** read_list() - each of @l, if it can be entered; 0, or the first error if nothing could be read.
 * The thread comes back in any case: no other namespace is ever left behind */
static int read_list(struct probe *p, struct store *s, const struct list *l, char *ret_why)
{
    const struct netns *n = l->item;
    int first = 0;

    for (size_t i = 0; i < l->n; i++) {
        int r = netns_enter(&n[i]);
        const char *why = netns_why(r);

        if (r == 0) {
            r = read_netns(s, &n[i]);
            why = diag_why(r);
            if (netns_enter(&p->home) != 0) {
                snprintf(ret_why, PROBE_WHY, "cannot return to the network namespace: %s",
                         strerror(errno));
                return -EPERM;
            }
        }
        if (r == 0)
            continue;
        store_gap(s, "network namespace '%s' is left out: %s", n[i].name, why);
        if (first == 0) {
            first = r;
            snprintf(ret_why, PROBE_WHY, "network namespace '%s': %s", n[i].name, why);
        }
    }
    return s->netns.n > 0 ? 0 : first;
}

/** read_own() - the namespace that we are in; 0 or -errno with the sentence */
static int read_own(struct probe *p, struct store *s, char *ret_why)
{
    int r = read_netns(s, &p->home);

    if (r != 0)
        snprintf(ret_why, PROBE_WHY, "the kernel's sockets cannot be listed: %s", diag_why(r));
    return r;
}

/** read_all() - every namespace there is: ours without moving, the others if we may */
static int read_all(struct probe *p, struct store *s, char *ret_why)
{
    struct list all = {0};
    int r = netns_list(s, &all);

    if (r != 0) {
        snprintf(ret_why, PROBE_WHY, "network namespaces: %s", strerror(-r));
    } else {
        struct netns *n = all.item;
        struct list others = {.item = n + 1, .n = all.n - 1};
        char why[PROBE_WHY];
        int own = read_own(p, s, ret_why), rest = read_list(p, s, &others, why);

        r = own == 0 || (rest == 0 && others.n > 0) ? 0 : own;
    }
    netns_close_list(&all);
    free(all.item);
    return r;
}

/** takes() - is @listener's address one's address that takes what comes to every other */
static bool takes(const struct fact_conn *listener, const struct fact_conn *c)
{
    const struct gn_addr *a = &listener->local.addr;

    if (listener->netns != c->netns)
        return false;
    if (!gn_addr_is_any(a))
        return gn_addr_eq(a, &c->local.addr);
    return !gn_addr_is_v4(a) || gn_addr_is_v4(&c->local.addr);
}

/** Listeners by port: head of a chain per port, and the next of each. */
struct ports {
    uint32_t head[65536];
    uint32_t next[]; /* per connection */
};

/** listener_of() - the one that @c may have come through: the nearest address, its own process if
 * that is known */
static uint32_t listener_of(const struct store *s, const struct ports *ports,
                            const struct fact_conn *c)
{
    uint32_t best = FACT_NONE, i;
    int points = -1;

    for (i = ports->head[c->local.port]; i != FACT_NONE; i = ports->next[i]) {
        const struct fact_conn *l = store_conn(s, i);
        int now = 0;

        if (!takes(l, c))
            continue;
        now += gn_addr_is_any(&l->local.addr) ? 0 : 4;
        now += gn_addr_is_v4(&l->local.addr) == gn_addr_is_v4(&c->local.addr) ? 2 : 0;
        now += c->process != FACT_NONE && l->process == c->process ? 1 : 0;
        if (now > points) {
            best = i;
            points = now;
        }
    }
    return best;
}

/** unaccepted() - no process holds it yet: an orphan is never in one of these states */
static bool unaccepted(const struct fact_conn *c)
{
    return c->inode == 0 && (c->state == GN_ESTABLISHED || c->state == GN_CLOSE_WAIT);
}

/** link_listeners() - which listener a connection came through; its half-open entries counted; what
 * waits to be accepted is the business of the listener's process */
static void link_listeners(struct store *s)
{
    size_t n = s->conns.n;
    struct ports *ports = malloc(sizeof *ports + n * sizeof ports->next[0]);

    if (ports == NULL) {
        s->short_of_memory = true;
        return;
    }
    memset(ports->head, 0xff, sizeof ports->head);
    for (uint32_t i = (uint32_t)n; i-- > 0;) {
        const struct fact_conn *l = store_conn(s, i);

        if (l->kind != GN_KIND_LISTENER)
            continue;
        ports->next[i] = ports->head[l->local.port];
        ports->head[l->local.port] = i;
    }
    for (size_t i = 0; i < n; i++) {
        struct fact_conn *c = store_conn(s, i), *l;

        if (c->kind == GN_KIND_LISTENER || ports->head[c->local.port] == FACT_NONE)
            continue;
        c->listener = listener_of(s, ports, c);
        if (c->listener == FACT_NONE)
            continue;
        l = store_conn(s, c->listener);
        l->half_open += c->kind == GN_KIND_HALF_OPEN;
        if (unaccepted(c)) {
            c->process = l->process;
            c->known = (c->known & ~(uint32_t)FACT_OWNER) | (l->known & FACT_OWNER);
        }
    }
    free(ports);
}

/** remember() - what the sample before adds to a connection: it has been in its state since then at
 * least, and keep-alive is rarely switched off again while another timer hides it */
static void remember(struct fact_conn *c, const struct fact_conn *was, gn_time interval)
{
    gn_time age = was->in_state + interval;

    if (was->known & FACT_KEEPALIVE && !(c->known & FACT_KEEPALIVE)) {
        c->keepalive = was->keepalive;
        c->known |= FACT_KEEPALIVE;
    }
    if (was->state != c->state)
        return;
    if (!(c->known & FACT_AGE_MIN) || age > c->in_state)
        c->in_state = age;
    c->known |= FACT_AGE_MIN;
}

/** compare() - with the sample @interval ago; the cookie names a connection over its whole life */
static void compare(struct store *s, const struct store *before, gn_time interval)
{
    struct table old;

    if (!table_init(&old, before->conns.n)) {
        s->short_of_memory = true;
        return;
    }
    for (size_t i = 0; i < before->conns.n; i++) {
        const struct fact_conn *c = store_conn(before, i);

        if (c->cookie != 0)
            table_put(&old, c->cookie, (uint32_t)i);
    }
    for (size_t i = 0; i < s->conns.n; i++) {
        struct fact_conn *c = store_conn(s, i);
        uint32_t j = table_get(&old, c->cookie);

        if (j != FACT_NONE)
            remember(c, store_conn(before, j), interval);
    }
    table_free(&old);
}

/** present() - the store as facts */
static void present(struct store *s, gn_time interval, struct facts *ret)
{
    if (s->short_of_memory)
        store_gap(s, "there was no memory for everything: some is left out");
    *ret = (struct facts){
        .source = FACTS_KERNEL,
        .now = clock_ns(CLOCK_REALTIME),
        .interval = interval,
        .partial = s->gaps.n > 0 || s->short_of_memory,
        .gap = s->gaps.item,
        .n_gaps = s->gaps.n,
        .conn = s->conns.item,
        .n_conns = s->conns.n,
        .process = s->processes.item,
        .n_processes = s->processes.n,
        .netns = s->netns.item,
        .n_netns = s->netns.n,
        .counter = s->counters.item,
        .setting = s->settings.item,
        .n_counters = s->counters.n,
        .n_settings = s->settings.n,
    };
}

const struct facts *probe_sample(struct probe *p, char *ret_why)
{
    unsigned next = p->at ^ 1;
    struct store *s = &p->sample[next].store;
    const struct facts *before = p->sampled ? &p->sample[p->at].facts : NULL;
    gn_time now = clock_ns(CLOCK_MONOTONIC), interval = p->sampled ? now - p->taken : 0;
    int r;

    store_clear(s);
    if (p->all)
        r = read_all(p, s, ret_why);
    else if (p->named.n > 0)
        r = read_list(p, s, &p->named, ret_why);
    else
        r = read_own(p, s, ret_why);
    if (r != 0)
        return NULL;
    owner_find(s);
    link_listeners(s);
    numbers_settle(s, before);
    if (before != NULL)
        compare(s, &p->sample[p->at].store, interval);
    present(s, interval, &p->sample[next].facts);
    p->at = next;
    p->sampled = true;
    p->taken = now;
    return &p->sample[next].facts;
}
