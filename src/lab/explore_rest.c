/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_rest.c  What must come of every state once nothing goes wrong any more: all that
 * was sent arrives, both ends agree on the end, and nothing is left.
 */
#include "lab/explore_parts.h"

#include "host/host.h"

#define REST_STEPS 300

/** quiet_step() - the next thing that happens by itself; false: nothing will */
static bool quiet_step(struct explorer *x)
{
    struct x_world *w = x->w;
    gn_time d[2];
    bool armed[2];
    unsigned i;

    w->left.timeout = w->left.lose = 1; /* steps take from it */
    for (i = 0; i < 2; i++) {
        if (w->to[i].n) {
            x_step(x, (struct x_choice){X_DELIVER, (uint8_t)i, 0});
            return true;
        }
    }
    for (i = 0; i < 2; i++)
        armed[i] = x_deadline(w, i, &d[i]);
    if (!armed[0] && !armed[1])
        return false;
    i = !armed[0] || (armed[1] && d[1] < d[0]);
    x_step(x, (struct x_choice){X_TIMEOUT, (uint8_t)i, 0});
    return true;
}

/** run_quiet() - until nothing will happen any more; false: it does not end, or went wrong */
static bool run_quiet(struct explorer *x, const char *when)
{
    for (unsigned i = 0; i < REST_STEPS; i++) {
        for (unsigned k = 0; k < 2 && x->c->reads_by_call; k++)
            if (x->w->user[k].conn)
                x_step(x, (struct x_choice){X_RECEIVE, (uint8_t)k, 0});
        if (!quiet_step(x))
            return !x->wrong[0];
        if (x->wrong[0])
            return false;
    }
    x_wrong(x, "%s the hosts do not come to rest", when);
    return false;
}

/** fine() - has user @i opened, and neither given up nor been told of an error? */
static bool fine(const struct x_world *w, unsigned i)
{
    const struct x_user *u = &w->user[i];

    return u->opened && (u->conn || u->over) && !u->aborted && !u->left && !u->error;
}

/** check_arrived() - nothing that was sent between two that are fine is missing */
static void check_arrived(struct explorer *x)
{
    const struct x_world *w = x->w;

    if (!fine(w, 0) || !fine(w, 1))
        return;
    for (unsigned i = 0; i < 2; i++) {
        const struct x_user *u = &w->user[i], *p = &w->user[1 - i];

        if (u->got != p->sent)
            x_wrong(x, "host %u gets only %u of %u octets", i, u->got, p->sent);
        else if (p->fin && !u->eof)
            x_wrong(x, "host %u never hears that its peer has closed", i);
    }
}

/** close_all() - every user closes; or (@leave) gives its handles back */
static void close_all(struct explorer *x, bool leave)
{
    struct x_world *w = x->w;

    for (unsigned i = 0; i < 2 && !x->wrong[0]; i++) {
        w->left.close[i] = w->left.leave[i] = w->left.unlisten = 1;
        if (leave && w->user[i].listener)
            x_step(x, (struct x_choice){X_UNLISTEN, (uint8_t)i, 0});
        if (!w->user[i].conn)
            continue;
        if (leave)
            x_step(x, (struct x_choice){X_LEAVE, (uint8_t)i, 0});
        else if (!w->user[i].fin)
            x_step(x, (struct x_choice){X_CLOSE, (uint8_t)i, 0});
    }
}

/** check_empty() - nothing is left, no octet in use for it (INV-08) */
static void check_empty(struct explorer *x)
{
    struct x_world *w = x->w;

    for (unsigned i = 0; i < 2; i++) {
        uint64_t cursor = 0;
        struct gn_status st;

        if (gn_host_walk(w->h[i], &cursor, w->now[i], &st))
            x_wrong(x, "in the end host %u still has something in %s", i, gn_state_name(st.state));
        else if (x_used(w, i) != w->base_used[i])
            x_wrong(x, "in the end host %u uses %ld octets for nothing", i,
                    (long)(x_used(w, i) - w->base_used[i]));
    }
}

/** rest() - the three stages: left alone, closed, without users */
static void rest(struct explorer *x)
{
    if (!run_quiet(x, "left alone"))
        return;
    check_arrived(x);
    close_all(x, false);
    if (x->wrong[0] || !run_quiet(x, "after CLOSE"))
        return;
    check_arrived(x);
    close_all(x, true);
    if (x->wrong[0] || !run_quiet(x, "without users"))
        return;
    if (!x->w->clipped)
        check_empty(x);
}

void x_rest(struct explorer *x)
{
    x->w->clipped = false;
    x->resting = true;
    rest(x);
    x->resting = false;
}
