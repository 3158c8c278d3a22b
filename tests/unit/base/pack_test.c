/* SPDX-License-Identifier: BSD-2-Clause */
/* Values to octets and back. */
#include "base/pack.h"

#include <criterion/criterion.h>
#include <string.h>

struct values {
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    seq_t e;
    gn_time past, never;
    deadline_t armed, none, overdue;
    uint8_t raw[3];
};

/** all() - how the values lie */
static void all(struct pack *p, struct values *v)
{
    pack_u8(p, &v->a);
    pack_u16(p, &v->b);
    pack_u32(p, &v->c);
    pack_u64(p, &v->d);
    pack_seq(p, &v->e);
    pack_past(p, &v->past);
    pack_past(p, &v->never);
    pack_deadline(p, &v->armed);
    pack_deadline(p, &v->none);
    pack_deadline(p, &v->overdue);
    pack_octets(p, v->raw, sizeof(v->raw));
}

static const struct values values = {
    .a = 1,
    .b = 0x0203,
    .c = 0x04050607,
    .d = 0x08090a0b0c0d0e0f,
    .e = {0x10111213},
    .past = 900 * GN_SEC,
    .armed = {1001 * GN_SEC | 1},
    .overdue = {999 * GN_SEC | 1},
    .raw = "xyz",
};

#define OCTETS (1 + 2 + 4 + 8 + 4 + 5 * 8 + 3)

Test(pack, there_and_back_by_another_clock)
{
    uint8_t b[OCTETS + 1] = {0};
    struct values v = values, got;
    struct pack p = pack_writer(b, sizeof(b), 1000 * GN_SEC);

    all(&p, &v);
    cr_assert_eq(p.at, OCTETS);
    for (uint8_t i = 0; i < 19; i++)
        cr_expect_eq(b[i], i + 1, "most significant octet first: %u", i);
    memset(&got, 0xee, sizeof(got));
    p = pack_reader(b, OCTETS, 5000 * GN_SEC);
    all(&p, &got);
    cr_expect_not(p.bad);
    cr_expect_eq(p.at, OCTETS);
    cr_expect(got.a == v.a && got.b == v.b && got.c == v.c && got.d == v.d);
    cr_expect(seq_eq(got.e, v.e) && !memcmp(got.raw, "xyz", 3));
    cr_expect_eq(got.past, 4900 * GN_SEC);
    cr_expect_eq(got.never, 0);
    cr_expect_eq(deadline_time(got.armed), 5001 * GN_SEC);
    cr_expect_not(deadline_armed(got.none));
    cr_expect_eq(deadline_time(got.overdue), 5000 * GN_SEC, "due now");
}

/* a clock that has not run for so long puts it at its beginning */
Test(pack, before_the_beginning)
{
    uint8_t b[OCTETS];
    struct values v = values;
    struct pack p = pack_writer(b, sizeof(b), 1000 * GN_SEC);

    all(&p, &v);
    p = pack_reader(b, sizeof(b), 50 * GN_SEC);
    all(&p, &v);
    cr_expect_eq(v.past, 1);
    cr_expect_not(p.bad);
}

/* what is missing is zero, and noticed; nothing beyond the end is touched */
Test(pack, too_short)
{
    uint8_t b[OCTETS];
    struct values v = values;
    struct pack p = pack_writer(NULL, 0, 1000 * GN_SEC);

    all(&p, &v);
    cr_expect_eq(p.at, OCTETS, "counted");
    memset(b, 0xaa, sizeof(b));
    p = pack_writer(b, 10, 1000 * GN_SEC);
    all(&p, &v);
    cr_expect_eq(p.at, OCTETS);
    cr_expect(b[6] == 7 && b[7] == 0xaa, "what does not fit whole is not begun");
    for (size_t n = 0; n < OCTETS; n++) {
        uint8_t *exact = malloc(n ? n : 1);

        p = pack_reader(exact, 0, 0);
        p.end = n;
        memset(exact, 0, n ? n : 1);
        all(&p, &v);
        cr_expect(p.bad, "%zu", n);
        free(exact);
    }
}

Test(pack, absurd_times)
{
    uint8_t b[8];
    gn_time t = 5;
    deadline_t d = {1};
    struct pack p;

    memset(b, 0xff, sizeof(b));
    p = pack_reader(b, sizeof(b), 1000);
    pack_past(&p, &t);
    cr_expect(p.bad && t == 0);
    p = pack_reader(b, sizeof(b), 1000);
    pack_deadline(&p, &d);
    cr_expect(p.bad && !deadline_armed(d));
}
