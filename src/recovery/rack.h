/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rack.h  RACK: losses found by the time of sending (RFC 8985 6).
 *
 * A segment is lost if one sent later was delivered and a reordering window has passed. Segments
 * have to be looked at in the order of sending, and only those sent before RACK.segment. Two orders
 * give that without a list of all: segments sent once lie in the log in the order of sending, and a
 * cursor marks the first that may still have to be judged; segments sent again are linked in the
 * order of their retransmission (sent.h). So an ACK costs what it changes (CC-8985-14).
 *
 * The RFC lets the timer run until *all* segments within the window can be judged; here it runs
 * until the first can, and again for the next. None is judged sooner for it than its own time.
 */
#ifndef GN_RECOVERY_RACK_H
#define GN_RECOVERY_RACK_H

#include "base/time.h"
#include "recovery/delivery.h"

struct rack {
    gn_time xmit; /* RACK.xmit_ts of RACK.segment, the last sent of all delivered */
    gn_time rtt;  /* RACK.rtt, the youngest round-trip time */
    seq_t end_seq;
    seq_t fack;        /* the highest delivered */
    seq_t dsack_round; /* no second step of reo_wnd_mult before this is acknowledged */
    uint32_t cursor;   /* all records sent once before it are SACKED or LOST */
    uint8_t reo_wnd_mult;
    uint8_t reo_wnd_persist;
    bool in_dsack_round;
    bool reordering_seen;
};

/** rack_init() - nothing delivered yet; first octet @iss */
void rack_init(struct rack *k, seq_t iss);
/** rack_update() - RFC 8985 6.2 steps 2 and 3, from what an ACK delivered */
void rack_update(struct rack *k, const struct delivery *d);
/** rack_adapt() - step 4: the window grows with D-SACKs; @left: a recovery has just ended */
void rack_adapt(struct rack *k, seq_t una, seq_t nxt, bool dsack, bool left);
/** rack_reo_wnd() - step 4: the window now. @now_at_once: recovery runs, or DupThresh is met */
gn_time rack_reo_wnd(const struct rack *k, const struct rtt *rtt, bool at_once);
/**
 * rack_detect_loss() - step 5: mark what is lost; when to call again, if anything may be lost later
 * @since: *@ret_again is set if a retransmission sent at this time or later was lost in turn
 */
deadline_t rack_detect_loss(struct rack *k, struct sent_log *l, gn_time reo_wnd, gn_time now,
                            gn_time since, bool *ret_again);
/** rack_mark_on_rto() - 6.3: the head, and all that is older than a round trip */
void rack_mark_on_rto(const struct rack *k, struct sent_log *l, gn_time reo_wnd, gn_time now);

#endif
