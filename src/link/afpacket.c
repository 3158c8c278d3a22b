/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file afpacket.c  An Ethernet interface of the kernel's through a packet socket.
 *
 * In: a ring in shared memory (TPACKET_V2), where the kernel puts each frame with a virtio header
 * (vnet.h) in front of it as it comes, and which the host reads in place. A place holds a packet of
 * the interface's MTU. A super-segment is larger: its place says TP_STATUS_COPY, and the whole of
 * it waits in the socket's queue, to be read with recvmsg(). So the order is the ring's. The newer
 * TPACKET_V3 costs less per frame, but it wakes the reader when a block is full or its timer of
 * milliseconds has run out: all of TCP's clocks would wait for that timer.
 *
 * Out: sendmmsg(), a burst a call, gathered from where the frames lie. Super-segments and owed
 * checksums are the kernel's to finish if the device does not: a ring would add a copy here, and
 * spare none there.
 *
 * A filter in the kernel lets only what is for our MAC or for a group into the ring.
 */
#define _GNU_SOURCE
#include "link/error.h"
#include "link/nic.h"
#include "link/vnet.h"

#include "base/bits.h"
#include "wire/eth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define TX_BURST    32
#define COPIES      16               /* super-segments in a received burst */
#define COPY_STRIDE (68 * 1024 + 64) /* no power of two: see tun.c */
#define COPY_ROOM   ((uint32_t)(GN_FRAME_MAX + sizeof(struct virtio_net_hdr)))
#define RING_BYTES  (8u << 20)
#define BLOCK_BYTES (1u << 20)
#define SLOT_MIN    2048u
#define SLOT_MAX    16384u
#define SLOT_EXTRA  256u /* the kernel's header, ours, and what it aligns to */
#define QUEUE_BYTES (16 << 20)

struct packet_link {
    struct gn_link link; /* first */
    struct nic nic;
    uint8_t *ring;
    uint32_t slot, n_slots;
    uint32_t next;  /* the place that is filled next */
    uint32_t taken; /* places before it that the host may still read */
    uint8_t *copies;
    struct virtio_net_hdr header[TX_BURST];
    struct iovec iov[TX_BURST][VNET_SPANS];
    struct mmsghdr message[TX_BURST];
};

/** ring_slot() - the place @back before the next */
static uint8_t *ring_slot(const struct packet_link *p, uint32_t back)
{
    return p->ring + (size_t)((p->next + p->n_slots - back) % p->n_slots) * p->slot;
}

/** slot_header() - what the kernel tells of a place; the ring is aligned for it */
static struct tpacket2_hdr *slot_header(uint8_t *slot)
{
    void *at = slot;

    return at;
}

/** slot_status() - its status word, shared with the kernel */
static uint32_t *slot_status(uint8_t *slot)
{
    return &slot_header(slot)->tp_status;
}

/** ring_release() - give the places of the last burst back */
static void ring_release(struct packet_link *p)
{
    for (; p->taken; p->taken--)
        __atomic_store_n(slot_status(ring_slot(p, p->taken)), TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

/** packet_copy() - the oldest super-segment that waits, into @buf; false: none, or none of TCP's */
static bool packet_copy(struct packet_link *p, uint8_t *buf, struct virtio_net_hdr *h,
                        struct gn_frame *f)
{
    struct iovec iov[2] = {{h, sizeof *h}, {buf, COPY_ROOM}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t r = recvmsg(p->link.fd, &m, MSG_DONTWAIT);

    p->link.stats.rx_calls++;
    if (r <= (ssize_t)sizeof *h || (m.msg_flags & MSG_TRUNC))
        return false;
    *f = (struct gn_frame){.data = buf, .len = (uint32_t)r - (uint32_t)sizeof *h};
    return true;
}

/** packet_take() - the frame of a filled place; false: malformed, or lost on the way here */
static bool packet_take(struct packet_link *p, uint8_t *slot, uint8_t *copy, struct gn_frame *f)
{
    const struct tpacket2_hdr *t = slot_header(slot);
    struct virtio_net_hdr h;

    if (t->tp_status & TP_STATUS_COPY) {
        if (!packet_copy(p, copy, &h, f))
            return false;
    } else {
        if (t->tp_snaplen != t->tp_len || t->tp_mac < sizeof *t + sizeof h)
            return false;
        memcpy(&h, slot + t->tp_mac - sizeof h, sizeof h);
        *f = (struct gn_frame){.data = slot + t->tp_mac, .len = t->tp_snaplen};
    }
    return vnet_describe(&h, f);
}

/** packet_rx() - gn_link_ops.rx */
static int packet_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct packet_link *p = (struct packet_link *)(void *)l;
    unsigned copies = 0;
    size_t got = 0;

    (void)now;
    ring_release(p);
    while (got < n && copies < COPIES) {
        uint8_t *slot = ring_slot(p, 0);
        struct gn_frame *f = &frames[got];

        if (!(__atomic_load_n(slot_status(slot), __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            break;
        p->next = (p->next + 1) % p->n_slots;
        p->taken++;
        if (!packet_take(p, slot, p->copies + (size_t)copies * COPY_STRIDE, f)) {
            l->stats.rx_dropped++;
            continue;
        }
        copies += (*slot_status(slot) & TP_STATUS_COPY) != 0;
        l->stats.rx_frames++;
        l->stats.rx_bytes += f->len;
        l->stats.rx_super += f->gso_size != 0;
        got++;
    }
    return p->taken ? (int)got : nic_error(&p->nic, l->fd);
}

/** packet_batch() - messages for up to @n frames, until one that makes no sense; how many */
static unsigned packet_batch(struct packet_link *p, const struct gn_frame *frames, size_t n)
{
    unsigned k = 0;

    while (k < n && k < TX_BURST) {
        unsigned spans = vnet_gather(&frames[k], GN_MEDIUM_ETHERNET, &p->header[k], p->iov[k]);

        if (spans == 0)
            break;
        p->message[k].msg_hdr = (struct msghdr){.msg_iov = p->iov[k], .msg_iovlen = spans};
        k++;
    }
    return k;
}

/** packet_tx() - gn_link_ops.tx */
static int packet_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct packet_link *p = (struct packet_link *)(void *)l;
    size_t done = 0;

    (void)now;
    while (done < n) {
        unsigned k = packet_batch(p, frames + done, n - done);
        int r = k ? sendmmsg(l->fd, p->message, k, MSG_DONTWAIT) : 0;

        l->stats.tx_calls += k != 0;
        for (int i = 0; i < r; i++) {
            l->stats.tx_frames++;
            l->stats.tx_bytes += p->message[i].msg_len - sizeof(struct virtio_net_hdr);
            l->stats.tx_super += frames[done + (size_t)i].gso_size != 0;
        }
        if (r > 0) {
            done += (size_t)r;
            continue;
        }
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno == EAGAIN) {
            l->stats.tx_full++;
            break;
        }
        if (r < 0 && (errno == ENETDOWN || errno == ENXIO || errno == ENODEV))
            return errno == ENXIO ? -ENODEV : -errno;
        l->stats.tx_dropped++; /* makes no sense, or not to the kernel's taste */
        done++;
    }
    return (int)done;
}

/** packet_close() - gn_link_ops.close */
static void packet_close(struct gn_link *l)
{
    struct packet_link *p = (struct packet_link *)(void *)l;

    if (p->ring)
        munmap(p->ring, RING_BYTES);
    if (l->fd >= 0)
        close(l->fd);
    free(p->copies);
    free(p);
}

static const struct gn_link_ops packet_ops = {packet_rx, packet_tx, NULL, packet_close};

/** packet_filter() - only frames without a VLAN tag, for our MAC or for a group; 0 or -errno */
static int packet_filter(const struct nic *n, int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 4, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, get32(n->mac), 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, get16(n->mac + 4), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

/** packet_set() - an integer option of the socket; 0 or -errno */
static int packet_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

/** packet_ring() - make and map the ring; 0 or -errno */
static int packet_ring(struct packet_link *p)
{
    int fd = p->link.fd, r = packet_set(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
    struct tpacket_req req = {.tp_block_size = BLOCK_BYTES,
                              .tp_block_nr = RING_BYTES / BLOCK_BYTES};
    void *at;

    for (p->slot = SLOT_MIN; p->slot < p->nic.mtu + SLOT_EXTRA && p->slot < SLOT_MAX;)
        p->slot *= 2;
    p->n_slots = RING_BYTES / p->slot;
    req.tp_frame_size = p->slot;
    req.tp_frame_nr = p->n_slots;
    if (r == 0)
        r = packet_set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    if (r == 0)
        r = packet_set(fd, SOL_PACKET, PACKET_COPY_THRESH, 1);
    if (r == 0 && setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
        r = -errno;
    if (r < 0)
        return r;
    at = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    p->ring = at;
    return 0;
}

/** packet_bind() - from now on frames come; 0 or -errno */
static int packet_bind(const struct packet_link *p)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = p->nic.index};

    return bind(p->link.fd, (const struct sockaddr *)&at, sizeof at) < 0 ? -errno : 0;
}

/** packet_open() - the socket, its ring, and what it hears; false: *ret_err says why not */
static bool packet_open(struct packet_link *p, struct gn_link_error *ret_err)
{
    /* protocol 0: nothing comes before the filter is there */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

    p->link.fd = fd;
    if (fd < 0) {
        link_fail(ret_err, errno, "cannot open a packet socket%s",
                  errno == EPERM ? " (needs CAP_NET_RAW: root)" : "");
        return false;
    }
    r = packet_filter(&p->nic, fd);
    if (r == 0)
        r = packet_ring(p);
    if (r == 0)
        r = packet_set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    if (r == 0)
        r = nic_join(&p->nic, fd);
    if (r == 0)
        r = packet_bind(p);
    if (r < 0) {
        link_fail(ret_err, -r, "cannot listen on interface %s", p->nic.name);
        return false;
    }
    /* what waits beside the ring; the second is for those who may not do the first */
    if (packet_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES) < 0)
        (void)packet_set(fd, SOL_SOCKET, SO_RCVBUF, QUEUE_BYTES);
    return true;
}

struct gn_link *gn_link_packet(const struct gn_nic_config *c, struct gn_link_error *ret_err)
{
    struct packet_link *p = calloc(1, sizeof *p);
    unsigned caps = GN_CAP_GATHER;

    if (p)
        p->copies = malloc((size_t)COPIES * COPY_STRIDE);
    if (!p || !p->copies) {
        link_fail(ret_err, ENOMEM, "cannot listen on interface %s", c->name);
        free(p);
        return NULL;
    }
    p->link.ops = &packet_ops;
    p->link.fd = -1;
    p->link.about = c->no_offload
                        ? "packet socket, a ring in, sendmmsg out; packets of the MTU with "
                          "checksums, as told"
                        : "packet socket, a ring in, sendmmsg out; super-segments and "
                          "checksums are left to the kernel";
    if (!c->no_offload)
        caps |= GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO;
    if (!nic_look(c, &p->nic, ret_err) || !packet_open(p, ret_err)) {
        packet_close(&p->link);
        return NULL;
    }
    p->link.iface = nic_iface(&p->nic, caps);
    return &p->link;
}
