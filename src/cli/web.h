/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file web.h  A small HTTP server on the kernel's TCP, in a loop: pages for people's browsers and
 * figures for collectors. One request a connection; it serves only what its handler makes.
 */
#ifndef GN_CLI_WEB_H
#define GN_CLI_WEB_H

#include "cli/buf.h"
#include "cli/http.h"

#include <gannet/loop.h>

struct web;

struct web_answer {
    int status;       /* 200 unless the handler says otherwise */
    const char *type; /* text/plain unless it says otherwise */
    struct buf body;
};

/** web_handler - make the answer to a GET (or HEAD) of q->path */
typedef void web_handler(void *ctx, const struct http_request *q, struct web_answer *a);

/** web_open() - listen at @where: "PORT" or ":PORT" (on 127.0.0.1), "ADDR:PORT", "[ADDR]:PORT";
 * port 0: any. Bound to loopback it refuses requests by other names (DNS rebinding). NULL: said why
 * not */
struct web *web_open(struct gn_loop *l, const char *where, web_handler *handler, void *ctx);
/** web_url() - "http://127.0.0.1:8080/" */
const char *web_url(const struct web *w);
/** web_close() - drops who is being served; NULL is fine */
void web_close(struct web *w);

/** web_file() - answer with one of @files (embed.h) by name, or 404 */
struct embedded;
void web_file(const struct embedded *files, const char *name, struct web_answer *a);

#endif
