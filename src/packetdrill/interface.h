/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file interface.h  What packetdrill asks of a stack that it loads with --so_filename: one
 * function that fills a table of calls. Order and types of the members are packetdrill's binary
 * interface; each takes the table's userdata first and otherwise is the POSIX call of its name
 * (useconds_t and loff_t are written as what they are, to need no extensions of the C library).
 */
#ifndef GN_PACKETDRILL_INTERFACE_H
#define GN_PACKETDRILL_INTERFACE_H

#include <gannet/types.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *u);
    int (*socket)(void *u, int domain, int type, int protocol);
    int (*bind)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
    int (*listen)(void *u, int fd, int backlog);
    int (*accept)(void *u, int fd, struct sockaddr *addr, socklen_t *len);
    int (*connect)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
    ssize_t (*read)(void *u, int fd, void *buf, size_t count);
    ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int n);
    ssize_t (*recv)(void *u, int fd, void *buf, size_t len, int flags);
    ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                        socklen_t *addr_len);
    ssize_t (*recvmsg)(void *u, int fd, struct msghdr *m, int flags);
    ssize_t (*write)(void *u, int fd, const void *buf, size_t count);
    ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int n);
    ssize_t (*send)(void *u, int fd, const void *buf, size_t len, int flags);
    ssize_t (*sendto)(void *u, int fd, const void *buf, size_t len, int flags,
                      const struct sockaddr *addr, socklen_t addr_len);
    ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *m, int flags);
    int (*fcntl)(void *u, int fd, int cmd, ...);
    int (*ioctl)(void *u, int fd, unsigned long request, ...);
    int (*close)(void *u, int fd);
    int (*shutdown)(void *u, int fd, int how);
    int (*getsockopt)(void *u, int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(void *u, int fd, int level, int name, const void *value, socklen_t len);
    int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout);
    int (*netdev_send)(void *u, const void *buf, size_t count);
    int (*netdev_receive)(void *u, void *buf, size_t *count, long long *time_usecs);
    int (*usleep)(void *u, unsigned usecs);
    int (*gettimeofday)(void *u, struct timeval *tv, void *tz);
    int (*epoll_create)(void *u, int size);
    int (*epoll_ctl)(void *u, int epfd, int op, int fd, struct epoll_event *e);
    int (*epoll_wait)(void *u, int epfd, struct epoll_event *e, int max, int timeout);
    int (*pipe)(void *u, int fds[2]);
    int (*splice)(void *u, int in, int64_t *in_at, int out, int64_t *out_at, size_t len,
                  unsigned flags);
};

/** packetdrill_interface_init() - @flags: see drill_config_flags(); wrong ones end the process with
 * a message, the interface has no other way to say so */
GN_API void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

struct drill;
/** interface_drill() - that of packetdrill_interface_init(), NULL: none */
struct drill *interface_drill(void);
/** interface_fill() - all members but userdata, whose calls go to @d, which free() frees */
void interface_fill(struct drill *d, struct packetdrill_interface *ret);

#endif
