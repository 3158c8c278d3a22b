/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why.h  The rule engine: facts in, findings out.
 *
 * Each rule looks at one connection at a time and says whether it is one of its kind. Those that
 * are get sorted into groups (by process, listener, peer, ...), and the rule judges each group as a
 * whole: is it worth a finding, how bad, who must act, what helps. A group below the rule's
 * threshold is a note: it explains a state in which nothing is wrong, and is kept only if asked
 * for.
 *
 * Memory comes from the caller's arena. If that is too small the result holds what could be found
 * and says that it is not whole. Cost: O(n log n) in the number of connections.
 */
#ifndef GN_EXPLAIN_WHY_H
#define GN_EXPLAIN_WHY_H

#include "explain/facts.h"

enum why_actor { WHY_NOBODY, WHY_PROCESS, WHY_PEER, WHY_NETWORK, WHY_OPERATOR };
enum why_severity { WHY_NOTE, WHY_WARNING, WHY_CRITICAL };
enum why_confidence { WHY_POSSIBLE, WHY_LIKELY, WHY_CERTAIN };

/** What the connections of one finding have in common. */
enum why_by {
    WHY_BY_HOST,     /* nothing: all of them */
    WHY_BY_PROCESS,  /* process */
    WHY_BY_LISTENER, /* one listener */
    WHY_BY_LOCAL,    /* local address and port */
    WHY_BY_PEER,     /* remote address */
    WHY_BY_SERVICE,  /* remote address and port */
    WHY_BY_SERVER,   /* address and port of the end that did not open: see why_server() */
    WHY_BY_PAIR,     /* local and remote address */
    WHY_BY_TUPLE,    /* local address, remote address and port: they share one range of ports */
};

enum why_unit { WHY_COUNT, WHY_OCTETS, WHY_SPAN, WHY_PER_CENT };

struct why_evidence {
    const char *name;
    int64_t value; /* WHY_SPAN: nanoseconds */
    enum why_unit unit;
};

struct why_remedy {
    const char *how;   /* a call, an option, a setting with its value, an action */
    const char *price; /* what it costs or breaks; NULL: nothing */
};

#define WHY_EVIDENCE 10
#define WHY_REMEDIES 3

/** One row of the table of rules. */
struct why_rule;

struct why_finding {
    const struct why_rule *rule;
    enum why_severity severity;
    enum why_confidence confidence;
    enum why_actor actor;
    enum gn_state state; /* of its connections; GN_CLOSED: of no one state */

    enum why_by by;
    uint32_t netns, process, listener; /* indexes into the facts, or FACT_NONE */
    struct gn_endpoint local, remote;  /* as far as @by says */
    uint32_t n_groups; /* above 1: so many peers (...) were put together, for there were too many */

    const uint32_t *conn; /* indexes into facts.conn, the most telling ones first */
    uint32_t n_conns;     /* 0: it follows from counters alone */

    const char *diagnosis; /* one sentence */
    struct why_evidence evidence[WHY_EVIDENCE];
    uint8_t n_evidence;
    const char *unknown; /* what is not known, or NULL */
    const char *settle;  /* what would settle it, or NULL */
    struct why_remedy remedy[WHY_REMEDIES];
    uint8_t n_remedies;

    uint64_t key;    /* the same for the same rule and group in every sample */
    bool compared;   /* a sample before is known: */
    uint32_t before; /* connections in it then */
    gn_time since;   /* when it was first found; facts.now if it is new */
};

/** What of a finding the next sample is compared with. */
struct why_past {
    uint64_t key;
    uint32_t n_conns;
    gn_time since;
};

/** Which connections to look at. All zero: all. */
struct why_filter {
    uint32_t states;             /* bit per state; 0: all */
    uint32_t sport, dport, port; /* 0: any; @port: at either end */
    uint32_t pid;                /* 0: any */
    bool v4, v6;                 /* only these */
};

struct why_options {
    bool notes;   /* keep notes */
    gn_time idle; /* silence that idle-no-keepalive counts as long; 0: an hour */
    struct why_filter filter;
    const struct why_past *past; /* sorted by key; NULL: there was no sample before */
    size_t n_past;
};

/** Memory to be used from the beginning; aligned as malloc() aligns. */
struct why_arena {
    unsigned char *base;
    size_t size, used;
};

struct why_result {
    const struct why_finding *const *finding; /* worst first */
    size_t n_findings;
    size_t n_conns;                   /* looked at */
    size_t n_healthy;                 /* of these, in no warning and nothing critical */
    uint32_t state[GN_STATE_COUNT];   /* of those looked at */
    uint32_t healthy[GN_STATE_COUNT]; /* of the healthy ones */
    bool truncated;                   /* the arena was too small for everything */
};

/** why_explain() - apply all rules. @a is used from a->used on; strings of the result live in it,
 * in @f, or for ever */
void why_explain(const struct facts *f, const struct why_options *o, struct why_arena *a,
                 struct why_result *ret);
/** why_arena_size() - octets that suffice for @f in all but absurd cases */
size_t why_arena_size(const struct facts *f);
/** why_past_of() - what to compare the next sample with, sorted, from the arena; *ret_n rows */
const struct why_past *why_past_of(const struct why_result *r, struct why_arena *a, size_t *ret_n);

/** why_server() - the end of @c that is opened to: the other one while it opens */
const struct gn_endpoint *why_server(const struct fact_conn *c);

/** why_rule_at() - the @i-th rule, NULL: no more */
const struct why_rule *why_rule_at(size_t i);
/** why_rule_find() - by its id, or NULL */
const struct why_rule *why_rule_find(const char *id);
/** why_rule_id() - "close-wait-leak" */
const char *why_rule_id(const struct why_rule *r);
/** why_rule_title() - a line that says what it finds */
const char *why_rule_title(const struct why_rule *r);

/** why_rule_beyond() - what of a rule no capture shows, NULL: it does, or nobody would ask with the
 * connections in @found */
const char *why_rule_beyond(const struct why_rule *r, const struct why_result *found);

/** Names for people and scripts: "process", "critical", "certain", "peer". */
const char *why_actor_name(enum why_actor a);
const char *why_severity_name(enum why_severity s);
const char *why_confidence_name(enum why_confidence c);
const char *why_by_name(enum why_by b);

#endif
