/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file name.c  sockaddrs and endpoints, gn_err and errno.
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <netinet/in.h>

int sock_errno(enum gn_err e)
{
    switch (e) {
    case GN_OK: return 0;
#define GN_ERR(name, value, posix, text) \
    case GN_E_##name:                    \
        return -posix;
#include <gannet/err.def>
#undef GN_ERR
    }
    return -EIO;
}

/* RFC 2133 had sockaddr_in6 without the scope: Linux still takes that */
#define IN6_LEAST offsetof(struct sockaddr_in6, sin6_scope_id)

/** name_in_v6() - AF_INET6, to an AF_INET6 socket */
static int name_in_v6(const struct sockaddr *sa, struct gn_endpoint *ret)
{
    struct sockaddr_in6 in6;

    memcpy(&in6, sa, IN6_LEAST);
    memcpy(ret->addr.b, &in6.sin6_addr, 16);
    ret->port = ntohs(in6.sin6_port);
    return 0;
}

/** name_in_v4() - AF_INET */
static int name_in_v4(const struct sockaddr *sa, struct gn_endpoint *ret)
{
    struct sockaddr_in in;
    uint8_t b[4];

    memcpy(&in, sa, sizeof(in));
    memcpy(b, &in.sin_addr, 4);
    ret->addr = gn_addr_v4(b[0], b[1], b[2], b[3]);
    ret->port = ntohs(in.sin_port);
    return 0;
}

int name_in(const struct sock *sk, const struct sockaddr *sa, socklen_t len,
            struct gn_endpoint *ret)
{
    sa_family_t family;

    if (!sa)
        return -EFAULT;
    if (len < (sk->v6 ? IN6_LEAST : sizeof(struct sockaddr_in))) /* Linux says this first */
        return -EINVAL;
    memcpy(&family, &sa->sa_family, sizeof(family));
    if (sk->v6)
        return family == AF_INET6 ? name_in_v6(sa, ret) : -EAFNOSUPPORT;
    return family == AF_INET ? name_in_v4(sa, ret) : -EAFNOSUPPORT;
}

int name_out(const struct sock *sk, const struct gn_endpoint *e, struct sockaddr *sa,
             socklen_t *len)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    const void *p = sk->v6 ? (const void *)&in6 : (const void *)&in;
    socklen_t n = sk->v6 ? sizeof(in6) : sizeof(in);

    if (!sa)
        return 0;
    if (!len)
        return -EFAULT;
    if (*len > INT32_MAX)
        return -EINVAL;
    memcpy(&in6.sin6_addr, e->addr.b, 16);
    memcpy(&in.sin_addr, e->addr.b + 12, 4);
    memcpy(sa, p, min_u32(*len, n));
    *len = n;
    return 0;
}

/** name_get() - one end of the socket; -ENOTCONN: it has no peer */
static int name_get(struct sock *sk, bool peer, struct gn_endpoint *ret)
{
    struct gn_status s;

    *ret = sk->local;
    if (sk->phase == PHASE_IDLE || sk->phase == PHASE_LISTENING)
        return peer ? -ENOTCONN : 0;
    if (gn_host_status(sk->stack->host, sk->handle, stack_now(sk->stack), &s) != GN_OK)
        return peer ? -ENOTCONN : 0;
    /* Linux forgets the peer with the connection, but not where it was bound */
    if (peer && (s.state == GN_CLOSED || s.state == GN_SYN_SENT))
        return -ENOTCONN;
    *ret = peer ? s.remote : s.local;
    return 0;
}

/** name_call() - gn_getsockname() and gn_getpeername() */
static int name_call(int fd, bool peer, struct sockaddr *addr, socklen_t *len)
{
    struct sock *sk = call_begin(fd);
    struct gn_endpoint e;
    int r;

    if (!sk)
        return -1;
    r = name_get(sk, peer, &e);
    if (!r)
        r = addr && len ? name_out(sk, &e, addr, len) : -EFAULT;
    return (int)call_end(sk, r);
}

int gn_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    return name_call(fd, false, addr, len);
}

int gn_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    return name_call(fd, true, addr, len);
}
