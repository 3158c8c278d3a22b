/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file netif.c  Setting up the kernel's interfaces: flags and MTU by ioctl, addresses and routes
 * by route netlink.
 */
#define _GNU_SOURCE
#include <gannet/link.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** A netlink request under construction. */
struct request {
    struct nlmsghdr h;
    union {
        struct ifaddrmsg addr;
        struct rtmsg route;
    };
    uint8_t attrs[128];
};

/** netif_ioctl() - one request about interface req->ifr_name; 0 or -errno */
static int netif_ioctl(unsigned long what, struct ifreq *req)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    r = ioctl(fd, what, req) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/** netif_name() - a request about interface @name; 0 or -errno */
static int netif_name(const char *name, struct ifreq *ret)
{
    if (strlen(name) >= sizeof ret->ifr_name)
        return -ENAMETOOLONG;
    memcpy(ret->ifr_name, name, strlen(name) + 1);
    return 0;
}

int gn_netif_up(const char *name)
{
    struct ifreq req;
    int r = netif_name(name, &req);

    if (r == 0)
        r = netif_ioctl(SIOCGIFFLAGS, &req);
    if (r == 0) {
        req.ifr_flags = (short)(req.ifr_flags | IFF_UP);
        r = netif_ioctl(SIOCSIFFLAGS, &req);
    }
    return r;
}

int gn_netif_set_mtu(const char *name, unsigned mtu)
{
    struct ifreq req;
    int r = netif_name(name, &req);

    if (r < 0)
        return r;
    req.ifr_mtu = (int)mtu;
    return netif_ioctl(SIOCSIFMTU, &req);
}

int gn_netif_mtu(const char *name)
{
    struct ifreq req;
    int r = netif_name(name, &req);

    if (r == 0)
        r = netif_ioctl(SIOCGIFMTU, &req);
    return r < 0 ? r : req.ifr_mtu;
}

int gn_netif_watch(void)
{
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), r;

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&group, sizeof group) == 0)
        return fd;
    r = -errno;
    close(fd);
    return r;
}

bool gn_netif_changed(int fd)
{
    char text[4096];
    bool any = false;
    ssize_t n;

    /* a message that was lost (ENOBUFS) is one, too */
    while ((n = recv(fd, text, sizeof text, 0)) > 0 || (n < 0 && errno == ENOBUFS))
        any = true;
    return any;
}

/** request_attr() - append an attribute; the request has room for all that this file puts in */
static void request_attr(struct request *q, unsigned short type, const void *data, size_t len)
{
    struct rtattr *a = (struct rtattr *)(void *)((uint8_t *)q + NLMSG_ALIGN(q->h.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(len);
    memcpy(RTA_DATA(a), data, len);
    q->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->h.nlmsg_len) + RTA_SPACE(len));
}

/** request_addr() - append an address in the form of its family */
static void request_addr(struct request *q, unsigned short type, const struct gn_addr *a)
{
    bool v4 = gn_addr_is_v4(a);

    request_attr(q, type, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

/** What the kernel answers. */
struct answer {
    struct nlmsghdr h;
    union {
        struct nlmsgerr error;
        struct rtmsg route;
    };
    uint8_t more[512];
};

/** request_ask() - send @q and take the answer into *ret, which is zero; 0 or -errno */
static int request_ask(const struct request *q, struct answer *ret)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r = 0;
    ssize_t n;

    if (fd < 0)
        return -errno;
    if (send(fd, q, q->h.nlmsg_len, 0) < 0 || (n = recv(fd, ret, sizeof *ret, 0)) < 0)
        r = -errno;
    else if ((size_t)n < sizeof ret->h + sizeof ret->route)
        r = -EPROTO;
    else if (ret->h.nlmsg_type == NLMSG_ERROR)
        r = ret->error.error;
    close(fd);
    return r;
}

/** request_send() - send @q and wait for the kernel's word; 0 or -errno */
static int request_send(struct request *q)
{
    struct answer a = {0};

    q->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    return request_ask(q, &a);
}

/** netif_takes() - packets to the IPv6 address @a are the kernel's own */
static bool netif_takes(const struct gn_addr *a)
{
    struct request q = {
        .h = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
              .nlmsg_type = RTM_GETROUTE,
              .nlmsg_flags = NLM_F_REQUEST},
    };
    struct answer answer = {0};

    q.route = (struct rtmsg){.rtm_family = AF_INET6, .rtm_dst_len = 128};
    request_addr(&q, RTA_DST, a);
    return request_ask(&q, &answer) == 0 && answer.h.nlmsg_type == RTM_NEWROUTE &&
           answer.route.rtm_type == RTN_LOCAL;
}

/**
 * netif_settle() - wait until a new IPv6 address can be reached, half a second at the most
 *
 * The kernel adds the local route some time later, even without duplicate address detection; until
 * then packets to the address are lost. On an interface that is down it does not come at all.
 */
static void netif_settle(const char *name, const struct gn_addr *a)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct ifreq req;

    if (netif_name(name, &req) < 0 || netif_ioctl(SIOCGIFFLAGS, &req) < 0 ||
        !(req.ifr_flags & IFF_RUNNING))
        return;
    for (unsigned i = 0; i < 500 && !netif_takes(a); i++)
        nanosleep(&pause, NULL);
}

int gn_netif_add_addr(const char *name, struct gn_prefix p)
{
    bool v4 = gn_addr_is_v4(&p.addr);
    uint32_t flags = IFA_F_NODAD;
    int r;
    struct request q = {
        .h = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
              .nlmsg_type = RTM_NEWADDR,
              .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL},
    };

    if (p.len > (v4 ? 32u : 128u))
        return -EINVAL;
    q.addr = (struct ifaddrmsg){.ifa_family = v4 ? AF_INET : AF_INET6,
                                .ifa_prefixlen = (uint8_t)p.len,
                                .ifa_index = if_nametoindex(name)};
    if (q.addr.ifa_index == 0)
        return -errno;
    request_addr(&q, IFA_LOCAL, &p.addr);
    request_addr(&q, IFA_ADDRESS, &p.addr);
    if (!v4)
        request_attr(&q, IFA_FLAGS, &flags, sizeof flags);
    r = request_send(&q);
    if (r == 0 && !v4)
        netif_settle(name, &p.addr);
    return r;
}

int gn_netif_add_route(const char *name, struct gn_prefix dst, struct gn_addr gateway)
{
    bool v4 = gn_addr_is_v4(&dst.addr);
    uint32_t index = if_nametoindex(name);
    struct request q = {
        .h = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
              .nlmsg_type = RTM_NEWROUTE,
              .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL},
    };
    bool on_link = gn_addr_is_any(&gateway);

    if (index == 0)
        return -errno;
    if (dst.len > (v4 ? 32u : 128u))
        return -EINVAL;
    q.route = (struct rtmsg){.rtm_family = v4 ? AF_INET : AF_INET6,
                             .rtm_dst_len = (uint8_t)dst.len,
                             .rtm_table = RT_TABLE_MAIN,
                             .rtm_protocol = RTPROT_STATIC,
                             .rtm_scope = on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                             .rtm_type = RTN_UNICAST};
    if (dst.len > 0)
        request_addr(&q, RTA_DST, &dst.addr);
    request_attr(&q, RTA_OIF, &index, sizeof index);
    if (!on_link)
        request_addr(&q, RTA_GATEWAY, &gateway);
    return request_send(&q);
}
