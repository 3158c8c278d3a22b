/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file control.h  The control socket of a running `gannet up`: one line asks, the answer follows
 * until the end of file.
 *
 * The first line of the answer is "ok" or "error WHY". Requests:
 *
 *     ss [timers] [internals] [history] [json] [all] [listening] [state=S]... [sport=N] [dport=N]
 *        [v4] [v6]
 *     summary [json] | stats [json]
 *     set KNOB=VALUE
 *     close HANDLE | abort HANDLE              (handle as "ss json" gives it)
 *     freeze HANDLE                            the answer is a parcel (move.h)
 *     unfreeze HANDLE|all | forget HANDLE|all  of those that are frozen
 *     thaw [same-path] N                       N octets of a parcel follow; the answer is a handle
 *     ladder [port=N] [width=N] [ascii] [absolute] [colour] [svg] [json]
 *     quit
 */
#ifndef GN_CLI_CONTROL_H
#define GN_CLI_CONTROL_H

#include "cli/buf.h"
#include "cli/fleet.h"

struct control;
struct history;

/** control_path() - where the socket of device @device lies by default: $XDG_RUNTIME_DIR/gannet or
 * /tmp/gannet-UID, which is made if need be (mode 0700); false: said why not */
bool control_path(const char *device, char *ret, size_t cap);
/** control_open() - listen at @path (mode 0600) for @f, in its first loop; @seen may be NULL. NULL:
 * said why not */
struct control *control_open(const char *path, struct fleet *f, struct history *seen);
/** control_close() - removes the socket; NULL is fine */
void control_close(struct control *k);

/** client_ask() - ask the `gannet up` at @path, or the only one that runs if NULL, and print its
 * answer to @out (appended if not NULL, else standard output); exit code, complaints included */
int client_ask(const char *path, const char *request, struct buf *out);
/** client_ask_with() - the same, with @n octets that follow the request; a refusal is not
 * complained of, but is text in @out, and false */
bool client_ask_with(const char *path, const char *request, const char *octets, size_t n,
                     struct buf *out);

/* --- what the last connections did, for `gannet ladder` --- */

/** history_new() - an empty one; NULL: no memory */
struct history *history_new(void);
/** history_attach() - keep what happens in @h, one of several hosts if need be */
void history_attach(struct history *s, struct gn_host *h);
void history_free(struct history *s);
/** history_draw() - the latest conversation, or the latest with @port at either end (0: any); words
 * as in the request. false: none seen, *@b holds why */
bool history_draw(struct history *s, char *words, struct buf *b);

#endif
