/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcb.h  The transmission control block: one connection as plain data (RFC 9293 sec. 3.3.1).
 */
#ifndef GN_TCP_TCB_H
#define GN_TCP_TCB_H

#include "base/list.h"
#include "base/ranges.h"
#include "base/ring.h"
#include "base/time.h"
#include "recovery/recovery.h"
#include "tcp/env.h"
#include "wire/tcp.h"

#include <gannet/host.h>

/** One remembered transition in 8 octets, from the most significant bits on: 48 of microseconds
 * (40 would wrap in 12 days), 4 of the state from which, 4 of the one to which, 8 of the cause. */
struct tcb_past {
    uint64_t word;
};

/** How the user set this connection up; copied from the listener to what it accepts. */
struct tcb_opts {
    bool nodelay : 1, cork : 1, quickack : 1, keepalive : 1, oobinline : 1, state_events : 1;
    bool recverr      : 1;                   /* ICMP errors are told at once */
    bool soft_errors  : 1;                   /* GN_EV_SOFT_ERROR wanted (SHLD-20) */
    bool sndbuf_fixed : 1, rcvbuf_fixed : 1; /* set by the user: no auto-tuning */
    bool reuseaddr : 1, reuseport : 1, v6only : 1;
    uint8_t ttl, tos;
    uint8_t pmtu;            /* enum gn_pmtu */
    uint8_t keepcnt, syncnt; /* 0: the knob's */
    uint8_t cc;
    uint16_t maxseg;          /* 0: from the MTU */
    uint16_t syn_wnd;         /* listener: what some SYN,ACKs have announced (half_open.c) */
    uint32_t keepidle_s;      /* 0: the knob's */
    uint32_t keepintvl_ms;    /* 0: the knob's */
    uint32_t user_timeout_ms; /* 0: the knob's; UINT32_MAX: never */
    uint32_t linger2_ms;      /* 0: the knob's */
    uint32_t defer_accept_ms;
    uint16_t fastopen;        /* listener: most blocks that Fast Open may make at a time */
    uint8_t fastopen_connect; /* 1: the SYN may take text along, 2: and waits for it */
    uint32_t rcvlowat, notsent_lowat;
    uint32_t max_pacing_rate; /* octets per second; 0: no limit */
    uint32_t window_clamp;    /* octets; UINT32_MAX: no limit */
    uint32_t sndbuf, rcvbuf;  /* octets */
};

/** Accurate ECN (RFC 9768): what has arrived with which mark, and what the peer says of that. */
struct accecn {
    bool on           : 1; /* in SYN-SENT: asked for; then: agreed on */
    bool no_ect       : 1; /* no ECT is sent, not even by RFC 3168 (!on) */
    bool deaf         : 1; /* the path falsifies it: feedback is given, not taken */
    bool third_ack    : 1; /* the SYN,ACK is not answered yet: how it came is to be told */
    bool heard        : 1; /* the first counter of the peer has come */
    bool opt_heard    : 1; /* the peer's options get through */
    bool opt_bad      : 1; /* ... but not as they were sent */
    bool opt_last     : 1; /* the last segment that left had one of ours */
    unsigned opt_lost : 2; /* so many in turn seem to have been lost with theirs */
    bool client       : 1; /* a SYN,ACK answered our SYN */
    bool syn_ce       : 1; /* ... and is counted, being marked CE */
    bool last_ce      : 1; /* the last segment was */
    unsigned asked    : 2; /* enum ecn_offer: what the peer's SYNs have asked for */
    unsigned syn_ecn  : 2; /* IP-ECN field of the peer's SYN or SYN,ACK */
    unsigned last_ecn : 2; /* of the last text */
    unsigned changed  : 3; /* counters of r_byte that have, since the last option */
    unsigned marks    : 3; /* that arrived since the last ACK; 7 at most */
    unsigned demand   : 2; /* so many options are to be sent soon */
    unsigned all_ce   : 5; /* so many segments, the first, came marked, all; or ALL_CE */
    uint16_t acked;        /* segments that an ACK covers, on average; sixteenths */
    uint32_t r_cep, s_cep; /* segments marked CE: that arrived here; that the peer tells of */
    uint32_t r_byte[3], s_byte[3]; /* octets of text by mark: e0b, ceb, e1b */
    gn_time opt_at;                /* the last option left */
    uint32_t opt_octets;           /* what r_byte came to in it */
    uint32_t opt_cep;              /* what s_cep came to at the peer's last option */
};

/** A block. What segments, calls and timers look at again and again lies together, so that a visit
 * means few cache lines: from the end of `rec` to the beginning of `acc`. What is before and behind
 * belongs to opening, to loss and to the rarer extensions. */
struct tcb {
    struct recovery rec;

    deadline_t delack_at, persist_at, sws_at, user_at;
    deadline_t state_at; /* FIN-WAIT-2 or TIME-WAIT; an orphan's progress */
    deadline_t keepalive_at;
    deadline_t pmtu_at; /* path_mtu holds until then */

    struct ring sndbuf; /* front is snd.una (without a SYN octet) */
    struct ring rcvbuf; /* front is the next octet to be read; in-order end is rcv.nxt */
    struct ranges ooo;  /* octets in rcvbuf beyond rcv.nxt */

    struct {
        uint32_t recent; /* TS.Recent */
        uint32_t offset; /* added to the clock, keyed by the tuple */
        gn_time recent_at;
    } ts;

    struct {
        uint16_t high; /* the search for a larger path MTU goes so far; 0: there is none (pmtu.c) */
        uint16_t size; /* of the probe that is out; 0: none is */
        gn_time at;    /* no probe before */
    } search;

    struct {
        seq_t una, nxt;   /* nxt is the highest ever sent + 1; it never goes back */
        uint32_t wnd;     /* octets, scaled (REC-1) */
        uint32_t max_wnd; /* largest ever seen (RFC 5961 5, SWS) */
        seq_t wl1, wl2;
        seq_t up; /* urgent pointer, RFC 9293's meaning: the octet after the urgent ones */
        seq_t iss;
        uint8_t wscale;
    } snd;

    struct {
        seq_t nxt;
        seq_t edge;     /* right edge announced last: RCV.NXT + RCV.WND; the field may say up to a
                         * unit of the scale more (window.c) */
        seq_t max_edge; /* largest right edge ever announced (RFC 7323 2.4) */
        seq_t acked;    /* RCV.NXT in the last ACK sent: Last.ACK.sent */
        seq_t up;
        seq_t irs;
        uint8_t wscale;
    } rcv;

    struct range dsack; /* to report once (RFC 2883); empty if a == b */

    /* the host's: how the block is found and queued */
    struct list ready; /* has something to send */
    struct list event; /* has events to tell */
    struct list link;  /* accept queue, list of those that are awake, or of orphans */
    struct conn *conn;
    uint64_t fast_of; /* fast_child: handle of the listener that counts it */

    struct tcp_key key;

    uint8_t state;  /* enum gn_state; written by tcb_enter() alone */
    uint8_t n_past; /* transitions so far: states only go on, so there are never many */
    int8_t error;   /* enum gn_err that ended the connection or is pending (SO_ERROR) */
    uint8_t env;    /* the host's: interface and family, see env_of() */

    union {
        struct {
            bool passive  : 1; /* opened by a listener (MUST-11) */
            bool accepted : 1; /* the user has its handle */
            bool ack_now  : 1; /* an ACK is owed at once; tcp_output() pays */

            /* negotiated */
            bool ts_ok : 1, sack_ok : 1, ws_ok : 1, ecn_ok : 1;

            bool interactive : 1; /* our text answers the peer's: ACKs ride on it */
            bool want_write  : 1; /* a SEND was short: tell when there is room */
            bool urg_taken   : 1; /* the octet before rcv.up was read by itself */
            bool fast_tried  : 1; /* our SYN had the option of Fast Open */
            bool syn_text    : 1; /* text came or went with a SYN, and was accepted */

            /* how it ends */
            bool orphan     : 1; /* the user has gone */
            bool fin_queued : 1; /* CLOSE was called: FIN follows the send buffer's last octet */
            bool fin_sent   : 1; /* FIN is below snd.nxt */
            bool fin_acked  : 1;
        };
        uint16_t traits; /* all these at once, for tcp/rest.c */
    };
    int8_t soft_error; /* trouble that need not last (MUST-56); over with the next good ACK */
    bool fin_rcvd;     /* the peer's FIN is below rcv.nxt */

    union {
        struct {
            bool shut_rd : 1; /* nobody will read: text is acknowledged and thrown away */

            /* intentions: recorded by the steps, carried out by tcp_output() */
            bool synack_again  : 1; /* SYN-RECEIVED: a duplicate SYN asks for our SYN,ACK */
            bool ooo_fin       : 1; /* fin_seq is where the peer's FIN will be */
            bool keepalive_due : 1, wprobe_due : 1, sws_expired : 1;
            bool more       : 1; /* GN_SEND_MORE on the last SEND */
            bool doubt_path : 1; /* R1 is reached: the host shall look at the route (MUST-20) */

            /* Fast Open */
            bool fast_child  : 1; /* came from a SYN with a cookie, our SYN is not acknowledged */
            bool cookie_due  : 1; /* and gets a new one */
            bool syn_waits   : 1; /* our SYN waits for the first SEND */
            bool fast_failed : 1; /* and was lost: for the host to remember */

            bool ecn_echo : 1, ecn_cwr : 1; /* RFC 3168: send ECE; CWR on the next new text */
            bool urg_snd : 1;               /* snd.up is ahead of what is acknowledged */
            bool urg_due : 1;               /* it is behind a closed window: tell of it */
            bool urg_rcv : 1;               /* the user has not read beyond rcv.up */
        };
        uint32_t unusual; /* all these at once: 0 nearly always */
    };

    uint16_t events;        /* GN_EV_* not yet taken by the user */
    uint8_t probes;         /* unanswered keep-alive or window probes */
    uint8_t quick;          /* ACKs that leave at once */
    uint16_t rcv_mss_guess; /* size of the peer's full segments, for delayed ACKs */
    uint16_t send_mss;      /* SendMSS: the peer's option or 536/1220 */
    uint32_t last_tick;     /* tcp_ts_clock() of last_out */
    uint16_t path_mtu;      /* 0: the interface's */
    uint8_t persist_shift;
    bool hashed; /* the tuple is in the demux table */

    gn_time last_in, last_out;
    gn_time text_at; /* last text of the peer; 0: none yet */
    uint64_t segs_in, segs_out, bytes_received, bytes_sent;

    struct tcb_opts opts;
    uint32_t room; /* given by tcp_send_room(), and no commit yet; here it costs no memory */

    struct {                 /* receive buffer auto-tuning (rcvbuf.c) */
        gn_time since;       /* the present round trip began */
        uint64_t octets;     /* read by the user since then */
        uint64_t space;      /* most that was ever read in a round trip */
        gn_time rtt, rtt_at; /* of the receiver; 0: none measured. And when */
        gn_time marked_at;   /* with marked: when the ACK to be timed left */
        uint32_t mark;       /* its timestamp, or the right edge it announced */
        bool marked;
    } drs;

    struct accecn acc;

    gn_time created;
    gn_time invalid_at; /* last reply to an invalid segment (tcp_invalid_ratelimit) */
    uint64_t bytes_acked, bytes_retrans;
    struct tcb_past past[GN_HISTORY];
    struct range sack[3]; /* most recent first: what SACK reports (RFC 2018 4) */
    seq_t fin_seq;        /* with ooo_fin: where the peer's FIN will be */
    seq_t orphan_mark;    /* SND.UNA when state_at was armed for an orphan */
    uint32_t block;       /* the host's: in the pool of blocks */
    uint32_t listener;    /* index of the listener it waits in, UINT32_MAX if none */
};

/** tcb_opts_default() - as the knobs say; a listener keeps one of these for what it accepts */
void tcb_opts_default(struct tcb_opts *o, const struct gn_conf *c);
/** tcb_begin() - CLOSED, with the options @o; the tuple is set, nothing is allocated, and when it
 * began is for who opens it to say */
void tcb_begin(struct tcb *t, const struct tcp_key *key, const struct tcb_opts *o);
/** tcb_init() - the same with all defaults from the knobs */
void tcb_init(struct tcb *t, const struct tcp_env *e, const struct tcp_key *key);
/** tcb_free() - give all buffers back */
void tcb_free(struct tcb *t, const struct tcp_env *e);
/** tcb_fault() - the first invariant of INV-01..04 and of the state that does not hold, as text;
 * NULL: all do. For a block that is neither CLOSED nor LISTEN; walks */
const char *tcb_fault(const struct tcb *t);
/** tcb_check() - the invariants of requirements INV-01..07 and of the state; ASSERTs; walks */
void tcb_check(const struct tcb *t);
/** tcb_status() - STATUS */
void tcb_status(const struct tcb *t, const struct tcp_env *e, struct gn_status *ret);
/** tcb_rcv_wnd() - RCV.WND: what the peer may still send by what it was told */
static inline uint32_t tcb_rcv_wnd(const struct tcb *t)
{
    int32_t w = seq_diff(t->rcv.edge, t->rcv.nxt);

    return w > 0 ? (uint32_t)w : 0;
}

#endif
