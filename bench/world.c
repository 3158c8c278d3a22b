/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file world.c  The harness: wire, virtual clock, turns.
 *
 * One turn takes up to a burst of packets from the client's wire to the server, lets the server
 * work, and the same back. Each packet delivered takes a microsecond of virtual time; when nothing
 * is under way the clock jumps to the next deadline. All stacks are driven by these few lines, and
 * what they cost is measured too (stack "null").
 */
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BURST        32
#define WIRE_PACKETS 1024
#define WIRE_SUPER   16 /* super-segments: not more octets than 1024 small packets have room for */
#define SLOT_SMALL   1536
#define SLOT_SUPER   (66 * 1024)
#define PACKET_NS    1000

double world_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

uint64_t world_rss(void)
{
    unsigned long all, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f)
        return 0;
    if (fscanf(f, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void world_fail(struct world *w, const char *format, ...)
{
    va_list ap;

    if (w->wrong[0])
        return;
    va_start(ap, format);
    vsnprintf(w->wrong, sizeof(w->wrong), format, ap);
    va_end(ap);
}

const uint8_t *world_octets(const struct world *w, uint64_t pos)
{
    return w->pattern + pos % BENCH_PATTERN;
}

void *world_pages(size_t bytes)
{
    size_t whole = (bytes + WORLD_HUGE - 1) & ~(WORLD_HUGE - 1);
    void *p = aligned_alloc(WORLD_HUGE, whole);

    if (!p)
        return NULL;
    madvise(p, whole, MADV_HUGEPAGE);
    return memset(p, 0, bytes);
}

/** wire_open() - a wire with all its pages present; false: no memory */
static bool wire_open(struct bench_wire *w, bool super)
{
    uint8_t *room;

    w->size = super ? WIRE_SUPER : WIRE_PACKETS;
    w->cap = super ? SLOT_SUPER : SLOT_SMALL;
    w->ring = calloc(w->size, sizeof(*w->ring));
    room = world_pages((size_t)w->size * w->cap);
    if (!w->ring || !room)
        return false;
    for (uint32_t i = 0; i < w->size; i++)
        w->ring[i].data = room + (size_t)i * w->cap;
    return true;
}

/** user_accept() - bench_user.accept */
static struct bench_conn *user_accept(void *arg, unsigned side)
{
    struct world *w = arg;

    w->accepted++;
    return world_conn(w, side);
}

/** stack_find() - the two hosts' verbs by name; false: *why says why not */
static bool stack_find(struct world *w, const char *name, const char **why)
{
    for (unsigned i = 0; i < 2; i++) {
        if (!strcmp(name, "gannet"))
            w->stack[i] = &stack_gannet;
        else if (!strcmp(name, "null"))
            w->stack[i] = &stack_null;
        else if (!strcmp(name, "lwip"))
            w->stack[i] = stack_lwip_load(why);
        else
            *why = "not a stack that can be run on a wire in memory";
        if (!w->stack[i])
            return false;
    }
    *why = NULL;
    return true;
}

struct world *world_open(const char *stack, const struct bench_setup *setup, bench_on_fn *on,
                         char *why)
{
    struct world *w = calloc(1, sizeof(*w));
    const char *reason = "no memory";
    uint32_t x = 1;

    if (!w) {
        snprintf(why, 160, "%s", reason);
        return NULL;
    }
    if (stack_find(w, stack, &reason))
        reason = w->stack[0]->refuses(setup);
    w->now = (uint64_t)1000 * 1000000000;
    for (size_t i = 0; i < BENCH_PATTERN + BENCH_SINK; i++) {
        x = i < BENCH_PATTERN ? x * 1664525 + 1013904223 : x;
        w->pattern[i] = i < BENCH_PATTERN ? (uint8_t)(x >> 24) : w->pattern[i - BENCH_PATTERN];
    }
    for (unsigned i = 0; i < 2 && !reason; i++) {
        struct bench_setup s = *setup;

        s.side = i;
        w->user[i] = (struct bench_user){w, i, user_accept, on};
        if (!wire_open(&w->wire[i], setup->super))
            reason = "no memory for the wire";
        else if (!(w->host[i] = w->stack[i]->open(&s, &w->user[i], &w->wire[i], w->now)))
            reason = "the host does not come up";
    }
    if (!reason)
        return w;
    snprintf(why, 160, "%s", reason);
    free(w);
    return NULL;
}

void world_listen(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!w->stack[1]->listen(w->host[1], (uint16_t)(BENCH_PORT + i)))
            world_fail(w, "cannot listen at port %u", BENCH_PORT + i);
}

/** deliver() - a burst from host @from to the other; how many packets */
static size_t deliver(struct world *w, unsigned from)
{
    struct bench_wire *wire = &w->wire[from];
    uint32_t first = wire->head & (wire->size - 1), n = wire->tail - wire->head;

    if (n > BURST)
        n = BURST;
    if (n > wire->size - first)
        n = wire->size - first;
    if (n) {
        w->stack[!from]->input(w->host[!from], &wire->ring[first], n, w->now);
        wire->head += n;
        w->now += n * PACKET_NS;
    }
    w->stack[!from]->work(w->host[!from], w->now);
    return n;
}

bool world_turn(struct world *w, uint64_t limit)
{
    size_t n = deliver(w, 0) + deliver(w, 1);
    uint64_t at = UINT64_MAX;

    if (n || w->wire[0].head != w->wire[0].tail || w->wire[1].head != w->wire[1].tail)
        return w->now < limit;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t d = w->stack[i]->deadline(w->host[i], w->now);

        at = d < at ? d : at;
    }
    if (at == UINT64_MAX || at > limit) {
        w->now = limit == UINT64_MAX ? w->now : limit;
        return false;
    }
    w->now = at > w->now ? at : w->now;
    return true;
}

void world_pass(struct world *w, uint64_t ns)
{
    uint64_t end = w->now + ns;

    while (w->now < end && world_turn(w, end))
        ;
    w->now = w->now > end ? w->now : end;
}

/** more_conns() - as many fresh records as one huge page has room for */
static void more_conns(struct world *w)
{
    const size_t n = WORLD_HUGE / sizeof(struct bench_conn);
    struct bench_conn *c = world_pages(WORLD_HUGE);

    if (!c)
        abort();
    for (size_t i = 0; i < n; i++) {
        c[i].pcb = w->idle;
        w->idle = &c[i];
    }
}

struct bench_conn *world_conn(struct world *w, unsigned side)
{
    struct bench_conn *c;

    if (!w->idle)
        more_conns(w);
    c = w->idle;
    w->idle = c->pcb;
    *c = (struct bench_conn){.side = (uint8_t)side};
    return c;
}

void world_drop(struct world *w, struct bench_conn *c)
{
    c->open = false;
    c->handle = 0;
    c->pcb = w->idle;
    w->idle = c;
}

bool world_connect(struct world *w, struct bench_conn *c, uint16_t port, uint16_t local_port)
{
    return w->stack[0]->connect(w->host[0], c, port, local_port, w->now);
}

size_t world_send(struct world *w, struct bench_conn *c, const uint8_t *data, size_t len)
{
    return w->stack[c->side]->send(w->host[c->side], c, data, len, w->now);
}

void world_close(struct world *w, struct bench_conn *c)
{
    c->open = false;
    w->stack[c->side]->close(w->host[c->side], c, w->now);
}
