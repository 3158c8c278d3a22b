/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "door.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int kernel_socket(int side)
{
    (void)side;
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

useconds_t door_patience = 200;

/* what one end of the loopback sends is there when the call returns, but for a busy machine */
static void kernel_pass(void)
{
    usleep(door_patience);
}

static int our_socket(int side)
{
    return gn_socket_on(net.stack[side], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static int our_epoll_create(int flags)
{
    return gn_epoll_create_on(net.stack[0], flags);
}

static void our_pass(void)
{
    net_pass(100 * GN_MSEC);
}

static int kernel_bind(int fd, const struct sockaddr *a, socklen_t n)
{
    return bind(fd, a, n);
}

static int kernel_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    return accept4(fd, a, n, flags);
}

static int kernel_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    return connect(fd, a, n);
}

static int kernel_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
    return getsockname(fd, a, n);
}

static int kernel_getpeername(int fd, struct sockaddr *a, socklen_t *n)
{
    return getpeername(fd, a, n);
}

const struct door doors[2] = {
    {kernel_socket,
     kernel_bind,
     listen,
     kernel_accept4,
     kernel_connect,
     shutdown,
     close,
     send,
     recv,
     getsockopt,
     setsockopt,
     kernel_getsockname,
     kernel_getpeername,
     ioctl,
     fcntl,
     poll,
     epoll_create1,
     epoll_ctl,
     epoll_wait,
     kernel_pass,
     INADDR_LOOPBACK},
    {our_socket,     gn_bind,  gn_listen, gn_accept4,    gn_connect,       gn_shutdown,
     gn_close,       gn_send,  gn_recv,   gn_getsockopt, gn_setsockopt,    gn_getsockname,
     gn_getpeername, gn_ioctl, gn_fcntl,  gn_poll,       our_epoll_create, gn_epoll_ctl,
     gn_epoll_wait,  our_pass, 0x0a000002}};
