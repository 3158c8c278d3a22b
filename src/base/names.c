/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file names.c  The texts of the .def files. A number out of range gets "?".
 */
#include "base/bits.h"

#include <gannet/types.h>

/** pick() - row @i of @n texts */
static const char *pick(const char *const *table, size_t n, size_t i)
{
    return i < n && table[i] ? table[i] : "?";
}
#define PICK(table, i) pick(table, sizeof(table) / sizeof((table)[0]), (size_t)(i))

const char *gn_state_name(enum gn_state s)
{
    static const char *const names[GN_STATE_COUNT] = {
        [GN_CLOSED] = "CLOSED",           [GN_LISTEN] = "LISTEN",
        [GN_SYN_SENT] = "SYN-SENT",       [GN_SYN_RECEIVED] = "SYN-RECEIVED",
        [GN_ESTABLISHED] = "ESTABLISHED", [GN_FIN_WAIT_1] = "FIN-WAIT-1",
        [GN_FIN_WAIT_2] = "FIN-WAIT-2",   [GN_CLOSE_WAIT] = "CLOSE-WAIT",
        [GN_CLOSING] = "CLOSING",         [GN_LAST_ACK] = "LAST-ACK",
        [GN_TIME_WAIT] = "TIME-WAIT",
    };

    return PICK(names, s);
}

const char *gn_state_ss_name(enum gn_state s)
{
    static const char *const names[GN_STATE_COUNT] = {
        [GN_CLOSED] = "UNCONN",         [GN_LISTEN] = "LISTEN",
        [GN_SYN_SENT] = "SYN-SENT",     [GN_SYN_RECEIVED] = "SYN-RECV",
        [GN_ESTABLISHED] = "ESTAB",     [GN_FIN_WAIT_1] = "FIN-WAIT-1",
        [GN_FIN_WAIT_2] = "FIN-WAIT-2", [GN_CLOSE_WAIT] = "CLOSE-WAIT",
        [GN_CLOSING] = "CLOSING",       [GN_LAST_ACK] = "LAST-ACK",
        [GN_TIME_WAIT] = "TIME-WAIT",
    };

    return PICK(names, s);
}

const char *gn_err_text(enum gn_err e)
{
    static const char *const texts[] = {
        [GN_OK] = "ok",
#define GN_ERR(name, value, posix, text) [-(value)] = text,
#include <gannet/err.def>
#undef GN_ERR
    };

    return PICK(texts, -(int64_t)e);
}

const char *gn_drop_name(enum gn_drop d)
{
    static const char *const names[] = {
        [GN_DROP_NONE] = "NONE",
#define GN_DROP(name, text) [GN_DROP_##name] = #name,
#include <gannet/drop.def>
#undef GN_DROP
    };

    return PICK(names, d);
}

const char *gn_drop_text(enum gn_drop d)
{
    static const char *const texts[] = {
        [GN_DROP_NONE] = "used",
#define GN_DROP(name, text) [GN_DROP_##name] = text,
#include <gannet/drop.def>
#undef GN_DROP
    };

    return PICK(texts, d);
}

const char *gn_cause_name(enum gn_cause c)
{
    static const char *const names[] = {
        [GN_CAUSE_NONE] = "NONE",
#define GN_CAUSE(name, text, rfc) [GN_CAUSE_##name] = #name,
#include <gannet/cause.def>
#undef GN_CAUSE
    };

    return PICK(names, c);
}

const char *gn_cause_text(enum gn_cause c)
{
    static const char *const texts[] = {
        [GN_CAUSE_NONE] = "none",
#define GN_CAUSE(name, text, rfc) [GN_CAUSE_##name] = text,
#include <gannet/cause.def>
#undef GN_CAUSE
    };

    return PICK(texts, c);
}

const char *gn_cause_rfc(enum gn_cause c)
{
    static const char *const sections[] = {
        [GN_CAUSE_NONE] = "",
#define GN_CAUSE(name, text, rfc) [GN_CAUSE_##name] = rfc,
#include <gannet/cause.def>
#undef GN_CAUSE
    };

    return PICK(sections, c);
}
