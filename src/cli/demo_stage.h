/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_stage.h  The stage on which a demonstration is played: what demo_run.c and demo_acts.c
 * share.
 */
#ifndef GN_CLI_DEMO_STAGE_H
#define GN_CLI_DEMO_STAGE_H

#include "cli/demo.h"

#define START (1000 * GN_SEC) /* virtual time begins here; drawings begin at 0 */

/** A loss that was ordered. */
struct order {
    bool active, for_ever;
    enum demo_what what;
    uint32_t left, every; /* every: one of so many, for ever */
};

#define ORDERS     4
#define DEMO_CROWD 128

struct side {
    struct stage *stage;
    unsigned index;
    struct gn_host *host;
    struct gn_link *link;
    struct gn_endpoint self;
    gn_handle listener, conn;
    bool reads;
    uint64_t to_stream;          /* octets of DO_STREAM still to be sent */
    uint64_t streamed, received; /* octets sent by DO_STREAM, octets received */
    uint64_t sum_out, sum_in;    /* hashes of both (FNV-1a) */
    struct order order[ORDERS];
    bool pours;                  /* the stream has no end */
    bool hangs;                  /* accepts no more */
    gn_handle crowd[DEMO_CROWD]; /* further connections */
    unsigned n_crowd;
};

struct stage {
    const struct demo_options *o;
    struct gn_conf conf;
    struct gn_sim *sim;
    struct gn_simloop *loop;
    struct gn_pcap *pcap;
    unsigned capture_at; /* end */
    struct side side[2];
    struct record *rec;
    uint64_t floods;
    bool quiet;               /* a stream runs */
    bool crowded;             /* further connections are kept, not closed */
    struct demo_ended *ended; /* of both ends */
};

/** since() - on the clock of the drawing */
static inline gn_time since(gn_time at)
{
    return at > START ? at - START : 0;
}

/** stage_make_host() - a host at one end of the wire; false: no memory */
bool stage_make_host(struct side *s);
/** stage_capture() - a packet enters or leaves the wire at @end */
void stage_capture(struct stage *st, unsigned end, const struct gn_frame *f, gn_time at);
/** stage_read() - the application reads what there is, if it reads */
void stage_read(struct side *s, gn_time now);
/** stage_stream() - send as much of DO_STREAM's octets as is taken */
void stage_stream(struct side *s, gn_time now);
/** stage_accept() - the application takes what waits, unless it hangs */
void stage_accept(struct side *s, gn_time now);
/** stage_perform() - one step of a script */
enum gn_err stage_perform(struct stage *st, const struct demo_step *step, gn_time now);

#endif
