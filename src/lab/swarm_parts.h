/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_parts.h  What the files of the swarm share: the world, its flows, and the checkers.
 */
#ifndef GN_LAB_SWARM_PARTS_H
#define GN_LAB_SWARM_PARTS_H

#include "lab/draw.h"
#include "lab/pages.h"
#include "lab/swarm.h"

#include <gannet/host.h>
#include <gannet/loop.h>

#define SWARM_HOSTS    5
#define SWARM_FLOWS    64
#define SWARM_START    (1000 * GN_SEC)
#define SWARM_READY    (SWARM_START + 5 * GN_SEC)   /* addresses are announced, OPENs begin */
#define SWARM_HEAL     (SWARM_START + 60 * GN_SEC)  /* the network behaves from then on */
#define SWARM_DONE     (SWARM_HEAL + 700 * GN_SEC)  /* all that can end has ended */
#define SWARM_END      (SWARM_DONE + 1200 * GN_SEC) /* nothing is left */
#define SWARM_PORT     80
#define SWARM_SILENCE  (GN_SEC + 10 * GN_MSEC) /* longer, and somebody is to blame */
#define SWARM_CARRIERS 65536                   /* packets in the network at one time, at the most */
#define SWARM_MTUS     3                       /* changes of the MTU */

/** What one end of a connection means to do. */
struct plan {
    uint64_t total;           /* octets to send in all */
    uint64_t base, per, unit; /* of these it may send base + got / per * unit at a time */
    bool after_eof;           /* ... but nothing before the peer's end of data */
    bool fin_after_eof;       /* CLOSE only after the peer's end of data */
    bool rude;                /* closes the socket once all is sent, whatever the peer says */
    bool fickle;              /* goes from one congestion control to another */
    bool aborts;              /* ABORT as soon as abort_at octets went either way */
    uint64_t abort_at;
    uint32_t chunk;    /* octets of one SEND at the most */
    uint32_t read_max; /* octets of one RECEIVE, 0: as they come */
    gn_time read_gap;  /* with read_max: between two */
};

enum end_state {
    END_NONE,    /* no handle yet */
    END_OPEN,    /* has a handle */
    END_NORMAL,  /* all sent, end of data read, closed */
    END_RUDE,    /* closed without waiting */
    END_ERROR,   /* the stack said it is over */
    END_ABORTED, /* ABORT was called */
    END_LEFT,    /* closed at the end because its peer had long gone */
};

struct flow;

/** Where an end is that moves (swarm_move.c). */
struct move {
    uint8_t step; /* 0: it does not */
    bool back;    /* it will be unfrozen where it was */
    unsigned flags;
    gn_time at; /* the next step */
    uint8_t *image;
    size_t len;
};

struct end {
    struct flow *flow;
    struct plan plan;
    unsigned host;
    uint8_t state; /* enum end_state */
    bool connected, fin, eof;
    gn_handle handle;
    uint64_t sent, got;
    gn_time next_read;   /* with plan.read_max */
    enum gn_err error;   /* END_ERROR */
    enum gn_cause cause; /* of its last transition to CLOSED; 0: none yet */
    uint64_t key;        /* of the octets that it sends */
    bool blamed;         /* swarm_stall.c: octets before blamed_to may be late */
    uint32_t blamed_to;
    struct move move;
};

struct flow {
    struct end end[2]; /* 0 opened it */
    gn_time start;
    bool v6, started, refused; /* refused: OPEN itself failed */
    const char *kind;
    struct gn_endpoint from, to;
    uint32_t iss; /* of end 0: tells incarnations of one tuple apart */
    /* swarm_stall.c */
    gn_time active;      /* something was sent, arrived, was read or written last */
    unsigned under_way;  /* packets in the network */
    bool looked;         /* at its silence since then */
    bool troubled;       /* a packet of it was lost just now, or while an end was moving */
    unsigned moving;     /* ends that are */
    bool moved;          /* one has, once */
    uint64_t unresolved; /* packets that hosts had dropped for want of a link address, then */
};

struct swarm_host {
    struct swarm *swarm;
    struct gn_host *h;
    struct lab_pages pages;
    gn_handle listener;
    struct gn_addr addr[2]; /* IPv4, IPv6 */
    uint64_t base_used;     /* octets in use before the first connection */
};

struct swarm {
    struct prng rng;
    struct swarm_result *result;
    FILE *log;
    struct gn_simloop *loop;
    struct gn_sim *sim;
    struct gn_pcap *pcap;
    unsigned n_host;
    struct swarm_host host[SWARM_HOSTS];
    unsigned n_flow;
    struct flow flow[SWARM_FLOWS];
    bool faulty; /* the network loses, delays or spoils */
    bool v6;     /* the MTU allows it */
    bool ethernet;
    uint16_t mtu;
    struct {
        gn_time at; /* 0: no (more) change */
        uint16_t mtu;
    } change[SWARM_MTUS];
    gn_time stray;                   /* when a packet that was not of a flow was lost last */
    int strays;                      /* such packets that are under way */
    bool troubled;                   /* some flow is */
    uint8_t carrier[SWARM_CARRIERS]; /* by the packet's id: its flow + 1, or 0 */
    struct {
        struct prng rng;
        gn_time pace; /* between two moves, on average */
        gn_time next; /* 0: none moves */
    } mover;
    uint64_t planned; /* octets of all flows */
    uint32_t segment; /* octets that a full one may have at the least */
};

/** swarm_wrong() - a checker objects; the first one is remembered */
void swarm_wrong(struct swarm *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** swarm_note() - a value of the run goes into the trace hash */
void swarm_note(struct swarm *s, uint64_t value);

/* swarm_knobs.c */
/** swarm_knobs() - random, within bounds in which all can still end in time */
void swarm_knobs(struct prng *p, struct gn_conf *ret);

/* swarm_net.c */
/** swarm_net_open() - a random network and its hosts; false: no memory */
bool swarm_net_open(struct swarm *s);
/** swarm_net_heal() - no more faults */
bool swarm_net_heal(struct swarm *s);
void swarm_net_close(struct swarm *s);
/** swarm_net_tick() - what the network does by the clock: its MTU changes */
void swarm_net_tick(struct swarm *s, gn_time now);
/** swarm_net_next() - when it will do such a thing next, GN_FOREVER: never */
gn_time swarm_net_next(const struct swarm *s);

/* swarm_app.c */
/** swarm_plan() - who will talk to whom, and how */
void swarm_plan(struct swarm *s);
/** swarm_serve() - gn_service_fn of each host; @ctx: struct swarm_host */
size_t swarm_serve(void *ctx, struct gn_host *h, gn_time now);
/** swarm_tick() - what applications do by the clock: open, read slowly */
void swarm_tick(struct swarm *s, gn_time now);
/** swarm_next_tick() - when they want to do the next such thing, GN_FOREVER: never */
gn_time swarm_next_tick(const struct swarm *s);
/** swarm_leave() - applications give up connections whose peer is gone */
void swarm_leave(struct swarm *s, gn_time now);
/** swarm_listen() - all hosts listen, or (at the end) stop to */
void swarm_listen(struct swarm *s, bool on, gn_time now);

/* swarm_move.c */
/** swarm_move_begin() - connections shall move */
void swarm_move_begin(struct swarm *s, uint64_t seed);
/** swarm_move_tick() - what moves by the clock */
void swarm_move_tick(struct swarm *s, gn_time now);
/** swarm_move_next() - when something moves next, GN_FOREVER: never */
gn_time swarm_move_next(const struct swarm *s);
/** swarm_move_end() - give back what is on its way, if the run ended early */
void swarm_move_end(struct swarm *s);

/* swarm_stall.c */
/** stall_packet() - the network tells of a packet; @marked: it has seen congestion */
void stall_packet(struct swarm *s, const struct gn_tap *t, bool marked);
/** stall_drop() - a host tells that it does not use a segment */
void stall_drop(struct swarm *s, const struct gn_trace *t);
/** stall_open() - @f has begun, perhaps while its first hop's address is asked for */
void stall_open(struct swarm *s, struct flow *f, gn_time now);
/** stall_touch() - an application of @f has read or written */
void stall_touch(struct flow *f, gn_time now);
/** stall_blame() - after each step: note what may be late because of what was lost in it */
void stall_blame(struct swarm *s);
/** stall_check() - look at connections that have been silent for too long */
void stall_check(struct swarm *s, gn_time now);
/** stall_next() - when to call that again, GN_FOREVER: not before something happens */
gn_time stall_next(const struct swarm *s);

/* swarm_check.c */
/** check_octets() - @n octets arrived at @e: are they the next ones its peer has sent? */
void check_octets(struct swarm *s, struct end *e, const uint8_t *p, uint64_t n);
/** check_eof() - end of data at @e: only after all of it, and only if the peer has said so */
void check_eof(struct swarm *s, const struct end *e);
/** check_trace() - gn_trace_fn: remembers how connections end; @ctx: struct swarm_host */
void check_trace(void *ctx, const struct gn_trace *t);
/** check_quiet() - time for all is up: whoever is not done must have lost its peer */
void check_quiet(struct swarm *s);
/** check_close() - do both ends of each flow agree on how it ended? */
void check_close(struct swarm *s);
/** check_nothing_left() - no connection in any state, no memory in use for one */
void check_nothing_left(struct swarm *s);
/** check_memory() - octets that host @m uses, tables that only grow left out */
uint64_t check_memory(const struct swarm_host *m);
/** check_pools() - no host uses more memory than its connections' buffers may, now */
void check_pools(struct swarm *s);
/** check_budget() - not more packets than what was sent can explain */
void check_budget(struct swarm *s);
/** pattern_fill() - the @n octets from @at on of the stream with @key */
void pattern_fill(uint64_t key, uint64_t at, uint8_t *p, uint64_t n);

#endif
