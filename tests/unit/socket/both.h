/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file both.h  What was seen at each of the two doors, line by line, to be compared.
 */
#ifndef GN_TESTS_SOCKET_BOTH_H
#define GN_TESTS_SOCKET_BOTH_H

#include "door.h"

#define BOTH_LINES 8192

extern struct both {
    char *line[2][BOTH_LINES]; /* of doors[0], of doors[1] */
    unsigned n[2];
} both;

/** both_add() - one more line at @d */
void both_add(const struct door *d, const char *text);
/** both_forget() - begin anew */
void both_forget(void);

#endif
