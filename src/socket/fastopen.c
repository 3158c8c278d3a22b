/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fastopen.c  TCP Fast Open at the socket door: sendto() with MSG_FASTOPEN, which is
 * connect() and send() in one. TCP_FASTOPEN_CONNECT is in connect.c, TCP_FASTOPEN in option.c.
 */
#define _GNU_SOURCE

#include "socket/sock.h"

#include <netinet/in.h>
#include <string.h>

/** may_open() - the address to go to; 0, or why not */
static int may_open(struct sock *sk, const struct sockaddr *addr, socklen_t len,
                    struct gn_endpoint *ret)
{
    sa_family_t family = AF_UNSPEC;
    int r;

    if (addr && len >= sizeof(family))
        memcpy(&family, &addr->sa_family, sizeof(family));
    if (!(gn_host_conf(sk->stack->host)->tcp_fastopen & 1) || family == AF_UNSPEC)
        return -EOPNOTSUPP;
    switch (sk->phase) {
    case PHASE_LISTENING:
    case PHASE_CONNECTED: return -EISCONN;
    case PHASE_CONNECTING: r = connect_finish(sk, -EALREADY, true); return r ? r : -EISCONN;
    case PHASE_IDLE: break;
    }
    return name_in(sk, addr, len, ret);
}

int64_t fastopen_send(struct sock *sk, const struct iovec *iov, int n, int flags,
                      const struct sockaddr *addr, socklen_t len)
{
    struct gn_stack *st = sk->stack;
    struct gn_endpoint remote;
    int64_t done = 0;
    int r = may_open(sk, addr, len, &remote);

    if (r)
        return r;
    r = connect_start(sk, &remote);
    if (r)
        return r;
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_FASTOPEN_CONNECT, 1, stack_now(st));
    if (gn_host_fastopen_ready(st->host, sk->handle)) {
        done = send_queue(sk, iov, n);
        if (done < 0 || flags & MSG_DONTWAIT || sk->nonblock)
            return done;
    }
    r = connect_finish(sk, -EINPROGRESS, flags & MSG_DONTWAIT);
    return r ? r : send_from(sk, iov, n, flags, done);
}
