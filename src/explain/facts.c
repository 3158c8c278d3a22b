/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file facts.c  Looking facts up, by name mostly.
 */
#include "explain/facts.h"

/** order() - <0, 0, >0 as @a comes before, is or comes after @b */
static int order(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

/** find() - binary search; NULL: not there */
static const struct fact_number *find(const struct fact_number *list, size_t n, const char *name)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;
        int way = order(name, list[middle].name);

        if (way == 0)
            return &list[middle];
        if (way < 0)
            n = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool facts_fin_missed(const struct fact_conn *c, unsigned end)
{
    return c->known & FACT_SEEN && c->seen->opener == 2 && c->seen->side[end].bytes == 0;
}

int64_t facts_counter(const struct facts *f, const char *name, int64_t fallback)
{
    const struct fact_number *c = find(f->counter, f->n_counters, name);

    return c != NULL ? c->value : fallback;
}

int64_t facts_growth(const struct facts *f, const char *name)
{
    const struct fact_number *c = find(f->counter, f->n_counters, name);

    return c != NULL ? c->value - c->before : 0;
}

int64_t facts_setting(const struct facts *f, const char *name, int64_t fallback)
{
    const struct fact_number *s = find(f->setting, f->n_settings, name);

    return s != NULL ? s->value : fallback;
}
