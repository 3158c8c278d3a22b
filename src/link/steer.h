/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file steer.h  Which queue of a TUN device a packet of the kernel's comes out of.
 */
#ifndef GN_LINK_STEER_H
#define GN_LINK_STEER_H

#include <stdint.h>

/** steer_load() - a program for TUNSETSTEERINGEBPF that gives flow_hash() of wire/flow.h for TCP
 * over IPv4 and IPv6 and for ICMP errors about it, and 0 for all else: a file descriptor, or -errno
 */
int steer_load(uint32_t key);

#endif
