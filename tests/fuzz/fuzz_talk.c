/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_talk.c  libFuzzer target: a live conversation of two hosts, delivered, lost, doubled,
 * reordered, delayed and falsified as the input says, while users call.
 *
 * Falsified packets have their checksums made right again, so they get to the TCP. The oracle:
 * assertions and tcb_check(), no livelock, what arrives is what was sent as long as nothing was
 * falsified, the books balance, and nothing is left in the end (requirements INV-01 to INV-10).
 */
#include "fuzz/duo.h"

#include <string.h>

#define CONNS 6

struct user {
    gn_handle c;
    uint32_t sent, got;
};

static struct duo d;
static struct user user[2][CONNS];
static gn_handle listener[2];
static bool honest; /* no packet was falsified so far */

/** octet() - number @i of what host @from sends on any connection */
static uint8_t octet(unsigned from, uint32_t i)
{
    return (uint8_t)(i * 2654435761u >> 13 ^ from);
}

/** forget() - the handle in @u is given back */
static void forget(unsigned i, struct user *u)
{
    if (u->c)
        (void)gn_host_close(d.h[i], u->c, d.now);
    *u = (struct user){0};
}

/** call_open() - an active OPEN to the other host */
static void call_open(unsigned i, struct user *u, uint8_t how)
{
    struct gn_endpoint local = {.port = 0};

    forget(i, u);
    if (how & 2) /* both at once, or a tuple in use */
        local = duo_end_of(i, how & 1, DUO_PORT);
    if (gn_host_connect(d.h[i], local, duo_end_of(1 - i, how & 1, DUO_PORT), NULL, d.now, &u->c))
        u->c = GN_NO_HANDLE;
}

/** call_send() - @n octets of the stream */
static void call_send(unsigned i, struct user *u, uint32_t n)
{
    uint8_t buf[4096];
    int64_t k;

    n %= sizeof buf;
    for (uint32_t at = 0; at < n; at++)
        buf[at] = octet(i, u->sent + at);
    k = gn_host_send(d.h[i], u->c, buf, n, 0, d.now);
    if (k > 0)
        u->sent += (uint32_t)k;
}

/** call_recv() - up to @n octets, which must be the next ones */
static void call_recv(unsigned i, struct user *u, uint32_t n)
{
    uint8_t buf[4096];
    int64_t k = gn_host_recv(d.h[i], u->c, buf, n % sizeof buf, 0, d.now);

    for (int64_t at = 0; at < k; at++, u->got++)
        MUST(!honest || buf[at] == octet(1 - i, u->got));
}

/** call_accept() - into the place of @u */
static void call_accept(unsigned i, struct user *u)
{
    gn_handle c;

    if (gn_host_accept(d.h[i], listener[i], &c))
        return;
    forget(i, u);
    u->c = c;
}

/** call() - a user of host @i does something */
static void call(unsigned i, uint8_t what, struct input *in)
{
    struct user *u = &user[i][take8(in) % CONNS];
    struct gn_event ev[8];

    switch (what % 10) {
    case 0: call_open(i, u, take8(in)); break;
    case 1:
    case 2: call_send(i, u, take16(in)); break;
    case 3:
    case 4: call_recv(i, u, take16(in)); break;
    case 5: (void)gn_host_shutdown(d.h[i], u->c, d.now); break;
    case 6: forget(i, u); break;
    case 7:
        (void)gn_host_abort(d.h[i], u->c, d.now);
        *u = (struct user){0};
        break;
    case 8: call_accept(i, u); break;
    default: (void)gn_host_events(d.h[i], ev, 8); break;
    }
    duo_pull(&d, i);
}

/** falsify() - change packet @k of those to host @i, and make its checksums right */
static void falsify(unsigned i, unsigned k, uint8_t how, struct input *in)
{
    struct duo_packet *p = &d.to[i].p[k];
    uint32_t off = d.medium == GN_MEDIUM_ETHERNET ? 14 : 0, at, v;

    honest = false;
    switch (how % 4) {
    case 0: /* any octet */
        at = take16(in) % p->len;
        p->bytes[at] = take8(in);
        break;
    case 1: /* a number of the TCP header moves a little */
        at = off + (p->bytes[off] >> 4 == 6 ? 40 : 20) + (take8(in) & 1 ? 4 : 8);
        v = take16(in);
        if (at + 4 > p->len)
            return;
        v = ((uint32_t)p->bytes[at] << 24 | (uint32_t)p->bytes[at + 1] << 16 |
             (uint32_t)p->bytes[at + 2] << 8 | p->bytes[at + 3]) +
            (uint32_t)(int16_t)v;
        for (unsigned b = 0; b < 4; b++)
            p->bytes[at + b] = (uint8_t)(v >> (24 - 8 * b));
        break;
    case 2: /* other flags or window */
        at = off + (p->bytes[off] >> 4 == 6 ? 40 : 20) + 13 + take8(in) % 3;
        if (at < p->len)
            p->bytes[at] = take8(in);
        break;
    default: /* shorter or longer */
        at = take16(in) % (1500 + off);
        if (at > p->len)
            memset(p->bytes + p->len, take8(in), at - p->len);
        p->len = at < off + 20 ? off + 20 : at;
        break;
    }
    duo_repair(&d, p);
}

/** network() - something happens to a packet to host @i */
static void network(unsigned i, uint8_t what, struct input *in)
{
    struct duo_wire *q = &d.to[i];
    unsigned k;

    if (q->n == 0)
        return;
    k = what & 8 ? take8(in) % q->n : 0;
    switch (what % 8) {
    case 0:
    case 1:
    case 2: duo_deliver(&d, i, k); break;
    case 3: duo_lose(&d, i, k); break;
    case 4:
        if (q->n < DUO_FLIGHT) {
            q->p[q->n] = q->p[k];
            q->n++;
        }
        break;
    case 5: duo_settle(&d, 3); break;
    default: falsify(i, k, take8(in), in); break;
    }
}

/** pass() - time */
static void pass(uint8_t what)
{
    static const gn_time span[] = {GN_USEC,       GN_MSEC, 20 * GN_MSEC, 200 * GN_MSEC,
                                   500 * GN_MSEC, GN_SEC,  4 * GN_SEC,   70 * GN_SEC};

    d.now += span[what % 8];
    duo_pull(&d, 0);
    duo_pull(&d, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    honest = true;
    memset(user, 0, sizeof user);
    duo_new(&d, &in);
    for (unsigned i = 0; i < 2; i++)
        MUST(
            !gn_host_listen(d.h[i], (struct gn_endpoint){.port = DUO_PORT}, 3, NULL, &listener[i]));
    while (in.n > 0) {
        uint8_t op = take8(&in), what = op >> 3 & 15;
        unsigned i = op & 1;

        if ((op & 6) == 0)
            call(i, what, &in);
        else if ((op & 6) == 6 && what < 8)
            pass(what);
        else
            network(i, what, &in);
    }
    duo_balance(&d, 0);
    duo_balance(&d, 1);
    for (unsigned i = 0; i < 2; i++) {
        (void)gn_host_close(d.h[i], listener[i], d.now);
        for (unsigned k = 0; k < CONNS; k++)
            forget(i, &user[i][k]);
    }
    duo_end(&d);
    return 0;
}
