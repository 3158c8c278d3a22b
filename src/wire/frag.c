/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file frag.c  What a fragment may look like.
 */
#include "wire/frag.h"

#define PROTO_TCP  6
#define TCP_HEADER 20
#define END_MAX    65535

enum gn_drop frag_check(const struct frag *f, uint8_t proto)
{
    if (f->len == 0 || f->off + f->len > END_MAX)
        return GN_DROP_FRAG_BAD;
    if (f->more && f->len % 8 != 0)
        return GN_DROP_FRAG_BAD;
    if (proto == PROTO_TCP) { /* MAL-57: nobody rewrites a TCP header behind a filter's back */
        if (f->off == 0 && f->len < TCP_HEADER)
            return GN_DROP_FRAG_BAD;
        if (f->off > 0 && f->off < TCP_HEADER)
            return GN_DROP_FRAG_BAD;
    }
    return GN_DROP_NONE;
}
