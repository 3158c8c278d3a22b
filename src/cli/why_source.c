/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_source.c  Facts of the kernel's sockets, and which source is meant.
 */
#include "cli/why_source.h"

#include "probe/probe.h"

#include <stdio.h>

_Static_assert(WHY_SORRY >= PROBE_WHY, "a complaint of the probe fits");

/** sample_kernel() - through inet_diag and /proc */
static const struct facts *sample_kernel(void *ctx, char *ret_sorry)
{
    return probe_sample(ctx, ret_sorry);
}

/** close_kernel() - the probe */
static void close_kernel(void *ctx)
{
    probe_free(ctx);
}

bool why_source_open(const struct why_place *p, struct why_source *ret, char *ret_sorry)
{
    *ret = (struct why_source){.what = ""};
    if (p->capture || p->iface)
        return why_source_capture(p, ret, ret_sorry);
    if (p->up)
        return why_source_host(p->host, ret, ret_sorry);
    const struct probe_options o = {p->netns, p->n_netns, p->all_netns};
    ret->ctx = probe_new(&o, ret_sorry);
    if (!ret->ctx)
        return false;
    ret->sample = sample_kernel;
    ret->close = close_kernel;
    snprintf(ret->what, sizeof ret->what, "%s",
             p->all_netns ? "all network namespaces"
             : p->n_netns ? p->netns[0]
                          : "this machine");
    return true;
}
