/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timers_test.c  Every timer, every state (RFC 9293 3.10.8, rows TO-*): where it may run,
 * what its expiry sends, and what happens when its limit is reached; on virtual time.
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define EACH_FAMILY(set)                                           \
    for (struct setting set = {.v6 = false}, *once_ = &set; once_; \
         once_ = set.v6 ? NULL : (set.v6 = true, &set))

/** begin() - a host with few retries, and one connection */
static void begin(struct rig *r, const char *name, struct setting set)
{
    rig_init(r, set);
    r->conf.tcp_syn_retries = 3;
    r->conf.tcp_synack_retries = 3;
    r->conf.tcp_retries2 = 4;
    r->conf.tcp_orphan_retries = 2;
    r->conf.tcp_early_retrans = 0;
    rig_up(r);
    rig_make(r, situation(name));
}

static void end(struct rig *r)
{
    rig_drop(r);
    rig_fini(r);
    matrix_count(1);
}

static enum gn_state state_now(struct rig *r)
{
    struct gn_status st;

    return rig_status(r, &st) ? st.state : GN_CLOSED;
}

/** all_acked() - the peer has everything that was sent */
static void all_acked(struct rig *r)
{
    rig_say(r, CTL_ACK, 0);
}

/* --- which timers run --- */

enum { RTO = 1, PERSIST = 2, KEEP = 4, DELACK = 8, FW2_OVER = 16, MSL = 32 };

/** armed() - as a set */
static unsigned armed(const struct gn_status *st)
{
    return (st->timer[GN_TIMER_RTO].armed ? RTO : 0) |
           (st->timer[GN_TIMER_PERSIST].armed ? PERSIST : 0) |
           (st->timer[GN_TIMER_KEEPALIVE].armed ? KEEP : 0) |
           (st->timer[GN_TIMER_DELACK].armed ? DELACK : 0) |
           (st->timer[GN_TIMER_FIN_WAIT_2].armed ? FW2_OVER : 0) |
           (st->timer[GN_TIMER_TIME_WAIT].armed ? MSL : 0);
}

/* TO-18: with something in flight RTO alone runs, and where nothing is, not even that */
Test(timers, t_TO_18)
{
    static const struct {
        const char *name;
        unsigned in_flight, acked; /* what runs, before and after the peer has acknowledged all */
    } row[] = {
        {"SS", RTO, 0},
        {"SR/a", RTO, 0},
        {"EST", RTO, 0},
        {"FW1", RTO, 0},
        {"FW2", 0, 0},
        {"CW", RTO, 0},
        {"CLG", RTO, MSL},
        {"LA", RTO, 0},
        {"TW", MSL, MSL},
        {"FW1/o", RTO, FW2_OVER},
        {"FW2/o", FW2_OVER, FW2_OVER},
        {"CLG/o", RTO, MSL},
        {"LA/o", RTO, 0},
        {"TW/o", MSL, MSL},
    };

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;
            struct gn_status st;

            begin(&r, row[i].name, set);
            cr_assert(rig_status(&r, &st));
            cr_expect_eq(armed(&st), row[i].in_flight, "%s: timers %x, the table says %x",
                         row[i].name, armed(&st), row[i].in_flight);
            rig_say(&r, r.b.state == GN_SYN_SENT ? CTL_SYN | CTL_ACK : CTL_ACK, 0);
            st = (struct gn_status){0};
            (void)rig_status(&r, &st);
            cr_expect_eq(armed(&st), row[i].acked,
                         "%s, all acknowledged: timers %x, the table says %x", row[i].name,
                         armed(&st), row[i].acked);
            end(&r);
        }
    }
}

/* --- retransmission --- */

/** retransmits() - @n times the same first segment, each gap at least @least of the one before;
 * then the end */
static void retransmits(struct rig *r, const char *name, unsigned n, unsigned ctl, uint32_t at)
{
    gn_time last = r->now, gap = 0;

    for (unsigned i = 0; i < n; i++) {
        rig_pass(r, 1000 * GN_SEC);
        cr_assert_eq(r->n_out, 1, "%s: %u segments at expiry %u", name, r->n_out, i + 1);
        cr_expect_eq(r->out[0].seq.raw, at, "%s: expiry %u sends %u, not %u", name, i + 1,
                     r->out[0].seq.raw, at);
        cr_expect_eq(r->out[0].ctl & (CTL_SYN | CTL_ACK | CTL_RST), ctl, "%s: control bits %x",
                     name, r->out[0].ctl);
        cr_expect(i == 0 || r->now - last >= gap * 2 - GN_MSEC * 50, "%s: no back-off (%u)", name,
                  i);
        gap = r->now - last;
        last = r->now;
    }
    rig_pass(r, 4 * gap);
    cr_expect_eq(r->n_out, 0, "%s: more than %u retransmissions", name, n);
    cr_expect_eq(state_now(r), GN_CLOSED, "%s: still %s", name, gn_state_name(state_now(r)));
}

/* TO-01, TO-02, TO-03: SYN and SYN,ACK, always the same ISS; the listener's user hears nothing */
Test(timers, t_TO_01_02_03)
{
    static const struct {
        const char *name;
        unsigned ctl;
        enum gn_err told;
    } row[] = {
        {"SS", CTL_SYN, GN_E_TIMED_OUT},
        {"SR/p", CTL_SYN | CTL_ACK, GN_OK},
        {"SR/a", CTL_SYN | CTL_ACK, GN_E_TIMED_OUT},
    };

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;

            begin(&r, row[i].name, set);
            retransmits(&r, row[i].name, 3, row[i].ctl, r.b.iss);
            if (r.c != GN_NO_HANDLE)
                cr_expect_eq(gn_host_error(r.host, r.c), row[i].told, "%s", row[i].name);
            end(&r);
        }
    }
}

/* TO-04: the first unacknowledged segment; R2: the user is told "timed out" */
Test(timers, t_TO_04)
{
    static const char *const name[] = {"EST", "CW", "FW1", "CLG", "LA", "FW1/o", "CLG/o", "LA/o"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;

            begin(&r, name[i], set);
            retransmits(&r, name[i], r.b.orphan ? 2 : 4, CTL_ACK, r.b.una);
            if (r.c != GN_NO_HANDLE)
                cr_expect_eq(gn_host_error(r.host, r.c), GN_E_TIMED_OUT, "%s", name[i]);
            end(&r);
        }
    }
}

/* TO-06: the user timeout, in all states that wait for the peer */
Test(timers, t_TO_06)
{
    static const char *const name[] = {"SS", "SR/a", "EST", "CW", "FW1", "CLG", "LA"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;
            gn_time until;

            rig_init(&r, set);
            r.conf.tcp_user_timeout = 5 * GN_SEC;
            rig_up(&r);
            rig_make(&r, situation(name[i]));
            until = r.now + 5 * GN_SEC;
            while (r.now < until - GN_MSEC)
                rig_pass(&r, until - GN_MSEC - r.now);
            cr_expect_neq(state_now(&r), GN_CLOSED, "%s: ended early", name[i]);
            while (r.now < until + GN_SEC)
                rig_pass(&r, until + GN_SEC - r.now);
            cr_expect_eq(state_now(&r), GN_CLOSED, "%s: still %s", name[i],
                         gn_state_name(state_now(&r)));
            cr_expect_eq(gn_host_error(r.host, r.c), GN_E_TIMED_OUT, "%s", name[i]);
            end(&r);
        }
    }
}

/* --- probes --- */

/** shut_the_peer() - all is acknowledged, and the peer's window closes; then there is text to send
 */
static void shut_the_peer(struct rig *r)
{
    struct arrival_seg s = {.seq = r->peer_nxt, .ack = r->b.nxt, .ctl = CTL_ACK};

    r->b.una = r->b.nxt;
    rig_arrive(r, &s);
    cr_assert_eq(gn_host_send(r->host, r->c, "abc", 3, 0, r->now), 3);
    rig_pull(r);
    cr_assert_eq(r->n_out, 0);
}

/* TO-07: a closed window is probed for as long as the peer answers (MUST-35, MUST-36, MUST-37); the
 * probe is an empty segment of an old number: a documented choice */
Test(timers, t_TO_07)
{
    static const char *const name[] = {"EST", "CW"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;
            gn_time last, gap = 0;

            begin(&r, name[i], set);
            shut_the_peer(&r);
            last = r.now;
            for (unsigned n = 0; n < 30; n++) {
                struct arrival_seg s = {.seq = r.peer_nxt, .ack = r.b.una, .ctl = CTL_ACK};

                rig_pass(&r, 1000 * GN_SEC);
                cr_assert_eq(r.n_out, 1, "%s: probe %u", name[i], n);
                cr_assert_eq(r.out[0].seq.raw, r.b.una - 1);
                cr_assert_eq(r.out[0].text_len, 0);
                cr_expect(n == 0 || r.now - last >= gap || gap > 59 * GN_SEC, "%s: probe %u",
                          name[i], n);
                gap = r.now - last;
                last = r.now;
                rig_arrive(&r, &s);
            }
            cr_expect(gap > 55 * GN_SEC && gap < 61 * GN_SEC); /* tcp_persist_max */
            cr_expect_eq(state_now(&r), situation(name[i])->state);
            rig_say(&r, CTL_ACK, 0); /* it opens */
            cr_expect_eq(r.n_out, 1);
            cr_expect_eq(r.out[0].text_len, 3);
            end(&r);
        }
    }
}

/* TO-08: keep-alive where nothing is in flight; the count used up ends the connection */
Test(timers, t_TO_08)
{
    static const char *const name[] = {"EST", "CW", "FW2"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;

            begin(&r, name[i], set);
            all_acked(&r);
            cr_assert_eq(gn_host_set_option(r.host, r.c, GN_OPT_KEEPIDLE, 100 * GN_SEC, r.now),
                         GN_OK);
            cr_assert_eq(gn_host_set_option(r.host, r.c, GN_OPT_KEEPINTVL, 10 * GN_SEC, r.now),
                         GN_OK);
            cr_assert_eq(gn_host_set_option(r.host, r.c, GN_OPT_KEEPCNT, 3, r.now), GN_OK);
            cr_assert_eq(gn_host_set_option(r.host, r.c, GN_OPT_KEEPALIVE, 1, r.now), GN_OK);
            rig_pass(&r, 99 * GN_SEC);
            cr_expect_eq(r.n_out, 0);
            for (unsigned n = 0; n < 3; n++) {
                rig_pass(&r, n ? 11 * GN_SEC : 2 * GN_SEC);
                cr_assert_eq(r.n_out, 1, "%s: probe %u", name[i], n);
                cr_expect_eq(r.out[0].seq.raw, r.b.nxt - 1);
                cr_expect_eq(r.out[0].text_len, 0);
            }
            rig_pass(&r, 11 * GN_SEC);
            cr_expect_eq(state_now(&r), GN_CLOSED, "%s", name[i]);
            cr_expect_eq(gn_host_error(r.host, r.c), GN_E_TIMED_OUT);
            end(&r);
        }
    }
}

/* --- the ends --- */

/** quiet_until() - nothing is sent, the state stays for @span and is CLOSED soon after */
static void quiet_until(struct rig *r, const char *name, gn_time span)
{
    enum gn_state was = state_now(r);

    rig_pass(r, span - GN_SEC);
    cr_expect_eq(r->n_out, 0, "%s", name);
    cr_expect_eq(state_now(r), was, "%s", name);
    rig_pass(r, 2 * GN_SEC);
    cr_expect_eq(r->n_out, 0, "%s", name);
    cr_expect_eq(state_now(r), GN_CLOSED, "%s: still %s", name, gn_state_name(state_now(r)));
}

/* TO-09: only an orphan's; with a user FIN-WAIT-2 may last for ever. TO-10: 2MSL */
Test(timers, t_TO_09_10)
{
    EACH_FAMILY(set)
    {
        struct rig r;
        struct arrival_seg s;

        begin(&r, "FW2/o", set);
        quiet_until(&r, "FW2/o", r.conf.tcp_fin_timeout);
        s = (struct arrival_seg){.seq = r.peer_nxt, .ack = r.b.nxt, .ctl = CTL_ACK | CTL_FIN};
        rig_arrive(&r, &s);
        cr_expect_eq(r.n_out, 1);
        cr_expect_eq(r.out[0].ctl, CTL_RST);
        cr_expect_eq(r.out[0].seq.raw, s.ack);
        end(&r);
        begin(&r, "FW2", set);
        rig_pass(&r, 100000 * GN_SEC);
        cr_expect_eq(state_now(&r), GN_FIN_WAIT_2);
        end(&r);
        begin(&r, "TW", set);
        quiet_until(&r, "TW", 2 * r.conf.tcp_msl);
        end(&r);
        begin(&r, "TW/o", set);
        quiet_until(&r, "TW/o", 2 * r.conf.tcp_msl);
        end(&r);
    }
}

/* TO-11: an ACK may wait, but less than half a second (MUST-40) */
Test(timers, t_TO_11)
{
    static const char *const name[] = {"EST", "FW1", "FW2"};

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        EACH_FAMILY(set)
        {
            struct rig r;
            struct arrival_seg s = {.wnd = RIG_PEER_WND, .ctl = CTL_ACK, .text = 100};

            rig_init(&r, set);
            r.conf.tcp_delack = 40 * GN_MSEC;
            rig_up(&r);
            rig_make(&r, situation(name[i]));
            all_acked(&r);
            for (unsigned n = 0; n < 20; n++) { /* the first ones are not delayed */
                s.seq = r.peer_nxt;
                s.ack = r.b.nxt;
                r.peer_nxt += s.text;
                rig_arrive(&r, &s);
                if (r.n_out == 0)
                    break;
            }
            cr_assert_eq(r.n_out, 0, "%s: never delayed", name[i]);
            rig_pass(&r, 499 * GN_MSEC);
            cr_assert_eq(r.n_out, 1, "%s: no ACK", name[i]);
            cr_expect_eq(r.out[0].ctl, CTL_ACK);
            cr_expect_eq(r.out[0].ack.raw, r.peer_nxt);
            end(&r);
        }
    }
}
