/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file station.h  One host with its links and its application: what both loops drive.
 *
 * A turn is: the application takes events and makes calls; output is pulled and sent until there is
 * none; and again while that gave the application something to do (time-outs are processed by
 * output). What a link cannot take is copied, since its text is only lent, and until the link has
 * taken it nothing more is pulled: that is all the back-pressure a host needs. What goes to an
 * interface without a link is dropped.
 */
#ifndef GN_LOOP_STATION_H
#define GN_LOOP_STATION_H

#include <gannet/host.h>
#include <gannet/link.h>
#include <gannet/loop.h>

#define STATION_RX 16 /* frames in a received burst */
#define STATION_TX 32 /* frames in a burst of output */

/** A frame that its link has not taken yet. */
struct held {
    struct held *next;
    struct gn_frame frame;
    uint8_t bytes[];
};

/** One interface of the host. */
struct station_link {
    struct gn_link *link; /* NULL: none */
    int err;              /* errno if it has died: no longer used, for the loop to clear away */
    uint16_t mtu;         /* of its interface, as the host was told */
    unsigned caps;
    struct held *held, **held_tail;
    gn_time full_since, retry_at;
};

struct station {
    struct station *next;
    struct gn_host *host;
    struct station_link link[GN_IFACE_MAX]; /* by the host's index */
    gn_service_fn *service;
    void *service_ctx;
    struct gn_loop_counts *stats;
    uint8_t *room; /* STATION_TX buffers of @room_each octets */
    uint32_t room_each;
    struct gn_frame out[STATION_TX];
};

/** station_find() - the station of @h in the list, NULL: none */
struct station *station_find(struct station *list, const struct gn_host *h);
/** station_get() - the same, made if there is none; NULL: no memory */
struct station *station_get(struct station **list, struct gn_host *h, struct gn_loop_counts *stats);
/** station_add() - make @link an interface of the host; index or negative gn_err */
int station_add(struct station *s, struct gn_link *link);
/** station_free() - links stay open */
void station_free(struct station *s);

/** station_input() - one burst from interface @i into the host; the number of frames */
size_t station_input(struct station *s, unsigned i, gn_time now);
/** station_turn() - as above; the number of frames sent */
size_t station_turn(struct station *s, gn_time now);
/** station_drop_link() - forget interface @i, and what is held for it; the link, which stays open
 */
struct gn_link *station_drop_link(struct station *s, unsigned i);
/** station_alive() - interface @i has a link that works */
static inline bool station_alive(const struct station *s, unsigned i)
{
    return s->link[i].link && s->link[i].err == 0;
}

/** station_held() - interface @i is full */
static inline bool station_held(const struct station *s, unsigned i)
{
    return s->link[i].held != NULL;
}
/** station_deadline() - of the host and its links together; a time in the past: at once */
struct gn_deadline station_deadline(const struct station *s);
/** station_link_due() - rx of interface @i must be called though its fd says nothing */
bool station_link_due(const struct station *s, unsigned i, gn_time now);
/** station_due() - the host must have a turn though nothing has arrived */
bool station_due(const struct station *s, gn_time now);

/** earlier() - of two deadlines */
static inline struct gn_deadline earlier(struct gn_deadline a, struct gn_deadline b)
{
    return !b.armed || (a.armed && a.at <= b.at) ? a : b;
}

#endif
