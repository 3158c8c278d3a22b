/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file foe.h  One real host behind its public border, virtual time, and a peer that means harm:
 * every octet of what it sends is made by hand.
 *
 * The host is 10.0.0.1 (fd00::1) and listens on port 80; the foe is 10.0.0.2 (fd00::2). What the
 * foe knows of a connection is what a peer can know: the numbers that were exchanged.
 */
#ifndef TESTS_HOSTILE_FOE_H
#define TESTS_HOSTILE_FOE_H

#include "unit/base/pages.h"
#include "wire/tcp.h"

#include <gannet/host.h>

#define FOE_PORT 80 /* of the host's listener */
#define FOE_OUT  64 /* segments of the host that are remembered from one pull */
#define FOE_ALL  (OPT_TS | OPT_SACKOK | OPT_WSCALE)
#define FOE_IRS  700000u

struct foe {
    struct gn_conf conf; /* to be changed before foe_up() */
    bool v6;             /* the connection that foe_open() makes */
    struct pages pages;
    struct gn_host *host;
    gn_time now;
    gn_handle listener, c;

    struct tcp_key key; /* of the connection at hand, seen from the foe */
    uint16_t port;      /* the foe's last one */
    uint32_t nxt;       /* our SND.NXT */
    uint32_t heard;     /* what the host has sent ends here: our RCV.NXT */
    uint32_t acked;     /* what the host has acknowledged last */
    uint32_t wnd;       /* what it announced last, not scaled */
    uint16_t my_wnd;    /* what we announce */
    unsigned has;       /* options that were agreed on */
    uint32_t tsval, tsecr;

    struct seg out[FOE_OUT];              /* what the host sent during the last pull */
    uint8_t text[FOE_OUT][128];           /* how its texts begin */
    unsigned n_out;                       /* segments of the last pull, remembered or not */
    uint64_t sent, sent_rst, sent_octets; /* all that the host has sent: packets, RSTs, IP octets */
};

/** foe_init() - knobs at their defaults but for an immediate ACK; nothing is up */
void foe_init(struct foe *f);
/** foe_up() - the host and its listener */
void foe_up(struct foe *f);
/** foe_fini() - no memory may be left */
void foe_fini(struct foe *f);

/** foe_seg() - a segment of the connection at hand: in sequence, all acknowledged, unless changed
 */
struct seg foe_seg(struct foe *f, unsigned ctl);
/** foe_arrives() - @s with its text_len octets at @text (NULL: 'x') arrives; what the host sends is
 * pulled. The reason why it was dropped, GN_DROP_NONE: it was not */
enum gn_drop foe_arrives(struct foe *f, const struct seg *s, const void *text);
/** foe_input() - the same without looking at anything, for floods; no pull */
void foe_input(struct foe *f, const struct seg *s, const void *text);
/** foe_tcp() - @len octets from the TCP header on, the checksum is put in if there is room for it
 */
enum gn_drop foe_tcp(struct foe *f, uint8_t *tcp, uint32_t len);
/** foe_raw() - any packet */
enum gn_drop foe_raw(struct foe *f, const void *packet, uint32_t len);
/** foe_build() - IP header and TCP segment at @p; the length */
uint32_t foe_build(const struct seg *s, const void *text, uint8_t *p);
/** foe_icmp() - an ICMPv4 error that quotes @quoted octets of what @host_key has sent with sequence
 * number @at; its type is 3, or stands in the second octet of @code */
enum gn_drop foe_icmp(struct foe *f, unsigned code, unsigned mtu, const struct tcp_key *host_key,
                      uint32_t at, uint32_t quoted);
/** foe_say() - @text in sequence, as an honest peer sends it */
enum gn_drop foe_say(struct foe *f, unsigned ctl, const void *text, uint32_t len);
/** foe_pull() - everything that the host has to send now; the number of segments */
unsigned foe_pull(struct foe *f);
/** foe_pass() - time passes, timers run; n_out is all that was sent, out[] only the last pull's */
void foe_pass(struct foe *f, gn_time span);

/** foe_open() - a connection to the listener from a new port with the options @has (OPT_*) and the
 * MSS option @mss (0: none), accepted */
void foe_open(struct foe *f, unsigned has, uint16_t mss);
/** foe_answer() - the host has called connect() on the foe: its SYN is pulled and answered */
void foe_answer(struct foe *f, unsigned has);
/** foe_drop() - the host aborts the connection at hand */
void foe_drop(struct foe *f);
/** foe_state() - of the connection at hand */
enum gn_state foe_state(const struct foe *f);
struct gn_status foe_status(const struct foe *f);
struct gn_stats foe_stats(const struct foe *f);
/** foe_alive() - the connection still carries octets both ways; nothing may be in flight */
void foe_alive(struct foe *f);
/** foe_last() - the last segment of the last pull; there is one */
const struct seg *foe_last(const struct foe *f);
/** foe_stranger() - a SYN of nobody in particular */
struct seg foe_stranger(struct foe *f, uint32_t who);

#endif
