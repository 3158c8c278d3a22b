/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file host.h  A whole TCP/IP host as a value: it does no I/O, reads no clock, and never calls you
 * back.
 *
 * The loop of a program that owns a host:
 *
 *     for (;;) {
 *         n = read packets;                     gn_host_input(h, frames, n, now);
 *         while ((e = gn_host_events(h, ...)))  gn_host_accept / recv / send / close ...
 *         while ((n = gn_host_output(h, frames, room, now)))   write packets;
 *         sleep until packets come or gn_host_deadline(h) is reached;
 *     }
 *
 * `now` is monotonic and never goes back; one value for one call. A host belongs to one thread at a
 * time. gn_host_input() only notes what has to be sent; call gn_host_output() until it returns 0
 * after input, after calls, and when the deadline is reached. Timeouts are processed by
 * gn_host_output().
 */
#ifndef GANNET_HOST_H
#define GANNET_HOST_H

#include <gannet/conf.h>
#include <gannet/frame.h>
#include <gannet/status.h>
#include <gannet/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gn_host;

/** What the processor has that the core may use; gn_cpu() finds out. The core itself cannot ask. */
enum { GN_CPU_AVX2 = 1 };

/** gn_cpu() - GN_CPU_* of the processor at hand */
static inline unsigned gn_cpu(void)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    return __builtin_cpu_supports("avx2") ? GN_CPU_AVX2 : 0;
#else
    return 0;
#endif
}

struct gn_host_config {
    struct gn_conf conf;
    struct gn_page_source pages;
    uint8_t secret[32]; /* from a CSPRNG; keys for ISN, ports, timestamps, cookies, hash are derived
                           from it */
    unsigned cpu;       /* GN_CPU_*; 0 is right on any processor, gn_cpu() is faster */
    /** One of several hosts that share their addresses, each with a thread and a queue of the link
     * of its own: it has the connections for which gn_flow_shard() says @shard, chooses ports so
     * that this is so, and leaves all others alone. @shards 0: it has them all */
    unsigned shard, shards;
    uint32_t shard_key;
};

/** gn_flow_shard() - which of @shards hosts has the connection between @a and @b; the same for both
 * directions, in IPv4 and IPv6. @key: random, the same for all of them and for the link */
GN_API unsigned gn_flow_shard(const struct gn_endpoint *a, const struct gn_endpoint *b,
                              uint32_t key, unsigned shards);

/** gn_host_new() - a host without interfaces. NULL: *ret_err (may be NULL) is GN_E_INVALID or
 * GN_E_NO_MEMORY */
GN_API struct gn_host *gn_host_new(const struct gn_host_config *cfg, gn_time now,
                                   enum gn_err *ret_err);
/** gn_host_free() - drops every connection without a word to the peers and gives all memory back */
GN_API void gn_host_free(struct gn_host *h);

#define GN_IFACE_MAX 4
/** gn_host_add_iface() - index of the new interface (0, 1, ...), or a negative gn_err: GN_E_INVALID
 * (an MTU below 576, no such medium, a group's MAC), GN_E_NO_MEMORY (GN_IFACE_MAX there are) */
GN_API int gn_host_add_iface(struct gn_host *h, const struct gn_iface *i);
/** gn_host_set_iface() - the MTU or the capabilities of an interface have changed (its medium and
 * its MAC cannot). Connections over it follow: down at once, and what is out in larger segments
 * goes again; up by probes of larger ones. Frames for gn_host_output() have to be as large as the
 * new MTU. Below 1280 there are no paths for IPv6. GN_E_INVALID: no such interface, an MTU below
 * 576, or another medium or MAC */
GN_API enum gn_err gn_host_set_iface(struct gn_host *h, int iface, const struct gn_iface *i);
/** gn_host_add_addr() - own an address; the prefix becomes an on-link route. GN_E_INVALID (no such
 * interface, too long a prefix, no unicast address, IPv6 on an MTU below 1280), GN_E_IN_USE,
 * GN_E_NO_MEMORY (32 addresses, with the link-local ones of Ethernet, or 64 routes there are) */
GN_API enum gn_err gn_host_add_addr(struct gn_host *h, int iface, struct gn_addr a,
                                    unsigned prefix_len);
/** gn_host_add_route() - @gateway all zero: on-link. Longest prefix wins; a default route has
 * prefix_len 0. For IPv4, @dst is mapped and prefix_len counts 0..32. One to the same prefix on the
 * same interface is replaced. GN_E_INVALID (no such interface, too long a prefix, a gateway of the
 * other family), GN_E_NO_MEMORY (64 routes there are) */
GN_API enum gn_err gn_host_add_route(struct gn_host *h, int iface, struct gn_addr dst,
                                     unsigned prefix_len, struct gn_addr gateway);

/** gn_host_input() - @n frames have arrived; borrowed for the call. Never fails: what is no good is
 * counted */
GN_API void gn_host_input(struct gn_host *h, const struct gn_frame *frames, size_t n, gn_time now);
/** gn_host_output() - fill up to @n frames (buf and cap set by the caller); the number filled, 0:
 * nothing to send now. Each frame must hold the largest packet of any interface: cap is its MTU and
 * 14 octets, GN_FRAME_MAX with GN_CAP_TSO, and with GN_CAP_GATHER just GN_FRAME_HEAD. With smaller
 * ones nothing is sent (gn_stats.OutFramesTooSmall), and the deadline stays now */
GN_API size_t gn_host_output(struct gn_host *h, struct gn_frame *frames, size_t n, gn_time now);
/** gn_host_deadline() - call gn_host_output() no later than this even if nothing arrives */
GN_API struct gn_deadline gn_host_deadline(const struct gn_host *h);

/** What has happened to a connection or listener; bits, several may come at once. */
enum {
    GN_EV_ACCEPT = 1,    /* listener: gn_host_accept() will give a connection */
    GN_EV_CONNECTED = 2, /* ESTABLISHED: an active OPEN is done (a passive end tells it, too) */
    GN_EV_READABLE = 4,  /* data, or the end of it, can be read */
    GN_EV_WRITABLE = 8,  /* room in the send buffer again after a short gn_host_send() */
    GN_EV_EOF = 16,      /* the peer has sent its FIN (or gn_host_shutdown_read() was called) */
    GN_EV_ERROR = 32,    /* reset, refused, timed out, unreachable: gn_host_error() */
    GN_EV_CLOSED = 64,   /* state CLOSED reached; the handle stays valid until gn_host_close() */
    GN_EV_URGENT = 128,  /* as event: an urgent pointer came; as poll: the octet can be read */
    GN_EV_STATE = 256,   /* state changed (only for connections with option GN_OPT_STATE_EVENTS) */
    GN_EV_SOFT_ERROR = 512, /* trouble that need not last: gn_status.soft_error says which (RFC 9293
                               3.9.1.8); not with GN_OPT_SOFT_ERRORS off */
};

struct gn_event {
    gn_handle handle;
    void *user;    /* as given to gn_host_connect, gn_host_listen or gn_host_set_user */
    unsigned what; /* GN_EV_* */
};

/** gn_host_events() - take up to @max events off the queue; the number taken. Each connection is
 * queued at most once */
GN_API size_t gn_host_events(struct gn_host *h, struct gn_event *ev, size_t max);

/* --- the user calls of RFC 9293 sec. 3.10.1-6 --- */

/** gn_host_listen() - passive OPEN. @local port 0: an ephemeral one. @backlog, as of listen(2):
 * so many and one more may wait for accept, as on Linux (min with somaxconn). GN_E_IN_USE,
 * GN_E_NOT_AVAILABLE (address not ours), GN_E_NO_MEMORY, GN_E_NO_PORTS */
GN_API enum gn_err gn_host_listen(struct gn_host *h, struct gn_endpoint local, unsigned backlog,
                                  void *user, gn_handle *ret);
/** gn_host_set_backlog() - another backlog; what waits beyond it stays */
GN_API enum gn_err gn_host_set_backlog(struct gn_host *h, gn_handle listener, unsigned backlog);
/** gn_host_accept() - next established connection of a listener, or GN_E_WOULD_BLOCK */
GN_API enum gn_err gn_host_accept(struct gn_host *h, gn_handle listener, gn_handle *ret);
/** gn_host_connect() - active OPEN; the SYN leaves with the next gn_host_output(). @local: any
 * parts may be 0. GN_E_INVALID (remote unspecified, broadcast, multicast), GN_E_NO_ROUTE,
 * GN_E_NOT_AVAILABLE (also: @local and @remote make it another shard's), GN_E_IN_USE,
 * GN_E_NO_PORTS, GN_E_NO_MEMORY */
GN_API enum gn_err gn_host_connect(struct gn_host *h, struct gn_endpoint local,
                                   struct gn_endpoint remote, void *user, gn_time now,
                                   gn_handle *ret);
/** gn_host_fastopen_room() - Fast Open is wanted for this connection, a cookie known (or needless),
 * and the SYN still here: so many octets can go with it if they are sent now. 0: none, any more */
GN_API uint32_t gn_host_fastopen_room(struct gn_host *h, gn_handle c);
/** gn_host_send() - SEND: octets taken (may be fewer than @len), or a negative gn_err: WOULD_BLOCK
 * (GN_EV_WRITABLE will follow), NO_MEMORY (it will not), CLOSING, NOT_CONNECTED, or the error that
 * ended the connection (once; then CLOSING) */
#define GN_SEND_URGENT 1 /* the last octet is urgent (RFC 9293 3.8.5) */
#define GN_SEND_MORE   2 /* more will follow at once: do not send a short segment yet */
GN_API int64_t gn_host_send(struct gn_host *h, gn_handle c, const void *buf, size_t len,
                            unsigned flags, gn_time now);
/** gn_host_recv() - RECEIVE: octets given, 0 at the end of the peer's data (its FIN, or
 * gn_host_shutdown_read()), or a negative gn_err: WOULD_BLOCK, or the error that ended the
 * connection: RESET, TIMED_OUT, REFUSED, ... (once, here or in another call; then NOT_CONNECTED).
 * None of these ever looks like an end of data (MUST-12) */
#define GN_RECV_PEEK 1
#define GN_RECV_URGENT                                              \
    2 /* the urgent octet alone, which other reads pass over unless \
         GN_OPT_OOBINLINE: 1, or GN_E_INVALID if there is none */
GN_API int64_t gn_host_recv(struct gn_host *h, gn_handle c, void *buf, size_t len, unsigned flags,
                            gn_time now);
/** gn_host_send_room() / gn_host_send_commit() - zero-copy SEND: up to 2 spans of free send buffer
 * (their number; 1 to @want octets in all, or WOULD_BLOCK), then say how many were filled. Spans
 * are dead after any other call into the host. Both give the errors of gn_host_send(); a commit
 * takes all or nothing, GN_E_INVALID: more than there was room given for since the last commit */
GN_API int gn_host_send_room(struct gn_host *h, gn_handle c, size_t want, struct gn_room ret[2]);
GN_API int64_t gn_host_send_commit(struct gn_host *h, gn_handle c, size_t len, unsigned flags,
                                   gn_time now);
/** gn_host_recv_data() / gn_host_recv_done() - zero-copy RECEIVE: up to 2 spans of readable data
 * (their number; 0: end of data; or a negative gn_err), then give @len octets back. Spans are dead
 * after any other call into the host */
GN_API int gn_host_recv_data(struct gn_host *h, gn_handle c, struct gn_span ret[2]);
GN_API enum gn_err gn_host_recv_done(struct gn_host *h, gn_handle c, size_t len, gn_time now);
/** gn_host_mark() - is urgent data pending? Then *ret (may be NULL) is the number of octets before
 * the urgent one (the mark); it need not have arrived. Reads stop at the mark (RFC 9293 3.8.5) */
GN_API bool gn_host_mark(const struct gn_host *h, gn_handle c, uint32_t *ret);
/** gn_host_shutdown() - CLOSE of RFC 9293: nothing more will be sent; receiving goes on
 * (half-close). In SYN-SENT there is nothing to go on with: the attempt is given up, what was
 * queued is lost, as on Linux, and the pending error is GN_E_CLOSING (GN_EV_ERROR; RFC 9293
 * 3.10.4). Who has queued text to be delivered waits for GN_EV_CONNECTED first */
GN_API enum gn_err gn_host_shutdown(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_shutdown_read() - what arrives from now on is acknowledged and thrown away; what has
 * arrived can still be read (shutdown(SHUT_RD)) */
GN_API enum gn_err gn_host_shutdown_read(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_close() - the user is done with the handle: CLOSE if that was not called, RST if unread
 * data is left (SHLD-3); the connection goes on as an orphan through its remaining states, but in
 * SYN-SENT it is given up with what was queued, as in gn_host_shutdown(). For a
 * listener: stops listening, resets what waits in its accept queue. The handle is invalid
 * afterwards */
GN_API enum gn_err gn_host_close(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_abort() - ABORT: RST to the peer (in the states where the RFC sends one); the handle is
 * invalid afterwards */
GN_API enum gn_err gn_host_abort(struct gn_host *h, gn_handle c, gn_time now);
/** gn_host_status() - STATUS of a connection or listener */
GN_API enum gn_err gn_host_status(const struct gn_host *h, gn_handle c, gn_time now,
                                  struct gn_status *ret);
/** gn_host_error() - the pending error, which it clears (SO_ERROR) */
GN_API enum gn_err gn_host_error(struct gn_host *h, gn_handle c);
/** gn_host_soft_error() - what ICMP has said last of the path, if no good ACK has come since; it is
 * over then. Nothing ended by it (RFC 9293 3.9.1.8) */
GN_API enum gn_err gn_host_soft_error(struct gn_host *h, gn_handle c);
/** gn_host_poll() - GN_EV_* bits that hold now (level, not edge) */
GN_API unsigned gn_host_poll(const struct gn_host *h, gn_handle c);
/** gn_host_want_write() - GN_EV_WRITABLE shall come once there is room in the send buffer, as if a
 * gn_host_send() had been short; at once if there is */
GN_API enum gn_err gn_host_want_write(struct gn_host *h, gn_handle c);
GN_API enum gn_err gn_host_set_user(struct gn_host *h, gn_handle c, void *user);

/** What a connection makes of the path MTU (GN_OPT_PMTU), by Linux's numbers of IP_MTU_DISCOVER. */
enum gn_pmtu {
    GN_PMTU_DONT,      /* routers may fragment (IPv4); errors about the size are ignored */
    GN_PMTU_WANT,      /* Don't Fragment, and smaller segments when an error says so: the default */
    GN_PMTU_DO,        /* the same */
    GN_PMTU_PROBE,     /* Don't Fragment, errors ignored */
    GN_PMTU_INTERFACE, /* routers may fragment, errors ignored */
    GN_PMTU_OMIT,      /* the same */
    GN_PMTU_COUNT
};

/** Options of one connection; on a listener they are inherited by what it accepts. Values are
 * numbers in the unit given. */
enum gn_opt {
    GN_OPT_NODELAY,   /* 0/1: Nagle off */
    GN_OPT_CORK,      /* 0/1: hold short segments, 200 ms at the most */
    GN_OPT_QUICKACK,  /* 0/1: acknowledge at once */
    GN_OPT_KEEPALIVE, /* 0/1 */
    GN_OPT_KEEPIDLE,  /* nanoseconds */
    GN_OPT_KEEPINTVL, /* nanoseconds */
    GN_OPT_KEEPCNT,
    GN_OPT_SYNCNT,
    GN_OPT_USER_TIMEOUT, /* nanoseconds, takes the place of tcp_retries2; 0: the knob's;
                            UINT64_MAX: never give up */
    GN_OPT_LINGER2,      /* nanoseconds, life of an orphaned FIN-WAIT-2; 0: default */
    GN_OPT_SNDBUF,       /* octets; switches auto-tuning off */
    GN_OPT_RCVBUF,
    GN_OPT_RCVLOWAT,
    GN_OPT_NOTSENT_LOWAT,
    GN_OPT_MAXSEG,     /* octets; before OPEN: announced and used at most; read: the current one */
    GN_OPT_CONGESTION, /* 0 newreno, 1 cubic, 2 bbr */
    GN_OPT_TTL,        /* 1..255: TTL or hop limit */
    GN_OPT_TOS,        /* Diffserv octet; the two ECN bits are TCP's own */
    GN_OPT_OOBINLINE,  /* 0/1 */
    GN_OPT_REUSEADDR,  /* 0/1 */
    GN_OPT_REUSEPORT,  /* 0/1 */
    GN_OPT_DEFER_ACCEPT, /* nanoseconds */
    GN_OPT_STATE_EVENTS, /* 0/1: GN_EV_STATE wanted */
    GN_OPT_SOFT_ERRORS,  /* 0/1: GN_EV_SOFT_ERROR wanted, which is the default */
    GN_OPT_RECVERR,      /* 0/1: an ICMP error is the pending error at once (GN_EV_ERROR), and not
                            only what is told if the connection fails; it ends nothing */
    GN_OPT_PMTU,         /* enum gn_pmtu: Don't Fragment, and errors about the size */
    GN_OPT_V6ONLY,       /* 0/1: a listener on the IPv6 wildcard does not take IPv4 */
    GN_OPT_FASTOPEN,     /* listener: connections that Fast Open may make before their third ACK;
                            0: none (RFC 7413) */
    GN_OPT_FASTOPEN_CONNECT, /* set at once after gn_host_connect(), 1: the SYN takes along what is
                                sent before it leaves, if the peer has given a cookie; 2: and then
                                it waits for that */
    GN_OPT_MAX_PACING_RATE,  /* octets per second, whatever the congestion control; 0, UINT32_MAX
                                and more: no limit, which is the default */
    GN_OPT_WINDOW_CLAMP,     /* octets that the announced window has at the most; 0: no limit. What
                                was announced stays */
    GN_OPT_COUNT
};
/** gn_host_set_option() / gn_host_get_option() - GN_E_INVALID: out of bounds; GN_E_UNSUPPORTED;
 * GN_E_BAD_HANDLE */
GN_API enum gn_err gn_host_set_option(struct gn_host *h, gn_handle c, enum gn_opt o, uint64_t value,
                                      gn_time now);
GN_API enum gn_err gn_host_get_option(const struct gn_host *h, gn_handle c, enum gn_opt o,
                                      uint64_t *ret);

/** gn_host_set_fastopen_key() - from now on listener @c makes Fast Open cookies by this key, as
 * Linux does; GN_NO_HANDLE: all listeners without a key of their own.
 * @key: 16 octets, or 32: those of a second one whose cookies are known, too
 * @len: 16, 32, or 0: the host's own, which change with time
 * GN_E_INVALID: another length; GN_E_BAD_HANDLE: no listener */
GN_API enum gn_err gn_host_set_fastopen_key(struct gn_host *h, gn_handle c, const uint8_t *key,
                                            size_t len);

/* --- looking at a host --- */

/** gn_host_owns() - is it one of this host's own addresses? (any unicast one with ip_anyaddr) */
GN_API bool gn_host_owns(const struct gn_host *h, const struct gn_addr *a);

/** gn_host_walk() - every listener, connection, half-open entry and TIME-WAIT record, one a call:
 * start with *cursor = 0; false: no more. Changes of the host between calls may hide or repeat
 * entries, nothing worse */
GN_API bool gn_host_walk(const struct gn_host *h, uint64_t *cursor, gn_time now,
                         struct gn_status *ret);

struct gn_stats {
#define GN_MIB(name, text) uint64_t name;
#include <gannet/mib.def>
#undef GN_MIB
    uint64_t drop[GN_DROP_COUNT];
    uint64_t state[GN_STATE_COUNT]; /* connections in each state now; LISTEN: listeners */
    uint64_t transition[GN_STATE_COUNT][GN_STATE_COUNT];
    uint64_t memory, memory_peak; /* octets taken from the page source */
    uint64_t orphans;
};
GN_API void gn_host_stats(const struct gn_host *h, struct gn_stats *ret);
GN_API const struct gn_conf *gn_host_conf(const struct gn_host *h);
/** gn_host_set_knob() - change one knob of a running host (text as gn_conf_set); applies to what is
 * opened afterwards and, for limits and timeouts, at once */
GN_API enum gn_err gn_host_set_knob(struct gn_host *h, const char *name, const char *value);

/** gn_trace_fn - told of every transition, drop and segment as it happens; must not call into the
 * host. For tools and tests: NULL (the default) costs nothing */
enum gn_trace_kind { GN_TRACE_STATE, GN_TRACE_DROP, GN_TRACE_SEG_IN, GN_TRACE_SEG_OUT };
struct gn_trace {
    enum gn_trace_kind kind;
    gn_time at;
    struct gn_endpoint local, remote;
    struct gn_transition transition; /* STATE */
    enum gn_drop drop;               /* DROP */
    enum gn_state state;             /* of the connection after the event */
    uint32_t seq, ack, len, wnd;     /* SEG_*, DROP */
    uint16_t ctl;
};
typedef void gn_trace_fn(void *ctx, const struct gn_trace *t);
GN_API void gn_host_trace(struct gn_host *h, gn_trace_fn *fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
