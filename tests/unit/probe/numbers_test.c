/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file numbers_test.c  The texts of /proc as counters and settings.
 */
#include "probe/numbers.h"

#include <criterion/criterion.h>
#include <unistd.h>

/** as_facts() - so that the numbers can be asked for by name */
static struct facts as_facts(const struct store *s)
{
    return (struct facts){.counter = s->counters.item,
                          .n_counters = s->counters.n,
                          .setting = s->settings.item,
                          .n_settings = s->settings.n};
}

Test(numbers, pairs_of_lines_are_called_as_nstat_calls_them)
{
    struct store s = {0};
    struct facts f;

    numbers_pairs(&s, "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 3 18446744073709551615\n"
                      "Tcp: MaxConn RetransSegs\nTcp: -1 7\n");
    numbers_settle(&s, NULL);
    f = as_facts(&s);
    cr_expect_eq(facts_counter(&f, "TcpExtSyncookiesSent", -5), 3);
    cr_expect_eq(facts_counter(&f, "TcpMaxConn", -5), -1);
    cr_expect_eq(facts_counter(&f, "TcpRetransSegs", -5), 7);
    cr_expect_eq(facts_counter(&f, "TcpExtListenOverflows", -5), -5, "beyond what fits: unknown");
    cr_expect_eq(facts_growth(&f, "TcpRetransSegs"), 0, "nothing to compare with");
    store_free(&s);
}

Test(numbers, a_text_that_breaks_off)
{
    static const char whole[] = "TcpExt: A B C\nTcpExt: 1 2 3\nIpExt: D\nIpExt: 4\n";

    for (size_t len = 0; len < sizeof whole; len++) {
        struct store s = {0};
        char text[sizeof whole] = {0};
        struct facts f;

        memcpy(text, whole, len);
        numbers_pairs(&s, text);
        numbers_levels(&s, text);
        numbers_settle(&s, NULL);
        f = as_facts(&s);
        cr_expect_leq(f.n_counters, 4);
        cr_expect_eq(facts_counter(&f, "TcpExtA", 0), len > 22 ? 1 : 0, "%zu", len);
        store_free(&s);
    }
}

Test(numbers, levels_are_those_of_tcp_and_memory_is_in_octets)
{
    struct store s = {0};
    struct facts f;

    numbers_levels(&s, "sockets: used 18\nTCP: inuse 1 orphan 2 tw 3 alloc 6 mem 4\n"
                       "UDP: inuse 9 mem 7\n");
    numbers_settle(&s, NULL);
    f = as_facts(&s);
    cr_expect_eq(facts_counter(&f, "SockTcpInuse", -1), 1);
    cr_expect_eq(facts_counter(&f, "SockTcpOrphan", -1), 2);
    cr_expect_eq(facts_counter(&f, "SockTcpTw", -1), 3);
    cr_expect_eq(facts_counter(&f, "SockTcpMem", -1), 4 * sysconf(_SC_PAGESIZE));
    store_free(&s);
}

Test(numbers, settings_come_in_our_units)
{
    struct store s = {0};
    struct facts f;

    numbers_setting(&s, "tcp_fin_timeout", (int64_t)GN_SEC, "60\n");
    numbers_setting(&s, "tcp_rmem_min tcp_rmem_default tcp_rmem_max", 1, "4096\t131072\t6291456\n");
    numbers_setting(&s, "tcp_mem_low tcp_mem_pressure tcp_mem_max", 0, "1 2\n");
    numbers_setting(&s, "broken", 1, "cubic\n");
    numbers_settle(&s, NULL);
    f = as_facts(&s);
    cr_expect_eq(facts_setting(&f, "tcp_fin_timeout", 0), 60 * (int64_t)GN_SEC);
    cr_expect_eq(facts_setting(&f, "tcp_rmem_max", 0), 6291456);
    cr_expect_eq(facts_setting(&f, "tcp_mem_pressure", 0), 2 * sysconf(_SC_PAGESIZE));
    cr_expect_eq(facts_setting(&f, "tcp_mem_max", -1), -1);
    cr_expect_eq(facts_setting(&f, "broken", -1), -1);
    store_free(&s);
}

Test(numbers, namespaces_add_up_and_the_first_ones_settings_stand)
{
    struct store s = {0}, old = {0};
    struct facts before, f;

    numbers_pairs(&old, "Tcp: RetransSegs\nTcp: 10\n");
    numbers_settle(&old, NULL);
    before = as_facts(&old);
    numbers_pairs(&s, "Tcp: RetransSegs\nTcp: 8\n");
    numbers_setting(&s, "tcp_fin_timeout", 1, "60");
    numbers_pairs(&s, "Tcp: RetransSegs\nTcp: 5\n");
    numbers_setting(&s, "tcp_fin_timeout", 1, "20");
    numbers_settle(&s, &before);
    f = as_facts(&s);
    cr_expect_eq(facts_counter(&f, "TcpRetransSegs", 0), 13);
    cr_expect_eq(facts_growth(&f, "TcpRetransSegs"), 3);
    cr_expect_eq(facts_setting(&f, "tcp_fin_timeout", 0), 60);
    cr_expect_eq(s.gaps.n, 1, "and it is said that they differ");
    store_free(&s);
    store_free(&old);
}

Test(numbers, lists_of_ports)
{
    cr_expect_eq(numbers_ports("80,8000-8079,9\n"), 82);
    cr_expect_eq(numbers_ports("\n"), 0);
    cr_expect_eq(numbers_ports(""), 0);
    cr_expect_eq(numbers_ports("9-8"), 0);
    cr_expect_eq(numbers_ports("1-70000"), 0);
    cr_expect_eq(numbers_ports("5-"), 0);
}
