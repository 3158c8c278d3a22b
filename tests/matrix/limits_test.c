/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file limits_test.c  What the matrix of segments leaves out: broken packets in every state
 * (SG-01), the limit on answers to invalid segments (RFC 5961 7), TIME-WAIT with tcp_rfc1337 = 0
 * and without a listener, and what becomes of a SYN that was an old duplicate (TW-9, TW-10).
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <string.h>

static enum gn_state state_now(struct rig *r)
{
    struct gn_status st;

    return rig_status(r, &st) ? st.state : GN_CLOSED;
}

/** probe() - a segment of @ctl at RCV.NXT + @off that acknowledges all */
static struct arrival_seg probe(const struct rig *r, unsigned ctl, uint32_t off)
{
    return (struct arrival_seg){.seq = r->b.rcv_nxt + off,
                                .ack = ctl & CTL_ACK ? r->b.nxt : 0,
                                .ctl = ctl,
                                .wnd = RIG_PEER_WND,
                                .ts = r->set.ts,
                                .tsval = r->tsval + 1};
}

/* SG-01, PL-01, SC-CLO-4: a packet that is broken is not answered and changes nothing, in any state
 */
Test(limits, t_SG_01)
{
    static const unsigned ctl[] = {CTL_SYN, CTL_ACK, CTL_RST, CTL_FIN | CTL_ACK};

    for (unsigned i = 0; i < n_situations; i++) {
        for (unsigned k = 0; k < 2 * 4 * (DEFECTS - 1); k++) {
            struct rig r;
            struct arrival_seg s;
            enum gn_state was;
            enum defect d = (enum defect)(1 + k / 8);

            rig_init(&r, (struct setting){.v6 = k & 1});
            rig_up(&r);
            rig_make(&r, &situations[i]);
            was = state_now(&r);
            s = probe(&r, ctl[k / 2 % 4], 0);
            r.defect = d;
            rig_arrive(&r, &s);
            cr_expect_eq(r.n_out, 0, "%s answers a broken packet (%d)", situations[i].name, (int)d);
            cr_expect_eq(state_now(&r), was, "%s: a broken packet (%d) leads to %s",
                         situations[i].name, (int)d, gn_state_name(state_now(&r)));
            r.defect = SOUND;
            rig_drop(&r);
            rig_fini(&r);
            matrix_count(1);
        }
    }
}

/* SG-07 with tcp_rfc1337 = 0: a RST at RCV.NXT ends TIME-WAIT, as RFC 9293 has it; others do not */
Test(limits, t_SG_07_TW)
{
    static const char *const name[] = {"TW", "TW/o"};

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 8; k++) {
            struct rig r;
            struct arrival_seg s;
            bool exact = k >= 4;

            rig_init(&r, (struct setting){.v6 = k & 1, .ts = (k & 2) != 0});
            r.conf.tcp_rfc1337 = 0;
            rig_up(&r);
            rig_make(&r, situation(name[i]));
            s = probe(&r, CTL_RST, exact ? 0 : 20000);
            rig_arrive(&r, &s);
            cr_expect_eq(r.n_out, 0, "%s", name[i]);
            cr_expect_eq(state_now(&r), exact ? GN_CLOSED : GN_TIME_WAIT, "%s, RST at RCV.NXT%s",
                         name[i], exact ? "" : " + 20000");
            rig_drop(&r);
            rig_fini(&r);
            matrix_count(1);
        }
    }
}

/* SEC-5961-5: invalid segments without text are answered twice a second and connection, no more;
 * what is valid is not touched by the limit. Half-open entries and records: MAL-29. */
Test(limits, t_RATE)
{
    static const struct {
        unsigned ctl;
        uint32_t off;
    } invalid[] = {
        {CTL_ACK, 20000},                  /* SG-04 */
        {CTL_SYN, 50},                     /* SG-11 */
        {CTL_RST, 50},                     /* SG-08 */
        {CTL_SYN | CTL_ACK, (uint32_t)-9}, /* SG-12 */
    };
    static const char *const name[] = {"SR/a", "EST", "FW1", "FW2", "CW", "CLG", "LA"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        for (unsigned k = 0; k < 4 * 4; k++) {
            struct rig r;
            struct arrival_seg s, other, end;

            rig_init(&r, (struct setting){.v6 = false});
            r.conf.tcp_invalid_ratelimit = 500 * GN_MSEC;
            rig_up(&r);
            rig_make(&r, situation(name[i]));
            s = probe(&r, invalid[k % 4].ctl, invalid[k % 4].off);
            other = probe(&r, invalid[k / 4].ctl, invalid[k / 4].off);
            rig_arrive(&r, &s);
            cr_expect_eq(r.n_out, 1, "%s: the first invalid segment (%u)", name[i], k);
            r.now += 499 * GN_MSEC;
            rig_arrive(&r, &other);
            /* in SYN-RECEIVED and with FIN in flight other timers may send, but no bare ACK */
            cr_expect(r.n_out == 0 || r.out[0].ctl != CTL_ACK || r.out[0].text_len > 0 ||
                          r.out[0].seq.raw != r.b.nxt,
                      "%s: answered within half a second (%u)", name[i], k);
            r.now += 2 * GN_MSEC;
            rig_arrive(&r, &s);
            cr_expect_geq(r.n_out, 1, "%s: no answer after half a second (%u)", name[i], k);
            end = probe(&r, CTL_RST, 0);
            rig_arrive(&r, &end);
            cr_expect_eq(state_now(&r), GN_CLOSED, "%s: the limit stops a good RST", name[i]);
            rig_drop(&r);
            rig_fini(&r);
            matrix_count(1);
        }
    }
}

/* TW-9: the SYN that was accepted was an old duplicate, its sender says RST: back to TIME-WAIT */
Test(limits, t_TW_9)
{
    static const char *const name[] = {"TW", "TW/o"};

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 4; k++) {
            struct rig r;
            struct gn_status st;
            struct arrival_seg s;

            rig_init(&r, (struct setting){.v6 = k & 1, .ts = (k & 2) != 0});
            rig_up(&r);
            rig_make(&r, situation(name[i]));
            r.now += GN_SEC;
            s = probe(&r, CTL_SYN, 5000);
            rig_arrive(&r, &s);
            cr_assert_eq(r.n_out, 1, "%s", name[i]);
            cr_assert_eq(r.out[0].ctl, CTL_SYN | CTL_ACK);
            cr_assert(rig_half_open(&r, &st));
            s = (struct arrival_seg){.seq = st.rcv.nxt, .ctl = CTL_RST};
            rig_arrive(&r, &s);
            cr_expect_eq(r.n_out, 0);
            cr_expect_not(rig_half_open(&r, &st));
            rig_drop(&r); /* a record is left, also of what the user still held */
            cr_expect_eq(state_now(&r), GN_TIME_WAIT, "%s: %s", name[i],
                         gn_state_name(state_now(&r)));
            rig_fini(&r);
            matrix_count(1);
        }
    }
}

/* TW-10: nobody listens: TIME-WAIT stays; a record is as good as CLOSED and answers R(0), a block
 * drops the SYN */
Test(limits, t_TW_10)
{
    for (unsigned k = 0; k < 8; k++) {
        struct situation si = {"TW, nobody listens", GN_TIME_WAIT, false, k >= 4};
        struct rig r;
        struct arrival_seg s;

        rig_init(&r, (struct setting){.v6 = k & 1, .ts = (k & 2) != 0});
        rig_up(&r);
        rig_make(&r, &si);
        s = probe(&r, CTL_SYN, 5000);
        rig_arrive(&r, &s);
        cr_expect_eq(r.n_out, si.orphan);
        if (r.n_out)
            cr_expect(r.out[0].ctl == (CTL_RST | CTL_ACK) && r.out[0].ack.raw == s.seq + 1);
        cr_expect_eq(state_now(&r), GN_TIME_WAIT);
        rig_drop(&r);
        rig_fini(&r);
        matrix_count(1);
    }
}

/* SC-CLO-5, RFC 7323 5.2: a RST for a segment with a timestamp carries one and echoes it */
Test(limits, t_SC_CLO_5)
{
    for (unsigned k = 0; k < 8; k++) {
        struct rig r;
        struct arrival_seg s;

        rig_init(&r, (struct setting){.v6 = k & 1, .ts = (k & 2) != 0});
        rig_up(&r);
        rig_make(&r, situation("CLO"));
        s = probe(&r, k & 4 ? CTL_ACK : CTL_SYN, 0);
        rig_arrive(&r, &s);
        cr_assert_eq(r.n_out, 1);
        cr_expect_eq(r.out[0].ctl & CTL_RST, CTL_RST);
        cr_expect_eq((r.out[0].opt.has & OPT_TS) != 0, s.ts);
        if (s.ts)
            cr_expect_eq(r.out[0].opt.tsecr, s.tsval);
        rig_drop(&r);
        rig_fini(&r);
        matrix_count(1);
    }
}
