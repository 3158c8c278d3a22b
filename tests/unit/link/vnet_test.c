/* SPDX-License-Identifier: BSD-2-Clause */
#include "link/vnet.h"

#include <criterion/criterion.h>
#include <string.h>

/** sample() - an IPv4 super-segment's 40 octets of headers and 100 of text, in 60-octet segments */
static struct gn_frame sample(uint8_t octets[140])
{
    memset(octets, 0, 140);
    octets[0] = 0x45;
    octets[32] = 5 << 4;
    return (struct gn_frame){.data = octets,
                             .len = 140,
                             .flags = GN_FRAME_CSUM_OWED,
                             .csum_start = 20,
                             .csum_offset = 16,
                             .gso_size = 60,
                             .hdr_len = 40};
}

Test(vnet, what_is_gathered_is_described_the_same)
{
    uint8_t octets[140], back[256];
    struct gn_frame f = sample(octets), g = {0};
    struct virtio_net_hdr h;
    struct iovec iov[VNET_SPANS];
    uint32_t len = 0;
    unsigned n;

    f.len = 70; /* the rest is borrowed, in two pieces */
    f.n_tail = 2;
    f.tail[0] = (struct gn_span){octets + 70, 30};
    f.tail[1] = (struct gn_span){octets + 100, 40};
    for (unsigned i = 40; i < 140; i++)
        octets[i] = (uint8_t)i;
    n = vnet_gather(&f, GN_MEDIUM_IP, &h, iov);
    cr_assert_eq(n, 4);
    cr_assert_eq(iov[0].iov_base, &h);
    for (unsigned i = 1; i < n; i++) {
        memcpy(back + len, iov[i].iov_base, iov[i].iov_len);
        len += (uint32_t)iov[i].iov_len;
    }
    cr_assert_eq(len, 140);
    cr_assert_arr_eq(back, octets, 140);

    g.data = back;
    g.len = len;
    cr_assert(vnet_describe(&h, &g));
    cr_assert_eq(g.flags, GN_FRAME_CSUM_OWED);
    cr_assert_eq(g.csum_start, 20);
    cr_assert_eq(g.csum_offset, 16);
    cr_assert_eq(g.gso_size, 60);
    cr_assert_eq(g.hdr_len, 40);
}

Test(vnet, what_contradicts_itself_is_not_gathered)
{
    uint8_t octets[140];
    struct virtio_net_hdr h;
    struct iovec iov[VNET_SPANS];
    struct gn_frame f = sample(octets);

    f.n_tail = GN_FRAME_TAILS + 1;
    cr_assert_eq(vnet_gather(&f, GN_MEDIUM_IP, &h, iov), 0);
    f = sample(octets);
    f.csum_start = 123; /* the sum would lie outside */
    cr_assert_eq(vnet_gather(&f, GN_MEDIUM_IP, &h, iov), 0);
    f = sample(octets);
    f.hdr_len = 141;
    cr_assert_eq(vnet_gather(&f, GN_MEDIUM_IP, &h, iov), 0);
    f = sample(octets);
    f.flags = 0; /* a super-segment whose checksums nobody is to compute */
    cr_assert_eq(vnet_gather(&f, GN_MEDIUM_IP, &h, iov), 0);
}

Test(vnet, what_contradicts_the_frame_is_refused)
{
    uint8_t octets[140];
    struct gn_frame f = sample(octets), g = {.data = octets, .len = 140};
    struct virtio_net_hdr good, h;
    struct iovec iov[VNET_SPANS];

    cr_assert_neq(vnet_gather(&f, GN_MEDIUM_IP, &good, iov), 0);
    h = good;
    h.csum_start = 123;
    cr_assert_not(vnet_describe(&h, &g));
    h = good;
    h.gso_size = 0;
    cr_assert_not(vnet_describe(&h, &g));
    h = good;
    h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
    cr_assert_not(vnet_describe(&h, &g));
    h = good;
    octets[32] = 15 << 4; /* a header of 60 octets in a frame of 70 */
    g = (struct gn_frame){.data = octets, .len = 70};
    cr_assert_not(vnet_describe(&h, &g));
}

Test(vnet, a_checksum_that_was_verified_is_said_to_be)
{
    uint8_t octets[140];
    struct gn_frame g = {.data = octets, .len = 140};
    struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_DATA_VALID};

    cr_assert(vnet_describe(&h, &g));
    cr_assert_eq(g.flags, GN_FRAME_CSUM_OK);
    h.flags = 0;
    g.flags = 0;
    cr_assert(vnet_describe(&h, &g));
    cr_assert_eq(g.flags, 0);
}
