/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_move.c  Connections that move while they are in use: frozen, made octets of,
 * forgotten, and thawed at the host where they were. To their peers that is a time in which all
 * packets are lost, and to their users one in which nothing happens: all checkers hold.
 *
 * What is drawn here comes from a stream of its own: a swarm whose connections stay does what it
 * did before there was any of this.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"

#include <gannet/freeze.h>

#include <stdlib.h>

#define MOVES     300                        /* the most in one run */
#define LAST_MOVE (SWARM_HEAL + 30 * GN_SEC) /* begins before that */

/** Which way a connection is on (gannet/freeze.h). */
enum move_step {
    MOVE_NONE,
    MOVE_FROZEN,  /* at the old host, and its image is taken */
    MOVE_AWAY,    /* forgotten: there is only the image */
    MOVE_ARRIVED, /* at the new host, still frozen */
};

/** draw_delay() - how long until the next step */
static gn_time draw_delay(struct prng *p)
{
    return draw_one_in(p, 4) ? 0 : draw_scale(p, 10 * GN_USEC, 4 * GN_SEC);
}

static struct gn_host *host_of(const struct swarm *s, const struct end *e)
{
    return s->host[e->host].h;
}

/** objects() - a step of @e gives @err, which it must not */
static bool objects(struct swarm *s, const struct end *e, const char *step, enum gn_err err)
{
    if (err)
        swarm_wrong(s, "flow %u end %u cannot be %s: %s", (unsigned)(e->flow - s->flow),
                    e != e->flow->end, step, gn_err_text(err));
    return err != GN_OK;
}

/** tell() - of a step, to those who look on */
static void tell(struct swarm *s, const struct end *e, const char *step, gn_time now)
{
    swarm_note(s, (uint64_t)e->move.step << 32 | e->move.len);
    if (s->log)
        fprintf(s->log, "%.6f flow %u end %u is %s\n", (double)now / 1e9,
                (unsigned)(e->flow - s->flow), e != e->flow->end, step);
}

/** done() - @e goes on with its work, once it hears that there is any */
static void done(struct swarm *s, struct end *e, gn_time now)
{
    free(e->move.image);
    e->move.image = NULL;
    e->move.step = MOVE_NONE;
    e->flow->moving--;
    s->troubled |= e->flow->troubled; /* see stall_blame() */
    stall_touch(e->flow, now);
}

/** take_image() - of @e, which is frozen; false: a checker objects */
static bool take_image(struct swarm *s, struct end *e)
{
    struct move *m = &e->move;
    int64_t n = gn_host_image(host_of(s, e), e->handle, NULL, 0);
    struct gn_image info;

    if (n <= 0)
        return !objects(s, e, "told of", GN_E_BAD_IMAGE);
    m->len = (size_t)n;
    m->image = malloc(m->len); /* exactly that much: a sanitizer sees more */
    if (!m->image || gn_host_image(host_of(s, e), e->handle, m->image, m->len) != n)
        return !objects(s, e, "told of twice", GN_E_BAD_IMAGE);
    return !objects(s, e, "judged", gn_image_info(m->image, m->len, &info));
}

/** set_out() - @e begins to move, unless it cannot */
static void set_out(struct swarm *s, struct end *e, gn_time now)
{
    struct prng *p = &s->mover.rng;
    enum gn_err err = gn_host_freeze(host_of(s, e), e->handle, now);

    if (err == GN_E_NOT_CONNECTED || err == GN_E_UNSUPPORTED)
        return;
    if (objects(s, e, "frozen", err) || !take_image(s, e))
        return;
    e->move.step = MOVE_FROZEN;
    e->move.at = now + draw_delay(p);
    e->move.back = draw_one_in(p, 4);
    e->move.flags = prng_below(p, 4); /* GN_THAW_FROZEN, GN_THAW_SAME_PATH */
    e->flow->moving++;
    e->flow->moved = true;
    s->result->moves++;
    tell(s, e, "frozen", now);
}

/** unfreeze() - the last step, at the old host or at the new one */
static void unfreeze(struct swarm *s, struct end *e, gn_time now)
{
    if (objects(s, e, "unfrozen", gn_host_unfreeze(host_of(s, e), e->handle, now)))
        return;
    tell(s, e, "unfrozen", now);
    done(s, e, now);
}

/** forget() - the old host's silence lasts so long that there is no answer from it */
static void forget(struct swarm *s, struct end *e, gn_time now)
{
    gn_time silence = 2 * gn_host_conf(host_of(s, e))->tcp_msl;

    if (objects(s, e, "forgotten", gn_host_forget(host_of(s, e), e->handle, now)))
        return;
    e->move.step = MOVE_AWAY;
    e->move.at = now + min_u64(draw_delay(&s->mover.rng), silence - 1);
    tell(s, e, "forgotten", now);
}

/** thaw() - what was forgotten is there again */
static void thaw(struct swarm *s, struct end *e, gn_time now)
{
    struct move *m = &e->move;

    if (objects(s, e, "thawed",
                gn_host_thaw(host_of(s, e), m->image, m->len, m->flags, e, now, &e->handle)))
        return;
    tell(s, e, "thawed", now);
    if (!(m->flags & GN_THAW_FROZEN)) {
        done(s, e, now);
        return;
    }
    m->step = MOVE_ARRIVED;
    m->at = now + draw_delay(&s->mover.rng);
}

/** go_on() - the next steps of @e that are due */
static void go_on(struct swarm *s, struct end *e, gn_time now)
{
    while (s->result->ok && e->move.step && e->move.at <= now) {
        if (e->move.step == MOVE_AWAY)
            thaw(s, e, now);
        else if (e->move.step == MOVE_ARRIVED || e->move.back)
            unfreeze(s, e, now);
        else
            forget(s, e, now);
    }
}

/** any_end() - one that has a handle and stands; NULL: there is none */
static struct end *any_end(struct swarm *s)
{
    struct end *chosen = NULL;
    uint32_t n = 0;

    for (unsigned i = 0; i < s->n_flow; i++)
        for (unsigned k = 0; k < 2; k++) {
            struct end *e = &s->flow[i].end[k];

            if (e->state == END_OPEN && !e->move.step && draw_one_in(&s->mover.rng, ++n))
                chosen = e;
        }
    return chosen;
}

void swarm_move_begin(struct swarm *s, uint64_t seed)
{
    prng_seed(&s->mover.rng, seed, 8);
    s->mover.pace = draw_scale(&s->mover.rng, GN_MSEC, 2 * GN_SEC);
    s->mover.next = SWARM_READY;
}

void swarm_move_tick(struct swarm *s, gn_time now)
{
    for (unsigned i = 0; i < s->n_flow && s->mover.next; i++)
        for (unsigned k = 0; k < 2; k++)
            go_on(s, &s->flow[i].end[k], now);
    if (s->mover.next && s->mover.next <= now && s->mover.next < LAST_MOVE) {
        struct end *e = s->result->moves < MOVES ? any_end(s) : NULL;

        if (e) {
            set_out(s, e, now);
            go_on(s, e, now);
        }
        s->mover.next = now + 1 + draw_between(&s->mover.rng, 0, 2 * s->mover.pace);
    }
}

gn_time swarm_move_next(const struct swarm *s)
{
    gn_time next = GN_FOREVER;

    if (!s->mover.next)
        return next;
    if (s->mover.next < LAST_MOVE)
        next = s->mover.next;
    for (unsigned i = 0; i < s->n_flow; i++)
        for (unsigned k = 0; k < 2; k++)
            if (s->flow[i].end[k].move.step)
                next = min_u64(next, s->flow[i].end[k].move.at);
    return next;
}

void swarm_move_end(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_flow; i++)
        for (unsigned k = 0; k < 2; k++)
            free(s->flow[i].end[k].move.image);
}
