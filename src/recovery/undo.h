/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file undo.h  Was it spurious? Three witnesses that a timeout or a fast recovery was for nothing.
 *
 *  - Eifel (RFC 3522): the ACK that covers what was sent again echoes a timestamp from before that.
 *  - D-SACK (RFC 3708): everything that was sent again is reported as a duplicate. This may come
 *    after the recovery has ended.
 *  - F-RTO (RFC 5682): after a timeout only the first segment is sent again; then new ones. If
 *    what was never sent again is acknowledged meanwhile, the originals are arriving.
 */
#ifndef GN_RECOVERY_UNDO_H
#define GN_RECOVERY_UNDO_H

#include "recovery/delivery.h"

struct undo {
    gn_time stamp;   /* first retransmission of this episode; 0: none */
    uint32_t octets; /* sent again in this episode and not yet reported as duplicates */
    seq_t low, high; /* with octets: all that was sent again lies in [low, high) */
    seq_t marker;    /* una at its start */
    bool on;         /* an episode began and was not undone */
};

/** undo_start() - timeout or fast recovery begins at @una */
void undo_start(struct undo *u, seq_t una);
/** undo_on_resent() - @len octets from @start on leave again in that episode */
void undo_on_resent(struct undo *u, seq_t start, uint32_t len, gn_time now);
/** undo_ours() - may this duplicate be of what was sent again? Networks make duplicates, too */
bool undo_ours(const struct undo *u, seq_t l, uint32_t len);
/** undo_by_echo() - the ACK, which advances una, is for an original */
bool undo_by_echo(const struct undo *u, const struct delivery *d);
/** undo_by_dsack() - @len octets from @l on were reported as duplicates; true: they were the last
 */
bool undo_by_dsack(struct undo *u, seq_t l, uint32_t len);

/** Steps of RFC 5682 2.1. */
enum frto {
    FRTO_OFF,   /* conventional recovery */
    FRTO_FIRST, /* step 2: the first segment was sent again, its ACK is awaited */
    FRTO_NEW    /* step 3: two new segments may leave, what is lost waits */
};

enum frto_says { FRTO_WAIT, FRTO_GENUINE, FRTO_SPURIOUS };

/** What F-RTO looks at in an ACK. */
struct frto_ack {
    bool advances;  /* una moves */
    bool full;      /* ... to recover or beyond */
    bool head_part; /* ... but not over all that was sent again */
    bool dup;       /* a duplicate ACK */
    bool originals; /* octets below recover that were never sent again arrived */
    bool news;      /* SACKs something above recover: what step 2b sent */
    bool can_send;  /* there is new text to send */
    bool sack_ok;
};

/** frto_on_ack() - the next step: *@step moves on */
enum frto_says frto_on_ack(enum frto *step, const struct frto_ack *a);

#endif
