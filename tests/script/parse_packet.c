/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file parse_packet.c  Packets in tcpdump's notation.
 */
#include "parse.h"

#include <ctype.h>
#include <string.h>

/** parse_ip_info() - "[ect0]", "[tos 0x10, ttl 5]", "(ce)" */
static void parse_ip_info(struct lex *l, struct packet_spec *p)
{
    static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
    const char *close = lex_take(l, "[") ? "]" : lex_take(l, "(") ? ")" : NULL;

    if (!close)
        return;
    do {
        bool known = false;

        for (uint8_t i = 0; i < 4 && !known; i++) {
            if (lex_word_is(l, ecn[i])) {
                p->ecn_check = ECN_EXACT;
                p->tos = i;
                known = true;
            }
        }
        if (!known && lex_word_is(l, "ect01")) {
            p->ecn_check = ECN_ECT01;
        } else if (!known && lex_word_is(l, "tos")) {
            p->ecn_check = TOS_EXACT;
            p->tos = (uint8_t)lex_u32(l, "a TOS octet");
        } else if (!known && lex_word_is(l, "ttl")) {
            p->ttl = (int)lex_u32(l, "a TTL");
        } else if (!known) {
            lex_fail(l, "noecn, ect0, ect1, ect01, ce, tos or ttl");
        }
    } while (lex_take(l, ","));
    lex_want(l, close);
}

/** parse_flags() - "S.", "FP.", "SEW", "." or "-" */
static void parse_flags(struct lex *l, struct packet_spec *p)
{
    static const char letters[] = "FSRP.UEWA";
    const char *begin;

    lex_skip(l);
    begin = l->p;
    if (*l->p == '-' && isspace((unsigned char)l->p[1])) {
        l->p++;
        return;
    }
    for (; *l->p && !isspace((unsigned char)*l->p); l->p++) {
        const char *at = strchr(letters, *l->p);

        if (!at) {
            l->p = begin;
            lex_fail(l, "TCP flags (of FSRP.UEWA, or -)");
        }
        p->ctl |= (uint16_t)(1 << (at - letters));
    }
}

/** parse_seq() - "1:1001(1000)": begin, end and length must agree */
static void parse_seq(struct lex *l, struct packet_spec *p)
{
    p->seq = lex_u32(l, "a sequence number");
    lex_want(l, ":");
    p->seq_end = lex_u32(l, "a sequence number");
    lex_want(l, "(");
    p->len = lex_u32(l, "a length");
    lex_want(l, ")");
    if (p->seq + p->len != p->seq_end)
        fail_at(l->script, l->line,
                "syntax error: inconsistent sequence numbers: %u + %u is not %u", p->seq, p->len,
                p->seq_end);
}

/** parse_hex() - octets "0a1b2c" into a raw option */
static void parse_hex(struct lex *l, struct option *o)
{
    const char *w = lex_word(l);
    size_t n = w ? strlen(w) : 0;

    if (n % 2 || n / 2 > sizeof(o->raw))
        fail_at(l->script, l->line, "syntax error: hexadecimal octets expected, not \"%s\"", w);
    for (size_t i = 0; i < n; i += 2) {
        unsigned v;

        if (!isxdigit((unsigned char)w[i]) || !isxdigit((unsigned char)w[i + 1]) ||
            sscanf(w + i, "%2x", &v) != 1)
            fail_at(l->script, l->line, "syntax error: not hexadecimal: \"%s\"", w);
        o->raw[o->len++] = (uint8_t)v;
    }
}

/** parse_blocks() - "1:3 5:7" */
static void parse_blocks(struct lex *l, struct option *o)
{
    while (lex_is_number(l)) {
        if (o->n == 2 * MAX_BLOCKS)
            fail_at(l->script, l->line, "syntax error: more than %d SACK blocks", MAX_BLOCKS);
        o->num[o->n++] = lex_u32(l, "a sequence number");
        lex_want(l, ":");
        o->num[o->n++] = lex_u32(l, "a sequence number");
    }
    if (!o->n)
        lex_fail(l, "a SACK block");
}

/** parse_tcp_option() - one of them. "opt KIND HEX" is ours: any option, with a right length */
static void parse_tcp_option(struct lex *l, struct option *o)
{
    const char *w = lex_word(l);

    if (!w)
        lex_fail(l, "a TCP option");
    if (!strcmp(w, "eol")) {
        o->kind = OPTION_EOL;
    } else if (!strcmp(w, "nop")) {
        o->kind = OPTION_NOP;
    } else if (!strcmp(w, "mss") || !strcmp(w, "wscale")) {
        o->kind = *w == 'm' ? OPTION_MSS : OPTION_WSCALE;
        o->num[0] = lex_u32(l, "a number");
    } else if (!strcmp(w, "sackOK")) {
        o->kind = OPTION_SACKOK;
    } else if (!strcmp(w, "sack")) {
        o->kind = OPTION_SACK;
        parse_blocks(l, o);
    } else if (!strcmp(w, "TS")) {
        o->kind = OPTION_TS;
        lex_want(l, "val");
        o->num[0] = lex_u32(l, "a time stamp");
        lex_want(l, "ecr");
        o->num[1] = lex_u32(l, "a time stamp");
    } else if (!strcmp(w, "FO") || !strcmp(w, "FOEXP") || !strcmp(w, "md5")) {
        o->kind = *w == 'm' ? OPTION_MD5 : w[2] ? OPTION_EXP : OPTION_FO;
        if (o->kind == OPTION_EXP) {
            o->raw[o->len++] = 0xf9; /* the experiment's number, RFC 7413 */
            o->raw[o->len++] = 0x89;
        }
        parse_hex(l, o);
    } else if (!strcmp(w, "opt")) {
        o->kind = (uint8_t)lex_u32(l, "the kind of an option");
        parse_hex(l, o);
    } else {
        fail_at(l->script, l->line, "syntax error: no such TCP option: %s", w);
    }
}

/** parse_options() - "<mss 1460,nop,...>" or "<...>" */
static void parse_options(struct lex *l, struct packet_spec *p)
{
    if (!lex_take(l, "<"))
        return;
    if (lex_take(l, "...")) {
        p->any_options = true;
        lex_want(l, ">");
        return;
    }
    do {
        if (p->n_option == MAX_OPTIONS)
            fail_at(l->script, l->line, "syntax error: more than %d options", MAX_OPTIONS);
        parse_tcp_option(l, &p->option[p->n_option++]);
    } while (lex_take(l, ","));
    lex_want(l, ">");
}

/** parse_icmp() - "icmp unreachable frag_needed mtu 1000 [1:1001(1000)]" */
static void parse_icmp(struct lex *l, struct packet_spec *p)
{
    p->kind = PACKET_ICMP;
    p->icmp_type = lex_word(l);
    if (!p->icmp_type)
        lex_fail(l, "an ICMP type");
    lex_skip(l);
    if (isalpha((unsigned char)*l->p) && strncmp(l->p, "mtu ", 4) != 0)
        p->icmp_code = lex_word(l);
    if (lex_word_is(l, "mtu"))
        p->icmp_mtu = (long)lex_u32(l, "an MTU");
    if (lex_take(l, "[")) {
        p->has_quote = true;
        parse_seq(l, p);
        lex_want(l, "]");
    }
}

/** parse_ports() - "5000 > 8080" */
static void parse_ports(struct lex *l, struct packet_spec *p)
{
    if (!lex_is_number(l))
        return;
    p->sport = (uint16_t)lex_u32(l, "a port");
    lex_want(l, ">");
    p->dport = (uint16_t)lex_u32(l, "a port");
}

/** parse_tcp() - flags and the rest */
static void parse_tcp(struct lex *l, struct packet_spec *p)
{
    parse_ports(l, p);
    parse_flags(l, p);
    parse_seq(l, p);
    if ((p->has_ack = lex_word_is(l, "ack")))
        p->ack = lex_u32(l, "an acknowledgment number");
    if ((p->has_win = lex_word_is(l, "win")))
        p->win = lex_u32(l, "a window");
    if ((p->has_urg = lex_word_is(l, "urg")))
        p->urg = lex_u32(l, "an urgent pointer");
    parse_options(l, p);
    if (p->inbound && p->any_options)
        fail_at(l->script, l->line, "syntax error: <...> is for packets that are expected");
    if (p->ctl & FLAG_ACK && !p->has_ack && !(p->ctl & FLAG_SYN))
        fail_at(l->script, l->line, "syntax error: the ACK flag \".\" without \"ack\"");
}

struct packet_spec *parse_packet(struct lex *l)
{
    struct packet_spec *p = keep(sizeof(*p));

    p->ttl = -1;
    p->icmp_mtu = -1;
    p->inbound = lex_take(l, "<");
    if (!p->inbound)
        lex_want(l, ">");
    parse_ip_info(l, p);
    if (lex_word_is(l, "udp")) {
        p->kind = PACKET_UDP;
        parse_ports(l, p);
        lex_want(l, "(");
        p->len = lex_u32(l, "a length");
        lex_want(l, ")");
    } else if (lex_word_is(l, "icmp")) {
        parse_icmp(l, p);
    } else {
        parse_tcp(l, p);
    }
    return p;
}
