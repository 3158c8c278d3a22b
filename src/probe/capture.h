/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file capture.h  Packets from a pcap or pcapng file, from standard input, or from an interface.
 */
#ifndef GN_PROBE_CAPTURE_H
#define GN_PROBE_CAPTURE_H

#include <gannet/types.h>

#define CAPTURE_ERROR 320

/** Exactly one of @path and @iface is given. */
struct capture_config {
    const char *path;   /* file; "-": standard input */
    const char *iface;  /* interface; "any": all of them */
    const char *filter; /* as tcpdump takes it; NULL or "": everything */
};

struct capture_packet {
    gn_time at;          /* since 1970 */
    const uint8_t *data; /* link header first; valid until the next call */
    uint32_t captured, length;
};

enum capture_result {
    CAPTURE_PACKET,
    CAPTURE_NOTHING, /* live: nothing for a moment */
    CAPTURE_END,
    CAPTURE_BROKEN /* the file is cut off or damaged, or the interface has gone: see capture_error()
                    */
};

struct capture;

/** capture_open() - NULL: @ret_error says why in one line, with what would help. A link type that
 * nobody here can read is such an error too */
struct capture *capture_open(const struct capture_config *c, char ret_error[CAPTURE_ERROR]);
void capture_close(struct capture *c);
/** capture_next() - the next packet into *ret */
enum capture_result capture_next(struct capture *c, struct capture_packet *ret);
/** capture_error() - one line, after CAPTURE_BROKEN */
const char *capture_error(const struct capture *c);
/** capture_link_type() - as enum link_type of explain/passive_link.h */
int capture_link_type(const struct capture *c);
/** capture_link_name() - "EN10MB" */
const char *capture_link_name(const struct capture *c);
/** capture_missed() - live: packets that were lost for want of buffers, so far */
uint64_t capture_missed(const struct capture *c);

#endif
