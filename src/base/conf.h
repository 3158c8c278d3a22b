/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conf.h  What the knobs say, where that is not one number.
 */
#ifndef GN_BASE_CONF_H
#define GN_BASE_CONF_H

#include <gannet/conf.h>

/** conf_port_reserved() - is it in ip_local_reserved_ports? */
bool conf_port_reserved(const struct gn_conf *c, uint16_t port);

#endif
