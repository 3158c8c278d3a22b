/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rig.h  One real host behind its public border, and us as its peer: brings a connection into
 * any state by exchanging real packets, sends one segment, and looks at everything that came of it.
 *
 * What the oracle is told of the connection (struct block) is what a peer knows: the numbers that
 * were exchanged. The host is never asked before the verdict is out.
 */
#ifndef TESTS_MATRIX_RIG_H
#define TESTS_MATRIX_RIG_H

#include "oracle.h"
#include "wire/tcp.h"

#include <gannet/host.h>

#define RIG_PEER_WND 30000u /* what we announce */
#define RIG_IRS      700000u
#define RIG_PORT     80
#define RIG_OUT      16

/** A state and how it came about. */
struct situation {
    const char *name;
    enum gn_state state;
    bool passive; /* opened by a listener */
    bool orphan;  /* the user has gone; in TIME-WAIT a record is left of the connection */
};

/** The ways in which a situation is tried. */
struct setting {
    bool v6, ts, closed_window;
};

/** What is wrong with a packet that only the wire layer can see. */
enum defect { SOUND, BAD_CHECKSUM, SHORT_OFFSET, LONG_OFFSET, CUT_OFF, DEFECTS };

struct rig {
    struct gn_host *host;
    enum defect defect; /* of what rig_arrive() sends */
    struct gn_conf conf;
    gn_time now;
    struct setting set;
    gn_handle listener;
    uint16_t peer_port; /* one for each connection */

    gn_handle c; /* the connection, GN_NO_HANDLE: half open, TIME-WAIT record, orphan, none */
    struct tcp_key key;
    struct block b;
    uint32_t peer_nxt; /* our SND.NXT */
    uint32_t tsval;    /* our clock */
    uint32_t unread;   /* octets that the user has left lying */
    unsigned events;

    struct seg out[RIG_OUT]; /* what the host sent last */
    unsigned n_out;
};

extern const struct situation situations[];
extern const unsigned n_situations;
const struct situation *situation(const char *name);
/** setting_exists() - can @si be brought about so? */
bool setting_exists(const struct situation *si, struct setting set);

/** rig_init() - knobs for sharp results: everything is acknowledged and every invalid segment
 * answered at once; the test may change conf before rig_up() */
void rig_init(struct rig *r, struct setting set);
void rig_up(struct rig *r);
void rig_fini(struct rig *r);
/** rig_make() - a new connection in @si */
void rig_make(struct rig *r, const struct situation *si);
/** rig_drop() - be done with it */
void rig_drop(struct rig *r);
/** rig_arrive() - @s arrives; what the host sends at once is in out[] */
void rig_arrive(struct rig *r, const struct arrival_seg *s);
/** rig_say() - the next segment of ours in sequence, as a peer in its right mind sends it */
void rig_say(struct rig *r, unsigned ctl, uint32_t text);
/** rig_pull() - everything that the host has to send */
void rig_pull(struct rig *r);
/** rig_pass() - time passes up to the first timer that sends something, or @span; pulls */
void rig_pass(struct rig *r, gn_time span);
/** rig_status() - by handle, or by walking; false: the host knows nothing of the connection */
bool rig_status(struct rig *r, struct gn_status *ret);
/** rig_half_open() - the half-open entry of the tuple, if there is one */
bool rig_half_open(struct rig *r, struct gn_status *ret);
/** rig_take_events() - what the user was told since the last time */
unsigned rig_take_events(struct rig *r);
struct gn_endpoint rig_ours(const struct rig *r, uint16_t port);
struct gn_endpoint rig_peer(const struct rig *r);

/** matrix_count() - @n cells were run */
void matrix_count(unsigned long n);

#endif
