/* SPDX-License-Identifier: BSD-2-Clause */
/* A sender that lies: octets out of order, at the edges, again, with other content; memory and
 * order of the stream hold. */
#include "base/bits.h"
#include "base/prng.h"
#include "foe.h"

#include <criterion/criterion.h>
#include <string.h>

#define WND   60000u
#define HOLES 4096u /* that are kept */

static struct foe f;
static uint8_t stream[100000], got[100000];

/** up() - an established connection with a receive buffer of WND octets that does not grow */
static void up(unsigned has)
{
    foe_init(&f);
    f.conf.tcp_rmem_default = WND;
    f.conf.tcp_rmem_max = WND;
    f.conf.tcp_moderate_rcvbuf = 0;
    foe_up(&f);
    foe_open(&f, has, 1460);
    for (uint32_t i = 0; i < sizeof(stream); i++)
        stream[i] = (uint8_t)(i * 2654435761u >> 13);
}

/** put() - octets [a, b) of @from, counted from the place @base in the stream */
static enum gn_drop put(uint32_t base, uint32_t a, uint32_t b, const uint8_t *from, unsigned ctl)
{
    struct seg s = foe_seg(&f, CTL_ACK | ctl);

    s.seq = seq(base + a);
    s.text_len = b - a;
    return foe_arrives(&f, &s, from + a);
}

/** take() - all that can be read, @n octets, into got[] */
static void take(uint32_t n)
{
    uint32_t at = 0;
    int64_t k;

    while ((k = gn_host_recv(f.host, f.c, got + at, sizeof(got) - at, 0, f.now)) > 0)
        at += (uint32_t)k;
    cr_assert_eq(at, n, "%u instead of %u octets", at, n);
    foe_pull(&f);
}

/* MAL-40, MAL-51, SEC-MEM-1, SEC-MEM-2: single octets at every second place, from the far end on.
 * So many holes are kept and no more; what is dropped is never SACKed; memory is no more than the
 * buffer and half of that; the stream comes out whole. 30000 segments fill the window; they come
 * three times */
Test(hostile, t_MAL_40_odd_octets, .timeout = 60)
{
    unsigned kept = 0, refused = 0, again = 0, lies = 0;
    uint64_t memory;
    uint32_t base;

    up(OPT_SACKOK);
    base = f.nxt;
    memory = foe_status(&f).memory;
    for (unsigned pass = 0; pass < 3; pass++) {
        for (uint32_t at = WND - 1; at < WND; at -= 2) {
            enum gn_drop d = put(base, at, at + 1, stream, 0);
            const struct seg *a = foe_last(&f);

            kept += d == GN_DROP_NONE;
            refused += d == GN_DROP_OUT_OF_ORDER_LIMIT;
            again += d == GN_DROP_DUPLICATE_DATA;
            for (unsigned i = 0; d == GN_DROP_OUT_OF_ORDER_LIMIT && i < a->opt.n_sack; i++)
                lies += seq_eq(a->opt.sack[i].l, seq(base + at));
        }
    }
    cr_expect_eq(kept, HOLES);
    cr_expect_eq(again, 2 * HOLES);
    cr_expect_eq(lies, 0);
    cr_expect_eq(refused, 3 * (WND / 2 - HOLES));
    cr_expect_eq(foe_status(&f).rcv.out_of_order, HOLES);
    cr_expect_eq(foe_status(&f).memory - memory, 65536 + 8 * HOLES);
    for (uint32_t at = 0; at < WND; at += 1000)
        cr_expect_eq(put(base, at, at + 1000, stream, 0), GN_DROP_NONE);
    take(WND);
    cr_expect_arr_eq(got, stream, WND);
    f.nxt = base + WND;
    foe_alive(&f);
    foe_fini(&f);
}

/** overlay() - the model: octets of [a, b) that are not there yet come from @from */
static void overlay(uint8_t *model, uint8_t *there, uint32_t a, uint32_t b, const uint8_t *from)
{
    for (uint32_t i = a; i < b && i < WND; i++) {
        if (!there[i])
            model[i] = from[i];
        there[i] = 1;
    }
}

/** count() - of @n octets, those that are there */
static uint32_t count(const uint8_t *there, uint32_t n)
{
    uint32_t sum = 0;

    while (n--)
        sum += there[n];
    return sum;
}

/* MAL-41, MAL-42: segments that overlap in every way, of two versions of the stream: of each octet
 * the first that came counts, for the user and for the window */
Test(hostile, t_MAL_41_two_versions, .timeout = 60)
{
    static uint8_t forged[WND + 2000], model[WND + 2000], there[WND + 2000];
    struct prng rng;

    for (uint32_t i = 0; i < sizeof(forged); i++)
        forged[i] = 'x';
    for (uint64_t seed = 1; seed <= 12; seed++) {
        uint32_t base, have = 0;

        prng_seed(&rng, seed, 41);
        memset(there, 0, sizeof(there));
        up(seed % 2 ? FOE_ALL : 0);
        base = f.nxt;
        for (unsigned i = 0; i < 1500; i++) {
            uint32_t a = prng_below(&rng, WND), n = 1 + prng_below(&rng, i % 20 ? 1400 : 20);
            const uint8_t *from = prng_below(&rng, 2) ? forged : stream;
            enum gn_drop d = put(base, a, a + n, from, 0);

            if (d != GN_DROP_OUT_OF_ORDER_LIMIT && d != GN_DROP_OLD_SEQ)
                overlay(model, there, a, a + n, from);
            while (have < WND && there[have])
                have++;
            cr_assert_eq(f.acked, base + have, "seed %lu", (unsigned long)seed);
            if (i % 100 == 99)
                cr_assert_eq(foe_status(&f).rcv.out_of_order, count(there + have, WND - have));
        }
        for (uint32_t at = 0; at < WND; at += 1000) {
            put(base, at, at + 1000, stream, 0);
            overlay(model, there, at, at + 1000, stream);
        }
        take(WND);
        cr_expect_arr_eq(got, model, WND, "seed %lu", (unsigned long)seed);
        f.nxt = base + WND;
        foe_alive(&f);
        foe_fini(&f);
    }
}

/* MAL-43: FINs out of order: the first holds, text beyond it is cut off, a second one elsewhere is
 * a lie; the end comes once, after all text */
Test(hostile, t_MAL_43_many_fins, .timeout = 60)
{
    uint32_t base;
    uint8_t c;

    up(OPT_SACKOK);
    base = f.nxt;
    put(base, 300, 400, stream, CTL_FIN);
    put(base, 350, 900, stream, 0);
    put(base, 200, 250, stream, CTL_FIN);
    put(base, 500, 600, stream, CTL_FIN);
    put(base, 400, 400, stream, CTL_FIN);
    cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
    cr_expect_eq(f.acked, base);
    put(base, 0, 300, stream, 0);
    cr_expect_eq(f.acked, base + 401);
    cr_expect_eq(foe_state(&f), GN_CLOSE_WAIT);
    take(400);
    cr_expect_arr_eq(got, stream, 400);
    cr_expect_eq(gn_host_recv(f.host, f.c, &c, 1, 0, f.now), 0);
    put(base, 401, 500, stream, 0); /* after the end */
    cr_expect_eq(gn_host_recv(f.host, f.c, &c, 1, 0, f.now), 0);
    cr_expect_eq(foe_status(&f).recv_q, 0);
    foe_fini(&f);
}

/* MAL-44: the last octet of the window, the first beyond it, the last before it, and no octets at
 * each of these places */
Test(hostile, t_MAL_44_edges, .timeout = 60)
{
    uint32_t base;

    up(0);
    base = f.nxt;
    cr_expect_eq(put(base, WND - 1, WND, stream, 0), GN_DROP_NONE);
    cr_expect_eq(foe_status(&f).rcv.out_of_order, 1);
    cr_expect_eq(put(base, WND - 3, WND + 5, stream, 0), GN_DROP_NONE);
    cr_expect_eq(foe_status(&f).rcv.out_of_order, 3);
    cr_expect_eq(put(base, WND, WND + 1, stream, 0), GN_DROP_BEYOND_WINDOW);
    cr_expect_eq(put(base, WND, WND, stream, 0), GN_DROP_NONE); /* its ACK counts */
    cr_expect_eq(put(base, WND + 1, WND + 1, stream, 0), GN_DROP_BEYOND_WINDOW);
    cr_expect_eq(put(base, WND - 1, WND - 1, stream, 0), GN_DROP_NONE);
    cr_expect_eq(put(base, 0, 10, stream, 0), GN_DROP_NONE);
    cr_expect_eq(put(base, 0, 10, stream, 0), GN_DROP_OLD_SEQ);
    cr_expect_eq(put(base, 5, 11, stream, 0), GN_DROP_NONE);
    cr_expect_eq(put(base, 10, 10, stream, 0), GN_DROP_OLD_SEQ);
    cr_expect_eq(f.acked, base + 11);
    take(11);
    cr_expect_arr_eq(got, stream, 11);
    foe_fini(&f);
}

/** fill_window() - text that nobody reads, from the beginning of the stream on; how much */
static uint32_t fill_window(void)
{
    uint32_t n = 0;

    while (f.wnd) {
        uint32_t k = min_u32(f.wnd, 1000);

        cr_assert_eq(put(f.nxt, n, n + k, stream, 0), GN_DROP_NONE);
        n += k;
    }
    f.nxt += n;
    return n;
}

/* MAL-45: with a closed window an empty segment at RCV.NXT is acceptable, and its ACK counts; so
 * does a reset */
Test(hostile, t_MAL_45_closed_window, .timeout = 60)
{
    up(0);
    cr_assert_eq(gn_host_send(f.host, f.c, stream, 1000, 0, f.now), 1000);
    foe_pull(&f);
    fill_window();
    cr_expect_eq(foe_say(&f, CTL_ACK, NULL, 0), GN_DROP_NONE);
    cr_expect_eq(foe_status(&f).send_q, 0);
    cr_expect_eq(foe_status(&f).rcv.wnd, 0);
    take(WND);
    foe_alive(&f);
    fill_window();
    cr_expect_eq(foe_say(&f, CTL_RST, NULL, 0), GN_DROP_RST_ACCEPTED);
    foe_fini(&f);
}

/* MAL-51: nobody reads: single octets cost no more than the buffer, and then the window is shut */
Test(hostile, t_MAL_51_no_reader, .timeout = 60)
{
    uint64_t memory = 0;

    up(0);
    for (unsigned round = 0; round < 2; round++) {
        uint32_t n = 0, wnd = f.wnd;

        while (put(f.nxt, n, n + 1, stream, 0) == GN_DROP_NONE)
            n++;
        cr_expect_eq(n, wnd);
        cr_expect_eq(f.wnd, 0);
        cr_expect_leq(foe_status(&f).memory, 65536 + 8192);
        f.nxt += n;
        take(n);
        cr_expect_arr_eq(got, stream, n);
        cr_expect(round == 0 || foe_stats(&f).memory == memory);
        memory = foe_stats(&f).memory;
        foe_alive(&f);
    }
    foe_fini(&f);
}

/* MAL-75: each segment a hundred times, and one again 2^16 segments later: delivered once */
Test(hostile, t_MAL_75_again, .timeout = 60)
{
    struct seg old;

    up(0);
    for (unsigned i = 0; i < 100; i++)
        cr_expect_eq(put(f.nxt, 0, 100, stream, 0), i ? GN_DROP_OLD_SEQ : GN_DROP_NONE);
    old = foe_seg(&f, CTL_ACK);
    old.text_len = 100;
    f.nxt += 100;
    take(100);
    for (unsigned i = 0; i < 66000; i++) {
        struct seg s = foe_seg(&f, CTL_ACK);

        s.text_len = 10;
        f.nxt += 10;
        foe_input(&f, &s, stream);
        if (i % 100 == 99)
            take(1000);
    }
    cr_expect_eq(foe_arrives(&f, &old, NULL), GN_DROP_OLD_SEQ);
    cr_expect_eq(foe_status(&f).recv_q, 0);
    cr_expect_eq(foe_stats(&f).InOctets, 660100);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-77: the garbage octet of a keep-alive probe is answered and does not enter the stream;
 * MAL-78: the octet of a window probe enters it once, when there is room */
Test(hostile, t_MAL_77_probes, .timeout = 60)
{
    uint32_t base, n;

    up(0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t sent = f.sent;

        cr_expect_eq(put(f.nxt - 1, 0, 1, (const uint8_t *)"!", 0), GN_DROP_OLD_SEQ);
        cr_expect_eq(f.sent - sent, 1);
        cr_expect_eq(f.acked, f.nxt);
    }
    foe_alive(&f);
    base = f.nxt;
    n = fill_window();
    for (unsigned i = 0; i < 50; i++) {
        cr_expect_eq(put(base, n, n + 1, stream, 0), GN_DROP_WINDOW_CLOSED);
        cr_expect_eq(f.acked, base + n);
        cr_expect_eq(f.wnd, 0);
    }
    take(n);
    cr_expect_arr_eq(got, stream, n);
    for (unsigned i = 0; i < 50; i++)
        cr_expect_eq(put(base, n, n + 1, stream, 0), i ? GN_DROP_OLD_SEQ : GN_DROP_NONE);
    f.nxt = base + n + 1;
    take(1);
    cr_expect_eq(got[0], stream[n]);
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-MEM-3: the host's memory is used up by readers who do not read: the budget holds, no
 * acknowledged octet is lost, windows do not open, and ACK, FIN and RST still work */
Test(hostile, t_SEC_MEM_3_pressure, .timeout = 60)
{
    struct {
        gn_handle c;
        struct tcp_key key;
        uint32_t nxt, heard, n;
    } conn[50];
    uint32_t total = 0;

    foe_init(&f);
    f.conf.tcp_mem = 2 << 20;
    foe_up(&f);
    for (unsigned i = 0; i < 50; i++) {
        foe_open(&f, 0, 1460);
        conn[i].n = 0;
        conn[i].c = f.c;
        conn[i].key = f.key;
        conn[i].nxt = f.nxt;
        conn[i].heard = f.heard;
    }
    for (unsigned i = 0; i < 50; i++) {
        f.c = conn[i].c;
        f.key = conn[i].key;
        f.nxt = conn[i].nxt;
        f.acked = conn[i].nxt;
        f.heard = conn[i].heard;
        while (conn[i].n + 1000 < 65535 && foe_say(&f, CTL_ACK, stream, 1000) == GN_DROP_NONE)
            conn[i].n += 1000;
        conn[i].nxt = f.acked;
        conn[i].heard = f.heard;
        total += conn[i].n;
        cr_assert_leq(foe_stats(&f).memory, 2u << 20);
    }
    cr_expect_gt(total, 1u << 20);
    cr_expect_gt(foe_stats(&f).drop[GN_DROP_NO_MEMORY], 0);
    for (unsigned i = 0; i < 50; i++) {
        uint32_t left = conn[i].n;

        f.c = conn[i].c;
        f.key = conn[i].key;
        f.nxt = conn[i].nxt;
        f.heard = conn[i].heard;
        foe_say(&f, i % 2 ? CTL_ACK | CTL_FIN : CTL_RST, NULL, 0);
        cr_expect_eq(foe_state(&f), i % 2 ? GN_CLOSE_WAIT : GN_CLOSED);
        for (int64_t k; left; left -= (uint32_t)k) {
            k = gn_host_recv(f.host, f.c, got, min_u32(left, 1000), 0, f.now);
            cr_assert_gt(k, 0);
        }
        cr_expect_eq(gn_host_recv(f.host, f.c, got, 1, 0, f.now), i % 2 ? 0 : GN_E_RESET);
        (void)gn_host_close(f.host, f.c, f.now);
    }
    foe_pull(&f);
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    foe_fini(&f);
}
