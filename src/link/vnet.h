/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vnet.h  The virtio network header, which carries what struct gn_frame says of checksums and
 * segmentation across the border to the kernel: TUN and TAP devices, packet sockets.
 *
 * It is in the machine's byte order, as both have it unless told otherwise.
 */
#ifndef GN_LINK_VNET_H
#define GN_LINK_VNET_H

#include <gannet/frame.h>

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <sys/uio.h>

/** Spans of a frame for the kernel: the virtio header, the beginning, the tails. */
#define VNET_SPANS (2 + GN_FRAME_TAILS)

/** vnet_describe() - what the kernel says in @h of the frame @f, whose data and len are set; false:
 * it contradicts the frame, which is to be dropped */
bool vnet_describe(const struct virtio_net_hdr *h, struct gn_frame *f);
/** vnet_gather() - @f as spans, the header for it in *h first; how many spans, 0: its metadata make
 * no sense */
unsigned vnet_gather(const struct gn_frame *f, enum gn_medium m, struct virtio_net_hdr *h,
                     struct iovec iov[VNET_SPANS]);

#endif
