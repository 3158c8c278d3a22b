/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive.h  The passive observer: what both ends of a connection do, told from what passed.
 *
 * Packets go in, in the order of a capture; out come, per connection, the states of both ends with
 * the segments that led there, what was sent again and why, and what else deserves a remark. The
 * observer is not one of the ends, so it keeps three kinds of knowledge apart (struct
 * passive_step):
 *
 *   seen      an end sent it (SYN, FIN, RST), or proved by a later segment that it had received it
 *   presumed  a segment that nobody has to answer (an ACK, a RST) passed, and nothing refuted that
 *             it arrived; a presumption that is refuted is taken back
 *   inferred  it must have happened, but the segment that did it is not in the capture
 *
 * Memory comes from the caller's page source and stays within a budget; connections beyond the
 * limit push out those that are over, then those that were silent for longest.
 */
#ifndef GN_EXPLAIN_PASSIVE_H
#define GN_EXPLAIN_PASSIVE_H

#include "base/seq.h"
#include "explain/facts.h"

#define PASSIVE_STEPS  10            /* transitions kept per end; a life has fewer */
#define PASSIVE_2MSL   (60 * GN_SEC) /* TIME-WAIT as Linux and Gannet keep it */
#define PASSIVE_NOBODY 2             /* neither end 0 nor end 1 */

/** What there is to say of one segment; bits. */
enum passive_mark {
#define PASSIVE_MARK(name, bit, text) PASSIVE_##name = 1 << (bit),
#include "explain/passive_mark.def"
#undef PASSIVE_MARK
};

/** What there is to say of a connection; bits. */
enum passive_remark {
#define PASSIVE_REMARK(name, bit, word, text) PASSIVE_R_##name = 1 << (bit),
#include "explain/passive_remark.def"
#undef PASSIVE_REMARK
};

/** Which rule made a RST. */
enum passive_reset {
#define PASSIVE_RESET(name, rfc, text) PASSIVE_RESET_##name,
#include "explain/passive_reset.def"
#undef PASSIVE_RESET
    PASSIVE_RESET_COUNT
};

/** One transition of one end. */
struct passive_step {
    gn_time at;        /* when the segment that did it passed */
    uint64_t by;       /* its number in the capture; 0: none did */
    uint8_t from, to;  /* enum gn_state */
    uint8_t cause;     /* enum gn_cause */
    bool sent     : 1; /* this end sent that segment; else it received it */
    bool presumed : 1, inferred : 1;
};

/** Round-trip times: from the observer to one end and back. */
struct passive_rtt {
    gn_time min;
    uint32_t n;           /* measured; 0: min says nothing */
    uint16_t kept, every; /* one of @every is kept */
    uint32_t us[32];
};

/** One end, beyond what struct fact_side holds. */
struct passive_side {
    enum gn_state state;
    bool known;                        /* false: nothing tells its state */
    bool heard;                        /* it has sent something */
    bool sack, timestamps, has_wscale; /* offered in its SYN */
    uint8_t wscale;
    uint16_t mss; /* announced, 0: not seen */
    uint8_t n_steps;
    struct passive_step step[PASSIVE_STEPS];
    uint64_t bytes_again; /* octets of text sent again */
    uint32_t tail_probes; /* of retrans: tail loss probes */
    uint32_t needless;    /* of retrans: the other end had acknowledged it already */
    uint32_t duplicates;  /* the same packet twice: copied by the network or the capture */
    uint32_t d_sacks;     /* this end reported text that came twice */
    uint32_t window_probes;
    uint32_t not_captured; /* pieces that the other end acknowledged and nobody saw pass */
    uint32_t fragments;
    uint32_t backoff; /* retransmissions in a row without an answer, now */
    uint32_t max_wnd; /* largest window announced */
    struct passive_rtt rtt;
};

/** One connection. seen.side[i] and side[i] are those of end[i]. */
struct passive_conn {
    uint64_t number;           /* 1 is the first of the capture */
    struct gn_endpoint end[2]; /* 0: who opened it, or was heard first */
    struct passive_side side[2];
    struct fact_seen seen; /* remote_state is not set; see passive_facts() */
    gn_time first, last;
    uint64_t packets;
    uint32_t remarks;         /* enum passive_remark */
    enum passive_reset reset; /* of the first RST that counted */
    uint64_t reset_packet;
    uint8_t near; /* the observer stands close to this end; PASSIVE_NOBODY: not clear */
};

/** One segment, or an ICMP error about one (icmp set: then ctl and lengths are those quoted). */
struct passive_event {
    const struct passive_conn *conn;
    uint64_t packet; /* number in the capture, from 1 */
    gn_time at;
    uint8_t from; /* end */
    bool icmp;
    bool acks; /* its ACK field counts: it has one, and it is no RST */
    uint8_t icmp_type, icmp_code;
    uint8_t n_sack;
    uint16_t ctl;                /* CTL_* of wire/tcp.h */
    uint32_t seq, ack, len, wnd; /* len: text; wnd: scaled as far as the handshake tells */
    uint32_t marks;              /* enum passive_mark */
    seq_t sack[4][2];
    /* scratch of passive_draw() */
    uint32_t arrives; /* index of the segment right after which it arrives */
    bool lost;
};

struct passive_config {
    struct gn_page_source pages;
    uint64_t budget;    /* octets */
    uint32_t max_conns; /* followed at a time, at least 1 */
    uint8_t secret[16]; /* keys the table */
    /** event() - every segment that belongs to a connection; may be NULL */
    void (*event)(void *ctx, const struct passive_event *e);
    /** done() - a connection is given up: the capture has ended, the table is full, or the same
     * endpoints open another one */
    void (*done)(void *ctx, const struct passive_conn *c);
    void *ctx;
};

/** What was not followed. */
struct passive_stats {
    uint64_t packets, tcp, other; /* other: neither TCP nor ICMP about it */
    uint64_t malformed;           /* headers that make no sense, or cut off before TCP's ports */
    uint64_t cut;                 /* text not captured: only headers; all works */
    uint64_t fragments;           /* all but whole packets; not put together */
    uint64_t strays;              /* far outside the window of their connection */
    uint64_t backwards;           /* earlier than the packet before */
    uint64_t conns, pushed_out;   /* given up because the table or the memory was full */
    uint64_t no_memory;           /* packets for whose connection there was none */
};

struct passive;

/** passive_new() - NULL: no memory */
struct passive *passive_new(const struct passive_config *c);
/** passive_free() - without telling; see passive_end() */
void passive_free(struct passive *p);
/**
 * passive_feed() - one packet
 * @at:       when it passed
 * @ip:       from its IP header on, borrowed
 * @captured: octets at @ip
 * @length:   octets that passed
 */
void passive_feed(struct passive *p, gn_time at, const uint8_t *ip, uint32_t captured,
                  uint32_t length);
/** passive_skip() - a packet without an IP header: it has a number, no more */
void passive_skip(struct passive *p, gn_time at);
/** passive_wait() - it is @at now, and nothing has passed since */
void passive_wait(struct passive *p, gn_time at);
/** passive_end() - the capture is over: done() for every connection, in no order */
void passive_end(struct passive *p);
const struct passive_stats *passive_stats(const struct passive *p);
/** passive_now() - the latest time seen */
gn_time passive_now(const struct passive *p);

/** passive_rtt_min() - the whole way and back, 0: not known */
gn_time passive_rtt_min(const struct passive_conn *c);
/** passive_rtt_median() - likewise, of up to 32 samples */
gn_time passive_rtt_median(const struct passive_conn *c);
/** passive_facts() - as the rules want it, seen from end @local; *@seen and *@history
 * (PASSIVE_STEPS rows) are filled and referred to */
void passive_facts(const struct passive_conn *c, unsigned local, gn_time now, struct fact_conn *ret,
                   struct fact_seen *seen, struct gn_transition *history);

/** Sentences and words, never NULL. */
const char *passive_mark_text(enum passive_mark one);
const char *passive_remark_word(enum passive_remark one); /* "zero-window" */
const char *passive_remark_text(enum passive_remark one);
const char *passive_reset_text(enum passive_reset r);
const char *passive_reset_rfc(enum passive_reset r);

#endif
