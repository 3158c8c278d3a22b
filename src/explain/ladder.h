/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ladder.h  The ladder: a conversation between two TCPs drawn as text or as SVG.
 *
 * Events go in, in the order in which they were seen; lines come out through a writer. Each end has
 * its own clock column and its own state column. A segment becomes one arrow on one row where the
 * order of events at both ends allows it; where segments cross it becomes a departure and an
 * arrival, joined by a lane that the rows between show.
 */
#ifndef GN_EXPLAIN_LADDER_H
#define GN_EXPLAIN_LADDER_H

#include "explain/text.h"

#include <gannet/types.h>

enum ladder_kind {
    LADDER_CALL,   /* a user call; @text names it */
    LADDER_SEND,   /* a segment leaves @end */
    LADDER_RECV,   /* a segment arrives at @end */
    LADDER_STATE,  /* @from -> @to because of @cause */
    LADDER_DROP,   /* the segment that has just arrived was not used further, because of @drop */
    LADDER_REMARK, /* @text, about the departure that follows or the arrival before, at @end */
    LADDER_TIMER,  /* a timer fired; @text names it */
    LADDER_NOTE,   /* something worth a line; @text */
};

/** One thing that happened at one end. */
struct ladder_event {
    gn_time at;
    enum ladder_kind kind;
    uint8_t end; /* 0: left, 1: right */
    enum gn_state from, to;
    enum gn_cause cause;
    enum gn_drop drop;
    uint16_t ctl;                /* CTL_* of wire/tcp.h */
    uint32_t seq, ack, len, wnd; /* len: octets of text */
    uint64_t id;      /* pairs the SEND and the RECV of one packet; 0: paired by their numbers */
    const char *text; /* borrowed */
    /* scratch of ladder_text() and ladder_svg() */
    int32_t peer; /* index of the other half of a segment, -1: none */
    bool drawn;
    int32_t y; /* ladder_svg(): height on the page */
};

/** A conversation. */
struct ladder {
    struct ladder_event *events;
    size_t n;
    const char *title;      /* first line; may be NULL */
    const char *name[2];    /* over the lifelines */
    enum gn_state start[2]; /* states before the first event */
    bool seen[2]; /* ends whose events are in the list; of the other only its segments are known */
};

/** How to draw. */
struct ladder_style {
    unsigned width; /* columns in all; below 120 the causes stand under the arrows */
    bool ascii;     /* no box drawing */
    bool colour;    /* ANSI colours */
    bool absolute;  /* absolute SEQ and ACK beneath the relative ones */
};

/** ladder_text() - draw as text. Cost: O(n * segments in flight) */
void ladder_text(struct ladder *l, const struct ladder_style *s, const struct text_writer *w);
/** ladder_svg() - draw as one self-contained SVG 1.1 document; arrows slope with time */
void ladder_svg(struct ladder *l, const struct ladder_style *s, const struct text_writer *w);

/* --- shared by both --- */

/** ladder_prepare() - pair departures with arrivals (first sent, first arrived) and clear the marks
 */
void ladder_prepare(struct ladder *l);
/** ladder_next() - index of the next event of @end after @i that has not been drawn, or -1 */
int32_t ladder_next(const struct ladder *l, size_t i, unsigned end);
/** ladder_label() - "SYN,ACK seq 0 ack 1 len 100" with numbers relative to the initial ones, or
 * absolute as they are */
void ladder_label(const struct ladder *l, const struct ladder_event *e, bool absolute,
                  struct text *t);
/** ladder_iss() - initial sequence number of @end as far as the events tell; false: no segment of
 * it */
bool ladder_iss(const struct ladder *l, unsigned end, uint32_t *ret);
/** ladder_sender() - which end sent the segment of a SEND or RECV event */
unsigned ladder_sender(const struct ladder_event *e);
/** ladder_lost() - did the segment of this SEND never arrive, as far as one can know? */
bool ladder_lost(const struct ladder *l, const struct ladder_event *e);

#endif
