/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/list.h"

#include <criterion/criterion.h>

Test(list, append_remove_pop_keep_order)
{
    struct list head, n[3] = {0};

    list_init(&head);
    cr_assert(list_empty(&head));
    cr_assert_null(list_pop(&head));
    for (int i = 0; i < 3; i++)
        list_append(&head, &n[i]);
    list_remove(&n[1]);
    cr_assert_not(list_linked(&n[1]));
    cr_assert_eq(list_pop(&head), &n[0]);
    cr_assert_eq(list_pop(&head), &n[2]);
    cr_assert(list_empty(&head));
}

Test(list, splice_moves_all_to_the_end)
{
    struct list a, b, n[4] = {0};

    list_init(&a);
    list_init(&b);
    list_splice(&a, &b);
    cr_assert(list_empty(&a));
    list_append(&a, &n[0]);
    list_append(&b, &n[1]);
    list_append(&b, &n[2]);
    list_splice(&a, &b);
    cr_assert(list_empty(&b));
    list_append(&a, &n[3]);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(list_pop(&a), &n[i]);
    cr_assert_null(list_pop(&a));
}
