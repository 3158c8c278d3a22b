/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file oracle.h  A second opinion on SEGMENT ARRIVES: what RFC 9293 sec. 3.10.7, amended by RFC
 * 1337, 5961, 6191 and 7323, demands of one segment in one state.
 *
 * It is written from the RFCs' texts as tables, shares no line with src/tcp, and knows nothing but
 * the variables of RFC 9293 sec. 3.3.1 and what a segment carries. Sequence numbers are plain
 * uint32_t; comparisons are its own.
 */
#ifndef TESTS_MATRIX_ORACLE_H
#define TESTS_MATRIX_ORACLE_H

#include <gannet/types.h>

/** The variables of a connection (RFC 9293 3.3.1, RFC 5961 5, RFC 7323 4.3). */
struct block {
    enum gn_state state;
    bool passive; /* came from LISTEN */
    bool orphan;  /* the user has gone: nobody will read what still arrives */
    bool heir;    /* TIME-WAIT: somebody listens on the port */
    uint32_t iss, una, nxt, wnd, wl1, wl2, max_wnd;
    uint32_t irs, rcv_nxt, rcv_wnd;
    bool fin_sent;
    bool ts;         /* timestamps are in use */
    bool ts_offered; /* this host would agree to timestamps */
    uint32_t ts_recent, last_ack_sent;
};

/** A segment, RFC 9293 3.1. @ctl is made of wire/tcp.h's CTL_*. */
struct arrival_seg {
    uint32_t seq, ack, wnd, up, text;
    unsigned ctl;
    bool ts;
    uint32_t tsval;
};

/** What is sent at once. The forms are the RFC's. */
enum reply {
    NOTHING,
    SEND_ACK,     /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, also as challenge */
    SEND_SYN_ACK, /* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
    SEND_RST,     /* <SEQ=SEG.ACK><CTL=RST> */
    SEND_RST_ACK, /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
    SEND_ABORT,   /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK> */
};

struct verdict {
    const char *row;    /* of the table that decided: "SG_07" */
    struct block after; /* state CLOSED: the block is deleted */
    enum reply reply;
    enum gn_err told; /* the error that the user sees, GN_OK: none */
    uint32_t text;    /* octets that the user can read because of it */
    uint32_t held;    /* octets kept beyond a gap */
    bool eof;         /* the user sees the peer's end */
    bool urgent;      /* the user is told of urgent data */
    bool child;       /* a half-open connection was made beside this block */
    bool restart;     /* 2MSL starts again */
    bool acked;       /* the ACK step was passed: SND.* and TS.Recent have their say */
};

/** oldest_ack() - RFC 5961 5.2: the lowest acceptable SEG.ACK. What came before our SYN was never
 * sent
 */
uint32_t oldest_ack(const struct block *b);

/** oracle() - the verdict on @s for @b */
struct verdict oracle(const struct block *b, const struct arrival_seg *s);

#endif
