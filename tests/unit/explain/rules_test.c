/* SPDX-License-Identifier: BSD-2-Clause */
/* Thresholds of the rules on constructed facts of a kernel: what is just enough for a finding, and
 * what a healthy machine shows. Each rule at work on real hosts: tests/cli/why_demos.py. */
#include "explain/rules.h"
#include "findings.h"

#include <criterion/criterion.h>
#include <string.h>

#define CONNS 70000

static struct fact_conn conn[CONNS];
static struct fact_process process[] = {{.pid = 7, .comm = "nginx"}, {.pid = 8, .comm = "curl"}};
static struct fact_number counter[8], setting[8];
static struct fact_seen seen;
static struct facts f;
static struct why_options o;

/** begin() - a machine without connections */
static void begin(void)
{
    memset(&seen, 0, sizeof seen);
    o = (struct why_options){.notes = true};
    f = (struct facts){.source = FACTS_KERNEL,
                       .now = 100000 * GN_SEC,
                       .conn = conn,
                       .process = process,
                       .n_processes = 2,
                       .counter = counter,
                       .setting = setting};
}

/** count() - a counter, which was @before in the sample before; in the order of names */
static void count(const char *name, int64_t before, int64_t value)
{
    counter[f.n_counters++] = (struct fact_number){name, value, before};
}

/** set() - a setting; in the order of names */
static void set(const char *name, int64_t value)
{
    setting[f.n_settings++] = (struct fact_number){name, value, value};
}

/** add() - a connection of process 1 to 10.0.0.2:443, as tcp_info shows it when all is well */
static struct fact_conn *add(enum gn_state state)
{
    struct fact_conn *c = &conn[f.n_conns];
    *c = (struct fact_conn){.kind = GN_KIND_CONNECTION,
                            .state = state,
                            .known =
                                FACT_QUEUES | FACT_TIMER | FACT_OWNER | FACT_INFO | FACT_BUFFERS,
                            .local = {gn_addr_v4(10, 0, 0, 1), (uint16_t)(32768 + f.n_conns)},
                            .remote = {gn_addr_v4(10, 0, 0, 2), 443},
                            .process = 1,
                            .listener = FACT_NONE,
                            .inode = 1000 + f.n_conns,
                            .sndbuf = 87040,
                            .rcvbuf = 131072};
    c->info = (struct fact_info){.sack = true,
                                 .timestamps = true,
                                 .wscale = true,
                                 .snd_mss = 1448,
                                 .pmtu = 1500,
                                 .cwnd = 10,
                                 .ssthresh = UINT32_MAX,
                                 .snd_wnd = 65536,
                                 .rcv_wnd = 65536,
                                 .rto = 204 * GN_MSEC,
                                 .rtt = 4 * GN_MSEC,
                                 .last_data_sent = 20 * GN_MSEC,
                                 .last_data_recv = 10 * GN_MSEC,
                                 .last_ack_recv = 10 * GN_MSEC,
                                 .bytes_sent = 4000,
                                 .bytes_acked = 4000,
                                 .bytes_received = 90000,
                                 .segs_out = 60,
                                 .segs_in = 90};
    f.n_conns++;
    return c;
}

/** in_vain() - a retransmission timer that has fired @times */
static struct fact_conn *in_vain(struct fact_conn *c, uint8_t times)
{
    c->timer = FACT_TIMER_RETRANS;
    c->backoff = times;
    c->info.rto = 200 * GN_MSEC << times;
    c->timer_in = c->info.rto / 2;
    c->send_q = 500;
    c->info.unacked = 1;
    c->info.last_ack_recv = 3600 * GN_SEC;
    return c;
}

/** listen_on() - a listener of process 0 */
static struct fact_conn *listen_on(uint16_t port, uint32_t waiting, uint32_t backlog)
{
    struct fact_conn *c = add(GN_LISTEN);
    c->kind = GN_KIND_LISTENER;
    c->local = (struct gn_endpoint){gn_addr_v4(0, 0, 0, 0), port};
    c->remote = (struct gn_endpoint){gn_addr_v4(0, 0, 0, 0), 0};
    c->process = 0;
    c->known &= ~(uint32_t)(FACT_INFO | FACT_TIMER);
    c->recv_q = waiting;
    c->send_q = backlog;
    return c;
}

/** find() - the finding of rule @id, or NULL */
static const struct why_finding *find(const char *id)
{
    return findings_find(&f, &o, id);
}

/** grade() - how bad the finding of rule @id is; -1: there is none */
static int grade(const char *id)
{
    return findings_grade(&f, &o, id);
}

/** evidence() - a number of a finding by its name */
static int64_t evidence(const struct why_finding *x, const char *name)
{
    for (unsigned i = 0; i < x->n_evidence; i++)
        if (!strcmp(x->evidence[i].name, name))
            return x->evidence[i].value;
    cr_assert_fail("no evidence '%s'", name);
    return 0;
}

/* A busy server at one moment: this is what must never alarm anybody. */
Test(rules, a_busy_server_is_healthy)
{
    static const enum gn_state passing[] = {GN_FIN_WAIT_1, GN_FIN_WAIT_2, GN_CLOSING,
                                            GN_LAST_ACK,   GN_CLOSE_WAIT, GN_SYN_RECEIVED};
    begin();
    o.notes = false;
    f.interval = GN_SEC;
    count("TcpActiveOpens", 1000, 6000);
    count("TcpAttemptFails", 10, 20);
    count("TcpEstabResets", 5, 40);
    count("TcpExtListenOverflows", 3, 3);
    count("TcpPassiveOpens", 1000, 21000);
    set("ip_local_port_max", 60999);
    set("ip_local_port_min", 32768);
    set("tcp_max_tw_buckets", 262144);
    listen_on(80, 40, 511);
    for (unsigned i = 0; i < 20000; i++) {
        struct fact_conn *c = add(i % 4 ? GN_ESTABLISHED : GN_TIME_WAIT);
        c->local.port = 80;
        c->remote.port = (uint16_t)(1024 + i);
        c->process = i % 4 ? 0 : FACT_NONE;
        if (i % 4 == 1) { /* sending to a slow reader */
            c->send_q = 200000;
            c->timer = FACT_TIMER_RETRANS;
            c->info.not_sent = 150000;
            c->info.unacked = 10;
            c->info.busy = 9 * GN_SEC;
            c->info.rwnd_limited = 8 * GN_SEC;
        }
        if (i % 400 == 2) /* a client that has just lost its radio */
            in_vain(c, 5);
        if (i % 100 == 3) { /* a request that has just come */
            c->recv_q = 700;
            c->info.last_data_recv = GN_MSEC;
        }
    }
    for (unsigned i = 0; i < 60; i++) {
        struct fact_conn *c = add(passing[i % 6]);
        c->local.port = 80;
        c->process = 0;
        c->info.last_ack_recv = 30 * GN_MSEC;
    }
    for (unsigned i = 0; i < 9000; i++) /* TIME-WAITs of a proxy, below the budget */
        add(GN_TIME_WAIT)->remote.addr = gn_addr_v4(10, 0, 1, (uint8_t)(i % 4));
    add(GN_SYN_SENT)->timer = FACT_TIMER_RETRANS;
    const struct why_result *r = findings(&f, &o);
    for (size_t i = 0; i < r->n_findings; i++)
        cr_expect_fail("%s: %s", why_rule_id(r->finding[i]->rule), r->finding[i]->diagnosis);
    cr_assert_eq(r->n_healthy, f.n_conns);
}

Test(rules, close_wait_leak_tells_who_does_not_read)
{
    begin();
    for (unsigned i = 0; i < 4; i++)
        add(GN_CLOSE_WAIT)->info = (struct fact_info){.last_ack_recv = 6 * GN_SEC};
    cr_assert_eq(grade("close-wait-leak"), WHY_WARNING);
    cr_assert(strstr(find("close-wait-leak")->diagnosis, "does not call close()"));
    cr_assert_eq(find("close-wait-leak")->confidence, WHY_LIKELY, "its answer may be on its way");
    conn[0].info.last_ack_recv = 60 * GN_SEC;
    cr_assert_eq(find("close-wait-leak")->confidence, WHY_CERTAIN, "not for so long");
    for (unsigned i = 0; i < 4; i++)
        conn[i].recv_q = 1;
    cr_assert_eq(grade("close-wait-leak"), WHY_NOTE, "a client's pool");
    for (unsigned i = 0; i < 4; i++)
        conn[i].recv_q = 2;
    conn[0].info.last_ack_recv = 6 * GN_SEC;
    cr_assert(strstr(find("close-wait-leak")->diagnosis, "does not read them"));
    cr_assert_eq(find("close-wait-leak")->confidence, WHY_CERTAIN, "nobody even looked");
    process[1].fds = 900;
    process[1].fd_limit = 1024;
    cr_assert_eq(grade("close-wait-leak"), WHY_CRITICAL);
    process[1].fds = process[1].fd_limit = 0;
    for (unsigned i = 0; i < 4; i++) { /* an answer is on its way: a half-close in use */
        conn[i].recv_q = 0;
        conn[i].send_q = 100;
    }
    cr_assert_eq(grade("close-wait-leak"), WHY_NOTE);
}

Test(rules, fin_wait_2_held_needs_age)
{
    begin();
    add(GN_FIN_WAIT_2)->info.last_ack_recv = 50 * GN_SEC;
    conn[0].info.last_data_recv = 50 * GN_SEC;
    cr_assert_eq(grade("fin-wait-2-held"), WHY_NOTE);
    conn[0].info.last_ack_recv = 61 * GN_SEC;
    cr_assert_eq(grade("fin-wait-2-held"), WHY_WARNING);
    conn[0].info.last_data_recv = GN_SEC; /* the answer is coming */
    cr_assert_eq(grade("fin-wait-2-held"), -1);
}

Test(rules, time_wait_pile_up_counts_per_service)
{
    begin();
    set("ip_local_port_max", 1999);
    set("ip_local_port_min", 1000);
    set("tcp_tw_reuse", 0);
    for (unsigned i = 0; i < 900; i++) {
        struct fact_conn *c = add(GN_TIME_WAIT);
        c->local.port = (uint16_t)(1000 + i);
        c->remote.port = (uint16_t)(443 + i % 2); /* two services, 450 ports each */
    }
    cr_assert_eq(grade("time-wait-pile-up"), WHY_NOTE);
    for (unsigned i = 0; i < 120; i++)
        conn[i].remote.port = 443;
    cr_assert_eq(grade("time-wait-pile-up"), WHY_WARNING);
    cr_assert_eq(find("time-wait-pile-up")->n_conns, 510);
    setting[2].value = 1; /* tcp_tw_reuse: the ports are not lost */
    cr_assert_eq(grade("time-wait-pile-up"), WHY_NOTE);
}

Test(rules, time_wait_buckets_warn_near_the_limit)
{
    begin();
    set("tcp_max_tw_buckets", 100);
    for (unsigned i = 0; i < 89; i++)
        add(GN_TIME_WAIT);
    cr_assert_eq(grade("time-wait-buckets"), WHY_NOTE);
    add(GN_TIME_WAIT);
    cr_assert_eq(grade("time-wait-buckets"), WHY_WARNING);
}

Test(rules, ports_exhausted_counts_all_states)
{
    begin();
    set("ip_local_port_max", 1099);
    set("ip_local_port_min", 1000);
    for (unsigned i = 0; i < 96; i++)
        add(GN_ESTABLISHED)->local.port = (uint16_t)(1000 + i);
    cr_assert_eq(grade("ports-exhausted"), WHY_CRITICAL);
    f.n_conns = 80;
    cr_assert_eq(grade("ports-exhausted"), WHY_WARNING);
    f.n_conns = 49;
    cr_assert_eq(grade("ports-exhausted"), -1);
    f.n_conns = 96;
    f.source = FACTS_CAPTURE; /* a flood or a scan that passed by */
    cr_assert_eq(grade("ports-exhausted"), -1);
}

/* since Linux 6.5 the first retries of a SYN do not double the wait, and come on top */
Test(rules, connect_blackholed_counts_linear_timeouts)
{
    begin();
    struct fact_conn *c = in_vain(add(GN_SYN_SENT), 6), *later;
    set("tcp_syn_linear_timeouts", 4);
    set("tcp_syn_retries", 6);
    c->info.rto = 4 * GN_SEC; /* 1 1 1 1 1 2, and 4 runs */
    c->timer_in = GN_SEC;
    const struct why_finding *x = find("connect-blackholed");
    cr_assert_eq(evidence(x, "waiting for"), (5 + 2 + 3) * (int64_t)GN_SEC);
    cr_assert_eq(evidence(x, "the first fails in"), (1 + 8 + 16 + 32 + 64) * (int64_t)GN_SEC);
    cr_assert(strstr(x->remedy[1].how, "(19 s instead of 131 s)"), "%s", x->remedy[1].how);
    later = in_vain(add(GN_SYN_SENT), 10); /* not the first of the list: the first to fail */
    later->info.rto = 64 * GN_SEC;
    later->timer_in = 2 * GN_SEC;
    cr_assert_eq(evidence(find("connect-blackholed"), "the first fails in"), 2 * (int64_t)GN_SEC);
}

Test(rules, connect_blackholed_and_filtered_by_who_else_answers)
{
    begin();
    struct fact_conn *c = in_vain(add(GN_SYN_SENT), 3);
    c->info.rto = 8 * GN_SEC;
    c->timer_in = 4 * GN_SEC;
    set("tcp_syn_retries", 6);
    const struct why_finding *x = find("connect-blackholed");
    cr_assert_eq(x->severity, WHY_WARNING);
    cr_assert_eq(evidence(x, "waiting for"), 11 * (int64_t)GN_SEC);
    cr_assert_eq(evidence(x, "the first fails in"), (4 + 16 + 32 + 64) * (int64_t)GN_SEC);
    cr_assert_eq(grade("connect-filtered"), -1);
    add(GN_ESTABLISHED); /* the same host, heard of 10 ms ago */
    cr_assert_eq(grade("connect-blackholed"), -1);
    cr_assert_eq(grade("connect-filtered"), WHY_WARNING);
    conn[1].info.last_ack_recv = 60 * GN_SEC; /* that proves nothing */
    cr_assert_eq(grade("connect-blackholed"), WHY_WARNING);
    c->backoff = 0;
    cr_assert_eq(grade("connect-blackholed"), -1);
}

Test(rules, connect_blackholed_tells_ports_apart)
{
    begin();
    for (unsigned i = 0; i < 5; i++)
        in_vain(add(GN_SYN_SENT), 3)->remote.port = i < 3 ? 443 : 80;
    const struct why_finding *x = find("connect-blackholed");
    cr_assert_eq(x->n_conns, 3);
    cr_assert_eq(x->by, WHY_BY_SERVICE);
    cr_assert(strstr(x->diagnosis, "SYNs of curl (pid 8) to 10.0.0.2:443 get"), "%s", x->diagnosis);
    conn[2].process = 0;
    x = find("connect-blackholed");
    cr_assert(strstr(x->diagnosis, "SYNs of curl (pid 8) and others to"), "%s", x->diagnosis);
    for (unsigned i = 5; i < 20; i++)
        in_vain(add(GN_SYN_SENT), 3)->remote.port = (uint16_t)(1000 + i);
    x = find("connect-blackholed");
    cr_assert_eq(x->n_conns, 20);
    cr_assert(strstr(x->diagnosis, "to 17 ports of 10.0.0.2 get"), "%s", x->diagnosis);
    conn[7].remote.addr = gn_addr_v4(10, 0, 0, 3);
    x = find("connect-blackholed");
    cr_assert(strstr(x->diagnosis, "to 17 services get"), "%s", x->diagnosis);
}

Test(rules, syn_recv_pile_up_syn_flood_and_cookies)
{
    begin();
    set("tcp_max_syn_backlog", 256);
    set("tcp_syncookies", 1);
    listen_on(80, 0, 128);
    for (unsigned i = 0; i < 128; i++) {
        struct fact_conn *c = add(GN_SYN_RECEIVED);
        c->kind = GN_KIND_HALF_OPEN;
        c->local.port = 80;
        c->remote.port = (uint16_t)(2000 + i);
        c->backoff = i < 64;
    }
    cr_assert_eq(grade("syn-flood"), -1); /* full, but half of it is young */
    cr_assert_eq(grade("syn-recv-pile-up"), WHY_WARNING);
    conn[100].backoff = 1;
    cr_assert_eq(grade("syn-flood"), WHY_WARNING);
    cr_assert_eq(grade("syn-recv-pile-up"), -1);
    setting[1].value = 0; /* without cookies honest clients are kept out */
    cr_assert_eq(grade("syn-flood"), WHY_CRITICAL);
    conn[0].recv_q = 129; /* no flood: the process does not accept */
    cr_assert_eq(grade("syn-flood"), -1);
    cr_assert_eq(find("syn-recv-pile-up")->actor, WHY_PROCESS);
    conn[0].recv_q = 0;
    for (f.n_conns = 2; f.n_conns <= 80; f.n_conns += 78) { /* young ones, then repeated ones too */
        const char *said = find("syn-recv-pile-up")->diagnosis;
        cr_assert(strstr(said, "a SYN has come and"), "%s", said);
        cr_assert_null(strstr(said, "is out"), "a SYN,ACK may have had no route: %s", said);
        cr_assert_null(strstr(said, "sent"), "a SYN,ACK may have had no route: %s", said);
    }
    f.n_conns = 20;
    cr_assert_eq(grade("syn-flood"), -1);
    count("TcpExtSyncookiesSent", 5, 5);
    cr_assert_eq(grade("syn-cookies"), WHY_NOTE);
    counter[0].value = 6;
    cr_assert_eq(grade("syn-cookies"), WHY_WARNING);
}

Test(rules, accept_queue_full_only_when_full)
{
    begin();
    struct fact_conn *l = listen_on(80, 128, 128);
    cr_assert_eq(grade("accept-queue-full"), -1); /* one more fits */
    l->recv_q = 129;
    cr_assert_eq(grade("accept-queue-full"), WHY_WARNING);
    cr_assert(strstr(find("accept-queue-full")->diagnosis, "nginx (pid 7)"));
    f.interval = GN_SEC;
    count("TcpExtListenOverflows", 3, 4); /* and somebody came */
    cr_assert_eq(grade("accept-queue-full"), WHY_CRITICAL);
    l->recv_q = 0;
    l->send_q = 0;
    cr_assert_eq(grade("accept-queue-full"), -1);
    l->recv_q = 1;
    cr_assert_eq(grade("accept-queue-full"), WHY_CRITICAL);
}

Test(rules, backlog_too_small_by_what_the_listener_dropped)
{
    begin();
    struct fact_conn *l = listen_on(80, 0, 16);
    cr_assert_eq(grade("backlog-too-small"), -1);
    l->drops = 3;
    cr_assert_eq(grade("backlog-too-small"), WHY_WARNING);
    l->send_q = 511; /* once upon a time */
    cr_assert_eq(grade("backlog-too-small"), WHY_NOTE);
    f.interval = GN_SEC;
    count("TcpExtListenOverflows", 3, 9);
    cr_assert_eq(grade("backlog-too-small"), WHY_WARNING);
}

Test(rules, listener_address_is_a_note_without_a_sign)
{
    begin();
    listen_on(80, 0, 128)->local.addr = gn_addr_v4(127, 0, 0, 1);
    cr_assert_eq(grade("listener-address"), WHY_NOTE);
    add(GN_CLOSED)->remote.port = 80; /* somebody was refused at 10.0.0.2:80 */
    cr_assert_eq(grade("listener-address"), WHY_WARNING);
}

Test(rules, peer_gone_tells_when_the_kernel_gives_up)
{
    begin();
    set("tcp_retries2", 15);
    in_vain(add(GN_ESTABLISHED), 1);
    cr_assert_eq(grade("peer-gone"), -1);
    in_vain(&conn[0], 2);
    cr_assert_eq(grade("peer-gone"), WHY_NOTE);
    in_vain(&conn[0], 4); /* 0.2 + 0.4 + 0.8 + 1.6 s, then 1.6 of 3.2 s */
    const struct why_finding *x = find("peer-gone");
    cr_assert_eq(x->severity, WHY_WARNING);
    cr_assert_eq(evidence(x, "in vain for"), 4600 * (int64_t)GN_MSEC);
    /* Linux gives up at the first time-out after 924.6 s: 0.2 * (2^10 - 1) + 6 * 120 */
    cr_assert_eq(evidence(x, "given up in"), (924600 - 4600) * (int64_t)GN_MSEC);
    conn[0].process = FACT_NONE; /* an orphan: tcp_orphan_retries, which is 8: 102.2 s */
    cr_assert_eq(evidence(find("peer-gone"), "given up in"), (102200 - 4600) * (int64_t)GN_MSEC);
}

Test(rules, peer_gone_is_normal_among_many_clients)
{
    begin();
    listen_on(80, 0, 128);
    for (unsigned i = 0; i < 200; i++)
        add(GN_ESTABLISHED)->local.port = 80;
    in_vain(&conn[5], 6);
    conn[5].remote.addr = gn_addr_v4(192, 0, 2, 1);
    cr_assert_eq(grade("peer-gone"), WHY_NOTE);
    for (unsigned i = 6; i < 9; i++) {
        in_vain(&conn[i], 6);
        conn[i].remote.addr = gn_addr_v4(192, 0, 2, 1);
    }
    cr_assert_eq(grade("peer-gone"), WHY_WARNING);
}

Test(rules, peers_that_never_served_have_a_full_queue)
{
    begin();
    for (unsigned i = 0; i < 3; i++) {
        in_vain(add(GN_ESTABLISHED), 4)->info.bytes_acked = 1;
        conn[i].info.bytes_received = 0;
    }
    const struct why_finding *x = find("peer-gone");
    cr_assert(strstr(x->settle, "accept-queue-full"));
    cr_assert_eq(x->actor, WHY_PEER);
    conn[1].info.bytes_received = 10;
    cr_assert_null(strstr(find("peer-gone")->settle, "accept-queue-full"));
}

/* Who was heard of before the trouble began proves nothing. */
Test(rules, others_work_only_if_heard_of_since)
{
    begin();
    in_vain(add(GN_ESTABLISHED), 5);
    add(GN_ESTABLISHED)->info.last_ack_recv = 9700 * GN_MSEC;
    cr_assert_eq(find("peer-gone")->actor, WHY_NETWORK);
    conn[1].info.last_ack_recv = GN_SEC;
    cr_assert_eq(find("peer-gone")->actor, WHY_PEER);
}

Test(rules, unanswered_syns_where_others_are_served)
{
    begin();
    struct fact_conn *c = in_vain(add(GN_SYN_SENT), 3);
    c->info.rto = 8 * GN_SEC;
    add(GN_ESTABLISHED)->remote.port = 22;
    cr_assert(
        strstr(find("connect-filtered")->diagnosis, "work: most likely a firewall drops them"));
    conn[1].remote.port = 443; /* the same port */
    cr_assert(strstr(find("connect-filtered")->diagnosis, "accept queue is full"));
    cr_assert_eq(find("connect-filtered")->actor, WHY_PEER);
}

/* What is said of a group is true of each in it. */
Test(rules, syns_that_are_refused_and_syns_that_are_not_answered)
{
    begin();
    for (unsigned i = 0; i < 20; i++) {
        struct fact_conn *c = in_vain(add(GN_SYN_SENT), 3);
        c->remote.port = (uint16_t)(1000 + i);
        c->known |= FACT_ERROR;
        c->soft_error = GN_E_HOST_UNREACHABLE;
    }
    const struct why_finding *x = find("connect-filtered");
    cr_assert(strstr(x->diagnosis, "to 20 ports of 10.0.0.2 are answered with an ICMP error"), "%s",
              x->diagnosis);
    cr_assert(strstr(x->diagnosis, "or the host itself"), "%s", x->diagnosis);
    cr_assert_eq(x->confidence, WHY_CERTAIN);
    conn[7].soft_error = GN_OK;
    add(GN_ESTABLISHED);
    x = find("connect-filtered");
    cr_assert(strstr(x->diagnosis, "to 20 ports of 10.0.0.2 get no answer, or an ICMP error"), "%s",
              x->diagnosis);
    cr_assert_eq(evidence(x, "answered with an ICMP error"), 19);
    cr_assert_eq(x->confidence, WHY_LIKELY);
}

Test(rules, many_gone_peers_are_one_finding)
{
    begin();
    for (unsigned i = 0; i < 500; i++)
        in_vain(add(GN_ESTABLISHED), 6)->remote.addr =
            gn_addr_v4(10, 1, (uint8_t)(i / 200), (uint8_t)(i % 200));
    const struct why_finding *x = find("peer-gone");
    cr_assert_eq(x->n_groups, 500);
    cr_assert_eq(x->n_conns, 500);
    cr_assert_eq(x->by, WHY_BY_HOST);
    cr_assert(strstr(x->diagnosis, "500 peers"));
}

Test(rules, idle_no_keepalive_is_a_note_until_many)
{
    begin();
    for (unsigned i = 0; i < 50; i++) {
        struct fact_info *n = &add(GN_ESTABLISHED)->info;
        n->last_data_sent = n->last_data_recv = n->last_ack_recv = 3601 * GN_SEC;
    }
    cr_assert_eq(grade("idle-no-keepalive"), WHY_WARNING);
    f.n_conns = 49;
    cr_assert_eq(grade("idle-no-keepalive"), WHY_NOTE);
    for (unsigned i = 0; i < 49; i++)
        conn[i].timer = FACT_TIMER_KEEPALIVE;
    cr_assert_eq(grade("idle-no-keepalive"), -1);
}

Test(rules, keepalive_cannot_help_unacknowledged_data)
{
    begin();
    add(GN_ESTABLISHED)->timer = FACT_TIMER_KEEPALIVE;
    conn[0].timer_in = 60 * GN_SEC;
    in_vain(add(GN_ESTABLISHED), 5);
    cr_assert_eq(grade("keepalive-cannot-help"), WHY_WARNING);
    f.n_conns = 1;
    cr_assert_eq(grade("keepalive-cannot-help"), -1);
    conn[0].timer_in = 7000 * GN_SEC;
    cr_assert_eq(grade("keepalive-cannot-help"), WHY_NOTE);
}

/* whose probes nobody answers is not said to answer */
Test(rules, peer_not_reading_is_not_certain_of_the_silent)
{
    begin();
    struct fact_conn *c = add(GN_ESTABLISHED);
    c->timer = FACT_TIMER_PERSIST;
    c->timer_in = 2 * GN_SEC;
    c->backoff = 6;
    c->probes = 1;
    cr_assert(strstr(find("peer-not-reading")->diagnosis, "its TCP answers"));
    c->probes = 6;
    const struct why_finding *x = find("peer-not-reading");
    cr_assert(strstr(x->diagnosis, "does not answer any more"), "%s", x->diagnosis);
    cr_assert_eq(x->confidence, WHY_LIKELY);
    cr_assert_eq(x->actor, WHY_NETWORK);
    cr_assert_eq(evidence(x, "window probes without an answer, up to"), 6);
}

Test(rules, peer_not_reading_needs_time)
{
    begin();
    struct fact_conn *c = add(GN_ESTABLISHED);
    c->timer = FACT_TIMER_PERSIST;
    c->timer_in = 100 * GN_MSEC;
    c->send_q = 5000;
    c->info.snd_wnd = 0;
    cr_assert_eq(grade("peer-not-reading"), WHY_NOTE);
    c->backoff = 4;
    c->info.rto = 200 * GN_MSEC;
    cr_assert_eq(grade("peer-not-reading"), WHY_WARNING);
}

Test(rules, not_reading_means_unread_and_nothing_new)
{
    begin();
    struct fact_conn *c = add(GN_ESTABLISHED);
    c->recv_q = 100000;
    c->info.last_data_recv = GN_SEC;
    cr_assert_eq(grade("not-reading"), -1); /* it may be reading */
    c->info.last_data_recv = 6 * GN_SEC;
    cr_assert_eq(grade("not-reading"), WHY_WARNING);
    c->recv_q = 100; /* little, and there is room */
    cr_assert_eq(grade("not-reading"), WHY_NOTE);
    c->info.rcv_wnd = 0;
    cr_assert_eq(grade("not-reading"), WHY_WARNING);
    c->process = FACT_NONE; /* waits for accept(), or an orphan */
    cr_assert_eq(grade("not-reading"), -1);
}

Test(rules, limits_of_sending)
{
    begin();
    struct fact_conn *c = add(GN_ESTABLISHED);
    c->send_q = 80000;
    c->info.not_sent = 65520;
    c->info.unacked = 10;
    cr_assert_eq(grade("send-limited-cwnd"), WHY_NOTE);
    c->info.busy = 10 * GN_SEC;
    c->info.rwnd_limited = 6 * GN_SEC;
    cr_assert_eq(grade("send-limited-cwnd"), -1);
    cr_assert_eq(grade("send-limited-window"), WHY_NOTE);
    c->info.wscale = false;
    c->info.snd_wnd = 65535;
    c->info.rtt = 80 * GN_MSEC;
    cr_assert_eq(grade("send-limited-window"), WHY_WARNING);
    c->info.rwnd_limited = 0;
    c->info.sndbuf_limited = 6 * GN_SEC;
    cr_assert_eq(grade("send-limited-buffer"), WHY_NOTE);
    c->sndbuf = 4608;
    cr_assert_eq(grade("send-limited-buffer"), WHY_WARNING);
}

Test(rules, retransmission_storm_by_share)
{
    begin();
    struct fact_info *n = &add(GN_ESTABLISHED)->info;
    n->segs_out = 1000;
    n->retrans_total = 19;
    cr_assert_eq(grade("retransmission-storm"), -1);
    n->retrans_total = 49;
    cr_assert_eq(grade("retransmission-storm"), WHY_NOTE);
    n->retrans_total = 50;
    cr_assert_eq(grade("retransmission-storm"), WHY_WARNING);
    n->retrans_total = 200;
    cr_assert_eq(grade("retransmission-storm"), WHY_CRITICAL);
}

Test(rules, pmtu_black_hole_is_not_a_peer_that_has_gone)
{
    begin();
    struct fact_conn *c = in_vain(add(GN_ESTABLISHED), 4);
    c->send_q = 20000;
    cr_assert_eq(grade("pmtu-black-hole"), -1);
    cr_assert_eq(grade("peer-gone"), WHY_WARNING);
    c->info.last_ack_recv = 300 * GN_MSEC;
    cr_assert_eq(grade("pmtu-black-hole"), WHY_WARNING);
    cr_assert_eq(grade("peer-gone"), -1);
    c->send_q = 200; /* small ones do not pass either */
    cr_assert_eq(grade("pmtu-black-hole"), -1);
}

Test(rules, small_mss_matters_for_bulk)
{
    begin();
    struct fact_info *n = &add(GN_ESTABLISHED)->info;
    n->snd_mss = 536;
    cr_assert_eq(grade("small-mss"), WHY_NOTE);
    n->bytes_sent = 20000;
    cr_assert_eq(grade("small-mss"), WHY_WARNING);
    n->snd_mss = 537;
    cr_assert_eq(grade("small-mss"), -1);
    n->snd_mss = 500;
    conn[0].remote.addr = gn_addr_v4(127, 0, 0, 1);
    cr_assert_eq(grade("small-mss"), -1);
}

Test(rules, nagle_delayed_ack_counts_stalls)
{
    begin();
    struct fact_conn *c = add(GN_ESTABLISHED);
    cr_assert_eq(grade("nagle-delayed-ack"), -1);
    c->info.not_sent = 12;
    c->info.unacked = 1;
    cr_assert_eq(grade("nagle-delayed-ack"), WHY_NOTE);
    c->known |= FACT_SEEN;
    c->seen = &seen;
    seen.side[0].nagle_stalls = 5;
    cr_assert_eq(grade("nagle-delayed-ack"), WHY_WARNING);
}

Test(rules, resets_and_refusals_from_a_capture)
{
    begin();
    f.source = FACTS_CAPTURE;
    seen = (struct fact_seen){.from_start = true, .rst_by = 1, .side[0].syns = 1};
    for (unsigned i = 0; i < 5; i++) {
        struct fact_conn *c = add(GN_CLOSED);
        c->known = FACT_SEEN;
        c->seen = &seen;
    }
    cr_assert_eq(grade("connect-refused"), WHY_WARNING);
    cr_assert_eq(grade("reset-loop"), -1);
    seen.side[1].syn_acks = 1;
    cr_assert_eq(grade("connect-refused"), -1);
    cr_assert_eq(grade("reset-loop"), WHY_WARNING);
    cr_assert_eq(find("reset-loop")->actor, WHY_PEER);
    f.n_conns = 4;
    cr_assert_eq(grade("reset-loop"), WHY_NOTE);
}

Test(rules, limits_of_the_machine)
{
    begin();
    f.interval = 10 * GN_SEC;
    count("SockTcpMem", 0, 89 << 20);
    count("SockTcpOrphan", 0, 49);
    count("TcpActiveOpens", 0, 100);
    count("TcpAttemptFails", 0, 19);
    count("TcpEstabResets", 0, 49);
    set("tcp_max_orphans", 100);
    set("tcp_mem_max", 100 << 20);
    set("tcp_mem_pressure", 90 << 20);
    cr_assert_eq(findings(&f, &o)->n_findings, 0);
    counter[0].value = 90 << 20;
    counter[1].value = 50;
    counter[3].value = 20;
    counter[4].value = 50;
    cr_assert_eq(grade("memory-pressure"), WHY_WARNING);
    cr_assert_eq(grade("orphan-limit"), WHY_WARNING);
    cr_assert_eq(grade("connect-failures"), WHY_WARNING);
    cr_assert_eq(grade("reset-rate"), WHY_WARNING);
    counter[0].value = 96 << 20;
    counter[1].value = 90;
    cr_assert_eq(grade("memory-pressure"), WHY_CRITICAL);
    cr_assert_eq(grade("orphan-limit"), WHY_CRITICAL);
    o.filter.port = 80; /* only a part is asked for: nothing about the machine */
    cr_assert_eq(grade("orphan-limit"), -1);
}

Test(rules, names_of_processes_steer_no_terminal)
{
    begin();
    process[1].comm = "evil\033[2J";
    for (unsigned i = 0; i < 4; i++)
        add(GN_CLOSE_WAIT)->info = (struct fact_info){.last_ack_recv = 60 * GN_SEC};
    cr_assert_null(strchr(find("close-wait-leak")->diagnosis, '\033'));
    process[1].comm = "curl";
}
