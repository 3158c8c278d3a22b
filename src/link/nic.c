/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nic.c  An Ethernet interface that a link shares with the kernel.
 *
 * The host on it has a MAC of its own unless told otherwise. To the kernel's stack frames for that
 * MAC are somebody else's: it neither answers nor forwards them, whatever its settings, just as if
 * the host were another machine on the wire. For the same reason the kernel's own stack cannot talk
 * to the host through that interface: what it sends goes out of the other end.
 */
#define _GNU_SOURCE
#include "link/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MTU_MIN 576

/** nic_fail() - the reason @err of interface @name; always false */
static bool nic_fail(struct gn_link_error *ret_err, int err, const char *name, const char *text)
{
    link_fail(ret_err, err, "interface %s%s", name, text);
    return false;
}

/** nic_address() - our MAC: as told, or the kernel's made a local one with its last bit flipped */
static void nic_address(const uint8_t *wanted, const uint8_t *kernel, struct nic *n)
{
    static const uint8_t none[6];

    if (memcmp(wanted, none, 6) != 0) {
        memcpy(n->mac, wanted, 6);
    } else {
        memcpy(n->mac, kernel, 6);
        n->mac[0] = (n->mac[0] & 0xfe) | 2; /* unicast, locally administered */
        n->mac[5] ^= 1;
    }
    n->kernel_mac = !memcmp(n->mac, kernel, 6);
}

/** nic_mtu() - the interface's, or less if so told; false: it takes no such packets */
static bool nic_mtu(const struct gn_nic_config *c, int mtu, struct nic *n,
                    struct gn_link_error *ret_err)
{
    if (mtu < MTU_MIN || c->mtu > mtu) {
        link_fail(ret_err, 0, "interface %s has an MTU of %d, not %u", n->name, mtu,
                  c->mtu ? c->mtu : MTU_MIN);
        return false;
    }
    n->mtu = c->mtu ? c->mtu : mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
    return true;
}

/** nic_ask() - nic_look() by means of socket @fd */
static bool nic_ask(const struct gn_nic_config *c, int fd, struct nic *n,
                    struct gn_link_error *ret_err)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq req = {0};

    memcpy(req.ifr_name, n->name, sizeof req.ifr_name);
    if (ioctl(fd, SIOCGIFINDEX, &req) < 0)
        return nic_fail(ret_err, errno, n->name, "");
    n->index = req.ifr_ifindex;
    if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
        return nic_fail(ret_err, errno, n->name, "");
    if (!(req.ifr_flags & IFF_UP))
        return nic_fail(ret_err, ENETDOWN, n->name, " is not up (ip link set dev NAME up)");
    if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
        return nic_fail(ret_err, errno, n->name, "");
    if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return nic_fail(ret_err, 0, n->name, " is no Ethernet interface");
    nic_address(c->mac, (const uint8_t *)req.ifr_hwaddr.sa_data, n);
    if (ioctl(fd, SIOCGIFMTU, &req) < 0)
        return nic_fail(ret_err, errno, n->name, "");
    if (!nic_mtu(c, req.ifr_mtu, n, ret_err))
        return false;
    req.ifr_data = (char *)&info;
    if (ioctl(fd, SIOCETHTOOL, &req) == 0)
        memcpy(n->driver, info.driver, sizeof n->driver - 1);
    return true;
}

bool nic_look(const struct gn_nic_config *c, struct nic *ret, struct gn_link_error *ret_err)
{
    int fd;
    bool good;

    *ret = (struct nic){0};
    if (strlen(c->name) >= sizeof ret->name)
        return nic_fail(ret_err, ENODEV, c->name, "");
    memcpy(ret->name, c->name, strlen(c->name) + 1);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return nic_fail(ret_err, errno, c->name, "");
    good = nic_ask(c, fd, ret, ret_err);
    close(fd);
    return good;
}

int nic_join(const struct nic *n, int fd)
{
    struct packet_mreq m = {.mr_ifindex = n->index, .mr_type = PACKET_MR_ALLMULTI};

    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) < 0)
        return -errno;
    if (n->kernel_mac)
        return 0;
    m.mr_type = PACKET_MR_UNICAST;
    m.mr_alen = 6;
    memcpy(m.mr_address, n->mac, 6);
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) < 0 ? -errno : 0;
}

unsigned nic_queues(const struct nic *n)
{
    char path[64];
    unsigned queues = 0;

    do
        snprintf(path, sizeof path, "/sys/class/net/%s/queues/rx-%u", n->name, queues);
    while (access(path, F_OK) == 0 && ++queues < 1024);
    return queues;
}

int nic_error(const struct nic *n, int fd)
{
    char name[IF_NAMESIZE];
    socklen_t len = sizeof(int);
    int err = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return -errno;
    if (err && !if_indextoname((unsigned)n->index, name))
        err = ENODEV;
    return -err;
}

struct gn_iface nic_iface(const struct nic *n, unsigned caps)
{
    struct gn_iface i = {.medium = GN_MEDIUM_ETHERNET, .mtu = n->mtu, .caps = caps};

    memcpy(i.mac, n->mac, sizeof i.mac);
    memcpy(i.name, n->name, sizeof i.name);
    return i;
}
