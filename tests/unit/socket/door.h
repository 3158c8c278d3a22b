/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file door.h  The kernel's sockets and ours behind one set of calls, for tests that compare them.
 */
#ifndef GN_TESTS_SOCKET_DOOR_H
#define GN_TESTS_SOCKET_DOOR_H

#include "net.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

/** The calls of one of the two. */
struct door {
    int (*socket)(int side);
    int (*bind)(int, const struct sockaddr *, socklen_t);
    int (*listen)(int, int);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*connect)(int, const struct sockaddr *, socklen_t);
    int (*shutdown)(int, int);
    int (*close)(int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*recv)(int, void *, size_t, int);
    int (*getsockopt)(int, int, int, void *, socklen_t *);
    int (*setsockopt)(int, int, int, const void *, socklen_t);
    int (*getsockname)(int, struct sockaddr *, socklen_t *);
    int (*getpeername)(int, struct sockaddr *, socklen_t *);
    int (*ioctl)(int, unsigned long, ...);
    int (*fcntl)(int, int, ...);
    int (*poll)(struct pollfd *, nfds_t, int);
    int (*epoll_create)(int);
    int (*epoll_ctl)(int, int, int, struct epoll_event *);
    int (*epoll_wait)(int, struct epoll_event *, int, int);
    void (*pass)(void);
    uint32_t host; /* address of the side that listens, of the other one more or the same */
};

enum { DOOR_KERNEL, DOOR_OURS };

/** doors - the kernel's, over its loopback; ours, from side 0 to side 1 of net_up() */
extern const struct door doors[2];
/** door_patience - how long the kernel gets for what is under way, in microseconds */
extern useconds_t door_patience;

#endif
