/* SPDX-License-Identifier: BSD-2-Clause */
/* What the world does: memory that fails at every point of a conversation, a clock that jumps, each
 * segment lost, doubled or late once, and noise. */
#include "base/bits.h"
#include "base/prng.h"
#include "foe.h"
#include "unit/host/world.h"

#include <criterion/criterion.h>
#include <string.h>

#define TEXT 30000u

static struct world w;
static const struct gn_endpoint any;
static uint8_t text[TEXT];

/** One end of a conversation. */
struct end {
    gn_handle c;
    uint32_t sent, got;
    bool shut, closed, eof, lost;
};

/** talk() - whatever this end can do now; retried until it succeeds, as a user does */
static void talk(unsigned i, struct end *e)
{
    uint8_t buf[4096];
    int64_t k;

    if (!e->c || e->closed || world_state(&w, i, e->c) == GN_SYN_SENT)
        return;
    while (e->sent < TEXT &&
           (k = gn_host_send(w.h[i], e->c, text + e->sent, TEXT - e->sent, 0, w.now)) > 0)
        e->sent += (uint32_t)k;
    while ((k = gn_host_recv(w.h[i], e->c, buf, sizeof(buf), 0, w.now)) > 0) {
        cr_assert_arr_eq(buf, text + e->got, (size_t)k);
        e->got += (uint32_t)k;
    }
    e->eof |= k == 0;
    e->lost |= k < 0 && k != GN_E_WOULD_BLOCK;
    if (e->sent == TEXT && e->eof && i == 1) {
        cr_expect_eq(gn_host_close(w.h[i], e->c, w.now), GN_OK);
        e->closed = true;
    } else if (e->sent == TEXT && i == 0) {
        if (!e->shut)
            cr_expect_eq(gn_host_shutdown(w.h[i], e->c, w.now), GN_OK);
        e->shut = true;
        if (e->eof) {
            cr_expect_eq(gn_host_close(w.h[i], e->c, w.now), GN_OK);
            e->closed = true;
        }
    }
}

/** conversation() - open, text both ways, close; false: it did not come to its end */
static bool conversation(gn_time patience)
{
    struct end e[2] = {{0}, {0}};
    gn_handle l = 0;
    gn_time start = w.now;

    while (w.now - start < patience) {
        if (!l)
            (void)gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l);
        if (l && !e[0].c)
            (void)gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &e[0].c);
        if (l && !e[1].c)
            (void)gn_host_accept(w.h[1], l, &e[1].c);
        talk(0, &e[0]);
        talk(1, &e[1]);
        for (unsigned i = 0; i < 2 && (e[0].lost || e[1].lost); i++) {
            (void)gn_host_abort(w.h[i], e[i].c, w.now);
            if (i == 1) /* an error was told of: once more */
                memset(e, 0, sizeof(e));
        }
        if (e[0].closed && e[1].closed)
            break;
        world_run(&w, 50 * GN_MSEC);
    }
    if (l)
        cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    return e[0].closed && e[1].closed && e[0].got == TEXT && e[1].got == TEXT;
}

/** up() - two hosts, nothing opened yet */
static void up(void)
{
    for (uint32_t i = 0; i < TEXT; i++)
        text[i] = (uint8_t)(i * 2654435761u >> 13);
    world_init(&w, NULL, 0, GN_MEDIUM_ETHERNET);
}

/* MAL-67: the n-th allocation after the beginning fails, once or for a while, for every n: no
 * crash, no leak; when there is memory again, the conversation comes to its end with every octet */
Test(hostile, t_MAL_67_every_allocation, .timeout = 100)
{
    long first[2], total[2];

    up();
    first[0] = w.pages[0].calls;
    first[1] = w.pages[1].calls;
    cr_assert(conversation(100 * GN_SEC));
    world_run(&w, 200 * GN_SEC);
    total[0] = w.pages[0].calls - first[0];
    total[1] = w.pages[1].calls - first[1];
    world_fini(&w);
    for (unsigned i = 0; i < 2; i++) {
        for (long n = 1; n <= total[i]; n++) {
            for (unsigned many = 0; many < 2; many++) {
                up();
                w.pages[i].fail_from = first[i] + n;
                w.pages[i].fail_n = many ? 50 : 1;
                cr_expect(conversation(300 * GN_SEC), "host %u, call %ld", i, n);
                world_run(&w, 200 * GN_SEC);
                world_nothing_left(&w, 0);
                world_nothing_left(&w, 1);
                world_fini(&w);
            }
        }
    }
}
