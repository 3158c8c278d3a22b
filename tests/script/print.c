/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file print.c  Packets as text, and the names of ICMP messages.
 */
#include "packet.h"

#include <stdarg.h>
#include <string.h>

struct out {
    char *p;
    size_t room;
};

/** say() - append */
__attribute__((format(printf, 2, 3))) static void say(struct out *o, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(o->p, o->room, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= o->room)
        n = (int)o->room - 1;
    o->p += n;
    o->room -= (size_t)n;
}

/** print_option() - one */
static void print_option(struct out *o, const struct option *opt)
{
    switch (opt->kind) {
    case OPTION_EOL: say(o, "eol"); return;
    case OPTION_NOP: say(o, "nop"); return;
    case OPTION_MSS: say(o, "mss %u", opt->num[0]); return;
    case OPTION_WSCALE: say(o, "wscale %u", opt->num[0]); return;
    case OPTION_SACKOK: say(o, "sackOK"); return;
    case OPTION_TS: say(o, "TS val %u ecr %u", opt->num[0], opt->num[1]); return;
    case OPTION_SACK:
        say(o, "sack");
        for (unsigned i = 0; i + 1 < opt->n; i += 2)
            say(o, " %u:%u", opt->num[i], opt->num[i + 1]);
        return;
    case OPTION_FO: say(o, "FO "); break;
    case OPTION_MD5: say(o, "md5 "); break;
    default: say(o, "opt %u ", opt->kind); break;
    }
    for (unsigned i = 0; i < opt->len; i++)
        say(o, "%02x", opt->raw[i]);
}

/** print_flags() - as a script has them */
static void print_flags(struct out *o, uint16_t ctl)
{
    static const char letters[] = "FSRP.UEWA", order[] = "SFRPUEWA.";

    if (!ctl)
        say(o, "-");
    for (const char *c = order; *c; c++)
        if (ctl >> (strchr(letters, *c) - letters) & 1)
            say(o, "%c", *c);
}

void packet_print(const struct packet_spec *p, char *text, size_t room)
{
    struct out o = {text, room};

    if (p->kind == PACKET_ICMP) {
        say(&o, "icmp %s %s", p->icmp_type ? p->icmp_type : "", p->icmp_code ? p->icmp_code : "");
        return;
    }
    if (p->kind == PACKET_UDP) {
        say(&o, "udp (%u)", p->len);
        return;
    }
    print_flags(&o, p->ctl);
    say(&o, " %u:%u(%u)", p->seq, p->seq_end, p->len);
    if (p->has_ack)
        say(&o, " ack %u", p->ack);
    if (p->has_win)
        say(&o, " win %u", p->win);
    if (p->has_urg)
        say(&o, " urg %u", p->urg);
    if (p->any_options)
        say(&o, " <...>");
    for (unsigned i = 0; i < p->n_option; i++) {
        say(&o, i ? "," : " <");
        print_option(&o, &p->option[i]);
    }
    if (p->n_option)
        say(&o, ">");
}

static const struct {
    bool v6;
    const char *type, *code;
    uint8_t type_number, code_number;
} icmps[] = {
    {false, "unreachable", "net_unreachable", 3, 0},
    {false, "unreachable", "host_unreachable", 3, 1},
    {false, "unreachable", "protocol_unreachable", 3, 2},
    {false, "unreachable", "port_unreachable", 3, 3},
    {false, "unreachable", "frag_needed", 3, 4},
    {false, "unreachable", "source_route_failed", 3, 5},
    {false, "unreachable", "net_unknown", 3, 6},
    {false, "unreachable", "host_unknown", 3, 7},
    {false, "unreachable", "packet_filtered", 3, 13},
    {false, "source_quench", "", 4, 0},
    {false, "time_exceeded", "ttl_exceeded", 11, 0},
    {false, "time_exceeded", "frag_time_exceeded", 11, 1},
    {false, "parameter_problem", "", 12, 0},
    {true, "unreachable", "no_route", 1, 0},
    {true, "unreachable", "admin_prohibited", 1, 1},
    {true, "unreachable", "address_unreachable", 1, 3},
    {true, "unreachable", "port_unreachable", 1, 4},
    {true, "packet_too_big", "", 2, 0},
    {true, "time_exceeded", "exceed_hop_limit", 3, 0},
    {true, "parameter_problem", "header_field", 4, 0},
};

bool icmp_number(bool v6, const char *type, const char *code, uint8_t *ret_type, uint8_t *ret_code)
{
    for (size_t i = 0; i < sizeof(icmps) / sizeof(icmps[0]); i++) {
        if (icmps[i].v6 == v6 && !strcmp(icmps[i].type, type) &&
            !strcmp(icmps[i].code, code ? code : "")) {
            *ret_type = icmps[i].type_number;
            *ret_code = icmps[i].code_number;
            return true;
        }
    }
    return false;
}
