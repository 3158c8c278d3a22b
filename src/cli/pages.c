/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.c  Memory, secrets and knobs of the hosts of this program.
 */
#include "cli/pages.h"

#include "base/prng.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/** alloc() - of a page source */
static void *alloc(void *ctx, size_t bytes)
{
    (void)ctx;
    return aligned_alloc(4096, bytes);
}

/** release() - of a page source */
static void release(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(block);
}

struct gn_page_source pages_source(void)
{
    return (struct gn_page_source){.alloc = alloc, .free = release, .ctx = NULL};
}

void secret_random(uint8_t ret[32])
{
    if (getrandom(ret, 32, 0) != 32)
        exit(complain("the kernel gives no random numbers"));
}

void secret_seeded(uint64_t seed, uint8_t ret[32])
{
    struct prng p;
    prng_seed(&p, seed, 1);
    for (unsigned i = 0; i < 32; i++)
        ret[i] = (uint8_t)prng_u32(&p);
}

bool knob_set(struct gn_conf *c, const char *assignment)
{
    char name[64];
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment || (size_t)(eq - assignment) >= sizeof name) {
        complain("--set wants NAME=VALUE, not '%s'", assignment);
        return false;
    }
    memcpy(name, assignment, (size_t)(eq - assignment));
    name[eq - assignment] = 0;
    struct gn_conf before = *c;
    enum gn_err e = gn_conf_set(c, name, eq + 1);
    const char *bad = name;
    if (e == GN_OK)
        e = gn_conf_check(c, &bad);
    if (e == GN_OK)
        return true;
    *c = before;
    if (e == GN_E_UNSUPPORTED)
        complain("no knob is called '%s' (see 'gannet knobs')", name);
    else
        complain("'%s' is no good value for %s (see 'gannet knobs')", eq + 1, bad);
    return false;
}
