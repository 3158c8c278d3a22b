/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <gannet/types.h>
#include <string.h>

/* @text parses, and comes back as @canonical */
static void round_trip(const char *text, const char *canonical)
{
    struct gn_addr a;
    char out[GN_ADDR_TEXT];

    cr_assert(gn_addr_parse(text, &a), "%s", text);
    cr_assert_str_eq(gn_addr_format(&a, out), canonical);
}

Test(addr, text_forms_of_rfc_5952)
{
    round_trip("10.0.0.1", "10.0.0.1");
    round_trip("0.0.0.0", "0.0.0.0");
    round_trip("255.255.255.255", "255.255.255.255");
    round_trip("::", "::");
    round_trip("::1", "::1");
    round_trip("1::", "1::");
    round_trip("fd00::1", "fd00::1");
    round_trip("2001:DB8::A", "2001:db8::a");
    round_trip("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");    /* the first of equal runs */
    round_trip("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");          /* the longest run */
    round_trip("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* one group is no run */
    round_trip("::ffff:1.2.3.4", "1.2.3.4");
    round_trip("64:ff9b::1.2.3.4", "64:ff9b::102:304");
    round_trip("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
    round_trip("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
    round_trip("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    round_trip("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
    round_trip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

Test(addr, nonsense_is_refused_and_the_result_untouched)
{
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.4 ",
        " 1.2.3.4",
        "01.2.3.4",
        "1..2.3",
        "1.2.3.",
        ":",
        ":1",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6",
        "1:2:3:4:5:6:7:",
        "12345::",
        "g::",
        "::1%lo",
        "[::1]",
        "1:2:3:4:5:6:7:8:9",
        "::1.2.3",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1.2.3.4::",
        "fe80::1/64",
        "1:2:3:4:5:6:7:8::",
        "::1::",
        "-1.2.3.4",
        "1:2:3:4::5:6:7:8",
    };
    struct gn_addr a, before;

    memset(&before, 0x77, sizeof(before));
    a = before;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_not(gn_addr_parse(bad[i], &a), "%s", bad[i]);
        cr_assert(gn_addr_eq(&a, &before));
    }
}

Test(addr, agrees_with_libc_on_random_addresses)
{
    struct prng prng;

    prng_seed(&prng, 8, 0);
    for (unsigned round = 0; round < 20000; round++) {
        struct gn_addr a, b;
        char ours[GN_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];

        for (unsigned i = 0; i < 16; i += 2) {
            bool zero = prng_chance(&prng, 500000);
            a.b[i] = zero ? 0 : (uint8_t)(prng_u32(&prng) & (prng_u32(&prng) | 1));
            a.b[i + 1] = zero ? 0 : (uint8_t)prng_u32(&prng);
        }
        a.b[0] |= 0x20; /* keep clear of the forms that libc writes with a quad */
        gn_addr_format(&a, ours);
        cr_assert(gn_addr_parse(ours, &b));
        cr_assert(gn_addr_eq(&a, &b));
        cr_assert_str_eq(ours, inet_ntop(AF_INET6, a.b, theirs, sizeof(theirs)));
    }
}

Test(addr, kinds)
{
    struct gn_addr v4 = gn_addr_v4(192, 0, 2, 1), any4 = gn_addr_v4(0, 0, 0, 0), any6 = {{0}};

    cr_assert(gn_addr_is_v4(&v4) && gn_addr_is_v4(&any4) && !gn_addr_is_v4(&any6));
    cr_assert(!gn_addr_is_any(&v4) && gn_addr_is_any(&any4) && gn_addr_is_any(&any6));
    any6.b[15] = 1;
    cr_assert_not(gn_addr_is_any(&any6));
}
