/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file duo.h  Two hosts and a wire in memory, for targets that make a conversation of their input.
 */
#ifndef GN_TESTS_FUZZ_DUO_H
#define GN_TESTS_FUZZ_DUO_H

#include "lab/pages.h"

#include <gannet/host.h>

#include <stdlib.h>

#define DUO_FLIGHT 64
#define DUO_PACKET 1600
#define DUO_PORT   80

/** MUST() - the oracle speaks */
#define MUST(c) ((c) ? (void)0 : duo_fail(#c, __FILE__, __LINE__))
_Noreturn void duo_fail(const char *what, const char *file, int line);

/** What is left of the input; reading beyond its end gives zeros. */
struct input {
    const uint8_t *p;
    size_t n;
};

uint8_t take8(struct input *in);
uint16_t take16(struct input *in);
uint32_t take32(struct input *in);

struct duo_packet {
    uint32_t len;
    uint8_t bytes[DUO_PACKET];
};

struct duo_wire {
    unsigned n;
    struct duo_packet p[DUO_FLIGHT];
};

struct duo {
    struct gn_host *h[2];
    struct lab_pages pages[2];
    uint64_t base_used[2]; /* octets in use before anything happened */
    enum gn_medium medium;
    gn_time now;
    struct duo_wire to[2];
};

/** duo_new() - hosts whose knobs the input chooses */
void duo_new(struct duo *d, struct input *in);
/** duo_end() - everything is delivered and all timers run until nothing is left, or it fails: the
 * books of both hosts must be empty. Users have given all handles back */
void duo_end(struct duo *d);
/** duo_pull() - what host @i has to send goes onto the wire; what finds no room is lost */
void duo_pull(struct duo *d, unsigned i);
/** duo_deliver() - packet @k of those to host @i arrives */
void duo_deliver(struct duo *d, unsigned i, unsigned k);
/** duo_lose() - it does not */
void duo_lose(struct duo *d, unsigned i, unsigned k);
/** duo_settle() - all that can happen while time stands still, so often at most */
void duo_settle(struct duo *d, unsigned rounds);
/** duo_repair() - make the lengths and checksums of a packet right, as far as it has any */
void duo_repair(const struct duo *d, struct duo_packet *p);
/** duo_balance() - what a walk finds at host @i is what its counters say */
void duo_balance(const struct duo *d, unsigned i);
struct gn_endpoint duo_end_of(unsigned i, bool v6, uint16_t port);

#endif
