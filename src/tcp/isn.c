/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file isn.c  Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 sec. 5.4), both
 * keyed by the tuple.
 */
#include "tcp/tcp.h"

/* MUST-8: a clock of 4 us; MUST-9, SHLD-1: plus a keyed function that nobody outside can compute */
seq_t tcp_isn(const struct tcp_env *e, const struct tcp_key *k)
{
    uint64_t clock = e->now / (4 * GN_USEC);

    return seq((uint32_t)(clock + siphash24(&e->secrets->isn, k, sizeof *k)));
}

/* the same tuple keeps its offset, so that timestamps grow across incarnations (OPT-TS-8, RFC 6191)
 */
uint32_t tcp_ts_offset(const struct tcp_env *e, const struct tcp_key *k)
{
    if (e->conf->tcp_timestamps == 2)
        return 0;
    return (uint32_t)siphash24(&e->secrets->ts, k, sizeof *k);
}
