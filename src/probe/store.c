/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file store.c  See store.h.
 */
#include "probe/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)256 << 10)

/** A piece of the memory for texts. */
struct store_block {
    struct store_block *next;
    size_t used;
    char bytes[BLOCK_BYTES];
};

void *store_add(struct store *s, struct list *l, size_t size)
{
    char *item;

    if (l->n == l->cap) {
        size_t cap = l->cap != 0 ? 2 * l->cap : 64;

        item = realloc(l->item, cap * size);
        if (item == NULL) {
            s->short_of_memory = true;
            return NULL;
        }
        l->item = item;
        l->cap = cap;
    }
    item = (char *)l->item + l->n++ * size;
    memset(item, 0, size);
    return item;
}

const char *store_text(struct store *s, const char *text, size_t len)
{
    struct store_block *b = s->text;
    char *copy;

    if (len == 0)
        return "";
    if (len >= BLOCK_BYTES)
        len = BLOCK_BYTES - 1;
    if (b == NULL || b->used + len + 1 > BLOCK_BYTES) {
        b = malloc(sizeof *b);
        if (b == NULL) {
            s->short_of_memory = true;
            return "";
        }
        b->next = s->text;
        b->used = 0;
        s->text = b;
    }
    copy = b->bytes + b->used;
    memcpy(copy, text, len);
    copy[len] = '\0';
    b->used += len + 1;
    return copy;
}

void store_gap(struct store *s, const char *format, ...)
{
    char line[512];
    const char **gap = s->gaps.item, **place;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof line)
        n = (int)sizeof line - 1;
    for (size_t i = 0; i < s->gaps.n; i++) {
        if (strcmp(gap[i], line) == 0)
            return;
    }
    place = store_add(s, &s->gaps, sizeof *place);
    if (place != NULL)
        *place = store_text(s, line, (size_t)n);
}

void store_clear(struct store *s)
{
    while (s->text != NULL && s->text->next != NULL) {
        struct store_block *next = s->text->next;

        free(s->text);
        s->text = next;
    }
    if (s->text != NULL)
        s->text->used = 0;
    s->conns.n = s->processes.n = s->netns.n = 0;
    s->counters.n = s->settings.n = s->gaps.n = 0;
    s->short_of_memory = false;
}

void store_free(struct store *s)
{
    store_clear(s);
    free(s->text);
    free(s->conns.item);
    free(s->processes.item);
    free(s->netns.item);
    free(s->counters.item);
    free(s->settings.item);
    free(s->gaps.item);
    memset(s, 0, sizeof *s);
}
