/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file stack.h  What a TCP stack has to offer to be measured, and what it is given.
 *
 * A stack gives one struct bench_stack for each of the two hosts of a run. A host reads packets
 * that the driver hands to it, puts packets on its wire, and tells its user what has happened. The
 * user's record of a connection, struct bench_conn, is the driver's; a stack keeps its own name for
 * the connection in it. Nothing here needs a symbol of the program, so that a stack that exists
 * only as a shared library with its state in globals can be loaded twice.
 */
#ifndef BENCH_STACK_H
#define BENCH_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_MTU  1500
#define BENCH_SINK 65536 /* largest single read of an application */

/** Octets of a packet that are somewhere else. */
struct bench_span {
    const uint8_t *ptr;
    uint32_t len;
};

/** One packet under way. The fields after @tail are for super-segments, as in struct gn_frame. */
struct bench_packet {
    uint8_t *data;
    uint32_t len;              /* of @data */
    uint32_t n_tail;           /* 0, unless set up with `gather` */
    struct bench_span tail[2]; /* in the sender's buffer, until it is called again */
    uint16_t gso_size, hdr_len, csum_start, csum_offset;
    uint8_t flags;
};

/** One direction of the wire: a ring of packets, each with room for @cap octets. Bounded. */
struct bench_wire {
    struct bench_packet *ring;
    uint32_t size, head, tail; /* @size is a power of two; head == tail: empty */
    uint32_t cap;
    uint64_t packets, octets, refused;
};

/** bench_wire_room() - free places of @w */
static inline uint32_t bench_wire_room(const struct bench_wire *w)
{
    return w->size - (w->tail - w->head);
}

/** bench_wire_slot() - the @ahead-th free place; the caller has asked for the room */
static inline struct bench_packet *bench_wire_slot(struct bench_wire *w, uint32_t ahead)
{
    return &w->ring[(w->tail + ahead) & (w->size - 1)];
}

/** bench_wire_filled() - the next @n free places have been filled, with @octets in all */
static inline void bench_wire_filled(struct bench_wire *w, uint32_t n, uint64_t octets)
{
    w->tail += n;
    w->packets += n;
    w->octets += octets;
}

/** bench_wire_put() - the next free place has been filled with @len octets */
static inline void bench_wire_put(struct bench_wire *w, uint32_t len)
{
    bench_wire_slot(w, 0)->len = len;
    bench_wire_filled(w, 1, len);
}

/** How the two hosts of a run are set up. Times in nanoseconds. */
struct bench_setup {
    unsigned side;   /* 0: the client, 10.0.0.1; 1: the server, 10.0.0.2 */
    uint64_t window; /* send and receive buffer, octets; 0: whatever the stack has */
    bool timestamps, sack;
    bool super;  /* packets of 64 KiB, checksums left to the wire */
    bool loan;   /* the application makes and reads its octets in the stack's buffers */
    bool gather; /* packets refer to the text in the sender's buffer */
    bool keepalive;
    uint64_t keepalive_idle;
    uint64_t time_wait; /* 0: whatever the stack has */
    unsigned backlog;
};

/** A connection, seen from the application. */
struct bench_conn {
    uint64_t handle; /* the stack's name for it: a number ... */
    void *pcb;       /* ... or a pointer */
    uint64_t pos;    /* octets received so far */
    uint32_t key;    /* which octets are expected */
    uint8_t side;
    bool open; /* the stack knows it and will tell of it */
};

enum bench_event { BENCH_CONNECTED, BENCH_DATA, BENCH_WRITABLE, BENCH_END, BENCH_FAILED };

/** The application above a host. */
struct bench_user {
    void *arg;
    unsigned side;
    /* a connection has been accepted: the record for it */
    struct bench_conn *(*accept)(void *arg, unsigned side);
    /* something has happened; DATA: the application has got @len octets, in its own buffer (or on
     * loan: then it may not call anything). It may call send, close and connect from here */
    void (*on)(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data,
               size_t len);
};

struct bench_host; /* the stack's own */

/** The verbs. `now` is virtual time in nanoseconds. */
struct bench_stack {
    const char *name;
    /* why this set-up cannot be measured, or NULL */
    const char *(*refuses)(const struct bench_setup *s);
    struct bench_host *(*open)(const struct bench_setup *s, const struct bench_user *u,
                               struct bench_wire *out, uint64_t now);
    void (*input)(struct bench_host *h, const struct bench_packet *p, size_t n, uint64_t now);
    /* let timers run, tell the user what has happened, send what can be sent */
    void (*work)(struct bench_host *h, uint64_t now);
    uint64_t (*deadline)(struct bench_host *h, uint64_t now); /* UINT64_MAX: none */
    bool (*listen)(struct bench_host *h, uint16_t port);
    /* @local_port 0: the stack chooses */
    bool (*connect)(struct bench_host *h, struct bench_conn *c, uint16_t port, uint16_t local_port,
                    uint64_t now);
    size_t (*send)(struct bench_host *h, struct bench_conn *c, const uint8_t *data, size_t len,
                   uint64_t now);
    void (*close)(struct bench_host *h, struct bench_conn *c, uint64_t now);
    uint64_t (*memory)(struct bench_host *h);    /* octets got from the allocator */
    uint64_t (*time_wait)(struct bench_host *h); /* how long TIME-WAIT lasts */
    uint64_t (*waiting)(struct bench_host *h);   /* connections in TIME-WAIT */
};

#endif
