/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file xdp.c  An Ethernet interface of the kernel's through an AF_XDP socket, in copy mode.
 *
 * Frames lie in chunks of one area that the kernel shares (UMEM). Four rings pass chunks to and
 * fro: fill (empty ones for the kernel), receive, transmit, completion (sent ones come back). A
 * frame that is received stays in its chunk until the next rx(); one that is sent is gathered into
 * a free chunk. The first half of the chunks is for receiving for ever, the rest for sending.
 *
 * No super-segments, no offloads. On veth a frame of the kernel's TCP comes with its checksum owed,
 * and nothing beside the frame says so: there its field holds the sum of the pseudo-header, by
 * which it is known. Such a frame has never been on a wire.
 */
#define _GNU_SOURCE
#include "link/error.h"
#include "link/gso.h"
#include "link/nic.h"
#include "link/xdp_filter.h"

#include "base/bits.h"
#include "wire/checksum.h"
#include "wire/eth.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define CHUNK     4096u /* a page: the least that any kernel takes */
#define HEADROOM  256u  /* what XDP keeps in front of a frame */
#define RING      2048u /* places of each ring */
#define AREA      ((size_t)CHUNK * RING * 2)
#define KICKS     64 /* a call sends some 32 frames */
#define FRAME_MAX (CHUNK - HEADROOM)

/** One ring, its counters shared with the kernel. */
struct xdp_ring {
    uint32_t *producer, *consumer, *flags;
    void *place; /* struct xdp_desc, or uint64_t for fill and completion */
    void *map;
    size_t map_len;
};

struct xdp_link {
    struct gn_link link; /* first */
    struct nic nic;
    struct xdp_filter filter;
    int join; /* a packet socket that asks the device for our frames */
    uint8_t *area;
    struct xdp_ring fill, rx, tx, completion;
    uint64_t lent[RING]; /* chunks that the host may still read */
    uint32_t n_lent;
    uint64_t spare[RING]; /* chunks to send with */
    uint32_t n_spare;
    bool veth;
    char about[160];
};

/** ring_ready() - places that the other side has filled (rx, completion) */
static uint32_t ring_ready(const struct xdp_ring *r)
{
    return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - *r->consumer;
}

/** ring_free() - places that we may fill (fill, tx) */
static uint32_t ring_free(const struct xdp_ring *r)
{
    return RING - (*r->producer - __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE));
}

/** ring_desc(), ring_addr() - place @i of a ring of either kind */
static struct xdp_desc *ring_desc(const struct xdp_ring *r, uint32_t i)
{
    struct xdp_desc *d = r->place;

    return &d[i & (RING - 1)];
}

static uint64_t *ring_addr(const struct xdp_ring *r, uint32_t i)
{
    uint64_t *a = r->place;

    return &a[i & (RING - 1)];
}

/** ring_wants() - does the kernel want to be woken to look at it? */
static bool ring_wants(const struct xdp_ring *r)
{
    return *(volatile uint32_t *)r->flags & XDP_RING_NEED_WAKEUP;
}

/** give_back() - chunks of the last burst to the kernel; fill has a place for every one of them */
static void give_back(struct xdp_link *x)
{
    uint32_t at = *x->fill.producer;

    for (uint32_t i = 0; i < x->n_lent; i++)
        *ring_addr(&x->fill, at++) = x->lent[i];
    x->n_lent = 0;
    __atomic_store_n(x->fill.producer, at, __ATOMIC_RELEASE);
    if (ring_wants(&x->fill))
        (void)recvfrom(x->link.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/** owed() - on veth: does the TCP checksum of @f hold the pseudo-header's sum and nothing else? */
static bool owed(struct gn_frame *f)
{
    const uint8_t *ip = f->data + ETH_HEADER;
    uint32_t l3 = f->len - ETH_HEADER, tcp, len;
    uint64_t sum;

    if (f->len < ETH_HEADER + 40 || (ip[0] >> 4 == 4 ? ip[9] : ip[6]) != 6)
        return false;
    if (ip[0] >> 4 == 4) {
        tcp = (ip[0] & 15) * 4u;
        len = get16(ip + 2) - tcp;
        sum = csum(ip + 12, 8);
    } else {
        tcp = 40;
        len = get16(ip + 4);
        sum = csum(ip + 8, 32);
    }
    if (tcp + 20 > l3 || len > l3 - tcp)
        return false;
    if (csum_finish(sum + 6 + len) + get16(ip + tcp + 16) != 0xffff)
        return false;
    f->flags = GN_FRAME_CSUM_OWED;
    f->csum_start = (uint16_t)(ETH_HEADER + tcp);
    f->csum_offset = 16;
    return true;
}

/** xdp_rx() - gn_link_ops.rx */
static int xdp_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct xdp_link *x = (struct xdp_link *)(void *)l;
    uint32_t at, ready;

    (void)now;
    give_back(x);
    at = *x->rx.consumer;
    ready = ring_ready(&x->rx);
    n = n < ready ? n : ready;
    for (size_t i = 0; i < n; i++) {
        const struct xdp_desc *d = ring_desc(&x->rx, at++);

        frames[i] = (struct gn_frame){.data = x->area + d->addr, .len = d->len};
        x->lent[x->n_lent++] = d->addr & ~(uint64_t)(CHUNK - 1);
        if (x->veth)
            (void)owed(&frames[i]);
        l->stats.rx_frames++;
        l->stats.rx_bytes += d->len;
    }
    __atomic_store_n(x->rx.consumer, at, __ATOMIC_RELEASE);
    return n ? (int)n : nic_error(&x->nic, l->fd);
}

/** reclaim() - chunks whose frames have left */
static void reclaim(struct xdp_link *x)
{
    uint32_t at = *x->completion.consumer;

    for (uint32_t n = ring_ready(&x->completion); n; n--)
        x->spare[x->n_spare++] = *ring_addr(&x->completion, at++);
    __atomic_store_n(x->completion.consumer, at, __ATOMIC_RELEASE);
}

/** kick() - let the kernel send what is in the ring; 0, or -errno: the interface is no more */
static int kick(struct xdp_link *x)
{
    for (unsigned i = 0; i < KICKS && ring_free(&x->tx) < RING; i++) {
        x->link.stats.tx_calls++;
        if (sendto(x->link.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno == EINTR)
            continue;
        if (errno == ENETDOWN || errno == ENXIO)
            return errno == ENXIO ? -ENODEV : -errno;
        if (errno != EAGAIN && errno != EBUSY)
            break; /* no memory: later */
    }
    return 0;
}

/** xdp_put() - one frame into the ring; false: it makes no sense */
static bool xdp_put(struct xdp_link *x, const struct gn_frame *f, uint32_t at)
{
    uint32_t len = gn_frame_total(f);
    struct xdp_desc *d = ring_desc(&x->tx, at);

    if (f->n_tail > GN_FRAME_TAILS || f->flags || f->gso_size || len > FRAME_MAX)
        return false;
    *d = (struct xdp_desc){.addr = x->spare[--x->n_spare], .len = len};
    frame_copy(f, 0, len, x->area + d->addr);
    x->link.stats.tx_frames++;
    x->link.stats.tx_bytes += len;
    return true;
}

/** xdp_tx() - gn_link_ops.tx */
static int xdp_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct xdp_link *x = (struct xdp_link *)(void *)l;
    uint32_t at = *x->tx.producer, room = ring_free(&x->tx);
    size_t i = 0;
    int r;

    (void)now;
    reclaim(x);
    for (; i < n && x->n_spare && room; i++) {
        if (xdp_put(x, &frames[i], at)) {
            at++;
            room--;
        } else {
            l->stats.tx_dropped++;
        }
    }
    __atomic_store_n(x->tx.producer, at, __ATOMIC_RELEASE);
    r = kick(x);
    l->stats.tx_full += i < n;
    return r < 0 ? r : (int)i;
}

/** ring_unmap() - if it was mapped */
static void ring_unmap(struct xdp_ring *r)
{
    if (r->map)
        munmap(r->map, r->map_len);
}

/** xdp_close() - gn_link_ops.close; the program goes with its link */
static void xdp_close(struct gn_link *l)
{
    struct xdp_link *x = (struct xdp_link *)(void *)l;

    if (x->filter.link >= 0)
        close(x->filter.link);
    ring_unmap(&x->fill);
    ring_unmap(&x->completion);
    ring_unmap(&x->rx);
    ring_unmap(&x->tx);
    if (l->fd >= 0)
        close(l->fd);
    if (x->join >= 0)
        close(x->join);
    if (x->area)
        munmap(x->area, AREA);
    free(x);
}

static const struct gn_link_ops xdp_ops = {xdp_rx, xdp_tx, NULL, xdp_close};

/** ring_map() - a ring of RING places of @each octets; 0 or -errno */
static int ring_map(struct xdp_link *x, struct xdp_ring *r, int option, off_t page,
                    const struct xdp_ring_offset *o, size_t each)
{
    uint32_t places = RING;
    uint8_t *at;

    if (setsockopt(x->link.fd, SOL_XDP, option, &places, sizeof places) < 0)
        return -errno;
    r->map_len = o->desc + RING * each;
    at =
        mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, x->link.fd, page);
    if (at == MAP_FAILED)
        return -errno;
    r->map = at;
    r->producer = (uint32_t *)(void *)(at + o->producer);
    r->consumer = (uint32_t *)(void *)(at + o->consumer);
    r->flags = (uint32_t *)(void *)(at + o->flags);
    r->place = at + o->desc;
    return 0;
}

/** xdp_area() - the area and the four rings; 0 or -errno */
static int xdp_area(struct xdp_link *x)
{
    struct xdp_umem_reg reg = {.len = AREA, .chunk_size = CHUNK};
    struct xdp_mmap_offsets o;
    socklen_t len = sizeof o;
    void *at = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int r;

    if (at == MAP_FAILED)
        return -errno;
    x->area = at;
    reg.addr = (uint64_t)(uintptr_t)at;
    if (setsockopt(x->link.fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof reg) < 0 ||
        getsockopt(x->link.fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len) < 0)
        return -errno;
    r = ring_map(x, &x->fill, XDP_UMEM_FILL_RING, (off_t)XDP_UMEM_PGOFF_FILL_RING, &o.fr,
                 sizeof(uint64_t));
    if (r == 0)
        r = ring_map(x, &x->completion, XDP_UMEM_COMPLETION_RING,
                     (off_t)XDP_UMEM_PGOFF_COMPLETION_RING, &o.cr, sizeof(uint64_t));
    if (r == 0)
        r = ring_map(x, &x->rx, XDP_RX_RING, XDP_PGOFF_RX_RING, &o.rx, sizeof(struct xdp_desc));
    if (r == 0)
        r = ring_map(x, &x->tx, XDP_TX_RING, XDP_PGOFF_TX_RING, &o.tx, sizeof(struct xdp_desc));
    return r;
}

/** xdp_bind() - the socket to queue 0, the program onto the interface, our frames to it; 0 or
 * -errno
 */
static int xdp_bind(struct xdp_link *x, const struct gn_nic_config *c)
{
    struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
                              .sxdp_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
                              .sxdp_ifindex = (uint32_t)x->nic.index};
    int r = xdp_area(x);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < RING; i++) {
        x->lent[x->n_lent++] = (uint64_t)i * CHUNK;
        x->spare[x->n_spare++] = (uint64_t)(RING + i) * CHUNK;
    }
    if (bind(x->link.fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return -errno;
    give_back(x);
    x->join = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (x->join < 0)
        return -errno;
    r = nic_join(&x->nic, x->join);
    return r < 0 ? r : xdp_filter_attach(&x->nic, c, x->link.fd, &x->filter);
}

/** xdp_open() - false: *ret_err says why not */
static bool xdp_open(struct xdp_link *x, const struct gn_nic_config *c,
                     struct gn_link_error *ret_err)
{
    int r;

    if ((uint32_t)x->nic.mtu + ETH_HEADER > FRAME_MAX) {
        link_fail(ret_err, 0, "interface %s has an MTU of %u; XDP takes %u here", x->nic.name,
                  x->nic.mtu, FRAME_MAX - ETH_HEADER);
        return false;
    }
    if (nic_queues(&x->nic) > 1) {
        link_fail(ret_err, 0, "interface %s has several queues (ethtool -L %s combined 1)",
                  x->nic.name, x->nic.name);
        return false;
    }
    x->link.fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    r = x->link.fd < 0 ? -errno : xdp_bind(x, c);
    if (r == 0)
        return true;
    link_fail(ret_err, -r, "cannot listen on interface %s by XDP%s", x->nic.name,
              r == -EPERM || r == -EACCES          ? " (needs root)"
              : r == -EAFNOSUPPORT || r == -EINVAL ? " (the kernel has no AF_XDP)"
              : r == -EBUSY || r == -EEXIST        ? " (another program is there)"
              : r == -EOPNOTSUPP                   ? " (its driver has no XDP)"
                                                   : "");
    return false;
}

struct gn_link *gn_link_xdp(const struct gn_nic_config *c, struct gn_link_error *ret_err)
{
    struct xdp_link *x = calloc(1, sizeof *x);

    if (!x) {
        link_fail(ret_err, ENOMEM, "cannot listen on interface %s", c->name);
        return NULL;
    }
    x->link.ops = &xdp_ops;
    x->link.fd = x->join = x->filter.link = -1;
    if (!nic_look(c, &x->nic, ret_err) || !xdp_open(x, c, ret_err)) {
        xdp_close(&x->link);
        return NULL;
    }
    x->veth = !strcmp(x->nic.driver, "veth");
    x->link.iface = nic_iface(&x->nic, GN_CAP_GATHER | (x->veth ? GN_CAP_CSUM_RX : 0));
    snprintf(
        x->about, sizeof x->about,
        "AF_XDP, copied, %s driver%s; packets of the MTU with checksums, for XDP knows no others",
        x->filter.native ? "in the" : "after the",
        x->filter.native ? "" : " (which has no XDP of its own)");
    x->link.about = x->about;
    return &x->link;
}
