/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file error.h  How constructors of this layer say why they failed.
 */
#ifndef GN_LINK_ERROR_H
#define GN_LINK_ERROR_H

#include <gannet/link.h>

/** link_fail() - fill *ret_err (may be NULL) with @err, an errno or 0, and the text: "FORMAT:
 * strerror(err)" */
__attribute__((format(printf, 3, 4))) void link_fail(struct gn_link_error *ret_err, int err,
                                                     const char *format, ...);

#endif
