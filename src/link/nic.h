/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nic.h  An Ethernet interface of the kernel's that a link shares with it: what it is, and
 * who we are on it.
 */
#ifndef GN_LINK_NIC_H
#define GN_LINK_NIC_H

#include "link/error.h"

struct nic {
    int index;
    uint16_t mtu;
    uint8_t mac[6];  /* ours, as told or made from the kernel's */
    bool kernel_mac; /* ours is the kernel's: the device takes frames for it anyway */
    char name[16];
    char driver[32]; /* "veth", "ixgbe"; empty if it does not say */
};

/** nic_look() - look the interface of @c up; false: *ret_err says why it is of no use */
bool nic_look(const struct gn_nic_config *c, struct nic *ret, struct gn_link_error *ret_err);
/** nic_join() - have the device take what is sent to our MAC and to all groups (of which Neighbour
 * Discovery needs some), for as long as the packet socket @fd lives; 0 or -errno */
int nic_join(const struct nic *n, int fd);
/** nic_queues() - how many queues it receives by; 0: it does not say */
unsigned nic_queues(const struct nic *n);
/** nic_error() - what ails the socket @fd: 0, or -errno; -ENODEV: the interface is no more */
int nic_error(const struct nic *n, int fd);
/** nic_iface() - the interface for a host */
struct gn_iface nic_iface(const struct nic *n, unsigned caps);

#endif
