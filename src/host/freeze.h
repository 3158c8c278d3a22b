/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.h  Connections of a host that are frozen, and silence about those that have moved.
 *
 * Theory of operation. A frozen connection looks like one at rest: its struct conn names no block,
 * so whoever wants one asks rest_wake(), and gets none. Its tuple stays in the demux table; what
 * comes for it is counted and dropped there, and nobody answers with a RST. The block lies aside.
 * When it is forgotten the block goes, and the struct conn stays for 2 MSL, with no other purpose
 * than to be found by late packets.
 */
#ifndef GN_HOST_FREEZE_H
#define GN_HOST_FREEZE_H

#include "host/conn.h"

#include <gannet/freeze.h>

#endif
