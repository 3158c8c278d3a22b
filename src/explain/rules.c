/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules.c  The table of rules, and what they share.
 */
#include "explain/rules.h"

#include "base/hash.h"

#include <string.h>

#define RECENT (10 * GN_SEC) /* who was heard of so lately is there */

static const struct why_rule table[] = {
#define RULE(name, id, states, by, merge, title, where) \
    {id, title, rule_##name##_match, rule_##name##_judge, by, (uint16_t)(states), merge, where},
#define RULE_HOST(name, id, title, where) \
    {id, title, NULL, rule_##name##_judge, WHY_BY_HOST, 0, false, where},
#include "explain/rules.def"
#undef RULE
#undef RULE_HOST
};

const struct why_rule *why_rule_at(size_t i)
{
    return i < sizeof table / sizeof table[0] ? &table[i] : NULL;
}

const struct why_rule *why_rule_find(const char *id)
{
    size_t len = text_length(id);

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (text_length(table[i].id) == len && memcmp(table[i].id, id, len) == 0)
            return &table[i];
    return NULL;
}

const char *why_rule_id(const struct why_rule *r)
{
    return r->id;
}

const char *why_rule_title(const struct why_rule *r)
{
    return r->title;
}

const char *why_rule_beyond(const struct why_rule *r, const struct why_result *found)
{
    static const struct {
        uint16_t states;
        const char *what;
    } beyond[] = {
        {0, NULL},
#define BEYOND(name, states, what) {(uint16_t)(states), what},
#include "explain/beyond.def"
#undef BEYOND
    };

    for (unsigned i = 0; i < GN_STATE_COUNT; i++)
        if (beyond[r->where].states & STATE_BIT(i) && found->state[i])
            return beyond[r->where].what;
    return NULL;
}

const char *why_actor_name(enum why_actor a)
{
    static const char *const names[] = {"nobody", "process", "peer", "network", "operator"};
    return names[a];
}

const char *why_severity_name(enum why_severity s)
{
    static const char *const names[] = {"note", "warning", "critical"};
    return names[s];
}

const char *why_confidence_name(enum why_confidence c)
{
    static const char *const names[] = {"possible", "likely", "certain"};
    return names[c];
}

const char *why_by_name(enum why_by b)
{
    static const char *const names[] = {"host",    "process", "listener", "local", "peer",
                                        "service", "server",  "pair",     "tuple"};
    return names[b];
}

/** say_octets() - "512 octets", "12 KiB", "3.4 MiB" */
static void say_octets(struct text *t, uint64_t n)
{
    static const char *const units[] = {" KiB", " MiB", " GiB", " TiB"};
    unsigned unit = 0;

    if (n < 1024) {
        text_u64(t, n);
        text_str(t, n == 1 ? " octet" : " octets");
        return;
    }
    uint64_t tenths = (n / 1024) * 10 + (n % 1024) * 10 / 1024;
    for (; tenths >= 10240 && unit < 3; unit++)
        tenths = (tenths + 512) / 1024;
    text_u64(t, tenths / 10);
    if (tenths < 100 && tenths % 10) {
        text_str(t, ".");
        text_u64(t, tenths % 10);
    }
    text_str(t, units[unit]);
}

/** say_one() - one argument of a sentence */
static void say_one(struct text *t, const struct say *v)
{
    char addr[GN_ADDR_TEXT];

    switch (v->kind) {
    case SAY_NUMBER: text_i64(t, v->n); break;
    case SAY_SPAN: text_span(t, (gn_time)v->n); break;
    case SAY_OCTETS: say_octets(t, (uint64_t)v->n); break;
    case SAY_TEXT: text_str(t, v->s); break;
    case SAY_NAME: text_foreign(t, v->s); break;
    case SAY_ADDR: text_str(t, gn_addr_format(&v->e->addr, addr)); break;
    case SAY_END: {
        bool v6 = !gn_addr_is_v4(&v->e->addr);
        text_str(t, v6 ? "[" : "");
        text_str(t, gn_addr_format(&v->e->addr, addr));
        text_str(t, v6 ? "]:" : ":");
        text_u64(t, v->e->port);
        break;
    }
    }
}

/** begin_large() - a whole sentence begins with a capital, unless with somebody's name */
static void begin_large(char *s, size_t len)
{
    static const char *const words[] = {"the ", "a ", "no ", "each "};

    if (len == 0 || s[len - 1] != '.')
        return;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = text_length(words[i]);
        if (n < len && memcmp(s, words[i], n) == 0) {
            s[0] = (char)(s[0] - 'a' + 'A');
            return;
        }
    }
}

const char *rules_say(struct rules *w, const char *template, const struct say *args, size_t n)
{
    struct text t = {.len = 0};
    size_t used = 0;

    for (const char *p = template; *p; p++) {
        if (*p == '%' && used < n)
            say_one(&t, &args[used++]);
        else
            text_mem(&t, p, 1);
    }
    char *s = rules_alloc(w, t.len + 1);
    if (!s)
        return template;
    memcpy(s, t.s, t.len);
    begin_large(s, t.len);
    return s;
}

void rules_evidence(struct why_finding *out, const char *name, int64_t value, enum why_unit unit)
{
    if (out->n_evidence < WHY_EVIDENCE)
        out->evidence[out->n_evidence++] = (struct why_evidence){name, value, unit};
}

void rules_remedy(struct why_finding *out, const char *how, const char *price)
{
    if (out->n_remedies < WHY_REMEDIES)
        out->remedy[out->n_remedies++] = (struct why_remedy){how, price};
}

const char *rules_spell(const struct rules *w, const char *kernel, const char *gannet)
{
    return w->f->source == FACTS_GANNET ? gannet : kernel;
}

const char *rules_who(struct rules *w, const struct fact_conn *c)
{
    const struct facts *f = w->f;

    if (f->source == FACTS_GANNET)
        return "the program on this host";
    if (f->source == FACTS_CAPTURE)
        return SAY(w, "the program at %", ADDR(&c->local));
    if (c->process < f->n_processes) {
        const struct fact_process *p = &f->process[c->process];
        if (p->container && p->container[0])
            return SAY(w, "% (pid %, container %)", NAME(p->comm), NUM(p->pid), NAME(p->container));
        return SAY(w, "% (pid %)", NAME(p->comm), NUM(p->pid));
    }
    if (c->known & FACT_OWNER)
        return "no process any more (the kernel alone)";
    return SAY(w, "a process of uid %", NUM(c->uid));
}

const char *rules_peers_text(struct rules *w, const struct rule_group *g)
{
    if (g->n_groups > 1)
        return SAY(w, "% peers", NUM(g->n_groups));
    return SAY(w, "%", ADDR(&g->first->remote));
}

const char *rules_count_text(struct rules *w, uint32_t n)
{
    return n == 1 ? "1 connection" : SAY(w, "% connections", NUM(n));
}

const struct fact_conn *rules_conn(const struct rules *w, const struct rule_group *g, uint32_t i)
{
    return &w->f->conn[g->conn[i]];
}

bool rules_age(const struct fact_conn *c, gn_time *ret, bool *exact)
{
    gn_time age = c->known & (FACT_AGE | FACT_AGE_MIN) ? c->in_state : 0;
    bool known = c->known & (FACT_AGE | FACT_AGE_MIN);

    *exact = c->known & FACT_AGE;
    /* What led into these states came in a segment with an ACK: no later than the last such. */
    bool by_ack = c->state == GN_CLOSE_WAIT || c->state == GN_FIN_WAIT_2;
    if (!*exact && by_ack && c->known & FACT_INFO) {
        if (c->info.last_ack_recv > age)
            age = c->info.last_ack_recv;
        known = true;
    }
    if (known)
        *ret = age;
    return known;
}

bool rules_listening(const struct rules *w, const struct fact_conn *c)
{
    if (c->listener != FACT_NONE)
        return true;
    if (c->known & FACT_SEEN && c->seen->opener != 2)
        return c->seen->opener == 1;
    return w->listening[c->local.port / 8] >> c->local.port % 8 & 1;
}

/** loopback() - 127/8 or ::1 */
static bool loopback(const struct gn_addr *a)
{
    static const struct gn_addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return gn_addr_is_v4(a) ? a->b[12] == 127 : gn_addr_eq(a, &one);
}

bool rules_loopback(const struct fact_conn *c)
{
    return loopback(&c->remote.addr) || gn_addr_eq(&c->local.addr, &c->remote.addr);
}

bool rules_quiet(const struct rules *w, const struct fact_conn *c, gn_time *ret)
{
    if (c->known & FACT_SEEN) {
        gn_time last = c->seen->side[1].last;
        *ret = w->f->now > last ? w->f->now - last : 0;
        return last != 0;
    }
    *ret = c->info.last_ack_recv;
    return c->known & FACT_INFO;
}

const char *rules_opener(struct rules *w, const struct fact_conn *c)
{
    bool nobody = w->f->source == FACTS_KERNEL && c->process >= w->f->n_processes;
    return nobody ? "A process" : rules_who(w, c);
}

int64_t rules_port_range(const struct rules *w)
{
    int64_t low = facts_setting(w->f, "ip_local_port_min", 32768);
    int64_t high = facts_setting(w->f, "ip_local_port_max", 60999);
    int64_t n = high - low + 1 - facts_setting(w->f, "ip_local_reserved", 0);
    return n > 0 ? n : 1;
}

gn_time rules_time_wait_life(const struct rules *w)
{
    if (w->f->source == FACTS_GANNET)
        return 2 * (gn_time)facts_setting(w->f, "tcp_msl", 30 * (int64_t)GN_SEC);
    return 60 * GN_SEC; /* TCP_TIMEWAIT_LEN is no setting in Linux */
}

bool rules_in_vain(const struct fact_conn *c, uint8_t times)
{
    if (!(c->known & FACT_TIMER) && c->known & FACT_SEEN) /* an observer sees no timers */
        return c->backoff >= times;
    return c->known & FACT_TIMER && c->timer == FACT_TIMER_RETRANS && c->backoff >= times;
}

bool rules_rare(const struct rules *w, const struct rule_group *g)
{
    return rules_listening(w, g->first) && g->n * 100 < w->n_conns;
}

bool rules_heard_in_vain(const struct rules *w, const struct fact_conn *c)
{
    gn_time quiet;
    return c->known & FACT_TIMER && rules_in_vain(c, 2) && rules_quiet(w, c, &quiet) &&
           quiet < rules_waited(w, c) / 2;
}

/** peer_slot() - where the remote address of @c is, or would be */
static const struct fact_conn **peer_slot(const struct rule_peers *p, const struct fact_conn *c)
{
    static const struct siphash_key key = {{0x70656572732c2073, 0x6565206265746c6f}};
    size_t i = siphash13(&key, &c->remote.addr, sizeof c->remote.addr) & p->mask;

    while (p->slot[i] && (p->slot[i]->netns != c->netns ||
                          !gn_addr_eq(&p->slot[i]->remote.addr, &c->remote.addr)))
        i = (i + 1) & p->mask;
    return &p->slot[i];
}

/** answers() - has its peer been heard of just now? */
static bool answers(const struct rules *w, const struct fact_conn *c)
{
    bool synchronized = c->state >= GN_ESTABLISHED && c->state != GN_TIME_WAIT;
    gn_time quiet;
    return synchronized && c->kind == GN_KIND_CONNECTION && !rules_in_vain(c, 1) &&
           rules_quiet(w, c, &quiet) && quiet < RECENT;
}

/** later() - has @a's peer been heard of later than @b's? */
static bool later(const struct rules *w, const struct fact_conn *a, const struct fact_conn *b)
{
    gn_time x = 0, y = 0;

    (void)rules_quiet(w, a, &x);
    (void)rules_quiet(w, b, &y);
    return x < y;
}

void rules_find_alive(struct rules *w)
{
    struct rule_peers *p = &w->alive;
    size_t n = 64;

    while (n < w->f->n_conns * 2)
        n *= 2;
    p->slot = rules_alloc(w, n * sizeof(struct fact_conn *));
    p->mask = n - 1;
    for (size_t i = 0; p->slot && i < w->f->n_conns; i++) {
        const struct fact_conn *c = &w->f->conn[i], **slot;
        if (!answers(w, c))
            continue;
        slot = peer_slot(p, c);
        if (!*slot || later(w, c, *slot))
            *slot = c;
    }
}

/** heard_since() - has @other's peer been heard of since @c waits for its own in vain? For a SYN
 * that is not answered, shortly before will do */
static bool heard_since(const struct rules *w, const struct fact_conn *c,
                        const struct fact_conn *other)
{
    gn_time quiet;
    return c->state == GN_SYN_SENT || (rules_quiet(w, other, &quiet) && quiet < rules_waited(w, c));
}

bool rules_alive(const struct rules *w, const struct fact_conn *c)
{
    const struct fact_conn *other = w->alive.slot ? *peer_slot(&w->alive, c) : NULL;
    return other && heard_since(w, c, other);
}

bool rules_alive_there(const struct rules *w, const struct fact_conn *c)
{
    for (size_t i = 0; i < w->f->n_conns; i++) {
        const struct fact_conn *o = &w->f->conn[i];
        if (o->remote.port == c->remote.port && o->netns == c->netns &&
            gn_addr_eq(&o->remote.addr, &c->remote.addr) && answers(w, o) && heard_since(w, c, o))
            return true;
    }
    return false;
}

struct rule_tally rules_tally(const struct rules *w, const struct rule_group *g, gn_time old)
{
    struct rule_tally t = {.exact = true};

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        gn_time age = 0;
        bool exact = false;
        if (rules_age(c, &age, &exact)) {
            t.n_aged++;
            t.n_old += age >= old;
            if (age > t.oldest) {
                t.oldest = age;
                t.exact = exact;
            }
        }
        if (c->known & FACT_QUEUES) {
            t.recv_q += c->recv_q;
            t.send_q += c->send_q;
            t.n_unread += c->recv_q > 0;
            t.n_unsent += c->send_q > 0;
        }
        if (c->backoff > t.backoff)
            t.backoff = c->backoff;
    }
    return t;
}
