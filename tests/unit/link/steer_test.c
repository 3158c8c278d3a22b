/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program for the kernel and flow_hash() must agree on every packet: the kernel is asked to
 * run the program on packets that are made here.
 */
#include "link/bpf.h"
#include "link/steer.h"

#include "base/bits.h"
#include "base/prng.h"
#include "wire/flow.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KEY 0xdeadbeefu
#define ETH 14 /* octets that the kernel takes off before it runs the program */

/** program() - loaded, or the test is skipped */
static int program(void)
{
    int fd = steer_load(KEY);

    if (fd == -EPERM || fd == -EACCES)
        cr_skip("the kernel takes no programs from this user");
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    return fd;
}

/** verdict() - what the program says of the packet at @p + ETH */
static unsigned verdict(int fd, uint8_t *p, uint32_t len)
{
    union bpf_attr a;
    int r;

    memset(&a, 0, sizeof a);
    a.test.prog_fd = (uint32_t)fd;
    a.test.data_in = (uint64_t)(uintptr_t)p;
    a.test.data_size_in = len + ETH;
    r = bpf_call(BPF_PROG_TEST_RUN, &a);
    cr_assert_eq(r, 0, "%s", strerror(-r));
    return a.test.retval;
}

/** expected() - what the hosts reckon with */
static unsigned expected(const struct gn_endpoint *a, const struct gn_endpoint *b)
{
    return flow_hash(a, b, KEY);
}

/** ends() - two random endpoints of one family */
static void ends(struct prng *rng, bool v6, struct gn_endpoint *a, struct gn_endpoint *b)
{
    struct gn_endpoint *e[] = {a, b};

    for (unsigned i = 0; i < 2; i++) {
        *e[i] = (struct gn_endpoint){.port = (uint16_t)prng_below(rng, 65536)};
        for (unsigned k = 0; k < 16; k++)
            e[i]->addr.b[k] = (uint8_t)prng_below(rng, 256);
        if (!v6)
            e[i]->addr =
                gn_addr_v4(e[i]->addr.b[0], e[i]->addr.b[1], e[i]->addr.b[2], e[i]->addr.b[3]);
        else
            e[i]->addr.b[0] = 0x20;
    }
}

/** put_ip() - headers of a packet from @a to @b with protocol @proto, @words of IPv4 options; where
 * its text begins */
static uint8_t *put_ip(uint8_t *p, const struct gn_endpoint *a, const struct gn_endpoint *b,
                       uint8_t proto, unsigned words)
{
    if (gn_addr_is_v4(&a->addr)) {
        p[0] = (uint8_t)(0x45 + words);
        p[9] = proto;
        memcpy(p + 12, a->addr.b + 12, 4);
        memcpy(p + 16, b->addr.b + 12, 4);
        return p + 20 + (size_t)words * 4;
    }
    p[0] = 0x60;
    p[6] = proto;
    memcpy(p + 8, a->addr.b, 16);
    memcpy(p + 24, b->addr.b, 16);
    return p + 40;
}

/** put_tcp() - the same and both ports; the length */
static uint32_t put_tcp(uint8_t *p, const struct gn_endpoint *a, const struct gn_endpoint *b,
                        unsigned words)
{
    uint8_t *tcp = put_ip(p, a, b, 6, words);

    put16(tcp, a->port);
    put16(tcp + 2, b->port);
    return (uint32_t)(tcp + 20 - p);
}

Test(steer, tcp_goes_where_its_host_is_in_both_directions)
{
    struct prng rng;
    int fd = program();

    prng_seed(&rng, 1, 1);
    for (unsigned i = 0; i < 400; i++) {
        struct gn_endpoint a, b;
        uint8_t there[256] = {0}, back[256] = {0};
        uint32_t n;

        ends(&rng, i & 1, &a, &b);
        n = put_tcp(there + ETH, &a, &b, i % 11);
        put_tcp(back + ETH, &b, &a, 0);
        cr_assert_eq(verdict(fd, there, n), expected(&a, &b));
        cr_assert_eq(verdict(fd, back, n), expected(&a, &b));
    }
    close(fd);
}

Test(steer, an_icmp_error_goes_to_the_host_of_the_connection)
{
    static const uint8_t types4[] = {3, 11, 12}, types6[] = {1, 2, 3, 4};
    struct prng rng;
    int fd = program();

    prng_seed(&rng, 2, 1);
    for (unsigned i = 0; i < 200; i++) {
        bool v6 = i & 1;
        struct gn_endpoint a, b, router, nobody;
        uint8_t p[256] = {0}, *icmp;
        uint32_t n;

        ends(&rng, v6, &a, &b);
        ends(&rng, v6, &router, &nobody);
        icmp = put_ip(p + ETH, &router, &a, v6 ? 58 : 1, i % 3);
        *icmp = v6 ? types6[i / 2 % 4] : types4[i / 2 % 3];
        n = put_tcp(icmp + 8, &a, &b, i % 5);
        cr_assert_eq(verdict(fd, p, (uint32_t)(icmp + 8 - p) - ETH + n), expected(&a, &b));
    }
    close(fd);
}

Test(steer, all_else_goes_to_the_first)
{
    struct gn_endpoint a, b;
    struct prng rng;
    uint8_t p[256] = {0}, *text;
    int fd = program();

    prng_seed(&rng, 3, 1);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        ends(&rng, v6, &a, &b);
        memset(p, 0, sizeof p);
        text = put_ip(p + ETH, &a, &b, v6 ? 58 : 1, 0);
        *text = v6 ? 128 : 8; /* echo */
        cr_assert_eq(verdict(fd, p, 100), 0);
        memset(p, 0, sizeof p);
        put_ip(p + ETH, &a, &b, 17, 0);
        cr_assert_eq(verdict(fd, p, 100), 0);
    }
    memset(p, 0, sizeof p);
    ends(&rng, false, &a, &b);
    put_tcp(p + ETH, &a, &b, 0);
    p[ETH + 7] = 1; /* a fragment */
    cr_assert_eq(verdict(fd, p, 100), 0);
    p[ETH + 7] = 0;
    p[ETH] = 0x10;
    cr_assert_eq(verdict(fd, p, 100), 0, "neither IPv4 nor IPv6");
    p[ETH] = 0x45;
    cr_assert_eq(verdict(fd, p, 21), 0, "too short for ports");
    close(fd);
}
