/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip/neigh.h"

#include "unit/ip/support.h"

/** A cache on virtual time. */
struct cache {
    struct pages pages;
    struct mem mem;
    struct neigh_cache c;
    gn_time now;
    struct neigh *n; /* of the last use() or expire() */
};

static struct cache *cache_new(void)
{
    struct cache *x = calloc(1, sizeof *x);

    mem_init(&x->mem, pages_source(&x->pages), 16u << 20);
    neigh_init(&x->c, &(struct siphash_key){{1, 2}});
    x->now = 1000 * GN_SEC + 1; /* odd: deadlines lose the lowest bit */
    return x;
}

static void cache_free(struct cache *x)
{
    neigh_fini(&x->c, &x->mem);
    cr_assert_eq(x->mem.used, 0);
    mem_fini(&x->mem);
    free(x);
}

static struct gn_addr addr(unsigned i)
{
    return v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i);
}

static enum neigh_use use(struct cache *x, unsigned i)
{
    struct gn_addr a = addr(i);

    return neigh_use(&x->c, &x->mem, x->now, 0, &a, &x->n);
}

static struct neigh *find(struct cache *x, unsigned i)
{
    struct gn_addr a = addr(i);

    return neigh_find(&x->c, 0, &a);
}

/* let the next timer expire, at its very deadline */
static enum neigh_due expire(struct cache *x)
{
    deadline_t d = neigh_deadline(&x->c);

    if (deadline_armed(d) && deadline_time(d) > x->now) {
        cr_assert_eq(neigh_expire(&x->c, &x->mem, deadline_time(d) - 2, &x->n), NEIGH_DUE_NONE);
        x->now = deadline_time(d);
    }
    return neigh_expire(&x->c, &x->mem, x->now, &x->n);
}

static struct neigh *learn(struct cache *x, unsigned i, struct neigh_news news, bool create)
{
    struct gn_addr a = addr(i);

    return neigh_learn(&x->c, &x->mem, x->now, 0, &a, &news, create);
}

/* the answer to a solicitation of ours */
static struct neigh_news answer(const uint8_t *mac)
{
    return (struct neigh_news){.mac = mac, .is_advert = true, .solicited = true, .override = true};
}

Test(neigh, resolution_asks_three_times_then_fails)
{
    struct cache *x = cache_new();
    gn_time start = x->now;

    cr_assert_eq(use(x, 1), NEIGH_USE_ASK);
    cr_assert_eq(x->n->state, NEIGH_INCOMPLETE);
    cr_assert_eq(use(x, 1), NEIGH_USE_WAIT);
    cr_assert_eq(expire(x), NEIGH_DUE_ASK);
    cr_assert_eq(expire(x), NEIGH_DUE_ASK);
    cr_assert_eq(expire(x), NEIGH_DUE_FAILED);
    cr_assert(x->now - start <= 3 * GN_SEC && x->now - start >= 3 * GN_SEC - 6);
    cr_assert_eq(find(x, 1)->state, NEIGH_FAILED);
    cr_assert_not(deadline_armed(neigh_deadline(&x->c)));
    cr_assert_eq(use(x, 1), NEIGH_USE_ASK, "the next packet asks again");
    cache_free(x);
}

Test(neigh, life_of_a_good_one)
{
    struct cache *x = cache_new();

    use(x, 1);
    cr_assert_not_null(learn(x, 1, answer(PEER_MAC), false));
    cr_assert_eq(find(x, 1)->state, NEIGH_REACHABLE);
    cr_assert_not(deadline_armed(neigh_deadline(&x->c)), "reachable costs no timer");
    gn_time until = find(x, 1)->until;
    cr_assert(until >= x->now + NEIGH_REACHABLE_TIME / 2 &&
              until < x->now + NEIGH_REACHABLE_TIME * 3 / 2);
    x->now = until - 1;
    cr_assert_eq(use(x, 1), NEIGH_USE_SEND);
    cr_assert_eq(x->n->state, NEIGH_REACHABLE);
    x->now = until;
    cr_assert_eq(use(x, 1), NEIGH_USE_SEND);
    cr_assert_eq(x->n->state, NEIGH_DELAY);
    cr_assert_eq(use(x, 1), NEIGH_USE_SEND);
    cr_assert_eq(expire(x), NEIGH_DUE_PROBE);
    cr_assert(x->now >= until + NEIGH_DELAY_TIME - 2);
    cr_assert_eq(x->n->state, NEIGH_PROBE);
    cr_assert_eq(use(x, 1), NEIGH_USE_SEND);
    cr_assert_not_null(learn(x, 1, answer(PEER_MAC), false));
    cr_assert_eq(find(x, 1)->state, NEIGH_REACHABLE);
    cache_free(x);
}

Test(neigh, probes_in_vain)
{
    struct cache *x = cache_new();

    learn(x, 1, (struct neigh_news){.mac = PEER_MAC}, true);
    cr_assert_eq(find(x, 1)->state, NEIGH_STALE);
    cr_assert_eq(use(x, 1), NEIGH_USE_SEND);
    for (unsigned i = 0; i < NEIGH_SOLICIT; i++)
        cr_assert_eq(expire(x), NEIGH_DUE_PROBE);
    cr_assert_eq(expire(x), NEIGH_DUE_FAILED);
    cr_assert_eq(use(x, 1), NEIGH_USE_ASK);
    cache_free(x);
}

/* RFC 4861 appendix C, the rows about advertisements and about a sender's link address */
Test(neigh, news_by_state)
{
    enum { I = NEIGH_INCOMPLETE, R = NEIGH_REACHABLE, S = NEIGH_STALE };
    static const struct {
        unsigned from;
        bool advert, has_mac, other, solicited, override;
        unsigned to;
        bool changed;
    } row[] = {
        {I, true, false, false, true, true, I, false},
        {I, true, true, true, true, false, R, true},
        {I, true, true, true, false, false, S, true},
        {I, false, true, true, false, false, S, true},
        {I, false, false, false, false, false, I, false},
        {R, true, true, false, true, false, R, false},
        {R, true, true, true, true, false, S, false}, /* no override: doubt, keep the address */
        {S, true, true, true, true, false, S, false},
        {S, true, true, true, true, true, R, true},
        {R, true, true, true, false, true, S, true},
        {S, true, true, false, true, false, R, false},
        {S, true, false, false, true, true, R, false},
        {R, true, true, false, false, true, R, false},
        {R, false, true, true, false, false, S, true},
        {R, false, true, false, false, false, R, false},
    };
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct cache *x = cache_new();
        struct neigh_news news = {.is_advert = row[i].advert,
                                  .solicited = row[i].solicited,
                                  .override = row[i].override,
                                  .mac = !row[i].has_mac ? NULL
                                         : row[i].other  ? OTHER_MAC
                                                         : PEER_MAC};
        use(x, 1);
        if (row[i].from == R)
            learn(x, 1, answer(PEER_MAC), false);
        else if (row[i].from == S)
            learn(x, 1, (struct neigh_news){.mac = PEER_MAC}, false);
        cr_assert_eq(find(x, 1)->state, row[i].from, "row %u", i);
        learn(x, 1, news, false);
        cr_assert_eq(find(x, 1)->state, row[i].to, "row %u: %u", i, find(x, 1)->state);
        cr_assert_eq(memcmp(find(x, 1)->mac, OTHER_MAC, 6) == 0, row[i].changed, "row %u", i);
        cache_free(x);
    }
}

Test(neigh, strangers_are_noted_only_on_demand)
{
    struct cache *x = cache_new();

    cr_assert_null(learn(x, 1, answer(PEER_MAC), false));
    cr_assert_null(find(x, 1));
    cr_assert_null(x->c.t, "no table for nothing");
    cr_assert_null(learn(x, 1, (struct neigh_news){.mac = NULL}, true));
    cr_assert_not_null(learn(x, 1, (struct neigh_news){.mac = PEER_MAC}, true));
    cr_assert_not_null(find(x, 1));
    cache_free(x);
}

Test(neigh, held_packets_are_bounded_and_the_oldest_goes)
{
    struct cache *x = cache_new();

    use(x, 1);
    for (unsigned i = 0; i < NEIGH_HELD + 3; i++) {
        struct ip_own *o = own_new(&x->mem, 100);

        o->data[0] = (uint8_t)i;
        neigh_hold(&x->c, &x->mem, x->n, o);
    }
    cr_assert_eq(x->c.n_held, NEIGH_HELD);
    cr_assert_eq(x->c.n_dropped, 3);
    struct neigh *n = learn(x, 1, answer(PEER_MAC), false);
    for (unsigned i = 3; i < NEIGH_HELD + 3; i++) {
        struct ip_own *o = neigh_take(&x->c, n);

        cr_assert_eq(o->data[0], i);
        own_free(&x->mem, o);
    }
    cr_assert_null(neigh_take(&x->c, n));
    cr_assert_eq(x->c.n_held, 0);
    cr_assert_eq(x->c.held_bytes, 0);
    cache_free(x);
}

Test(neigh, held_by_all_is_bounded)
{
    struct cache *x = cache_new();

    for (unsigned i = 0; i < NEIGH_HELD_ALL + 5; i++) {
        use(x, i);
        neigh_hold(&x->c, &x->mem, x->n, own_new(&x->mem, 100));
    }
    cr_assert_eq(x->c.n_held, NEIGH_HELD_ALL);
    cr_assert_eq(x->c.n_dropped, 5);
    use(x, 0);
    neigh_hold(&x->c, &x->mem, x->n, own_new(&x->mem, NEIGH_HELD_BYTES - 100));
    cr_assert_eq(x->c.n_dropped, 7, "its own oldest went, and still too much");
    cr_assert(x->c.held_bytes <= NEIGH_HELD_BYTES);
    cache_free(x);
}

Test(neigh, failure_drops_what_was_held)
{
    struct cache *x = cache_new();

    use(x, 1);
    neigh_hold(&x->c, &x->mem, x->n, own_new(&x->mem, 100));
    while (expire(x) != NEIGH_DUE_FAILED)
        ;
    cr_assert_eq(x->c.n_dropped, 1);
    cr_assert_eq(x->c.n_held, 0);
    cache_free(x);
}

Test(neigh, packets_waiting_make_a_stale_answer_a_use)
{
    struct cache *x = cache_new();

    use(x, 1);
    neigh_hold(&x->c, &x->mem, x->n, own_new(&x->mem, 100));
    cr_assert_not_null(learn(x, 1, (struct neigh_news){.mac = PEER_MAC}, false));
    cr_assert_eq(find(x, 1)->state, NEIGH_DELAY);
    cache_free(x);
}

Test(neigh, a_flood_does_not_push_out_whom_we_talk_to)
{
    struct cache *x = cache_new();

    for (unsigned i = 0; i < 400; i++) {
        use(x, i);
        learn(x, i, answer(PEER_MAC), false);
    }
    for (unsigned i = 1000; i < 11000; i++)
        use(x, i);
    for (unsigned i = 0; i < 400; i++)
        cr_assert_not_null(find(x, i), "%u", i);
    cr_assert_not_null(find(x, 10999));
    cr_assert_null(find(x, 1000));
    cr_assert_eq(x->c.class[NEIGH_CLASS_STRANGER].n, NEIGH_MAX - 400);
    cache_free(x);
}

Test(neigh, proven_ones_go_by_second_chance_and_strangers_keep_their_share)
{
    struct cache *x = cache_new();

    for (unsigned i = 0; i < NEIGH_MAX; i++) {
        use(x, i);
        learn(x, i, answer(PEER_MAC), false);
    }
    for (unsigned i = 0; i < 8; i++)
        use(x, i); /* used since: passed over */
    for (unsigned i = 1000; i < 1000 + NEIGH_UNPROVEN + 1; i++)
        use(x, i);
    cr_assert_eq(x->c.class[NEIGH_CLASS_STRANGER].n, NEIGH_UNPROVEN + 1);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_not_null(find(x, i), "%u", i);
    cr_assert_null(find(x, 8));
    for (unsigned i = 2000; i < 4000; i++)
        use(x, i);
    cr_assert_eq(x->c.class[NEIGH_CLASS_PROVEN].n, NEIGH_MAX - NEIGH_UNPROVEN - 1);
    cache_free(x);
}

Test(neigh, same_address_on_two_interfaces_is_two_neighbours)
{
    struct cache *x = cache_new();
    struct gn_addr a = v6("fe80::1");
    struct neigh *n[2];

    neigh_use(&x->c, &x->mem, x->now, 0, &a, &n[0]);
    neigh_use(&x->c, &x->mem, x->now, 1, &a, &n[1]);
    cr_assert_neq(n[0], n[1]);
    cr_assert_eq(neigh_find(&x->c, 0, &a), n[0]);
    cr_assert_eq(neigh_find(&x->c, 1, &a), n[1]);
    cache_free(x);
}

Test(neigh, without_memory)
{
    struct cache *x = cache_new();

    x->pages.fail_from = 1;
    cr_assert_eq(use(x, 1), NEIGH_USE_NO_MEMORY);
    cr_assert_null(learn(x, 1, (struct neigh_news){.mac = PEER_MAC}, true));
    cr_assert_null(find(x, 1));
    cache_free(x);
}
