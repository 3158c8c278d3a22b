/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_parts.h  What the files of the passive observer share: a packet as it was read, the
 * log of what an end has sent, and a connection with all that is remembered of it.
 */
#ifndef GN_EXPLAIN_PASSIVE_PARTS_H
#define GN_EXPLAIN_PASSIVE_PARTS_H

#include "base/bits.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pool.h"
#include "explain/passive.h"
#include "wire/tcp.h"

/** Farther than this from the window of its connection, a segment is a stray (1 GiB). */
#define PASSIVE_FAR   ((int32_t)1 << 30)
#define SENT_LOG_MAX  4096            /* segments in flight per end */
#define RTO_FLOOR     (200 * GN_MSEC) /* no timer of ours or Linux's is shorter (tcp_rto_min) */
#define REORDER_FLOOR (3 * GN_MSEC)   /* while no round trip is known */
#define DELACK_FLOOR  (35 * GN_MSEC)  /* an ACK that took that much longer was delayed */

/** One packet as read. */
struct sighting {
    gn_time at;
    uint64_t packet;
    struct gn_endpoint src, dst; /* of an ICMP error: those of the packet it quotes */
    uint16_t ident;              /* IPv4, 0: none */
    bool icmp;
    uint8_t icmp_type, icmp_code;
    struct seg seg; /* the text itself is not looked at; of an ICMP error: seq only */
};

/** What passive_read() says of a packet. */
enum reading { READ_TCP, READ_ICMP, READ_OTHER, READ_FRAGMENT, READ_MALFORMED };

/** A run of octets of one end: seen, or missing where a later one was seen first. */
struct sent {
    seq_t a, b;
    gn_time at;      /* seen last; missing: when it was noticed */
    uint32_t tsval;  /* of the segment that showed the gap */
    uint16_t ident;  /* IPv4, of the last time */
    uint8_t times;   /* seen so often; 0: missing */
    bool text_large; /* as large as any: it shows black holes */
};

/** Sorted, gapless; everything from the oldest octet not acknowledged. */
struct sent_log {
    struct sent *r;
    uint32_t head, n, cap; /* r[head .. head+n) */
};

enum episode { EPISODE_NONE, EPISODE_FAST, EPISODE_TIMEOUT };

/** What is remembered of one end. */
struct watched {
    seq_t iss, nxt, una, acked, fin, recover, sack_high;
    bool has_iss, has_nxt, has_una, has_acked, has_fin, has_sack;
    bool wnd_known, shut;
    uint32_t wnd; /* scaled */
    uint16_t wnd_field;
    enum episode episode;          /* of this end as a sender */
    uint32_t dup_acks;             /* in a row, of this end as a receiver */
    uint64_t syn_by[2], fin_by[2]; /* the last two packets with its SYN, its FIN; 0: none */
    gn_time syn_at[2], fin_at[2];
    uint64_t fin_first;
    uint32_t refuted; /* presumptions about it that were taken back */
    bool syn_had_ack, fin_acked_by_fin;
    bool cut_up;               /* after a large segment in vain, it tries smaller ones */
    bool black_hole;           /* its large segments vanish, small ones pass */
    uint64_t got_syn, got_fin; /* packets by which it got the other's; 0: not proved */
    gn_time got_syn_at, got_fin_at;
    uint64_t syn_acked, fin_acked; /* packets that acknowledged its own; 0: none */
    gn_time syn_acked_at, fin_acked_at;
    gn_time last_at, last_text_at, shut_at;
    uint16_t last_ctl;
    uint32_t last_len, last_ack;   /* of its last segment */
    uint64_t last_text;            /* packet */
    uint32_t probes;               /* keep-alives without an answer */
    gn_time odd_at;                /* its last SYN or RST that does not fit, 0: none */
    gn_time large_at;              /* a large segment was sent a third time, in vain so far */
    gn_time small_at, late_ack_at; /* a lone small segment waits; its ACK came late */
    struct sent_log log;
};

struct flow {
    struct passive_conn conn;
    struct watched end[2];
    struct list link;      /* in passive.live or passive.over */
    uint32_t index, chain; /* own index in the pool; next in the bucket + 1 */
    uint32_t bucket;
};

struct passive {
    struct passive_config c;
    struct mem mem;
    struct pool flows;
    struct siphash_key key;
    uint32_t *table; /* index + 1 */
    uint32_t mask;
    struct list live, over; /* least recently seen first */
    struct passive_stats stats;
    gn_time now;
};

/* --- passive_read.c --- */

/** passive_read() - headers of a packet as a sighting (at, packet excepted) */
enum reading passive_read(const uint8_t *ip, uint32_t captured, uint32_t length,
                          struct sighting *ret, bool *ret_cut);

/* --- passive_sent.c --- */

/** sent_text() - octets [seq, seq + SEG.LEN) of end @e pass: log them, judge whether they are new;
 * returns marks */
uint32_t sent_text(struct passive *p, struct flow *f, unsigned e, const struct sighting *s);
/** sent_acked() - the ACK field and SACK blocks of a segment of end @e; returns marks */
uint32_t sent_acked(struct passive *p, struct flow *f, unsigned e, const struct sighting *s);
/** sent_was_shut() - the window of end @e was shut until now */
void sent_was_shut(struct flow *f, unsigned e, gn_time until);
/** sent_free() - give the log's memory back */
void sent_free(struct passive *p, struct watched *w);
/** sent_front() - the oldest octets of @w not acknowledged, or NULL */
const struct sent *sent_front(const struct watched *w);

/* --- passive_rtt.c --- */

/** rtt_add() - from the observer to an end and back took @span */
void rtt_add(struct passive_rtt *r, gn_time span);
/** rtt_whole() - shortest way to both ends and back; 0: not known */
gn_time rtt_whole(const struct flow *f);

/* --- passive_fsm.c --- */

/** fsm_segment() - what a segment of end @e tells of the states of both; marks are those found */
void fsm_segment(struct flow *f, unsigned e, const struct sighting *s, uint32_t marks);
/** fsm_remember() - a segment as the last one of its end, no more */
void fsm_remember(struct flow *f, unsigned e, const struct sighting *s);
/** fsm_icmp() - an ICMP error about a segment of end @e */
void fsm_icmp(struct flow *f, unsigned e, const struct sighting *s);
/** fsm_step() - end @x goes to @to */
void fsm_step(struct flow *f, unsigned x, const struct passive_step *step);
/** fsm_over() - has the connection ended at both ends? */
bool fsm_over(const struct flow *f);
/** fsm_time() - what follows from @now alone: TIME-WAIT is over */
void fsm_time(struct flow *f, gn_time now);

/* --- passive_reset.c --- */

/** reset_segment() - a RST of end @e */
uint32_t reset_segment(struct flow *f, unsigned e, const struct sighting *s);
/** reset_challenge() - is the segment of end @e an ACK that challenges an odd SYN or RST? */
uint32_t reset_challenge(struct flow *f, unsigned e, const struct sighting *s);

/* --- passive_row.c --- */

/** row_finish() - remarks and totals, before done() */
void row_finish(struct flow *f, gn_time now);

/** last_step() - the latest transition of an end, or NULL */
static inline const struct passive_step *last_step(const struct passive_side *side)
{
    return side->n_steps ? &side->step[side->n_steps - 1] : NULL;
}

/** since() - time from @then to @now, 0 if it went backwards */
static inline gn_time since(gn_time then, gn_time now)
{
    return now > then ? now - then : 0;
}

#endif
