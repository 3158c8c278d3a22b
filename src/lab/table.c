/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table.c  What all tables share: the list of them, printing, and limits.
 */
#include "lab/table.h"

#include "congestion/cc.h"
#include "lab/bottle.h"

#include <stdarg.h>
#include <string.h>

static const struct table *const tables[] = {
    &table_goodput, &table_goodput_10g, &table_burst, &table_reorder,
    &table_ackloss, &table_share,       &table_bloat, &table_tail,
};

const struct table *table_nth(unsigned i)
{
    return i < sizeof tables / sizeof tables[0] ? tables[i] : NULL;
}

const struct table *table_find(const char *name)
{
    for (unsigned i = 0; table_nth(i); i++)
        if (!strcmp(tables[i]->name, name))
            return tables[i];
    return NULL;
}

void table_add(char *line, const char *format, ...)
{
    size_t len = strlen(line);
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line + len, TABLE_LINE - len, format, ap);
    va_end(ap);
}

void table_heading(const struct table *t, FILE *f)
{
    char line[TABLE_LINE] = "";

    t->head(line);
    fprintf(f, "# %s\n%s%s\n", t->name, t->about, line);
}

bool table_all(unsigned i)
{
    (void)i;
    return true;
}

bool table_none(unsigned i)
{
    (void)i;
    return false;
}

bool table_print(const struct table *t, bool quick, FILE *f)
{
    table_heading(t, f);
    for (unsigned i = 0; i < t->rows; i++) {
        char line[TABLE_LINE] = "";

        if (quick && t->quick && !t->quick(i))
            continue;
        if (!t->row(i, line))
            return false;
        fprintf(f, "%s\n", line);
        fflush(f);
    }
    return true;
}

unsigned table_algorithms(void)
{
    unsigned n = 0;

    while (cc_name(n))
        n++;
    return n;
}

bool table_algorithm(const char *name, unsigned *ret)
{
    int n = cc_find(name);

    *ret = n < 0 ? 0 : (unsigned)n;
    return n >= 0;
}

uint64_t limit_link(uint64_t rate, uint32_t loss_ppm)
{
    return rate / 1000 * BOTTLE_MSS / BOTTLE_MTU * (1000000 - loss_ppm) / 1000;
}

/** root() - square root by Newton's method, which needs no library and is the same everywhere */
static double root(double x)
{
    double r = x > 1 ? x : 1;

    for (unsigned i = 0; i < 100; i++)
        r = (r + x / r) / 2;
    return r;
}

uint64_t limit_response(unsigned cc, uint32_t rtt_ms, uint32_t loss_ppm)
{
    double p = loss_ppm / 1e6, rtt = rtt_ms / 1e3, reno, cubic, x;

    if (loss_ppm == 0 || (cc != CC_NEWRENO && cc != CC_CUBIC))
        return 0;
    reno = root(1.5 / p);
    x = rtt / p;
    cubic = root(root(0.4 * (3 + 0.7) / (4 * (1 - 0.7)) * x * x * x));
    if (cc == CC_NEWRENO || cubic < reno)
        cubic = reno;
    return (uint64_t)(cubic * BOTTLE_MSS * 8 / rtt);
}
