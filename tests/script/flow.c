/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file flow.c  Between the script's numbers and the stack's.
 */
#include "play.h"

#include <arpa/inet.h>
#include <string.h>

#define PEER4  "192.0.2.1"
#define PEER6  "2001:db8::1"
#define STACK4 "192.168.0.2"
#define STACK6 "fd3d:fa7b:d17d::2"

/** flow_new() - between the peer and the stack */
static struct flow *flow_new(struct play *p, int line, uint16_t peer_port, uint16_t stack_port)
{
    struct flow *f = &p->flow[p->n_flow];
    bool v6 = p->script->v6;

    if (p->n_flow == FLOWS)
        fail_at(p->script, line, "more than %d connections", FLOWS);
    p->n_flow++;
    *f = (struct flow){.in = {.v6 = v6, .sport = peer_port, .dport = stack_port}};
    inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? PEER6 : PEER4, f->in.src);
    inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? STACK6 : STACK4, f->in.dst);
    return f;
}

void flow_connect(struct play *p)
{
    p->current = flow_new(p, 0, SCRIPT_PORT, 0);
}

void flow_listen(struct play *p)
{
    p->current = NULL;
}

struct flow *flow_for(struct play *p, const struct event *e)
{
    const struct packet_spec *s = e->packet;
    uint16_t peer = s->inbound ? s->sport : s->dport, stack = s->inbound ? s->dport : s->sport;
    struct flow *f;

    if (peer) {
        for (unsigned i = 0; i < p->n_flow; i++)
            if (p->flow[i].script_port == peer && p->flow[i].in.dport == stack)
                return &p->flow[i];
        f = flow_new(p, e->line, peer, stack);
        f->script_port = peer;
        return f;
    }
    if (!p->current)
        p->current = flow_new(p, e->line, p->next_port++, SCRIPT_PORT);
    return p->current;
}

/** stamp_in() - the echo of a time stamp that the stack has sent, by the name that the script gave
 * to it; others are as written */
static uint32_t stamp_in(const struct flow *f, uint32_t script)
{
    for (unsigned i = f->n_stamp; i-- > 0;)
        if (f->stamp[i].script == script)
            return f->stamp[i].live;
    return script;
}

void flow_in(struct play *p, struct flow *f, const struct event *e, struct packet_spec *spec)
{
    (void)p;
    (void)e;
    if (spec->kind == PACKET_ICMP) {
        spec->seq += f->iss_delta;
        return;
    }
    if ((spec->ctl & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN) {
        if (f->have_irs && f->irs != spec->seq)
            f->have_iss = false; /* another incarnation */
        f->irs = spec->seq;
        f->have_irs = true;
    } else if (spec->ctl & FLAG_SYN && !f->have_irs) {
        f->irs = spec->seq;
        f->have_irs = true;
    }
    if (spec->has_ack)
        spec->ack += f->iss_delta;
    for (unsigned i = 0; i < spec->n_option; i++) {
        struct option *o = &spec->option[i];

        if (o->kind == OPTION_TS && o->num[1])
            o->num[1] = stamp_in(f, o->num[1]);
        if (o->kind == OPTION_SACK)
            for (unsigned k = 0; k < o->n; k++)
                o->num[k] += f->iss_delta;
    }
}

void flow_out(struct play *p, struct flow *f, const struct packet_spec *want, struct seen *seen)
{
    struct packet_spec *s = &seen->spec;

    (void)p;
    if (!f->in.dport) /* connect() without bind(): the SYN tells */
        f->in.dport = seen->tuple.sport;
    if (s->ctl & FLAG_SYN && !f->have_iss) {
        f->have_iss = true;
        f->iss = s->seq;
        f->iss_delta = s->seq - want->seq;
    }
    s->seq -= f->iss_delta;
    s->seq_end -= f->iss_delta;
}

/** find_ts() - the time stamps option, NULL: none */
static const struct option *find_ts(const struct packet_spec *s)
{
    for (unsigned i = 0; i < s->n_option; i++)
        if (s->option[i].kind == OPTION_TS)
            return &s->option[i];
    return NULL;
}

const char *flow_stamp(struct play *p, struct flow *f, const struct packet_spec *want,
                       const struct packet_spec *got, uint32_t live, gn_time at)
{
    const struct option *w = find_ts(want), *g = find_ts(got);
    long long tick = p->script->ts_tick_usecs, ticks, said;

    if (!w || !g)
        return NULL;
    if (f->n_stamp == STAMPS)
        return "too many time stamps";
    f->stamp[f->n_stamp].script = w->num[0];
    f->stamp[f->n_stamp++].live = live;
    if (!f->have_stamp) {
        f->have_stamp = true;
        f->stamp_script = w->num[0];
        f->stamp_live = live;
        f->stamp_at = at;
    }
    if (!tick)
        return NULL;
    ticks = (int32_t)(live - f->stamp_live);
    said = (int32_t)(w->num[0] - f->stamp_script);
    return ticks > said + 1 || ticks < said - 1 ? "the time stamp's value is not the expected one"
                                                : NULL;
}
