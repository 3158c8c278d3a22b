/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file main.c  gannet-bench: one workload, several stacks.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* two hosts in one process; Gannet and the kernel's TCP: which of them sends */
#define MODELS "gannet,lwip,null"
#define PATHS  "gannet,to-gannet,kernel"
#define CORES  "one-core,all-cores" /* Gannet alone */

const struct workload workloads[] = {
    {"bulk", "one connection, many octets, one way", MODELS, bulk_run},
    {"churn", "open, 64 octets there and back, close", MODELS, churn_run},
    {"idle", "what a connection that stands weighs", MODELS, idle_run},
    {"ping", "64 octets there and back on random ones of n connections", MODELS, ping_run},
    {"scale", "what n connections weigh, and what a ping and a minute cost with them", MODELS,
     scale_run},
    {"flood", "SYNs from random addresses, and clients meanwhile", MODELS, flood_run},
    {"timers", "what time costs with n idle connections with keep-alive", MODELS, timers_run},
    {"cores", "bulk, then churn, by pairs of hosts in a thread each, on real time", CORES,
     cores_run},
    {"lossy", "Gannet and the kernel through a bad path, on real time", PATHS, lossy_run},
    {"tun", "Gannet and the kernel over a TUN device, kernel alone over veth", PATHS, tun_run},
    {0},
};

static const char *const known[] = {"gannet", "lwip",     "null",     "to-gannet",
                                    "kernel", "one-core", "all-cores"};

#define KNOWN (sizeof(known) / sizeof(known[0]))

void figure_add(struct result *r, const char *name, const char *unit, double value)
{
    struct figure *f = &r->figure[r->n];

    if (r->n == FIGURES)
        abort();
    snprintf(f->name, sizeof(f->name), "%s", name);
    snprintf(f->unit, sizeof(f->unit), "%s", unit);
    f->value = value;
    r->n++;
}

/** usage() - to @f */
static void usage(FILE *f)
{
    fprintf(f, "usage: gannet-bench WORKLOAD [KEY=NUMBER]... [stacks=NAME,...] [--json]\n\n"
               "Both hosts run in one process on a wire in memory, in virtual time; figures are\n"
               "CPU time of the process, which counts both ends. cores, lossy and tun run on real\n"
               "time, the last two in network namespaces of their own.\n\nworkloads:\n");
    for (const struct workload *w = workloads; w->name; w++)
        fprintf(f, "  %-13s %s\n", w->name, w->text);
    fprintf(f, "\nkeys (k, m, g multiply by 1024, 1024^2, 1024^3):\n");
#define OPTION(key, def, who, text) \
    fprintf(f, "  %-13s %s (%llu; %s)\n", #key, text, (unsigned long long)(def), who);
    OPTIONS
#undef OPTION
    fprintf(f, "  %-13s which stacks, of: gannet lwip null (default: all that can)\n", "stacks");
}

/** number() - "64k" and the like; false: not a number */
static bool number(const char *s, uint64_t *ret)
{
    static const char units[] = "kmg";
    const char *u;
    char *end;
    uint64_t v;

    errno = 0;
    v = strtoull(s, &end, 10);
    if (end == s || *s == '-' || errno)
        return false;
    if (*end && (u = strchr(units, *end))) {
        v <<= 10 * (u - units + 1);
        end++;
    }
    *ret = v;
    return !*end;
}

/** set() - one KEY=VALUE; false: no such key, or no such value */
static bool set(struct options *o, const char *text)
{
    const char *eq = strchr(text, '=');
    size_t n = eq ? (size_t)(eq - text) : 0;

#define OPTION(key, def, who, doc)                       \
    if (n == sizeof(#key) - 1 && !memcmp(text, #key, n)) \
        return number(eq + 1, &o->key);
    OPTIONS
#undef OPTION
    return false;
}

/** sane() - values that the workloads cannot do without */
static bool sane(const struct options *o)
{
    return o->runs >= 1 && o->runs <= RUNS_MAX && o->bytes && o->window >= 4608 &&
           o->window <= 1 << 30 && o->total && o->at_once && o->time_wait_ms >= 2 && o->n &&
           o->n <= 4000000 && o->pings && o->syns && o->rate && o->rate <= 1000000000 &&
           o->minutes && o->keepalive_s && o->backlog && o->seconds && o->seconds <= 3600 &&
           o->cc <= 2 && o->threads && o->mbit && o->mbit <= 100000 && o->rtt_ms <= 10000 &&
           o->loss_ppm <= 1000000 && o->reorder_ppm <= 1000000;
}

/** choose() - the columns from "gannet,lwip"; their number, 0: an unknown name */
static unsigned choose(const char *list, struct column *c)
{
    unsigned n = 0;

    while (*list) {
        size_t len = strcspn(list, ",");
        unsigned i = 0;

        while (i < KNOWN && (strlen(known[i]) != len || memcmp(known[i], list, len)))
            i++;
        if (i == KNOWN || n == STACKS_MAX)
            return 0;
        c[n++].stack = known[i];
        list += len + (list[len] == ',');
    }
    return n;
}

/** complain() - one clear line, and the exit status for a wrong call */
static int complain(const char *what, const char *text)
{
    fprintf(stderr, "gannet-bench: %s '%s'; see gannet-bench --help\n", what, text);
    return 2;
}

int main(int argc, char **argv)
{
    struct options o = {
#define OPTION(key, def, who, text) .key = def,
        OPTIONS
#undef OPTION
    };
    const char *list = NULL;
    struct column c[STACKS_MAX] = {0};
    const struct workload *wl = workloads;
    bool json = false;
    unsigned n;

    if (argc < 2 || !strcmp(argv[1], "--help")) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    while (wl->name && strcmp(wl->name, argv[1]))
        wl++;
    if (!wl->name)
        return complain("no workload", argv[1]);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (!strncmp(argv[i], "stacks=", 7))
            list = argv[i] + 7;
        else if (!set(&o, argv[i]))
            return complain("no such key or value:", argv[i]);
    }
    if (!sane(&o))
        return complain("a number is out of bounds for", argv[1]);
    if (!list)
        list = wl->stacks;
    n = choose(list, c);
    if (!n)
        return complain("unknown stack in", list);
    compare(wl, &o, c, n);
    if (json)
        report_json(wl, &o, c, n);
    else
        report_table(wl, c, n);
    return c[0].runs ? 0 : 1;
}
