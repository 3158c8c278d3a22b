/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the tables of goodput and latency whose windows are small are as reviewed, octet for
 * octet, in the program that has all checks on. tests/table/snapshots_test.py compares the others.
 */
#include "lab/table.h"

#include <criterion/criterion.h>
#include <string.h>

#define TEXT (1 << 16)

/** snapshot_read() - the whole file of table @t into @text; empty if there is none */
static void snapshot_read(const struct table *t, char *text)
{
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/table/%s.txt", GN_TEST_DIR, t->name);
    f = fopen(path, "r");
    n = f ? fread(text, 1, TEXT - 1, f) : 0;
    text[n] = 0;
    if (f)
        fclose(f);
}

/** take_line() - cut the next line off *@at into @ret, without its end */
static void take_line(const char **at, char ret[TABLE_LINE])
{
    size_t len = strcspn(*at, "\n");

    snprintf(ret, TABLE_LINE, "%.*s", (int)len, *at);
    *at += len + ((*at)[len] == '\n');
}

/** check_table() - compute the small rows of @t and compare them with the snapshot */
static void check_table(const struct table *t)
{
    static char text[TEXT];
    const char *at = text;
    char old[TABLE_LINE], now[TABLE_LINE] = "";

    snapshot_read(t, text);
    t->head(now);
    do
        take_line(&at, old);
    while (*at && strcmp(old, now) != 0);
    for (unsigned i = 0; i < t->rows; i++) {
        take_line(&at, old);
        now[0] = 0;
        if (!t->small(i))
            continue;
        cr_assert(t->row(i, now), "%s: row %u failed", t->name, i);
        cr_expect_str_eq(now, old, "%s.txt:\n- %s\n+ %s", t->name, old, now);
    }
    cr_expect_str_empty(at, "%s.txt: more rows than the table has", t->name);
}

#define TABLE_TEST(name, which)       \
    Test(table, name, .timeout = 600) \
    {                                 \
        check_table(&which);          \
    }

TABLE_TEST(goodput, table_goodput)
TABLE_TEST(goodput_10g, table_goodput_10g)
TABLE_TEST(burst, table_burst)
TABLE_TEST(reorder, table_reorder)
TABLE_TEST(ackloss, table_ackloss)
TABLE_TEST(share, table_share)
TABLE_TEST(bloat, table_bloat)
TABLE_TEST(tail, table_tail)

/* what the limits say, by hand: RFC 9438 5.1 table 1 is about the same functions */
Test(table, limits)
{
    /* Reno at 1 % and 20 ms: 12.25 segments per round trip */
    cr_expect_eq(limit_response(0, 20, 10000) / 1000, 7093);
    /* CUBIC at 0.01 % and 100 ms: 1.054 * (0.1 / 0.0001)^0.75 = 187.4 segments */
    cr_expect_eq(limit_response(1, 100, 100) / 1000000, 21);
    cr_expect_eq(limit_response(1, 20, 10000), limit_response(0, 20, 10000), "Reno-friendly");
    cr_expect_eq(limit_link(1000000000, 0), UINT64_C(965333000));
}
