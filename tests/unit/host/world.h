/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file world.h  Two hosts joined by a wire in memory, and virtual time. Host 0 is 10.0.0.1 and
 * fd00::1, host 1 is 10.0.0.2 and fd00::2.
 */
#ifndef GN_TESTS_HOST_WORLD_H
#define GN_TESTS_HOST_WORLD_H

#include "unit/base/pages.h"

#include <gannet/host.h>

#define WIRE_MAX 16384

struct packet {
    uint32_t len;
    uint8_t *data;
    uint8_t flags;
    uint16_t csum_start, csum_offset, gso_size, hdr_len;
};

struct wire {
    struct packet p[WIRE_MAX];
    size_t head, n;
};

struct world {
    struct gn_host *h[2];
    struct pages pages[2];
    struct wire to[2]; /* packets on their way to a host */
    gn_time now;
    struct gn_conf conf;
    struct gn_iface iface;
    bool cut[2];                       /* what goes to this host is lost */
    void (*bend)(struct packet *p);    /* may spoil what is sent, NULL: nothing */
    void (*before)(struct gn_host *h); /* may look at it before something arrives, NULL: nothing */
    uint64_t packets;                  /* delivered */
    unsigned burst;                    /* frames of one call */
    unsigned replaced;                 /* hosts that world_replace() has made */
};

/** world_init() - knobs and capabilities are taken from @conf (NULL: defaults), @caps */
void world_init(struct world *w, const struct gn_conf *conf, unsigned caps, enum gn_medium medium);
/** world_fini() - all memory of both hosts must have come back */
void world_fini(struct world *w);
/** world_flush() - packets to and fro until nobody has anything to send; time stands still */
void world_flush(struct world *w);
/** world_run() - the same, and all timers, until @span has passed */
void world_run(struct world *w, gn_time span);
/** world_replace() - host @i is a new one from now on, with the same addresses and other secrets:
 * routes have changed. The old one is the caller's to free */
struct gn_host *world_replace(struct world *w, unsigned i);
/** world_end() - address and port on host @i; IPv6 if @v6 */
struct gn_endpoint world_end(unsigned i, bool v6, uint16_t port);
/** world_pair() - listener on host 1, connection from host 0, accepted */
void world_pair(struct world *w, bool v6, uint16_t port, gn_handle *ret_listener, gn_handle *ret_c,
                gn_handle *ret_s);
/** world_state() - state of a handle; GN_CLOSED if it is stale */
enum gn_state world_state(const struct world *w, unsigned i, gn_handle c);
/** world_inject() - a raw IPv4 TCP segment from @from to @to arrives at host @i */
void world_inject(struct world *w, unsigned i, struct gn_endpoint from, struct gn_endpoint to,
                  uint32_t seq, uint32_t ack, uint16_t ctl);

struct gn_stats world_stats(const struct world *w, unsigned i);
/** world_nothing_left() - no connection in any state on host @i; listeners do not count */
void world_nothing_left(const struct world *w, unsigned i);
/** world_transfer() - @n octets from @a on host @from to @b on the other, compared */
void world_transfer(struct world *w, unsigned from, gn_handle a, gn_handle b, size_t n);
/** world_close_both() - host 0 closes, then host 1: a TIME-WAIT record is left on host 0; its port
 */
uint16_t world_close_both(struct world *w, gn_handle c, gn_handle s);

#endif
