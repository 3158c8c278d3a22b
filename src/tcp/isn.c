/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file isn.c  Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 sec. 5.4), both
 * keyed by the tuple.
 */
#include "tcp/internal.h"

/* IPv4 tuples hash in two words instead of five; the lengths keep the families apart */
uint32_t key_pack(const struct tcp_key *k, uint8_t ret[KEY_PACKED])
{
    uint32_t skip = addr_v4(&k->laddr) && addr_v4(&k->raddr) ? 12 : 0, n = 16 - skip;

    memcpy(ret, k->laddr.b + skip, n);
    memcpy(ret + n, k->raddr.b + skip, n);
    put16(put16(ret + 2 * n, k->lport), k->rport);
    return 2 * n + 4;
}

/* a keyed function of the tuple */
static uint64_t keyed(const struct siphash_key *secret, const struct tcp_key *k)
{
    uint8_t p[KEY_PACKED];

    return siphash24(secret, p, key_pack(k, p));
}

/* MUST-8: a clock of 4 us; MUST-9, SHLD-1: plus a keyed function that nobody outside can compute */
seq_t tcp_isn(const struct tcp_env *e, const struct tcp_key *k)
{
    uint64_t clock = e->now / (4 * GN_USEC);

    return seq((uint32_t)(clock + keyed(&e->secrets->isn, k)));
}

/* the same tuple keeps its offset, so that timestamps grow across incarnations (OPT-TS-8, RFC 6191)
 */
uint32_t tcp_ts_offset(const struct tcp_env *e, const struct tcp_key *k)
{
    if (e->conf->tcp_timestamps == 2)
        return 0;
    return (uint32_t)keyed(&e->secrets->ts, k);
}
