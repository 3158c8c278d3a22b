/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file owner_test.c  Names of containers; tables and stores that owners are found by.
 */
#include "probe/owner.h"
#include "probe/table.h"

#include <criterion/criterion.h>
#include <string.h>

#define ID "3f2a1b00c4d5e6f7a8b9c0d1e2f3a4b53f2a1b00c4d5e6f7a8b9c0d1e2f3a4b5"

Test(owner, containers_by_their_cgroup)
{
    static const struct {
        const char *text, *is;
    } rows[] = {
        {"0::/system.slice/docker-" ID ".scope\n", "3f2a1b00c4d5"},
        {"9:name=systemd:/\n4:memory:/docker/" ID "\n", "3f2a1b00c4d5"},
        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope/init\n",
         "3f2a1b00c4d5"},
        {"0::/lxc.payload.web/system.slice/nginx.service\n", "web"},
        {"0::/machine.slice/machine-mail.scope\n", "mail"},
        {"0::/system.slice/ssh.service\n", ""},
        {"0::/\n", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[OWNER_NAME];

        cr_expect_eq(owner_container(rows[i].text, name), strlen(rows[i].is));
        cr_expect_str_eq(name, rows[i].is);
    }
}

Test(owner, a_container_with_an_endless_name)
{
    char text[4096] = "0::/machine-", name[OWNER_NAME];

    memset(text + strlen(text), 'x', 4000);
    cr_expect_eq(owner_container(text, name), OWNER_NAME - 1);
    cr_expect_eq(strlen(name), OWNER_NAME - 1);
}

Test(owner, who_has_no_file_has_no_owner_and_that_is_known)
{
    struct store s = {0};
    struct fact_conn *c = store_add(&s, &s.conns, sizeof *c);

    c->process = FACT_NONE;
    c->state = GN_FIN_WAIT_2;
    owner_find(&s);
    c = store_conn(&s, 0);
    cr_expect(c->known & FACT_OWNER);
    cr_expect_eq(c->process, FACT_NONE);
    cr_expect_eq(s.gaps.n, 0);
    store_free(&s);
}

Test(owner, an_inode_that_nobody_holds_stays_unknown_and_is_said)
{
    struct store s = {0};
    struct fact_conn *c = store_add(&s, &s.conns, sizeof *c);

    c->process = FACT_NONE;
    c->inode = UINT32_MAX;
    owner_find(&s);
    cr_expect(!(store_conn(&s, 0)->known & FACT_OWNER));
    cr_assert_eq(s.gaps.n, 1);
    cr_expect(strstr(*(const char **)s.gaps.item, "1 socket ") != NULL);
    store_free(&s);
}

Test(table, finds_what_was_put_and_nothing_else)
{
    struct table t;

    cr_assert(table_init(&t, 1000));
    for (uint32_t i = 1; i <= 1000; i++)
        cr_assert(table_put(&t, (uint64_t)i << 32 | 5, i));
    cr_expect(!table_put(&t, (uint64_t)7 << 32 | 5, 9), "the first one stays");
    for (uint32_t i = 1; i <= 1000; i++)
        cr_assert_eq(table_get(&t, (uint64_t)i << 32 | 5), i);
    cr_expect_eq(table_get(&t, 5), UINT32_MAX);
    cr_expect_eq(table_get(&t, 0), UINT32_MAX);
    table_free(&t);
}

Test(store, texts_outlast_the_growth_of_lists)
{
    struct store s = {0};
    const char *first = store_text(&s, "first", 5);
    static char big[300000];

    memset(big, 'x', sizeof big);
    cr_expect_eq(strlen(store_text(&s, big, sizeof big)), (256u << 10) - 1, "cut, not refused");
    for (int i = 0; i < 5000; i++)
        store_text(&s, big, 100);
    cr_expect_str_eq(first, "first");
    store_gap(&s, "no %s", "root");
    store_gap(&s, "no %s", "root");
    cr_expect_eq(s.gaps.n, 1, "said once");
    store_clear(&s);
    cr_expect_eq(s.gaps.n, 0);
    cr_expect_str_eq(store_text(&s, "again", 5), "again");
    store_free(&s);
}
