/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file text.c  Text without stdio.
 */
#include "explain/text.h"

#include <string.h>

#define MINUTE (60 * GN_SEC)
#define HOUR   (60 * MINUTE)

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

/** code_point() - the first one of UTF-8 text; *@len octets. 0: it is not UTF-8, or steers */
static uint32_t code_point(const unsigned char *s, size_t *len)
{
    static const struct {
        unsigned char mask, is;
        uint32_t least;
    } forms[] = {{0x80, 0, 0x20}, {0xE0, 0xC0, 0xA0}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};

    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        if ((s[0] & forms[n].mask) != forms[n].is)
            continue;
        uint32_t cp = s[0] & (unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            cp = cp << 6 | (s[i] & 0x3F);
        }
        *len = n + 1;
        /* DEL, surrogates, what turns the direction of writing or is not seen */
        bool steers = cp == 0x7F || (cp >= 0x200B && cp <= 0x200F) ||
                      (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x206F) ||
                      (cp >= 0xD800 && cp < 0xE000) || cp == 0xFEFF || cp > 0x10FFFF;
        return cp < forms[n].least || steers ? 0 : cp;
    }
    return 0;
}

void text_foreign(struct text *t, const char *s)
{
    while (*s) {
        size_t len = 1;
        if (code_point((const unsigned char *)s, &len)) {
            text_mem(t, s, len);
        } else {
            len = 1;
            text_str(t, "?");
        }
        s += len;
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
    } else if (span < 180 * MINUTE) {
        tenths(t, span / (MINUTE / 10));
        text_str(t, " min");
    } else if (span < 72 * HOUR) {
        tenths(t, span / (HOUR / 10));
        text_str(t, " h");
    } else {
        tenths(t, span / (24 * HOUR / 10));
        text_str(t, " days");
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
