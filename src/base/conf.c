/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conf.c  The knobs: one table made from conf.def, and values from text.
 */
#include "base/conf.h"

#include "base/bits.h"

static const struct gn_knob knobs[] = {
#define GN_KNOB(name, unit, def, min, max, rfc, doc) \
    {#name, GN_UNIT_##unit, (def), (min), (max), rfc, doc, offsetof(struct gn_conf, name)},
#include <gannet/conf.def>
#undef GN_KNOB
};
#define N_KNOBS (sizeof(knobs) / sizeof(knobs[0]))

struct unit {
    const char *suffix;
    uint64_t factor;
};

/** str_eq() - are two texts the same? */
static bool str_eq(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/** field_get() - the value of a knob */
static uint64_t field_get(const struct gn_conf *c, const struct gn_knob *k)
{
    uint64_t v;

    memcpy(&v, (const char *)c + k->offset, sizeof(v));
    return v;
}

/** field_set() - store the value of a knob */
static void field_set(struct gn_conf *c, const struct gn_knob *k, uint64_t v)
{
    memcpy((char *)c + k->offset, &v, sizeof(v));
}

const struct gn_knob *gn_knobs(size_t *ret_n)
{
    *ret_n = N_KNOBS;
    return knobs;
}

void gn_conf_default(struct gn_conf *ret)
{
    for (size_t i = 0; i < N_KNOBS; i++)
        field_set(ret, &knobs[i], knobs[i].def);
}

/** ports_good() - is each range from a port to one not below it? */
static bool ports_good(uint64_t v)
{
    return (v >> 16 & 0xffff) >= (v & 0xffff) && v >> 48 >= (v >> 32 & 0xffff);
}

bool conf_port_reserved(const struct gn_conf *c, uint16_t port)
{
    uint64_t v = c->ip_local_reserved_ports;

    return (port >= (v & 0xffff) && port <= (v >> 16 & 0xffff)) ||
           (port >= (v >> 32 & 0xffff) && port <= v >> 48);
}

/** check_pairs() - the first knob at odds with another, or NULL */
static const char *check_pairs(const struct gn_conf *c)
{
    if (c->ip_local_port_min > c->ip_local_port_max)
        return "ip_local_port_min";
    if (!ports_good(c->ip_local_reserved_ports))
        return "ip_local_reserved_ports";
    if (c->tcp_rmem_default > c->tcp_rmem_max)
        return "tcp_rmem_default";
    if (c->tcp_wmem_default > c->tcp_wmem_max)
        return "tcp_wmem_default";
    if (c->tcp_rto_min > c->tcp_rto_max)
        return "tcp_rto_min";
    if (c->tcp_rto_initial > c->tcp_rto_max)
        return "tcp_rto_initial";
    return NULL;
}

enum gn_err gn_conf_check(const struct gn_conf *c, const char **ret_name)
{
    const char *bad = NULL;

    for (size_t i = 0; i < N_KNOBS && !bad; i++) {
        uint64_t v = field_get(c, &knobs[i]);

        if (v < knobs[i].min || v > knobs[i].max)
            bad = knobs[i].name;
    }
    if (!bad)
        bad = check_pairs(c);
    if (!bad)
        return GN_OK;
    if (ret_name)
        *ret_name = bad;
    return GN_E_INVALID;
}

/** parse_number() - decimal digits and one of @n units; false: neither, or more than 64 bits */
static bool parse_number(const char *s, const struct unit *units, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    const char *first = s;

    for (; *s >= '0' && *s <= '9'; s++) {
        unsigned d = (unsigned)(*s - '0');

        if (v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    if (s == first)
        return false;
    /* nothing is nothing in every unit */
    if (v == 0 && !*s) {
        *ret = 0;
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_eq(s, units[i].suffix)) {
            if (v > UINT64_MAX / units[i].factor)
                return false;
            *ret = v * units[i].factor;
            return true;
        }
    }
    return false;
}

/** parse_bool() - 0 1 off on */
static bool parse_bool(const char *s, uint64_t *ret)
{
    if (str_eq(s, "1") || str_eq(s, "on"))
        *ret = 1;
    else if (str_eq(s, "0") || str_eq(s, "off"))
        *ret = 0;
    else
        return false;
    return true;
}

/** parse_algorithm() - the names of tcp_congestion_control, in the order of their numbers */
static bool parse_algorithm(const char *s, uint64_t *ret)
{
    static const char *const names[] = {"newreno", "cubic", "bbr"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq(s, names[i])) {
            *ret = i;
            return true;
        }
    }
    return str_eq(s, "reno") ? (*ret = 0, true) : false;
}

/** parse_port() - up to the @end of a number; false: no port */
static bool parse_port(const char **s, uint64_t *ret)
{
    uint64_t v = 0;
    const char *first = *s;

    for (; **s >= '0' && **s <= '9' && v <= UINT16_MAX; ++*s)
        v = v * 10 + (unsigned)(**s - '0');
    *ret = v;
    return *s != first && v >= 1 && v <= UINT16_MAX;
}

/** parse_ports() - "8080", "9000-9010", two of them with a comma; "" or "0": none */
static bool parse_ports(const char *s, uint64_t *ret)
{
    uint64_t v = 0, from, to;

    if (str_eq(s, "0") || !*s) {
        *ret = 0;
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!parse_port(&s, &from))
            return false;
        to = from;
        if (*s == '-' && (s++, !parse_port(&s, &to)))
            return false;
        v |= (from | to << 16) << 32 * i;
        if (!*s)
            break;
        if (*s++ != ',' || i == 1)
            return false;
    }
    *ret = v;
    return ports_good(v);
}

/** parse_value() - text to a number in the knob's unit */
static bool parse_value(const struct gn_knob *k, const char *s, uint64_t *ret)
{
    static const struct unit count[] = {{"", 1}};
    static const struct unit bytes[] = {
        {"", 1},         {"k", 1u << 10}, {"K", 1u << 10}, {"m", 1u << 20},
        {"M", 1u << 20}, {"g", 1u << 30}, {"G", 1u << 30},
    };
    /* a bare number is refused: Linux's own knobs mean seconds here, milliseconds there */
    static const struct unit time[] = {
        {"ns", GN_NSEC},    {"us", GN_USEC},      {"ms", GN_MSEC},      {"s", GN_SEC},
        {"m", 60 * GN_SEC}, {"min", 60 * GN_SEC}, {"h", 3600 * GN_SEC},
    };

    switch (k->unit) {
    case GN_UNIT_BOOL: return parse_bool(s, ret);
    case GN_UNIT_COUNT:
        if (k->offset == offsetof(struct gn_conf, tcp_congestion_control) &&
            parse_algorithm(s, ret))
            return true;
        return parse_number(s, count, sizeof(count) / sizeof(count[0]), ret);
    case GN_UNIT_BYTES: return parse_number(s, bytes, sizeof(bytes) / sizeof(bytes[0]), ret);
    case GN_UNIT_TIME: return parse_number(s, time, sizeof(time) / sizeof(time[0]), ret);
    case GN_UNIT_PORTS: return parse_ports(s, ret);
    }
    return false;
}

/** What Linux has under another name: as many numbers as there are names here, each times @factor;
 * "": a number that has no knob here. */
static const struct alias {
    const char *name;
    uint64_t factor;
    const char *knob[3];
} aliases[] = {
    {"tcp_rmem", 1, {"tcp_rmem_min", "tcp_rmem_default", "tcp_rmem_max"}},
    {"tcp_wmem", 1, {"", "tcp_wmem_default", "tcp_wmem_max"}},
    {"ip_local_port_range", 1, {"ip_local_port_min", "ip_local_port_max", NULL}},
    {"tcp_rto_min_us", GN_USEC, {"tcp_rto_min", NULL, NULL}},
    {"tcp_rto_max_ms", GN_MSEC, {"tcp_rto_max", NULL, NULL}},
};

/** set_number() - a knob to a number in its own unit; false: out of bounds */
static bool set_number(struct gn_conf *c, const char *name, uint64_t v)
{
    for (size_t i = 0; i < N_KNOBS; i++) {
        if (!str_eq(knobs[i].name, name))
            continue;
        if (v < knobs[i].min || v > knobs[i].max)
            return false;
        field_set(c, &knobs[i], v);
    }
    return true;
}

/** set_alias() - numbers with blanks between them, as in /proc/sys */
static enum gn_err set_alias(struct gn_conf *c, const struct alias *a, const char *s)
{
    struct gn_conf changed = *c;

    for (unsigned i = 0; i < 3 && a->knob[i]; i++) {
        char digits[21];
        unsigned n = 0;
        uint64_t v;

        while (*s == ' ' || *s == '\t')
            s++;
        while (*s >= '0' && *s <= '9' && n < sizeof(digits) - 1)
            digits[n++] = *s++;
        digits[n] = 0;
        if (!parse_number(digits, &(struct unit){"", 1}, 1, &v) || v > UINT64_MAX / a->factor ||
            !set_number(&changed, a->knob[i], v * a->factor))
            return GN_E_INVALID;
    }
    if (*s || gn_conf_check(&changed, NULL) != GN_OK)
        return GN_E_INVALID;
    *c = changed;
    return GN_OK;
}

enum gn_err gn_conf_set(struct gn_conf *c, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (str_eq(aliases[i].name, name))
            return set_alias(c, &aliases[i], value);
    for (size_t i = 0; i < N_KNOBS; i++) {
        uint64_t v;

        if (!str_eq(knobs[i].name, name))
            continue;
        if (!parse_value(&knobs[i], value, &v) || v < knobs[i].min || v > knobs[i].max)
            return GN_E_INVALID;
        field_set(c, &knobs[i], v);
        return GN_OK;
    }
    return GN_E_UNSUPPORTED;
}
