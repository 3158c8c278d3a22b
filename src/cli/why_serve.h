/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_serve.h  Findings over HTTP: a page for people, figures for collectors.
 */
#ifndef GN_CLI_WHY_SERVE_H
#define GN_CLI_WHY_SERVE_H

#include "cli/why_series.h"

#include <gannet/loop.h>

#define WHY_SERVE_WHERE "127.0.0.1:9177" /* unless told otherwise */

struct why_serve;

/** why_serve_open() - serve what @source tells from within @l, at @where (web_open()); @page: the
 * page and its API, else nothing but /metrics. NULL: said why not */
struct why_serve *why_serve_open(struct gn_loop *l, struct why_source *source,
                                 const struct why_options *o, const char *where, bool page);
/** why_serve_url() - where the page, or /metrics, is */
const char *why_serve_url(const struct why_serve *s);
/** why_serve_close() - the source stays the caller's; NULL is fine */
void why_serve_close(struct why_serve *s);
/** why_serve_run() - the same in a loop of its own, until interrupted; exit code */
int why_serve_run(struct why_source *source, const struct why_options *o, const char *where,
                  bool page);

#endif
