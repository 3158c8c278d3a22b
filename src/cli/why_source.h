/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_source.h  Where `gannet why` gets its facts from: the kernel, a capture, a running
 * `gannet up`. Each can be sampled as often as wanted.
 */
#ifndef GN_CLI_WHY_SOURCE_H
#define GN_CLI_WHY_SOURCE_H

#include "cli/buf.h"
#include "explain/facts.h"

#include <gannet/host.h>

#define WHY_SORRY 256 /* octets that suffice for any complaint */
#define WHY_NETNS 16

/** What was asked for. All zero: the kernel, the network namespace we are in. */
struct why_place {
    const char *capture; /* a pcap or pcapng file, "-": standard input; NULL: none */
    const char *iface;   /* an interface to listen on, for @seconds; NULL: none */
    uint32_t seconds;
    bool tell;        /* say when it has begun */
    bool up;          /* a running `gannet up`: */
    const char *host; /* its device or control socket; NULL: the only one */
    const char *netns[WHY_NETNS];
    size_t n_netns;
    bool all_netns;
};

struct why_source {
    char what[128]; /* "this machine", "gannet0" */
    bool small;     /* so few connections that notes are wanted as well */
    void *ctx;
    /** sample() - facts of now, good until the next but one; compared with the sample before. NULL:
     * *ret_sorry (WHY_SORRY octets) says why not */
    const struct facts *(*sample)(void *ctx, char *ret_sorry);
    /** ladder() - draw the segments of a connection of the latest sample as SVG; false: *ret_sorry
     * says why not. NULL: this source never sees segments */
    bool (*ladder)(void *ctx, const struct fact_conn *c, struct buf *b, char *ret_sorry);
    void (*close)(void *ctx);
};

/** why_source_open() - false: *ret_sorry (WHY_SORRY octets) says why not */
bool why_source_open(const struct why_place *p, struct why_source *ret, char *ret_sorry);
/** why_source_host() - the same for a running `gannet up` (why_host.c) */
bool why_source_host(const char *host, struct why_source *ret, char *ret_sorry);
/** why_source_capture() - the same for a capture or an interface (why_capture.c) */
bool why_source_capture(const struct why_place *p, struct why_source *ret, char *ret_sorry);
/** why_source_own() - the hosts of this very program; @seen (NULL: none) gives the ladders. Both
 * are borrowed */
struct fleet;
struct history;
void why_source_own(struct fleet *f, struct history *seen, struct why_source *ret);

#endif
