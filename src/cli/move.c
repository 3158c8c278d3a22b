/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file move.c  Connections leave and come.
 */
#include "cli/move.h"

#include "cli/services.h"

#include <gannet/freeze.h>

#include <stdlib.h>
#include <string.h>

/** parcel_head() - lengths in the first line of a parcel, *@ret_line: its own; false: it is none */
static bool parcel_head(const char *text, size_t len, size_t *ret_line, size_t *ret_image,
                        size_t *ret_luggage)
{
    char line[80];
    const char *end = memchr(text, '\n', len < sizeof line ? len : sizeof line - 1);
    int n = 0;
    if (!end)
        return false;
    memcpy(line, text, (size_t)(end - text));
    line[end - text] = 0;
    if (sscanf(line, "connection 1 %zu %zu%n", ret_image, ret_luggage, &n) != 2 || line[n] ||
        *ret_image > MOVE_PARCEL_MAX || *ret_luggage > MOVE_PARCEL_MAX)
        return false;
    *ret_line = (size_t)(end + 1 - text);
    return true;
}

size_t move_parcel(const char *text, size_t len)
{
    size_t line, image, luggage;
    return parcel_head(text, len, &line, &image, &luggage) ? line + image + luggage : 0;
}

/** pack() - the parcel of a frozen connection; false: no memory */
static bool pack(struct gn_host *host, gn_handle h, const struct buf *luggage, struct buf *ret)
{
    int64_t n = gn_host_image(host, h, NULL, 0);
    void *image = n > 0 ? malloc((size_t)n) : NULL;
    if (!image)
        return false;
    (void)gn_host_image(host, h, image, (size_t)n);
    buf_printf(ret, "connection 1 %zu %zu\n", (size_t)n, luggage->len);
    buf_mem(ret, image, (size_t)n);
    if (luggage->len)
        buf_mem(ret, luggage->s, luggage->len);
    free(image);
    return true;
}

/** freeze() - move_freeze() on one host */
static bool freeze(struct gn_host *host, gn_handle h, struct buf *ret, const char **ret_why)
{
    struct buf luggage = {0};
    struct gn_status s;
    gn_time now = gn_loop_now();
    enum gn_err e = gn_host_status(host, h, now, &s);
    const struct peer *p = e == GN_OK ? s.user : NULL;
    bool whole = !p || !p->luggage || p->luggage(p, &luggage);
    *ret_why = whole ? gn_err_text(e) : "its service is in the midst of an upload";
    if (whole && e == GN_OK && !s.frozen) {
        e = gn_host_freeze(host, h, now);
        *ret_why = gn_err_text(e);
    }
    if (whole && e == GN_OK && !pack(host, h, &luggage, ret)) {
        if (!s.frozen)
            (void)gn_host_unfreeze(host, h, now);
        *ret_why = gn_err_text(e = GN_E_NO_MEMORY);
    }
    buf_free(&luggage);
    return whole && e == GN_OK;
}

bool move_freeze(struct fleet *f, gn_handle h, struct buf *ret, const char **ret_why)
{
    struct fleet_member *m = fleet_member(f, &h);
    *ret_why = gn_err_text(GN_E_BAD_HANDLE);
    if (!m)
        return false;
    bool done = freeze(fleet_enter(m), h, ret, ret_why);
    fleet_leave(m, true);
    return done;
}

/** app_of() - what runs on a host: every service is a listener, whose object knows it */
static struct app *app_of(const struct gn_host *host, gn_time now)
{
    uint64_t at = 0;
    struct gn_status s;
    while (gn_host_walk(host, &at, now, &s))
        if (s.kind == GN_KIND_LISTENER && s.user)
            return ((struct peer *)s.user)->app;
    return NULL;
}

/** arrive() - a connection that was thawed and is frozen gets the service of its port; without one
 * it is gone again */
static bool arrive(struct gn_host *host, gn_handle h, const char *luggage, size_t len, gn_time now)
{
    struct app *app = app_of(host, now);
    struct gn_status s;
    bool served = app && gn_host_status(host, h, now, &s) == GN_OK &&
                  app_arrived(app, s.local.port, h, luggage, len, now);
    if (!served)
        (void)gn_host_forget(host, h, now);
    return served;
}

bool move_thaw(struct fleet *f, const char *parcel, size_t len, bool same_path, gn_handle *ret,
               const char **ret_why)
{
    size_t line, image, luggage;
    enum gn_err e = GN_E_BAD_IMAGE;
    bool served = false;
    gn_handle h = GN_NO_HANDLE;
    if (!parcel_head(parcel, len, &line, &image, &luggage) || line + image + luggage != len) {
        *ret_why = gn_err_text(e);
        return false;
    }
    for (unsigned i = 0; i < f->n; i++) { /* the one whose shard it is takes it */
        struct fleet_member *m = &f->m[i];
        struct gn_host *host = fleet_enter(m);
        gn_time now = gn_loop_now();
        e = gn_host_thaw(host, parcel + line, image,
                         GN_THAW_FROZEN | (same_path ? GN_THAW_SAME_PATH : 0), NULL, now, &h);
        served = e == GN_OK && arrive(host, h, parcel + line + image, luggage, now);
        fleet_leave(m, true);
        *ret = h | (gn_handle)i << GN_HANDLE_SPARE_SHIFT;
        if (e != GN_E_NOT_AVAILABLE)
            break;
    }
    *ret_why = e == GN_OK ? "no service here can go on with it" : gn_err_text(e);
    return served;
}

enum gn_err move_unfreeze(struct fleet *f, gn_handle h)
{
    struct fleet_member *m = fleet_member(f, &h);
    struct gn_status s;
    if (!m)
        return GN_E_BAD_HANDLE;
    struct gn_host *host = fleet_enter(m);
    gn_time now = gn_loop_now();
    enum gn_err e = gn_host_unfreeze(host, h, now);
    /* what it waited for may have happened elsewhere */
    if (e == GN_OK && gn_host_status(host, h, now, &s) == GN_OK && s.user)
        ((struct peer *)s.user)->event(s.user, 0, now);
    fleet_leave(m, true);
    return e;
}

enum gn_err move_forget(struct fleet *f, gn_handle h)
{
    struct fleet_member *m = fleet_member(f, &h);
    struct gn_status s = {.user = NULL};
    if (!m)
        return GN_E_BAD_HANDLE;
    struct gn_host *host = fleet_enter(m);
    gn_time now = gn_loop_now();
    (void)gn_host_status(host, h, now, &s);
    enum gn_err e = gn_host_forget(host, h, now);
    if (e == GN_OK && s.user)
        peer_leaves(s.user);
    fleet_leave(m, true);
    return e;
}

unsigned move_all(struct fleet *f, enum gn_err (*what)(struct fleet *, gn_handle))
{
    struct fleet_cursor c = {0};
    struct gn_status s;
    gn_time now;
    unsigned n = 0;
    while (fleet_walk(f, &c, &s, &now))
        if (s.frozen && what(f, s.handle) == GN_OK)
            n++;
    return n;
}
