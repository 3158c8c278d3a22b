/* SPDX-License-Identifier: BSD-2-Clause */
#include <gannet/link.h>

#include "unit/link/packets.h"

#include "base/bits.h"

#include <criterion/criterion.h>

static struct made in;

/** Everything a tap has told. */
struct log {
    unsigned sent, delivered, lost, corrupted, duplicates;
    unsigned by_loss[GN_LOSS_COUNT];
    uint64_t hash;
    gn_time last_at;
};

/** note() - gn_tap_fn */
static void note(void *ctx, const struct gn_tap *t)
{
    struct log *l = ctx;

    cr_assert_geq(t->at, t->sent);
    cr_assert_eq(gn_frame_total(t->frame), t->frame->len);
    l->sent += t->kind == GN_TAP_SENT;
    l->delivered += t->kind == GN_TAP_DELIVERED;
    l->lost += t->kind == GN_TAP_LOST;
    l->corrupted += t->kind == GN_TAP_DELIVERED && t->corrupted;
    l->duplicates += t->kind == GN_TAP_DELIVERED && t->duplicate;
    if (t->kind == GN_TAP_LOST)
        l->by_loss[t->loss]++;
    l->last_at = t->at;
    l->hash = (l->hash ^ t->id) * UINT64_C(0x100000001b3);
    l->hash = (l->hash ^ t->at) * UINT64_C(0x100000001b3);
    l->hash = (l->hash ^ (uint64_t)t->kind) * UINT64_C(0x100000001b3);
}

/** send() - the frame of @r leaves port @i at @now */
static void send(struct gn_sim *s, unsigned i, const struct recipe *r, gn_time now)
{
    make(&in, r);
    cr_assert_eq(gn_link_tx(gn_sim_port(s, i), &in.f, 1, now), 1);
}

/** take() - how many frames have arrived at port @i; the last of them in *ret (may be NULL) */
static int take(struct gn_sim *s, unsigned i, gn_time now, struct gn_frame *ret)
{
    static struct gn_frame f[64];
    int n = gn_link_rx(gn_sim_port(s, i), f, 64, now);

    if (n > 0 && ret)
        *ret = f[n - 1];
    return n;
}

Test(sim, a_packet_arrives_when_it_is_due_and_not_before)
{
    struct gn_sim_config c = {.ports = 2, .pipe = {{.latency = 10 * GN_MSEC}, {.latency = 5}}};
    struct gn_sim *s = gn_sim_new(&c);
    struct recipe r = {.text = 100, .seq = 3};
    struct gn_frame f;

    cr_assert_not(gn_sim_deadline(s).armed);
    send(s, 0, &r, 1000);
    cr_assert(gn_sim_deadline(s).armed);
    cr_assert_eq(gn_sim_deadline(s).at, 1000 + 10 * GN_MSEC);
    cr_assert_eq(gn_link_deadline(gn_sim_port(s, 1)).at, 1000 + 10 * GN_MSEC);
    cr_assert_eq(take(s, 1, 999 + 10 * GN_MSEC, NULL), 0);
    cr_assert_eq(take(s, 0, 1000 + 10 * GN_MSEC, NULL), 0);
    cr_assert_eq(gn_sim_deadline(s).at, 1000 + 10 * GN_MSEC, "it waits at port 1 now");
    cr_assert_eq(take(s, 1, 1000 + 10 * GN_MSEC, &f), 1);
    cr_assert_eq(f.len, in.f.len);
    cr_assert_arr_eq(f.data, in.f.data, f.len);
    cr_assert_eq(f.flags, 0, "a plain wire vouches for nothing");
    cr_assert_eq(take(s, 1, GN_SEC, NULL), 0);
    cr_assert_eq(gn_sim_in_flight(s), 0);

    send(s, 1, &r, GN_SEC);
    cr_assert_eq(take(s, 0, GN_SEC + 5, NULL), 1);
    gn_sim_free(s);
}

Test(sim, bad_configurations_are_refused)
{
    struct gn_sim_config c = {.ports = 1};

    cr_assert_null(gn_sim_new(&c));
    c.ports = GN_SIM_PORTS + 1;
    cr_assert_null(gn_sim_new(&c));
}

Test(sim, super_segments_are_cut_to_the_wire)
{
    struct log log = {0};
    struct gn_sim_config c = {.ports = 2,
                              .caps = GN_CAP_TSO | GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_GATHER,
                              .tap = note,
                              .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);
    struct recipe r = {.owed = true, .gso_size = 1460, .text = 14600, .tail0 = 10001, .tail1 = 99};
    struct gn_frame f[64];
    int n;

    send(s, 0, &r, 0);
    n = gn_link_rx(gn_sim_port(s, 1), f, 64, 0);
    cr_assert_eq(n, 10);
    for (int i = 0; i < n; i++) {
        cr_assert(look(f[i].data, f[i].len, GN_MEDIUM_IP).ok);
        cr_assert_eq(f[i].flags, GN_FRAME_CSUM_OK);
        cr_assert_eq(f[i].gso_size, 0);
    }
    cr_assert_eq(log.sent, 10);
    cr_assert_eq(log.delivered, 10);
    gn_sim_free(s);
}

Test(sim, super_segments_pass_whole_if_told_so)
{
    struct gn_sim_config c = {.ports = 2, .pipe = {{.pass_super = true}}};
    struct gn_sim *s = gn_sim_new(&c);
    struct recipe r = {.owed = true, .gso_size = 1460, .text = 14600, .tail0 = 7001};
    struct gn_frame f;

    send(s, 0, &r, 0);
    cr_assert_eq(take(s, 1, 0, &f), 1);
    cr_assert_eq(f.len, gn_frame_total(&in.f));
    cr_assert_eq(f.gso_size, 1460);
    cr_assert_eq(f.hdr_len, 40);
    cr_assert_eq(f.flags, GN_FRAME_CSUM_OWED);
    cr_assert_eq(f.csum_start, 20);
    cr_assert_eq(f.csum_offset, 16);
    gn_sim_free(s);
}

Test(sim, what_exceeds_the_mtu_is_lost)
{
    struct log log = {0};
    struct gn_sim_config c = {.ports = 2, .mtu = 1000, .tap = note, .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);

    send(s, 0, &(struct recipe){.text = 960}, 0);
    send(s, 0, &(struct recipe){.text = 961}, 0);
    cr_assert_eq(take(s, 1, 0, NULL), 1);
    cr_assert_eq(log.by_loss[GN_LOSS_MTU], 1);
    gn_sim_free(s);
}

/** storm() - a fixed load over an ugly path; what the tap saw */
static struct log storm(uint64_t seed)
{
    struct log log = {0};
    struct gn_pipe_config ugly = {.latency = 3 * GN_MSEC,
                                  .jitter = GN_MSEC,
                                  .rate = 50000000,
                                  .queue_packets = 30,
                                  .loss_ppm = 20000,
                                  .duplicate_ppm = 20000,
                                  .corrupt_ppm = 20000,
                                  .reorder_ppm = 20000,
                                  .reorder_delay = 2 * GN_MSEC};
    struct gn_sim_config c = {
        .ports = 2, .seed = seed, .pipe = {ugly, ugly}, .tap = note, .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);
    gn_time now = 0;

    for (unsigned i = 0; i < 3000; i++, now += 200 * GN_USEC) {
        send(s, i % 2, &(struct recipe){.text = i % 1400, .seq = i}, now);
        take(s, 0, now, NULL);
        take(s, 1, now, NULL);
    }
    while (gn_sim_deadline(s).armed) {
        now = gn_sim_deadline(s).at;
        take(s, 0, now, NULL);
        take(s, 1, now, NULL);
    }
    take(s, 0, now, NULL);
    take(s, 1, now, NULL);
    cr_assert_eq(gn_sim_in_flight(s), 0);
    gn_sim_free(s);
    return log;
}

Test(sim, the_same_seed_gives_the_same_run)
{
    struct log a = storm(5), b = storm(5), other = storm(6);

    cr_assert_eq(a.hash, b.hash);
    cr_assert_neq(a.hash, other.hash);
    cr_assert_eq(a.sent, 3000);
    cr_assert_eq(a.sent + a.duplicates, a.delivered + a.lost, "every packet has an end");
    cr_assert_gt(a.by_loss[GN_LOSS_RANDOM], 20);
    cr_assert_gt(a.corrupted, 20);
    cr_assert_gt(a.duplicates, 20);
}

Test(sim, a_corrupted_packet_differs_and_is_not_vouched_for)
{
    struct gn_sim_config c = {
        .ports = 2, .caps = GN_CAP_CSUM_TX | GN_CAP_CSUM_RX, .pipe = {{.corrupt_ppm = 1000000}}};
    struct gn_sim *s = gn_sim_new(&c);
    struct gn_frame f;
    unsigned bits = 0;

    send(s, 0, &(struct recipe){.owed = true, .text = 100}, 0);
    cr_assert_eq(take(s, 1, 0, &f), 1);
    cr_assert_eq(f.flags, 0);
    make(&in, &(struct recipe){.text = 100});
    for (uint32_t i = 0; i < f.len; i++)
        bits += (unsigned)__builtin_popcount(f.data[i] ^ in.f.data[i]);
    cr_assert_eq(bits, 1);

    c.pipe[0].pass_super = true; /* an owed checksum would hide it: lost instead */
    cr_assert(gn_sim_set_pipe(s, 0, &c.pipe[0]));
    send(s, 0, &(struct recipe){.owed = true, .text = 100}, 0);
    cr_assert_eq(take(s, 1, 0, &f), 0);
    gn_sim_free(s);
}

Test(sim, memory_in_flight_is_bounded)
{
    struct log log = {0};
    struct gn_sim_config c = {.ports = 2, .max_bytes = 20000, .tap = note, .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);

    for (unsigned i = 0; i < 100; i++)
        send(s, 0, &(struct recipe){.text = 1000}, 0);
    cr_assert_lt(gn_sim_in_flight(s), 20);
    cr_assert_gt(gn_sim_port(s, 0)->stats.tx_dropped, 80);
    gn_sim_free(s);
}

Test(sim, an_unplugged_port_gets_nothing)
{
    struct log log = {0};
    struct gn_sim_config c = {.ports = 2, .tap = note, .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);

    gn_link_close(gn_sim_port(s, 1));
    send(s, 0, &(struct recipe){.text = 10}, 0);
    take(s, 0, 0, NULL);
    cr_assert_eq(log.by_loss[GN_LOSS_DOWN], 1);
    cr_assert_eq(gn_sim_in_flight(s), 0);
    cr_assert_not(gn_link_deadline(gn_sim_port(s, 1)).armed);
    gn_sim_free(s);
}

Test(sim, a_star_forwards_by_longest_prefix)
{
    struct log log = {0};
    struct gn_sim_config c = {
        .ports = 4, .access = {.latency = GN_MSEC}, .tap = note, .tap_ctx = &log};
    struct gn_sim *s = gn_sim_new(&c);
    struct gn_addr v6;

    cr_assert(gn_sim_add_addr(s, 1, (struct gn_prefix){gn_addr_v4(10, 77, 0, 0), 24}));
    cr_assert(gn_sim_add_addr(s, 2, (struct gn_prefix){gn_addr_v4(10, 77, 0, 5), 32}));
    cr_assert(gn_addr_parse("fd00:0:0:77::", &v6));
    cr_assert(gn_sim_add_addr(s, 3, (struct gn_prefix){v6, 64}));
    cr_assert_not(gn_sim_add_addr(s, 1, (struct gn_prefix){gn_addr_v4(10, 77, 0, 0), 33}));
    cr_assert_not(gn_sim_add_addr(s, 4, (struct gn_prefix){v6, 64}));

    send(s, 0, &(struct recipe){.text = 1}, 0);
    send(s, 0, &(struct recipe){.text = 1, .dst_host = 5}, 0);
    send(s, 0, &(struct recipe){.text = 1, .v6 = true}, 0);
    cr_assert_eq(take(s, 1, GN_MSEC, NULL), 0);
    cr_assert_eq(gn_sim_deadline(s).at, 2 * GN_MSEC, "two access paths");
    for (unsigned i = 1; i < 4; i++)
        cr_assert_eq(take(s, i, 2 * GN_MSEC, NULL), 1);

    in.bytes[7] = 0;
    make(&in, &(struct recipe){.text = 1});
    in.bytes[16] = 11; /* nobody's */
    gn_link_tx(gn_sim_port(s, 0), &in.f, 1, GN_SEC);
    cr_assert_eq(log.by_loss[GN_LOSS_ROUTE], 1);
    gn_sim_free(s);
}

Test(sim, sides_share_the_bottleneck)
{
    /* 1000 octets a millisecond */
    struct gn_sim_config c = {.ports = 4, .pipe = {{.rate = 8000000}, {.rate = 8000000}}};
    struct gn_sim *s = gn_sim_new(&c);

    gn_sim_set_side(s, 2, 1);
    gn_sim_set_side(s, 3, 1);
    gn_sim_add_addr(s, 1, (struct gn_prefix){gn_addr_v4(10, 77, 0, 1), 32});
    gn_sim_add_addr(s, 2, (struct gn_prefix){gn_addr_v4(10, 77, 0, 2), 32});
    gn_sim_add_addr(s, 3, (struct gn_prefix){gn_addr_v4(10, 77, 0, 3), 32});
    send(s, 0, &(struct recipe){.text = 960, .dst_host = 2}, 0);
    send(s, 1, &(struct recipe){.text = 960, .dst_host = 3}, 0);
    send(s, 0, &(struct recipe){.text = 960, .dst_host = 1}, 0);
    cr_assert_eq(take(s, 1, 0, NULL), 1, "same side: no bottleneck");
    cr_assert_eq(take(s, 2, GN_MSEC - 1, NULL), 0);
    cr_assert_eq(take(s, 2, GN_MSEC, NULL), 1);
    cr_assert_eq(take(s, 3, 2 * GN_MSEC - 1, NULL), 0);
    cr_assert_eq(take(s, 3, 2 * GN_MSEC, NULL), 1);
    gn_sim_free(s);
}

Test(sim, a_switch_floods_until_it_has_learned)
{
    struct gn_sim_config c = {.ports = 3, .medium = GN_MEDIUM_ETHERNET};
    struct gn_sim *s = gn_sim_new(&c);
    struct recipe r = {.medium = GN_MEDIUM_ETHERNET, .text = 10}; /* from MAC ..1 to MAC ..2 */

    send(s, 0, &r, 0);
    cr_assert_eq(take(s, 1, 0, NULL), 1);
    cr_assert_eq(take(s, 2, 0, NULL), 1);
    make(&in, &r);
    memcpy(in.bytes, (uint8_t[6]){2, 0, 0, 0, 0, 1}, 6);
    memcpy(in.bytes + 6, (uint8_t[6]){2, 0, 0, 0, 0, 2}, 6);
    gn_link_tx(gn_sim_port(s, 1), &in.f, 1, 0);
    cr_assert_eq(take(s, 0, 0, NULL), 1);
    cr_assert_eq(take(s, 2, 0, NULL), 0);
    send(s, 0, &r, 0);
    cr_assert_eq(take(s, 1, 0, NULL), 1);
    cr_assert_eq(take(s, 2, 0, NULL), 0);
    gn_sim_free(s);
}
