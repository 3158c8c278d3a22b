/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_parts.h  What the files of the explorer share.
 */
#ifndef GN_LAB_EXPLORE_PARTS_H
#define GN_LAB_EXPLORE_PARTS_H

#include "explain/ladder.h"
#include "lab/arena.h"
#include "lab/draw.h"
#include "lab/explore.h"

#include <gannet/host.h>

#define X_FLIGHT  6   /* packets in flight to one host */
#define X_PACKET  126 /* octets of one */
#define X_CHOICES 96  /* of one state at the most */
#define X_DEPTH   200 /* a longer path is a livelock */
#define X_EVENTS  120 /* of a drawing */
#define X_WRONG   200
#define X_START   (65536 * (1000 * GN_SEC / 65536)) /* on a tick of the timing wheel */

struct x_packet {
    uint16_t len;
    uint8_t bytes[X_PACKET];
};

struct x_wire {
    uint8_t n;
    struct x_packet p[X_FLIGHT];
};

/** What the user of one host knows and has done. */
struct x_user {
    gn_handle conn, listener;
    uint8_t sent, got; /* octets */
    bool opened, fin, left, aborted, eof, over;
    int8_t error; /* the first one it was told */
};

/** One state; lives in the arena with the hosts. */
struct x_world {
    struct gn_host *h[2];
    gn_time now[2];
    struct x_user user[2];
    struct explore_budget left;
    struct x_wire to[2];
    uint64_t base_used[2]; /* octets in use before the first call */
    bool timed_out;        /* a timer has expired while things could go wrong */
    bool reason[2];        /* has sent a RST when it had every right to */
    bool clipped;          /* more packets than X_FLIGHT: not continued */
};

enum x_kind {
    X_OPEN,
    X_SEND,
    X_CLOSE,
    X_LEAVE,
    X_ABORT,
    X_RECEIVE,
    X_UNLISTEN,
    X_DELIVER,
    X_LOSE,
    X_DUPLICATE,
    X_TIMEOUT,
    X_FORGE,
};

struct x_choice {
    uint8_t kind, who, arg; /* arg: which packet to host @who */
};

struct explorer {
    const struct explore_config *c;
    struct explore_result *result;
    struct arena *arena;
    struct x_world *w;
    char wrong[X_WRONG]; /* of the step at hand, empty: fine */
    bool resting;        /* nothing goes wrong any more */
    bool learning;       /* look after each step which memory has changed */
    /* while a trace is told */
    bool telling;
    struct ladder_event *event;
    size_t n_event;
};

/** x_wrong() - the state at hand is wrong */
void x_wrong(struct explorer *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* explore_world.c */
/** x_world_new() - two hosts that have not done anything; false: no memory */
bool x_world_new(struct explorer *x);
/** x_world_heat() - which memory always changes */
void x_world_heat(const struct explorer *x);
/** x_choices() - all that may happen next */
unsigned x_choices(const struct explorer *x, struct x_choice ret[X_CHOICES]);
/** x_step() - let it happen */
void x_step(struct explorer *x, struct x_choice c);
/** x_deadline() - time until the next timer of host @i; false: none */
bool x_deadline(const struct x_world *w, unsigned i, gn_time *ret);
/** x_state() - of the connection of host @i, or its listener's, or CLOSED */
enum gn_state x_state(const struct x_world *w, unsigned i);
/** x_used() - octets in use at host @i, tables that only grow left out */
uint64_t x_used(const struct x_world *w, unsigned i);
/** x_alive() - does the user of host @i hold a connection that has not ended? */
bool x_alive(const struct x_world *w, unsigned i);

/* explore_image.c */
/** x_hash() - of the state at hand */
uint64_t x_hash(const struct explorer *x);

/* explore_rest.c */
/** x_rest() - without further faults, does all arrive, and do both ends come to rest? Spoils the
 * state */
void x_rest(struct explorer *x);

/* explore_tell.c */
/** x_trace() - gn_trace_fn of host 0 or 1; @ctx: struct x_ear */
struct x_ear {
    struct explorer *x;
    unsigned end;
};
void x_trace(void *ctx, const struct gn_trace *t);
/** x_say() - a line of the trace that is being told, if one is */
void x_say(struct explorer *x, enum ladder_kind kind, unsigned end, const char *text);
/** x_tell() - draw the path of @n choices from the beginning, and (@rest) what comes of it */
void x_tell(struct explorer *x, const struct x_choice *path, unsigned n, bool rest, FILE *out);

#endif
