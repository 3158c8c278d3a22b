/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file diag.h  The kernel's sockets through inet_diag (NETLINK_SOCK_DIAG): a dump, and what one of
 * its messages says.
 */
#ifndef GN_PROBE_DIAG_H
#define GN_PROBE_DIAG_H

#include "probe/store.h"

struct nlmsghdr;

/** diag_take() - a message of a dump as facts; false: too short, no TCP state, or no address family
 * of ours. Fields that an old kernel does not send stay unknown */
bool diag_take(const struct nlmsghdr *message, struct fact_conn *ret);
/** diag_dump() - append all TCP sockets of the network namespace that the calling thread is in;
 * @netns becomes their fact_conn.netns. 0, or -errno if there was nothing to be had; a dump that
 * broke off leaves a gap */
int diag_dump(struct store *s, uint32_t netns);
/** diag_gone() - has a socket of the namespace that the calling thread is in ended since, or been
 * closed by its process? */
bool diag_gone(const struct fact_conn *c);
/** diag_why() - the sentence for an error of diag_dump() */
const char *diag_why(int error);

#endif
