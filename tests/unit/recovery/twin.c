/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/recovery/twin.h"

#include <criterion/criterion.h>

/* a copy with a log of its own; rate samples and the block of an algorithm are shared, for where
 * there are such nothing goes by the short way */
static void begin(struct rig *g, struct recovery *twin)
{
    *twin = g->r;
    if (!g->r.sent.rec)
        return;
    if (g->r.sent.rec == &g->r.sent.own) {
        twin->sent.rec = &twin->sent.own;
        return;
    }
    twin->sent.rec = mem_alloc(&g->mem, g->r.sent.cap * sizeof(*g->r.sent.rec));
    cr_assert(twin->sent.rec);
    for (uint32_t no = g->r.sent.head; no != g->r.sent.tail; no++)
        *sent_at(&twin->sent, no) = *sent_at(&g->r.sent, no);
}

static void end(struct rig *g, struct recovery *twin, const char *after)
{
    struct recovery a = *twin, b = g->r;

    cr_assert_eq(sent_count(&a.sent), sent_count(&b.sent), "records after %s", after);
    for (uint32_t no = a.sent.head; no != a.sent.tail; no++)
        cr_assert(!memcmp(sent_at(&twin->sent, no), sent_at(&g->r.sent, no), sizeof(struct sent)),
                  "record %u after %s", no - a.sent.head, after);
    a.sent.rec = b.sent.rec = NULL;
    for (size_t i = 0; i < sizeof(a); i++)
        cr_assert_eq(((uint8_t *)&a)[i], ((uint8_t *)&b)[i], "octet %zu of the recoveries after %s",
                     i, after);
    sent_release(&twin->sent, &g->mem);
}

bool twin_sent(struct rig *g, seq_t start, uint32_t len, bool app_limited)
{
    bool plain = seq_eq(start, g->r.nxt) && len <= g->r.mss;
    struct recovery twin;

    if (plain) {
        begin(g, &twin);
        plain = recovery_send_plain(&twin, &g->env, len);
        if (!plain)
            end(g, &twin, "a segment that is not plain");
    }
    if (plain) {
        cr_assert_geq(recovery_room(&g->r), len);
        cr_assert(recovery_reserve(&g->r, &g->env, len < g->r.mss ? 1 : 2));
        recovery_on_idle_restart(&g->r, &g->env);
    }
    recovery_on_sent(&g->r, &g->env, start, len, app_limited);
    recovery_check(&g->r);
    if (plain)
        end(g, &twin, "a plain segment");
    return plain;
}

bool twin_ack(struct rig *g, const struct rec_ack *a)
{
    bool plain = seq_gt(a->ack, g->r.una) && !a->n_sack && !a->ece;
    const struct rec_result *ret = &g->ret;
    struct recovery twin;

    if (plain) {
        begin(g, &twin);
        plain = recovery_on_plain_ack(&twin, &g->env, a->ack);
        if (!plain)
            end(g, &twin, "an ACK that is not plain");
    }
    recovery_on_ack(&g->r, &g->env, a, &g->ret);
    recovery_check(&g->r);
    if (plain) {
        end(g, &twin, "a plain ACK");
        cr_assert(!ret->sacked && !ret->lost && !ret->dsack && !ret->entered && !ret->left &&
                  !ret->spurious && !ret->cwr);
    }
    return plain;
}
