/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file net.h  Two hosts with a stack each, on one wire of 1 ms: on virtual time in one thread, or
 * on real time with a thread each. Side 0 is 10.0.0.1 and fd00::1, side 1 is 10.0.0.2 and fd00::2.
 */
#ifndef GN_TESTS_SOCKET_NET_H
#define GN_TESTS_SOCKET_NET_H

#include "unit/base/pages.h"

#include <gannet/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define NET_LATENCY GN_MSEC

struct net {
    struct gn_host *host[2];
    struct gn_stack *stack[2];
    struct pages pages[2];
    struct gn_simloop *loop;
    struct gn_sim *sim;
};

extern struct net net;

/** net_up(), net_down() - suite fixtures, virtual time */
void net_up(void);
void net_down(void);
/** net_up_real(), net_down_real() - the same on real time; a loop thread each if @threads */
void net_up_real(bool threads);
void net_down_real(void);

/** net_cut() - from now on nothing gets through */
void net_cut(bool cut);
/** net_pass() - let virtual time pass */
void net_pass(gn_time t);
gn_time net_now(void);

/** net_addr() - IPv4 address of a side */
struct sockaddr_in net_addr(int side, uint16_t port);
struct sockaddr_in6 net_addr6(int side, uint16_t port);
/** net_listen() - a socket of side 1 that listens */
int net_listen(uint16_t port, int backlog);
/** net_pair() - connected sockets: [0] of side 0, which called, [1] of side 1, which accepted */
void net_pair(uint16_t port, int s[2]);

/** net_error() - SO_ERROR */
int net_error(int s);
/** net_option() - set a number, which must work */
void net_option(int s, int level, int name, int value);
/** net_revents() - poll() without waiting */
int net_revents(int s, short events);

/* the call fails with this errno */
#define FAILS(call, err)                                              \
    do {                                                              \
        errno = 0;                                                    \
        cr_assert_eq((long)(call), -1, "%s succeeded", #call);        \
        cr_assert_eq(errno, (err), "%s: %s", #call, strerror(errno)); \
    } while (0)

/* the call gives this number */
#define GIVES(call, want)                                                 \
    do {                                                                  \
        long gives_ = (long)(call);                                       \
        cr_assert_eq(gives_, (long)(want), "%s: %ld (%s)", #call, gives_, \
                     gives_ < 0 ? strerror(errno) : "");                  \
    } while (0)

#endif
