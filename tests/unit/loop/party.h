/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file party.h  A host with a small application, for tests of the loops.
 *
 * A client opens a connection, sends octets of a known pattern and its FIN, and wants the number of
 * them back. A server checks the pattern and sends the number. Both then close.
 */
#ifndef TEST_LOOP_PARTY_H
#define TEST_LOOP_PARTY_H

#include "unit/base/pages.h"

#include <gannet/host.h>

struct party {
    struct gn_host *host;
    struct pages pages;
    gn_handle listener, conn;
    uint64_t send, sent, got; /* octets to send, sent, received */
    uint64_t answer;          /* client: the number that came back */
    unsigned calls;           /* of party_serve() */
    unsigned events;          /* all GN_EV_* bits seen */
    enum gn_err error;
    bool wrong; /* octets differ from the pattern */
    bool fin;   /* ours is sent */
    bool done;  /* closed */
};

/** party_new() - a host; @n makes its secret and differs from party to party */
void party_new(struct party *p, uint8_t n, gn_time now);
void party_free(struct party *p);
/** party_addr() - give interface @iface the addresses 10.77.0.@n/24 and fd00:0:0:77::@n/64 */
void party_addr(struct party *p, int iface, uint8_t n);
void party_listen(struct party *p, uint16_t port);
void party_connect(struct party *p, struct gn_endpoint to, uint64_t send, gn_time now);
/** party_serve() - gn_service_fn; @ctx is the party */
size_t party_serve(void *ctx, struct gn_host *h, gn_time now);
/** endpoint4() - 10.77.0.@n */
struct gn_endpoint endpoint4(uint8_t n, uint16_t port);

#endif
