/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file buf.c  Text that grows, and JSON written into it.
 */
#include "cli/buf.h"

#include "cli/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
    free(b->s);
    *b = (struct buf){0};
}

/** room() - make place for @n more octets and a final zero */
static void room(struct buf *b, size_t n)
{
    if (b->cap - b->len > n)
        return;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len <= n)
        cap *= 2;
    char *s = realloc(b->s, cap);
    if (!s)
        exit(complain("out of memory"));
    b->s = s;
    b->cap = cap;
}

void buf_mem(struct buf *b, const void *p, size_t n)
{
    room(b, n);
    memcpy(b->s + b->len, p, n);
    b->len += n;
    b->s[b->len] = 0;
}

void buf_str(struct buf *b, const char *s)
{
    buf_mem(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    room(b, (size_t)n);
    va_start(ap, format);
    vsnprintf(b->s + b->len, (size_t)n + 1, format, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void buf_pad(struct buf *b, size_t from, size_t columns)
{
    do
        buf_mem(b, " ", 1);
    while (b->len - from < columns);
}

void buf_print(struct buf *b, FILE *f)
{
    if (b->len)
        fwrite(b->s, 1, b->len, f);
    b->len = 0;
}

/** buf_write() - text_writer's function */
static void buf_write(void *ctx, const char *text, size_t len)
{
    buf_mem(ctx, text, len);
}

struct text_writer buf_writer(struct buf *b)
{
    return (struct text_writer){.write = buf_write, .ctx = b};
}

size_t utf8_length(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xC2 ? 0 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    if (u[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xF0 && u[1] < 0x90);
    bool beyond = (u[0] == 0xED && u[1] >= 0xA0) || (u[0] == 0xF4 && u[1] >= 0x90);
    return overlong || beyond ? 0 : n;
}

/** quoted() - a JSON string; what is no UTF-8 (names of processes may be anything) becomes U+FFFD
 */
static void quoted(struct buf *b, const char *s)
{
    buf_str(b, "\"");
    for (; *s; s++) {
        size_t n = utf8_length(s);
        if (n == 0) {
            buf_str(b, "\\ufffd");
            continue;
        }
        if (n > 1) {
            buf_mem(b, s, n);
            s += n - 1;
            continue;
        }
        if (*s == '"' || *s == '\\')
            buf_printf(b, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            buf_printf(b, "\\u%04x", (unsigned)*s);
        else
            buf_mem(b, s, 1);
    }
    buf_str(b, "\"");
}

/** before() - comma and name of the next value */
static void before(struct json *j, const char *name)
{
    if (j->comma)
        buf_str(j->b, ",");
    j->comma = true;
    if (!name)
        return;
    quoted(j->b, name);
    buf_str(j->b, ":");
}

void json_open(struct json *j, const char *name, char bracket)
{
    before(j, name);
    buf_mem(j->b, &bracket, 1);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    buf_mem(j->b, &bracket, 1);
    j->comma = true;
}

void json_u64(struct json *j, const char *name, uint64_t v)
{
    before(j, name);
    buf_printf(j->b, "%" PRIu64, v);
}

void json_i64(struct json *j, const char *name, int64_t v)
{
    before(j, name);
    buf_printf(j->b, "%" PRId64, v);
}

void json_bool(struct json *j, const char *name, bool v)
{
    before(j, name);
    buf_str(j->b, v ? "true" : "false");
}

void json_null(struct json *j, const char *name)
{
    before(j, name);
    buf_str(j->b, "null");
}

void json_str(struct json *j, const char *name, const char *s)
{
    before(j, name);
    quoted(j->b, s);
}

void json_seconds(struct json *j, const char *name, uint64_t ns)
{
    before(j, name);
    buf_printf(j->b, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}
