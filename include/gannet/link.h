/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link.h  Where packets come from and go to: devices, simulated networks, and middleware over
 * any of them.
 *
 * A link moves bursts of frames (frame.h) and knows nothing of hosts. It never blocks. `now` is the
 * caller's time: links read no clock, so all but the devices work on virtual time as well.
 *
 * Middleware (gn_link_pcap, gn_link_fault, gn_link_trace) takes a link and gives a link that owns
 * it: closing the outer closes the inner. If a constructor fails, the inner link stays the
 * caller's.
 */
#ifndef GANNET_LINK_H
#define GANNET_LINK_H

#include <gannet/frame.h>
#include <gannet/types.h>

#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gn_link;

/** Why a link could not be opened, or died: one line for people. */
struct gn_link_error {
    int err;        /* errno, 0 if it has none */
    char text[240]; /* "cannot open /dev/net/tun: Permission denied (hint ...)" */
};

struct gn_link_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_super, tx_super; /* of the frames, super-segments */
    uint64_t rx_calls, tx_calls; /* system calls made */
    uint64_t tx_full;            /* tx found the device full; the caller keeps the frames */
    uint64_t tx_dropped;         /* refused by the device for good, or malformed */
    uint64_t rx_dropped;         /* arrived malformed */
};

/** What a link is made of; for those who write one. */
struct gn_link_ops {
    /** rx() - up to @n frames into @frames, which stay valid until the next rx() or close() of this
     *  link; @iface of each is 0. 0: nothing now. Negative: -errno, the link is dead */
    int (*rx)(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now);
    /** tx() - send; the number done with (sent or dropped for good). Fewer than @n: full, try again
     * when writable or at deadline(). Frames are borrowed for the call only. Negative: -errno, dead
     */
    int (*tx)(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now);
    /** deadline() - call rx() no later than this though fd says nothing; NULL: never */
    struct gn_deadline (*deadline)(const struct gn_link *l);
    void (*close)(struct gn_link *l);
};

struct gn_link {
    const struct gn_link_ops *ops;
    int fd;                /* to poll for reading (and writing when full); -1: none */
    struct gn_iface iface; /* for gn_host_add_iface(): medium, MTU, caps, name, own MAC. MTU and
                              caps may change: a loop tells its host at the next turn */
    const char *about;     /* how it works and why so, for people; NULL: nothing to say */
    struct gn_link_stats stats;
};

static inline int gn_link_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    return l->ops->rx(l, frames, n, now);
}

static inline int gn_link_tx(struct gn_link *l, const struct gn_frame *frames, size_t n,
                             gn_time now)
{
    return l->ops->tx(l, frames, n, now);
}

static inline struct gn_deadline gn_link_deadline(const struct gn_link *l)
{
    struct gn_deadline none = {0, false};

    return l->ops->deadline ? l->ops->deadline(l) : none;
}

/** gn_link_close() - close and free, with all that it owns; NULL is fine */
GN_API void gn_link_close(struct gn_link *l);

/* --- TUN and TAP --- */

#define GN_TUN_ADDRS 4

struct gn_prefix {
    struct gn_addr addr;
    unsigned len; /* 0..32 for a mapped IPv4 address, else 0..128 */
};

struct gn_tun_config {
    const char *name;                           /* NULL: the kernel chooses; "gn%d" is fine */
    uint16_t mtu;                               /* 0: 1500 */
    struct gn_prefix kernel_addr[GN_TUN_ADDRS]; /* addresses of the kernel's end, set if given */
    unsigned n_kernel_addr;
    bool leave_down; /* do not configure the device (it exists and is not ours to set) */
    bool no_offload; /* no super-segments, no owed checksums */
    uint8_t mac[6];  /* TAP: our MAC; all zero: derived from the kernel's end */
    bool queues;     /* TUN: there will be more of them, see gn_link_tun_queue() */
};

/** gn_link_tun() - a TUN device (IP packets), GN_CAP_GATHER and, unless no_offload, CSUM_TX |
 * CSUM_RX | TSO. The device goes when the link is closed. NULL: *ret_err (may be NULL) says why */
GN_API struct gn_link *gn_link_tun(const struct gn_tun_config *c, struct gn_link_error *ret_err);
/** gn_link_tun_queue() - one more queue of the device of @first, which was opened with queues set:
 * a link of its own, for a host in a thread of its own. The kernel sends each packet to one of
 * them. NULL: *ret_err (may be NULL) says why */
GN_API struct gn_link *gn_link_tun_queue(const struct gn_link *first,
                                         struct gn_link_error *ret_err);
/** gn_link_tun_steer() - let the i-th queue in order of opening get the packets of the connections
 * for which gn_flow_shard(.., @key, queues) is i, and ICMP errors about them; the first gets all
 * else, all fragments too. 0, or -errno: a flow goes to the queue that it came from last, which is
 * remembered for three seconds, and else to one that stays the same, so that connections that were
 * opened by the other end come to the right one even so */
GN_API int gn_link_tun_steer(const struct gn_link *queue, uint32_t key);
/** gn_link_tap() - the same as gn_link_tun() with Ethernet frames */
GN_API struct gn_link *gn_link_tap(const struct gn_tun_config *c, struct gn_link_error *ret_err);

/* --- an Ethernet interface of the kernel's, shared with it --- */

#define GN_NIC_ADDRS 16

/** The host has a MAC of its own there and must have addresses that the kernel has not. To the
 * kernel it is another machine on that wire, which its own stack cannot reach: that sends to the
 * other end. */
struct gn_nic_config {
    const char *name; /* of an interface that is up */
    uint16_t mtu;     /* 0: the interface's, which is also the most */
    uint8_t mac[6];   /* all zero: the kernel's, made a local one with its last bit flipped */
    bool no_offload;  /* no super-segments out, no owed checksums */
    /* XDP: addresses of the host. Who asks for these is told, all others are left to the kernel */
    struct gn_addr addr[GN_NIC_ADDRS];
    unsigned n_addr;
};

/** gn_link_packet() - through a packet socket (needs CAP_NET_RAW): GN_CAP_GATHER and, unless
 * no_offload, CSUM_TX | CSUM_RX | TSO, whatever the device can do. It dies of ENETDOWN or ENODEV
 * when the interface is set down or removed. NULL: *ret_err (may be NULL) says why */
GN_API struct gn_link *gn_link_packet(const struct gn_nic_config *c, struct gn_link_error *ret_err);

/** gn_link_xdp() - through an AF_XDP socket (needs root), by the first and only queue, copied:
 * GN_CAP_GATHER. It dies as that of gn_link_packet(). NULL: *ret_err (may be NULL) says why */
GN_API struct gn_link *gn_link_xdp(const struct gn_nic_config *c, struct gn_link_error *ret_err);

/* Kernel interfaces of this network namespace: 0, or -errno. */
GN_API int gn_netif_up(const char *name);
GN_API int gn_netif_set_mtu(const char *name, unsigned mtu);
/** gn_netif_mtu() - the MTU, or -errno */
GN_API int gn_netif_mtu(const char *name);
/** gn_netif_watch() - an fd that is readable when an interface may have changed, or -errno; the
 * caller's to close. gn_netif_changed() empties it: has one changed? */
GN_API int gn_netif_watch(void);
GN_API bool gn_netif_changed(int fd);
/** gn_netif_add_addr() - no duplicate address detection: usable at once; -EEXIST if it is there */
GN_API int gn_netif_add_addr(const char *name, struct gn_prefix p);
/** gn_netif_add_route() - @gateway all zero: on-link */
GN_API int gn_netif_add_route(const char *name, struct gn_prefix dst, struct gn_addr gateway);

/* --- namespaces: TUN devices without root --- */

enum gn_netns_way {
    GN_NETNS_NONE, /* none could be made */
    GN_NETNS_ROOT, /* a network namespace, by privilege */
    GN_NETNS_USER, /* a user namespace and a network namespace in it */
};

struct gn_netns_report {
    enum gn_netns_way way;
    bool tun;       /* /dev/net/tun can be opened from there */
    char text[240]; /* a line for people: the way taken, and what is missing */
};

/** gn_netns_enter() - move this process (single-threaded for GN_NETNS_USER) into a fresh network
 * namespace with loopback up; it vanishes with its last process. 0, or -errno; after that the
 * process may be in a half-made namespace and is good for little but to say so and exit */
GN_API int gn_netns_enter(struct gn_netns_report *ret);
/** gn_netns_fork() - fork(); the child enters a fresh namespace and runs fn(ctx, report), whose
 * result is its exit status. The child's pid, or -errno. The report's way is GN_NETNS_NONE if none
 * could be made; @fn is run still */
GN_API pid_t gn_netns_fork(int (*fn)(void *ctx, const struct gn_netns_report *r), void *ctx);

/* --- captures --- */

struct gn_pcap;

/** gn_pcap_open() - nanosecond pcap at @path ("-": stdout); @epoch is added to every time stamp
 * (wall clock minus the caller's clock, see gn_loop_epoch(); 0 for virtual time) */
GN_API struct gn_pcap *gn_pcap_open(const char *path, enum gn_medium m, gn_time epoch,
                                    struct gn_link_error *ret_err);
/** gn_pcap_write() - as it would look on the wire: super-segments are cut up, owed checksums
 * finished */
GN_API void gn_pcap_write(struct gn_pcap *p, const struct gn_frame *f, gn_time at);
GN_API void gn_pcap_flush(struct gn_pcap *p);
/** gn_pcap_close() - 0, or -errno of the first write that failed */
GN_API int gn_pcap_close(struct gn_pcap *p);

/** gn_link_pcap() - everything that passes @lower is written to @path */
GN_API struct gn_link *gn_link_pcap(struct gn_link *lower, const char *path, gn_time epoch,
                                    struct gn_link_error *ret_err);
/** gn_link_trace() - one line of text to @out (borrowed) for every frame that passes */
GN_API struct gn_link *gn_link_trace(struct gn_link *lower, FILE *out);

/* --- impairments: one direction of a path --- */

/** What a pipe filter says of one wire packet. */
enum gn_fate { GN_FATE_PASS, GN_FATE_LOSE };

/** gn_pipe_filter - decide over packet number @nth (from 0) of one direction; it is contiguous and
 * complete */
typedef enum gn_fate gn_pipe_filter(void *ctx, const uint8_t *packet, uint32_t len, uint64_t nth);

/** All zero: a perfect path that takes no time. ppm: of a million. */
struct gn_pipe_config {
    gn_time latency;          /* propagation, one way */
    gn_time jitter;           /* 0 .. jitter more, uniform; order is kept */
    uint64_t rate;            /* bits per second, 0: infinite */
    uint32_t queue_packets;   /* waiting for the rate, the one being sent included; 0: no limit */
    uint32_t queue_bytes;     /* the same in octets */
    gn_time aqm_from, aqm_to; /* waiting times: between these the chance grows from none to
                                 certainty that a packet is marked (ECN), or lost if its sender does
                                 not speak that; aqm_to 0: no such thing */
    uint32_t loss_ppm;
    uint32_t burst_enter_ppm,
        burst_leave_ppm; /* Gilbert: all is lost from enter to leave, chance per packet */
    uint32_t duplicate_ppm;
    uint32_t corrupt_ppm; /* one bit flipped anywhere in the packet */
    uint32_t reorder_ppm; /* held back by reorder_delay, so that later ones overtake it */
    gn_time reorder_delay;
    uint64_t drop_mask;            /* bit i: packet i (0..63) is lost */
    uint32_t drop_every;           /* n: every n-th packet is lost; 0: none */
    gn_time down_from, down_until; /* nothing gets in between these times */
    bool pass_super;               /* do not cut super-segments up */
    gn_pipe_filter *filter;
    void *filter_ctx;
};

/** gn_link_fault() - @lower with an impaired path in front of it: @tx towards it, @rx from it.
 * Seeded; works on the caller's time, real or virtual */
GN_API struct gn_link *gn_link_fault(struct gn_link *lower, const struct gn_pipe_config *tx,
                                     const struct gn_pipe_config *rx, uint64_t seed);

/* --- the simulated network --- */

struct gn_sim;

enum gn_loss {
    GN_LOSS_NONE,
    GN_LOSS_RANDOM,  /* loss_ppm, burst */
    GN_LOSS_PATTERN, /* drop_mask, drop_every, filter */
    GN_LOSS_QUEUE,   /* queue full */
    GN_LOSS_AQM,     /* queue long: aqm_from, aqm_to */
    GN_LOSS_DOWN,    /* path down */
    GN_LOSS_MTU,     /* larger than the MTU */
    GN_LOSS_ROUTE,   /* no port has that address */
    GN_LOSS_MEMORY,
    GN_LOSS_COUNT
};

GN_API const char *gn_loss_text(enum gn_loss l);

enum gn_tap_kind { GN_TAP_SENT, GN_TAP_DELIVERED, GN_TAP_LOST };

/** One thing that happened to one wire packet; @id pairs SENT with DELIVERED or LOST (a duplicate
 * has its own id and is DELIVERED only). */
struct gn_tap {
    enum gn_tap_kind kind;
    enum gn_loss loss; /* LOST */
    uint64_t id;
    gn_time at, sent;
    unsigned from, to;            /* ports; SENT and LOST on a star without route: to == from */
    bool corrupted;               /* DELIVERED: bits were flipped on the way */
    bool duplicate;               /* DELIVERED: the second copy */
    const struct gn_frame *frame; /* contiguous */
};
/** gn_tap_fn - must not call into the simulation or a host */
typedef void gn_tap_fn(void *ctx, const struct gn_tap *t);

struct gn_sim_config {
    unsigned ports;        /* 2: point to point. More: a star whose hub forwards by address */
    enum gn_medium medium; /* the hub of a star: GN_MEDIUM_IP forwards by address (TTL untouched),
                              GN_MEDIUM_ETHERNET is a switch that learns */
    uint16_t mtu;          /* 0: 1500 */
    bool too_big;  /* IP: what is larger than the MTU is answered by an ICMP error, as a router does
                    */
    unsigned caps; /* GN_CAP_* offered to hosts. 0: a plain wire, checksums computed and verified
                      for real */
    uint64_t seed;
    /** point to point: pipe[0] from port 0 to 1, pipe[1] back. Star: the bottleneck, [0] from side
     * 0 to side 1 */
    struct gn_pipe_config pipe[2];
    /** star only: between each port and the hub, both ways (gn_sim_set_access() for single ports)
     */
    struct gn_pipe_config access;
    uint64_t max_bytes; /* bound of memory in flight, 0: 256 MiB */
    gn_tap_fn *tap;
    void *tap_ctx;
};

#define GN_SIM_PORTS 64

/** gn_sim_new() - NULL: no memory, or ports out of 2..GN_SIM_PORTS. It costs no system call and
 * reads no clock */
GN_API struct gn_sim *gn_sim_new(const struct gn_sim_config *c);
/** gn_sim_free() - with all its ports and what is in flight; close or forget the links before */
GN_API void gn_sim_free(struct gn_sim *s);
/** gn_sim_port() - the link of port @i; owned by the simulation, gn_link_close() on it only unplugs
 * it */
GN_API struct gn_link *gn_sim_port(struct gn_sim *s, unsigned i);
/** gn_sim_add_addr() - IP star: @p is reached through @port; longest prefix wins; false: table full
 */
GN_API bool gn_sim_add_addr(struct gn_sim *s, unsigned port, struct gn_prefix p);
/** gn_sim_set_side() - star: ports are on side 0 unless said; packets between sides pass the
 * bottleneck */
GN_API void gn_sim_set_side(struct gn_sim *s, unsigned port, unsigned side);
/** gn_sim_set_pipe() - change pipe[@dir] while running; what is in flight stays as it is. False: no
 * memory */
GN_API bool gn_sim_set_pipe(struct gn_sim *s, unsigned dir, const struct gn_pipe_config *c);
/** gn_sim_set_access() - star: the path of one port to and from the hub; false as gn_sim_set_pipe()
 */
GN_API bool gn_sim_set_access(struct gn_sim *s, unsigned port, const struct gn_pipe_config *to_hub,
                              const struct gn_pipe_config *from_hub);
/** gn_sim_set_mtu() - from now on, of all paths; what the ports' interfaces say stays */
GN_API void gn_sim_set_mtu(struct gn_sim *s, uint16_t mtu);
/** gn_sim_deadline() - next delivery to any port */
GN_API struct gn_deadline gn_sim_deadline(const struct gn_sim *s);
/** gn_sim_in_flight() - packets in the network and waiting at ports */
GN_API size_t gn_sim_in_flight(const struct gn_sim *s);

#ifdef __cplusplus
}
#endif
#endif
