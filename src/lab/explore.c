/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore.c  The search: depth first over all choices, states seen before left out.
 *
 * The budget is part of a state, so a path cannot be endless unless packets are made for nothing;
 * X_DEPTH turns that into a result. When something is wrong, the search is made again with bounds
 * on the depth that grow, so that the path that is shown is a shortest one.
 */
#include "lab/explore_parts.h"

#include "lab/catch.h"
#include "tcp/fsm.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define MAX_STATES  20000000
#define WARM_WALKS  200
#define SCAN_EVERY  8192
#define PROVE_EVERY 4096

/** States that were seen, with the shallowest depth at which: open addressing. */
struct seen {
    uint64_t *hash; /* 0: free */
    uint8_t *depth;
    uint64_t mask, n;
};

struct search {
    struct explorer x;
    struct seen seen;
    unsigned limit; /* of the depth */
    bool shorten;   /* a state reached on a shorter path is looked at again */
    bool stale;     /* memory was touched that snapshots do not hold: begin again */
    bool careful;   /* look for such memory after every step */
    bool full;
    uint64_t max_states;
    uint8_t *snapshot[X_DEPTH + 2];
    struct x_choice path[X_DEPTH + 2];
    unsigned n_path; /* with wrong: of the path to it */
    bool at_rest;    /* with wrong: it is what comes of the path if it is left alone */
    char wrong[X_WRONG];
};

void x_wrong(struct explorer *x, const char *format, ...)
{
    va_list ap;

    if (x->wrong[0])
        return;
    va_start(ap, format);
    (void)vsnprintf(x->wrong, sizeof x->wrong, format, ap);
    va_end(ap);
}

/* --- states seen --- */

/** seen_init() - room for @n states; false: no memory */
static bool seen_init(struct seen *s, uint64_t n)
{
    free(s->hash);
    free(s->depth);
    s->mask = 1;
    while (s->mask < 2 * n)
        s->mask *= 2;
    s->hash = calloc(s->mask, sizeof *s->hash);
    s->depth = calloc(s->mask, sizeof *s->depth);
    s->mask--;
    s->n = 0;
    return s->hash && s->depth;
}

/** seen_grow() - twice the room; false: no memory */
static bool seen_grow(struct seen *s)
{
    struct seen old = *s;

    *s = (struct seen){0};
    if (!seen_init(s, old.mask + 1)) {
        free(s->hash);
        free(s->depth);
        *s = old;
        return false;
    }
    s->n = old.n;
    for (uint64_t i = 0; i <= old.mask; i++) {
        uint64_t at = old.hash[i] & s->mask;

        if (!old.hash[i])
            continue;
        while (s->hash[at])
            at = (at + 1) & s->mask;
        s->hash[at] = old.hash[i];
        s->depth[at] = old.depth[i];
    }
    free(old.hash);
    free(old.depth);
    return true;
}

/** What is known of a state. */
enum novelty { SEEN, SHORTER, NEW };

/** seen_add() - @hash was reached at @depth */
static enum novelty seen_add(struct seen *s, uint64_t hash, unsigned depth)
{
    uint64_t at;

    hash += !hash;
    for (at = hash & s->mask; s->hash[at]; at = (at + 1) & s->mask) {
        if (s->hash[at] != hash)
            continue;
        if (s->depth[at] <= depth)
            return SEEN;
        s->depth[at] = (uint8_t)depth;
        return SHORTER;
    }
    s->hash[at] = hash;
    s->depth[at] = (uint8_t)depth;
    s->n++;
    return NEW;
}

/* --- steps that may fail --- */

/** What catch_panic() is to call. */
struct attempt {
    struct explorer *x;
    struct x_choice choice;
};

/** attempt_step() - one choice */
static void attempt_step(void *ctx)
{
    struct attempt *a = ctx;

    x_step(a->x, a->choice);
}

/** attempt_rest() - the way to rest */
static void attempt_rest(void *ctx)
{
    struct attempt *a = ctx;

    x_rest(a->x);
}

/** try_it() - false: it went wrong, and x.wrong says why */
static bool try_it(struct explorer *x, void (*fn)(void *ctx), struct x_choice c)
{
    struct attempt a = {x, c};
    char what[X_WRONG];

    x->wrong[0] = 0;
    x->resting = false; /* a panic may have left it set */
    if (!catch_panic(fn, &a, what, sizeof what))
        x_wrong(x, "%s", what);
    return !x->wrong[0];
}

/** snapshot_at() - of depth @depth */
static uint8_t *snapshot_at(struct search *s, unsigned depth)
{
    if (!s->snapshot[depth])
        s->snapshot[depth] = malloc(arena_snapshot_bytes(s->x.arena) + 1);
    return s->snapshot[depth];
}

/** forget_snapshots() - they have become worthless */
static void forget_snapshots(struct search *s)
{
    for (unsigned i = 0; i < X_DEPTH + 2; i++) {
        free(s->snapshot[i]);
        s->snapshot[i] = NULL;
    }
}

/** give_up() - the path of @n steps is wrong */
static bool give_up(struct search *s, unsigned n, bool at_rest)
{
    s->at_rest = at_rest;
    memcpy(s->wrong, s->x.wrong, sizeof s->wrong);
    s->n_path = n;
    return false;
}

/**
 * prove() - do the @n choices of the path lead here when they are made from the very beginning?
 *
 * If not, a snapshot has missed something. The state at hand is put back from @snapshot.
 */
static bool prove(struct search *s, unsigned n, uint64_t hash, const uint8_t *snapshot)
{
    struct explorer *x = &s->x;
    bool same = true;

    arena_rewind(x->arena);
    for (unsigned i = 0; i < n && same; i++)
        same = try_it(x, attempt_step, s->path[i]);
    same = same && x_hash(x) == hash;
    arena_restore(x->arena, snapshot);
    s->stale |= !same;
    s->careful |= !same;
    return same;
}

/** confirm() - is the path that was found wrong so from the very beginning, too? */
static void confirm(struct search *s)
{
    struct explorer *x = &s->x;
    bool fine = true;

    arena_rewind(x->arena);
    for (unsigned i = 0; i < s->n_path && fine; i++)
        fine = try_it(x, attempt_step, s->path[i]);
    if (fine && s->at_rest)
        fine = try_it(x, attempt_rest, (struct x_choice){0});
    s->stale |= fine;
    s->careful |= fine;
}

static bool descend(struct search *s, unsigned depth);

/** visit() - a state that was just reached by path[@depth - 1]; false: stop the search */
static bool visit(struct search *s, unsigned depth)
{
    struct explorer *x = &s->x;
    struct explore_result *r = x->result;
    uint64_t hash = x_hash(x);
    enum novelty n = seen_add(&s->seen, hash, depth);

    if (n == SEEN || (n == SHORTER && !s->shorten))
        return true;
    if (n == NEW && s->seen.n * 2 > s->seen.mask && !seen_grow(&s->seen))
        s->full = true;
    r->states = s->seen.n;
    r->depth = depth > r->depth ? depth : r->depth;
    r->pair[x_state(x->w, 0)][x_state(x->w, 1)] = true;
    if (s->full || s->seen.n > s->max_states) {
        s->full = true;
        r->untried += x->w->clipped ? 0 : x_choices(x, (struct x_choice[X_CHOICES]){0});
        return false;
    }
    arena_save(x->arena, snapshot_at(s, depth));
    if (s->seen.n % PROVE_EVERY == 0 && !prove(s, depth, hash, s->snapshot[depth]))
        return false;
    if (n == NEW) { /* what comes of it does not depend on the way to it */
        if (!try_it(x, attempt_rest, (struct x_choice){0}))
            return give_up(s, depth, true);
        arena_restore(x->arena, s->snapshot[depth]);
    }
    if (x->w->clipped) {
        r->clipped++;
        return true;
    }
    return depth >= s->limit || descend(s, depth);
}

/** descend() - all choices of the state at hand, whose snapshot is taken; false: stop */
static bool descend(struct search *s, unsigned depth)
{
    struct explorer *x = &s->x;
    struct x_choice list[X_CHOICES];
    unsigned n = x_choices(x, list);

    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            arena_restore(x->arena, s->snapshot[depth]);
        s->path[depth] = list[i];
        x->result->steps++;
        if (!try_it(x, attempt_step, list[i]))
            return give_up(s, depth + 1, false);
        if ((s->careful || x->result->steps % SCAN_EVERY == 0) && arena_scan(x->arena) > 0) {
            s->stale = true;
            return false;
        }
        if (depth + 1 >= X_DEPTH) {
            x_wrong(x, "a path without end");
            return give_up(s, depth + 1, false);
        }
        if (!visit(s, depth + 1)) {
            x->result->untried += n - 1 - i;
            return false;
        }
    }
    return true;
}

/**
 * warm_up() - random walks, to find out which memory changes
 *
 * Looking after every step matters: what is taken and given back within a walk looks untouched at
 * its end.
 */
static void warm_up(struct search *s)
{
    struct explorer *x = &s->x;
    struct prng rng;

    prng_seed(&rng, 1, 1);
    x->learning = true;
    for (unsigned walk = 0; walk < WARM_WALKS; walk++) {
        struct x_choice list[X_CHOICES];
        unsigned n;
        bool fine = true;

        while (fine && !x->w->clipped && (n = x_choices(x, list)) > 0)
            fine = try_it(x, attempt_step, list[prng_below(&rng, n)]);
        if (fine)
            (void)try_it(x, attempt_rest, (struct x_choice){0});
        arena_rewind(x->arena);
    }
    x->learning = false;
}

/** sweep() - one search to depth @limit; false: something is wrong, or it was given up */
static bool sweep(struct search *s, unsigned limit)
{
    bool fine;

    s->limit = limit;
    do {
        forget_snapshots(s);
        s->stale = s->full = false;
        s->wrong[0] = 0;
        s->x.result->steps = s->x.result->states = 0;
        s->x.result->clipped = s->x.result->untried = 0;
        arena_rewind(s->x.arena);
        if (!seen_init(&s->seen, 1 << 16)) {
            s->full = true;
            return false;
        }
        arena_save(s->x.arena, snapshot_at(s, 0));
        fine = descend(s, 0);
        if (arena_scan(s->x.arena) > 0)
            s->stale = true;
        if (s->wrong[0] && !s->stale)
            confirm(s);
    } while (s->stale);
    return fine;
}

/** shortest() - after a search that found something: the shortest path to anything wrong */
static void shortest(struct search *s)
{
    unsigned most = s->n_path;

    s->shorten = true;
    for (unsigned limit = 1; limit <= most; limit++)
        if (!sweep(s, limit) && s->wrong[0])
            return;
}

bool explore_run(const struct explore_config *c, struct explore_result *ret, FILE *out)
{
    struct search *s = calloc(1, sizeof *s);

    *ret = (struct explore_result){0};
    if (!s)
        return false;
    s->x.c = c;
    s->x.result = ret;
    s->x.arena = arena_new(ARENA_BYTES);
    s->max_states = c->max_states ? c->max_states : MAX_STATES;
    if (s->x.arena && x_world_new(&s->x)) {
        arena_begin(s->x.arena);
        x_world_heat(&s->x);
        warm_up(s);
        ret->complete = sweep(s, X_DEPTH) && ret->clipped == 0;
        if (s->wrong[0]) {
            shortest(s);
            ret->trace_steps = s->n_path;
            memcpy(ret->wrong, s->wrong, sizeof ret->wrong);
            arena_rewind(s->x.arena);
            if (out) {
                fprintf(out, "%s\n", s->wrong);
                x_tell(&s->x, s->path, s->n_path, s->at_rest, out);
            }
        }
        ret->ok = !s->wrong[0];
    }
    forget_snapshots(s);
    free(s->seen.hash);
    free(s->seen.depth);
    arena_free(s->x.arena);
    free(s);
    return ret->ok;
}

void explore_merge(struct explore_result *sum, const struct explore_result *r)
{
    sum->states += r->states;
    sum->steps += r->steps;
    sum->clipped += r->clipped;
    sum->untried += r->untried;
    sum->depth = r->depth > sum->depth ? r->depth : sum->depth;
    for (unsigned a = 0; a < GN_STATE_COUNT; a++) {
        for (unsigned b = 0; b < GN_STATE_COUNT; b++) {
            sum->transition[a][b] |= r->transition[a][b];
            sum->pair[a][b] |= r->pair[a][b];
        }
    }
}

unsigned explore_missing(const struct explore_result *r, FILE *out)
{
    struct fsm_edge e;
    unsigned n = 0;

    for (unsigned i = 0; fsm_edge(i, &e); i++) {
        if (r->transition[e.from][e.to])
            continue;
        n++;
        fprintf(out, "not reached: %s to %s, %s\n", gn_state_name(e.from), gn_state_name(e.to),
                e.when);
    }
    for (unsigned a = 0; a < GN_STATE_COUNT; a++) {
        for (unsigned b = 0; b < GN_STATE_COUNT; b++) {
            if (!r->transition[a][b] || fsm_legal((enum gn_state)a, (enum gn_state)b))
                continue;
            n++;
            fprintf(out, "not legal: %s to %s\n", gn_state_name((enum gn_state)a),
                    gn_state_name((enum gn_state)b));
        }
    }
    return n;
}
