/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file services.h  Applications of a `gannet up`: each listener and each connection is a small
 * object with one function.
 */
#ifndef GN_CLI_SERVICES_H
#define GN_CLI_SERVICES_H

#include "cli/buf.h"
#include "cli/rig.h"

#include <stdio.h>

struct app;

/** What hangs behind a handle: the first member of every such object, allocated by malloc(). */
struct peer {
    /** event() - something happened (GN_EV_*); may end the peer with peer_end() as its last act */
    void (*event)(struct peer *p, unsigned what, gn_time now);
    /** gone() - free what is more than the object itself; may be NULL */
    void (*gone)(struct peer *p);
    /** luggage() - what the service knows of the connection, for its arrived() elsewhere; false: it
     * is in the midst of something that cannot move. NULL: it knows nothing */
    bool (*luggage)(const struct peer *p, struct buf *ret);
    struct app *app;
    gn_handle handle;
    struct peer *next, **link; /* all peers of the app */
};

struct app {
    struct gn_host *host;
    struct peer *peers;
    int root;         /* directory of --http, -1: none */
    bool put;         /* uploads are taken */
    FILE *log;        /* of requests, NULL: none */
    uint64_t uploads; /* for names of unfinished ones: no two apps of a program have the same */
};

/** What serves the connections of a port. */
struct service {
    const char *name;
    /** accepted() - a new connection, which may have text already */
    void (*accepted)(struct app *, gn_handle, gn_time);
    /** arrived() - one that was served elsewhere, with its luggage, and is frozen still; NULL: it
     * cannot go on here */
    struct peer *(*arrived)(struct app *, gn_handle, const char *luggage, size_t len, gn_time);
};

extern const struct service service_echo, service_sink, service_source, service_http;

/** peer_new() - @size octets, zeroed, with the handle's user set to it; NULL: no memory, the handle
 * was aborted */
struct peer *peer_new(struct app *a, size_t size, gn_handle h,
                      void (*event)(struct peer *, unsigned, gn_time), gn_time now);
/** peer_end() - close (or abort) the handle and free the object */
void peer_end(struct peer *p, bool abort_it, gn_time now);
/** peer_leaves() - free the object: its handle is somebody else's affair from now on */
void peer_leaves(struct peer *p);
/** app_listen() - a listener on @port of every address; false: said why not */
bool app_listen(struct app *a, uint16_t port, const struct service *s);
/** app_arrived() - a connection to @port has come from elsewhere: its service's arrived(). NULL
 * also if there is none on that port */
struct peer *app_arrived(struct app *a, uint16_t port, gn_handle h, const char *luggage, size_t len,
                         gn_time now);
/** app_serve() - gn_service_fn, ctx is the app */
size_t app_serve(void *ctx, struct gn_host *h, gn_time now);
/** app_clear() - free every object; the handles stay */
void app_clear(struct app *a);

#endif
