/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file control.c  fcntl() and ioctl().
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <sys/ioctl.h>

/** fcntl_call() - fcntl(2) */
static int fcntl_call(struct sock *sk, int cmd, int arg)
{
    switch (cmd) {
    case F_GETFL: return O_RDWR | (sk->nonblock ? O_NONBLOCK : 0);
    case F_SETFL: sk->nonblock = (arg & O_NONBLOCK) != 0; return 0;
    case F_GETFD: return FD_CLOEXEC; /* it does not outlive the program */
    case F_SETFD: return 0;
    default: return -EINVAL;
    }
}

int gn_fcntl(int fd, int cmd, ...)
{
    struct sock *sk = call_begin(fd);
    int arg = 0;
    va_list ap;

    if (!sk)
        return -1;
    if (cmd == F_SETFL || cmd == F_SETFD) {
        va_start(ap, cmd);
        arg = va_arg(ap, int);
        va_end(ap);
    }
    return (int)call_end(sk, fcntl_call(sk, cmd, arg));
}

/** readable() - SIOCINQ: octets, as far as one read can get; an urgent octet stops it */
static uint32_t readable(const struct sock *sk, const struct gn_status *s)
{
    struct gn_host *h = sk->stack->host;
    uint64_t inline_oob = 0;
    uint32_t at;

    (void)gn_host_get_option(h, sk->handle, GN_OPT_OOBINLINE, &inline_oob);
    if (!inline_oob && gn_host_mark(h, sk->handle, &at))
        return min_u32(s->recv_q, at);
    return s->recv_q;
}

/** queue_length() - SIOCINQ, SIOCOUTQ, SIOCOUTQNSD */
static int queue_length(const struct sock *sk, unsigned long request, int *ret)
{
    struct gn_stack *st = sk->stack;
    struct gn_status s;
    uint32_t n = 0;

    if (sk->phase == PHASE_LISTENING)
        return -EINVAL;
    if (sk->phase != PHASE_IDLE && gn_host_status(st->host, sk->handle, stack_now(st), &s) == GN_OK)
        n = request == SIOCINQ ? readable(sk, &s) : request == SIOCOUTQ ? s.send_q : s.not_sent;
    *ret = (int)min_u32(n, INT_MAX);
    return 0;
}

int gn_ioctl(int fd, unsigned long request, ...)
{
    struct sock *sk = call_begin(fd);
    int r = -ENOTTY;
    uint32_t at;
    int *arg;
    va_list ap;

    if (!sk)
        return -1;
    va_start(ap, request);
    arg = va_arg(ap, int *);
    va_end(ap);
    if (request == FIONBIO || request == SIOCATMARK || request == SIOCINQ || request == SIOCOUTQ ||
        request == SIOCOUTQNSD) {
        if (!arg) {
            r = -EFAULT;
        } else if (request == FIONBIO) {
            sk->nonblock = *arg != 0;
            r = 0;
        } else if (request == SIOCATMARK) {
            *arg = sk->phase != PHASE_IDLE && gn_host_mark(sk->stack->host, sk->handle, &at) && !at;
            r = 0;
        } else {
            r = queue_length(sk, request, arg);
        }
    }
    return (int)call_end(sk, r);
}
