/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file interface.c  packetdrill's table of calls over a drill.
 *
 * packetdrill spins on gettimeofday() for the last microseconds before an event, and asks for
 * packets again and again until there is one. So each look at the clock takes a microsecond of
 * virtual time, and netdev_receive() lets as much time pass as a conforming stack may take; after
 * that it hands over an empty packet, which packetdrill reports as an error.
 */
#define _GNU_SOURCE

#include "packetdrill/interface.h"

#include "packetdrill/drill.h"
#include "packetdrill/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK         GN_USEC
#define LONGEST_WAIT (8000 * GN_SEC) /* a keep-alive's two hours and some */
#define SPLICE_MAX   65536

static _Thread_local gn_time call_end; /* when the thread's blocking call ended, 0: told already */

static struct drill *current; /* a process plays one script */

struct drill *interface_drill(void)
{
    return current;
}

/* --- calls of other threads may sleep --- */

/** begin() - a call on a socket that may block */
static void begin(struct drill *d)
{
    if (!drill_is_main(d))
        drill_enter(d);
}

/** end() - it is over; errno survives */
static void end(struct drill *d)
{
    int err = errno;

    if (!drill_is_main(d))
        call_end = drill_leave(d);
    errno = err;
}

#define BLOCKING(d, call) \
    do {                  \
        ssize_t r_;       \
                          \
        begin(d);         \
        r_ = (call);      \
        end(d);           \
        return r_;        \
    } while (0)

static void ifc_free(void *u)
{
    current = NULL;
    (void)drill_free(u);
    fds_clear();
}

/** wrap() - a number of the kernel's for one of ours; -1 stays -1 */
static int wrap(int sock)
{
    int fd, err;

    if (sock < 0)
        return -1;
    fd = fds_new((struct fd_entry){.kind = FD_SOCKET, .sock = sock});
    if (fd >= 0)
        return fd;
    err = errno;
    (void)gn_close(sock);
    errno = err;
    return -1;
}

static int ifc_socket(void *u, int domain, int type, int protocol)
{
    return wrap(gn_socket_on(drill_stack(u), domain, type, protocol));
}

static int ifc_bind(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
    (void)u;
    return gn_bind(fds_sock(fd), addr, len);
}

static int ifc_listen(void *u, int fd, int backlog)
{
    (void)u;
    return gn_listen(fds_sock(fd), backlog);
}

/** accept_wrapped() - accept() and a number for what it gives */
static int accept_wrapped(int fd, struct sockaddr *addr, socklen_t *len)
{
    return wrap(gn_accept(fds_sock(fd), addr, len));
}

static int ifc_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len)
{
    int r;

    begin(u);
    r = accept_wrapped(fd, addr, len);
    end(u);
    return r;
}

static int ifc_connect(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
    int r;

    begin(u);
    r = gn_connect(fds_sock(fd), addr, len);
    end(u);
    return r;
}

static ssize_t ifc_read(void *u, int fd, void *buf, size_t count)
{
    if (fds_get(fd).kind == FD_KERNEL)
        return read(fd, buf, count);
    BLOCKING(u, gn_read(fds_sock(fd), buf, count));
}

static ssize_t ifc_readv(void *u, int fd, const struct iovec *iov, int n)
{
    if (fds_get(fd).kind == FD_KERNEL)
        return readv(fd, iov, n);
    BLOCKING(u, gn_readv(fds_sock(fd), iov, n));
}

static ssize_t ifc_recv(void *u, int fd, void *buf, size_t len, int flags)
{
    BLOCKING(u, gn_recv(fds_sock(fd), buf, len, flags));
}

static ssize_t ifc_recvfrom(void *u, int fd, void *buf, size_t len, int flags,
                            struct sockaddr *addr, socklen_t *addr_len)
{
    if (addr && addr_len)
        *addr_len = 0; /* TCP on Linux leaves it empty */
    return ifc_recv(u, fd, buf, len, flags);
}

static ssize_t ifc_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
    BLOCKING(u, gn_recvmsg(fds_sock(fd), m, flags));
}

static ssize_t ifc_write(void *u, int fd, const void *buf, size_t count)
{
    if (fds_get(fd).kind == FD_KERNEL)
        return write(fd, buf, count);
    BLOCKING(u, gn_write(fds_sock(fd), buf, count));
}

static ssize_t ifc_writev(void *u, int fd, const struct iovec *iov, int n)
{
    if (fds_get(fd).kind == FD_KERNEL)
        return writev(fd, iov, n);
    BLOCKING(u, gn_writev(fds_sock(fd), iov, n));
}

static ssize_t ifc_send(void *u, int fd, const void *buf, size_t len, int flags)
{
    BLOCKING(u, gn_send(fds_sock(fd), buf, len, flags));
}

static ssize_t ifc_sendto(void *u, int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, socklen_t addr_len)
{
    BLOCKING(u, gn_sendto(fds_sock(fd), buf, len, flags, addr, addr_len));
}

static ssize_t ifc_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
    BLOCKING(u, gn_sendmsg(fds_sock(fd), m, flags));
}

static int ifc_fcntl(void *u, int fd, int cmd, ...)
{
    int arg = 0;
    va_list ap;

    (void)u;
    if (cmd == F_SETFL || cmd == F_SETFD) {
        va_start(ap, cmd);
        arg = va_arg(ap, int);
        va_end(ap);
    }
    if (fds_get(fd).kind == FD_KERNEL)
        return fcntl(fd, cmd, arg);
    return gn_fcntl(fds_sock(fd), cmd, arg);
}

static int ifc_ioctl(void *u, int fd, unsigned long request, ...)
{
    va_list ap;
    int *arg;

    (void)u;
    va_start(ap, request);
    arg = va_arg(ap, int *);
    va_end(ap);
    return gn_ioctl(fds_sock(fd), request, arg);
}

static int ifc_close(void *u, int fd)
{
    struct fd_entry e = fds_get(fd);
    int r = 0;

    if (e.kind == FD_SOCKET) {
        begin(u);
        r = gn_close(e.sock);
        end(u);
    }
    return fds_drop(fd) || r ? -1 : 0;
}

static int ifc_shutdown(void *u, int fd, int how)
{
    (void)u;
    return gn_shutdown(fds_sock(fd), how);
}

static int ifc_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
    (void)u;
    return gn_getsockopt(fds_sock(fd), level, name, value, len);
}

static int ifc_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len)
{
    (void)u;
    return gn_setsockopt(fds_sock(fd), level, name, value, len);
}

static int ifc_poll(void *u, struct pollfd *fds, nfds_t n, int timeout)
{
    struct pollfd p[64];
    int r;

    if (n > sizeof(p) / sizeof(p[0]) || (n && !fds)) {
        errno = fds ? EINVAL : EFAULT;
        return -1;
    }
    for (nfds_t i = 0; i < n; i++)
        p[i] = (struct pollfd){.fd = fds[i].fd < 0 ? -1 : fds_sock(fds[i].fd),
                               .events = fds[i].events};
    begin(u);
    r = gn_poll(p, n, timeout);
    end(u);
    for (nfds_t i = 0; i < n; i++)
        fds[i].revents = p[i].revents;
    return r;
}

/* --- packets and time --- */

static int ifc_netdev_send(void *u, const void *buf, size_t count)
{
    drill_send(u, buf, (uint32_t)count);
    return 0;
}

static int ifc_netdev_receive(void *u, void *buf, size_t *count, long long *time_usecs)
{
    struct drill_packet *p = drill_receive(u, drill_now(u) + LONGEST_WAIT);

    *time_usecs = (long long)(drill_now(u) / GN_USEC);
    if (!p) {
        *count = 0;
        return 0;
    }
    if (p->len < *count)
        *count = p->len;
    memcpy(buf, p->data, *count);
    *time_usecs = (long long)(p->at / GN_USEC);
    free(p);
    return 0;
}

static int ifc_usleep(void *u, unsigned usecs)
{
    drill_pass(u, drill_now(u) + usecs * GN_USEC);
    return 0;
}

static int ifc_gettimeofday(void *u, struct timeval *tv, void *tz)
{
    gn_time t = call_end;

    (void)tz;
    if (t) {
        call_end = 0;
        drill_noted(u);
    } else { /* the thread of blocking calls waits for their time here, too */
        drill_pass(u, drill_now(u) + TICK);
        t = drill_now(u);
    }
    tv->tv_sec = (time_t)(t / GN_SEC);
    tv->tv_usec = (suseconds_t)(t % GN_SEC / GN_USEC);
    return 0;
}

/* --- epoll, pipe, splice --- */

static int ifc_epoll_create(void *u, int size)
{
    if (size > 0)
        return wrap(gn_epoll_create_on(drill_stack(u), 0));
    errno = EINVAL;
    return -1;
}

static int ifc_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *ev)
{
    (void)u;
    return gn_epoll_ctl(fds_sock(epfd), op, fds_sock(fd), ev);
}

static int ifc_epoll_wait(void *u, int epfd, struct epoll_event *ev, int max, int timeout)
{
    int r;

    begin(u);
    r = gn_epoll_wait(fds_sock(epfd), ev, max, timeout);
    end(u);
    return r;
}

static int ifc_pipe(void *u, int fds[2])
{
    (void)u;
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
        return -1;
    if (!fds_set(fds[0], (struct fd_entry){.kind = FD_KERNEL}) &&
        !fds_set(fds[1], (struct fd_entry){.kind = FD_KERNEL}))
        return 0;
    close(fds[0]);
    close(fds[1]);
    return -1;
}

static int ifc_splice(void *u, int in, int64_t *in_at, int out, int64_t *out_at, size_t len,
                      unsigned flags)
{
    char buf[SPLICE_MAX];
    ssize_t n;

    (void)flags;
    if (in_at || out_at) {
        errno = ESPIPE;
        return -1;
    }
    if (len > sizeof(buf))
        len = sizeof(buf);
    n = ifc_read(u, in, buf, len);
    return (int)(n > 0 ? ifc_write(u, out, buf, (size_t)n) : n);
}

void interface_fill(struct drill *d, struct packetdrill_interface *ret)
{
    *ret = (struct packetdrill_interface){
        .userdata = d,
        .free = ifc_free,
        .socket = ifc_socket,
        .bind = ifc_bind,
        .listen = ifc_listen,
        .accept = ifc_accept,
        .connect = ifc_connect,
        .read = ifc_read,
        .readv = ifc_readv,
        .recv = ifc_recv,
        .recvfrom = ifc_recvfrom,
        .recvmsg = ifc_recvmsg,
        .write = ifc_write,
        .writev = ifc_writev,
        .send = ifc_send,
        .sendto = ifc_sendto,
        .sendmsg = ifc_sendmsg,
        .fcntl = ifc_fcntl,
        .ioctl = ifc_ioctl,
        .close = ifc_close,
        .shutdown = ifc_shutdown,
        .getsockopt = ifc_getsockopt,
        .setsockopt = ifc_setsockopt,
        .poll = ifc_poll,
        .netdev_send = ifc_netdev_send,
        .netdev_receive = ifc_netdev_receive,
        .usleep = ifc_usleep,
        .gettimeofday = ifc_gettimeofday,
        .epoll_create = ifc_epoll_create,
        .epoll_ctl = ifc_epoll_ctl,
        .epoll_wait = ifc_epoll_wait,
        .pipe = ifc_pipe,
        .splice = ifc_splice,
    };
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
    struct drill_config c;
    struct drill *d;
    char bad[64];

    drill_config_default(&c);
    c.patient = c.tso = true;
    if (!drill_config_flags(&c, flags, bad)) {
        fprintf(stderr, "gannet: --so_flags: cannot use \"%s\"\n", bad);
        exit(1);
    }
    d = drill_new(&c);
    if (!d) {
        fprintf(stderr, "gannet: no memory, or knobs that do not go together\n");
        exit(1);
    }
    current = d;
    interface_fill(d, ifc);
}
