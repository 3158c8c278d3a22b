/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ladder.c  What both drawings of a ladder share: which arrival belongs to which departure,
 * and labels.
 */
#include "explain/ladder.h"

#include "wire/tcp.h"

unsigned ladder_sender(const struct ladder_event *e)
{
    return e->kind == LADDER_RECV ? e->end ^ 1u : e->end;
}

/** same_segment() - may @recv be the arrival of @send? */
static bool same_segment(const struct ladder_event *send, const struct ladder_event *recv)
{
    if (send->end == recv->end || send->id != recv->id)
        return false;
    return send->id || (send->seq == recv->seq && send->ack == recv->ack &&
                        send->ctl == recv->ctl && send->len == recv->len);
}

void ladder_prepare(struct ladder *l)
{
    for (size_t i = 0; i < l->n; i++) {
        l->events[i].peer = -1;
        l->events[i].drawn = false;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->events[i].kind != LADDER_RECV)
            continue;
        for (size_t j = 0; j < i; j++) {
            struct ladder_event *s = &l->events[j];
            if (s->kind == LADDER_SEND && s->peer < 0 && same_segment(s, &l->events[i])) {
                s->peer = (int32_t)i;
                l->events[i].peer = (int32_t)j;
                break;
            }
        }
    }
}

int32_t ladder_next(const struct ladder *l, size_t i, unsigned end)
{
    for (size_t j = i + 1; j < l->n; j++)
        if (l->events[j].end == end && !l->events[j].drawn)
            return (int32_t)j;
    return -1;
}

bool ladder_iss(const struct ladder *l, unsigned end, uint32_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < l->n; i++) {
        const struct ladder_event *e = &l->events[i];
        if ((e->kind != LADDER_SEND && e->kind != LADDER_RECV) || ladder_sender(e) != end)
            continue;
        if (e->ctl & CTL_SYN) {
            *ret = e->seq;
            return true;
        }
        if (!found && !(e->ctl & CTL_RST)) {
            *ret = e->seq;
            found = true;
        }
    }
    return found;
}

bool ladder_lost(const struct ladder *l, const struct ladder_event *e)
{
    return e->kind == LADDER_SEND && e->peer < 0 && l->seen[e->end ^ 1u];
}

/** put_flags() - "SYN,ACK" */
static void put_flags(uint16_t ctl, struct text *t)
{
    static const struct {
        uint16_t bit;
        const char *name;
    } flags[] = {{CTL_SYN, "SYN"}, {CTL_FIN, "FIN"}, {CTL_RST, "RST"}, {CTL_PSH, "PSH"},
                 {CTL_ACK, "ACK"}, {CTL_URG, "URG"}, {CTL_ECE, "ECE"}, {CTL_CWR, "CWR"}};
    bool first = true;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!(ctl & flags[i].bit))
            continue;
        if (!first)
            text_str(t, ",");
        text_str(t, flags[i].name);
        first = false;
    }
    if (first)
        text_str(t, "none");
}

void ladder_label(const struct ladder *l, const struct ladder_event *e, bool absolute,
                  struct text *t)
{
    unsigned from = ladder_sender(e);
    uint32_t mine = 0, theirs = 0;
    if (!absolute) {
        (void)ladder_iss(l, from, &mine);
        if (!ladder_iss(l, from ^ 1u, &theirs))
            theirs = e->ack;
        put_flags(e->ctl, t);
        text_str(t, " ");
    }
    text_str(t, "seq ");
    if (absolute)
        text_u64(t, e->seq);
    else
        text_i64(t, (int32_t)(e->seq - mine));
    if (e->ctl & CTL_ACK) {
        text_str(t, " ack ");
        if (absolute)
            text_u64(t, e->ack);
        else
            text_i64(t, (int32_t)(e->ack - theirs));
    }
    if (absolute)
        return;
    if (e->len) {
        text_str(t, " len ");
        text_u64(t, e->len);
    }
    if (e->wnd == 0 && !(e->ctl & CTL_RST))
        text_str(t, " win 0");
}
