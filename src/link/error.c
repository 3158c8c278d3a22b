/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file error.c  Texts of this layer, and the end of a link.
 */
#include "link/error.h"

#include <stdarg.h>
#include <string.h>

void link_fail(struct gn_link_error *ret_err, int err, const char *format, ...)
{
    char what[160];
    va_list ap;

    if (!ret_err)
        return;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    ret_err->err = err;
    snprintf(ret_err->text, sizeof ret_err->text, "%s%s%s", what, err ? ": " : "",
             err ? strerror(err) : "");
}

void gn_link_close(struct gn_link *l)
{
    if (l)
        l->ops->close(l);
}

const char *gn_loss_text(enum gn_loss l)
{
    switch (l) {
    case GN_LOSS_NONE: return "not lost";
    case GN_LOSS_RANDOM: return "lost at random";
    case GN_LOSS_PATTERN: return "lost as told";
    case GN_LOSS_QUEUE: return "queue full";
    case GN_LOSS_AQM: return "queue too long";
    case GN_LOSS_DOWN: return "path down";
    case GN_LOSS_MTU: return "larger than the MTU";
    case GN_LOSS_ROUTE: return "no port has that address";
    case GN_LOSS_MEMORY: return "out of memory";
    case GN_LOSS_COUNT: break;
    }
    return "?";
}
