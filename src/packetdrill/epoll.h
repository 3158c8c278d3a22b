/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file epoll.h  epoll over gn_poll(), for a few sockets.
 *
 * Theory of operation. Level-triggered interest is a poll(). An edge is one of two things: a bit
 * that was not there when the socket was last told of, or progress of the connection since (octets
 * arrived or acknowledged, a state entered), as Linux wakes for each of these anew.
 */
#ifndef GN_PACKETDRILL_EPOLL_H
#define GN_PACKETDRILL_EPOLL_H

#include <gannet/socket.h>

#include <sys/epoll.h>

struct drill_epoll;

struct drill_epoll *drill_epoll_new(void);
void drill_epoll_free(struct drill_epoll *e);
/** drill_epoll_ctl() - @fd: the user's number, @sock: of the socket behind it; -1 and errno: EEXIST
 * ENOENT ENOSPC EINVAL EFAULT */
int drill_epoll_ctl(struct drill_epoll *e, int op, int fd, int sock, const struct epoll_event *ev);
/** drill_epoll_forget() - @fd was closed */
void drill_epoll_forget(struct drill_epoll *e, int fd);
/** drill_epoll_wait() - as epoll_wait(2); -1 and errno */
int drill_epoll_wait(struct drill_epoll *e, struct gn_stack *st, struct epoll_event *ret, int max,
                     int timeout);

#endif
