/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file world.h  Two hosts of one kind, the wire between them, virtual time, and the applications'
 * records.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "stack.h"

#include <stdio.h>

#define BENCH_PATTERN 65521 /* the octets sent repeat after this many: a prime below 64 KiB */

typedef void bench_on_fn(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data,
                         size_t len);

struct world {
    const struct bench_stack *stack[2];
    struct bench_host *host[2];
    struct bench_user user[2];
    struct bench_wire wire[2]; /* [i]: what host i has sent */
    uint64_t now;
    struct bench_conn *idle; /* records to be used again, linked by pcb */
    uint64_t accepted;
    char wrong[160]; /* what made the run worthless, or empty */
    uint8_t pattern[BENCH_PATTERN + BENCH_SINK];
};

/** world_open() - both hosts up; @on is told of everything. NULL: @why (160 octets) says why */
struct world *world_open(const char *stack, const struct bench_setup *setup, bench_on_fn *on,
                         char *why);
/** world_listen() - the server takes connections at @n ports from BENCH_PORT */
#define BENCH_PORT 5001
void world_listen(struct world *w, unsigned n);
/** world_turn() - deliver a burst each way and let both hosts work; if nothing was under way, go on
 * to the next deadline, but not past @limit. False: nothing will ever happen again, or @limit has
 * been reached */
bool world_turn(struct world *w, uint64_t limit);
/** world_pass() - let @ns of virtual time pass */
void world_pass(struct world *w, uint64_t ns);
/** world_conn() / world_drop() - a fresh record; give it back */
struct bench_conn *world_conn(struct world *w, unsigned side);
void world_drop(struct world *w, struct bench_conn *c);
/** world_connect() - the client opens @c; false: the stack has refused, *c is as it was */
bool world_connect(struct world *w, struct bench_conn *c, uint16_t port, uint16_t local_port);
/** world_send() - octets taken */
size_t world_send(struct world *w, struct bench_conn *c, const uint8_t *data, size_t len);
void world_close(struct world *w, struct bench_conn *c);
/** world_pages() - memory of the harness, all zero and present, in huge pages if there are any:
 * what it costs to find should be as little as can be. NULL: none. It is kept until the end */
#define WORLD_HUGE ((size_t)2 << 20)
void *world_pages(size_t bytes);
/** world_octets() - what stands at position @pos of a stream, BENCH_SINK octets of it */
const uint8_t *world_octets(const struct world *w, uint64_t pos);
/** world_fail() - the run is worthless, and why; the first reason stays */
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** world_cpu() - CPU time of the thread in seconds */
double world_cpu(void);
/** world_rss() - resident memory of the process in octets */
uint64_t world_rss(void);

/* The stacks. NULL from a loader: *why says why. */
extern const struct bench_stack stack_gannet, stack_null;
const struct bench_stack *stack_lwip_load(const char **why);

#endif
