/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file xdp_filter.h  The program in the kernel that hands our frames, and no others, to an AF_XDP
 * socket.
 */
#ifndef GN_LINK_XDP_FILTER_H
#define GN_LINK_XDP_FILTER_H

#include "link/nic.h"

struct xdp_filter {
    int link;    /* while it is open, the program is on the interface */
    bool native; /* in the driver, not after it */
};

/** xdp_filter_attach() - to interface @n; what is sent to our MAC, asks by ARP for one of the
 * addresses of @c, or goes to a solicited-node group of one, is handed to the socket @fd. All else
 * is the kernel's as before. 0; or -errno, nothing is left behind then */
int xdp_filter_attach(const struct nic *n, const struct gn_nic_config *c, int fd,
                      struct xdp_filter *ret);

#endif
