/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why.c  The engine: matches connections, sorts them into groups, has each group judged.
 *
 * A match is a row of 16 octets (struct sort_row): which rule, the hash of the group, which
 * connection. Sorted, the rows of a group lie side by side. The hash is over what identifies the
 * group in every sample (pid, addresses, ports), so it is also what the next sample is compared by.
 */
#include "explain/why.h"

#include "base/assert.h"
#include "base/hash.h"
#include "explain/rules.h"
#include "explain/sort.h"

#include <string.h>

#define MANY_GROUPS 12 /* of one rule; more are put together */
#define RULES_MAX   64
#define TELLING     8 /* so many of a finding's connections are put in order, worst first */

static const struct siphash_key hash_key = {{0x67616e6e65743a31, 0x7768793a67726f75}};

/** What is being found. */
struct search {
    struct rules w;
    uint8_t rule_of[GN_STATE_COUNT][RULES_MAX]; /* rules that look at a state */
    uint8_t n_rules_of[GN_STATE_COUNT];
    struct siphash_key key_of[RULES_MAX]; /* of a rule's groups */
    struct sort_row *hit;                 /* major: rule, key: group, value: connection */
    size_t n_hits, cap;
    struct why_finding **finding;
    size_t n_findings, findings_cap;
    uint8_t *ill; /* bit per connection that is in a warning */
    uint32_t n_ill[GN_STATE_COUNT];
};

void *rules_alloc(struct rules *w, size_t n)
{
    struct why_arena *a = w->a;
    size_t at = (a->used + 15) & ~(size_t)15;

    if (at > a->size || n > a->size - at) {
        w->truncated = true;
        return NULL;
    }
    a->used = at + n;
    memset(a->base + at, 0, n);
    return a->base + at;
}

/** wanted() - does the filter let this connection pass? */
static bool wanted(const struct facts *f, const struct why_filter *q, const struct fact_conn *c)
{
    bool v4 = gn_addr_is_v4(&c->local.addr);

    if (q->states && !(q->states & 1u << c->state))
        return false;
    if (q->sport && q->sport != c->local.port)
        return false;
    if (q->dport && q->dport != c->remote.port)
        return false;
    if (q->port && q->port != c->local.port && q->port != c->remote.port)
        return false;
    if (q->pid && (c->process >= f->n_processes || f->process[c->process].pid != q->pid))
        return false;
    return !(q->v4 && !v4) && !(q->v6 && v4);
}

const struct gn_endpoint *why_server(const struct fact_conn *c)
{
    return c->state == GN_SYN_SENT ? &c->remote : &c->local;
}

/** What identifies a group, without holes. */
struct group_name {
    uint64_t netns;
    struct gn_addr local, remote;
    uint32_t owner;
    uint16_t local_port, remote_port;
};

/** group_hash() - of the group, by @by, to which a rule with that @key assigns @c */
static uint64_t group_hash(const struct facts *f, const struct siphash_key *key, enum why_by by,
                           const struct fact_conn *c)
{
    struct group_name k;

    memset(&k, 0, sizeof k);
    if (by == WHY_BY_HOST || !c)
        return siphash13(key, &k, sizeof k);
    k.netns = c->netns < f->n_netns ? f->netns[c->netns].inode : c->netns;
    switch (by) {
    case WHY_BY_HOST: break;
    case WHY_BY_PROCESS:
        k.owner = c->process < f->n_processes ? f->process[c->process].pid : c->uid;
        k.local_port = c->process < f->n_processes;
        if (f->source == FACTS_CAPTURE) /* one address is as near as a capture gets to a process */
            k.local = c->local.addr;
        break;
    case WHY_BY_LISTENER:
        if (c->listener < f->n_conns)
            c = &f->conn[c->listener];
        if (c->kind == GN_KIND_LISTENER) /* several may share one address and port */
            k.owner = (uint32_t)(c->inode ^ c->cookie);
        k.local = c->local.addr;
        k.local_port = c->local.port;
        break;
    case WHY_BY_LOCAL:
        k.local = c->local.addr;
        k.local_port = c->local.port;
        break;
    case WHY_BY_SERVER:
        k.local = why_server(c)->addr;
        k.local_port = why_server(c)->port;
        break;
    case WHY_BY_PAIR:
        k.local = c->local.addr;
        k.remote = c->remote.addr;
        break;
    case WHY_BY_TUPLE:
        k.local = c->local.addr;
        k.remote_port = c->remote.port;
        k.remote = c->remote.addr;
        break;
    case WHY_BY_SERVICE:
        k.remote_port = c->remote.port;
        k.remote = c->remote.addr;
        break;
    case WHY_BY_PEER: k.remote = c->remote.addr; break;
    }
    return siphash13(key, &k, sizeof k);
}

/** sort_rules() - which rules look at which state, and the keys of their groups */
static void sort_rules(struct search *s)
{
    const struct why_rule *r;

    for (size_t i = 0; (r = why_rule_at(i)) != NULL; i++) {
        ASSERT(i < RULES_MAX);
        s->key_of[i] = hash_key;
        s->key_of[i].k[0] ^= siphash13(&hash_key, r->id, text_length(r->id));
        for (unsigned state = 0; state < GN_STATE_COUNT; state++)
            if (r->states & STATE_BIT(state))
                s->rule_of[state][s->n_rules_of[state]++] = (uint8_t)i;
    }
}

/** note_ports() - on which ports somebody listens */
static void note_ports(struct rules *w)
{
    w->listening = rules_alloc(w, 65536 / 8);
    if (!w->listening)
        return;
    for (size_t i = 0; i < w->f->n_conns; i++) {
        const struct fact_conn *c = &w->f->conn[i];
        if (c->state == GN_LISTEN)
            w->listening[c->local.port / 8] |= (uint8_t)(1u << c->local.port % 8);
    }
}

/** look() - try all rules on one connection; false: no room for the hits */
static bool look(struct search *s, uint32_t index)
{
    const struct facts *f = s->w.f;
    const struct fact_conn *c = &f->conn[index];

    for (unsigned i = 0; i < s->n_rules_of[c->state]; i++) {
        uint8_t n = s->rule_of[c->state][i];
        const struct why_rule *r = why_rule_at(n);
        if (!r->match(&s->w, c))
            continue;
        if (s->n_hits == s->cap)
            return false;
        s->hit[s->n_hits++] = (struct sort_row){group_hash(f, &s->key_of[n], r->by, c), index, n};
    }
    return true;
}

/** look_at_all() - fill the list of hits, in three quarters of what memory is left: it is needed
 * twice for sorting, and then free for the findings */
static void look_at_all(struct search *s, struct why_result *ret)
{
    const struct facts *f = s->w.f;
    size_t room = s->w.a->size - s->w.a->used;
    bool fits = true;

    s->cap = room / 8 * 3 / sizeof(struct sort_row);
    s->hit = rules_alloc(&s->w, 0);
    if (!s->hit)
        s->cap = 0;
    for (size_t i = 0; i < f->n_conns; i++) {
        const struct fact_conn *c = &f->conn[i];
        if (!wanted(f, &s->w.o->filter, c))
            continue;
        ret->n_conns++;
        ret->state[c->state]++;
        fits = fits && look(s, (uint32_t)i);
    }
    s->w.truncated = s->w.truncated || !fits;
    s->w.n_conns = (uint32_t)ret->n_conns;
    s->w.a->used += s->n_hits * sizeof(struct sort_row);
    sort_rows(s->hit, s->hit + s->n_hits, s->n_hits);
}

/** telling() - how much a connection says about its group: the higher the sooner it is shown */
static uint64_t telling(const struct fact_conn *c)
{
    gn_time age = 0;
    bool exact;
    uint64_t queue = (uint64_t)c->recv_q + c->send_q;

    (void)rules_age(c, &age, &exact);
    return ((uint64_t)c->backoff << 56) + (age / GN_MSEC << 16) + (queue < 65535 ? queue : 65535);
}

/** put_first() - bring the most telling connections to the front */
static void put_first(const struct facts *f, uint32_t *conn, uint32_t n)
{
    uint64_t value[TELLING];
    uint32_t at[TELLING], kept = 0;

    for (uint32_t k = 0; n > 1 && k < n; k++) {
        uint64_t v = telling(&f->conn[conn[k]]);
        if (kept == TELLING && v <= value[TELLING - 1])
            continue;
        uint32_t place = kept < TELLING ? kept++ : TELLING - 1;
        for (; place > 0 && value[place - 1] < v; place--) {
            value[place] = value[place - 1];
            at[place] = at[place - 1];
        }
        value[place] = v;
        at[place] = k;
    }
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t other = conn[i];
        conn[i] = conn[at[i]];
        conn[at[i]] = other;
        for (uint32_t k = i + 1; k < kept; k++)
            if (at[k] == i) /* it was moved away */
                at[k] = at[i];
    }
}

/** compare() - with the sample before */
static void compare(const struct rules *w, struct rule_group *g, uint64_t key)
{
    const struct why_past *p = w->o->past;
    size_t low = 0, high = p ? w->o->n_past : 0;

    g->compared = p != NULL;
    g->since = w->f->now;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p[middle].key == key) {
            g->before = p[middle].n_conns;
            g->since = p[middle].since;
            return;
        }
        if (p[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
}

/** identify() - say whom a finding is about */
static void identify(const struct rules *w, const struct rule_group *g, enum why_by by,
                     struct why_finding *out)
{
    const struct fact_conn *c = g->first;

    out->by = by;
    out->netns = out->process = out->listener = FACT_NONE;
    if (!c)
        return;
    out->state = c->state;
    out->netns = c->netns;
    out->process = c->process;
    out->listener = c->listener;
    for (uint32_t i = 1; i < g->n; i++) {
        const struct fact_conn *o = rules_conn(w, g, i);
        if (o->process != c->process)
            out->process = FACT_NONE;
        if (o->listener != c->listener)
            out->listener = FACT_NONE;
        if (o->state != c->state)
            out->state = GN_CLOSED;
    }
    if (by == WHY_BY_LISTENER || by == WHY_BY_LOCAL)
        out->local = c->local;
    if (by == WHY_BY_SERVER)
        out->local = *why_server(c);
    if (by == WHY_BY_TUPLE || by == WHY_BY_PAIR)
        out->local.addr = c->local.addr;
    if (by == WHY_BY_TUPLE || by == WHY_BY_SERVICE)
        out->remote = c->remote;
    if (by == WHY_BY_PEER || by == WHY_BY_PAIR)
        out->remote.addr = c->remote.addr;
}

/** mark_ill() - the connections of a finding are not healthy */
static void mark_ill(struct search *s, const struct why_finding *found)
{
    for (uint32_t i = 0; i < found->n_conns; i++) {
        uint32_t n = found->conn[i];
        uint8_t bit = (uint8_t)(1u << n % 8);
        s->n_ill[s->w.f->conn[n].state] += !(s->ill[n / 8] & bit);
        s->ill[n / 8] |= bit;
    }
}

/** keep() - a copy of a finding, added to the list; false: no memory */
static bool keep(struct search *s, const struct why_finding *found)
{
    struct why_finding *copy = rules_alloc(&s->w, sizeof *copy);

    if (!copy)
        return false;
    *copy = *found;
    if (s->n_findings == s->findings_cap) {
        size_t cap = s->findings_cap ? s->findings_cap * 2 : 64;
        struct why_finding **list = rules_alloc(&s->w, cap * sizeof(void *));
        if (!list)
            return false;
        if (s->n_findings)
            memcpy(list, s->finding, s->n_findings * sizeof(void *));
        s->finding = list;
        s->findings_cap = cap;
    }
    s->finding[s->n_findings++] = copy;
    if (found->severity > WHY_NOTE)
        mark_ill(s, found);
    return true;
}

/** judge() - have the hits [@from, @to) of rule number @n judged as one group */
static void judge(struct search *s, size_t n, size_t from, size_t to, uint32_t n_groups)
{
    struct rules *w = &s->w;
    const struct why_rule *r = why_rule_at(n);
    size_t mark = w->a->used;
    uint32_t *conn = rules_alloc(w, (to - from) * sizeof(uint32_t));
    enum why_by by = n_groups > 1 ? WHY_BY_HOST : r->by;
    struct why_finding out = {.rule = r,
                              .conn = conn,
                              .n_conns = (uint32_t)(to - from),
                              .n_groups = n_groups,
                              .severity = WHY_WARNING,
                              .confidence = WHY_CERTAIN};
    struct rule_group g = {.conn = conn, .n = out.n_conns, .n_groups = n_groups};

    if (!conn)
        return;
    for (size_t i = from; i < to; i++)
        conn[i - from] = s->hit[i].value;
    put_first(w->f, conn, g.n);
    g.first = g.n ? &w->f->conn[conn[0]] : NULL;
    out.key =
        g.n && n_groups == 1 ? s->hit[from].key : group_hash(w->f, &s->key_of[n], by, g.first);
    compare(w, &g, out.key);
    out.compared = g.compared;
    out.before = g.before;
    out.since = g.since;
    identify(w, &g, by, &out);
    bool kept = r->judge(w, &g, &out);
    if (w->f->holes) { /* what seems to stand still may have gone on unseen */
        out.severity = WHY_NOTE;
        out.confidence = WHY_POSSIBLE;
    }
    kept = kept && (out.severity > WHY_NOTE || w->o->notes);
    if (!kept || !keep(s, &out))
        w->a->used = mark;
}

/** judge_rule() - all groups of rule number @n, whose hits are [@from, @to) */
static void judge_rule(struct search *s, size_t n, size_t from, size_t to)
{
    uint32_t groups = 0;

    for (size_t i = from; i < to; i++)
        groups += i == from || s->hit[i].key != s->hit[i - 1].key;
    if (why_rule_at(n)->merge && groups > MANY_GROUPS) {
        judge(s, n, from, to, groups);
        return;
    }
    while (from < to) {
        size_t end = from + 1;
        while (end < to && s->hit[end].key == s->hit[from].key)
            end++;
        judge(s, n, from, end, 1);
        from = end;
    }
}

/** filtered() - is only a part of the connections looked at? */
static bool filtered(const struct why_filter *q)
{
    return q->states || q->sport || q->dport || q->port || q->pid || q->v4 || q->v6;
}

/** judge_all() - every rule in turn; those about the whole machine only if all of it is asked for
 */
static void judge_all(struct search *s)
{
    const struct why_rule *r;
    size_t at = 0;

    for (size_t i = 0; (r = why_rule_at(i)) != NULL; i++) {
        size_t end = at;
        while (end < s->n_hits && s->hit[end].major == i)
            end++;
        if (r->states)
            judge_rule(s, i, at, end);
        else if (!filtered(&s->w.o->filter))
            judge(s, i, at, at, 1);
        at = end;
    }
}

/** finding_before() - worse, surer, more connections, then by key so that the order is one */
static bool finding_before(const void *a, const void *b)
{
    const struct why_finding *x = *(struct why_finding *const *)a;
    const struct why_finding *y = *(struct why_finding *const *)b;

    if (x->severity != y->severity)
        return x->severity > y->severity;
    if (x->confidence != y->confidence)
        return x->confidence > y->confidence;
    return x->n_conns != y->n_conns ? x->n_conns > y->n_conns : x->key < y->key;
}

/** count_healthy() - connections in no warning */
static void count_healthy(const struct search *s, struct why_result *ret)
{
    for (unsigned i = 0; i < GN_STATE_COUNT; i++) {
        ret->healthy[i] = ret->state[i] - s->n_ill[i];
        ret->n_healthy += ret->healthy[i];
    }
}

/** anything_in_vain() - is something sent again and again? Then it matters which peers are alive */
static bool anything_in_vain(const struct facts *f)
{
    for (size_t i = 0; i < f->n_conns; i++)
        if (f->conn[i].backoff > 0 ||
            (f->conn[i].known & FACT_SEEN && f->conn[i].state == GN_SYN_SENT))
            return true;
    return false;
}

size_t why_arena_size(const struct facts *f)
{
    return (size_t)1024 * 1024 + f->n_conns * 256;
}

void why_explain(const struct facts *f, const struct why_options *o, struct why_arena *a,
                 struct why_result *ret)
{
    struct search s = {.w = {.f = f, .o = o, .a = a}};

    memset(ret, 0, sizeof *ret);
    sort_rules(&s);
    note_ports(&s.w);
    s.ill = rules_alloc(&s.w, f->n_conns / 8 + 1);
    if (!s.w.listening || !s.ill) {
        ret->truncated = true;
        return;
    }
    if (anything_in_vain(f))
        rules_find_alive(&s.w);
    look_at_all(&s, ret);
    judge_all(&s);
    sort(s.finding, s.n_findings, sizeof(void *), finding_before);
    count_healthy(&s, ret);
    ret->finding = (const struct why_finding *const *)s.finding;
    ret->n_findings = s.n_findings;
    ret->truncated = s.w.truncated;
}

/** past_before() - by key */
static bool past_before(const void *a, const void *b)
{
    return ((const struct why_past *)a)->key < ((const struct why_past *)b)->key;
}

const struct why_past *why_past_of(const struct why_result *r, struct why_arena *a, size_t *ret_n)
{
    struct rules w = {.a = a};
    struct why_past *p = rules_alloc(&w, r->n_findings * sizeof *p + 1);

    *ret_n = p ? r->n_findings : 0;
    for (size_t i = 0; i < *ret_n; i++)
        p[i] = (struct why_past){r->finding[i]->key, r->finding[i]->n_conns, r->finding[i]->since};
    sort(p, *ret_n, sizeof *p, past_before);
    return p;
}
