/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file addr.c  Addresses and their text forms: dotted quads, RFC 4291 sec. 2.2 in, RFC 5952 out.
 */
#include "base/bits.h"

#include <gannet/types.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct gn_addr gn_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct gn_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

bool gn_addr_is_v4(const struct gn_addr *a)
{
    return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

bool gn_addr_is_any(const struct gn_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->b, zero, 16) == 0 || (gn_addr_is_v4(a) && memcmp(a->b + 12, zero, 4) == 0);
}

bool gn_addr_eq(const struct gn_addr *a, const struct gn_addr *b)
{
    return memcmp(a->b, b->b, 16) == 0;
}

/** parse_quad() - "a.b.c.d" up to the end of the text; no leading zeros, which some read as octal
 */
static bool parse_quad(const char *s, uint8_t ret[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned v = 0, digits = 0;

        for (; *s >= '0' && *s <= '9'; s++, digits++) {
            if (digits && !v)
                return false;
            v = v * 10 + (unsigned)(*s - '0');
            if (v > 255)
                return false;
        }
        if (!digits || *s++ != (i < 3 ? '.' : '\0'))
            return false;
        ret[i] = (uint8_t)v;
    }
    return true;
}

/** hex_digit() - 0..15, or -1 */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** parse_group() - one to four hex digits; advances *s */
static bool parse_group(const char **s, uint16_t *ret)
{
    unsigned v = 0, n = 0;
    int d;

    for (; (d = hex_digit(**s)) >= 0; (*s)++, n++) {
        if (n == 4)
            return false;
        v = v << 4 | (unsigned)d;
    }
    *ret = (uint16_t)v;
    return n > 0;
}

/** has_dot_first() - does a dot come before the next colon: is a dotted quad what follows? */
static bool has_dot_first(const char *s)
{
    while (*s && *s != ':' && *s != '.')
        s++;
    return *s == '.';
}

/** parse_piece() - a group, or the quad that an address ends with, behind *n octets of it; advances
 * *s and *n */
static bool parse_piece(const char **s, uint8_t out[16], unsigned *n)
{
    uint16_t g;

    if (has_dot_first(*s)) {
        if (*n > 12 || !parse_quad(*s, out + *n))
            return false;
        *n += 4;
        while (**s)
            (*s)++;
        return true;
    }
    if (*n > 14 || !parse_group(s, &g))
        return false;
    put16(out + *n, g);
    *n += 2;
    return true;
}

/** parse_v6() - groups with at most one "::", the last 32 bits perhaps as a quad */
static bool parse_v6(const char *s, uint8_t ret[16])
{
    uint8_t out[16];
    unsigned n = 0, gap = 17; /* octets so far; where "::" stands */

    if (*s == ':' && *++s != ':')
        return false;
    for (;;) {
        if (*s == ':') {
            if (gap != 17)
                return false;
            gap = n;
            s++;
            if (!*s)
                break;
        }
        if (!parse_piece(&s, out, &n))
            return false;
        if (!*s)
            break;
        if (*s++ != ':' || !*s)
            return false;
    }
    if (gap == 17 ? n != 16 : n > 14)
        return false;
    gap = gap == 17 ? n : gap;
    memset(ret, 0, 16);
    memcpy(ret, out, gap);
    memcpy(ret + 16 - (n - gap), out + gap, n - gap);
    return true;
}

bool gn_addr_parse(const char *text, struct gn_addr *ret)
{
    struct gn_addr a = gn_addr_v4(0, 0, 0, 0);

    if (!parse_quad(text, a.b + 12) && !parse_v6(text, a.b))
        return false;
    *ret = a;
    return true;
}

/** put_decimal() - 0..255 */
static char *put_decimal(char *p, unsigned v)
{
    if (v >= 100)
        *p++ = (char)('0' + v / 100);
    if (v >= 10)
        *p++ = (char)('0' + v / 10 % 10);
    *p++ = (char)('0' + v % 10);
    return p;
}

/** put_hex() - a group without leading zeros (RFC 5952 sec. 4.1, 4.3) */
static char *put_hex(char *p, unsigned v)
{
    for (int shift = 12; shift >= 0; shift -= 4)
        if (v >> shift || shift == 0)
            *p++ = "0123456789abcdef"[v >> shift & 15];
    return p;
}

/** longest_zeros() - the first longest run of at least two zero groups (RFC 5952 sec. 4.2); its
 * length, 0: none */
static unsigned longest_zeros(const uint8_t *b, unsigned *ret_start)
{
    unsigned best = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;

        while (i + n < 8 && get16(b + 2 * (i + n)) == 0)
            n++;
        if (n >= 2 && n > best) {
            best = n;
            *ret_start = i;
        }
    }
    return best;
}

char *gn_addr_format(const struct gn_addr *a, char *dst)
{
    unsigned start = 8, n;
    char *p = dst;

    if (gn_addr_is_v4(a)) {
        for (unsigned i = 12; i < 16; i++) {
            p = put_decimal(p, a->b[i]);
            *p++ = '.';
        }
        p[-1] = '\0';
        return dst;
    }
    n = longest_zeros(a->b, &start);
    for (unsigned i = 0; i < 8; i++) {
        if (i == start) {
            *p++ = ':';
            if (i + n == 8)
                *p++ = ':';
            i += n - 1;
            continue;
        }
        if (i)
            *p++ = ':';
        p = put_hex(p, get16(a->b + 2 * i));
    }
    *p = '\0';
    return dst;
}
