/* SPDX-License-Identifier: BSD-2-Clause */
#include <gannet/loop.h>

#include "unit/loop/party.h"

#include <criterion/criterion.h>
#include <string.h>

#define START (1000 * GN_SEC)

/** Two parties, 10.77.0.1 and 10.77.0.2, on a simulated link. */
struct world {
    struct party p[2];
    struct gn_sim *sim;
    struct gn_simloop *loop;
};

static struct world w;

/** world_new() - both hosts on @c; the second listens on port 80 */
static void world_new(const struct gn_sim_config *c)
{
    w.sim = gn_sim_new(c);
    w.loop = gn_simloop_new(START);
    for (unsigned i = 0; i < 2; i++) {
        party_new(&w.p[i], (uint8_t)(i + 1), START);
        cr_assert_eq(gn_simloop_add(w.loop, w.p[i].host, gn_sim_port(w.sim, i)), 0);
        party_addr(&w.p[i], 0, (uint8_t)(i + 1));
        cr_assert_eq(gn_simloop_service(w.loop, w.p[i].host, party_serve, &w.p[i]), GN_OK);
    }
    party_listen(&w.p[1], 80);
}

static void world_free(void)
{
    gn_simloop_free(w.loop);
    party_free(&w.p[0]);
    party_free(&w.p[1]);
    gn_sim_free(w.sim);
}

/** both_done() - for gn_simloop_run() */
static bool both_done(void *ctx)
{
    (void)ctx;
    return w.p[0].done && w.p[1].done;
}

/** transfer() - @octets from the first to the second; the virtual time it took */
static gn_time transfer(const struct gn_sim_config *c, uint64_t octets)
{
    gn_time took;

    world_new(c);
    party_connect(&w.p[0], endpoint4(2, 80), octets, START);
    cr_assert(gn_simloop_run(w.loop, START + 600 * GN_SEC, both_done, NULL));
    cr_assert_eq(w.p[1].got, octets);
    cr_assert_eq(w.p[0].answer, octets);
    cr_assert_not(w.p[1].wrong);
    took = gn_simloop_now(w.loop) - START;
    world_free();
    return took;
}

Test(simloop, a_transfer_takes_the_time_of_the_link)
{
    struct gn_pipe_config p = {.latency = 10 * GN_MSEC, .rate = 100000000};
    struct gn_sim_config c = {.ports = 2, .pipe = {p, p}};
    gn_time t = transfer(&c, 2000000);

    /* 160 ms of sending at the least, and some round trips of 20 ms */
    cr_assert(t > 200 * GN_MSEC && t < 2 * GN_SEC, "%llu ms", (unsigned long long)(t / GN_MSEC));
    cr_assert_eq(transfer(&c, 2000000), t, "and the same time again");
}

Test(simloop, super_segments_and_owed_checksums)
{
    struct gn_pipe_config p = {.latency = GN_MSEC, .rate = 100000000};
    struct gn_sim_config c = {
        .ports = 2,
        .caps = GN_CAP_TSO | GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_GATHER,
        .pipe = {p, p},
    };

    transfer(&c, 1000000);
    c.pipe[0].pass_super = c.pipe[1].pass_super = true;
    transfer(&c, 1000000);
    c.caps &= ~(unsigned)GN_CAP_GATHER;
    transfer(&c, 1000000);
}

Test(simloop, loss_reordering_and_corruption_are_survived)
{
    struct gn_pipe_config p = {.latency = 5 * GN_MSEC,
                               .rate = 50000000,
                               .loss_ppm = 10000,
                               .duplicate_ppm = 5000,
                               .corrupt_ppm = 5000,
                               .reorder_ppm = 10000,
                               .reorder_delay = 3 * GN_MSEC};
    struct gn_sim_config c = {.ports = 2, .seed = 11, .pipe = {p, p}};

    transfer(&c, 500000);
}

Test(simloop, over_ethernet_neighbours_are_resolved)
{
    struct gn_sim_config c = {
        .ports = 3, .medium = GN_MEDIUM_ETHERNET, .access = {.latency = GN_MSEC}};

    transfer(&c, 100000);
}

Test(simloop, timeouts_alone_drive_a_host)
{
    struct gn_sim_config c = {.ports = 2, .pipe = {{.loss_ppm = 1000000}}};

    world_new(&c);
    party_connect(&w.p[0], endpoint4(2, 80), 1, START);
    while (!w.p[0].done && gn_simloop_step(w.loop, GN_FOREVER))
        ;
    cr_assert(w.p[0].done);
    cr_assert_eq(w.p[0].error, GN_E_TIMED_OUT);
    cr_assert_gt(gn_simloop_now(w.loop), START + 20 * GN_SEC);
    world_free();
}

Test(simloop, an_interface_that_changes_is_told_to_its_host)
{
    struct gn_pipe_config p = {.latency = GN_MSEC};
    struct gn_sim_config c = {.ports = 2, .pipe = {p, p}};
    struct gn_status st;

    world_new(&c);
    party_connect(&w.p[0], endpoint4(2, 80), 100000, START);
    gn_simloop_run(w.loop, START + 3 * GN_MSEC, NULL, NULL);
    cr_assert_eq(gn_host_status(w.p[0].host, w.p[0].conn, gn_simloop_now(w.loop), &st), GN_OK);
    cr_assert_eq(st.mss, 1448);
    gn_sim_port(w.sim, 0)->iface.mtu = 1000;
    cr_assert(gn_simloop_settle(w.loop));
    cr_assert_eq(gn_host_status(w.p[0].host, w.p[0].conn, gn_simloop_now(w.loop), &st), GN_OK);
    cr_expect_eq(st.mss, 948);
    gn_sim_port(w.sim, 0)->iface.mtu = 9000; /* frames that are too small would be no frames */
    cr_assert(gn_simloop_run(w.loop, START + 600 * GN_SEC, both_done, NULL));
    cr_expect_eq(w.p[1].got, 100000);
    world_free();
}

Test(simloop, time_stops_at_until)
{
    struct gn_sim_config c = {.ports = 2,
                              .pipe = {{.latency = GN_SEC / 2}, {.latency = GN_SEC / 2}}};

    world_new(&c);
    party_connect(&w.p[0], endpoint4(2, 80), 1, START);
    cr_assert(gn_simloop_settle(w.loop));
    cr_assert_eq(gn_sim_in_flight(w.sim), 1, "the SYN");
    cr_assert_eq(gn_simloop_next(w.loop).at, START + GN_SEC / 2);
    cr_assert_not(gn_simloop_step(w.loop, START + 5));
    cr_assert_eq(gn_simloop_now(w.loop), START + 5);
    cr_assert_not(gn_simloop_step(w.loop, START + 4), "time does not go back");
    cr_assert_eq(gn_simloop_now(w.loop), START + 5);
    cr_assert(gn_simloop_step(w.loop, START + 10 * GN_SEC));
    cr_assert_eq(gn_simloop_now(w.loop), START + GN_SEC / 2);
    cr_assert_not(gn_simloop_run(w.loop, START + 20 * GN_SEC, NULL, NULL));
    cr_assert_eq(gn_simloop_now(w.loop), START + 20 * GN_SEC);
    cr_assert(w.p[0].done);
    world_free();
}

Test(simloop, a_removed_host_is_left_alone)
{
    struct gn_sim_config c = {.ports = 2};
    unsigned calls;

    world_new(&c);
    gn_simloop_settle(w.loop);
    calls = w.p[1].calls;
    gn_simloop_remove(w.loop, w.p[1].host);
    gn_simloop_settle(w.loop);
    cr_assert_eq(w.p[1].calls, calls);
    world_free();
}

/** alone_new() - a host without a link: an interface of @mtu, 10.77.0.1 */
static void alone_new(struct gn_simloop *l, struct party *p, uint16_t mtu)
{
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = mtu, .name = "none"};

    party_new(p, 1, START);
    cr_assert_eq(gn_host_add_iface(p->host, &i), 0);
    party_addr(p, 0, 1);
    cr_assert_eq(gn_simloop_service(l, p->host, party_serve, p), GN_OK);
}

/* packets for nowhere are dropped, and time-outs come */
Test(simloop, a_host_without_a_link)
{
    struct gn_simloop *l = gn_simloop_new(START);
    static struct party p;

    alone_new(l, &p, 65535);
    party_connect(&p, endpoint4(2, 80), 10, START);
    for (unsigned steps = 0; !p.done; steps++) {
        cr_assert_lt(steps, 100, "it does not come to rest");
        gn_simloop_step(l, GN_FOREVER);
    }
    cr_expect_eq(p.error, GN_E_TIMED_OUT);
    cr_expect_gt(gn_simloop_now(l) - START, 60 * GN_SEC);
    gn_simloop_free(l);
    party_free(&p);
}

/* it reaches itself, and gets a link later, which may have smaller packets */
Test(simloop, loopback_alone)
{
    struct gn_sim_config c = {.ports = 2, .mtu = 600};
    struct gn_simloop *l = gn_simloop_new(START);
    struct gn_sim *sim = gn_sim_new(&c);
    struct gn_endpoint any = {0};
    gn_handle listener, from, to;
    static char text[50000], got[50000];
    static struct party p;
    int64_t n = 0, k;

    alone_new(l, &p, 9000);
    cr_assert_eq(gn_simloop_service(l, p.host, NULL, NULL), GN_OK);
    for (unsigned link = 0; link < 2; link++, n = 0) {
        if (link)
            cr_assert_eq(gn_simloop_add(l, p.host, gn_sim_port(sim, 0)), 1);
        cr_assert_eq(gn_host_listen(p.host, endpoint4(1, 80), 1, NULL, &listener), GN_OK);
        cr_assert_eq(gn_host_connect(p.host, any, endpoint4(1, 80), NULL, START, &from), GN_OK);
        cr_assert(gn_simloop_settle(l));
        cr_assert_eq(gn_host_accept(p.host, listener, &to), GN_OK);
        memset(text, 'a' + (int)link, sizeof text);
        cr_assert_eq(gn_host_send(p.host, from, text, sizeof text, 0, gn_simloop_now(l)),
                     sizeof text);
        do {
            gn_simloop_step(l, gn_simloop_now(l) + GN_SEC);
            k = gn_host_recv(p.host, to, got + n, sizeof got - (size_t)n, 0, gn_simloop_now(l));
            n += k;
        } while (k > 0 && n < (int64_t)sizeof got);
        cr_assert_eq(n, sizeof got);
        cr_assert_arr_eq(got, text, sizeof got);
        gn_host_close(p.host, from, gn_simloop_now(l));
        gn_host_close(p.host, to, gn_simloop_now(l));
        gn_host_close(p.host, listener, gn_simloop_now(l));
        gn_simloop_run(l, GN_FOREVER, NULL, NULL);
    }
    gn_simloop_free(l);
    party_free(&p);
    gn_sim_free(sim);
}
