/* SPDX-License-Identifier: BSD-2-Clause */
/* Thresholds of the rules on what a capture shows: floods and scans told apart from what is only
 * young, slow or unlucky. The same at work: tests/cli/why_demos.py. */
#include "explain/rules.h"
#include "findings.h"

#include <criterion/criterion.h>
#include <string.h>

#define CONNS 2000
#define NOW   (100000 * GN_SEC)

static struct fact_conn conn[CONNS];
static struct fact_seen seen[CONNS];
static const struct gn_transition established = {.to = GN_ESTABLISHED};
static struct facts f;
static const struct why_options o = {.notes = true};

/** begin() - a capture without connections */
static void begin(void)
{
    f = (struct facts){.source = FACTS_CAPTURE, .now = NOW, .conn = conn};
}

/** add() - the end of a connection that sent its SYN @age ago (@opener), or got it then */
static struct fact_seen *add(enum gn_state state, bool opener, gn_time age)
{
    size_t i = f.n_conns++;
    struct gn_endpoint client = {gn_addr_v4(10, 1, (uint8_t)(i / 250), (uint8_t)(i % 250)), 40000};
    struct gn_endpoint server = {gn_addr_v4(10, 0, 0, 2), 80};

    seen[i] = (struct fact_seen){.from_start = true, .rst_by = 2, .opener = !opener};
    seen[i].side[!opener].syns = 1;
    seen[i].side[!opener].first = seen[i].side[!opener].last = NOW - age;
    conn[i] = (struct fact_conn){.kind = GN_KIND_CONNECTION,
                                 .state = state,
                                 .known = FACT_SEEN | FACT_AGE | FACT_HISTORY,
                                 .local = opener ? client : server,
                                 .remote = opener ? server : client,
                                 .process = FACT_NONE,
                                 .listener = FACT_NONE,
                                 .in_state = age,
                                 .seen = &seen[i]};
    if (state == GN_SYN_RECEIVED)
        seen[i].side[0].syn_acks = 1;
    if (state == GN_ESTABLISHED) {
        seen[i].side[opener].syn_acks = 1;
        conn[i].history = &established;
        conn[i].n_history = 1;
    }
    return &seen[i];
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

Test(capture_rules, flood)
{
    begin();
    for (unsigned i = 0; i < 63; i++)
        add(GN_SYN_RECEIVED, false, 2 * GN_SEC);
    cr_assert_eq(grade("syn-flood"), -1);
    add(GN_SYN_RECEIVED, false, GN_SEC); /* it may still answer */
    cr_assert_eq(grade("syn-flood"), -1);
    conn[63].in_state = 2 * GN_SEC;
    cr_assert_eq(grade("syn-flood"), WHY_WARNING);
    cr_assert_eq(grade("syn-recv-pile-up"), -1);
    cr_assert_eq(find("syn-flood")->evidence[2].value, 64, "so many addresses");
    for (unsigned i = 0; i < 64; i++)
        seen[i].side[1].syns = 2; /* somebody tries in earnest: the SYN,ACKs get lost */
    cr_assert_eq(grade("syn-flood"), -1);
    cr_assert_neq(grade("syn-recv-pile-up"), -1);
}

Test(capture_rules, flood_without_answers)
{
    begin();
    for (unsigned i = 0; i < 64; i++)
        add(GN_SYN_SENT, true, 3 * GN_SEC);
    cr_assert_eq(grade("syn-flood"), WHY_CRITICAL);
    cr_assert(find("syn-flood")->local.port == 80, "it is about the server");
    cr_assert_eq(grade("connect-blackholed"), -1);
}

/* Where thousands come and go, a few never answer. */
Test(capture_rules, busy_server)
{
    begin();
    for (unsigned i = 0; i < 640; i++)
        add(GN_ESTABLISHED, false, 3 * GN_SEC);
    for (unsigned i = 0; i < 64; i++)
        add(GN_SYN_RECEIVED, false, 3 * GN_SEC);
    cr_assert_eq(grade("syn-flood"), -1);
    add(GN_SYN_RECEIVED, false, 3 * GN_SEC);
    cr_assert_eq(grade("syn-flood"), WHY_WARNING);
}

/* Invented addresses that somebody has: the SYN,ACK is refused by a RST. */
Test(capture_rules, flood_from_addresses_in_use)
{
    begin();
    for (unsigned i = 0; i < 64; i++) {
        struct fact_seen *s = add(GN_CLOSED, false, GN_SEC);
        s->side[0].syn_acks = 1;
        s->rst_by = 1;
    }
    cr_assert_eq(grade("syn-flood"), WHY_WARNING);
}

/** tries() - one client tries @n ports of one host, @times each */
static void tries(unsigned n, unsigned times)
{
    begin();
    for (unsigned i = 0; i < n * times; i++) {
        add(GN_CLOSED, true, GN_SEC)->rst_by = 1;
        conn[i].local = (struct gn_endpoint){gn_addr_v4(10, 0, 0, 66), (uint16_t)(50000 + i)};
        conn[i].remote.port = (uint16_t)(1 + i % n);
    }
}

Test(capture_rules, scan)
{
    tries(15, 1);
    cr_assert_eq(grade("port-scan"), -1);
    tries(16, 1);
    cr_assert_eq(grade("port-scan"), WHY_NOTE);
    cr_assert_eq(grade("connect-refused"), -1);
    cr_assert_eq(grade("syn-flood"), -1);
    tries(16, 2);
    cr_assert_eq(grade("port-scan"), WHY_NOTE);
    tries(16, 3); /* it misses these services */
    cr_assert_eq(grade("port-scan"), -1);
    cr_assert_eq(grade("connect-refused"), WHY_WARNING);
    tries(16, 1);
    seen[3].side[0].bytes = 100; /* one of them is used */
    cr_assert_eq(grade("port-scan"), -1);
}

Test(capture_rules, silence)
{
    begin();
    for (unsigned i = 0; i < 50; i++) {
        add(GN_ESTABLISHED, true, 4000 * GN_SEC);
        conn[i].local.addr = gn_addr_v4(10, 0, 0, 1);
    }
    const struct why_finding *x = find("idle-no-keepalive");
    cr_assert_eq(x->severity, WHY_WARNING);
    cr_assert_eq(x->confidence, WHY_POSSIBLE, "keep-alive may speak after two hours");
    for (unsigned i = 0; i < 50; i++)
        seen[i].side[0].last = NOW - 9000 * GN_SEC;
    cr_assert_eq(find("idle-no-keepalive")->confidence, WHY_LIKELY);
    for (unsigned i = 0; i < 50; i++)
        seen[i].opener = 1; /* the other end tells it */
    cr_assert_eq(grade("idle-no-keepalive"), -1);
}

Test(capture_rules, shut_windows)
{
    begin();
    struct fact_seen *s = add(GN_ESTABLISHED, true, 100 * GN_SEC);
    s->side[1].zero_windows = 100;
    s->side[1].zero_window_time = 20 * GN_SEC;
    s->side[1].zero_window_longest = GN_SEC;
    cr_assert_eq(grade("peer-not-reading"), WHY_NOTE, "often, and never for long");
    cr_assert(strstr(find("peer-not-reading")->diagnosis, "opened it again"));
    s->side[1].zero_window_longest = 2 * GN_SEC;
    s->side[1].shut = true;
    cr_assert_eq(grade("peer-not-reading"), WHY_WARNING);
    cr_assert(strstr(find("peer-not-reading")->diagnosis, "does not read"));
}

Test(capture_rules, full_windows)
{
    begin();
    struct fact_seen *s = add(GN_ESTABLISHED, true, 100 * GN_SEC);
    conn[0].info.snd_wnd = 8192;
    s->side[0].bytes = 80000;
    s->side[0].windows_full = 4;
    cr_assert_eq(grade("send-limited-window"), -1);
    s->side[0].windows_full = 5;
    cr_assert_neq(grade("send-limited-window"), -1);
    s->side[0].bytes = 90000; /* most of it met no full window */
    cr_assert_eq(grade("send-limited-window"), -1);
}

/* Who had closed before the capture began, and who has not closed at all, look the same. */
Test(capture_rules, close_that_may_have_been_missed)
{
    begin();
    for (unsigned i = 0; i < 40; i++) {
        bool server = i < 20;
        struct fact_seen *s = add(server ? GN_FIN_WAIT_2 : GN_CLOSE_WAIT, !server, 90 * GN_SEC);
        s->opener = 2;
        s->from_start = false;
        s->side[!server].bytes = 1;
    }
    cr_assert_eq(grade("close-wait-leak"), -1);
    cr_assert_eq(grade("fin-wait-2-held"), -1);
    for (unsigned i = 0; i < 40; i++)
        seen[i].side[i < 20].bytes = 1; /* who sends text has not closed */
    cr_assert_eq(grade("close-wait-leak"), WHY_WARNING);
    cr_assert_eq(grade("fin-wait-2-held"), WHY_WARNING);
    for (unsigned i = 0; i < 40; i++) { /* nor who has not sent a FIN from the handshake on */
        seen[i].side[i < 20].bytes = 0;
        seen[i].opener = i < 20;
    }
    cr_assert_eq(grade("close-wait-leak"), WHY_WARNING);
    cr_assert_eq(grade("fin-wait-2-held"), WHY_WARNING);
}

/* Nothing was to be sent, so only keep-alives tell that the peer has gone. */
Test(capture_rules, keepalives_without_an_answer)
{
    begin();
    add(GN_ESTABLISHED, true, 90 * GN_SEC)->side[0].unanswered_keepalives = 1;
    cr_assert_eq(grade("peer-gone"), -1, "its answer may be on its way");
    seen[0].side[0].unanswered_keepalives = 2;
    cr_assert_eq(grade("peer-gone"), WHY_NOTE);
    seen[0].side[0].unanswered_keepalives = 3;
    cr_assert_eq(grade("peer-gone"), WHY_WARNING);
    cr_assert(strstr(find("peer-gone")->diagnosis, "keep-alives"));
    conn[0].backoff = 3; /* and text, too */
    cr_assert(strstr(find("peer-gone")->diagnosis, "acknowledges nothing"));
}
