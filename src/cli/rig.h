/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rig.h  One host on one device: the options that `up` and `nc` share, and how it
 * is put together.
 */
#ifndef GN_CLI_RIG_H
#define GN_CLI_RIG_H

#include "cli/cli.h"

#include <gannet/host.h>
#include <gannet/link.h>
#include <gannet/loop.h>

#define RIG_ADDRS    8
#define RIG_GATEWAYS 2

enum rig_link { RIG_LINK_TUN, RIG_LINK_TAP, RIG_LINK_PACKET, RIG_LINK_XDP };

struct rig_options {
    struct gn_conf conf;
    enum rig_link link;
    const char *device; /* NULL: "gannet0" */
    bool own_netns, no_offload, verbose;
    uint16_t mtu;      /* 0: 1500, or the interface's */
    uint16_t mtu_most; /* as the user said; 0: whatever the device has */
    uint8_t mac[6];
    struct gn_prefix addr[RIG_ADDRS]; /* the host's own */
    unsigned n_addr;
    struct gn_prefix peer[GN_TUN_ADDRS]; /* the kernel's end */
    unsigned n_peer;
    struct gn_addr gateway[RIG_GATEWAYS];
    unsigned n_gateway;
    const char *pcap;
};

/** Ids 100.. belong to the rig. */
enum {
    RIG_TUN = 100,
    RIG_TAP,
    RIG_LINK,
    RIG_MAC,
    RIG_ADDR,
    RIG_PEER,
    RIG_GATEWAY,
    RIG_MTU,
    RIG_PCAP,
    RIG_SET,
    RIG_NETNS,
    RIG_NO_OFFLOAD,
    RIG_VERBOSE
};

#define RIG_OPTION_ROWS                                                                        \
    {RIG_TUN, 0, "tun", "NAME", "on a TUN device of that name (gannet0)"},                     \
        {RIG_TAP, 0, "tap", "NAME", "on a TAP device instead"},                                \
        {RIG_LINK, 0, "link", "KIND:NAME",                                                     \
         "tun:NAME, tap:NAME; on an Ethernet interface beside the kernel packet:IF, xdp:IF"},  \
        {RIG_MAC, 0, "mac", "MAC", "MAC of the host (made from the kernel's)"},                \
        {RIG_ADDR, 0, "addr", "A/PLEN", "address of the host, IPv4 or IPv6; may be repeated"}, \
        {RIG_PEER, 0, "peer-addr", "A/PLEN", "address of the kernel's end; may be repeated"},  \
        {RIG_GATEWAY, 0, "gateway", "A", "default route"},                                     \
        {RIG_MTU, 0, "mtu", "N", "largest IP packet (1500, or the interface's)"},              \
        {RIG_PCAP, 0, "pcap", "FILE", "write a capture ('-': standard output)"},               \
        {RIG_SET, 0, "set", "KNOB=VALUE", "set a knob (see 'gannet knobs')"},                  \
        {RIG_NETNS, 0, "netns", NULL, "in a network namespace of its own"},                    \
        {RIG_NO_OFFLOAD, 0, "no-offload", NULL, "no super-segments, no checksum offload"},     \
    {                                                                                          \
        RIG_VERBOSE, 'v', "verbose", NULL, "say what happens"                                  \
    }

#define RIG_DEFAULTS                                                                             \
    "Without --addr the host is 10.77.0.2/24 and fd77::2/64, the kernel's end 10.77.0.1/24 and " \
    "fd77::1/64.\n"                                                                              \
    "Without the privilege to make a TUN device, a user namespace and a network namespace are "  \
    "made, and\n"                                                                                \
    "it is said how to enter them. packet:IF and xdp:IF need root, --addr, and addresses the "   \
    "kernel has "                                                                                \
    "not."

struct rig {
    struct gn_loop *loop;
    struct gn_host *host;
    struct gn_link *link; /* the loop's */
    int watch;            /* tells when the device changes; -1: nothing does */
    uint16_t mtu_most;    /* of the host's interface, whatever the device's; 0: no bound */
    char device[16];
};

/** rig_defaults() - before options are read */
void rig_defaults(struct rig_options *o);
/** rig_take() - an option whose id is 100 or above */
void rig_take(struct args *a, int id, const char *value, struct rig_options *o);
/** rig_check() - fill in addresses that were not given; does not return if what was given does not
 * go together */
void rig_check(struct args *a, struct rig_options *o);
/** One of several hosts at the same addresses, each behind a queue of one TUN device. */
struct rig_share {
    const struct rig *first; /* the one that has made the device; NULL: this one makes it */
    unsigned shard, shards;  /* shards 0: all connections. The first makes it 0 if the kernel
                                refuses to keep to it */
    uint32_t key;            /* set by the first */
    const struct gn_loop_config *loop; /* NULL: one thread only */
};

/** rig_open() - complains and returns false if it cannot be; nothing is left behind then */
bool rig_open(struct rig_options *o, struct rig *ret);
/** rig_open_share() - the same for one of several */
bool rig_open_share(struct rig_options *o, struct rig_share *share, struct rig *ret);
void rig_close(struct rig *r);
/** rig_stop_on_signals() - SIGINT, SIGTERM and SIGHUP end the loop of @r */
void rig_stop_on_signals(struct rig *r);
/** rig_interrupted() - has one of them come? */
bool rig_interrupted(void);
/** parse_prefix() - "10.0.0.1/24", "fd00::1/64", without /PLEN a single address */
bool parse_prefix(const char *text, struct gn_prefix *ret);

#endif
