/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tun.c  TUN and TAP devices of Linux, with the virtio network header.
 *
 * Each read and write moves one frame with a virtio header in front of it (vnet.h). With the
 * offloads on, the kernel's TCP gives and takes super-segments of up to 64 KiB, and nobody computes
 * a checksum: the packets never leave the machine. A frame is written from where it lies (header,
 * then the borrowed tails); a burst is read into buffers of the link, which the host reads in
 * place.
 */
#define _GNU_SOURCE
#include "link/error.h"
#include "link/steer.h"
#include "link/vnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE      "/dev/net/tun"
#define DEFAULT_MTU 1500
#define RX_BURST    16
#define RX_OCTETS   (128 * 1024) /* of a burst: more does not stay in the cache until it is used */
/* Buffers are not a power of two apart, lest their beginnings share a set of the cache. */
#define RX_STRIDE (68 * 1024 + 64)
#define RX_ROOM   ((uint32_t)(GN_FRAME_MAX + sizeof(struct virtio_net_hdr)))

struct tun {
    struct gn_link link; /* first */
    uint8_t *rx;         /* RX_BURST buffers */
};

/** tun_rx() - gn_link_ops.rx; reads until there is nothing or a burst is full */
static int tun_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct tun *t = (struct tun *)(void *)l;
    size_t got = 0, octets = 0;

    (void)now;
    n = n < RX_BURST ? n : RX_BURST;
    while (got < n && octets < RX_OCTETS) {
        uint8_t *buf = t->rx + got * RX_STRIDE;
        struct virtio_net_hdr h;
        struct gn_frame *f = &frames[got];
        ssize_t r = read(l->fd, buf, RX_ROOM);

        l->stats.rx_calls++;
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno != EAGAIN)
            return got ? (int)got : -errno;
        if (r < 0)
            break;
        if ((size_t)r <= sizeof h) {
            l->stats.rx_dropped++;
            continue;
        }
        memcpy(&h, buf, sizeof h);
        *f = (struct gn_frame){.data = buf + sizeof h, .len = (uint32_t)r - (uint32_t)sizeof h};
        if (!vnet_describe(&h, f)) {
            l->stats.rx_dropped++;
            continue;
        }
        l->stats.rx_frames++;
        l->stats.rx_bytes += f->len;
        octets += f->len;
        l->stats.rx_super += f->gso_size != 0;
        got++;
    }
    return (int)got;
}

/**
 * tun_write() - one frame to the device
 *
 * 1: done with it, sent or refused; 0: the device is full; negative: -errno, the device has gone.
 */
static int tun_write(struct gn_link *l, const struct gn_frame *f)
{
    struct virtio_net_hdr h;
    struct iovec iov[VNET_SPANS];
    unsigned n_iov = vnet_gather(f, l->iface.medium, &h, iov);
    ssize_t r;

    if (n_iov == 0) {
        l->stats.tx_dropped++;
        return 1;
    }
    do {
        r = writev(l->fd, iov, (int)n_iov);
        l->stats.tx_calls++;
    } while (r < 0 && errno == EINTR);
    if (r >= 0) {
        l->stats.tx_frames++;
        l->stats.tx_bytes += (uint64_t)r - sizeof h;
        l->stats.tx_super += f->gso_size != 0;
        return 1;
    }
    if (errno == EAGAIN) {
        l->stats.tx_full++;
        return 0;
    }
    if (errno == EBADF || errno == EBADFD || errno == ENODEV)
        return -errno;
    l->stats.tx_dropped++; /* interface down, no memory, not to the kernel's taste */
    return 1;
}

/** tun_tx() - gn_link_ops.tx */
static int tun_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    (void)now;
    for (size_t i = 0; i < n; i++) {
        int r = tun_write(l, &frames[i]);

        if (r < 0)
            return r;
        if (r == 0)
            return (int)i;
    }
    return (int)n;
}

/** tun_close() - gn_link_ops.close; the kernel removes the device */
static void tun_close(struct gn_link *l)
{
    struct tun *t = (struct tun *)(void *)l;

    if (l->fd >= 0)
        close(l->fd);
    free(t->rx);
    free(t);
}

static const struct gn_link_ops tun_ops = {tun_rx, tun_tx, NULL, tun_close};

/** tun_open() - the file descriptor, or -1 with *ret_err filled */
static int tun_open(struct gn_link_error *ret_err)
{
    int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno == EACCES || errno == EPERM)
        link_fail(ret_err, errno,
                  "cannot open " DEVICE " (needs root, or read and write permission on it)");
    else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        link_fail(ret_err, errno, "cannot open " DEVICE " (is the tun module there?)");
    else
        link_fail(ret_err, errno, "cannot open " DEVICE);
    return -1;
}

/** tun_attach() - make the device; its name goes to t->link.iface.name; false: *ret_err says why */
static bool tun_attach(struct tun *t, const struct gn_tun_config *c, struct gn_link_error *ret_err)
{
    const char *name = c->name ? c->name : "gn%d";
    bool tap = t->link.iface.medium == GN_MEDIUM_ETHERNET;
    unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    int hdr_len = sizeof(struct virtio_net_hdr);
    struct ifreq req = {0};

    if (strlen(name) >= sizeof req.ifr_name) {
        link_fail(ret_err, ENAMETOOLONG, "interface name %s", name);
        return false;
    }
    memcpy(req.ifr_name, name, strlen(name) + 1);
    req.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR |
                            (c->queues ? IFF_MULTI_QUEUE : 0));
    if (ioctl(t->link.fd, TUNSETIFF, &req) < 0) {
        link_fail(ret_err, errno, "cannot make interface %s%s", name,
                  errno == EPERM    ? " (needs CAP_NET_ADMIN: root, or a user namespace)"
                  : errno == EBUSY  ? " (somebody else has it open)"
                  : errno == EINVAL ? " (is there one of another kind?)"
                                    : "");
        return false;
    }
    memcpy(t->link.iface.name, req.ifr_name, sizeof t->link.iface.name);
    if (ioctl(t->link.fd, TUNSETVNETHDRSZ, &hdr_len) < 0 ||
        ioctl(t->link.fd, TUNSETOFFLOAD, c->no_offload ? 0 : offload) < 0) {
        link_fail(ret_err, errno, "cannot set the offloads of %s", req.ifr_name);
        return false;
    }
    return true;
}

/** tun_configure() - MTU, addresses, up: the kernel's end */
static bool tun_configure(struct tun *t, const struct gn_tun_config *c,
                          struct gn_link_error *ret_err)
{
    const char *name = t->link.iface.name;
    int r = gn_netif_set_mtu(name, t->link.iface.mtu);

    if (r < 0) {
        link_fail(ret_err, -r, "cannot set MTU %u on %s", t->link.iface.mtu, name);
        return false;
    }
    r = gn_netif_up(name);
    if (r < 0) {
        link_fail(ret_err, -r, "cannot set %s up", name);
        return false;
    }
    for (unsigned i = 0; i < c->n_kernel_addr; i++) {
        char text[GN_ADDR_TEXT];

        r = gn_netif_add_addr(name, c->kernel_addr[i]);
        if (r < 0 && r != -EEXIST) {
            link_fail(ret_err, -r, "cannot give %s the address %s/%u", name,
                      gn_addr_format(&c->kernel_addr[i].addr, text), c->kernel_addr[i].len);
            return false;
        }
    }
    return true;
}

/** tun_mac() - our MAC at the device: as told, or the kernel's with its last bit flipped */
static bool tun_mac(struct tun *t, const struct gn_tun_config *c, struct gn_link_error *ret_err)
{
    static const uint8_t none[6];
    struct ifreq req = {0};

    if (memcmp(c->mac, none, 6) != 0) {
        memcpy(t->link.iface.mac, c->mac, 6);
        return true;
    }
    if (ioctl(t->link.fd, SIOCGIFHWADDR, &req) < 0) {
        link_fail(ret_err, errno, "cannot read the MAC of %s", t->link.iface.name);
        return false;
    }
    memcpy(t->link.iface.mac, req.ifr_hwaddr.sa_data, 6);
    t->link.iface.mac[0] = (t->link.iface.mac[0] & 0xfe) | 2; /* unicast, locally administered */
    t->link.iface.mac[5] ^= 1;
    return true;
}

/** tun_new() - both constructors */
static struct gn_link *tun_new(const struct gn_tun_config *c, enum gn_medium m,
                               struct gn_link_error *ret_err)
{
    struct tun *t;

    if (c->n_kernel_addr > GN_TUN_ADDRS) {
        link_fail(ret_err, EINVAL, "%u addresses", c->n_kernel_addr);
        return NULL;
    }
    t = calloc(1, sizeof *t);
    if (t)
        t->rx = malloc((size_t)RX_BURST * RX_STRIDE);
    if (!t || !t->rx) {
        link_fail(ret_err, ENOMEM, "cannot make an interface");
        free(t);
        return NULL;
    }
    t->link.ops = &tun_ops;
    t->link.iface.medium = m;
    t->link.iface.mtu = c->mtu ? c->mtu : DEFAULT_MTU;
    t->link.iface.caps = GN_CAP_GATHER;
    t->link.about = c->no_offload
                        ? "a frame a system call; packets of the MTU with checksums, as told"
                        : "a frame a system call; super-segments and no checksums, since "
                          "packets stay in this machine";
    if (!c->no_offload)
        t->link.iface.caps |= GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO;
    t->link.fd = tun_open(ret_err);
    if (t->link.fd < 0 || !tun_attach(t, c, ret_err) ||
        (m == GN_MEDIUM_ETHERNET && !tun_mac(t, c, ret_err)) ||
        (!c->leave_down && !tun_configure(t, c, ret_err))) {
        tun_close(&t->link);
        return NULL;
    }
    return &t->link;
}

struct gn_link *gn_link_tun(const struct gn_tun_config *c, struct gn_link_error *ret_err)
{
    return tun_new(c, GN_MEDIUM_IP, ret_err);
}

struct gn_link *gn_link_tun_queue(const struct gn_link *first, struct gn_link_error *ret_err)
{
    struct gn_tun_config c = {.name = first->iface.name,
                              .mtu = first->iface.mtu,
                              .leave_down = true,
                              .no_offload = !(first->iface.caps & GN_CAP_TSO),
                              .queues = true};

    return tun_new(&c, GN_MEDIUM_IP, ret_err);
}

int gn_link_tun_steer(const struct gn_link *queue, uint32_t key)
{
    int prog = steer_load(key), r;

    if (prog < 0)
        return prog;
    r = ioctl(queue->fd, TUNSETSTEERINGEBPF, &prog) < 0 ? -errno : 0;
    close(prog); /* the device keeps it */
    return r;
}

struct gn_link *gn_link_tap(const struct gn_tun_config *c, struct gn_link_error *ret_err)
{
    return tun_new(c, GN_MEDIUM_ETHERNET, ret_err);
}
