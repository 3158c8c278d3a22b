/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why.c  The engine: matches connections, sorts them into groups, has each group judged.
 *
 * A match is a hit of 16 octets: which rule, the hash of the group, which connection. Sorted, the
 * hits of a group lie side by side. The hash is over what identifies the group in every sample
 * (pid, addresses, ports), so it is also what the next sample is compared by.
 */
#include "explain/why.h"

#include "base/hash.h"
#include "explain/rules.h"
#include "explain/sort.h"

#include <string.h>

#define MANY_GROUPS 12 /* of one rule; more are put together */
#define TELLING     8  /* so many of a finding's connections are put in order, worst first */

static const struct siphash_key hash_key = {{0x67616e6e65743a31, 0x7768793a67726f75}};

struct hit {
    uint64_t group;
    uint32_t conn;
    uint16_t rule;
};

/** What is being found. */
struct search {
    struct rules w;
    struct hit *hit;
    size_t n_hits, cap;
    struct why_finding **finding;
    size_t n_findings, findings_cap;
    uint8_t *ill; /* bit per connection that is in a warning */
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

/** What identifies a group, without holes. */
struct group_name {
    uint64_t netns;
    struct gn_addr local, remote;
    uint32_t owner;
    uint16_t local_port, remote_port;
};

/** group_hash() - of the group to which rule @r assigns @c */
static uint64_t group_hash(const struct facts *f, const struct why_rule *r, enum why_by by,
                           const struct fact_conn *c)
{
    struct group_name k;
    size_t id_len = text_length(r->id);
    struct siphash_key key = hash_key;

    memset(&k, 0, sizeof k);
    if (by != WHY_BY_HOST)
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
    key.k[0] ^= siphash13(&hash_key, r->id, id_len);
    return siphash13(&key, &k, sizeof k);
}

/** hit_before() - by rule, group, connection */
static bool hit_before(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->rule != y->rule)
        return x->rule < y->rule;
    return x->group != y->group ? x->group < y->group : x->conn < y->conn;
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
    const struct why_rule *r;

    for (size_t i = 0; (r = why_rule_at(i)) != NULL; i++) {
        if (!(r->states & STATE_BIT(c->state)) || !r->match(&s->w, c))
            continue;
        if (s->n_hits == s->cap)
            return false;
        s->hit[s->n_hits++] = (struct hit){group_hash(f, r, r->by, c), index, (uint16_t)i};
    }
    return true;
}

/** look_at_all() - fill the list of hits, in what memory is left but the eighth that findings need
 */
static void look_at_all(struct search *s, struct why_result *ret)
{
    const struct facts *f = s->w.f;
    size_t room = s->w.a->size - s->w.a->used;
    bool fits = true;

    s->cap = room / 8 * 5 / sizeof(struct hit);
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
    s->w.a->used += s->n_hits * sizeof(struct hit);
    sort(s->hit, s->n_hits, sizeof(struct hit), hit_before);
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
    for (uint32_t i = 0; i < TELLING && i + 1 < n; i++) {
        uint32_t best = i;
        for (uint32_t k = i + 1; k < n; k++)
            if (telling(&f->conn[conn[k]]) > telling(&f->conn[conn[best]]))
                best = k;
        uint32_t other = conn[i];
        conn[i] = conn[best];
        conn[best] = other;
    }
}

/** compare() - with the sample before */
static void compare(const struct rules *w, struct rule_group *g, uint64_t key)
{
    const struct why_past *p = w->o->past;
    size_t low = 0, high = w->o->n_past;

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
    if (by == WHY_BY_TUPLE)
        out->local.addr = c->local.addr;
    if (by == WHY_BY_TUPLE || by == WHY_BY_SERVICE)
        out->remote = c->remote;
    if (by == WHY_BY_PEER)
        out->remote.addr = c->remote.addr;
}

/** keep() - add a finding to the list; false: no memory */
static bool keep(struct search *s, struct why_finding *found)
{
    if (s->n_findings == s->findings_cap) {
        size_t cap = s->findings_cap ? s->findings_cap * 2 : 64;
        struct why_finding **list = rules_alloc(&s->w, cap * sizeof(struct why_finding *));
        if (!list)
            return false;
        if (s->n_findings)
            memcpy(list, s->finding, s->n_findings * sizeof list[0]);
        s->finding = list;
        s->findings_cap = cap;
    }
    s->finding[s->n_findings++] = found;
    if (found->severity > WHY_NOTE)
        for (uint32_t i = 0; i < found->n_conns; i++)
            s->ill[found->conn[i] / 8] |= (uint8_t)(1u << found->conn[i] % 8);
    return true;
}

/** judge() - have the hits [@from, @to) judged as one group */
static void judge(struct search *s, const struct why_rule *r, size_t from, size_t to,
                  uint32_t n_groups)
{
    struct rules *w = &s->w;
    size_t mark = w->a->used, n = to - from;
    uint32_t *conn = rules_alloc(w, n * sizeof(uint32_t));
    struct why_finding *out = conn ? rules_alloc(w, sizeof *out) : NULL;
    enum why_by by = n_groups > 1 ? WHY_BY_HOST : r->by;

    if (!out) {
        w->a->used = mark;
        return;
    }
    for (size_t i = 0; i < n; i++)
        conn[i] = s->hit[from + i].conn;
    struct rule_group g = {.conn = conn, .n = (uint32_t)n, .n_groups = n_groups};
    put_first(w->f, conn, g.n);
    g.first = n ? &w->f->conn[conn[0]] : NULL;
    out->key = group_hash(w->f, r, by, g.first);
    compare(w, &g, out->key);
    out->rule = r;
    out->conn = conn;
    out->n_conns = g.n;
    out->n_groups = n_groups;
    out->severity = WHY_WARNING;
    out->confidence = WHY_CERTAIN;
    out->compared = g.compared;
    out->before = g.before;
    out->since = g.since;
    identify(w, &g, by, out);
    bool kept = r->judge(w, &g, out) && (out->severity > WHY_NOTE || w->o->notes);
    if (!kept || !keep(s, out))
        w->a->used = mark;
}

/** judge_rule() - all groups of one rule, whose hits are [@from, @to) */
static void judge_rule(struct search *s, const struct why_rule *r, size_t from, size_t to)
{
    uint32_t groups = 0;

    for (size_t i = from; i < to; i++)
        groups += i == from || s->hit[i].group != s->hit[i - 1].group;
    if (r->merge && groups > MANY_GROUPS) {
        judge(s, r, from, to, groups);
        return;
    }
    while (from < to) {
        size_t end = from + 1;
        while (end < to && s->hit[end].group == s->hit[from].group)
            end++;
        judge(s, r, from, end, 1);
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
        while (end < s->n_hits && s->hit[end].rule == i)
            end++;
        if (r->states)
            judge_rule(s, r, at, end);
        else if (!filtered(&s->w.o->filter))
            judge(s, r, at, at, 1);
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
    const struct facts *f = s->w.f;

    for (size_t i = 0; i < f->n_conns; i++) {
        if (!wanted(f, &s->w.o->filter, &f->conn[i]) || s->ill[i / 8] >> i % 8 & 1)
            continue;
        ret->n_healthy++;
        ret->healthy[f->conn[i].state]++;
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
    return (size_t)1024 * 1024 + f->n_conns * 160;
}

void why_explain(const struct facts *f, const struct why_options *o, struct why_arena *a,
                 struct why_result *ret)
{
    struct search s = {.w = {.f = f, .o = o, .a = a}};

    memset(ret, 0, sizeof *ret);
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
    sort(s.finding, s.n_findings, sizeof(struct why_finding *), finding_before);
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
