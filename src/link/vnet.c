/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vnet.c  The virtio network header.
 */
#include "link/vnet.h"

#include "wire/eth.h"
#include "wire/tcp.h"

#include <string.h>

bool vnet_describe(const struct virtio_net_hdr *h, struct gn_frame *f)
{
    uint8_t gso = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    uint32_t hdr_len;

    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        if ((uint32_t)h->csum_start + h->csum_offset + 2 > f->len)
            return false;
        f->flags = GN_FRAME_CSUM_OWED;
        f->csum_start = h->csum_start;
        f->csum_offset = h->csum_offset;
    } else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
        f->flags = GN_FRAME_CSUM_OK;
    }
    if (gso == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    /* the kernel's hdr_len is a hint; TCP's own is the truth */
    if ((gso != VIRTIO_NET_HDR_GSO_TCPV4 && gso != VIRTIO_NET_HDR_GSO_TCPV6) || h->gso_size == 0 ||
        !(f->flags & GN_FRAME_CSUM_OWED) || (uint32_t)h->csum_start + TCP_HEADER_MIN > f->len)
        return false;
    hdr_len = h->csum_start + (f->data[h->csum_start + 12] >> 4) * 4u;
    if (hdr_len > f->len)
        return false;
    if (f->len - hdr_len > h->gso_size) {
        f->gso_size = h->gso_size;
        f->hdr_len = (uint16_t)hdr_len;
    }
    return true;
}

/** vnet_header() - the header for @f; false: its metadata make no sense */
static bool vnet_header(const struct gn_frame *f, enum gn_medium m, struct virtio_net_hdr *h)
{
    uint32_t ip = m == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;

    memset(h, 0, sizeof *h);
    if (f->n_tail > GN_FRAME_TAILS)
        return false;
    if (f->flags & GN_FRAME_CSUM_OWED) {
        if ((uint32_t)f->csum_start + f->csum_offset + 2 > f->len)
            return false;
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = f->csum_start;
        h->csum_offset = f->csum_offset;
    }
    if (f->gso_size) {
        if (f->len <= ip || f->hdr_len > f->len || !h->flags ||
            (uint32_t)f->csum_start + TCP_HEADER_MIN > f->len)
            return false;
        h->gso_type = f->data[ip] >> 4 == 6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        if (f->data[f->csum_start + 13] & CTL_CWR)
            h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
        h->gso_size = f->gso_size;
        h->hdr_len = f->hdr_len;
    }
    return true;
}

/** iovec_of() - for writev(), which only reads, though its struct has no const */
static struct iovec iovec_of(const uint8_t *p, uint32_t len)
{
    union {
        const uint8_t *in;
        void *base;
    } u = {.in = p};

    return (struct iovec){u.base, len};
}

unsigned vnet_gather(const struct gn_frame *f, enum gn_medium m, struct virtio_net_hdr *h,
                     struct iovec iov[VNET_SPANS])
{
    unsigned n = 2;

    if (!vnet_header(f, m, h))
        return 0;
    iov[0] = (struct iovec){h, sizeof *h};
    iov[1] = iovec_of(f->data, f->len);
    for (unsigned i = 0; i < f->n_tail; i++)
        iov[n++] = iovec_of(f->tail[i].ptr, f->tail[i].len);
    return n;
}
