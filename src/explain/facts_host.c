/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file facts_host.c  Counters and knobs of a Gannet host under the names and in the units of
 * facts.
 */
#include "explain/facts_host.h"

#include "explain/sort.h"

/** put() - one number more */
static void put(struct fact_number *list, size_t *n, const char *name, uint64_t value)
{
    list[*n].name = name;
    list[*n].value = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    list[*n].before = list[*n].value;
    (*n)++;
}

/** name_before() - by name */
static bool name_before(const void *a, const void *b)
{
    const char *x = ((const struct fact_number *)a)->name;
    const char *y = ((const struct fact_number *)b)->name;

    while (*x && *x == *y) {
        x++;
        y++;
    }
    return (unsigned char)*x < (unsigned char)*y;
}

size_t facts_from_stats(const struct gn_stats *s, struct fact_number ret[FACTS_COUNTERS])
{
    size_t n = 0;

#define GN_DROP(name, text) put(ret, &n, "GannetDrop" #name, s->drop[GN_DROP_##name]);
#include <gannet/drop.def>
#undef GN_DROP
    put(ret, &n, "SockTcpMem", s->memory);
    put(ret, &n, "SockTcpOrphan", s->orphans);
    put(ret, &n, "TcpActiveOpens", s->ActiveOpens);
    put(ret, &n, "TcpAttemptFails", s->AttemptFails);
    put(ret, &n, "TcpEstabResets", s->EstabResets);
    put(ret, &n, "TcpExtListenDrops", s->ListenDrops);
    put(ret, &n, "TcpExtListenOverflows", s->ListenOverflows);
    put(ret, &n, "TcpExtSyncookiesFailed", s->SyncookiesFailed);
    put(ret, &n, "TcpExtSyncookiesRecv", s->SyncookiesRecv);
    put(ret, &n, "TcpExtSyncookiesSent", s->SyncookiesSent);
    put(ret, &n, "TcpExtTCPAbortOnData", s->TCPAbortOnData);
    put(ret, &n, "TcpExtTCPAbortOnMemory", s->TCPAbortOnMemory);
    put(ret, &n, "TcpExtTCPAbortOnTimeout", s->TCPAbortOnTimeout);
    put(ret, &n, "TcpExtTCPReqQFullDrop", s->TCPReqQFullDrop);
    put(ret, &n, "TcpExtTCPTimeWaitOverflow", s->TimeWaitOverflow);
    put(ret, &n, "TcpExtTCPTimeouts", s->TCPTimeouts);
    put(ret, &n, "TcpOutRsts", s->OutRsts);
    put(ret, &n, "TcpOutSegs", s->OutSegs);
    put(ret, &n, "TcpPassiveOpens", s->PassiveOpens);
    put(ret, &n, "TcpRetransSegs", s->RetransSegs);
    sort(ret, n, sizeof ret[0], name_before);
    return n;
}

size_t facts_from_conf(const struct gn_conf *c, struct fact_number ret[FACTS_SETTINGS])
{
    size_t n = 0;

    put(ret, &n, "ip_local_port_max", c->ip_local_port_max);
    put(ret, &n, "ip_local_port_min", c->ip_local_port_min);
    put(ret, &n, "somaxconn", c->somaxconn);
    put(ret, &n, "tcp_fin_timeout", c->tcp_fin_timeout);
    put(ret, &n, "tcp_keepalive_intvl", c->tcp_keepalive_intvl);
    put(ret, &n, "tcp_keepalive_probes", c->tcp_keepalive_probes);
    put(ret, &n, "tcp_keepalive_time", c->tcp_keepalive_time);
    put(ret, &n, "tcp_max_orphans", c->tcp_max_orphans);
    put(ret, &n, "tcp_max_syn_backlog", c->tcp_max_syn_backlog);
    put(ret, &n, "tcp_max_tw_buckets", c->tcp_max_tw_buckets);
    put(ret, &n, "tcp_mem_max", c->tcp_mem);
    put(ret, &n, "tcp_mem_pressure", c->tcp_mem / 8 * 7);
    put(ret, &n, "tcp_msl", c->tcp_msl);
    put(ret, &n, "tcp_orphan_retries", c->tcp_orphan_retries);
    put(ret, &n, "tcp_retries2", c->tcp_retries2);
    put(ret, &n, "tcp_rmem_max", c->tcp_rmem_max);
    put(ret, &n, "tcp_rto_max", c->tcp_rto_max);
    put(ret, &n, "tcp_rto_min", c->tcp_rto_min);
    put(ret, &n, "tcp_syn_retries", c->tcp_syn_retries);
    put(ret, &n, "tcp_synack_retries", c->tcp_synack_retries);
    put(ret, &n, "tcp_syncookies", c->tcp_syncookies);
    put(ret, &n, "tcp_tw_reuse", c->tcp_tw_reuse);
    put(ret, &n, "tcp_wmem_max", c->tcp_wmem_max);
    sort(ret, n, sizeof ret[0], name_before);
    return n;
}
