/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lwip.c  Loads the adapter for Debian's lwIP, once for each host.
 *
 * lwIP keeps its state in globals of a shared library. dlmopen() loads that library, its libc and
 * our adapter (lwip/adapter.c) into a name space of their own each time, so two hosts share
 * nothing.
 */
#include "world.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

const struct bench_stack *stack_lwip_load(const char **why)
{
    static const char beside[] = "/../lib/libgannet-bench-lwip.so";
    static char text[160];
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
    char *slash;
    void *module;
    const struct bench_stack *s;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    memcpy(slash ? slash : path, beside, sizeof(beside));
    if (access(path, R_OK)) {
        *why = "not built: liblwip-dev was missing";
        return NULL;
    }
    module = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
    s = module ? dlsym(module, "bench_lwip") : NULL;
    if (!s) {
        snprintf(text, sizeof(text), "%s", dlerror());
        *why = text;
    }
    return s;
}
