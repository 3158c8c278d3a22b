/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file emit.h  From segments to frames.
 */
#ifndef GN_HOST_EMIT_H
#define GN_HOST_EMIT_H

#include "host/host.h"

/** emit_segment() - a segment into a frame; false: the frame was not used (dropped or held back)
 */
bool emit_segment(struct gn_host *h, const struct seg *s, struct gn_frame *f, enum gn_state state);
/** emit_train() - a super-segment into as many frames as it stands for segments; the number of
 * frames filled */
size_t emit_train(struct gn_host *h, const struct seg *s, struct gn_frame *f, enum gn_state state);

#endif
