/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file embed.h  Files that the program carries within itself (cmake/embed.cmake).
 */
#ifndef GN_CLI_EMBED_H
#define GN_CLI_EMBED_H

#include <stddef.h>

/** One file; tables end with a row whose name is NULL. A zero follows the last octet. */
struct embedded {
    const char *name; /* without folders */
    const unsigned char *bytes;
    size_t len;
};

extern const struct embedded web_files[]; /* what `gannet why --web` serves: src/cli/web/ */
extern const struct embedded why_pages[]; /* what `gannet why --explain` prints: docs/why/ */

#endif
