/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file io.c  Sending and receiving.
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <limits.h>

#define SCRAP 4096 /* MSG_TRUNC: what is read and thrown away at a time */

/** min_i64(), max_i64() - of counts */
static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** iov_total() - octets in @n pieces; -EINVAL -EFAULT -EMSGSIZE */
static int64_t iov_total(const struct iovec *iov, int n)
{
    uint64_t total = 0;

    if (n < 0 || n > IOV_MAX)
        return -EINVAL;
    if (n > 0 && !iov)
        return -EFAULT;
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len && !iov[i].iov_base)
            return -EFAULT;
        if (iov[i].iov_len > SSIZE_MAX - total)
            return -EINVAL;
        total += iov[i].iov_len;
    }
    return (int64_t)total;
}

/** without() - the pending error of a socket that has no connection, or @errnum; negative */
static int without(struct sock *sk, int errnum)
{
    int err = sk->phase == PHASE_IDLE ? option_error(sk) : 0;

    return err ? -err : -errnum;
}

/** has_connection() - is there one, or one under way, to read from and to write to? */
static bool has_connection(const struct sock *sk)
{
    return sk->phase == PHASE_CONNECTING || sk->phase == PHASE_CONNECTED;
}

/** wait_more() - for something to happen; 0, -EAGAIN if the time is over, or another errno */
static int wait_more(struct sock *sk, gn_time until)
{
    int r = sock_wait(sk, until);

    return r == -ETIMEDOUT ? -EAGAIN : r;
}

/** send_errno() - why nothing can be sent; a reset after the peer's FIN is a broken pipe */
static int send_errno(struct sock *sk, int64_t err)
{
    struct gn_stack *st = sk->stack;
    struct gn_status s;

    if (err == GN_E_RESET && gn_host_status(st->host, sk->handle, stack_now(st), &s) == GN_OK &&
        s.n_history && s.history[s.n_history - 1].from == GN_CLOSE_WAIT)
        return -EPIPE;
    /* POSIX has ENOTCONN here, Linux EPIPE */
    return err == GN_E_NOT_CONNECTED ? -EPIPE : sock_errno((enum gn_err)err);
}

/** send_ready() - wait until the connection is there; 0, -EPIPE, -EAGAIN, ... */
static int send_ready(struct sock *sk, gn_time until)
{
    for (;;) {
        unsigned what;
        int r;

        if (!has_connection(sk))
            return without(sk, EPIPE);
        what = gn_host_poll(sk->stack->host, sk->handle);
        /* writable without being connected: Fast Open waits for what will go with the SYN */
        if (what & (GN_EV_CONNECTED | GN_EV_CLOSED | GN_EV_ERROR | GN_EV_WRITABLE | GN_EV_EOF))
            return 0;
        r = wait_more(sk, until);
        if (r)
            return r;
    }
}

/** send_piece() - all of one piece, unless the time is over; octets taken or, if none, negative
 * errno */
static int64_t send_piece(struct sock *sk, const uint8_t *p, size_t len, unsigned flags,
                          gn_time until)
{
    struct gn_stack *st = sk->stack;
    size_t done = 0;
    int64_t r = 0;

    if (len == 0) { /* nothing is sent, but it is said if nothing can be */
        int64_t n = gn_host_send(st->host, sk->handle, p, 0, 0, stack_now(st));

        return n < 0 ? send_errno(sk, n) : 0;
    }
    while (done < len && !r) {
        int64_t n = gn_host_send(st->host, sk->handle, p + done, len - done, flags, stack_now(st));

        if (n > 0) {
            done += (size_t)n;
            st->dirty = true;
            continue;
        }
        if (n != GN_E_WOULD_BLOCK) {
            r = send_errno(sk, n);
            break;
        }
        r = wait_more(sk, until);
        if (!r && !has_connection(sk))
            r = without(sk, EPIPE);
    }
    return done ? (int64_t)done : r;
}

/** piece_flags() - GN_SEND_* for the last piece (@last) or another */
static unsigned piece_flags(int flags, bool last)
{
    unsigned f = !last || flags & MSG_MORE ? GN_SEND_MORE : 0;

    return last && flags & MSG_OOB ? f | GN_SEND_URGENT : f;
}

int64_t send_from(struct sock *sk, const struct iovec *iov, int n, int flags, int64_t done)
{
    gn_time until = sock_until(sk, sk->sndtimeo, sk->nonblock || flags & MSG_DONTWAIT);
    int64_t total = iov_total(iov, n), at = 0;
    int r;

    if (total < 0)
        return total;
    if (sk->phase == PHASE_CONNECTING && gn_host_fastopen_room(sk->stack->host, sk->handle) > 0)
        return fastopen_with_syn(sk, iov, n, flags); /* connect() was deferred */
    r = send_ready(sk, until);
    if (r)
        return done ? done : r;
    if (sk->shut_wr) { /* a pending error comes first, and is told once */
        int err = option_error(sk);

        return err ? -err : -EPIPE;
    }
    for (int i = 0; i < n; i++) {
        int64_t len = (int64_t)iov[i].iov_len, skip = min_i64(max_i64(done - at, 0), len), k;
        const uint8_t *from = iov[i].iov_base; /* may be NULL if @len is 0 */

        at += len;
        if (skip == len && at != total)
            continue;
        k = send_piece(sk, skip ? from + skip : from, (size_t)(len - skip),
                       piece_flags(flags, at == total), until);
        if (k < 0)
            return done ? done : k;
        done += k;
        if (k < len - skip)
            break;
    }
    return done;
}

int64_t send_queue(struct sock *sk, const struct iovec *iov, int n, uint32_t max)
{
    struct gn_stack *st = sk->stack;
    int64_t total = min_i64(iov_total(iov, n), max), done = 0;

    for (int i = 0; i < n && done < total; i++) {
        int64_t len = min_i64((int64_t)iov[i].iov_len, total - done);
        int64_t k =
            gn_host_send(st->host, sk->handle, iov[i].iov_base, (size_t)len, 0, stack_now(st));

        if (k < 0 && k != GN_E_WOULD_BLOCK)
            return done ? done : send_errno(sk, k);
        done += k > 0 ? k : 0;
        if (k < len)
            break;
    }
    st->dirty = true;
    return total < 0 ? total : done;
}

/** send_iov() - send(2) and its kin */
static int64_t send_iov(struct sock *sk, const struct iovec *iov, int n, int flags,
                        const struct sockaddr *addr, socklen_t len)
{
    if (flags & MSG_FASTOPEN)
        return fastopen_send(sk, iov, n, flags, addr, len);
    return send_from(sk, iov, n, flags, 0);
}

/** recv_errno() - for what gn_host_recv() said when there was nothing; as on Linux, it is the end
 * of data when the error that ended a connection has been told */
static int64_t recv_errno(int64_t err)
{
    if (err == GN_E_NOT_CONNECTED)
        return 0;
    return err == GN_E_WOULD_BLOCK ? -EAGAIN : sock_errno((enum gn_err)err);
}

/** at_mark() - is the urgent octet the next after @ahead more? */
static bool at_mark(const struct sock *sk, int64_t ahead)
{
    uint32_t at;

    return gn_host_mark(sk->stack->host, sk->handle, &at) && at == ahead;
}

/** put_pieces() - @spans of text into the pieces from octet @done on; octets */
static int64_t put_pieces(struct gn_span s[2], int spans, const struct iovec *iov, int n,
                          size_t done)
{
    int64_t got = 0;

    for (int i = 0, k = 0; i < n && k < spans; i++) {
        size_t at = done < iov[i].iov_len ? done : iov[i].iov_len;

        done -= at;
        while (at < iov[i].iov_len && k < spans) {
            uint32_t take = (uint32_t)min_u64(iov[i].iov_len - at, s[k].len);

            memcpy((uint8_t *)iov[i].iov_base + at, s[k].ptr, take);
            s[k] = (struct gn_span){s[k].ptr + take, s[k].len - take};
            k += s[k].len == 0;
            at += take;
            got += take;
        }
    }
    return got;
}

/** recv_some() - what is there, up to an urgent octet, into the pieces from octet @done on; @peek:
 * and it stays there. Octets, 0 at the end, or negative gn_err. One look for all pieces: an error
 * or the end behind the text is left for the next call */
static int64_t recv_some(struct sock *sk, const struct iovec *iov, int n, size_t done, bool peek)
{
    struct gn_stack *st = sk->stack;
    struct gn_span s[2];
    int spans = gn_host_recv_data(st->host, sk->handle, s);
    int64_t got;

    if (spans <= 0)
        return spans;
    got = put_pieces(s, spans, iov, n, done);
    if (peek)
        return got;
    (void)gn_host_recv_done(st->host, sk->handle, (size_t)got, stack_now(st));
    st->dirty = true;
    return got;
}

/** recv_finished() - with @done octets at hand: is there an end or an error that the next call
 * shall tell, or the mark? */
static bool recv_finished(const struct sock *sk, int64_t done, bool peek)
{
    struct gn_span s[2];
    unsigned what = gn_host_poll(sk->stack->host, sk->handle);

    if (done == 0)
        return false;
    if (at_mark(sk, peek ? done : 0))
        return true;
    if (!(what & (GN_EV_EOF | GN_EV_ERROR | GN_EV_CLOSED)))
        return false;
    /* what is merely looked at does not make room for more */
    return peek || what & GN_EV_ERROR || gn_host_recv_data(sk->stack->host, sk->handle, s) <= 0;
}

/** recv_target() - octets, of @total asked for, that a call waits for */
static int64_t recv_target(const struct sock *sk, int64_t total, int flags)
{
    int64_t low = (sk->opt_set >> GN_OPT_RCVLOWAT & 1) ? (int64_t)sk->opt[GN_OPT_RCVLOWAT] : 1;

    return flags & MSG_WAITALL || low > total ? total : low;
}

/** recv_until() - what comes, until there are @target octets; @peek: without taking it; octets, 0
 * at the end, or negative errno */
static int64_t recv_until(struct sock *sk, const struct iovec *iov, int n, int64_t target,
                          bool peek, gn_time until)
{
    int64_t done = 0, r = 0;

    while (!r && done < target) {
        int64_t k;

        if (!has_connection(sk))
            return done ? done : without(sk, ENOTCONN);
        if (recv_finished(sk, done, peek))
            break;
        k = recv_some(sk, iov, n, peek ? 0 : (size_t)done, peek);
        if (k <= 0 && k != GN_E_WOULD_BLOCK)
            return done ? done : recv_errno(k);
        if (k > 0)
            done = peek ? k : done + k;
        if (done < target)
            r = wait_more(sk, until);
    }
    return done ? done : r;
}

/** recv_iov() - recv(2) and its kin */
static int64_t recv_iov(struct sock *sk, const struct iovec *iov, int n, int flags)
{
    gn_time until = sock_until(sk, sk->rcvtimeo, sk->nonblock || flags & MSG_DONTWAIT);
    int64_t total = iov_total(iov, n), k;

    if (total < 0)
        return total;
    if (total == 0) { /* as on Linux it waits for something that could be read */
        struct iovec one = {.iov_base = &(char){0}, .iov_len = 1};

        k = recv_until(sk, &one, 1, 1, true, until);
        return k > 0 ? 0 : k;
    }
    return recv_until(sk, iov, n, recv_target(sk, total, flags), (flags & MSG_PEEK) != 0, until);
}

/** recv_scrap() - MSG_TRUNC: read up to @len octets and throw them away */
static int64_t recv_scrap(struct sock *sk, size_t len, int flags)
{
    uint8_t scrap[SCRAP];
    int64_t done = 0, k;

    do {
        struct iovec iov = {.iov_base = scrap, .iov_len = (size_t)min_u64(len, sizeof(scrap))};

        k = recv_iov(sk, &iov, 1, done ? (flags & MSG_WAITALL) | MSG_DONTWAIT : flags);
        if (k <= 0)
            return done ? done : k;
        done += k;
        len -= (size_t)k;
    } while (len && (size_t)k == sizeof(scrap));
    return done;
}

/** recv_urgent() - MSG_OOB: the urgent octet alone; never blocks (Linux and the BSDs agree) */
static int64_t recv_urgent(struct sock *sk, const struct iovec *iov, int n, int flags)
{
    unsigned f = GN_RECV_URGENT | (flags & MSG_PEEK ? GN_RECV_PEEK : 0);
    int64_t total = iov_total(iov, n), k;
    uint8_t octet;

    if (total < 0)
        return total;
    k = gn_host_recv(sk->stack->host, sk->handle, &octet, total > 0, f, stack_now(sk->stack));
    for (int i = 0; k > 0 && i < n; i++) {
        if (!iov[i].iov_len)
            continue;
        *(uint8_t *)iov[i].iov_base = octet;
        break;
    }
    return k >= 0 ? k : recv_errno(k);
}

/** recv_flags() - what kinds of reading there are */
static int64_t recv_flags(struct sock *sk, const struct iovec *iov, int n, int flags)
{
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (!has_connection(sk))
        return flags & MSG_OOB && sk->phase == PHASE_IDLE ? -EINVAL : without(sk, ENOTCONN);
    if (flags & MSG_OOB)
        return recv_urgent(sk, iov, n, flags);
    if (flags & MSG_TRUNC && !(flags & MSG_PEEK) && n == 1)
        return recv_scrap(sk, iov->iov_len, flags);
    return recv_iov(sk, iov, n, flags);
}

ssize_t gn_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t alen)
{
    struct sock *sk = call_begin(fd);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

    return sk ? (ssize_t)call_end(sk, send_iov(sk, &iov, 1, flags, addr, alen)) : -1;
}

ssize_t gn_send(int fd, const void *buf, size_t len, int flags)
{
    return gn_sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t gn_recv(int fd, void *buf, size_t len, int flags)
{
    struct sock *sk = call_begin(fd);
    struct iovec iov = {.iov_base = buf, .iov_len = len};

    return sk ? (ssize_t)call_end(sk, recv_flags(sk, &iov, 1, flags)) : -1;
}

ssize_t gn_read(int fd, void *buf, size_t len)
{
    return gn_recv(fd, buf, len, 0);
}

ssize_t gn_write(int fd, const void *buf, size_t len)
{
    return gn_send(fd, buf, len, 0);
}

ssize_t gn_readv(int fd, const struct iovec *iov, int n)
{
    struct sock *sk = call_begin(fd);

    return sk ? (ssize_t)call_end(sk, recv_flags(sk, iov, n, 0)) : -1;
}

ssize_t gn_writev(int fd, const struct iovec *iov, int n)
{
    struct sock *sk = call_begin(fd);

    return sk ? (ssize_t)call_end(sk, send_iov(sk, iov, n, 0, NULL, 0)) : -1;
}

ssize_t gn_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct sock *sk = call_begin(fd);
    int64_t r = -EFAULT;

    if (!sk)
        return -1;
    if (m)
        r = m->msg_iovlen > IOV_MAX
                ? -EMSGSIZE
                : send_iov(sk, m->msg_iov, (int)m->msg_iovlen, flags, m->msg_name, m->msg_namelen);
    return (ssize_t)call_end(sk, r);
}

ssize_t gn_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct sock *sk = call_begin(fd);
    int64_t r = -EFAULT;

    if (!sk)
        return -1;
    if (m) {
        r = m->msg_iovlen > IOV_MAX ? -EMSGSIZE
                                    : recv_flags(sk, m->msg_iov, (int)m->msg_iovlen, flags);
        m->msg_controllen = 0;
        m->msg_namelen = 0;
        m->msg_flags = r > 0 ? flags & MSG_OOB : 0;
    }
    return (ssize_t)call_end(sk, r);
}
