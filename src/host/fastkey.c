/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fastkey.c  Keys of Fast Open cookies that are set from outside: for one listener, or for
 * all that have none of their own. Servers behind one address need the same (RFC 7413 6.3.4).
 */
#include "base/bits.h"
#include "host/host.h"

#define KEY 16 /* octets */

/** le64() - eight octets, the least first: how Linux reads a key */
static uint64_t le64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/** keys_of() - where the keys of a handle are; GN_NO_HANDLE: the host's; NULL: no listener */
static struct tfo_keys *keys_of(struct gn_host *h, gn_handle c)
{
    struct listener *l = listener_find(h, c);

    if (c == GN_NO_HANDLE)
        return &h->tfo_keys;
    return l ? &l->tfo_keys : NULL;
}

enum gn_err gn_host_set_fastopen_key(struct gn_host *h, gn_handle c, const uint8_t *key, size_t len)
{
    struct tfo_keys *keys = keys_of(h, c);

    if (!keys)
        return GN_E_BAD_HANDLE;
    if (len != 0 && len != KEY && len != 2 * KEY)
        return GN_E_INVALID;
    *keys = (struct tfo_keys){.n = (uint8_t)(len / KEY)};
    for (unsigned i = 0; i < keys->n; i++)
        keys->k[i] = (struct siphash_key){{le64(key + KEY * i), le64(key + KEY * i + 8)}};
    return GN_OK;
}
