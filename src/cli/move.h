/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file move.h  Connections of a `gannet up` leave for another one, and come from there.
 *
 * What travels is a parcel: a line "connection 1 IMAGE LUGGAGE", so many octets of the image
 * (gannet/freeze.h) and of what the service knows of it (services.h). Handles are those of
 * fleet_walk().
 */
#ifndef GN_CLI_MOVE_H
#define GN_CLI_MOVE_H

#include "cli/buf.h"
#include "cli/fleet.h"

/** A parcel is no larger. */
#define MOVE_PARCEL_MAX ((size_t)1 << 30)

/** move_freeze() - freeze a connection, and its parcel into @ret; one that is frozen stays so.
 * False:
 * *@ret_why says why not, and it is as it was */
bool move_freeze(struct fleet *f, gn_handle h, struct buf *ret, const char **ret_why);
/** move_thaw() - a connection is made of the parcel of @len octets, served by what listens on its
 * port, and frozen: *@ret is its handle. False: *@ret_why */
bool move_thaw(struct fleet *f, const char *parcel, size_t len, bool same_path, gn_handle *ret,
               const char **ret_why);
/** move_unfreeze() - a frozen connection goes on */
enum gn_err move_unfreeze(struct fleet *f, gn_handle h);
/** move_forget() - a frozen connection, and its service with it, is gone without a word to the peer
 */
enum gn_err move_forget(struct fleet *f, gn_handle h);
/** move_all() - @what, one of these two, to all that are frozen; how many that were */
unsigned move_all(struct fleet *f, enum gn_err (*what)(struct fleet *, gn_handle));
/** move_parcel() - octets of the parcel that begins at @text; 0: there is none */
size_t move_parcel(const char *text, size_t len);

#endif
