/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file report.c  Table and JSON.
 */
#include "report.h"

#include <math.h>
#include <string.h>

/** digits() - decimals with which a value is shown */
static int digits(double v)
{
    return fabs(v) >= 100 ? 0 : fabs(v) >= 10 ? 1 : 3;
}

void report_table(const struct workload *wl, const struct column *c, unsigned n)
{
    printf("%-10s %-24s %12s  %-22s %-10s to %s\n", wl->name, "", "median", "min .. max", "unit",
           c[0].stack);
    for (unsigned i = 0; i < n; i++) {
        if (c[i].last.why[0]) {
            printf("%-10s not measured: %s\n", c[i].stack, c[i].last.why);
            continue;
        }
        for (unsigned k = 0; k < c[i].last.n; k++) {
            const struct spread *s = &c[i].figure[k];
            char bounds[64];
            int d = digits(s->median);

            snprintf(bounds, sizeof(bounds), "%.*f .. %.*f", d, s->min, d, s->max);
            printf("%-10s %-24s %12.*f  %-22s %-10s", k ? "" : c[i].stack, c[i].last.figure[k].name,
                   d, s->median, bounds, c[i].last.figure[k].unit);
            if (k == 0 && i > 0 && c[i].ratio.median > 0)
                printf(" %.2f (%.2f .. %.2f)", c[i].ratio.median, c[i].ratio.min, c[i].ratio.max);
            printf("\n");
        }
    }
}

/** json_text() - a string; what would have to be escaped becomes a space */
static void json_text(const char *s)
{
    putchar('"');
    for (; *s; s++)
        putchar(*s == '"' || *s == '\\' || (unsigned char)*s < ' ' ? ' ' : *s);
    putchar('"');
}

/** json_column() - one stack */
static void json_column(const struct column *c)
{
    printf("{\"stack\":");
    json_text(c->stack);
    if (c->last.why[0]) {
        printf(",\"not_measured\":");
        json_text(c->last.why);
        printf("}");
        return;
    }
    printf(",\"runs\":%u,\"ratio\":{\"median\":%.6g,\"min\":%.6g,\"max\":%.6g},\"figures\":[",
           c->runs, c->ratio.median, c->ratio.min, c->ratio.max);
    for (unsigned k = 0; k < c->last.n; k++) {
        printf("%s{\"name\":", k ? "," : "");
        json_text(c->last.figure[k].name);
        printf(",\"unit\":");
        json_text(c->last.figure[k].unit);
        printf(",\"median\":%.6g,\"min\":%.6g,\"max\":%.6g}", c->figure[k].median, c->figure[k].min,
               c->figure[k].max);
    }
    printf("]}");
}

void report_json(const struct workload *wl, const struct options *o, const struct column *c,
                 unsigned n)
{
    printf("{\"workload\":\"%s\",\"options\":{", wl->name);
#define OPTION(key, def, workloads, text) \
    printf("%s\"" #key "\":%llu", strcmp(#key, "runs") ? "," : "", (unsigned long long)o->key);
    OPTIONS
#undef OPTION
    printf("},\"stacks\":[");
    for (unsigned i = 0; i < n; i++) {
        if (i)
            printf(",");
        json_column(&c[i]);
    }
    printf("]}\n");
}
