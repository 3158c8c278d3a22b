/* SPDX-License-Identifier: BSD-2-Clause */
/* Images whose sum is right and whose fields are not, several at a time, from connections in every
 * state. What is taken must live with its peer, be frozen again, and end, and nothing may be left.
 */
#include "world.h"

#include "base/bits.h"
#include "base/prng.h"
#include "image.h"

#include <gannet/freeze.h>

#include <criterion/criterion.h>
#include <string.h>

#define IMAGE_MAX (1 << 18)
#define HEAD      16  /* mark, version, features, length */
#define TUPLE     36  /* addresses and ports */
#define FIELDS    600 /* about so many octets before the text */

/* offsets of some fields */
enum { AT_STATE = HEAD + TUPLE, AT_FLAGS, AT_SND_LEN = AT_FLAGS + 4, AT_RCV_LEN = AT_SND_LEN + 4 };
enum { AT_N_OOO = AT_RCV_LEN + 4, AT_SEQS = AT_N_OOO + 2, AT_MAX_EDGE = AT_SEQS + 8 * 4 };

static struct world w;
static struct prng rng;
static gn_handle listener, c, s;
static uint8_t image[IMAGE_MAX], again[IMAGE_MAX];
static size_t image_len;

/** take() - the image of connection @h of host 1, where there is nothing then */
static void take(gn_handle h)
{
    int64_t n;

    cr_assert_eq(gn_host_freeze(w.h[1], h, w.now), GN_OK, "%s",
                 gn_state_name(world_state(&w, 1, h)));
    n = gn_host_image(w.h[1], h, image, sizeof(image));
    cr_assert(n > 0 && n <= IMAGE_MAX);
    image_len = (size_t)n;
    gn_host_free(world_replace(&w, 1));
}

/** opening() - host 1 has sent a SYN; @crossed: and has heard that of host 0, and answered it */
static void opening(bool crossed)
{
    cr_assert_eq(gn_host_connect(w.h[1], world_end(1, false, 80), world_end(0, false, 1000), NULL,
                                 w.now, &s),
                 GN_OK);
    (void)gn_host_send(w.h[1], s, image, 2000, 0, w.now);
    w.cut[0] = w.cut[1] = true;
    world_flush(&w);
    if (crossed)
        world_inject(&w, 1, world_end(0, false, 1000), world_end(1, false, 80), 5000, 0, 2);
    world_flush(&w);
    w.cut[0] = w.cut[1] = false;
}

/** holes() - text for host 1 of which every other segment is lost, and a FIN behind it */
static void holes(void)
{
    (void)gn_host_send(w.h[0], c, image, 3000, GN_SEND_URGENT, w.now);
    world_flush(&w);
    w.cut[0] = true;
    for (unsigned k = 0; k < 4; k++) {
        w.cut[1] = k % 2 == 0;
        (void)gn_host_send(w.h[0], c, image, 1448, 0, w.now);
        world_flush(&w);
    }
    gn_host_shutdown(w.h[0], c, w.now);
    world_flush(&w);
    w.cut[0] = w.cut[1] = false;
}

/** reach() - host 1 has a connection in @state, with more or less text in its buffers */
static void reach(enum gn_state state)
{
    bool first = state == GN_FIN_WAIT_1 || state == GN_FIN_WAIT_2 || state == GN_CLOSING ||
                 state == GN_TIME_WAIT;

    if (state == GN_SYN_SENT || state == GN_SYN_RECEIVED) {
        opening(state == GN_SYN_RECEIVED);
        return;
    }
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 5000);
    if (prng_below(&rng, 2))
        (void)gn_host_send(w.h[0], c, image, 1 + prng_below(&rng, 4000), 0, w.now);
    world_flush(&w);
    if (state == GN_ESTABLISHED && prng_below(&rng, 2))
        holes();
    if (state == GN_CLOSE_WAIT || state == GN_LAST_ACK)
        gn_host_shutdown(w.h[0], c, w.now);
    world_flush(&w);
    w.cut[0] = state == GN_LAST_ACK ||
               (state != GN_FIN_WAIT_2 && state != GN_TIME_WAIT && prng_below(&rng, 3));
    if (w.cut[0])
        (void)gn_host_send(w.h[1], s, image, 1 + prng_below(&rng, 30000), 0, w.now);
    if (first || state == GN_LAST_ACK)
        gn_host_shutdown(w.h[1], s, w.now);
    if (state != GN_FIN_WAIT_1 || prng_below(&rng, 2))
        world_flush(&w);
    if (state == GN_CLOSING || state == GN_TIME_WAIT)
        gn_host_shutdown(w.h[0], c, w.now);
    world_flush(&w);
    w.cut[0] = false;
}

/** spoil() - one field, or what looks like one */
static void spoil(void)
{
    static const uint8_t octets[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    static const uint32_t steps[] = {1,        2,       1448, 65535, 1u << 24, (1u << 30) - 1,
                                     1u << 30, 1u << 31};
    uint32_t end = min_u32((uint32_t)image_len - IMAGE_SUM, HEAD + FIELDS) - 8;
    uint32_t at = HEAD + TUPLE + prng_below(&rng, end - HEAD - TUPLE);
    uint32_t step = steps[prng_below(&rng, 8)], some;

    step = prng_below(&rng, 2) ? step : 0 - step;
    switch (prng_below(&rng, 8)) {
    case 0: image[AT_STATE] = (uint8_t)prng_below(&rng, GN_STATE_COUNT); break;
    case 1:
        image[AT_FLAGS + 1 + prng_below(&rng, 3)] ^= (uint8_t)(1u << prng_below(&rng, 8));
        break;
    case 2: /* text of one buffer is that of the other */
        some = prng_below(&rng, get32(image + AT_SND_LEN) + 1);
        put32(image + AT_SND_LEN, get32(image + AT_SND_LEN) - some);
        put32(image + AT_RCV_LEN, get32(image + AT_RCV_LEN) + some);
        break;
    case 3:
        at = AT_SEQS + 4 * prng_below(&rng, 15);
        put32(image + at, get32(image + at) + step);
        break;
    case 4: put32(image + at, get32(image + at) + step); break;
    case 5: put32(image + at, prng_u32(&rng)); break;
    case 6: memset(image + at, octets[prng_below(&rng, 6)], 1 + prng_below(&rng, 8)); break;
    default: image[at] = octets[prng_below(&rng, 6)]; break;
    }
}

/** live() - what came of it hears this and that, speaks, and moves once more */
static void live(gn_handle h)
{
    static const uint16_t ctl[] = {16, 16, 24, 17, 2, 18, 48, 4};
    struct gn_status st;

    (void)gn_host_send(w.h[1], h, again, prng_below(&rng, 5000), prng_below(&rng, 4), w.now);
    world_flush(&w);
    for (unsigned k = 0; k < 6 && !gn_host_status(w.h[1], h, w.now, &st); k++) {
        uint32_t seq = st.rcv.nxt + prng_below(&rng, 3) * (prng_u32(&rng) % 3000);
        uint32_t ack = st.snd.una + prng_u32(&rng) % (st.snd.nxt - st.snd.una + 2);

        world_inject(&w, 1, st.remote, st.local, seq, ack, ctl[prng_below(&rng, k < 4 ? 3 : 8)]);
        (void)gn_host_recv(w.h[1], h, again, prng_below(&rng, 4000), prng_below(&rng, 4), w.now);
        world_run(&w, prng_below(&rng, 2000) * GN_MSEC);
    }
    if (gn_host_freeze(w.h[1], h, w.now) == GN_OK) {
        int64_t n = gn_host_image(w.h[1], h, again, sizeof(again));

        cr_assert(n > 0);
        if (prng_below(&rng, 2) && n <= IMAGE_MAX) {
            cr_assert_eq(gn_host_forget(w.h[1], h, w.now), GN_OK);
            if (gn_host_thaw(w.h[1], again, (size_t)n, GN_THAW_FROZEN, NULL, w.now, &h))
                return;
        }
        world_run(&w, prng_below(&rng, 10000) * GN_MSEC);
        cr_assert_eq(gn_host_unfreeze(w.h[1], h, w.now), GN_OK);
    }
    world_run(&w, 3 * GN_SEC);
    if (prng_below(&rng, 2))
        (void)gn_host_shutdown(w.h[1], h, w.now);
    world_run(&w, 3 * GN_SEC);
    (void)gn_host_close(w.h[1], h, w.now);
}

/** forge() - one connection, whose image is spoilt; was it taken? */
static bool forge(uint64_t seed)
{
    unsigned flags, n;
    enum gn_err err;
    struct gn_conf conf;
    gn_handle h;

    prng_seed(&rng, seed, 9);
    gn_conf_default(&conf);
    conf.tcp_congestion_control = prng_below(&rng, 3);
    conf.tcp_timestamps = prng_below(&rng, 3);
    conf.tcp_sack = prng_below(&rng, 3) > 0;
    conf.tcp_ecn = prng_below(&rng, 4);
    conf.tcp_pacing = prng_below(&rng, 2);
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    c = GN_NO_HANDLE;
    reach((enum gn_state)(GN_SYN_SENT + prng_below(&rng, GN_STATE_COUNT - GN_SYN_SENT)));
    take(s);
    n = prng_below(&rng, 5);
    for (unsigned k = 0; k <= n; k++)
        spoil();
    image_seal(image, image_len);
    flags = prng_below(&rng, 2) ? GN_THAW_SAME_PATH : 0;
    err = gn_host_thaw(w.h[1], image, image_len, flags, NULL, w.now, &h);
    if (!err)
        live(h);
    (void)gn_host_abort(w.h[0], c, w.now);
    world_fini(&w);
    return !err;
}

Test(freeze_forge, several_fields, .timeout = 300)
{
    unsigned taken = 0, refused = 0;

    for (uint64_t seed = 1; seed <= 1500; seed++)
        if (forge(seed))
            taken++;
        else
            refused++;
    cr_expect_gt(taken, 200, "%u", taken);
    cr_expect_gt(refused, 200, "%u", refused);
}

/* a window of all that there may be, behind text that was not read yet, is more than a buffer has
 */
Test(freeze_forge, text_far_beyond)
{
    uint32_t nxt, ranges, far = (1u << 30) - 2000;
    gn_handle h;

    prng_seed(&rng, 1, 9);
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    holes();
    take(s);
    nxt = get32(image + AT_SEQS + 6 * 4);
    put32(image + AT_MAX_EDGE, nxt + (1u << 30) - 1);
    ranges =
        (uint32_t)image_len - IMAGE_SUM - get32(image + AT_SND_LEN) - get32(image + AT_RCV_LEN);
    cr_assert_eq(get16(image + AT_N_OOO), 2);
    ranges -= 2 * 8 + 2 * 1448;
    cr_assert_eq(get32(image + ranges), nxt + 1448);
    image[AT_FLAGS + 2] &= 0x7f; /* ooo_fin */
    put32(image + ranges + 8, nxt + far);
    put32(image + ranges + 12, nxt + far + 1448);
    image_seal(image, image_len);
    cr_expect_eq(gn_host_thaw(w.h[1], image, image_len, 0, NULL, w.now, &h), GN_E_BAD_IMAGE);
    (void)gn_host_abort(w.h[0], c, w.now);
    world_fini(&w);
}
