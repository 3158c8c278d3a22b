/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.h  A connection as octets, and back; see gannet/freeze.h.
 *
 * An image is a head (mark, version, length), the fields in the order of freeze.c, the text of both
 * buffers, and a sum over all of that. The sum finds damage, not malice: what the fields say is
 * judged one by one before anything is built of it, and the block by its invariants afterwards.
 */
#ifndef GN_TCP_FREEZE_H
#define GN_TCP_FREEZE_H

#include "tcp/tcb.h"

#include <gannet/freeze.h>

/** tcp_may_freeze() - GN_OK, or why not */
enum gn_err tcp_may_freeze(const struct tcb *t);
/** tcp_freeze() - the image of @t, as it is at e->now, into the @cap octets at @buf; how many it
 * has, also if that is more */
size_t tcp_freeze(const struct tcb *t, const struct tcp_env *e, void *buf, size_t cap);
/** tcp_thaw() - the connection again in @t, a block in CLOSED with all defaults, whose tuple is
 * that of the image. GN_E_BAD_IMAGE, GN_E_UNSUPPORTED, GN_E_NO_MEMORY: then tcb_free() is to follow
 * @same_path: see GN_THAW_SAME_PATH */
enum gn_err tcp_thaw(struct tcb *t, const struct tcp_env *e, const void *image, size_t len,
                     bool same_path);
/** tcp_image_key() - the tuple of an image, which gn_image_info() takes for one */
enum gn_err tcp_image_key(const void *image, size_t len, struct tcp_key *ret);
/** tcp_resume() - @t, which was frozen at @since, hears and speaks again: its timers have as much
 * left as they had then, and its peer is to hear of it */
void tcp_resume(struct tcb *t, const struct tcp_env *e, gn_time since);

#endif
