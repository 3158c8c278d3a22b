/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file drill.h  A host at the end of a script: sockets above, packets below, and a time that moves
 * only when told.
 *
 * Theory of operation. One thread, the *main* one, plays the peer: it puts packets in, takes
 * packets out and lets time pass. Socket calls come from it too; a call that must be able to block
 * while the script goes on comes from another thread, between drill_enter() and drill_leave(). Such
 * a thread sleeps in the socket layer, and time stands still until every thread that was woken has
 * left its call or sleeps again: what happens is the same each time.
 *
 * A call of the main thread that would block lets time pass by itself if the drill is *patient*;
 * else it fails with EDEADLK when it would wait for ever.
 */
#ifndef GN_PACKETDRILL_DRILL_H
#define GN_PACKETDRILL_DRILL_H

#include <gannet/socket.h>

struct drill;

struct drill_config {
    struct gn_conf conf;
    uint16_t mtu;
    uint8_t fastopen_key[16];
    bool keyed;
    struct gn_addr own; /* address of the host; all zero: one of each family, and any destination
                           is its own */
    bool patient;
    bool tso; /* the host makes super-segments, as most do whose device or kernel cuts them up */
};

/** A packet that the host has sent; whoever takes it frees it. */
struct drill_packet {
    struct drill_packet *next;
    gn_time at;
    uint32_t len;
    uint8_t data[];
};

/** drill_config_default() - any destination, MTU 1500, default knobs, not patient */
void drill_config_default(struct drill_config *ret);
/** drill_config_flags() - apply "name=value,..." as --so_flags has it: ip, mtu, tso,
 * tcp_fastopen_key (four numbers of 32 bits, as Linux's sysctl has it) and every knob; NULL
 * is fine. False: *ret_bad (room for 64 octets) names the part that is wrong */
bool drill_config_flags(struct drill_config *c, const char *flags, char *ret_bad);

/** drill_new() - for the calling thread as the main one; NULL: no memory, or the knobs do not go
 * together */
struct drill *drill_new(const struct drill_config *c);
/** drill_free() - true if the host has given all its memory back; NULL is fine */
bool drill_free(struct drill *d);
struct gn_stack *drill_stack(const struct drill *d);
/** drill_now() - virtual time */
gn_time drill_now(struct drill *d);

/** drill_send() - a packet for the host; what it causes without time passing has happened on return
 */
void drill_send(struct drill *d, const void *packet, uint32_t len);
/** drill_receive() - the next packet that the host has sent, letting time pass up to @until if it
 * has sent none yet. NULL: it sent none, and it is @until now, or nothing can happen any more */
struct drill_packet *drill_receive(struct drill *d, gn_time until);
/** drill_pass() - let time pass */
void drill_pass(struct drill *d, gn_time until);

/** drill_enter() - a socket call of another thread begins */
void drill_enter(struct drill *d);
/** drill_adopt() - the next drill_enter() of the calling thread was made already, in its name: by
 * who started the thread, so that time does not pass before it has come to its call */
void drill_adopt(void);
/** drill_leave() - it is over; returns when that was. The main thread's time stands still until
 * this thread has said drill_noted() */
gn_time drill_leave(struct drill *d);
void drill_noted(struct drill *d);
/** drill_is_main() - does the calling thread play the peer? */
bool drill_is_main(const struct drill *d);

#endif
