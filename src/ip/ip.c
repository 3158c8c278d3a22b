/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ip.c  Interfaces, addresses, choice of paths, time.
 */
#include "ip/ip.h"

#include "base/bits.h"
#include "ip/parts.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

/* numbers of the sub-keys, away from those of other layers */
#define SECRET_NEIGH 0x100
#define SECRET_REASS 0x101
#define SECRET_IDENT 0x102

#define IPV4_MTU_MIN 576

void ip_init(struct ip *ip, const struct ip_env *e, const uint8_t secret[32])
{
    struct siphash_key key;

    memset(ip, 0, sizeof *ip);
    ip_again_forget(ip);
    key = siphash_derive(secret, SECRET_NEIGH);
    neigh_init(&ip->neigh, &key);
    key = siphash_derive(secret, SECRET_REASS);
    reass_init(&ip->reass, &key);
    key = siphash_derive(secret, SECRET_IDENT);
    ip->ident = (uint16_t)key.k[0];
    ip->icmp_tokens = (uint32_t)e->conf->icmp_ratelimit;
    ip->icmp_refill = e->now;
}

void ip_fini(struct ip *ip, const struct ip_env *e)
{
    own_clear(&ip->own, e->mem);
    own_clear(&ip->lent, e->mem);
    own_clear(&ip->loop, e->mem);
    if (ip->gathered)
        own_free(e->mem, ip->gathered);
    ip->gathered = NULL;
    reass_fini(&ip->reass, e->mem);
    neigh_fini(&ip->neigh, e->mem);
}

/* fe80::/64 with the interface identifier made of the MAC address (RFC 2464 sec. 4, 5) */
static struct gn_addr link_local_of(const uint8_t mac[6])
{
    struct gn_addr a = {{0xfe, 0x80}};

    memcpy(a.b + 8, mac, 3);
    a.b[8] ^= 2;
    a.b[11] = 0xff;
    a.b[12] = 0xfe;
    memcpy(a.b + 13, mac + 3, 3);
    return a;
}

/* note a good address and its on-link route: GN_OK or GN_E_NO_MEMORY (then nothing is noted) */
static enum gn_err note_addr(struct ip *ip, unsigned iface, const struct gn_addr *a,
                             unsigned prefix_len)
{
    struct gn_addr none = {0};
    enum gn_err err;

    if (ip->n_addr == IP_ADDR_MAX)
        return GN_E_NO_MEMORY;
    err = route_add(&ip->routes, iface, a, prefix_len, &none);
    if (err != GN_OK)
        return err;
    ip->addr[ip->n_addr++] =
        (struct ip_addr){.addr = *a, .iface = (uint8_t)iface, .prefix_len = (uint8_t)prefix_len};
    if (addr_v4(a) && prefix_len > 0 && prefix_len <= 30)
        ip->broadcast4[ip->n_broadcast4++] = get32(a->b + 12) | UINT32_MAX >> prefix_len;
    return GN_OK;
}

int ip_add_iface(struct ip *ip, const struct gn_iface *i)
{
    unsigned index = ip->n_iface;

    if (index == GN_IFACE_MAX)
        return GN_E_NO_MEMORY;
    if (i->mtu < IPV4_MTU_MIN || (i->medium != GN_MEDIUM_IP && i->medium != GN_MEDIUM_ETHERNET) ||
        (i->medium == GN_MEDIUM_ETHERNET && (i->mac[0] & 1)))
        return GN_E_INVALID;
    if (i->medium == GN_MEDIUM_ETHERNET && i->mtu >= IPV6_MTU_LEAST) {
        struct gn_addr a = link_local_of(i->mac);
        enum gn_err err = note_addr(ip, index, &a, 64);

        if (err != GN_OK)
            return err;
    }
    ip->iface[index] = *i;
    ip->n_iface++;
    return (int)index;
}

enum gn_err ip_set_iface(struct ip *ip, int iface, const struct gn_iface *i)
{
    struct gn_iface *old;

    if (iface < 0 || iface >= ip->n_iface || i->mtu < IPV4_MTU_MIN)
        return GN_E_INVALID;
    old = &ip->iface[iface];
    if (i->medium != old->medium ||
        (i->medium == GN_MEDIUM_ETHERNET && memcmp(i->mac, old->mac, sizeof old->mac) != 0))
        return GN_E_INVALID;
    *old = *i;
    return GN_OK;
}

enum gn_err ip_add_addr(struct ip *ip, const struct ip_env *e, int iface, struct gn_addr a,
                        unsigned prefix_len)
{
    bool v4 = addr_v4(&a);
    enum gn_err err;

    ip_again_forget(ip); /* what is unicast may change */
    if (iface < 0 || iface >= ip->n_iface || prefix_len > (v4 ? 32u : 128u) ||
        !ip_is_unicast(ip, &a) || (!v4 && ip->iface[iface].mtu < IPV6_MTU_LEAST))
        return GN_E_INVALID;
    for (unsigned i = 0; i < ip->n_addr; i++)
        if (addr_same(&ip->addr[i].addr, &a))
            return GN_E_IN_USE;
    err = note_addr(ip, (unsigned)iface, &a, prefix_len);
    if (err != GN_OK || ip->iface[iface].medium != GN_MEDIUM_ETHERNET)
        return err;
    if (v4)
        ip_arp_announce(ip, e, (unsigned)iface, &a);
    else
        ip_nd_announce(ip, e, (unsigned)iface, &a);
    return GN_OK;
}

enum gn_err ip_add_route(struct ip *ip, int iface, struct gn_addr dst, unsigned prefix_len,
                         struct gn_addr gateway)
{
    if (iface < 0 || iface >= ip->n_iface)
        return GN_E_INVALID;
    return route_add(&ip->routes, (unsigned)iface, &dst, prefix_len, &gateway);
}

bool ip_has_addr(const struct ip *ip, unsigned iface, const struct gn_addr *a)
{
    for (unsigned i = 0; i < ip->n_addr; i++)
        if (addr_same(&ip->addr[i].addr, a))
            return ip->addr[i].iface == iface;
    return false;
}

bool ip_is_ours(const struct ip *ip, const struct ip_env *e, const struct gn_addr *a)
{
    for (unsigned i = 0; i < ip->n_addr; i++)
        if (addr_same(&ip->addr[i].addr, a))
            return true;
    return e->conf->ip_anyaddr && ip_is_unicast(ip, a);
}

bool ip_is_loopback(const struct gn_addr *a)
{
    static const struct gn_addr one = {{[15] = 1}};

    return addr_v4(a) ? a->b[12] == 127 : addr_same(a, &one);
}

bool ip_is_local(const struct ip *ip, const struct ip_env *e, const struct gn_addr *a)
{
    return ip_is_ours(ip, e, a) || ip_is_loopback(a);
}

/* RFC 1122 3.2.1.3; 240.0.0.0/4 is nobody's address either */
static bool is_unicast4(const struct ip *ip, const struct gn_addr *a)
{
    uint8_t first = a->b[12];
    uint32_t v = get32(a->b + 12);

    if (first == 0 || first == 127 || first >= 224)
        return false;
    for (unsigned i = 0; i < ip->n_broadcast4; i++)
        if (ip->broadcast4[i] == v)
            return false;
    return true;
}

bool ip_is_unicast(const struct ip *ip, const struct gn_addr *a)
{
    static const uint8_t zero[15];

    if (addr_v4(a))
        return is_unicast4(ip, a);
    return a->b[0] != 0xff && !(memcmp(a->b, zero, sizeof zero) == 0 && a->b[15] <= 1);
}

bool ip_is_on_link(const struct ip *ip, unsigned iface, const struct gn_addr *a)
{
    const struct route *r;

    if (!addr_v4(a) && addr_link_local6(a))
        return true;
    r = route_find(&ip->routes, a);
    return r && r->on_link && r->iface == iface;
}

/* octets at the front that two addresses share, in bits */
static unsigned common_bits(const struct gn_addr *a, const struct gn_addr *b)
{
    unsigned n = 0;

    while (n < 16 && a->b[n] == b->b[n])
        n++;
    if (n == 16)
        return 128;
    n *= 8;
    for (unsigned x = a->b[n / 8] ^ b->b[n / 8]; !(x & 0x80); x <<= 1)
        n++;
    return n;
}

/* how well @a serves as source for @dst, which is of its family */
static unsigned source_score(const struct gn_addr *a, const struct gn_addr *dst)
{
    unsigned score = common_bits(a, dst);

    if (!addr_v4(dst) && addr_link_local6(a) == (addr_link_local6(dst) || dst->b[0] == 0xff))
        score += 256; /* the scopes agree */
    return score;
}

/* of the addresses of interface @iface, or (@borrow) of those of others that hold there, too, the
 * one that suits @dst best; NULL: none */
static const struct gn_addr *best_source(const struct ip *ip, unsigned iface, bool borrow,
                                         const struct gn_addr *dst)
{
    const struct gn_addr *best = NULL;
    bool v4 = addr_v4(dst);

    for (unsigned i = 0; i < ip->n_addr; i++) {
        const struct gn_addr *a = &ip->addr[i].addr;

        if ((ip->addr[i].iface == iface) == borrow || addr_v4(a) != v4 ||
            (borrow && !v4 && addr_link_local6(a)))
            continue;
        /* mostly there is one only, which needs no score */
        if (!best || source_score(a, dst) > source_score(best, dst))
            best = a;
    }
    return best;
}

/* an interface without an address of its own borrows one (RFC 1812 2.2.7) */
const struct gn_addr *ip_source(const struct ip *ip, unsigned iface, const struct gn_addr *dst)
{
    const struct gn_addr *own = best_source(ip, iface, false, dst);

    return own ? own : best_source(ip, iface, true, dst);
}

/* the interface that has @dst, or the first for loopback's addresses, which none has; -1: @dst is
 * not local. (All are with ip_anyaddr, which is for hosts that pose as others: not these) */
static int home_of(const struct ip *ip, const struct gn_addr *dst)
{
    for (unsigned i = 0; i < ip->n_addr; i++)
        if (addr_same(&ip->addr[i].addr, dst))
            return ip->addr[i].iface;
    return ip_is_loopback(dst) && ip->n_iface ? 0 : -1;
}

/* what goes to ourselves turns round at the interface, link header and all; nobody reads it but us,
 * so checksums and contiguous frames are a waste */
static enum gn_err path_home(const struct ip *ip, unsigned iface, const struct gn_addr *dst,
                             struct ip_path *ret)
{
    if (!addr_v4(dst) && ip->iface[iface].mtu < IPV6_MTU_LEAST)
        return GN_E_NO_ROUTE;
    *ret = (struct ip_path){.iface = (uint8_t)iface,
                            .loops = true,
                            .next_hop = *dst,
                            .source = *dst,
                            .mtu = ip->iface[iface].mtu,
                            .caps = ip->iface[iface].caps | GN_CAP_CSUM_TX | GN_CAP_GATHER};
    return GN_OK;
}

enum gn_err ip_path(const struct ip *ip, const struct ip_env *e, const struct gn_addr *dst,
                    struct ip_path *ret)
{
    const struct route *r = route_find(&ip->routes, dst);
    const struct gn_addr *source;
    int home = home_of(ip, dst);

    (void)e;
    if (home >= 0)
        return path_home(ip, (unsigned)home, dst, ret);
    if (!r || (!addr_v4(dst) && ip->iface[r->iface].mtu < IPV6_MTU_LEAST)) /* RFC 8200 5 */
        return GN_E_NO_ROUTE;
    source = ip_source(ip, r->iface, dst);
    if (!source)
        return GN_E_NOT_AVAILABLE;
    ret->iface = r->iface;
    ret->loops = false;
    ret->next_hop = r->on_link ? *dst : r->gateway;
    ret->source = *source;
    ret->mtu = ip->iface[r->iface].mtu;
    ret->caps = ip->iface[r->iface].caps;
    ret->bare4 = addr_v4(dst) && ip->iface[r->iface].medium == GN_MEDIUM_IP;
    ret->plain = ret->bare4 && !(ret->caps & (GN_CAP_CSUM_TX | GN_CAP_GATHER));
    return GN_OK;
}

void ip_doubt(struct ip *ip, const struct ip_env *e, const struct ip_path *path)
{
    neigh_doubt(&ip->neigh, e->now, path->iface, &path->next_hop);
}

/* ask again, or give neighbours up */
static void neigh_timeouts(struct ip *ip, const struct ip_env *e)
{
    struct neigh *n;

    for (;;) {
        enum neigh_due due = neigh_expire(&ip->neigh, e->mem, e->now, &n);

        if (due == NEIGH_DUE_NONE)
            break;
        if (due == NEIGH_DUE_FAILED)
            continue;
        if (addr_v4(&n->addr))
            ip_arp_ask(ip, e, n->iface, &n->addr, due == NEIGH_DUE_PROBE ? n->mac : NULL);
        else
            ip_nd_ask(ip, e, n->iface, &n->addr, due == NEIGH_DUE_PROBE);
    }
    e->stats->drop[GN_DROP_NEIGH_UNRESOLVED] += ip->neigh.n_dropped;
    ip->neigh.n_dropped = 0;
}

/* rebuild the first fragment as it came, in front of its payload, and complain (RFC 1122 3.3.2, RFC
 * 8200 4.5) */
static void complain_of_timeout(struct ip *ip, const struct ip_env *e, struct reass_whole *w)
{
    struct ip_packet p = {.src = w->key.src, .dst = w->key.dst, .iface = w->key.iface};

    if (w->key.v4) {
        struct ipv4 h = {.src = p.src, .dst = p.dst, .proto = w->info.next, .tos = w->info.tos};

        h.ttl = w->info.ttl;
        h.more = true;
        h.ident = (uint16_t)w->key.id;
        h.total_len = (uint16_t)(IPV4_HEADER + w->len);
        p.whole = w->payload - IPV4_HEADER;
        p.whole_len = ipv4_emit(&h, w->payload - IPV4_HEADER) + w->len;
    } else {
        struct ipv6 h = {.src = p.src, .dst = p.dst, .next = w->info.next, .tclass = w->info.tos};

        h.hlim = w->info.ttl;
        h.frag = (struct ipv6_frag){.present = true, .more = true, .id = w->key.id};
        h.total_len = IPV6_HEADER + IPV6_FRAG_HEADER + w->len;
        p.whole = w->payload - IPV6_HEADER - IPV6_FRAG_HEADER;
        p.whole_len = ipv6_emit(&h, w->payload - IPV6_HEADER - IPV6_FRAG_HEADER) + w->len;
    }
    ip_send_reassembly_timeout(ip, e, &p);
}

/* give up packets whose fragments have waited too long */
static void reass_timeouts(struct ip *ip, const struct ip_env *e)
{
    struct reass_whole w;

    while (reass_expire(&ip->reass, e->mem, e->now, &w)) {
        ip_count(e, GN_DROP_FRAG_TIMEOUT);
        if (w.payload)
            complain_of_timeout(ip, e, &w);
    }
}

void ip_timeouts_any(struct ip *ip, const struct ip_env *e)
{
    if (ip->lent.n)
        own_clear(&ip->lent, e->mem);
    if (deadline_due(neigh_deadline(&ip->neigh), e->now))
        neigh_timeouts(ip, e);
    if (deadline_due(reass_deadline(&ip->reass), e->now))
        reass_timeouts(ip, e);
}

deadline_t ip_deadline(const struct ip *ip)
{
    return deadline_min(neigh_deadline(&ip->neigh), reass_deadline(&ip->reass));
}
