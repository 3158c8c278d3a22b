/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of goodput and latency are as reviewed, octet for octet. Rows that take long, or whose
 * windows make the costly checks slow, are computed with GN_LONG=1 only. GN_UPDATE=1 writes what
 * was computed into the snapshots; tools/goodput.py writes all of them. */
#define _POSIX_C_SOURCE 200809L /* fmemopen() */

#include "lab/table.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TEXT (1 << 16)

/** snapshot_path() - of table @t */
static const char *snapshot_path(const struct table *t)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/table/%s.txt", GN_TEST_DIR, t->name);
    return path;
}

/** snapshot_read() - the whole file into @text; empty if there is none */
static void snapshot_read(const struct table *t, char *text)
{
    FILE *f = fopen(snapshot_path(t), "r");
    size_t n = f ? fread(text, 1, TEXT - 1, f) : 0;

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

/** check_heading() - compare what stands before the rows; where the rows begin in @text */
static const char *check_heading(const struct table *t, const char *text, FILE *copy)
{
    char heading[4096] = "";
    FILE *f = fmemopen(heading, sizeof heading, "w");

    cr_assert_not_null(f);
    table_heading(t, f);
    fclose(f);
    fputs(heading, copy);
    if (getenv("GN_UPDATE"))
        return strstr(text, " |") ? text + strlen(heading) : "";
    cr_assert(!strncmp(text, heading, strlen(heading)), "%s.txt has another heading", t->name);
    return text + strlen(heading);
}

/** check_table() - compute rows of @t and compare them with the snapshot, or write them there */
static void check_table(const struct table *t)
{
    static char text[TEXT], renewed[TEXT];
    FILE *copy = fmemopen(renewed, sizeof renewed, "w");
    const char *at;
    unsigned done = 0;

    cr_assert_not_null(copy);
    snapshot_read(t, text);
    at = check_heading(t, text, copy);
    for (unsigned i = 0; i < t->rows; i++) {
        char old[TABLE_LINE], now[TABLE_LINE] = "";

        take_line(&at, old);
        if (!getenv("GN_LONG") && !t->quick(i)) {
            fprintf(copy, "%s\n", old);
            continue;
        }
        cr_assert(t->row(i, now), "%s: row %u failed", t->name, i);
        fprintf(copy, "%s\n", now);
        done++;
        if (!getenv("GN_UPDATE"))
            cr_expect_str_eq(now, old, "%s.txt:\n- %s\n+ %s", t->name, old, now);
    }
    fclose(copy);
    cr_expect_str_empty(at, "%s.txt: more rows than the table has", t->name);
    if (done && getenv("GN_UPDATE")) {
        copy = fopen(snapshot_path(t), "w");
        cr_assert_not_null(copy);
        fputs(renewed, copy);
        fclose(copy);
    }
}

#define TABLE_TEST(name, which)        \
    Test(table, name, .timeout = 3600) \
    {                                  \
        check_table(&which);           \
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
