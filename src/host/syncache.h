/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syncache.h  Half-open connections of listeners: 64 octets each, no buffers, no timers of
 * their own (RFC 4987 3.4; SEC-4987-1..3).
 *
 * Theory of operation. An entry whose SYN,ACK has been sent n + 1 times waits in the queue of level
 * n. All entries of a level wait equally long (the initial RTO, doubled n times), so each queue is
 * in order of time by itself: arming, moving and expiring are O(1), and the next deadline is the
 * earliest of sixteen heads. Each listener may have tcp_max_syn_backlog entries; beyond that SYNs
 * are answered with cookies or dropped (tcp_syncookies).
 *
 * The timestamp offset of an entry costs a keyed hash, and 64 octets have no room for it. Those of
 * the entries made last are kept beside them, by index: the pool gives out low ones first.
 */
#ifndef GN_HOST_SYNCACHE_H
#define GN_HOST_SYNCACHE_H

#include "base/pool.h"
#include "host/demux.h"
#include "host/listen.h"
#include "tcp/tcp.h"

struct gn_host;

#define SYNCACHE_LEVELS  16
#define SYNCACHE_OFFSETS 256 /* entries whose timestamp offset is at hand */
/* half_open.flags, the host's own: a TIME-WAIT record of the same tuple is kept until the new
 * connection is proved (TW-9) */
#define HALF_OPEN_SHADOWS 64
/* cookie ACKs are examined for so long after the last cookie was sent (SEC-4987-5) */
#define SYNCACHE_COOKIE_LIFE (120 * GN_SEC)

struct syncache {
    struct pool pool;
    struct {
        uint32_t head, tail; /* index + 1, oldest first */
    } level[SYNCACHE_LEVELS];
    gn_time seen; /* the last time that anybody looked */
    gn_time due;  /* nothing is due before */
    struct {
        uint32_t link; /* index + 1 of the entry that it is of, the last of those that share it */
        uint32_t ts_offset;
    } offset[SYNCACHE_OFFSETS];
};

/** syncache_init() - allocates nothing */
void syncache_init(struct syncache *c, struct mem *m, const struct gn_conf *conf);
/** syncache_limit() - entries of the whole host */
uint32_t syncache_limit(const struct gn_conf *conf);
/**
 * syncache_syn() - a good SYN for @l: make an entry and send SYN,ACK, or a cookie, or neither
 * @tw: the TIME-WAIT record that the new incarnation would follow (RFC 6191), or NULL
 */
enum gn_drop syncache_syn(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash,
                          const struct time_wait *tw);
/** syncache_keep_window() - the SYN,ACKs of @l that have been sent announced @wnd, which its
 * options no longer allow: entries and cookies keep to it. O(entries) */
void syncache_keep_window(struct gn_host *h, struct listener *l, uint16_t wnd);
/** syncache_ts_offset() - tcp_ts_offset() of the entry @index, which is @o */
uint32_t syncache_ts_offset(const struct gn_host *h, uint32_t index, const struct half_open *o);
/** syncache_input() - a segment for the half-open entry @r, which is @o */
enum gn_drop syncache_input(struct gn_host *h, ref_t r, struct half_open *o, const struct seg *s,
                            uint32_t hash);
/** syncache_icmp() - an ICMP error quotes the entry's SYN,ACK */
enum gn_drop syncache_icmp(struct gn_host *h, ref_t r, seq_t quoted, bool hard);
/** syncache_drop() - forget an entry: SYN-RECEIVED to CLOSED because of @cause */
void syncache_drop(struct gn_host *h, uint32_t index, enum gn_cause cause);
/** syncache_drop_listener() - forget all entries of a listener; walks the pool */
void syncache_drop_listener(struct gn_host *h, const struct listener *l);
/** syncache_timeouts() - send due SYN,ACKs again, forget those that had their last; stops when the
 *  reply queue is full and goes on with the next call. For a table that is not empty, at
 *  syncache.due or later */
void syncache_timeouts(struct gn_host *h);
/** syncache_hurry() - the knobs have changed: anything may be due */
void syncache_hurry(struct syncache *c);
/** syncache_deadline() - when the next SYN,ACK is due */
deadline_t syncache_deadline(const struct gn_host *h);
/** syncache_status() - STATUS of an entry */
void syncache_status(const struct gn_host *h, const struct half_open *o, struct gn_status *ret);

#endif
