/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hostcache.c  What is remembered of destinations; see hostcache.h.
 */
#include "host/hostcache.h"

#include "base/bits.h"

/** look() - the entry of @dst, or NULL */
static struct hostcache_entry *look(struct hostcache_entry *set, const struct gn_addr *dst)
{
    for (unsigned i = 0; i < HOSTCACHE_WAYS; i++)
        if (set[i].used && gn_addr_eq(&set[i].dst, dst))
            return &set[i];
    return NULL;
}

/** set_of() - where @dst may be */
static struct hostcache_entry *set_of(struct hostcache *c, const struct siphash_key *k,
                                      const struct gn_addr *dst)
{
    return c->e[siphash13(k, dst, sizeof(*dst)) % HOSTCACHE_SETS];
}

/** entry() - the entry of @dst, made if need be from the oldest */
static struct hostcache_entry *entry(struct hostcache *c, const struct siphash_key *k,
                                     const struct gn_addr *dst, gn_time now)
{
    struct hostcache_entry *set = set_of(c, k, dst), *e = look(set, dst);

    if (!e) {
        e = set;
        for (unsigned i = 1; i < HOSTCACHE_WAYS; i++)
            if (set[i].used < e->used)
                e = &set[i];
        *e = (struct hostcache_entry){.dst = *dst};
    }
    e->used = max_u64(now, 1);
    return e;
}

const struct tfo_cookie *hostcache_find(struct hostcache *c, const struct siphash_key *k,
                                        const struct gn_addr *dst, gn_time now)
{
    static const struct tfo_cookie unknown;
    struct hostcache_entry *e = look(set_of(c, k, dst), dst);

    if (!e)
        return &unknown;
    e->used = max_u64(now, 1);
    e->cookie.refused = now < e->refused_until;
    return &e->cookie;
}

void hostcache_learn(struct hostcache *c, const struct siphash_key *k, const struct gn_addr *dst,
                     const struct tcpopt *o, uint16_t mss, bool worked, gn_time now)
{
    struct hostcache_entry *e = entry(c, k, dst, now);
    struct tfo_cookie *t = &e->cookie;

    t->mss = mss;
    if (worked)
        e->refused_until = 0;
    if (!o || !o->tfo_len)
        return;
    t->len = o->tfo_len;
    memcpy(t->octets, o->tfo, o->tfo_len);
}

void hostcache_refuse(struct hostcache *c, const struct siphash_key *k, const struct gn_addr *dst,
                      gn_time now)
{
    entry(c, k, dst, now)->refused_until = now + HOSTCACHE_REFUSED;
}
