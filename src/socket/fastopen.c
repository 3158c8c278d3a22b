/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fastopen.c  TCP Fast Open at the socket door: sendto() with MSG_FASTOPEN, which is
 * connect() and send() in one; and TCP_FASTOPEN_KEY. TCP_FASTOPEN_CONNECT is in connect.c,
 * TCP_FASTOPEN in option.c.
 */
#define _GNU_SOURCE

#include "socket/sock.h"

#include <netinet/in.h>
#include <string.h>

/** may_open() - the address to go to; 0, or why not. 0 too if an earlier call has been successful:
 * it is connected now */
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
    case PHASE_CONNECTING: r = connect_finish(sk, -EALREADY, true); return r;
    case PHASE_IDLE: break;
    }
    return name_in(sk, addr, len, ret);
}

int64_t fastopen_with_syn(struct sock *sk, const struct iovec *iov, int n, int flags)
{
    struct gn_stack *st = sk->stack;
    uint32_t room = gn_host_fastopen_room(st->host, sk->handle);
    int64_t done = room ? send_queue(sk, iov, n, room) : 0;
    int r;

    if (done < 0)
        return done;
    /* from here on the SYN waits for nothing */
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_FASTOPEN_CONNECT, 1, stack_now(st));
    st->dirty = true;
    if (done > 0 && (flags & MSG_DONTWAIT || sk->nonblock))
        return done;
    r = connect_finish(sk, -EINPROGRESS, flags & MSG_DONTWAIT);
    return r ? r : send_from(sk, iov, n, flags, done);
}

int64_t fastopen_send(struct sock *sk, const struct iovec *iov, int n, int flags,
                      const struct sockaddr *addr, socklen_t len)
{
    struct gn_stack *st = sk->stack;
    struct gn_endpoint remote;
    int r;

    if (sk->phase == PHASE_CONNECTING && gn_host_fastopen_room(st->host, sk->handle) > 0)
        return fastopen_with_syn(sk, iov, n, flags);
    r = may_open(sk, addr, len, &remote);
    if (r == 0 && sk->phase == PHASE_CONNECTED) /* just now */
        return send_from(sk, iov, n, flags, 0);
    if (r)
        return r;
    r = connect_start(sk, &remote);
    if (r)
        return r;
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_FASTOPEN_CONNECT, 1, stack_now(st));
    return fastopen_with_syn(sk, iov, n, flags);
}

int fastopen_set_key(struct sock *sk, const void *value, socklen_t len)
{
    if (len != sizeof(sk->fastopen_key) && len != sizeof(sk->fastopen_key) / 2)
        return -EINVAL;
    memcpy(sk->fastopen_key, value, len);
    sk->fastopen_key_len = (uint8_t)len;
    if (sk->phase == PHASE_LISTENING)
        (void)gn_host_set_fastopen_key(sk->stack->host, sk->handle, value, len);
    return 0;
}
