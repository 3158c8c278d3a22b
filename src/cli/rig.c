/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rig.c  One host on one device.
 */
#include "cli/rig.h"

#include "cli/pages.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct gn_loop *volatile signalled_loop; /* what a signal stops */
static volatile sig_atomic_t interrupted;

bool parse_prefix(const char *text, struct gn_prefix *ret)
{
    char addr[64];
    uint64_t len;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    struct gn_prefix p;
    if (n >= sizeof addr)
        return false;
    memcpy(addr, text, n);
    addr[n] = 0;
    if (!gn_addr_parse(addr, &p.addr))
        return false;
    uint64_t max = gn_addr_is_v4(&p.addr) ? 32 : 128;
    if (!slash)
        len = max;
    else if (!parse_number(slash + 1, 0, max, &len))
        return false;
    p.len = (unsigned)len;
    *ret = p;
    return true;
}

void rig_defaults(struct rig_options *o)
{
    memset(o, 0, sizeof *o);
    gn_conf_default(&o->conf);
}

/** add_prefix() - one more of at most @max */
static void add_prefix(struct args *a, const char *option, const char *value,
                       struct gn_prefix *list, unsigned *n, unsigned max)
{
    if (*n == max)
        usage_fail(a, "%s: %u at the most", option, max);
    if (!parse_prefix(value, &list[*n]))
        usage_fail(a, "%s wants ADDRESS/LENGTH, not '%s'", option, value);
    (*n)++;
}

/** beneath() - is @a within prefix @p? */
static bool beneath(const struct gn_prefix *p, const struct gn_addr *a)
{
    unsigned bits = p->len + (gn_addr_is_v4(&p->addr) ? 96u : 0u);
    unsigned whole = bits / 8, rest = bits % 8;
    return !memcmp(p->addr.b, a->b, whole) &&
           (!rest || !((p->addr.b[whole] ^ a->b[whole]) >> (8 - rest)));
}

/** link_local() - fe80::/10, which is on every link */
static bool link_local(const struct gn_addr *a)
{
    return a->b[0] == 0xFE && (a->b[1] & 0xC0) == 0x80;
}

/** no_host() - is an IPv4 address that of its network or its broadcast, which no host can have? */
static bool no_host(const struct gn_prefix *p)
{
    uint32_t addr = 0, mask;
    if (!gn_addr_is_v4(&p->addr) || p->len > 30) /* RFC 3021: a /31 has neither */
        return false;
    for (unsigned i = 12; i < 16; i++)
        addr = addr << 8 | p->addr.b[i];
    mask = p->len ? UINT32_MAX >> p->len : UINT32_MAX;
    return (addr & mask) == 0 || (addr & mask) == mask;
}

static const struct {
    const char *word, *name;
} kinds[] = {
    [RIG_LINK_TUN] = {"tun", "TUN"},
    [RIG_LINK_TAP] = {"tap", "TAP"},
    [RIG_LINK_PACKET] = {"packet", "packet socket on"},
    [RIG_LINK_XDP] = {"xdp", "XDP on"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/** shares_interface() - is the device an interface that is there already, and the kernel's too? */
static bool shares_interface(const struct rig_options *o)
{
    return o->link == RIG_LINK_PACKET || o->link == RIG_LINK_XDP;
}

/** take_device() - --tun, --tap and --link */
static void take_device(struct args *a, enum rig_link link, const char *name, struct rig_options *o)
{
    if (o->device)
        usage_fail(a, "one device, not two");
    if (!*name || strlen(name) > 15 || strchr(name, '/'))
        usage_fail(a, "'%s' cannot be the name of a device", name);
    o->device = name;
    o->link = link;
}

/** take_link() - "KIND:NAME" */
static void take_link(struct args *a, const char *value, struct rig_options *o)
{
    size_t len = strcspn(value, ":");
    unsigned kind = 0;
    while (kind < KINDS &&
           (strlen(kinds[kind].word) != len || memcmp(kinds[kind].word, value, len) != 0))
        kind++;
    if (kind == KINDS || !value[len])
        usage_fail(a, "--link wants tun:NAME, tap:NAME, packet:IF or xdp:IF, not '%s'", value);
    take_device(a, (enum rig_link)kind, value + len + 1, o);
}

/** take_mac() - "02:00:00:00:00:01" */
static void take_mac(struct args *a, const char *value, struct rig_options *o)
{
    const char *p = value;
    bool good = true;
    for (unsigned i = 0; i < 6 && good; i++) {
        char *end;
        unsigned long v = strtoul(p, &end, 16);
        good = end - p == 2 && isxdigit((unsigned char)*p) && *end == (i < 5 ? ':' : 0);
        o->mac[i] = (uint8_t)v;
        p = end + 1;
    }
    if (!good || o->mac[0] & 1)
        usage_fail(a, "--mac wants the address of one interface, as 02:00:00:00:00:01, not '%s'",
                   value);
}

void rig_take(struct args *a, int id, const char *value, struct rig_options *o)
{
    uint64_t n;
    switch (id) {
    case RIG_TUN: take_device(a, RIG_LINK_TUN, value, o); break;
    case RIG_TAP: take_device(a, RIG_LINK_TAP, value, o); break;
    case RIG_LINK: take_link(a, value, o); break;
    case RIG_MAC: take_mac(a, value, o); break;
    case RIG_ADDR: add_prefix(a, "--addr", value, o->addr, &o->n_addr, RIG_ADDRS); break;
    case RIG_PEER: add_prefix(a, "--peer-addr", value, o->peer, &o->n_peer, GN_TUN_ADDRS); break;
    case RIG_GATEWAY:
        if (o->n_gateway == RIG_GATEWAYS || !gn_addr_parse(value, &o->gateway[o->n_gateway]))
            usage_fail(a, "--gateway wants an address, one for IPv4 and one for IPv6, not '%s'",
                       value);
        o->n_gateway++;
        break;
    case RIG_MTU:
        if (!parse_number(value, 576, 65535, &n))
            usage_fail(a, "--mtu is a number from 576 to 65535, not '%s'", value);
        o->mtu = o->mtu_most = (uint16_t)n;
        break;
    case RIG_PCAP: o->pcap = value; break;
    case RIG_SET:
        if (!knob_set(&o->conf, value))
            exit(EXIT_USAGE);
        break;
    case RIG_NETNS: o->own_netns = true; break;
    case RIG_NO_OFFLOAD: o->no_offload = true; break;
    case RIG_VERBOSE: o->verbose = true; break;
    default: break;
    }
}

/** complete() - fill in addresses that were not given */
static void complete(struct rig_options *o)
{
    if (!o->device)
        o->device = "gannet0";
    if (shares_interface(o))
        return;
    if (!o->mtu)
        o->mtu = 1500;
    if (!o->n_addr) {
        (void)parse_prefix("10.77.0.2/24", &o->addr[o->n_addr++]);
        if (o->mtu >= 1280)
            (void)parse_prefix("fd77::2/64", &o->addr[o->n_addr++]);
    }
    if (o->n_peer)
        return;
    /* the kernel's end is number 1 of the same prefix, or number 2 if we are 1 */
    for (unsigned i = 0; i < o->n_addr && o->n_peer < GN_TUN_ADDRS; i++) {
        struct gn_prefix p = o->addr[i];
        if (p.len > (gn_addr_is_v4(&p.addr) ? 30u : 126u))
            continue;
        uint8_t low = p.addr.b[15] & 3;
        p.addr.b[15] = (uint8_t)((p.addr.b[15] & ~3) | (low == 1 ? 2 : 1));
        if (p.len <= (gn_addr_is_v4(&p.addr) ? 24u : 120u))
            p.addr.b[15] = o->addr[i].addr.b[15] == 1 ? 2 : 1;
        o->peer[o->n_peer++] = p;
    }
}

/** check_shared() - what only an interface of our own can do, and what only a shared one needs */
static void check_shared(struct args *a, const struct rig_options *o)
{
    static const uint8_t none[6];
    if (!shares_interface(o)) {
        if (o->link == RIG_LINK_TUN && memcmp(o->mac, none, 6) != 0)
            usage_fail(a, "--mac: a TUN device has no MAC");
        return;
    }
    if (o->n_peer)
        usage_fail(a, "--peer-addr: the kernel's addresses on %s are not ours to set", o->device);
    if (o->own_netns)
        usage_fail(a, "--netns: there is no %s in a new namespace", o->device);
    if (!o->n_addr)
        usage_fail(a, "--addr is needed with %s:%s", kinds[o->link].word, o->device);
}

void rig_check(struct args *a, struct rig_options *o)
{
    char text[GN_ADDR_TEXT];
    check_shared(a, o);
    complete(o);
    for (unsigned i = 0; i < o->n_addr; i++) {
        const struct gn_prefix *p = &o->addr[i];
        if (no_host(p))
            usage_fail(a, "%s/%u is the address of the network or its broadcast, not of a host",
                       gn_addr_format(&p->addr, text), p->len);
        if (!gn_addr_is_v4(&p->addr) && o->mtu && o->mtu < 1280)
            usage_fail(a, "IPv6 needs --mtu 1280 at least (RFC 8200), not %u", o->mtu);
    }
    for (unsigned i = 0; i < o->n_gateway; i++) {
        unsigned k = 0;
        while (k < o->n_addr && !beneath(&o->addr[k], &o->gateway[i]))
            k++;
        if (k == o->n_addr && !link_local(&o->gateway[i]))
            usage_fail(a, "gateway %s is on the network of no --addr",
                       gn_addr_format(&o->gateway[i], text));
    }
}

/** kernels_own() - the first of the host's addresses that the kernel has as well, or NULL */
static const struct gn_addr *kernels_own(const struct rig_options *o)
{
    struct ifaddrs *list, *i;
    const struct gn_addr *found = NULL;
    if (getifaddrs(&list) < 0)
        return NULL;
    for (i = list; i && !found; i = i->ifa_next) {
        struct gn_addr its = {{0}};
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
            its = gn_addr_v4(0, 0, 0, 0);
            memcpy(its.b + 12, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
        } else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
            memcpy(its.b, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
        }
        for (unsigned k = 0; k < o->n_addr; k++)
            if (!memcmp(&its, &o->addr[k].addr, sizeof its))
                found = &o->addr[k].addr;
    }
    freeifaddrs(list);
    return found;
}

/** try_shared() - on an interface that the kernel has too */
static struct gn_link *try_shared(const struct rig_options *o, struct gn_link_error *err)
{
    struct gn_nic_config c = {.name = o->device, .mtu = o->mtu, .no_offload = o->no_offload};
    const struct gn_addr *taken = kernels_own(o);
    char text[GN_ADDR_TEXT];
    if (taken) {
        snprintf(err->text, sizeof err->text,
                 "the kernel has the address %s itself; both would answer: give the host its own",
                 gn_addr_format(taken, text));
        return NULL;
    }
    memcpy(c.mac, o->mac, sizeof c.mac);
    _Static_assert(RIG_ADDRS <= GN_NIC_ADDRS, "all addresses fit");
    for (unsigned i = 0; i < o->n_addr; i++)
        c.addr[c.n_addr++] = o->addr[i].addr;
    return o->link == RIG_LINK_XDP ? gn_link_xdp(&c, err) : gn_link_packet(&c, err);
}

/** try_link() - the device; NULL and *@err if it cannot be opened */
static struct gn_link *try_link(const struct rig_options *o, const struct rig_share *share,
                                struct gn_link_error *err)
{
    struct gn_tun_config c = {.name = o->device,
                              .mtu = o->mtu,
                              .n_kernel_addr = o->n_peer,
                              .no_offload = o->no_offload,
                              .queues = share->shards > 1};
    if (share->first)
        return gn_link_tun_queue(share->first->link, err);
    if (shares_interface(o))
        return try_shared(o, err);
    memcpy(c.kernel_addr, o->peer, sizeof c.kernel_addr);
    memcpy(c.mac, o->mac, sizeof c.mac);
    return o->link == RIG_LINK_TAP ? gn_link_tap(&c, err) : gn_link_tun(&c, err);
}

/** tee() - @l with a capture of all that passes, a file for each host; NULL: said why, @l is closed
 */
static struct gn_link *tee(const struct rig_options *o, unsigned shard, struct gn_link *l)
{
    struct gn_link_error err = {0};
    char path[4096];
    int n = snprintf(path, sizeof path, shard ? "%s.%u" : "%s", o->pcap, shard);
    struct gn_link *both = NULL;
    if (n > 0 && (size_t)n < sizeof path)
        both = gn_link_pcap(l, path, gn_loop_epoch(), &err);
    if (!both) {
        complain("%s", err.text[0] ? err.text : "--pcap: the name is too long");
        gn_link_close(l);
    }
    return both;
}

/** open_link() - the device, if need be in a namespace of our own; NULL: said why */
static struct gn_link *open_link(const struct rig_options *o, const struct rig_share *share)
{
    struct gn_link_error err = {0};
    struct gn_netns_report report = {0};
    bool enters = o->own_netns && !share->first;
    struct gn_link *l = enters ? NULL : try_link(o, share, &err);
    bool denied = !shares_interface(o) && (err.err == EPERM || err.err == EACCES);
    if (!l && (enters || denied)) {
        int e = gn_netns_enter(&report);
        if (e < 0) {
            complain("%s", denied ? err.text : report.text);
            return NULL;
        }
        l = try_link(o, share, &err);
        if (l)
            fprintf(
                stderr,
                "gannet: in a network namespace of its own; enter it with: nsenter %s-n -t %ld\n",
                report.way == GN_NETNS_USER ? "--preserve-credentials -U " : "", (long)getpid());
    }
    if (!l) {
        complain("%s", err.text);
        return NULL;
    }
    return o->pcap ? tee(o, share->shard, l) : l;
}

/** steer() - have the kernel keep to the shares; it works without, too, if less well */
static void steer(const struct rig_options *o, struct gn_link *l, struct rig_share *share)
{
    uint8_t random[32];
    unsigned threads = share->shards;
    secret_random(random);
    memcpy(&share->key, random, sizeof share->key);
    int r = gn_link_tun_steer(l, share->key);
    if (r < 0)
        share->shards = 0;
    if (!o->verbose)
        return;
    if (r < 0)
        fprintf(stderr,
                "gannet: %u threads, a host and a queue each; a flow stays at the queue it came "
                "to, since the kernel takes no program for that: %s\n",
                threads, strerror(-r));
    else
        fprintf(stderr,
                "gannet: %u threads, a host and a queue each; a program in the kernel steers by "
                "addresses and ports\n",
                threads);
}

/** configure() - addresses and routes of the host */
static bool configure(const struct rig_options *o, struct gn_host *h, int iface)
{
    char text[GN_ADDR_TEXT];
    for (unsigned i = 0; i < o->n_addr; i++) {
        enum gn_err e = gn_host_add_addr(h, iface, o->addr[i].addr, o->addr[i].len);
        if (e != GN_OK) {
            complain("address %s/%u: %s", gn_addr_format(&o->addr[i].addr, text), o->addr[i].len,
                     gn_err_text(e));
            return false;
        }
    }
    for (unsigned i = 0; i < o->n_gateway; i++) {
        struct gn_addr any =
            gn_addr_is_v4(&o->gateway[i]) ? gn_addr_v4(0, 0, 0, 0) : (struct gn_addr){{0}};
        enum gn_err e = gn_host_add_route(h, iface, any, 0, o->gateway[i]);
        if (e != GN_OK) {
            complain("gateway %s: %s", gn_addr_format(&o->gateway[i], text), gn_err_text(e));
            return false;
        }
    }
    return true;
}

/** describe() - for -v: what was put together, and why */
static void describe(const struct rig_options *o, const struct gn_link *l)
{
    char text[GN_ADDR_TEXT];
    fprintf(stderr, "gannet: %s %s, mtu %u, %s, %s", kinds[o->link].name, l->iface.name,
            l->iface.mtu, l->iface.caps & GN_CAP_TSO ? "super-segments" : "no super-segments",
            l->iface.caps & GN_CAP_CSUM_TX ? "checksum offload" : "checksums in software");
    if (l->iface.medium == GN_MEDIUM_ETHERNET)
        fprintf(stderr, ", mac %02x:%02x:%02x:%02x:%02x:%02x", l->iface.mac[0], l->iface.mac[1],
                l->iface.mac[2], l->iface.mac[3], l->iface.mac[4], l->iface.mac[5]);
    for (unsigned i = 0; i < o->n_addr; i++)
        fprintf(stderr, ", %s/%u", gn_addr_format(&o->addr[i].addr, text), o->addr[i].len);
    fprintf(stderr, "\ngannet: %s: %s\n", l->iface.name, l->about);
}

/** on_netif() - gn_watch_fn: somebody has set an interface of this machine. If it is ours, the host
 * follows at its next turn */
static void on_netif(void *ctx, int fd, unsigned what, gn_time now)
{
    struct rig *r = ctx;
    (void)what;
    (void)now;
    int mtu = gn_netif_changed(fd) ? gn_netif_mtu(r->device) : -1;
    if (mtu > 0 && mtu <= UINT16_MAX)
        r->link->iface.mtu = r->mtu_most && r->mtu_most < mtu ? r->mtu_most : (uint16_t)mtu;
}

/** watch_device() - from now on the MTU of the device is that of the host's interface, but no more
 * than @most if that is not 0. Without, it stays as it is */
static void watch_device(struct rig *r, struct gn_link *link, uint16_t most)
{
    r->link = link;
    r->mtu_most = most;
    r->watch = gn_netif_watch();
    if (r->watch >= 0)
        (void)gn_loop_watch(r->loop, r->watch, GN_WATCH_READ, on_netif, r);
}

/** first_words() - for -v, and what is decided once for all shares */
static void first_words(const struct rig_options *o, struct gn_link *l, struct rig_share *share)
{
    if (o->verbose)
        describe(o, l);
    if (share->shards)
        steer(o, l, share);
}

bool rig_open(struct rig_options *o, struct rig *ret)
{
    return rig_open_share(o, &(struct rig_share){.shards = 0}, ret);
}

bool rig_open_share(struct rig_options *o, struct rig_share *share, struct rig *ret)
{
    struct gn_link_error err;
    enum gn_err e;
    *ret = (struct rig){.watch = -1};
    struct gn_link *link = open_link(o, share);
    if (!link)
        return false;
    if (!share->first)
        first_words(o, link, share);
    struct gn_host_config hc = {.conf = o->conf,
                                .pages = pages_source(),
                                .cpu = gn_cpu(),
                                .shard = share->shards ? share->shard : 0,
                                .shards = share->shards,
                                .shard_key = share->key};
    secret_random(hc.secret);
    ret->loop = gn_loop_new(share->loop, &err);
    ret->host = gn_host_new(&hc, gn_loop_now(), &e);
    snprintf(ret->device, sizeof ret->device, "%s", link->iface.name);
    if (!ret->loop || !ret->host) {
        complain("%s", ret->loop ? gn_err_text(e) : err.text);
        gn_link_close(link);
        rig_close(ret);
        return false;
    }
    int iface = gn_loop_add(ret->loop, ret->host, link);
    if (iface < 0) {
        complain("device %s: %s", ret->device, gn_err_text((enum gn_err)iface));
        gn_link_close(link);
    } else if (configure(o, ret->host, iface)) {
        watch_device(ret, link, o->mtu_most);
        return true;
    }
    rig_close(ret);
    return false;
}

void rig_close(struct rig *r)
{
    signalled_loop = NULL;
    if (r->link && r->watch >= 0) {
        gn_loop_unwatch(r->loop, r->watch);
        close(r->watch);
    }
    if (r->loop && r->host)
        gn_loop_remove(r->loop, r->host);
    if (r->loop)
        gn_loop_free(r->loop);
    if (r->host)
        gn_host_free(r->host);
    *r = (struct rig){.watch = -1};
}

/** on_signal() - handler */
static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
    if (signalled_loop)
        gn_loop_stop(signalled_loop);
}

bool rig_interrupted(void)
{
    return interrupted;
}

void rig_stop_on_signals(struct rig *r)
{
    struct sigaction sa = {.sa_handler = on_signal};
    signalled_loop = r->loop;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGHUP, &sa, NULL);
}
