/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_limits.c  Rules about the whole machine, from counters.
 */
#include "explain/rules.h"

bool rule_reset_rate_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t resets = facts_growth(w->f, "TcpEstabResets");
    int64_t opens = facts_growth(w->f, "TcpActiveOpens") + facts_growth(w->f, "TcpPassiveOpens");

    (void)g;
    if (resets < 50 || resets * 2 < opens)
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = WHY_LIKELY;
    out->diagnosis = SAY(w, "% established connections ended in a reset within %, % were opened.",
                         NUM(resets), SPAN(w->f->interval), NUM(opens));
    rules_evidence(out, "resets", resets, WHY_COUNT);
    rules_evidence(out, "opened", opens, WHY_COUNT);
    rules_evidence(out, "aborted here (unread data, SO_LINGER 0)",
                   facts_growth(w->f, "TcpExtTCPAbortOnData"), WHY_COUNT);
    rules_evidence(out, "aborted here by time-outs", facts_growth(w->f, "TcpExtTCPAbortOnTimeout"),
                   WHY_COUNT);
    out->unknown = "which connections: one that was reset leaves nothing behind";
    out->settle = "gannet why -i IF for some seconds";
    rules_remedy(
        out,
        "programs that close without having read everything, or with SO_LINGER 0: read to the "
        "end first, and close plainly",
        NULL);
    return true;
}

/** orphans_now() - how many there are, by the machine's count or by ours */
static int64_t orphans_now(const struct facts *f)
{
    int64_t told = facts_counter(f, "SockTcpOrphan", -1), seen = 0;

    for (size_t i = 0; told < 0 && i < f->n_conns; i++) {
        const struct fact_conn *c = &f->conn[i];
        seen += c->known & FACT_OWNER && c->process == FACT_NONE && c->kind == GN_KIND_CONNECTION;
    }
    return told < 0 ? seen : told;
}

bool rule_orphans_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t most = facts_setting(w->f, "tcp_max_orphans", 0), n = orphans_now(w->f);
    int64_t killed = w->f->interval ? facts_growth(w->f, "TcpExtTCPAbortOnMemory") : 0;

    (void)g;
    if (most == 0 || (n * 2 < most && killed == 0))
        return false;
    out->actor = WHY_OPERATOR;
    out->severity = n * 10 >= most * 9 || killed ? WHY_CRITICAL : WHY_WARNING;
    out->diagnosis =
        SAY(w,
            "% connections have no process any more and wait for their peers; beyond % (a half of "
            "that at times) new ones are reset at once.",
            NUM(n), NUM(most));
    rules_evidence(out, "orphans", n, WHY_COUNT);
    rules_evidence(out, "tcp_max_orphans", most, WHY_COUNT);
    rules_evidence(out, "reset for that since the sample before", killed, WHY_COUNT);
    out->unknown = "which peers hold them up";
    out->settle = rules_spell(w,
                              "gannet why -v --all-netns: fin-wait-1-stuck, last-ack-stuck and "
                              "fin-wait-2-orphan name them",
                              "gannet why --up -v: fin-wait-1-stuck, last-ack-stuck and "
                              "fin-wait-2-orphan name them");
    rules_remedy(
        out,
        rules_spell(w, "sysctl -w net.ipv4.tcp_orphan_retries=3 net.ipv4.tcp_fin_timeout=20",
                    "gannet ctl set tcp_orphan_retries=3; gannet ctl set tcp_fin_timeout=20s"),
        "peers behind a bad path lose the end of what was sent");
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_max_orphans=262144",
                             "gannet ctl set tcp_max_orphans=262144"),
                 "up to 64 KiB of memory for each that cannot be swapped");
    return true;
}

bool rule_memory_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t used = facts_counter(w->f, "SockTcpMem", 0);
    int64_t pressure = facts_setting(w->f, "tcp_mem_pressure", 0);
    int64_t most = facts_setting(w->f, "tcp_mem_max", 0);
    int64_t times = w->f->interval ? facts_growth(w->f, "TcpExtTCPMemoryPressures") : 0;

    (void)g;
    if (most == 0 || (used < pressure && times == 0))
        return false;
    out->actor = WHY_OPERATOR;
    out->severity = used >= most / 20 * 19 ? WHY_CRITICAL : WHY_WARNING;
    out->diagnosis = SAY(w,
                         "TCP holds % of the % it may: buffers are kept small, text that came out "
                         "of order is thrown away, and at the limit connections are cut off.",
                         OCTETS(used), OCTETS(most));
    rules_evidence(out, "in use", used, WHY_OCTETS);
    rules_evidence(out, "pressure begins at", pressure, WHY_OCTETS);
    rules_evidence(out, "limit", most, WHY_OCTETS);
    out->unknown = "who holds it";
    out->settle = rules_spell(
        w, "gannet why -v --all-netns: not-reading and peer-not-reading name full queues",
        "gannet why --up -v: not-reading and peer-not-reading name full queues");
    rules_remedy(out, "mend what does not read first: queues are where the memory is", NULL);
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_mem='LOW PRESSURE MAX' (pages)",
                             "gannet ctl set tcp_mem=OCTETS"),
                 "memory that other programs then lack");
    return true;
}
