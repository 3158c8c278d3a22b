/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file play.h  A script that is being played: the stack, the connections that the script's packets
 * belong to, the file descriptors that it names.
 */
#ifndef GN_SCRIPT_PLAY_H
#define GN_SCRIPT_PLAY_H

#include "packet.h"

#include "packetdrill/drill.h"
#include "packetdrill/interface.h"

#include <pthread.h>

#define FLOWS       64
#define FDS         64
#define STAMPS      256
#define SCRIPT_PORT 8080 /* the stack's when it listens, the peer's when it connects */

/** A connection as the script sees it: the stack's initial sequence number and time stamps are
 * chosen by the stack, everything else is as written. */
struct flow {
    uint16_t script_port; /* of the peer, as written; 0: the script names no ports */
    struct tuple in;      /* peer to stack; dport 0: not known yet */
    bool have_iss, have_irs;
    uint32_t iss_delta; /* the stack's number minus the script's */
    uint32_t iss, irs;  /* the stack's numbers, for the pattern of octets */
    struct {
        uint32_t script, live;
    } stamp[STAMPS];
    unsigned n_stamp;
    bool have_stamp; /* for values checked by the clock: the first one and its time */
    uint32_t stamp_script, stamp_live;
    gn_time stamp_at;
};

/** What a number of the script stands for, and how far its stream has come. */
struct fd_state {
    bool known;
    int live;
    uint64_t sent, received;
    bool connecting; /* connect() was called */
};

struct play {
    struct script *script;
    struct drill *drill;
    struct packetdrill_interface ifc;
    gn_time start;
    struct flow flow[FLOWS];
    unsigned n_flow;
    struct flow *current; /* of packets without ports; NULL: the next packet begins one */
    uint16_t next_port;
    struct fd_state fd[FDS];
    int latest;      /* of the descriptors that came to be */
    bool own_data;   /* the script sends octets of its own: the pattern does not hold */
    uint8_t *packet; /* room for one */

    /* the call that blocks while the script goes on */
    const struct event *busy; /* NULL: none */
    pthread_t thread;
    bool done; /* under lock */
    pthread_mutex_t lock;
    long long result;
    int error;
    gn_time ended;
};

/** pattern() - the octet at an offset of a stream, unless the script sends its own */
static inline uint8_t pattern(uint64_t offset)
{
    return (uint8_t)(offset * 31 + offset / 251);
}

/** play_usecs() - microseconds since the script began */
static inline long long play_usecs(const struct play *p, gn_time t)
{
    return (long long)((t - p->start) / GN_USEC);
}

/* --- flow.c --- */

/** flow_for() - the connection that an event's packet belongs to; a new one if there is none */
struct flow *flow_for(struct play *p, const struct event *e);
/** flow_connect(), flow_listen() - the script has made such a call: packets are for a new one */
void flow_connect(struct play *p);
void flow_listen(struct play *p);
/** flow_in() - the script's numbers in the stack's terms */
void flow_in(struct play *p, struct flow *f, const struct event *e, struct packet_spec *spec);
/** flow_out() - what was seen in the script's terms; @want is what the script expects */
void flow_out(struct play *p, struct flow *f, const struct packet_spec *want, struct seen *seen);
/** flow_stamp() - remember which time stamp the script calls what; NULL, or what is wrong */
const char *flow_stamp(struct play *p, struct flow *f, const struct packet_spec *want,
                       const struct packet_spec *got, uint32_t live, gn_time at);

/* --- match.c --- */

/** play_inbound() - a packet for the stack */
void play_inbound(struct play *p, const struct event *e);
/** play_outbound() - wait for a packet of the stack, and compare; @begin, @end: when it may come */
void play_outbound(struct play *p, const struct event *e, gn_time begin, gn_time end);
/** play_rest() - at the end of the script: the stack must not have sent anything else */
void play_rest(struct play *p, int line);

/* --- calls.c --- */

/** call_make() - make a call by any thread; its result, and errno in *ret_error */
long long call_make(struct play *p, const struct event *e, int *ret_error);
/** call_judge() - is that what the script says? */
void call_judge(struct play *p, const struct event *e, long long result, int error);

/* --- args.c --- */

/** arg_int() - a number, a constant, or several with "|" */
long long arg_int(struct play *p, int line, const struct expr *x);
/** arg_fd() - the live number of a script's; 0x7fffffff for one that the script has not opened */
int arg_fd(struct play *p, int line, const struct expr *x);
/** arg_field() - the value of a struct's field, NULL: it has none of that name */
const struct expr *arg_field(const struct expr *x, const char *name);
/** arg_sockaddr() - "..." gives @port of @addr; the length */
socklen_t arg_sockaddr(struct play *p, int line, const struct expr *x, const uint8_t *addr,
                       uint16_t port, struct sockaddr_storage *ret);

/* --- info.c --- */

/** info_check() - "assert tcpi_unacked == 3, tcpi_unacked": lines of Python's assertions, as far as
 * they are comparisons of TCP_INFO's fields */
void info_check(struct play *p, const struct event *e);

#endif
