/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.h  Connections that move: from one host to another, in the same program or in one
 * far away, while the peer knows nothing of it.
 *
 * Who moves a connection goes through these steps; until the fourth, all can be taken back:
 *
 *     1. old host: gn_host_freeze()   it neither sends nor hears; its packets are dropped in
 * silence
 *     2. old host: gn_host_image()    octets that are all of it, text in its buffers included
 *     3. new host: gn_host_thaw() with GN_THAW_FROZEN   it stands, and is as silent as the old one
 *     4. old host: gn_host_forget()   gone, without FIN or RST; the host stays silent about it
 *     5. the peer's packets are led to the new host (routes, addresses, a balancer's table)
 *     6. new host: gn_host_unfreeze() it sends an ACK, and goes on
 *
 * To give up before step 4: gn_host_forget() at the new host, if it stands there already, and
 * gn_host_unfreeze() at the old one. Who cannot wait leaves GN_THAW_FROZEN and step 6 out.
 *
 * Time stands still for a connection while it is frozen: its timers have as much left afterwards,
 * its timestamps (RFC 7323) go on from where they were. The peer's time does not: it retransmits,
 * and gives up when its own patience ends. What was in flight is measured no more; one probe finds
 * out what has arrived (RFC 8985 7). By another path the congestion window begins anew, and
 * ssthresh is kept.
 *
 * An image holds no secrets of the host and no pointers; it means the same on any machine. It is
 * checked as if it came from an enemy. What has no handle cannot be frozen: listeners (open them
 * anew), half-open entries (the peer will send its SYN again), connections nobody has accepted yet,
 * orphans, and TIME-WAIT records.
 */
#ifndef GANNET_FREEZE_H
#define GANNET_FREEZE_H

#include <gannet/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** gn_host_freeze() - connection @c neither sends nor hears from now on, and no timer of it runs.
 * Until gn_host_unfreeze() every call that would change it gives GN_E_FROZEN; gn_host_status()
 * works, gn_host_poll() says 0. GN_E_FROZEN: it is already; GN_E_NOT_CONNECTED: it is CLOSED;
 * GN_E_UNSUPPORTED: Fast Open has text in a SYN that is not acknowledged yet; GN_E_BAD_HANDLE */
GN_API enum gn_err gn_host_freeze(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_unfreeze() - it goes on. What came meanwhile is lost as if on the way. GN_E_INVALID: it
 * is not frozen */
GN_API enum gn_err gn_host_unfreeze(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_image() - the image of frozen connection @c into the @cap octets at @buf; how many it
 * has, also if that is more than @cap, and @buf then of no use (NULL is fine). Nothing changes.
 * GN_E_INVALID: it is not frozen */
GN_API int64_t gn_host_image(const struct gn_host *h, gn_handle c, void *buf, size_t cap);
/** gn_host_forget() - frozen connection @c is gone without a word to its peer, and the handle
 * invalid. What still comes for it in 2 MSL is dropped in silence, too, so that no RST ends it
 * where it is now. GN_E_INVALID: it is not frozen */
GN_API enum gn_err gn_host_forget(struct gn_host *h, gn_handle c, gn_time now);

enum {
    GN_THAW_FROZEN = 1,    /* frozen it stays until gn_host_unfreeze() */
    GN_THAW_SAME_PATH = 2, /* the packets take the way that they took before: the congestion window
                              and the path MTU still hold */
};

/** gn_host_thaw() - a connection is made of the @len octets of @image, which are borrowed for the
 * call. It is the user's, as if accepted; its pending events come again. GN_E_BAD_IMAGE: damaged,
 * or says what cannot be; GN_E_UNSUPPORTED: made by a later version; GN_E_NOT_AVAILABLE: its
 * address is not of this host, or it is another shard's; GN_E_NO_ROUTE; GN_E_IN_USE: there is
 * something with this tuple already; GN_E_NO_MEMORY. Then nothing has changed */
GN_API enum gn_err gn_host_thaw(struct gn_host *h, const void *image, size_t len, unsigned flags,
                                void *user, gn_time now, gn_handle *ret);

/** Whose image it is, for those who lead packets. */
struct gn_image {
    struct gn_endpoint local, remote;
    enum gn_state state;
    uint32_t recv_q, send_q; /* octets: not yet read, not yet acknowledged */
};
/** gn_image_info() - GN_E_BAD_IMAGE, GN_E_UNSUPPORTED; @ret is untouched then */
GN_API enum gn_err gn_image_info(const void *image, size_t len, struct gn_image *ret);

#ifdef __cplusplus
}
#endif
#endif
