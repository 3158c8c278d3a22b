/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules.h  What the rules share: how one is written, the context they look from, sentences.
 *
 * A rule is a row of rules.def and two functions: rule_X_match(), is this connection one of its
 * kind? and rule_X_judge(), what is to be said of a group of them? A rule that is about the whole
 * machine has no states and is judged once, with an empty group. Judges return false when there is
 * nothing to say, and lower the severity to WHY_NOTE when all is well.
 */
#ifndef GN_EXPLAIN_RULES_H
#define GN_EXPLAIN_RULES_H

#include "explain/text.h"
#include "explain/why.h"

/** A set of addresses, open addressing. */
struct rule_peers {
    const struct fact_conn **slot;
    size_t mask;
};

/** What a rule looks from. */
struct rules {
    const struct facts *f;
    const struct why_options *o;
    struct why_arena *a;
    uint8_t *listening; /* bit per local port on which somebody listens */
    struct rule_peers alive;
    uint32_t n_conns;
    bool truncated;
};

/** Connections that a rule judges together. */
struct rule_group {
    const uint32_t *conn;
    uint32_t n, n_groups;
    const struct fact_conn *first; /* NULL: empty */
    bool compared;                 /* as in struct why_finding */
    uint32_t before;
    gn_time since;
};

struct why_rule {
    const char *id, *title;
    bool (*match)(const struct rules *w, const struct fact_conn *c);
    bool (*judge)(struct rules *w, const struct rule_group *g, struct why_finding *out);
    enum why_by by;
    uint16_t states; /* bit per state it looks at; 0: the whole machine */
    bool merge;      /* may many groups be put together? */
    uint8_t where;   /* enum rule_where */
};

/** Does a capture show it, and if not, what of it does none show? */
enum rule_where {
    ON_WIRE,
#define BEYOND(name, states, what) name,
#include "explain/beyond.def"
#undef BEYOND
};

#define RULE(name, id, states, by, merge, title, where)                         \
    bool rule_##name##_match(const struct rules *w, const struct fact_conn *c); \
    bool rule_##name##_judge(struct rules *w, const struct rule_group *g, struct why_finding *out);
#define RULE_HOST(name, id, title, where) \
    bool rule_##name##_judge(struct rules *w, const struct rule_group *g, struct why_finding *out);
#include "explain/rules.def"
#undef RULE
#undef RULE_HOST

#define STATE_BIT(s) (uint16_t)(1u << (s))
/* states in which text or a FIN of ours may be on its way */
#define STATES_SENDING                                                                 \
    (STATE_BIT(GN_ESTABLISHED) | STATE_BIT(GN_CLOSE_WAIT) | STATE_BIT(GN_FIN_WAIT_1) | \
     STATE_BIT(GN_CLOSING) | STATE_BIT(GN_LAST_ACK))
/* states in which an active OPEN keeps its local port */
#define STATES_WITH_PORT \
    (STATES_SENDING | STATE_BIT(GN_SYN_SENT) | STATE_BIT(GN_FIN_WAIT_2) | STATE_BIT(GN_TIME_WAIT))

/* --- memory --- */

/** rules_alloc() - zeroed memory from the arena, NULL and marked truncated: no more */
void *rules_alloc(struct rules *w, size_t n);

/* --- sentences --- */

enum say_kind { SAY_NUMBER, SAY_SPAN, SAY_OCTETS, SAY_TEXT, SAY_NAME, SAY_ADDR, SAY_END };
struct say {
    enum say_kind kind;
    int64_t n;
    const char *s;
    const struct gn_endpoint *e;
};
#define NUM(x)    ((struct say){SAY_NUMBER, (int64_t)(x), NULL, NULL})
#define SPAN(x)   ((struct say){SAY_SPAN, (int64_t)(x), NULL, NULL})
#define OCTETS(x) ((struct say){SAY_OCTETS, (int64_t)(x), NULL, NULL})
#define STR(x)    ((struct say){SAY_TEXT, 0, (x), NULL})
#define NAME(x)   ((struct say){SAY_NAME, 0, (x), NULL}) /* not ours: made harmless */
#define ADDR(x)   ((struct say){SAY_ADDR, 0, NULL, (x)})
#define END(x)    ((struct say){SAY_END, 0, NULL, (x)})

/** rules_say() - @template with each '%' replaced by the next argument, in the arena */
const char *rules_say(struct rules *w, const char *template, const struct say *args, size_t n);
#define SAY(w, template, ...)                                 \
    rules_say(w, template, (const struct say[]){__VA_ARGS__}, \
              sizeof((const struct say[]){__VA_ARGS__}) / sizeof(struct say))

/** rules_evidence() - one number more; beyond WHY_EVIDENCE it is left out */
void rules_evidence(struct why_finding *out, const char *name, int64_t value, enum why_unit unit);
/** rules_remedy() - one remedy more */
void rules_remedy(struct why_finding *out, const char *how, const char *price);
/** rules_spell() - the words that suit where the facts come from */
const char *rules_spell(const struct rules *w, const char *kernel, const char *gannet);
/** rules_who() - "nginx (pid 812)", "a process of uid 33", "no process (the kernel alone)" */
const char *rules_who(struct rules *w, const struct fact_conn *c);
/** rules_peers_text() - "10.0.0.2", or "31 peers" if the group was put together */
const char *rules_peers_text(struct rules *w, const struct rule_group *g);
/** rules_count_text() - "1 connection", "214 connections" */
const char *rules_count_text(struct rules *w, uint32_t n);

/* --- looking at connections --- */

/** rules_conn() - the @i-th of a group */
const struct fact_conn *rules_conn(const struct rules *w, const struct rule_group *g, uint32_t i);
/** rules_age() - how long it has been in its state; *@exact: not only at least so long. false:
 * nothing is known */
bool rules_age(const struct fact_conn *c, gn_time *ret, bool *exact);
/** rules_listening() - does somebody listen on its local port (so it was opened by the peer)? */
bool rules_listening(const struct rules *w, const struct fact_conn *c);
/** rules_loopback() - are both ends on this machine by their addresses? */
bool rules_loopback(const struct fact_conn *c);
/** rules_alive() - does another connection show that the remote host of @c has answered since @c
 * waits in vain (a SYN: just before will do)? */
bool rules_alive(const struct rules *w, const struct fact_conn *c);
/** rules_alive_there() - the same of its very port; takes time in the number of connections */
bool rules_alive_there(const struct rules *w, const struct fact_conn *c);
/** rules_find_alive() - what rules_alive() needs; without memory nobody is known to be alive */
void rules_find_alive(struct rules *w);
/** rules_quiet() - time since anything at all was heard from the peer; false: not known */
bool rules_quiet(const struct rules *w, const struct fact_conn *c, gn_time *ret);

/** rules_opener() - "curl (pid 7)", or "some process": who may have opened what has no owner now */
const char *rules_opener(struct rules *w, const struct fact_conn *c);
/** rules_port_range() - how many local ports an active OPEN can choose from, 1 at least */
int64_t rules_port_range(const struct rules *w);
/** rules_time_wait_life() - 2MSL */
gn_time rules_time_wait_life(const struct rules *w);
/** rules_in_vain() - is its retransmission timer running, backed off @times or more? */
bool rules_in_vain(const struct fact_conn *c, uint8_t times);
/** rules_rare() - are these few among the connections of a server whose clients come and go? */
bool rules_rare(const struct rules *w, const struct rule_group *g);
/** rules_heard_in_vain() - does the peer still talk while our segments are sent again in vain? */
bool rules_heard_in_vain(const struct rules *w, const struct fact_conn *c);

/** What rules_tally() finds in a group. */
struct rule_tally {
    uint32_t n_aged;             /* connections whose age is known */
    uint32_t n_old;              /* of these, at least @old */
    gn_time oldest;              /* of them */
    bool exact;                  /* @oldest is exact */
    uint64_t recv_q, send_q;     /* octets in all */
    uint32_t n_unread, n_unsent; /* connections with such */
    uint8_t backoff;             /* highest */
};
/** rules_tally() - ages and queues of a group; @old: from which age on it counts as old */
struct rule_tally rules_tally(const struct rules *w, const struct rule_group *g, gn_time old);

/* --- retransmission timers --- */

/** rules_waited() - how long the oldest segment of @c has been retransmitted in vain, as far as RTO
 * and back-off tell */
gn_time rules_waited(const struct rules *w, const struct fact_conn *c);
/** rules_time_left() - until @c is given up if nothing comes back, by its state's retries and RTO;
 * false: not known, or never */
bool rules_time_left(const struct rules *w, const struct fact_conn *c, gn_time *ret);
/** rules_vain_evidence() - how often and how long in vain, and when it will be given up */
void rules_vain_evidence(struct rules *w, const struct rule_group *g, struct why_finding *out);
/** rules_repeated() - how often has the SYN, or SYN,ACK, of @c been sent again? */
unsigned rules_repeated(const struct fact_conn *c);
/** rules_in_all() - length of @retries retransmissions and the wait after the last one, beginning
 * with @rto */
gn_time rules_in_all(const struct rules *w, int64_t retries, gn_time rto);
/** rules_syn_in_all() - how long connect() tries with so many retries */
gn_time rules_syn_in_all(const struct rules *w, int64_t retries);

#endif
