/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file socket.h  The socket door: TCP sockets as POSIX and Linux have them, carried by a host.
 *
 * Every call is the BSD call of the same name with gn_ before it: same arguments, same results, -1
 * and errno for errors, Linux's choice where POSIX leaves one. Differences:
 *
 * - TCP alone: AF_INET and AF_INET6 with SOCK_STREAM.
 * - Numbers are Gannet's own, from gn_socket_base() up, lowest free first. They are no kernel file
 *   descriptors: read(2), select(2) or epoll(7) do not know them, and gn_poll() does not know the
 *   kernel's (POLLNVAL).
 * - No signals: a broken connection gives EPIPE, never SIGPIPE; calls are not interrupted (no
 * EINTR).
 * - gn_close() of a socket in which another thread sleeps ends that sleep with EBADF.
 * - No reset looks like an end of data (MUST-12): one that comes after the peer's FIN gives
 * ECONNRESET to recv(), where Linux gives 0 if SO_ERROR was not asked.
 * - What arrives after SHUT_RD is acknowledged and thrown away; Linux lets it be read.
 * - TCP_INFO says TIME_WAIT, and getpeername() works, where Linux has a socket in CLOSE by then.
 * - A tuple in TIME-WAIT for less than a second or so cannot be connected again even with
 * SO_REUSEADDR (EADDRNOTAVAIL; tcp_tw_reuse).
 * - No socket connects to itself, and none to 0.0.0.0 or :: (ENETUNREACH).
 * - The urgent octet can be had by MSG_OOB until what follows is read, be that the end of data.
 * - SO_PRIORITY, SO_MARK and SO_BINDTODEVICE are not known (ENOPROTOOPT): they would do nothing
 * here.
 * - A read into nowhere (NULL) gives EFAULT even if there is nothing to read.
 * - IPV6_V6ONLY is remembered; a wildcard IPv6 listener leaves IPv4 to an IPv4 listener of the same
 *   port, and takes it if there is none.
 * - TCP_INFO: tcpi_busy_time, tcpi_rwnd_limited and tcpi_sndbuf_limited are 0. A clock would have
 *   to start and stop with each flight, and connections at rest to keep three sums; that is not
 *   worth it here. The same holds for the counts tcpi_data_segs_in, tcpi_data_segs_out,
 *   tcpi_dsack_dups, tcpi_reord_seen and tcpi_rcv_ooopack, and for tcpi_rcv_rtt. What has no
 *   counterpart is 0, too: tcpi_ato, tcpi_fackets, tcpi_rcv_ssthresh.
 *
 * A program gets sockets from a *stack*: one host, what drives it, and one lock.
 *
 *     struct gn_stack *st = gn_stack_new(host);           its own loop, on real time
 *     gn_loop_add(gn_stack_loop(st), host, link);         as many links as there are interfaces
 *     gn_stack_start(st);                                 a thread of its own drives it
 *     int s = gn_socket(AF_INET, SOCK_STREAM, 0);         the first stack is the default
 *
 * Threads. Any thread may call anything on any socket at any time, except that no thread may be
 * inside a stack's calls when the stack is freed. All calls on one stack take its lock for as long
 * as they do not sleep; who sleeps, sleeps on a condition variable of its own and is woken by an
 * event of its socket. A host that belongs to a stack is touched by nobody else, or under
 * gn_stack_lock().
 *
 * Without gn_stack_start() there is no thread: a call that would block drives the loop itself until
 * it can go on (one of the sleeping threads does, the others wait for it), and a call that gives
 * the host something to send pushes it out before it returns. A program that makes neither kind of
 * call for a while should call gn_stack_step().
 */
#ifndef GANNET_SOCKET_H
#define GANNET_SOCKET_H

#include <gannet/host.h>
#include <gannet/loop.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- stacks --- */

struct gn_stack;

/** What became of gn_driver.step(). */
enum gn_drive {
    GN_DRIVE_MOVED, /* something happened, or time went on */
    GN_DRIVE_IDLE,  /* nothing will ever happen by itself; until was GN_FOREVER */
    GN_DRIVE_SLEEP, /* this thread is not the one that drives: sleep until woken */
};

/** What makes a stack's host live; for those who bring their own loop or their own time. */
struct gn_driver {
    /** now() - the host's time; with real_time that of CLOCK_MONOTONIC */
    gn_time (*now)(void *ctx);
    /**
     * step() - let things happen: input, time-outs, gn_stack_service(), output. Come back when
     * something did, or at @until (now or earlier: do not sleep)
     *
     * Called with the stack's lock held, and returns with it held; may let go of it to sleep.
     */
    enum gn_drive (*step)(void *ctx, gn_time until);
    /** wake() - the host was changed while somebody else drives: end their sleep. Lock held */
    void (*wake)(void *ctx);
    void *ctx;
    bool real_time;
};

/** gn_stack_new() - sockets over @h, with a loop of its own on real time; the host stays the
 * caller's. The first stack of a process becomes the default. NULL: errno */
GN_API struct gn_stack *gn_stack_new(struct gn_host *h);
/** gn_stack_new_sim() - on virtual time, for one thread: calls that block drive @l. Stacks on one
 * loop share one lock: @beside is one of them, or NULL for the first. A call that blocks for ever
 * gives EDEADLK */
GN_API struct gn_stack *gn_stack_new_sim(struct gn_host *h, struct gn_simloop *l,
                                         struct gn_stack *beside);
/** gn_stack_new_driven() - driven by the caller's @d (copied), who sees to it that
 * gn_stack_service() is called; @beside as above */
GN_API struct gn_stack *gn_stack_new_driven(struct gn_host *h, const struct gn_driver *d,
                                            struct gn_stack *beside);
/** gn_stack_free() - stop, close what is open, free its loop (and the loop's links). Not while a
 * stack that was made beside it lives. NULL is fine */
GN_API void gn_stack_free(struct gn_stack *st);

/** gn_stack_start() - drive it by a thread of its own; 0, or -1 and errno (EINVAL: virtual time) */
GN_API int gn_stack_start(struct gn_stack *st);
/** gn_stack_stop() - end that thread, if there is one */
GN_API void gn_stack_stop(struct gn_stack *st);
/** gn_stack_step() - drive it from here, at most until @until */
GN_API enum gn_drive gn_stack_step(struct gn_stack *st, gn_time until);

GN_API struct gn_host *gn_stack_host(const struct gn_stack *st);
/** gn_stack_loop() - the loop that gn_stack_new() made, to add links to; else NULL */
GN_API struct gn_loop *gn_stack_loop(const struct gn_stack *st);
GN_API gn_time gn_stack_now(const struct gn_stack *st);
/** gn_stack_lock(), gn_stack_unlock() - for calls into the host besides the sockets */
GN_API void gn_stack_lock(struct gn_stack *st);
GN_API void gn_stack_unlock(struct gn_stack *st);
/** gn_stack_service() - a gn_service_fn: wakes who waits for what has happened. @st is the ctx;
 * lock held */
GN_API size_t gn_stack_service(void *st, struct gn_host *h, gn_time now);
/** gn_stack_deadline() - the earliest time-out of a sleeping call: a driver of virtual time must
 * not go beyond it without gn_stack_service(). Lock held */
GN_API struct gn_deadline gn_stack_deadline(const struct gn_stack *st);

/** gn_stack_default() - the stack of gn_socket(), NULL: none */
GN_API struct gn_stack *gn_stack_default(void);
GN_API void gn_stack_set_default(struct gn_stack *st);

/** gn_socket_base() - the number of the first socket, 2^20 unless set: above what Linux gives to
 * files. 0, or -1 and errno (EBUSY: sockets were made already, EINVAL: negative) */
GN_API int gn_socket_set_base(int base);
GN_API int gn_socket_base(void);
/** gn_socket_set_limit() - numbers from the base up to here, exclusive, are handed out; then calls
 * that make a socket fail with EMFILE. RLIMIT_NOFILE of Linux. 2^22 unless set. 0, or -1 and errno
 * (EINVAL: more than that) */
GN_API int gn_socket_set_limit(unsigned n);

/* --- sockets --- */

/** gn_socket() - on the default stack (none: ENETDOWN); @type may carry SOCK_NONBLOCK and
 * SOCK_CLOEXEC */
GN_API int gn_socket(int domain, int type, int protocol);
/** gn_socket_on() - the same on a given stack */
GN_API int gn_socket_on(struct gn_stack *st, int domain, int type, int protocol);
GN_API int gn_bind(int fd, const struct sockaddr *addr, socklen_t len);
GN_API int gn_listen(int fd, int backlog);
GN_API int gn_accept(int fd, struct sockaddr *addr, socklen_t *len);
GN_API int gn_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
/** gn_connect() - AF_UNSPEC dissolves a connection, as on Linux */
GN_API int gn_connect(int fd, const struct sockaddr *addr, socklen_t len);
GN_API int gn_shutdown(int fd, int how);
GN_API int gn_close(int fd);

/** gn_sendto() - the address counts with MSG_FASTOPEN alone, for connect() and send() in one */
GN_API ssize_t gn_sendto(int fd, const void *buf, size_t len, int flags,
                         const struct sockaddr *addr, socklen_t alen);
/** gn_send() - MSG_DONTWAIT MSG_MORE MSG_OOB; MSG_NOSIGNAL is always on */
GN_API ssize_t gn_send(int fd, const void *buf, size_t len, int flags);
/** gn_recv() - MSG_DONTWAIT MSG_PEEK MSG_WAITALL MSG_OOB MSG_TRUNC (read and throw away) */
GN_API ssize_t gn_recv(int fd, void *buf, size_t len, int flags);
GN_API ssize_t gn_read(int fd, void *buf, size_t len);
GN_API ssize_t gn_write(int fd, const void *buf, size_t len);
GN_API ssize_t gn_readv(int fd, const struct iovec *iov, int n);
GN_API ssize_t gn_writev(int fd, const struct iovec *iov, int n);
/** gn_sendmsg(), gn_recvmsg() - the data alone: no control messages, no address but with
 * MSG_FASTOPEN */
GN_API ssize_t gn_sendmsg(int fd, const struct msghdr *m, int flags);
GN_API ssize_t gn_recvmsg(int fd, struct msghdr *m, int flags);

GN_API int gn_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
GN_API int gn_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
GN_API int gn_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
GN_API int gn_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
/** gn_fcntl() - F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD (without effect) */
GN_API int gn_fcntl(int fd, int cmd, ...);
/** gn_ioctl() - SIOCINQ (FIONREAD), SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO */
GN_API int gn_ioctl(int fd, unsigned long request, ...);
/** gn_poll() - sockets of stacks that share a lock (else EINVAL); @timeout in milliseconds, -1: for
 * ever */
GN_API int gn_poll(struct pollfd *fds, nfds_t n, int timeout);

/** gn_epoll_create() - an instance for sockets of the default stack and those that share its lock;
 * @flags: EPOLL_CLOEXEC. gn_close() ends it */
GN_API int gn_epoll_create(int flags);
/** gn_epoll_create_on() - the same on a given stack */
GN_API int gn_epoll_create_on(struct gn_stack *st, int flags);
/** gn_epoll_ctl() - EPOLLET and EPOLLONESHOT as on Linux; instances may look after instances, five
 * deep (ELOOP), and gn_poll() takes them, too */
GN_API int gn_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
GN_API int gn_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout);

/** gn_socket_handle() - the connection or listener beneath, GN_NO_HANDLE if there is none (yet) */
GN_API gn_handle gn_socket_handle(int fd);

#ifdef __cplusplus
}
#endif
#endif
