/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo.h  Demonstrations: small scripts that two real hosts play in virtual time.
 */
#ifndef GN_CLI_DEMO_H
#define GN_CLI_DEMO_H

#include "cli/record.h"
#include "cli/why_facts.h"

#include <gannet/host.h>
#include <gannet/link.h>
#include <gannet/loop.h>

#define DEMO_PORT_A 40000
#define DEMO_PORT_B 80
#define DEMO_STEPS  14
#define DEMO_KNOBS  4

/** What a script can do. @arg is said for each. */
enum demo_op {
    DO_END = 0,
    DO_LISTEN,    /* passive OPEN */
    DO_CONNECT,   /* active OPEN towards the other end's port */
    DO_SEND,      /* SEND arg octets */
    DO_STOP_READ, /* the application reads no more */
    DO_READ,      /* it reads again */
    DO_CLOSE,     /* CLOSE; the application still reads */
    DO_LEAVE,     /* CLOSE, and the application lets go of the connection */
    DO_ABORT,     /* ABORT */
    DO_KEEPALIVE, /* keep-alive on */
    DO_LOSE, /* the next DEMO_TIMES(arg) packets of kind DEMO_KIND(arg) that this end sends are lost
              */
    DO_CRASH,       /* the host forgets everything and starts again */
    DO_FREEZE,      /* the connection stands still */
    DO_MOVE,        /* and goes on at another host in the old one's place */
    DO_FLOOD,       /* arg SYNs from invented addresses arrive here */
    DO_STREAM,      /* SEND arg KiB of a pattern, as fast as the connection takes it; not drawn */
    DO_POUR,        /* SEND without end; not drawn */
    DO_CROWD,       /* arg further connections to the other end, from other ports; not drawn */
    DO_CROWD_CLOSE, /* CLOSE them at this end, and leave */
    DO_CROWD_ABORT, /* ABORT them at this end */
    DO_HANG,        /* the application accepts no more */
    DO_ACCEPT,      /* it accepts again */
    DO_LISTEN_AT,   /* passive OPEN on a second address, whose last octet is arg */
    DO_MAXSEG,      /* the listener announces an MSS of arg */
    DO_CAPTURE,     /* a capture is made here, unless asked for elsewhere; else at A */
    DO_SCAN,        /* somebody tries ports 1 to arg here */
    DO_BLIND_RST,   /* a forged RST arrives here, arg octets beyond what is expected next */
};

enum demo_what { ANY, SYN, SYN_ACK, PURE_ACK, DATA, FIN, LARGE /* over 1000 octets of text */ };
#define LOSE(what, times) ((uint32_t)(what) << 16 | (times)) /* times 0: from now on */
#define DEMO_EVERY        0x8000u /* in times: one of so many, from now on */
#define DEMO_KIND(arg)    ((enum demo_what)((arg) >> 16))
#define DEMO_TIMES(arg)   ((arg)&0xFFFF)

struct demo_step {
    uint32_t ms; /* when */
    uint8_t end; /* who: 0 = A, 1 = B */
    uint8_t op;
    uint32_t arg;
};

struct demo {
    const char *name;
    const char *summary;
    enum gn_state promise[2];      /* where both ends are when it is over */
    uint32_t until_ms;             /* when it is over */
    const char *knobs[DEMO_KNOBS]; /* for both hosts */
    uint32_t mbit;                 /* rate of the wire, 0: it takes no time to send */
    struct demo_step step[DEMO_STEPS];
};

#define DEMO_WIRE 2 /* neither end: a capture */

/** What `gannet why` says of one end, or of a capture, when a demonstration is over. */
struct demo_finding {
    const char *demo;
    uint8_t end; /* DEMO_WIRE: the capture */
    bool note;   /* no more than a note */
    const char *id;
};

/** demo_findings() - all that are promised; *@ret_n rows */
const struct demo_finding *demo_findings(size_t *ret_n);
/** demo_list() - all of them; *@ret_n rows */
const struct demo *demo_list(size_t *ret_n);
/** demo_find() - by name (as it is, or a state's name), or NULL */
const struct demo *demo_find(const char *name);

struct demo_options {
    struct gn_conf conf;
    uint64_t seed;
    gn_time latency;
    uint32_t loss_ppm;
    bool ipv6;
    const char *pcap;   /* file, or NULL */
    uint8_t capture_at; /* end; DEMO_WIRE: where the script wants it */
};

#define DEMO_ENDED 128

/** Connections of one end that have come to CLOSED; the first so many. */
struct demo_ended {
    struct gn_status conn[DEMO_ENDED];
    unsigned n;
};

/** The stage after the play. */
struct demo_result {
    struct record record;
    struct gn_host *host[2]; /* still as they were left */
    gn_time now, start;
    enum gn_state final[2];
    struct demo_ended ended[2];
    struct why_facts facts[2]; /* taken at the start, for counters to be compared with */
};

/** demo_play() - false: could not be played, one line was said. Free with demo_clear() */
bool demo_play(const struct demo *d, const struct demo_options *o, struct demo_result *ret);
void demo_clear(struct demo_result *r);
/** demo_facts() - what is known of one end when the play is over, the connections that have ended
 * included */
const struct facts *demo_facts(struct demo_result *r, unsigned end);

/** forge() - a TCP segment without options as an IP packet in @p (80 octets); its length */
size_t forge(const struct glance *g, uint8_t *p);
/** forge_echo() - an ICMP echo request likewise */
size_t forge_echo(const struct gn_addr *src, const struct gn_addr *dst, uint8_t *p);

#endif
