/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file isn.c  Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 sec. 5.4), both
 * by one keyed function of the tuple.
 */
#include "tcp/internal.h"

/* four octets as a word, the least significant first: nothing to turn around on most machines */
static inline uint32_t word(const uint8_t *p)
{
    return word_of(get32(p));
}

/* IPv4 tuples hash in two steps instead of five; the lengths keep the families apart */
unsigned key_words(const struct tcp_key *k, uint32_t ret[KEY_WORDS])
{
    unsigned from = addr_v4(&k->laddr) && addr_v4(&k->raddr) ? 12 : 0, n = 0;

    for (unsigned at = from; at < 16; at += 4)
        ret[n++] = word(k->laddr.b + at);
    for (unsigned at = from; at < 16; at += 4)
        ret[n++] = word(k->raddr.b + at);
    ret[n++] = word_of((uint32_t)k->lport << 16 | k->rport);
    return n;
}

uint64_t key_hash(const struct siphash_key *secret, const struct tcp_key *k)
{
    uint32_t word[KEY_WORDS];
    unsigned n = key_words(k, word);

    return siphash24_words(secret, word, n);
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
