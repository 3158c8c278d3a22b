/* SPDX-License-Identifier: BSD-2-Clause */
/* Several hosts behind one address: each has its share of the connections and leaves the others
 * alone. */
#include "unit/base/pages.h"

#include "base/bits.h"

#include <gannet/host.h>

#include <criterion/criterion.h>
#include <string.h>

#define SHARDS 3
#define KEY    12345u
#define FRAMES 16

static struct pages pages[SHARDS];
static struct gn_host *host[SHARDS];
static struct gn_addr ours, theirs;

/** up() - all hosts at one address of IPv4 or IPv6, each listening on port 80 */
static void up(bool v6)
{
    const struct gn_iface iface = {.medium = GN_MEDIUM_IP, .mtu = 1500, .name = "t0"};

    ours = gn_addr_v4(10, 0, 0, 1);
    theirs = gn_addr_v4(10, 0, 0, 9);
    if (v6) {
        gn_addr_parse("fd00::1", &ours);
        gn_addr_parse("fd00::9", &theirs);
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        struct gn_host_config c = {
            .pages = pages_source(&pages[i]), .shard = i, .shards = SHARDS, .shard_key = KEY};
        gn_handle l;

        c.secret[0] = (uint8_t)i;
        gn_conf_default(&c.conf);
        host[i] = gn_host_new(&c, GN_SEC, NULL);
        cr_assert_not_null(host[i]);
        cr_assert_eq(gn_host_add_iface(host[i], &iface), 0);
        cr_assert_eq(gn_host_add_addr(host[i], 0, ours, v6 ? 64 : 24), GN_OK);
        cr_assert_eq(gn_host_listen(host[i], (struct gn_endpoint){.port = 80}, 64, NULL, &l),
                     GN_OK);
    }
}

/** down() - and nothing is left */
static void down(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        gn_host_free(host[i]);
        cr_assert_eq(pages[i].out, 0);
    }
}

/** pull() - what host @i sends, into @room; how many frames */
static size_t pull(unsigned i, struct gn_frame frame[FRAMES], uint8_t room[FRAMES][2048])
{
    for (unsigned k = 0; k < FRAMES; k++)
        frame[k] = (struct gn_frame){.buf = room[k], .cap = 2048};
    return gn_host_output(host[i], frame, FRAMES, GN_SEC);
}

/** check_ports() - connections that each host opens are its own, and the ports differ */
static void check_ports(bool v6)
{
    static uint8_t room[FRAMES][2048];
    static bool seen[65536];
    struct gn_frame frame[FRAMES];
    const struct gn_endpoint any = {.port = 0}, remote = {theirs, 443};

    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < SHARDS; i++)
        for (unsigned k = 0; k < 100; k++) {
            struct gn_endpoint local = {ours, 0};
            gn_handle c;

            cr_assert_eq(gn_host_connect(host[i], any, remote, NULL, GN_SEC, &c), GN_OK);
            cr_assert_eq(pull(i, frame, room), 1);
            local.port = get16(frame[0].data + (v6 ? 40 : 20));
            cr_assert_eq(gn_flow_shard(&local, &remote, KEY, SHARDS), i);
            cr_assert_eq(gn_flow_shard(&remote, &local, KEY, SHARDS), i);
            cr_assert_not(seen[local.port]);
            seen[local.port] = true;
        }
}

Test(shard, ports_are_chosen_so_that_the_answer_comes_back)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        up(v6);
        check_ports(v6);
        down();
    }
}

Test(shard, a_port_that_would_make_it_anothers_is_refused)
{
    const struct gn_endpoint remote = {gn_addr_v4(10, 0, 0, 9), 443};
    unsigned taken = 0;

    up(false);
    for (uint16_t port = 1000; port < 1100; port++) {
        const struct gn_endpoint local = {ours, port};

        for (unsigned i = 0; i < SHARDS; i++) {
            gn_handle c;
            enum gn_err e = gn_host_connect(host[i], local, remote, NULL, GN_SEC, &c);
            bool own = gn_flow_shard(&local, &remote, KEY, SHARDS) == i;

            cr_assert_eq(e, own ? GN_OK : GN_E_NOT_AVAILABLE);
            taken += e == GN_OK;
        }
    }
    cr_assert_eq(taken, 100);
    down();
}

/** syn() - an IPv4 SYN from port @port to 80; the device vouches for its checksum */
static struct gn_frame syn(uint8_t p[40], uint16_t port)
{
    uint32_t sum = 0;

    memset(p, 0, 40);
    p[0] = 0x45;
    p[3] = 40;
    p[8] = 64;
    p[9] = 6;
    memcpy(p + 12, theirs.b + 12, 4);
    memcpy(p + 16, ours.b + 12, 4);
    for (unsigned i = 0; i < 20; i += 2)
        sum += get16(p + i);
    put16(p + 10, (uint16_t) ~(sum + (sum >> 16)));
    put16(p + 20, port);
    put16(p + 22, 80);
    p[32] = 5 << 4;
    p[33] = 2;
    p[34] = 0xff;
    return (struct gn_frame){.data = p, .len = 40, .flags = GN_FRAME_CSUM_OK};
}

Test(shard, exactly_one_host_answers_a_syn_and_the_others_are_silent)
{
    static uint8_t room[FRAMES][2048];
    struct gn_frame frame[FRAMES];
    uint8_t p[40];
    unsigned answers[SHARDS] = {0};

    up(false);
    for (uint16_t port = 2000; port < 2060; port++) {
        const struct gn_endpoint local = {ours, 80}, remote = {theirs, port};
        const struct gn_frame f = syn(p, port);

        for (unsigned i = 0; i < SHARDS; i++) {
            size_t n;

            gn_host_input(host[i], &f, 1, GN_SEC);
            n = pull(i, frame, room);
            cr_assert_eq(n, gn_flow_shard(&local, &remote, KEY, SHARDS) == i);
            if (n)
                cr_assert_eq(frame[0].data[33], 0x12, "SYN,ACK");
            answers[i] += n != 0;
        }
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        struct gn_stats st;

        gn_host_stats(host[i], &st);
        cr_assert_gt(answers[i], 5, "a share for everybody");
        cr_assert_eq(st.drop[GN_DROP_OTHER_SHARD], 60 - answers[i]);
        cr_assert_eq(st.OutRsts, 0);
    }
    down();
}

Test(shard, a_share_that_does_not_exist_is_refused)
{
    struct gn_host_config c = {.pages = pages_source(&pages[0]), .shard = 2, .shards = 2};
    enum gn_err e = GN_OK;

    gn_conf_default(&c.conf);
    cr_assert_null(gn_host_new(&c, 0, &e));
    cr_assert_eq(e, GN_E_INVALID);
}
