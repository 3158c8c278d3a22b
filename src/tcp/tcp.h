/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcp.h  The TCP layer as the host sees it: calls, arriving segments, timeouts and output for
 * one block; the two small sizes of connection; and the stateless answers.
 */
#ifndef GN_TCP_TCP_H
#define GN_TCP_TCP_H

#include "tcp/tcb.h"

/* --- a half-open connection of a listener: SYN-RECEIVED, 64 octets, no buffers (SEC-4987-2) --- */

enum { /* half_open.flags */
       HALF_OPEN_ECN = 1,
       HALF_OPEN_WSCALE = OPT_WSCALE, /* these three: the options that both ends want */
       HALF_OPEN_SACK = OPT_SACKOK,
       HALF_OPEN_TS = OPT_TS,
       HALF_OPEN_OPTIONS = HALF_OPEN_WSCALE | HALF_OPEN_SACK | HALF_OPEN_TS,
       HALF_OPEN_REXMIT = 16, /* SYN,ACK was sent more than once: no RTT sample, RFC 6298 5.7 */
       HALF_OPEN_READY =
           32, /* the third ACK has come; the accept queue was full, or text is awaited */
       /* 64 is the host's */
       HALF_OPEN_COOKIE = 128, /* its SYN,ACK brings a Fast Open cookie */
};

struct half_open {
    struct tcp_key key; /* 36 */
    uint32_t irs, iss;
    uint32_t ts_recent;
    uint64_t next : 21, prev : 21; /* index + 1 in the queue of its retry level */
    uint64_t rcv_wscale : 4;       /* what our SYN,ACK said */
    uint64_t answers    : 2;       /* to invalid segments since the last SYN,ACK */
    uint64_t fine       : 11;      /* of stamp, in units of 2^13 ns */
    uint64_t old_wnd    : 1;       /* its SYN,ACK may have announced tcb_opts.syn_wnd */
    uint64_t accecn     : 1;       /* accurate ECN agreed on (RFC 9768) */
    uint64_t no_ect     : 1;       /* but one of us sent a SYN without */
    uint64_t syn_ecn    : 2;       /* IP-ECN field of the SYN, if accecn; if neither that nor
                                      HALF_OPEN_ECN: what later SYNs ask for (half_open.c) */
    uint16_t mss;                  /* the peer's option, or the default */
    uint16_t listener;             /* index */
    uint16_t stamp;                /* when it was sent last, in units of 2^24 ns (16.8 ms) */
    uint8_t flags;
    uint8_t wscale : 4, retries : 4;
};
_Static_assert(sizeof(struct half_open) <= 64, "a half-open connection takes one cache line");

/* half_open_stamp() - when its SYN,ACK left, rounded up; low 32 bits, in units of 2^8 ns */
static inline uint32_t half_open_stamp(const struct half_open *h)
{
    return (uint32_t)h->stamp << 16 | (uint32_t)h->fine << 5;
}

/* --- TIME-WAIT: 64 octets --- */

struct time_wait {
    struct tcp_key key; /* 36 */
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t ts_recent_ms;         /* when, low bits of now in ms */
    uint32_t expires_ms;           /* low bits of now in ms */
    uint64_t next : 24, prev : 24; /* index + 1, in order of expiry */
    uint64_t answered : 16;        /* last answer to an invalid segment, in units of 2^24 ns */
};
_Static_assert(sizeof(struct time_wait) <= 64, "a TIME-WAIT record takes one cache line");
/* whether timestamps were used: key.lport and rport are never 0, so ts_recent_ms == 0 && ts_recent
 * == 0 means "no" */

/* --- calls (RFC 9293 3.10.1-6); the block's tuple is set and the block is in the demux table ---
 */

/** tcp_open() - active OPEN from CLOSED: SYN-SENT, the SYN leaves with tcp_output() */
void tcp_open(struct tcb *t, const struct tcp_env *e);
/** tcp_open_half() - a half-open connection is acknowledged: LISTEN, SYN-RECEIVED, ESTABLISHED;
 * then @s is processed as in 3.10.7.4 from step 5 on. @ts_offset: tcp_ts_offset() of it */
void tcp_open_half(struct tcb *t, const struct tcp_env *e, const struct half_open *h,
                   uint32_t ts_offset, const struct seg *s, enum gn_cause cause);
enum tfo_cookie_verdict {
    TFO_COOKIE_NONE, /* none, or not one of ours */
    TFO_COOKIE_OLD,  /* ours, and it will soon be none: give another */
    TFO_COOKIE_GOOD,
};
/** tcp_cookie_check() - the Fast Open cookie of a SYN that has the option */
enum tfo_cookie_verdict tcp_cookie_check(const struct tcp_env *e, const struct seg *syn);
/** tcp_open_fast() - a SYN with a good cookie: LISTEN, SYN-RECEIVED, with its text taken */
void tcp_open_fast(struct tcb *t, const struct tcp_env *e, const struct seg *syn, bool new_cookie);
/** tcp_fastopen_room() - octets of text that our SYN, if it left now, could take along; with room
 * for all options that there may ever be */
uint32_t tcp_fastopen_room(const struct tcb *t, const struct tcp_env *e);
int64_t tcp_send(struct tcb *t, const struct tcp_env *e, const void *buf, size_t len,
                 unsigned flags);
int tcp_send_room(struct tcb *t, const struct tcp_env *e, size_t want, struct gn_room ret[2]);
int64_t tcp_send_commit(struct tcb *t, const struct tcp_env *e, size_t len, unsigned flags);
int64_t tcp_recv(struct tcb *t, const struct tcp_env *e, void *buf, size_t len, unsigned flags);
/** tcp_recv_urgent() - the urgent octet alone: 1, 0 (the end came instead), GN_E_INVALID (none, or
 * in line), GN_E_WOULD_BLOCK (announced, not arrived) */
int64_t tcp_recv_urgent(struct tcb *t, void *buf, size_t len, unsigned flags);
/** tcp_mark() - octets from the next one to be read to the urgent one; false: none is pending */
bool tcp_mark(const struct tcb *t, uint32_t *ret);
int tcp_recv_data(struct tcb *t, struct gn_span ret[2]);
enum gn_err tcp_recv_done(struct tcb *t, const struct tcp_env *e, size_t len);
/** tcp_close() - CLOSE: FIN after what is queued */
enum gn_err tcp_close(struct tcb *t, const struct tcp_env *e);
enum gn_err tcp_shutdown_read(struct tcb *t, const struct tcp_env *e);
/** tcp_detach() - the user has gone (sockets close()): tcp_close(), or RST if unread data is left;
 * orphan from now on */
void tcp_detach(struct tcb *t, const struct tcp_env *e);
void tcp_abort(struct tcb *t, const struct tcp_env *e, enum gn_cause cause, enum gn_err error);
/** tcp_answer() - queue the ACK of a block that will not be there to send it. The right edge of the
 * window may move, never left */
void tcp_answer(struct tcb *t, const struct tcp_env *e);
/** tcp_readiness() - GN_EV_* bits that hold now */
unsigned tcp_readiness(const struct tcb *t, const struct tcp_env *e);
/** tcp_want_write() - GN_EV_WRITABLE as soon as SEND has room worth waking for; that may be now */
void tcp_want_write(struct tcb *t, const struct tcp_env *e);
enum gn_err tcp_set_option(struct tcb *t, const struct tcp_env *e, enum gn_opt o, uint64_t value);
enum gn_err tcp_get_option(const struct tcb *t, const struct tcp_env *e, enum gn_opt o,
                           uint64_t *ret);

/* --- events; afterwards the host looks at state, events, tcp_wants_output() and tcp_deadline() ---
 */

/** tcp_segment_arrives() - 3.10.7.3 and .4, for a block in SYN-SENT or beyond */
enum gn_drop tcp_segment_arrives(struct tcb *t, const struct tcp_env *e, const struct seg *s);
/** tcp_predicted() - take those of the @n segments, which came together, up to the first that
 * tcp_segment_arrives() has to judge; how many. For each the effect is that of
 * tcp_segment_arrives(), which would drop none of them */
unsigned tcp_predicted(struct tcb *t, const struct tcp_env *e, const struct seg *s, unsigned n);
/** tcp_icmp_error() - an ICMP error quotes this connection (RFC 5927); @seq as quoted. @error: what
 * it means for a SYN;
 *  @hard: may abort in SYN-SENT; @mtu: for frag-needed and packet-too-big, else 0 */
enum gn_drop tcp_icmp_error(struct tcb *t, const struct tcp_env *e, seq_t quoted, enum gn_err error,
                            bool hard, uint32_t mtu);
/** tcp_mtu_changed() - the MTU of the connection's interface, or the interface, is another; it was
 * @was before, and e->mtu is the new one */
void tcp_mtu_changed(struct tcb *t, const struct tcp_env *e, uint32_t was);
/** tcp_prune() - memory is short: throw away what arrived out of order. Its SACKs are taken back,
 * which RFC 2018 8 allows for this reason; the peer sends it again */
void tcp_prune(struct tcb *t, const struct tcp_env *e);
/** tcp_timeouts() - carry out whatever is due at e->now */
void tcp_timeouts(struct tcb *t, const struct tcp_env *e);
deadline_t tcp_deadline(const struct tcb *t);
/** tcp_timers_unusual() - does any timer run that hardly ever does? */
static inline bool tcp_timers_unusual(const struct tcb *t)
{
    return (t->rec.reo_at.raw | t->persist_at.raw | t->keepalive_at.raw | t->user_at.raw |
            t->sws_at.raw | t->pmtu_at.raw) != 0 ||
           t->rec.rate;
}
/** tcp_deadline_usual() - tcp_deadline() if none does, for a block that is not CLOSED */
static inline deadline_t tcp_deadline_usual(const struct tcb *t)
{
    deadline_t d = deadline_min(deadline_min(t->rec.rto_at, t->rec.pto_at), t->state_at);

    return t->ack_now ? d : deadline_min(d, t->delack_at);
}
/** tcp_unusual() - is anything under way that nearly always is not? */
static inline bool tcp_unusual(const struct tcb *t)
{
    return (t->unusual | t->rec.unusual | t->rec.sent.resend) != 0;
}
/** tcp_wants_any() - tcp_wants_output() then, for a block that owes no ACK */
bool tcp_wants_any(const struct tcb *t);
/** tcp_wants_usual() - tcp_wants_output() else, for a block that is not CLOSED */
static inline bool tcp_wants_usual(const struct tcb *t)
{
    if (t->ack_now)
        return true;
    return t->fin_queued ? !t->fin_sent : t->sndbuf.len != seq_span(t->snd.una, t->snd.nxt);
}
/** tcp_wants_output() - cheap: may be true when tcp_output() will find nothing, never the reverse
 */
static inline bool tcp_wants_output(const struct tcb *t)
{
    if (t->state == GN_CLOSED)
        return false;
    return tcp_unusual(t) && !t->ack_now ? tcp_wants_any(t) : tcp_wants_usual(t);
}
/** tcp_output_last() - tcp_output() if all that waits, text, FIN or an ACK, fits one segment, and
 * nothing stands in its way: then tcp_wants_output() is false afterwards. False, and nothing has
 * happened, if not so. A test sends the same by both ways */
bool tcp_output_last(struct tcb *t, const struct tcp_env *e, struct seg *ret);
/** tcp_output_any() - tcp_output() for all blocks there are */
bool tcp_output_any(struct tcb *t, const struct tcp_env *e, struct seg *ret);
/** tcp_output() - the next segment to send, or false. Its text is borrowed from the send buffer
 * until the next call on this block. The segment counts as sent */
static inline bool tcp_output(struct tcb *t, const struct tcp_env *e, struct seg *ret)
{
    return tcp_output_last(t, e, ret) || tcp_output_any(t, e, ret);
}
/** tcp_mss() - payload octets that fit one segment now, options counted (MUST-16) */
uint32_t tcp_mss(const struct tcb *t, const struct tcp_env *e);

/* --- without a block --- */

/** tcp_closed_arrives() - 3.10.7.1: RST or nothing, by way of env_reply() */
enum gn_drop tcp_closed_arrives(const struct tcp_env *e, const struct seg *s);

/** tcp_listen_arrives() - 3.10.7.2: judge a segment for a listener. GN_DROP_NONE: it is a good SYN,
 * make a half-open entry or send a cookie; else what to do is done (RST replies included) */
enum gn_drop tcp_listen_arrives(const struct tcp_env *e, const struct seg *s);
/** half_open_window() - octets of window that the SYN,ACK of @h announces, and that what comes of
 * it begins with: no less than o->syn_wnd if it may have announced that (SHLD-14) */
uint16_t half_open_window(const struct half_open *h, const struct tcb_opts *o);
/** half_open_init() - from a good SYN; chooses ISS; options as the knobs allow. Returns the
 * timestamp offset, for half_open_reply_with() */
uint32_t half_open_init(struct half_open *h, const struct tcp_env *e, const struct seg *syn,
                        const struct tcb_opts *o, uint16_t listener);
/** half_open_reply() - queue its SYN,ACK */
void half_open_reply(const struct half_open *h, const struct tcp_env *e, const struct tcb_opts *o);
/** half_open_reply_with() - the same; @ts_offset is known */
void half_open_reply_with(const struct half_open *h, const struct tcp_env *e,
                          const struct tcb_opts *o, uint32_t ts_offset);

enum half_open_verdict {
    HALF_OPEN_KEEP,      /* nothing changes */
    HALF_OPEN_DELETE,    /* RST, to us or by us: forget it */
    HALF_OPEN_ESTABLISH, /* a good ACK: make a block, tcp_open_half() */
};
/** half_open_arrives() - 3.10.7.4 for SYN-RECEIVED of a passive open */
enum gn_drop half_open_arrives(struct half_open *h, const struct tcp_env *e, const struct seg *s,
                               const struct tcb_opts *o, enum half_open_verdict *ret);

/** The window scale that a listener's SYN,ACKs with cookies announce: all of a slot of time the
 * same, and known for as long as the cookies of that slot are good. */
struct cookie_scale {
    uint32_t slot;    /* the last in which one was announced, plus 1; 0: none was */
    uint8_t shift[2]; /* in even slots, in odd ones */
};

/** syncookie_reply() - SYN,ACK that carries everything in its ISS (and timestamp), but our window
 * scale, which goes to @scale */
void syncookie_reply(const struct tcp_env *e, const struct seg *syn, const struct tcb_opts *o,
                     struct cookie_scale *scale);
/** syncookie_check() - is this ACK the answer to a cookie of ours? Then *ret is what a half-open
 * entry would have been, whatever knobs and buffers have become since */
bool syncookie_check(const struct tcp_env *e, const struct seg *s, const struct cookie_scale *scale,
                     uint16_t listener, struct half_open *ret);

/** time_wait_init() - what is left of a block in TIME-WAIT; when it expires is up to the caller */
void time_wait_init(struct time_wait *w, const struct tcp_env *e, const struct tcb *t);

enum time_wait_verdict {
    TIME_WAIT_KEEP,
    TIME_WAIT_RESTART, /* 2MSL starts again */
    TIME_WAIT_DELETE,  /* RST accepted (tcp_rfc1337 = 0) */
    TIME_WAIT_SYN, /* a SYN that may open a new incarnation (RFC 6191); its ISS must exceed snd_nxt
                      (TW-8) */
};
enum gn_drop time_wait_arrives(struct time_wait *w, const struct tcp_env *e, const struct seg *s,
                               enum time_wait_verdict *ret);

/** key_hash() - a keyed function of the tuple */
uint64_t key_hash(const struct siphash_key *secret, const struct tcp_key *k);
/** tcp_numbers() - tcp_isn() and tcp_ts_offset() for the price of one */
seq_t tcp_numbers(const struct tcp_env *e, const struct tcp_key *k, uint32_t *ret_ts_offset);
/** tcp_isn() - RFC 6528 */
seq_t tcp_isn(const struct tcp_env *e, const struct tcp_key *k);
/** tcp_ts_offset() - per tuple (RFC 7323 5.4), 0 if tcp_timestamps is 2 */
uint32_t tcp_ts_offset(const struct tcp_env *e, const struct tcp_key *k);
/** tcp_ts_clock() - timestamp clock without offset: milliseconds of now */
static inline uint32_t tcp_ts_clock(gn_time now)
{
    return (uint32_t)(now / GN_MSEC);
}

#endif
