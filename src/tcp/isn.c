/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file isn.c  Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 sec. 5.4), both
 * by one keyed function of the tuple.
 */
#include "tcp/internal.h"

/* IPv4 tuples hash in two words instead of five; the lengths keep the families apart */
uint32_t key_pack(const struct tcp_key *k, uint8_t ret[KEY_PACKED])
{
    if (addr_v4(&k->laddr) && addr_v4(&k->raddr)) {
        memcpy(ret, k->laddr.b + 12, 4);
        memcpy(ret + 4, k->raddr.b + 12, 4);
        put16(put16(ret + 8, k->lport), k->rport);
        return 12;
    }
    memcpy(ret, k->laddr.b, 16);
    memcpy(ret + 16, k->raddr.b, 16);
    put16(put16(ret + 32, k->lport), k->rport);
    return 36;
}

uint64_t key_hash(const struct siphash_key *secret, const struct tcp_key *k)
{
    uint8_t p[KEY_PACKED];
    uint32_t n = key_pack(k, p);

    return n == 12 ? siphash24_12(secret, p) : siphash24(secret, p, n);
}

/* MUST-8: a clock of 4 us; MUST-9, SHLD-1: plus a keyed function that nobody outside can compute.
 *
 * The timestamp offset is the other half of the function's value: who sees one half knows nothing
 * of the other. The same tuple keeps its offset, so that timestamps grow across incarnations
 * (OPT-TS-8, RFC 6191) */
seq_t tcp_numbers(const struct tcp_env *e, const struct tcp_key *k, uint32_t *ret_ts_offset)
{
    uint64_t f = key_hash(&e->secrets->numbers, k), clock = e->now / (4 * GN_USEC);

    *ret_ts_offset = e->conf->tcp_timestamps == 2 ? 0 : (uint32_t)(f >> 32);
    return seq((uint32_t)(clock + f));
}

seq_t tcp_isn(const struct tcp_env *e, const struct tcp_key *k)
{
    uint32_t ts_offset;

    return tcp_numbers(e, k, &ts_offset);
}

uint32_t tcp_ts_offset(const struct tcp_env *e, const struct tcp_key *k)
{
    uint32_t ts_offset;

    (void)tcp_numbers(e, k, &ts_offset);
    return ts_offset;
}
