/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sock.h  Sockets from inside.
 *
 * Theory of operation. A socket is a slot of the process-wide table (fd.c). Slots are never freed,
 * so that a number can be turned into a slot without a lock; the slot then says which stack it
 * belongs to, and everything else in it is guarded by that stack's lock. @users counts the calls
 * that are inside: a closed slot is used again only after the last of them has left, so a call that
 * has slept may look at its socket whatever happened meanwhile.
 *
 * Inside, results are numbers >= 0 or negative errno values; only call_end() turns them into -1 and
 * errno.
 */
#ifndef GN_SOCKET_SOCK_H
#define GN_SOCKET_SOCK_H

#include "base/list.h"
#include "socket/stack.h"

#include <gannet/socket.h>

#include <errno.h>
#include <stdatomic.h>

/** What a socket is to its host. */
enum phase {
    PHASE_IDLE,       /* no handle; perhaps bound */
    PHASE_LISTENING,  /* handle is a listener */
    PHASE_CONNECTING, /* active OPEN; connect() has not reported its end */
    PHASE_CONNECTED,  /* or it was: the handle may be CLOSED by now */
};

struct sock {
    _Atomic(struct gn_stack *) stack; /* NULL: free slot */
    int fd;
    unsigned users; /* calls inside, and 1 while it is open */
    bool closed;

    struct epoll *epoll; /* not NULL: no socket, but an instance of epoll */
    enum phase phase : 8;
    bool v6; /* AF_INET6 */
    bool nonblock;
    bool bound; /* on the stack's port table */
    bool shut_wr, shut_rd;
    bool v6only, linger;
    bool reuseaddr, reuseport;
    bool fastopen_connect;
    unsigned linger_s;
    int error;                  /* errno pending without a handle */
    gn_time rcvtimeo, sndtimeo; /* 0: none */

    gn_handle handle;
    struct gn_endpoint local; /* as bound */
    struct list port;         /* on the port table, while bound */
    struct list waiters;
    struct list all; /* of the stack */

    uint8_t fastopen_key[32], fastopen_key_len; /* TCP_FASTOPEN_KEY */

    uint32_t opt_set; /* bit per enum gn_opt: set by the user */
    uint64_t opt[GN_OPT_COUNT];
};
_Static_assert(GN_OPT_COUNT <= 32, "a bit for each option");

/* --- fd.c --- */

/** sock_new() - a fresh open socket with the lowest free number; NULL: -EMFILE or -ENOMEM in
 * *ret_err. Lock held */
struct sock *sock_new(struct gn_stack *st, bool v6, int *ret_err);
/** sock_close() - its number means nothing any more; who sleeps in it is woken. Lock held */
void sock_close(struct sock *sk);
/** call_begin() - the open socket of a number, its stack locked; NULL: errno is EBADF, or ENOTSOCK:
 * an epoll instance */
struct sock *call_begin(int fd);
/** call_begin_any() - the same for calls that take epoll instances too */
struct sock *call_begin_any(int fd);
/** call_beside() - the open socket or epoll instance of another number in the same call; NULL:
 * errno is EBADF, or EINVAL: it has another lock */
struct sock *call_beside(const struct sock *first, int fd);
/** call_leave() - done with what call_beside() gave; lock held */
void call_leave(struct sock *sk);
/** call_end() - push out what was given to the host, unlock; @r: result or negative errno */
int64_t call_end(struct sock *sk, int64_t r);

/* --- stack.c --- */

/** sock_wait() - sleep until something happens to the socket; 0, -ETIMEDOUT, -EBADF (closed
 * meanwhile), -EDEADLK */
int sock_wait(struct sock *sk, gn_time until);
#define NEWS_ALL UINT32_MAX
#define NEWS_IN  (EPOLLIN | EPOLLRDNORM | EPOLLPRI | EPOLLRDBAND)
#define NEWS_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)
/** sock_notify() - wake who sleeps in it; @news: what may have changed, bits of epoll, for those
 * who wait for one thing and not for the other */
void sock_notify(struct sock *sk, uint32_t news);
/** sock_until() - when a call with time-out @t (0: none) gives up; now, if it must not block */
gn_time sock_until(const struct sock *sk, gn_time t, bool dontwait);

/* --- poll.c --- */

/** poll_one() - what holds now, of what was asked for (and what is always told); what was asked for
 * and does not hold will be told by an event */
short poll_one(struct sock *sk, short events);

/* --- epoll.c --- */

/** epoll_poll() - poll_one() for an instance: readable when one of its interests is */
short epoll_poll(struct sock *self, short events);
/** epoll_free() - an instance is closed */
void epoll_free(struct sock *self);
/** epoll_leave() - a socket is closed: no instance looks after it any more */
void epoll_leave(struct sock *sk);

/* --- name.c --- */

/** sock_errno() - the negative errno value of a gn_err */
int sock_errno(enum gn_err e);
/** name_in() - an address from the user; 0, -EFAULT -EINVAL -EAFNOSUPPORT */
int name_in(const struct sock *sk, const struct sockaddr *sa, socklen_t len,
            struct gn_endpoint *ret);
/** name_out() - an endpoint for the user, cut to *len as the BSD calls do; 0, -EFAULT, -EINVAL */
int name_out(const struct sock *sk, const struct gn_endpoint *e, struct sockaddr *sa,
             socklen_t *len);

/* --- bind.c --- */

/** bind_auto() - bind to a free ephemeral port if not bound; 0, -EADDRINUSE */
int bind_auto(struct sock *sk);
/** bind_release() - off the port table */
void bind_release(struct sock *sk);

/* --- option.c --- */

/** fastopen_set_key() - TCP_FASTOPEN_KEY: 16 octets, or 32; 0, or negative errno */
int fastopen_set_key(struct sock *sk, const void *value, socklen_t len);
/** option_apply() - what the user has set before there was a handle */
void option_apply(struct sock *sk);
/** option_error() - the pending error as a positive errno value, 0 if none; it is cleared */
int option_error(struct sock *sk);

/* --- tcpinfo.c --- */

/** tcpinfo_get() - Linux's struct tcp_info, cut to *len */
int tcpinfo_get(struct sock *sk, void *value, socklen_t *len);

/* --- connect.c --- */

/** connect_start() - the active OPEN; 0, or negative errno */
int connect_start(struct sock *sk, const struct gn_endpoint *remote);
/** connect_finish() - wait for its end; 0, or why there is no connection (then the socket is idle
 * again), or @pending: not yet */
int connect_finish(struct sock *sk, int pending, bool dontwait);

/* --- io.c --- */

/** send_queue() - as much as the send buffer takes at once, in any state, and @max octets at the
 * most; octets or negative errno */
int64_t send_queue(struct sock *sk, const struct iovec *iov, int n, uint32_t max);
/** send_from() - send(2) and its kin, from octet @done of the pieces on; octets, @done included, or
 * negative errno if none */
int64_t send_from(struct sock *sk, const struct iovec *iov, int n, int flags, int64_t done);

/* --- fastopen.c --- */

/** fastopen_with_syn() - what the SYN that waits takes along, then as usual; octets, -EINPROGRESS,
 * or why there is no connection */
int64_t fastopen_with_syn(struct sock *sk, const struct iovec *iov, int n, int flags);
/** fastopen_send() - sendto() with MSG_FASTOPEN; octets or negative errno */
int64_t fastopen_send(struct sock *sk, const struct iovec *iov, int n, int flags,
                      const struct sockaddr *addr, socklen_t len);

/** sock_dissolve() - let go of the handle: close it, or reset the connection; back to PHASE_IDLE */
void sock_dissolve(struct sock *sk, bool reset);

#endif
