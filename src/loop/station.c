/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file station.c  One host with its links and its application.
 */
#include "loop/station.h"

#include "base/bits.h"

#include <stdlib.h>

#define TURN_ROUNDS 16
#define FULL_RETRY  GN_MSEC /* a link without a deadline is asked again after this */
#define FULL_LIMIT  GN_SEC  /* what a link has not taken for so long is dropped */
/* With GN_CAP_GATHER text is not put into the room, but the host's own packets (ICMP, ARP) are. */
#define ROOM_SMALL 2048
#define ROOM_ALIGN 64

struct station *station_find(struct station *list, const struct gn_host *h)
{
    while (list && list->host != h)
        list = list->next;
    return list;
}

struct station *station_get(struct station **list, struct gn_host *h, struct gn_loop_counts *stats)
{
    struct station *s = station_find(*list, h);

    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->host = h;
    s->stats = stats;
    while (*list)
        list = &(*list)->next;
    *list = s;
    return s;
}

/** station_lend() - give frame @i its room, and nothing else */
static void station_lend(struct station *s, unsigned i)
{
    s->out[i] = (struct gn_frame){.buf = s->room + (size_t)i * s->room_each, .cap = s->room_each};
}

/** station_resize() - frames with room for @each octets at the least; false: no memory */
static bool station_resize(struct station *s, uint32_t each)
{
    uint8_t *room;

    /* an odd number of cache lines, so that the beginnings do not share a set of the cache */
    each = (each / ROOM_ALIGN + 1) * ROOM_ALIGN | ROOM_ALIGN;
    if (each <= s->room_each)
        return true;
    room = malloc((size_t)each * STATION_TX);
    if (!room)
        return false;
    free(s->room);
    s->room = room;
    s->room_each = each;
    for (unsigned n = 0; n < STATION_TX; n++)
        station_lend(s, n);
    return true;
}

/** station_make_room() - room for output to @link as well; false: no memory */
static bool station_make_room(struct station *s, const struct gn_link *link)
{
    const struct gn_iface *i = &link->iface;

    if ((i->caps & GN_CAP_TSO) && !(i->caps & GN_CAP_GATHER))
        return station_resize(s, GN_FRAME_MAX);
    return station_resize(s, max_u32(i->mtu + 14u, ROOM_SMALL));
}

int station_add(struct station *s, struct gn_link *link)
{
    int i;

    if (!station_make_room(s, link))
        return GN_E_NO_MEMORY;
    i = gn_host_add_iface(s->host, &link->iface);
    if (i >= 0)
        s->link[i] =
            (struct station_link){.link = link, .mtu = link->iface.mtu, .caps = link->iface.caps};
    return i;
}

/** station_iface() - tell the host if the interface of link @i is not what it was; what the host
 * refuses, or there is no memory for, is not asked again */
static void station_iface(struct station *s, unsigned i)
{
    struct station_link *l = &s->link[i];
    const struct gn_iface *now = &l->link->iface;

    if (now->mtu == l->mtu && now->caps == l->caps)
        return;
    l->mtu = now->mtu;
    l->caps = now->caps;
    if (station_make_room(s, l->link))
        (void)gn_host_set_iface(s->host, (int)i, now);
}

struct gn_link *station_drop_link(struct station *s, unsigned i)
{
    struct station_link *l = &s->link[i];
    struct gn_link *link = l->link;

    while (l->held) {
        struct held *h = l->held;

        l->held = h->next;
        s->stats->tx_dropped++;
        free(h);
    }
    *l = (struct station_link){0};
    return link;
}

void station_free(struct station *s)
{
    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        station_drop_link(s, i);
    free(s->room);
    free(s);
}

size_t station_input(struct station *s, unsigned i, gn_time now)
{
    struct gn_frame frames[STATION_RX];
    int n = gn_link_rx(s->link[i].link, frames, STATION_RX, now);

    if (n < 0)
        s->link[i].err = -n;
    if (n <= 0)
        return 0;
    for (int k = 0; k < n; k++)
        frames[k].iface = (uint8_t)i;
    gn_host_input(s->host, frames, (size_t)n, now);
    return (size_t)n;
}

/** station_hold() - keep a copy of @f for interface @i until there is room */
static void station_hold(struct station *s, unsigned i, const struct gn_frame *f, gn_time now)
{
    struct station_link *l = &s->link[i];
    uint32_t len = gn_frame_total(f), off = f->len;
    struct held *h = malloc(sizeof *h + len);

    if (!h) {
        s->stats->tx_dropped++;
        return;
    }
    h->next = NULL;
    h->frame = *f;
    h->frame.buf = NULL;
    h->frame.cap = 0;
    h->frame.data = h->bytes;
    h->frame.len = len;
    h->frame.n_tail = 0;
    memcpy(h->bytes, f->data, f->len);
    for (unsigned k = 0; k < f->n_tail; k++) {
        memcpy(h->bytes + off, f->tail[k].ptr, f->tail[k].len);
        off += f->tail[k].len;
    }
    if (l->held) {
        *l->held_tail = h;
    } else {
        l->held = h;
        l->full_since = now;
        l->retry_at = now + (l->link->fd < 0 ? FULL_RETRY : FULL_LIMIT);
    }
    l->held_tail = &h->next;
    s->stats->tx_held++;
}

/** station_send() - frames [from, to) of s->out, all for interface @i */
static void station_send(struct station *s, unsigned i, size_t from, size_t to, gn_time now)
{
    int n = 0;

    if (station_alive(s, i) && !station_held(s, i))
        n = gn_link_tx(s->link[i].link, s->out + from, to - from, now);
    if (n < 0) {
        s->link[i].err = -n;
        n = 0;
    }
    from += (size_t)n;
    if (!station_alive(s, i)) {
        s->stats->tx_dropped += to - from;
        return;
    }
    for (; from < to; from++)
        station_hold(s, i, &s->out[from], now);
}

/** station_flush() - try what is held for interface @i again */
static void station_flush(struct station *s, unsigned i, gn_time now)
{
    struct station_link *l = &s->link[i];

    while (l->held && l->err == 0) {
        struct held *h = l->held;
        int n = gn_link_tx(l->link, &h->frame, 1, now);

        if (n < 0) {
            l->err = -n;
            return;
        }
        if (n == 0 && now - l->full_since < FULL_LIMIT) {
            l->retry_at = l->link->fd < 0 ? now + FULL_RETRY : l->full_since + FULL_LIMIT;
            return;
        }
        if (n == 0)
            s->stats->tx_dropped++;
        else
            l->full_since = now;
        l->held = h->next;
        free(h);
    }
}

/** station_full() - something is held */
static bool station_full(const struct station *s)
{
    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        if (station_alive(s, i) && station_held(s, i))
            return true;
    return false;
}

/** station_output() - pull and send until there is no more, or a link is full; frames pulled */
static size_t station_output(struct station *s, gn_time now)
{
    size_t n, sent = 0;

    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        station_flush(s, i, now);
    while (s->room && !station_full(s) &&
           (n = gn_host_output(s->host, s->out, STATION_TX, now)) > 0) {
        for (size_t from = 0, to; from < n; from = to) {
            unsigned i = s->out[from].iface;

            for (to = from + 1; to < n && s->out[to].iface == i;)
                to++;
            station_send(s, i, from, to, now);
        }
        for (unsigned i = 0; i < n; i++)
            station_lend(s, i);
        sent += n;
    }
    return sent;
}

/** station_stuck() - a host that has just given nothing would give something: it has an interface
 * that is no link's, and the frames, if there are any yet, are too small for that. Else it would
 * have no turn, and the loop no sleep */
static bool station_stuck(const struct station *s, gn_time now)
{
    struct gn_deadline d;

    if (s->room_each >= GN_FRAME_MAX || station_full(s))
        return false;
    d = gn_host_deadline(s->host);
    return d.armed && d.at <= now;
}

/** station_serve() - the application's turn; what it did */
static size_t station_serve(struct station *s, gn_time now)
{
    return s->service ? s->service(s->service_ctx, s->host, now) : 0;
}

size_t station_turn(struct station *s, gn_time now)
{
    size_t sent;

    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        if (station_alive(s, i))
            station_iface(s, i);
    station_serve(s, now);
    sent = station_output(s, now);
    if (sent == 0 && station_stuck(s, now) && station_resize(s, GN_FRAME_MAX))
        sent = station_output(s, now);
    for (unsigned round = 0; round < TURN_ROUNDS && station_serve(s, now) > 0; round++)
        sent += station_output(s, now);
    return sent;
}

/**
 * station_turn_deadline() - when the host is to have a turn though nothing arrives
 *
 * A host that may not send has nothing to do at its own deadline.
 */
static struct gn_deadline station_turn_deadline(const struct station *s)
{
    struct gn_deadline d = {0, false};

    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        if (station_alive(s, i) && station_held(s, i))
            d = earlier(d, (struct gn_deadline){s->link[i].retry_at, true});
    return d.armed ? d : gn_host_deadline(s->host);
}

struct gn_deadline station_deadline(const struct station *s)
{
    struct gn_deadline d = station_turn_deadline(s);

    for (unsigned i = 0; i < GN_IFACE_MAX; i++)
        if (station_alive(s, i))
            d = earlier(d, gn_link_deadline(s->link[i].link));
    return d;
}

bool station_link_due(const struct station *s, unsigned i, gn_time now)
{
    struct gn_deadline d = gn_link_deadline(s->link[i].link);

    return d.armed && d.at <= now;
}

bool station_due(const struct station *s, gn_time now)
{
    struct gn_deadline d = station_turn_deadline(s);

    return d.armed && d.at <= now;
}
