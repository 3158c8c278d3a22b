/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers that do not go on: closed and tiny windows, FINs that never come or are never acknowledged
 * (Sockstress, RFC 6429). A user may wait for ever; what nobody owns any more ends in bounded time
 * and memory. */
#include "foe.h"

#include <criterion/criterion.h>
#include <string.h>

static struct foe f;
static char text[65536];

/** up() - an established connection without options whose window field we set */
static void up(uint16_t wnd)
{
    foe_init(&f);
    f.my_wnd = wnd;
    foe_up(&f);
    foe_open(&f, 0, 1460);
}

/** answer_probes() - for @span, every segment of the host gets an ACK; stops when it has gone */
static gn_time answer_probes(gn_time span)
{
    gn_time start = f.now;

    while (f.now - start < span && (foe_stats(&f).orphans || f.c != GN_NO_HANDLE)) {
        struct gn_deadline d = gn_host_deadline(f.host);

        if (!d.armed)
            break;
        f.now = d.at > f.now ? d.at : f.now;
        if (foe_pull(&f)) {
            f.now += GN_MSEC;
            foe_say(&f, CTL_ACK, NULL, 0);
        }
    }
    return f.now - start;
}

/* MAL-46: the window opens, shrinks below what was sent, and shuts: no more is sent than fits, the
 * answers keep the connection alive, and it goes on when the window opens again */
Test(hostile, t_MAL_46_shrinking_window, .timeout = 60)
{
    uint32_t una;

    up(20000);
    una = f.heard;
    cr_assert_eq(gn_host_send(f.host, f.c, text, 60000, 0, f.now), 60000);
    foe_pull(&f);
    cr_expect_gt(f.heard - una, 10000);
    f.my_wnd = 1000;
    una += 1460;
    for (uint16_t wnd = 1000; wnd < 60000; wnd = (uint16_t)(wnd - 250)) {
        struct seg s = foe_seg(&f, CTL_ACK);

        s.ack = seq(una);
        s.wnd = wnd;
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        for (unsigned i = 0; i < f.n_out; i++)
            cr_expect_leq(f.out[i].seq.raw + f.out[i].text_len - una, 1460);
        if (wnd == 0)
            break;
    }
    for (unsigned i = 0; i < 4000; i++) { /* more than an hour; R2 has long passed */
        struct seg s = foe_seg(&f, CTL_ACK);

        foe_pass(&f, GN_SEC);
        s.ack = seq(una);
        s.wnd = 0;
        foe_arrives(&f, &s, NULL);
    }
    cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
    f.my_wnd = 60000;
    for (unsigned i = 0; i < 200 && foe_status(&f).send_q; i++) {
        foe_say(&f, CTL_ACK, NULL, 0);
        if (!f.n_out)
            foe_pass(&f, GN_SEC);
    }
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-47, SEC-6429-1, SEC-6429-3: an orphan that waits for a window which never opens ends within
 * minutes though each of its probes is answered */
Test(hostile, t_MAL_47_orphan, .timeout = 60)
{
    up(0);
    cr_assert_eq(gn_host_send(f.host, f.c, text, 60000, 0, f.now), 60000);
    foe_pull(&f);
    cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
    f.c = GN_NO_HANDLE;
    cr_expect_eq(foe_stats(&f).orphans, 1);
    cr_expect_lt(answer_probes(86400 * GN_SEC), 600 * GN_SEC);
    cr_expect_eq(foe_stats(&f).orphans, 0);
    cr_expect_eq(foe_stats(&f).TCPAbortOnMemory, 1);
    for (unsigned i = GN_LISTEN + 1; i < GN_STATE_COUNT; i++)
        cr_expect_eq(foe_stats(&f).state[i], 0);
    foe_fini(&f);
}

/* SEC-6429-2: with a user it lives as long as it is answered; SEC-6429-1: the user can end it */
Test(hostile, t_SEC_6429_2_user, .timeout = 60)
{
    up(0);
    cr_assert_eq(gn_host_send(f.host, f.c, text, 60000, 0, f.now), 60000);
    foe_pull(&f);
    cr_expect_geq(answer_probes(86400 * GN_SEC), 86400 * GN_SEC);
    cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
    cr_expect_lt(foe_stats(&f).TCPZeroWindowProbes, 86400 / 50);
    cr_expect_eq(gn_host_abort(f.host, f.c, f.now), GN_OK);
    foe_pull(&f);
    cr_expect(foe_last(&f)->ctl & CTL_RST);
    foe_fini(&f);
}

/* MAL-47, SEC-6429-3: five hundred of them at once: no more orphans than tcp_max_orphans */
Test(hostile, t_MAL_47_sockstress, .timeout = 60)
{
    up(0);
    gn_host_set_knob(f.host, "tcp_max_orphans", "100");
    for (unsigned i = 0; i < 500; i++) {
        cr_assert_eq(gn_host_send(f.host, f.c, text, 20000, 0, f.now), 20000);
        foe_pull(&f);
        cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        foe_pull(&f);
        cr_expect_leq(foe_stats(&f).orphans, 100);
        foe_open(&f, 0, 1460);
    }
    cr_expect_leq(foe_stats(&f).memory, 8u << 20);
    foe_drop(&f);
    foe_pass(&f, 1000 * GN_SEC);
    cr_expect_eq(foe_stats(&f).orphans, 0);
    foe_fini(&f);
}

/* MAL-48: a window that is always one octet: no octet-sized segments but one every 200 ms */
Test(hostile, t_MAL_48_drip, .timeout = 60)
{
    uint32_t start;
    uint64_t sent;

    up(65535);
    foe_alive(&f);
    f.my_wnd = 1;
    foe_say(&f, CTL_ACK, NULL, 0);
    cr_assert_eq(gn_host_send(f.host, f.c, text, 60000, 0, f.now), 60000);
    foe_pull(&f);
    sent = f.sent;
    start = f.heard;
    answer_probes(10 * GN_SEC);
    cr_expect_leq(f.heard - start, 60);
    cr_expect_leq(f.sent - sent, 60);
    f.my_wnd = 65535;
    for (unsigned i = 0; i < 200 && foe_status(&f).send_q; i++) {
        foe_say(&f, CTL_ACK, NULL, 0);
        if (!f.n_out)
            foe_pass(&f, GN_SEC);
    }
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-6429-4: an orphan is not kept by a window of an octet now and then */
Test(hostile, t_SEC_6429_4_drip, .timeout = 60)
{
    for (uint16_t wnd = 1; wnd < 20; wnd += 9) {
        up(65535);
        foe_alive(&f);
        f.my_wnd = wnd;
        foe_say(&f, CTL_ACK, NULL, 0);
        cr_assert_eq(gn_host_send(f.host, f.c, text, 60000, 0, f.now), 60000);
        foe_pull(&f);
        cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        f.c = GN_NO_HANDLE;
        cr_expect_lt(answer_probes(86400 * GN_SEC), (wnd == 1 ? 200 : 1300) * GN_SEC);
        cr_expect_eq(foe_stats(&f).orphans, 0);
        foe_fini(&f);
    }
}

/* MAL-49: the FIN is never acknowledged: FIN-WAIT-1 and LAST-ACK end; no FIN ever comes: an orphan
 * in FIN-WAIT-2 ends, with a user it may stay */
Test(hostile, t_MAL_49_no_fin, .timeout = 60)
{
    struct gn_stats st;

    for (unsigned i = 0; i < 4; i++) {
        up(65535);
        if (i == 1)
            foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
        if (i == 3)
            cr_assert_eq(gn_host_shutdown(f.host, f.c, f.now), GN_OK);
        else
            cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        foe_pull(&f);
        if (i >= 2)
            foe_say(&f, CTL_ACK, NULL, 0);
        st = foe_stats(&f);
        cr_expect_eq(st.state[i == 0 ? GN_FIN_WAIT_1 : i == 1 ? GN_LAST_ACK : GN_FIN_WAIT_2], 1);
        foe_pass(&f, i == 2 ? 61 * GN_SEC : 600 * GN_SEC);
        st = foe_stats(&f);
        cr_expect_eq(st.state[GN_FIN_WAIT_1] + st.state[GN_LAST_ACK] + st.orphans, 0, "%u", i);
        cr_expect_eq(st.state[GN_FIN_WAIT_2], i == 3);
        foe_fini(&f);
    }
}

/* MAL-50: nobody acknowledges: SEND takes the buffer and no more */
Test(hostile, t_MAL_50_send_bound, .timeout = 60)
{
    uint64_t taken = 0, memory;
    int64_t n;

    up(65535);
    while ((n = gn_host_send(f.host, f.c, text, 1000, 0, f.now)) > 0) {
        taken += (uint64_t)n;
        foe_pull(&f);
    }
    cr_expect_eq(n, GN_E_WOULD_BLOCK);
    cr_expect_eq(taken, f.conf.tcp_wmem_default);
    memory = foe_status(&f).memory;
    cr_expect_leq(memory, 2 * f.conf.tcp_wmem_default);
    for (unsigned i = 0; i < 1000; i++) {
        struct seg s = foe_seg(&f, CTL_ACK); /* the ACK of nothing, again and again */

        s.ack = seq(foe_status(&f).snd.una);
        foe_arrives(&f, &s, NULL);
        cr_expect_leq(gn_host_send(f.host, f.c, text, 1000, 0, f.now), 0);
    }
    cr_expect_leq(foe_status(&f).memory, memory);
    foe_fini(&f);
}
