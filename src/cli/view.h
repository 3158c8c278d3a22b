/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file view.h  Connections as people and scripts read them: the columns of ss, filters, JSON.
 */
#ifndef GN_CLI_VIEW_H
#define GN_CLI_VIEW_H

#include "cli/buf.h"

#include <gannet/host.h>

/** Which connections, and what of them. All zero: every connected one, one line each. */
struct view {
    bool timers, internals, history, listening, all, json, no_header, only_v4, only_v6, ascii;
    bool handles;          /* only what has one, as "HANDLE LOCAL -> REMOTE STATE" */
    uint32_t states;       /* bit per state; 0: by @listening and @all */
    uint32_t sport, dport; /* 0: any */
};

/** view_word() - one word of a request: "timers", "states=ESTABLISHED,TIME-WAIT", "sport=80";
 * false: no such word */
bool view_word(struct view *v, const char *word);
/** view_request() - the same words, for sending */
void view_request(const struct view *v, struct buf *b);
/** view_states() - add a state or a group by the names of the RFC, of ss or of Linux; false: no
 * such name */
bool view_states(struct view *v, const char *name);
bool view_matches(const struct view *v, const struct gn_status *s);
/** view_header() - the line over the columns */
void view_header(struct buf *b);
/** view_status() - one connection, as the options say; text */
void view_status(const struct view *v, const struct gn_status *s, gn_time now, struct buf *b);
/** view_handle() - one connection, if it has a handle, as a line for programs */
void view_handle(const struct gn_status *s, struct buf *b);
/** view_status_json() - one connection as an object; @name as json_open() */
void view_status_json(const struct gn_status *s, const char *name, gn_time now, struct json *j);
/** view_transition_json() - one, with its cause, as an element of an array */
void view_transition_json(const struct gn_transition *t, gn_time now, struct json *j);
/** view_summary() - counts by state, drops and counters of a host; text or JSON object */
void view_summary(const struct gn_stats *st, bool json, struct buf *b);
/** view_transitions() - which transitions were made, and how often: a table of the states visited
 */
void view_transitions(const struct gn_stats *st, struct buf *b);
/** view_endpoint() - "10.0.0.1:80", "[fd00::1]:80", "*:80" */
void view_endpoint(const struct gn_endpoint *e, struct buf *b);
/** view_endpoint_seen() - of a packet: "0.0.0.0:0" is what it says, no wildcard */
void view_endpoint_seen(const struct gn_endpoint *e, struct buf *b);
/** view_host() - every matching connection of @h, with header or as a JSON array */
void view_host(const struct view *v, const struct gn_host *h, gn_time now, struct buf *b);
/** view_bbr_phase() - "ProbeBW_UP", ...; "" for none */
const char *view_bbr_phase(enum gn_bbr_phase phase);
/** timer_name() - "retransmission", ... */
const char *timer_name(enum gn_timer t);

#endif
