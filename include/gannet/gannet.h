/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file gannet.h  Everything: a TCP that can account for itself.
 */
#ifndef GANNET_GANNET_H
#define GANNET_GANNET_H

#define GN_VERSION "0.1.0"

#include <gannet/conf.h>
#include <gannet/frame.h>
#include <gannet/freeze.h>
#include <gannet/host.h>
#include <gannet/link.h>
#include <gannet/loop.h>
#include <gannet/socket.h>
#include <gannet/status.h>
#include <gannet/types.h>

#endif
