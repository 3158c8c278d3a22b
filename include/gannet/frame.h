/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file frame.h  What travels between a host and a link: one packet, or one super-segment of up to
 * 64 KiB.
 *
 * A frame is a contiguous beginning (@data, @len: at least all headers) and up to two borrowed
 * spans that follow it. In: the caller owns everything; the host only reads it, and only during the
 * call. Out: the caller lends room (@buf, @cap). The host puts the headers there, and the payload
 * too unless the interface has GN_CAP_GATHER; then the payload stays where it is and is named by
 * @tail, valid until the next call into that host.
 *
 * Checksums (as virtio-net and Linux have it): GN_FRAME_CSUM_OWED says that the 16 bits at
 * csum_start + csum_offset hold only the pseudo-header's sum, and that whoever puts the frame on a
 * real wire must finish it. A host takes such a frame as verified: it never left the machine.
 * GN_FRAME_CSUM_OK says that somebody has verified the transport checksum.
 */
#ifndef GANNET_FRAME_H
#define GANNET_FRAME_H

#include <gannet/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gn_span {
    const uint8_t *ptr;
    uint32_t len;
};

/** A span to be filled. */
struct gn_room {
    uint8_t *ptr;
    uint32_t len;
};

enum {
    GN_FRAME_CSUM_OK = 1, /* transport checksum verified */
    GN_FRAME_CSUM_OWED =
        2, /* transport checksum to be finished, csum_start and csum_offset are set */
};

#define GN_FRAME_TAILS 2
/** Room that an out-frame needs: headers always fit GN_FRAME_HEAD; without GN_CAP_GATHER the
 * largest packet must too. */
#define GN_FRAME_HEAD 256
#define GN_FRAME_MAX  (65535 + 14)

struct gn_frame {
    uint8_t *buf; /* out: room lent to the host, @cap bytes */
    uint32_t cap;
    uint32_t len;        /* of @data */
    const uint8_t *data; /* the contiguous beginning; out: somewhere in @buf */
    struct gn_span tail[GN_FRAME_TAILS];
    uint8_t n_tail;
    uint8_t iface; /* index of the interface, 0 for the first */
    uint8_t flags; /* GN_FRAME_* */
    uint16_t csum_start, csum_offset;
    uint16_t gso_size; /* TCP payload octets per wire segment; 0: not a super-segment */
    uint16_t hdr_len;  /* with gso_size: all headers up to the payload */
};

/** gn_frame_total() - all bytes of the frame */
static inline uint32_t gn_frame_total(const struct gn_frame *f)
{
    uint32_t n = f->len;
    for (unsigned i = 0; i < f->n_tail; i++)
        n += f->tail[i].len;
    return n;
}

/** What an interface can do for its host (struct gn_iface.caps). */
enum {
    GN_CAP_CSUM_TX = 1, /* finishes owed checksums */
    GN_CAP_CSUM_RX = 2, /* sets GN_FRAME_CSUM_OK or _OWED on what it delivers, where it knows */
    GN_CAP_TSO = 4,     /* takes TCP super-segments up to 64 KiB (needs GN_CAP_CSUM_TX) */
    GN_CAP_GATHER = 8,  /* takes frames with @tail */
};

enum gn_medium { GN_MEDIUM_IP, GN_MEDIUM_ETHERNET };

/** One interface of a host. */
struct gn_iface {
    enum gn_medium medium;
    uint8_t mac[6]; /* GN_MEDIUM_ETHERNET only */
    uint16_t mtu;   /* IP packet, 576 (IPv4) or 1280 (IPv6) at least */
    unsigned caps;  /* GN_CAP_* */
    char name[16];
};

#ifdef __cplusplus
}
#endif
#endif
