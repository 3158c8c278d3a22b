/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file gso.h  From frames as hosts and devices pass them to packets as a wire carries them.
 *
 * A super-segment becomes TCP segments of gso_size octets of text with headers of their own; an
 * owed checksum is finished; borrowed tails are gathered. Any other frame comes out as it is.
 */
#ifndef GN_LINK_GSO_H
#define GN_LINK_GSO_H

#include <gannet/frame.h>

#include <stdbool.h>

struct gso {
    const struct gn_frame *f;
    uint32_t total;      /* octets of the frame */
    uint32_t ip, tcp;    /* offsets of the headers in it; super-segments only */
    uint32_t hdr, off;   /* octets of all headers; of the text, those already cut */
    uint32_t text, size; /* octets of text; of it per piece. size 0: not a super-segment */
    uint64_t pseudo;     /* sum of both addresses and the protocol */
    uint32_t index;      /* of the next piece */
    bool v6, done;
};

/** gso_begin() - get ready to cut @f, which must live until the end; false: its metadata make no
 * sense */
bool gso_begin(struct gso *g, const struct gn_frame *f, enum gn_medium m);
/** gso_next_len() - octets of the piece that gso_next() will write; 0: there are no more */
uint32_t gso_next_len(const struct gso *g);
/** gso_next() - write the next piece to @out (gso_next_len() octets); its length, 0: there are no
 * more */
uint32_t gso_next(struct gso *g, uint8_t *out);
/** gso_skip() - leave the next piece out */
void gso_skip(struct gso *g);
/** gso_finishes() - the pieces have checksums that were computed here, hence are right */
bool gso_finishes(const struct gso *g);

/** frame_copy() - copy @len octets from offset @off of @f, tails included, to @dst; their sum as
 * csum() */
uint64_t frame_copy(const struct gn_frame *f, uint32_t off, uint32_t len, uint8_t *dst);

#endif
