/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conf.h  The knobs: one struct of plain numbers, filled with defaults, checked in one place.
 */
#ifndef GANNET_CONF_H
#define GANNET_CONF_H

#include <gannet/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Every knob of conf.def as a number in its unit (BOOL 0/1, COUNT, BYTES, TIME in nanoseconds,
 * PORTS). */
struct gn_conf {
#define GN_KNOB(name, unit, def, min, max, rfc, doc) uint64_t name;
#include <gannet/conf.def>
#undef GN_KNOB
};

enum gn_knob_unit { GN_UNIT_BOOL, GN_UNIT_COUNT, GN_UNIT_BYTES, GN_UNIT_TIME, GN_UNIT_PORTS };

/** One knob, for tools that list, set or draw them. */
struct gn_knob {
    const char *name;
    enum gn_knob_unit unit;
    uint64_t def, min, max;
    const char *rfc, *doc;
    size_t offset; /* of the field in struct gn_conf */
};

/** gn_conf_default() - the defaults of conf.def */
GN_API void gn_conf_default(struct gn_conf *ret);
/** gn_conf_check() - GN_OK, or GN_E_INVALID with *ret_name (may be NULL) naming the first knob that
 * is out of bounds or at odds with another (port_min > port_max, default buffer above its maximum)
 */
GN_API enum gn_err gn_conf_check(const struct gn_conf *c, const char **ret_name);
/** gn_conf_set() - set one knob from text: "1", "64k", "4m", "200ms", "60s", "2h", "cubic", "on",
 * "8080,9000-9010"; bounds are checked. Linux's names for what has another one here set that:
 * tcp_rmem and tcp_wmem (three numbers), ip_local_port_range (two), tcp_rto_min_us, tcp_rto_max_ms.
 * GN_E_INVALID: bad value; GN_E_UNSUPPORTED: no such knob; *c untouched then */
GN_API enum gn_err gn_conf_set(struct gn_conf *c, const char *name, const char *value);
/** gn_knobs() - the table, *ret_n rows, in the order of conf.def */
GN_API const struct gn_knob *gn_knobs(size_t *ret_n);

#ifdef __cplusplus
}
#endif
#endif
