/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file script.h  A .pkt script as a value: options, and events with their times. What parse.c
 * makes of the text and run.c plays.
 *
 * The language is packetdrill's. Scripts live as long as the process that runs them, one each, so
 * nothing is freed; whatever is wrong with a script or the stack ends the process through
 * fail_at().
 */
#ifndef GN_SCRIPT_SCRIPT_H
#define GN_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define USEC_PER_SEC 1000000LL
#define MAX_OPTIONS  20
#define MAX_BLOCKS   4

/** An argument or result of a call. */
enum expr_kind {
    EXPR_ELLIPSIS, /* ... */
    EXPR_NUMBER,
    EXPR_WORD, /* a constant, or the name of a call: text(item, ...) */
    EXPR_STRING,
    EXPR_LIST,   /* [item, ...] */
    EXPR_STRUCT, /* {item, ...} */
    EXPR_FIELD,  /* text = item[0], in a struct */
    EXPR_OR,     /* item[0] | item[1] */
};

struct expr {
    enum expr_kind kind;
    int line;
    long long num;
    const char *text;
    bool is_call;
    unsigned n;
    struct expr *item[16];
};

enum option_kind {
    OPTION_EOL = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACKOK = 4,
    OPTION_SACK = 5,
    OPTION_TS = 8,
    OPTION_MD5 = 19,
    OPTION_FO = 34,
    OPTION_EXP = 254,
};

/** One TCP option; SACK's n blocks are begin, end, begin, end, ... */
struct option {
    uint8_t kind;
    uint8_t len; /* octets of @raw, 0: not raw */
    uint32_t num[2 * MAX_BLOCKS];
    uint8_t n;
    uint8_t
        raw[40]; /* FO, FOEXP, MD5, and what is no option of ours: the octets behind the length */
};

enum packet_kind { PACKET_TCP, PACKET_UDP, PACKET_ICMP };
enum ecn_check { ECN_ANY, ECN_EXACT, ECN_ECT01, TOS_EXACT };

struct packet_spec {
    enum packet_kind kind;
    bool inbound;
    enum ecn_check ecn_check;
    uint8_t tos;           /* ECN bits, or with TOS_EXACT the whole octet */
    int ttl;               /* -1: not given */
    uint16_t sport, dport; /* 0: not given */
    uint16_t ctl;
    uint32_t seq, seq_end, len; /* of UDP: len only; of ICMP: what it quotes */
    bool has_ack, has_win, has_urg, any_options, has_quote;
    uint32_t ack, win, urg;
    struct option option[MAX_OPTIONS];
    unsigned n_option;
    const char *icmp_type, *icmp_code;
    long icmp_mtu; /* -1: not given */
};

enum {
    FLAG_FIN = 1,
    FLAG_SYN = 2,
    FLAG_RST = 4,
    FLAG_PSH = 8,
    FLAG_ACK = 16,
    FLAG_URG = 32,
    FLAG_ECE = 64,
    FLAG_CWR = 128,
    FLAG_AE = 256,
};

struct call_spec {
    const char *name;
    unsigned n_arg;
    struct expr *arg[8];
    struct expr *result;
    const char *error; /* errno's name, NULL: none */
    bool blocking;
    long long end_usecs;
};

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_COMMAND, EVENT_CODE };
enum time_kind { TIME_ABSOLUTE, TIME_RELATIVE, TIME_ANY };

struct event {
    struct event *next;
    enum event_kind kind;
    int line;
    enum time_kind time;
    bool range;
    long long usecs, usecs_end; /* the end of a range */
    struct packet_spec *packet;
    struct call_spec *call;
    const char *text; /* of a command or code */
};

struct script {
    const char *name;
    char flags[512]; /* for drill_config_flags() */
    long long tolerance_usecs;
    long long ts_tick_usecs; /* 0: values of outbound time stamps are not checked */
    bool v6, strict_segments;
    struct event *events;
};

/** fail_at() - tell what is wrong and end the process with status 1 */
_Noreturn void fail_at(const struct script *s, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** keep() - zeroed memory that is never given back */
void *keep(size_t bytes);
/** keep_text() - a copy of @n characters with a zero */
const char *keep_text(const char *p, size_t n);

/* --- parse.c --- */

/** script_parse() - the script of that name and text; ends the process if it makes no sense */
struct script *script_parse(const char *name, const char *text);

/* --- names.c --- */

/** name_value() - of a constant such as SOCK_STREAM; false: unknown */
bool name_value(const char *name, long long *ret);
/** errno_value() - of "EAGAIN"; 0: unknown */
int errno_value(const char *name);
/** errno_name() - the name of an errno value */
const char *errno_name(int err);

/* --- run.c --- */

/** script_run() - play it; ends the process if the stack does something else */
void script_run(struct script *s);

#endif
