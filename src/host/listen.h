/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file listen.h  Listeners: the passive OPEN, the accept queue, and who answers a SYN.
 *
 * Theory of operation. Listeners live in a pool (index of 16 bits, remembered by half-open entries)
 * and in a small table by port; the chain of one port is as long as there are addresses in use with
 * it. A specific address wins over the IPv4 wildcard, that one over the IPv6 wildcard, which takes
 * both families. Several listeners of one address and port (GN_OPT_REUSEPORT) share its clients by
 * the hash of the flow, so that all segments of one client meet the same listener.
 *
 * Two queues, both bounded: half-open entries (syncache.h), and established connections that wait
 * for gn_host_accept() (struct tcb on @accept).
 */
#ifndef GN_HOST_LISTEN_H
#define GN_HOST_LISTEN_H

#include "base/list.h"
#include "base/pool.h"
#include "host/demux.h"
#include "tcp/tcp.h"

struct gn_host;

#define LISTENERS_MAX 65535

struct listener {
    struct gn_endpoint local;
    uint16_t index;
    uint16_t next; /* index + 1 in the chain of its bucket, 0: last */
    uint16_t events;
    uint32_t backlog;
    uint32_t n_accept, n_half;
    uint32_t n_fast;       /* made by Fast Open, without their third ACK; resets included */
    uint32_t n_fast_reset; /* of these, reset */
    gn_time fast_reset_until;
    gn_time cookies_until; /* cookie ACKs are examined until then (SEC-4987-5) */
    gn_time old_wnd_until; /* those until then may answer SYN,ACKs with opts.syn_wnd */
    struct cookie_scale cookie_scale;
    gn_time created;
    struct list accept; /* of tcb.link, oldest first */
    struct list event;
    void *user;
    struct tfo_keys tfo_keys;
    struct tcb_opts opts; /* inherited by what is accepted */
};

struct listen_table {
    struct pool pool;
    uint16_t *bucket; /* index + 1 of the first listener */
    uint32_t mask, n;
};

/** listen_init() - false: no memory */
bool listen_init(struct listen_table *l, struct mem *m);
/** listener_find() - the listener of a handle, or NULL */
struct listener *listener_find(const struct gn_host *h, gn_handle c);
/** listen_find() - who listens for segments to @addr, @port; @hash: of the flow; or NULL */
struct listener *listen_find(const struct listen_table *t, const struct gn_addr *addr,
                             uint16_t port, uint32_t hash);
/** listen_on_port() - does anybody listen on this port, whatever the address? */
bool listen_on_port(const struct listen_table *l, uint16_t port);
/** listen_exact() - a listener of exactly this address and port, or NULL */
struct listener *listen_exact(const struct listen_table *t, const struct gn_addr *addr,
                              uint16_t port);
/** listen_open() - passive OPEN (RFC 9293 3.10.1); errors as gn_host_listen() */
enum gn_err listen_open(struct gn_host *h, struct gn_endpoint local, unsigned backlog, void *user,
                        struct listener **ret);
/** listen_set_backlog() - as of listen(2), within somaxconn */
void listen_set_backlog(const struct gn_host *h, struct listener *l, unsigned backlog);
/**
 * listen_set_opts() - other options from now on
 *
 * A smaller buffer does not take back what SYN,ACKs have announced (SHLD-14). A half-open entry
 * remembers no window, a cookie even less; so what there is of them keeps to the largest that any
 * of them may have announced. Who comes later is told of the new one.
 */
void listen_set_opts(struct gn_host *h, struct listener *l, const struct tcb_opts *o);
/** listen_close() - reset what waits in the accept queue, forget the half-open entries, stop */
void listen_close(struct gn_host *h, struct listener *l);
/** listen_full() - no room in the accept queue, which holds one more than the backlog, as on Linux
 */
static inline bool listen_full(const struct listener *l)
{
    return l->n_accept > l->backlog;
}
/**
 * listen_promote() - a half-open connection is acknowledged: make a connection and queue it
 * @half: the entry, or what a cookie stood for; unchanged
 * @ref:  the entry's reference, whose place in the demux table the connection takes; REF_NULL: it
 * was a cookie
 *
 * GN_DROP_NONE, or GN_DROP_NO_MEMORY: nothing has changed. The accept queue is not full.
 */
enum gn_drop listen_promote(struct gn_host *h, struct listener *l, const struct half_open *half,
                            ref_t ref, uint32_t hash, const struct seg *s);
/** listen_fast_wanted() - is a SYN one for listen_fast()? It has text or the option (OPT-TFO-1) */
static inline bool listen_fast_wanted(const struct seg *s)
{
    return s->text_len || (s->opt.has & OPT_TFO);
}
/**
 * listen_fast() - Fast Open (RFC 7413 4.2.2): a SYN that brings a good cookie becomes a connection
 *
 * True: it has. False: it is an ordinary SYN; *ret_cookie: it shall have a cookie with its SYN,ACK.
 * The accept queue is not full.
 */
bool listen_fast(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash,
                 bool *ret_cookie);
/** listen_fast_reset() - the peer has reset one that was made so: it counts for as long as its
 * SYN,ACK might be sent again, so that one who makes us send answers to a third party is held back
 * (OPT-TFO-5) */
void listen_fast_reset(struct gn_host *h, struct listener *l);
/** listen_input() - a segment for a listener, of no connection */
enum gn_drop listen_input(struct gn_host *h, struct listener *l, const struct seg *s,
                          uint32_t hash);
/** listen_status() - STATUS of a listener */
void listen_status(const struct listener *l, struct gn_status *ret);

#endif
