/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"

#include <criterion/criterion.h>

/* key 00 01 .. 0f */
static const struct siphash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};

/* the official vectors: message 00 01 .. (n-1), for n = 0 .. 15 and 63 (vectors.h of the reference
 * implementation) */
static const struct {
    size_t len;
    uint64_t hash;
} vectors[] = {
    {0, 0x726fdb47dd0e0e31u},  {1, 0x74f839c593dc67fdu},  {2, 0x0d6c8009d9a94f5au},
    {3, 0x85676696d7fb7e2du},  {4, 0xcf2794e0277187b7u},  {5, 0x18765564cd99a68du},
    {6, 0xcbc9466e58fee3ceu},  {7, 0xab0200f58b01d137u},  {8, 0x93f5f5799a932462u},
    {9, 0x9e0082df0ba9e4b0u},  {10, 0x7a5dbbc594ddb9f3u}, {11, 0xf4b32f46226bada7u},
    {12, 0x751e8fbc860ee5fbu}, {13, 0x14ea5627c0843d90u}, {14, 0xf723ca908e7af2eeu},
    {15, 0xa129ca6149be45e5u}, {63, 0x958a324ceb064572u},
};

Test(hash, siphash24_gives_the_official_vectors)
{
    uint8_t msg[64];

    for (unsigned i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        cr_assert_eq(siphash24(&key, msg, vectors[i].len), vectors[i].hash, "length %zu",
                     vectors[i].len);
}

Test(hash, octets_may_be_given_as_words)
{
    uint32_t word[15];
    uint8_t msg[60];

    for (unsigned i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)(0xff - 3 * i);
    for (unsigned i = 0; i < 15; i++)
        word[i] = (uint32_t)msg[4 * i] | (uint32_t)msg[4 * i + 1] << 8 |
                  (uint32_t)msg[4 * i + 2] << 16 | (uint32_t)msg[4 * i + 3] << 24;
    for (unsigned n = 0; n <= 15; n++)
        cr_expect_eq(siphash24_words(&key, word, n), siphash24(&key, msg, 4 * n), "%u", n);
}

Test(hash, twelve_octets_may_be_given_as_three_words)
{
    struct siphash_start start = siphash_start(&key);
    uint8_t msg[12];

    for (unsigned i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)(0xa0 + i);
    cr_expect_eq(siphash13_3(&start, 0xa3a2a1a0u, 0xa7a6a5a4u, 0xabaaa9a8u),
                 siphash13(&key, msg, sizeof(msg)));
}

Test(hash, alignment_does_not_matter)
{
    uint8_t buf[48];
    uint64_t h[8];

    for (unsigned off = 0; off < 8; off++) {
        for (unsigned i = 0; i < 37; i++)
            buf[off + i] = (uint8_t)(i * 7);
        h[off] = siphash13(&key, buf + off, 37);
        cr_assert_eq(h[off], h[0]);
    }
    cr_assert_neq(siphash13(&key, buf + 7, 37), siphash24(&key, buf + 7, 37));
    cr_assert_neq(siphash13(&key, buf + 7, 36), h[0]);
}

Test(hash, siphash13_knows_its_vector)
{
    uint8_t msg[15];

    for (unsigned i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)i;
    /* as computed by the SipHash-1-3 of other languages' standard libraries for the same key */
    cr_assert_eq(siphash13(&key, msg, 0), 0xabac0158050fc4dcu);
    cr_assert_eq(siphash13(&key, msg, 1), 0xc9f49bf37d57ca93u);
}

Test(hash, derived_keys_differ_in_every_part)
{
    uint8_t secret[32] = {1, 2, 3}, other[32] = {1, 2, 3};
    struct siphash_key a = siphash_derive(secret, 0), b = siphash_derive(secret, 1), c;

    cr_assert(a.k[0] != b.k[0] && a.k[1] != b.k[1] && a.k[0] != a.k[1]);
    c = siphash_derive(other, 0);
    cr_assert(a.k[0] == c.k[0] && a.k[1] == c.k[1]);
    other[31] = 1;
    c = siphash_derive(other, 0);
    cr_assert(a.k[0] != c.k[0] && a.k[1] != c.k[1]);
}
