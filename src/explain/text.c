/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file text.c  Text without stdio.
 */
#include "explain/text.h"

#include <string.h>

void text_reset(struct text *t)
{
    t->len = 0;
}

size_t text_length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

void text_mem(struct text *t, const char *s, size_t n)
{
    size_t room = TEXT_CAP - t->len;
    if (n > room)
        n = room;
    memcpy(t->s + t->len, s, n);
    t->len += n;
}

void text_str(struct text *t, const char *s)
{
    text_mem(t, s, text_length(s));
}

void text_u64(struct text *t, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    text_mem(t, digits + n, sizeof digits - n);
}

void text_i64(struct text *t, int64_t v)
{
    if (v < 0)
        text_str(t, "-");
    text_u64(t, v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v);
}

void text_milli(struct text *t, int64_t v)
{
    uint64_t u = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;
    if (v < 0)
        text_str(t, "-");
    text_u64(t, u / 1000);
    char frac[4] = {'.', (char)('0' + u / 100 % 10), (char)('0' + u / 10 % 10),
                    (char)('0' + u % 10)};
    text_mem(t, frac, sizeof frac);
}

/** tenths() - "15" or "1.5": @v in tenths, without a trailing ".0" */
static void tenths(struct text *t, uint64_t v)
{
    text_u64(t, v / 10);
    if (v % 10) {
        text_str(t, ".");
        text_u64(t, v % 10);
    }
}

void text_span(struct text *t, gn_time span)
{
    if (span < GN_MSEC) {
        text_u64(t, span / GN_USEC);
        text_str(t, " us");
    } else if (span < GN_SEC) {
        tenths(t, span / (GN_MSEC / 10));
        text_str(t, " ms");
    } else if (span < 180 * GN_SEC) {
        tenths(t, span / (GN_SEC / 10));
        text_str(t, " s");
    } else {
        tenths(t, span / (6 * GN_SEC));
        text_str(t, " min");
    }
}

void text_cp(struct text *t, uint32_t cp)
{
    char u[4];
    size_t n;
    if (cp < 0x80) {
        u[0] = (char)cp;
        n = 1;
    } else if (cp < 0x800) {
        u[0] = (char)(0xC0 | cp >> 6);
        u[1] = (char)(0x80 | (cp & 0x3F));
        n = 2;
    } else {
        u[0] = (char)(0xE0 | (cp >> 12 & 0x0F));
        u[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        u[2] = (char)(0x80 | (cp & 0x3F));
        n = 3;
    }
    if (n <= TEXT_CAP - t->len)
        text_mem(t, u, n);
}

void text_spaces(struct text *t, size_t n)
{
    while (n--)
        text_str(t, " ");
}

size_t text_columns(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)s[i] & 0xC0) != 0x80;
    return columns;
}

void text_pad(struct text *t, size_t from, size_t columns)
{
    size_t have = text_columns(t->s + from, t->len - from);
    if (have < columns)
        text_spaces(t, columns - have);
}

void text_flush(struct text *t, const struct text_writer *w)
{
    if (t->len)
        w->write(w->ctx, t->s, t->len);
    t->len = 0;
}
