/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file catch.c  See catch.h.
 */
#include "lab/catch.h"

#include "base/assert.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Who waits for a panic; explorers are single-threaded. */
static struct {
    jmp_buf *to;
    char *what;
    unsigned room;
} catcher;

/** gn_panic() - takes the place of the library's own */
_Noreturn void gn_panic(const char *file, int line, const char *what)
{
    const char *src = strstr(file, "src/");

    if (catcher.to) {
        (void)snprintf(catcher.what, catcher.room, "bug at %s:%d: %s", src ? src : file, line,
                       what);
        longjmp(*catcher.to, 1);
    }
    (void)fprintf(stderr, "gannet: bug at %s:%d: %s\n", file, line, what);
    abort();
}

bool catch_panic(void (*fn)(void *ctx), void *ctx, char *what, unsigned room)
{
    jmp_buf here;
    volatile bool fine = false;

    if (setjmp(here) == 0) {
        catcher.to = &here;
        catcher.what = what;
        catcher.room = room;
        fn(ctx);
        catcher.to = NULL;
        fine = true;
    }
    catcher.to = NULL;
    return fine;
}
