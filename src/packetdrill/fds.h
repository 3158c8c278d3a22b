/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fds.h  The file descriptors that a script sees: real ones of the kernel, each standing for
 * a socket or an epoll instance of ours, or (pipes) for itself. packetdrill closes what a
 * script leaves open by close(2), so each must be real.
 */
#ifndef GN_PACKETDRILL_FDS_H
#define GN_PACKETDRILL_FDS_H

enum fd_kind { FD_NONE, FD_SOCKET, FD_KERNEL };

struct fd_entry {
    enum fd_kind kind;
    int sock; /* FD_SOCKET: the number of gn_socket() or gn_epoll_create_on() */
};

/** fds_new() - a placeholder for @e (whose contents it keeps); -1 and errno: none left */
int fds_new(struct fd_entry e);
/** fds_set() - @fd is the kernel's and stands for itself; -1: out of range */
int fds_set(int fd, struct fd_entry e);
/** fds_get() - what a number stands for; FD_NONE: nothing of ours */
struct fd_entry fds_get(int fd);
/** fds_sock() - the socket behind a number; -1 (which no socket has): none */
int fds_sock(int fd);
/** fds_drop() - forget it and close the placeholder; 0, or -1 and errno */
int fds_drop(int fd);
/** fds_clear() - all of them */
void fds_clear(void);

#endif
