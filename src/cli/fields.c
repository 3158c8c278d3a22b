/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fields.c  Lines of name=value.
 */
#include "cli/fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** load() - a number out of a struct */
static uint64_t load(const void *from, const struct field *f)
{
    uint64_t v8;
    uint32_t v4;
    uint16_t v2;
    uint8_t v1;
    const char *at = (const char *)from + f->offset;
    switch (f->size) {
    case 8: memcpy(&v8, at, 8); return v8;
    case 4: memcpy(&v4, at, 4); return v4;
    case 2: memcpy(&v2, at, 2); return v2;
    default: memcpy(&v1, at, 1); return v1;
    }
}

/** store() - a number into a struct; what is too large is cut */
static void store(void *to, const struct field *f, uint64_t v)
{
    uint32_t v4 = (uint32_t)v;
    uint16_t v2 = (uint16_t)v;
    uint8_t v1 = f->flag ? v != 0 : (uint8_t)v;
    char *at = (char *)to + f->offset;
    switch (f->size) {
    case 8: memcpy(at, &v, 8); break;
    case 4: memcpy(at, &v4, 4); break;
    case 2: memcpy(at, &v2, 2); break;
    default: memcpy(at, &v1, 1); break;
    }
}

void fields_write(const void *from, const struct field *f, size_t n, struct buf *b)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = load(from, &f[i]);
        if (v)
            buf_printf(b, " %s=%" PRIu64, f[i].name, v);
    }
}

bool fields_word(const char **at, struct word *ret, bool *bad)
{
    char *end;
    *at += strspn(*at, " ");
    if (!**at || **at == '\n')
        return false;
    ret->name = *at;
    ret->len = strcspn(*at, "= \n");
    *bad = ret->name[ret->len] != '=';
    if (*bad)
        return false;
    ret->value = ret->name + ret->len + 1;
    ret->n = strtoull(ret->value, &end, 10);
    *at = ret->value + strcspn(ret->value, " \n");
    return true;
}

bool fields_is(const struct word *w, const char *name)
{
    return strlen(name) == w->len && !memcmp(name, w->name, w->len);
}

bool fields_take(const struct word *w, void *to, const struct field *f, size_t n, size_t *next)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = (*next + k) % n;
        if (!fields_is(w, f[i].name))
            continue;
        store(to, &f[i], w->n);
        *next = i + 1;
        return true;
    }
    return false;
}

void fields_write_end(const char *name, const struct gn_endpoint *e, struct buf *b)
{
    char text[GN_ADDR_TEXT];
    buf_printf(b, " %s=%s/%u", name, gn_addr_format(&e->addr, text), e->port);
}

bool fields_read_end(const struct word *w, struct gn_endpoint *ret)
{
    char text[GN_ADDR_TEXT];
    size_t len = strcspn(w->value, "/ \n");
    if (len >= sizeof text || w->value[len] != '/')
        return false;
    memcpy(text, w->value, len);
    text[len] = 0;
    ret->port = (uint16_t)strtoul(w->value + len + 1, NULL, 10);
    return gn_addr_parse(text, &ret->addr);
}

bool fields_read(const char *line, void *to, const struct field *f, size_t n)
{
    struct word w;
    bool bad = false;
    size_t next = 0;
    while (fields_word(&line, &w, &bad))
        (void)fields_take(&w, to, f, n, &next);
    return !bad;
}
