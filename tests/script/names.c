/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file names.c  The constants that scripts may name.
 */
#define _GNU_SOURCE

#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define NAME(n)            \
    {                      \
#n, (long long)(n) \
    }

static const struct name {
    const char *name;
    long long value;
} names[] = {
    NAME(AF_INET),
    NAME(AF_INET6),
    NAME(AF_UNSPEC),
    NAME(SOCK_STREAM),
    NAME(SOCK_DGRAM),
    NAME(SOCK_NONBLOCK),
    NAME(SOCK_CLOEXEC),
    NAME(IPPROTO_TCP),
    NAME(IPPROTO_UDP),
    NAME(IPPROTO_IP),
    NAME(IPPROTO_IPV6),
    NAME(SOL_SOCKET),
    NAME(SOL_TCP),
    NAME(SOL_IP),
    NAME(SOL_IPV6),
    NAME(SHUT_RD),
    NAME(SHUT_WR),
    NAME(SHUT_RDWR),
    NAME(F_GETFL),
    NAME(F_SETFL),
    NAME(F_GETFD),
    NAME(F_SETFD),
    NAME(O_RDWR),
    NAME(O_NONBLOCK),
    NAME(O_RDONLY),
    NAME(O_WRONLY),
    NAME(FD_CLOEXEC),
    NAME(SO_REUSEADDR),
    NAME(SO_REUSEPORT),
    NAME(SO_KEEPALIVE),
    NAME(SO_LINGER),
    NAME(SO_ERROR),
    NAME(SO_RCVBUF),
    NAME(SO_SNDBUF),
    NAME(SO_RCVLOWAT),
    NAME(SO_SNDLOWAT),
    NAME(SO_OOBINLINE),
    NAME(SO_RCVTIMEO),
    NAME(SO_SNDTIMEO),
    NAME(SO_TYPE),
    NAME(SO_DOMAIN),
    NAME(SO_PROTOCOL),
    NAME(SO_ACCEPTCONN),
    NAME(SO_ZEROCOPY),
    NAME(SO_TIMESTAMPING),
    NAME(SO_PRIORITY),
    NAME(SO_MARK),
    NAME(TCP_NODELAY),
    NAME(TCP_CORK),
    NAME(TCP_MAXSEG),
    NAME(TCP_KEEPIDLE),
    NAME(TCP_KEEPINTVL),
    NAME(TCP_KEEPCNT),
    NAME(TCP_SYNCNT),
    NAME(TCP_LINGER2),
    NAME(TCP_DEFER_ACCEPT),
    NAME(TCP_USER_TIMEOUT),
    NAME(TCP_QUICKACK),
    NAME(TCP_INFO),
    NAME(TCP_CONGESTION),
    NAME(TCP_FASTOPEN),
    NAME(TCP_NOTSENT_LOWAT),
    NAME(TCP_WINDOW_CLAMP),
    NAME(TCP_FASTOPEN_CONNECT),
    NAME(TCP_FASTOPEN_KEY),
    NAME(IP_TOS),
    NAME(IP_TTL),
    NAME(IP_MTU),
    NAME(IP_MTU_DISCOVER),
    NAME(IP_RECVERR),
    NAME(IP_MTU_DISCOVER),
    NAME(IP_PMTUDISC_DONT),
    NAME(IP_PMTUDISC_DO),
    NAME(IP_RECVERR),
    NAME(IPV6_V6ONLY),
    NAME(IPV6_UNICAST_HOPS),
    NAME(IPV6_TCLASS),
    NAME(MSG_PEEK),
    NAME(MSG_DONTWAIT),
    NAME(MSG_WAITALL),
    NAME(MSG_OOB),
    NAME(MSG_TRUNC),
    NAME(MSG_MORE),
    NAME(MSG_EOR),
    NAME(MSG_NOSIGNAL),
    NAME(MSG_FASTOPEN),
    NAME(MSG_ZEROCOPY),
    NAME(MSG_ERRQUEUE),
    NAME(POLLIN),
    NAME(POLLOUT),
    NAME(POLLERR),
    NAME(POLLHUP),
    NAME(POLLPRI),
    NAME(POLLNVAL),
    NAME(POLLRDHUP),
    NAME(POLLRDNORM),
    NAME(POLLWRNORM),
    NAME(EPOLLIN),
    NAME(EPOLLOUT),
    NAME(EPOLLERR),
    NAME(EPOLLHUP),
    NAME(EPOLLPRI),
    NAME(EPOLLRDHUP),
    NAME(EPOLLRDNORM),
    NAME(EPOLLWRNORM),
    NAME(EPOLLET),
    NAME(EPOLLONESHOT),
    NAME(EPOLL_CTL_ADD),
    NAME(EPOLL_CTL_MOD),
    NAME(EPOLL_CTL_DEL),
    NAME(SIOCINQ),
    NAME(SIOCOUTQ),
    NAME(FIONREAD),
    NAME(FIONBIO),
    NAME(SIOCOUTQNSD),
    NAME(TCP_CA_Open),
    NAME(TCP_CA_Disorder),
    NAME(TCP_CA_CWR),
    NAME(TCP_CA_Recovery),
    NAME(TCP_CA_Loss),
    NAME(TCPI_OPT_TIMESTAMPS),
    NAME(TCPI_OPT_SACK),
    NAME(TCPI_OPT_WSCALE),
    NAME(TCPI_OPT_ECN),
    NAME(TCP_ESTABLISHED),
    NAME(TCP_SYN_SENT),
    NAME(TCP_SYN_RECV),
    NAME(TCP_FIN_WAIT1),
    NAME(TCP_FIN_WAIT2),
    NAME(TCP_TIME_WAIT),
    NAME(TCP_CLOSE),
    NAME(TCP_CLOSE_WAIT),
    NAME(TCP_LAST_ACK),
    NAME(TCP_LISTEN),
    NAME(TCP_CLOSING),
    {"NULL", 0},
};

static const struct name errors[] = {
    NAME(EACCES),       NAME(EADDRINUSE), NAME(EADDRNOTAVAIL),   NAME(EAFNOSUPPORT),
    NAME(EAGAIN),       NAME(EALREADY),   NAME(EBADF),           NAME(ECONNABORTED),
    NAME(ECONNREFUSED), NAME(ECONNRESET), NAME(EDEADLK),         NAME(EDOM),
    NAME(EEXIST),       NAME(EFAULT),     NAME(EHOSTUNREACH),    NAME(EINPROGRESS),
    NAME(EINTR),        NAME(EINVAL),     NAME(EISCONN),         NAME(EMFILE),
    NAME(EMSGSIZE),     NAME(ENETDOWN),   NAME(ENETUNREACH),     NAME(ENOBUFS),
    NAME(ENOENT),       NAME(ENOMEM),     NAME(ENOPROTOOPT),     NAME(ENOTCONN),
    NAME(ENOTSOCK),     NAME(ENOTTY),     NAME(EOPNOTSUPP),      NAME(EPERM),
    NAME(EPIPE),        NAME(EPROTO),     NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT),
    NAME(ESPIPE),       NAME(ETIMEDOUT),  NAME(ENOSPC),          NAME(ENOSYS),
};

bool name_value(const char *name, long long *ret)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(names[i].name, name)) {
            *ret = names[i].value;
            return true;
        }
    }
    return false;
}

int errno_value(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (!strcmp(errors[i].name, name))
            return (int)errors[i].value;
    return 0;
}

const char *errno_name(int err)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].value == err)
            return errors[i].name;
    return "an unnamed error";
}
