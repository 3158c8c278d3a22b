/* SPDX-License-Identifier: BSD-2-Clause */
#include "link/packet.h"

#include "base/prng.h"

#include <criterion/criterion.h>

Test(packet, heap_gives_the_earliest_and_keeps_order_among_equals)
{
    struct packet_pool pool = {.max = 1 << 20};
    struct packet_heap heap = {0};
    struct packet *p;
    struct prng rng;
    gn_time last = 0;
    uint64_t last_id = 0;
    unsigned n = 0;

    prng_seed(&rng, 1, 2);
    for (unsigned i = 0; i < 1000; i++) {
        p = packet_new(&pool, 1);
        p->at = prng_below(&rng, 50);
        p->id = i;
        cr_assert(packet_heap_push(&heap, p));
    }
    cr_assert(packet_heap_deadline(&heap).armed);
    for (gn_time now = 0; now < 50; now++)
        while ((p = packet_heap_pop(&heap, now))) {
            cr_assert_eq(p->at, now);
            cr_assert(p->at > last || p->id >= last_id);
            last = p->at;
            last_id = p->id;
            packet_free(&pool, p);
            n++;
        }
    cr_assert_eq(n, 1000);
    cr_assert_eq(pool.n, 0);
    cr_assert_eq(pool.bytes, 0);
    cr_assert_not(packet_heap_deadline(&heap).armed);
    packet_heap_fini(&heap, &pool);
}

Test(packet, nothing_is_popped_before_its_time)
{
    struct packet_pool pool = {.max = 1 << 20};
    struct packet_heap heap = {0};
    struct packet *p = packet_new(&pool, 1);

    p->at = 100;
    packet_heap_push(&heap, p);
    cr_assert_null(packet_heap_pop(&heap, 99));
    cr_assert_eq(packet_heap_pop(&heap, 100), p);
    packet_heap_push(&heap, p);
    packet_heap_fini(&heap, &pool);
    cr_assert_eq(pool.n, 0);
}

Test(packet, fifo_keeps_order)
{
    struct packet_pool pool = {.max = 1 << 20};
    struct packet_fifo f = {0};

    cr_assert_null(packet_pop(&f));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++) {
            struct packet *p = packet_new(&pool, i);

            packet_append(&f, p);
        }
        for (unsigned i = 0; i < 2; i++) {
            struct packet *p = packet_pop(&f);

            cr_assert_eq(p->frame.len, i);
            packet_free(&pool, p);
        }
        packet_clear(&f, &pool);
    }
    cr_assert_eq(pool.n, 0);
}

Test(packet, memory_is_bounded)
{
    struct packet_pool pool = {.max = 2 * (sizeof(struct packet) + 100)};
    struct packet *a = packet_new(&pool, 100), *b = packet_clone(&pool, a);

    cr_assert_not_null(b);
    cr_assert_eq(b->frame.data, b->bytes);
    cr_assert_null(packet_new(&pool, 100));
    cr_assert_null(packet_clone(&pool, a));
    packet_free(&pool, a);
    a = packet_new(&pool, 100);
    cr_assert_not_null(a);
    packet_free(&pool, a);
    packet_free(&pool, b);
}
