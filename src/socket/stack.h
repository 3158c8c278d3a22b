/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file stack.h  A stack from inside: host, driver, lock, sleepers.
 *
 * Theory of operation. There is one lock, perhaps shared with other stacks of the same loop. A call
 * that cannot go on puts a waiter on the socket (or sockets) it cares for. Then, if a thread of the
 * stack runs or another thread is driving, it sleeps on the waiter's condition variable; else it
 * drives by itself, one step at a time, looking after each step whether it can go on. When the
 * driving thread leaves while others sleep, one of these is woken to take over.
 */
#ifndef GN_SOCKET_STACK_H
#define GN_SOCKET_STACK_H

#include "base/list.h"

#include <gannet/socket.h>

#include <pthread.h>

#define STACK_PORT_BUCKETS 1024

/** A mutex that stacks share, counted. */
struct stack_lock {
    pthread_mutex_t mutex;
    unsigned stacks;
};

/** A thread that waits. */
struct waiter {
    pthread_cond_t cond;
    bool sleeping, woken;
    gn_time until;
    struct list node; /* of the stack's sleepers */
};

/** One of the things it waits for; or an interest of an epoll instance, which is told what has
 * happened. */
struct wait_link {
    struct list node; /* of the socket's waiters */
    struct waiter *waiter;
    void (*happened)(struct wait_link *l, uint32_t news); /* NULL: wake the waiter */
};

struct gn_stack {
    struct gn_host *host;
    struct gn_driver driver;
    struct gn_loop *loop;       /* our own, or NULL */
    struct gn_simloop *simloop; /* the caller's, or NULL */

    struct stack_lock *lock;
    bool dirty;   /* the host was given something to send */
    bool driving; /* a thread is inside driver.step() */
    bool threaded, stopping;
    pthread_t thread;

    uint64_t events; /* that were ever served */
    struct list sleepers;
    struct list socks;
    struct list port[STACK_PORT_BUCKETS]; /* bound sockets */
    uint32_t port_next;                   /* where the search for an ephemeral port goes on */
};

/** stack_now() - the host's time */
static inline gn_time stack_now(const struct gn_stack *st)
{
    return st->driver.now(st->driver.ctx);
}

/** stack_wait() - sleep or drive until something may have changed for @w, which is linked to what
 * it waits for; 0, -ETIMEDOUT, -EDEADLK (nothing can ever happen). Lock held */
int stack_wait(struct gn_stack *st, struct waiter *w, gn_time until);
/** stack_flush() - see to it that what was given to the host is sent. Lock held */
void stack_flush(struct gn_stack *st);
/** stack_hand_over() - nobody drives, somebody sleeps: wake one to drive. Lock held */
void stack_hand_over(struct gn_stack *st);

/* --- drive.c --- */

/** drive_loop() - the driver of a real-time loop, whose ctx is @st */
struct gn_driver drive_loop(struct gn_stack *st);
/** drive_sim() - the driver of a virtual-time loop, whose ctx is @st */
struct gn_driver drive_sim(struct gn_stack *st);

#endif
