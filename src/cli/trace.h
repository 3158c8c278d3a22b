/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trace.h  What `gannet trace` has seen: one row a connection, and all segments of one of
 * them.
 */
#ifndef GN_CLI_TRACE_H
#define GN_CLI_TRACE_H

#include "cli/buf.h"
#include "explain/passive.h"
#include "probe/capture.h"

#define TRACE_CONNS    65536   /* followed at a time, unless asked otherwise */
#define TRACE_ROWS     100000  /* connections listed */
#define TRACE_SEGMENTS 1000000 /* of the connection to be drawn, kept */

/** All zero: nothing seen. */
struct trace {
    struct passive_conn *row; /* sorted by number once the capture is over */
    size_t n_rows, cap_rows;
    uint64_t rows_left_out;
    uint64_t wanted;           /* number of the connection to be drawn, 0: none */
    struct passive_event *seg; /* its segments; conn is not set */
    size_t n_segs, cap_segs;
    bool segs_left_out;
    struct passive_stats stats;
    gn_time first, last; /* of all packets; live: last is when listening ended */
    uint64_t missed;     /* live: lost for want of buffers */
    bool broken;
    char error[CAPTURE_ERROR]; /* why it is broken */
    const char *link_name;
    char source[160];
};

/** What to look at. Exactly one of @path and @iface is given. */
struct trace_request {
    const char *path, *iface;
    const char *filter; /* NULL: none */
    uint64_t conns;     /* followed at a time */
    uint64_t seconds;   /* live: for so long; 0: until trace_interrupt() */
    bool tell;          /* live: say on standard error that it has begun */
};

/** trace_run() - read all of a capture into @t, whose `wanted` is set; false: nothing could be
 * read, *ret_why (@n octets) says why in one line */
bool trace_run(const struct trace_request *q, struct trace *t, char *ret_why, size_t n);
/** trace_interrupt() - a capture that runs ends; may be called from a signal handler */
void trace_interrupt(void);
/** trace_free() - all zero again */
void trace_free(struct trace *t);
/** trace_table() - a row a connection, remarks explained, what was not followed; @at most rows */
void trace_table(const struct trace *t, size_t most, bool ascii, struct buf *b);
/** trace_json() - everything as one object but for what the caller adds before its closing brace */
void trace_json(const struct trace *t, struct json *j);
/** trace_row() - the row of connection @number, or NULL */
const struct passive_conn *trace_row(const struct trace *t, uint64_t number);
/** trace_plot() - sequence numbers by time as SVG, a panel for each direction that carried text */
void trace_plot(const struct trace *t, const struct passive_conn *c, struct buf *b);

#endif
