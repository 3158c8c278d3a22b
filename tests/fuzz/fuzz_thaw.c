/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_thaw.c  libFuzzer target: a connection in some state is frozen, its image is falsified
 * with the sum made right again, and what is made of it lives on with the peer.
 *
 * The oracle: assertions and tcb_check(), no livelock, an image that was not touched is taken and
 * what arrives then is what was sent, the books balance, and nothing is left in the end.
 */
#include "fuzz/duo.h"
#include "image.h"

#include <gannet/freeze.h>

#include <string.h>

#define IMAGE_MAX (1 << 18)
#define STEPS     40

struct end {
    gn_handle c;
    uint32_t sent, got;
};

static struct duo d;
static gn_handle listener;
static struct end end[2];
static uint8_t image[IMAGE_MAX];
static bool honest; /* the image was not falsified */

/** octet() - number @i of what host @from sends */
static uint8_t octet(unsigned from, uint32_t i)
{
    return (uint8_t)(i * 2654435761u >> 13 ^ from);
}

/** say() - @n octets of the stream, the last one urgent or not */
static void say(unsigned i, uint32_t n, unsigned flags)
{
    uint8_t buf[4096];
    int64_t k;

    n %= sizeof buf;
    for (uint32_t at = 0; at < n; at++)
        buf[at] = octet(i, end[i].sent + at);
    k = gn_host_send(d.h[i], end[i].c, buf, n, flags, d.now);
    end[i].sent += k > 0 ? (uint32_t)k : 0;
}

/** hear() - up to @n octets, which must be the next ones */
static void hear(unsigned i, uint32_t n)
{
    uint8_t buf[4096];
    int64_t k = gn_host_recv(d.h[i], end[i].c, buf, n % sizeof buf, 0, d.now);

    for (int64_t at = 0; at < k; at++, end[i].got++)
        MUST(!honest || buf[at] == octet(1 - i, end[i].got));
}

/** network() - packets on their way to host @i arrive, or one does not */
static void network(unsigned i, uint8_t what)
{
    duo_pull(&d, 1 - i);
    if (d.to[i].n == 0)
        return;
    if (what & 1)
        duo_lose(&d, i, (what >> 1) % d.to[i].n);
    else
        duo_deliver(&d, i, (what >> 1) % d.to[i].n);
}

/** step() - somebody does something */
static void step(struct input *in)
{
    struct gn_event ev[8];
    uint8_t what = take8(in);
    unsigned i = what & 1;

    switch (what >> 1 & 7) {
    case 0:
    case 1: say(i, take16(in), take8(in) & GN_SEND_MORE); break;
    case 2: hear(i, take16(in)); break;
    case 3: (void)gn_host_shutdown(d.h[i], end[i].c, d.now); break;
    case 4:
    case 5: network(i, take8(in)); break;
    case 6:
        d.now += (gn_time)take16(in) << 18; /* to 17 s */
        duo_pull(&d, 0);
        duo_pull(&d, 1);
        break;
    default: (void)gn_host_events(d.h[i], ev, 8); break;
    }
}

/** meet() - the two hosts have a connection, or nearly */
static void meet(struct input *in)
{
    struct gn_endpoint local = {.port = 0};
    uint8_t how = take8(in);
    bool v6 = how & 1;

    MUST(gn_host_listen(d.h[1], duo_end_of(1, v6, DUO_PORT), 4, NULL, &listener) == GN_OK);
    MUST(gn_host_connect(d.h[0], local, duo_end_of(1, v6, DUO_PORT), NULL, d.now, &end[0].c) ==
         GN_OK);
    if (how & 2) /* its SYN alone has left */
        duo_pull(&d, 0);
    else
        duo_settle(&d, 50);
    (void)gn_host_accept(d.h[1], listener, &end[1].c);
}

/** falsify() - octets of the image change, and its sum is right again */
static void falsify(struct input *in, size_t len)
{
    for (unsigned n = take8(in) % 12; n > 0; n--) {
        size_t at = take16(in) % (len - IMAGE_SUM);

        image[at] ^= take8(in);
        honest = false;
    }
    image_seal(image, len);
}

/** move() - the connection of host @i is another one */
static void move(unsigned i, struct input *in)
{
    struct end *e = &end[i];
    uint8_t how = take8(in);
    enum gn_err err;
    int64_t n;

    if (gn_host_freeze(d.h[i], e->c, d.now))
        return;
    n = gn_host_image(d.h[i], e->c, image, sizeof(image));
    MUST(n > 0 && n < IMAGE_MAX);
    MUST(gn_host_forget(d.h[i], e->c, d.now) == GN_OK);
    d.now += (gn_time)take8(in) << 24; /* to 4 s */
    falsify(in, (size_t)n);
    err = gn_host_thaw(d.h[i], image, (size_t)n, how & 3, NULL, d.now, &e->c);
    MUST(!honest || !err || err == GN_E_NO_MEMORY);
    if (err)
        e->c = GN_NO_HANDLE;
    else if (how & GN_THAW_FROZEN)
        MUST(gn_host_unfreeze(d.h[i], e->c, d.now) == GN_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    memset(end, 0, sizeof end);
    honest = true;
    duo_new(&d, &in);
    meet(&in);
    for (unsigned i = 0; i < STEPS / 2 && in.n > 40; i++)
        step(&in);
    move(take8(&in) & 1, &in);
    for (unsigned i = 0; i < STEPS && in.n > 0; i++)
        step(&in);
    (void)gn_host_close(d.h[1], listener, d.now);
    for (unsigned i = 0; i < 2; i++)
        if (end[i].c)
            (void)gn_host_close(d.h[i], end[i].c, d.now);
    duo_end(&d);
    return 0;
}
