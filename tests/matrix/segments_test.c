/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file segments_test.c  Every state, every segment: 17 situations x 16 combinations of SYN ACK RST
 * FIN x text x noise x sequence positions x acknowledgment positions x windows x timestamps x IPv4
 * and IPv6, each judged by the oracle. One test for each row of the table that decides (SG, SC and
 * TW of the requirements); a cell is run by the test of its row, so every cell runs once.
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define CELL_WND  20000u /* SEG.WND of the segment in the cell: shows whether it was taken */
#define HOST_LIFE 32     /* cells, then a new host: TIME-WAIT records would pile up */
#define SHOWN     4      /* disagreements that a test prints */

/* --- what a cell is --- */

enum seq_pos { FAR_OLD, LEFT_OF, LEFT, INSIDE, LAST, RIGHT, OUTSIDE, SEQ_POSITIONS };
enum ack_pos { TOO_OLD, OLDEST, OLD, UNA, BETWEEN, NXT, TOO_FAR, ACK_POSITIONS };
enum noise { PLAIN, URGENT, ODD, NOISES };
enum stamp { ABSENT, FRESH, SAME, STALE, STAMPS };

static const char *const seq_name[] = {"far old",    "RCV.NXT-1",  "RCV.NXT", "inside",
                                       "last octet", "right edge", "outside"};
static const char *const ack_name[] = {"too old", "oldest", "old",  "UNA",
                                       "between", "NXT",    "NXT+1"};
static const char *const stamp_name[] = {"absent", "fresh", "same", "stale"};

struct cell {
    const struct situation *si;
    struct setting set;
    unsigned ctl; /* of SYN ACK RST FIN */
    uint32_t text;
    enum noise noise;
    enum seq_pos seq;
    enum ack_pos ack;
    enum stamp stamp;
};

/** seq_at() - the number at a position; false: not in this situation, or the same as another one */
static bool seq_at(const struct block *b, enum seq_pos p, uint32_t *ret)
{
    uint32_t edge = b->rcv_nxt + b->rcv_wnd;

    if (b->state <= GN_SYN_SENT) { /* nothing is known of the peer's numbers */
        *ret = 900000;
        return p == LEFT;
    }
    switch (p) {
    case FAR_OLD: *ret = b->rcv_nxt - 20000; return true;
    case LEFT_OF: *ret = b->rcv_nxt - 1; return true;
    case LEFT: *ret = b->rcv_nxt; return true;
    case INSIDE: *ret = b->rcv_nxt + 100; return true;
    case LAST: *ret = edge - 1; return b->rcv_wnd > 0;
    case RIGHT: *ret = edge; return b->rcv_wnd > 0;
    case OUTSIDE: *ret = edge + 1000; return true;
    case SEQ_POSITIONS: break;
    }
    return false;
}

/** ack_at() - the same for the acknowledgment number */
static bool ack_at(const struct block *b, enum ack_pos p, uint32_t *ret)
{
    if (b->state <= GN_LISTEN) {
        *ret = 12345;
        return p == UNA;
    }
    switch (p) {
    case TOO_OLD: *ret = oldest_ack(b) - 1; return true;
    case OLDEST: *ret = oldest_ack(b); return *ret != b->una;
    case OLD: *ret = b->una - 1; return true;
    case UNA: *ret = b->una; return true;
    case BETWEEN: *ret = b->una + (b->nxt - b->una) / 2; return b->nxt - b->una > 1;
    case NXT: *ret = b->nxt; return b->nxt != b->una;
    case TOO_FAR: *ret = b->nxt + 1; return true;
    case ACK_POSITIONS: break;
    }
    return false;
}

/** segment_of() - the segment of a cell in the situation @b; false: there is no such cell */
static bool segment_of(const struct cell *c, const struct block *b, struct arrival_seg *ret)
{
    static const unsigned noise[NOISES] = {0, CTL_URG, CTL_PSH | CTL_CWR};

    *ret = (struct arrival_seg){.ctl = c->ctl | noise[c->noise],
                                .text = c->text,
                                .wnd = CELL_WND,
                                .up = c->noise == URGENT ? 2 : 0,
                                .ts = c->stamp != ABSENT,
                                .tsval = b->ts_recent + (c->stamp == FRESH   ? 10
                                                         : c->stamp == STALE ? (uint32_t)-1
                                                                             : 0)};
    if (!seq_at(b, c->seq, &ret->seq))
        return false;
    if (c->ctl & CTL_ACK)
        return ack_at(b, c->ack, &ret->ack);
    return c->ack == UNA; /* no acknowledgment: one cell for all positions */
}

/** cell_exists() - noise, odd timestamps and IPv6 are not tried with one another, nor noise beside
 * timestamps in segments whose text and control bits mean nothing */
static bool cell_exists(const struct cell *c)
{
    bool noisy = c->noise != PLAIN;
    bool odd_stamp = c->stamp != (c->set.ts ? FRESH : ABSENT);

    if (!c->set.ts && odd_stamp && c->stamp != FRESH)
        return false; /* not in use: absent, or there and to be ignored */
    if (noisy && c->set.ts && (c->ctl & (CTL_SYN | CTL_RST)))
        return false;
    return noisy + odd_stamp + c->set.v6 <= 1;
}

/* --- what came of it --- */

struct outcome {
    enum gn_state state;
    uint32_t una, nxt, wnd, rcv_nxt, ts_recent, text, held;
    enum gn_err told;
    bool eof, urgent, child, restart;
    unsigned replies;
};

static const char *show(const struct outcome *o, char *buf, size_t n)
{
    snprintf(buf, n,
             "%s una %u nxt %u wnd %u rcv.nxt %u ts %u text %u held %u told \"%s\"%s%s%s%s, "
             "%u sent",
             gn_state_name(o->state), o->una, o->nxt, o->wnd, o->rcv_nxt, o->ts_recent, o->text,
             o->held, o->told ? gn_err_text(o->told) : "", o->eof ? " EOF" : "",
             o->urgent ? " URG" : "", o->child ? " child" : "", o->restart ? " 2MSL again" : "",
             o->replies);
    return buf;
}

static const char *show_seg(const struct seg *s, char *buf, size_t n)
{
    snprintf(buf, n, "<SEQ=%u><ACK=%u><CTL=%s%s%s%s%s> len %u%s", s->seq.raw, s->ack.raw,
             s->ctl & CTL_SYN ? "SYN " : "", s->ctl & CTL_ACK ? "ACK " : "",
             s->ctl & CTL_RST ? "RST " : "", s->ctl & CTL_FIN ? "FIN " : "",
             s->ctl & ~(CTL_SYN | CTL_ACK | CTL_RST | CTL_FIN) ? "+" : "", s->text_len,
             s->opt.has & OPT_TS ? " TS" : "");
    return buf;
}

/** foreseen() - the oracle's verdict as an outcome */
static struct outcome foreseen(const struct block *before, const struct verdict *v)
{
    const struct block *a = &v->after;
    struct outcome o = {.state = a->state,
                        .told = v->told,
                        .text = v->text,
                        .held = v->held,
                        .eof = v->eof,
                        .urgent = v->urgent,
                        .child = v->child,
                        .restart = v->restart && before->state == GN_TIME_WAIT,
                        .replies = v->reply != NOTHING};

    if (a->state >= GN_SYN_SENT) {
        o.una = a->una;
        o.nxt = a->nxt;
        o.rcv_nxt = a->state == GN_SYN_SENT ? 0 : a->rcv_nxt;
    }
    return o;
}

/** read_text() - what the user can read now, beyond what lay there before */
static uint32_t read_text(struct rig *r, bool *ret_eof)
{
    char buf[4096];
    uint32_t sum = 0;
    int64_t n;

    while ((n = gn_host_recv(r->host, r->c, buf, sizeof(buf), 0, r->now)) > 0)
        sum += (uint32_t)n;
    *ret_eof = n == 0;
    return sum - r->unread;
}

/** seen() - what really happened; columns that the table leaves open are taken from @f */
static struct outcome seen(struct rig *r, const struct verdict *v, const struct outcome *f,
                           gn_time expiry)
{
    struct outcome o = {.state = GN_CLOSED, .replies = r->n_out};
    struct gn_status st, half;
    bool fin_before = r->b.state >= GN_CLOSE_WAIT;
    bool eof = false;

    if (r->c == GN_NO_HANDLE && r->b.state == GN_SYN_RECEIVED)
        (void)gn_host_accept(r->host, r->listener, &r->c);
    o.child = (r->b.state == GN_LISTEN || r->b.state == GN_TIME_WAIT) && rig_half_open(r, &half);
    if (r->b.state == GN_LISTEN) {
        o.state = GN_LISTEN;
    } else if (o.child && r->c == GN_NO_HANDLE) {
        o.state = GN_CLOSED; /* the record may stay in the background (TW-9) */
    } else if (rig_status(r, &st)) {
        o.state = st.state;
    }
    if (o.state >= GN_SYN_SENT) {
        o.una = st.snd.una;
        o.nxt = st.snd.nxt;
        o.rcv_nxt = o.state == GN_SYN_SENT ? 0 : st.rcv.nxt;
        o.held = st.rcv.out_of_order;
        o.restart =
            r->b.state == GN_TIME_WAIT && st.timer[GN_TIMER_TIME_WAIT].at > expiry + GN_SEC / 2;
        if (v->acked && o.state != GN_TIME_WAIT && f->state == o.state) {
            o.wnd = st.snd.wnd;
            o.ts_recent = st.opt_timestamps ? st.ts_recent : 0;
        }
    }
    if (r->c != GN_NO_HANDLE) {
        unsigned ev = rig_take_events(r);

        o.told = gn_host_error(r->host, r->c);
        o.urgent = (ev & GN_EV_URGENT) != 0;
        if (o.told == GN_OK && o.state >= GN_ESTABLISHED)
            o.text = read_text(r, &eof);
        o.eof = eof && !fin_before;
    } else {
        o.told = f->told;
        o.eof = f->eof;
        o.urgent = f->urgent;
    }
    return o;
}

/** right_reply() - is it the form that the oracle asks for? */
static bool right_reply(const struct rig *r, const struct verdict *v, const struct arrival_seg *s)
{
    const struct block *a = &v->after;
    const struct seg *o = &r->out[0];
    uint32_t len = s->text + ((s->ctl & CTL_SYN) != 0) + ((s->ctl & CTL_FIN) != 0);
    bool ts_right = !a->ts || v->child || ((o->opt.has & OPT_TS) && o->opt.tsecr == a->ts_recent);

    if (o->text_len || o->key.rport != r->key.lport || o->key.lport != r->peer_port)
        return false;
    switch (v->reply) {
    case NOTHING: return true;
    case SEND_ACK:
        return o->ctl == CTL_ACK && o->seq.raw == a->nxt && o->ack.raw == a->rcv_nxt && ts_right;
    case SEND_SYN_ACK:
        if (o->ctl != (CTL_SYN | CTL_ACK) || o->ack.raw != a->rcv_nxt || !ts_right)
            return false;
        if (v->child) /* TW-8 */
            return r->b.state != GN_TIME_WAIT || (int32_t)(o->seq.raw - a->nxt) > 0;
        return o->seq.raw == a->iss;
    case SEND_RST: return o->ctl == CTL_RST && o->seq.raw == s->ack;
    case SEND_RST_ACK:
        return o->ctl == (CTL_RST | CTL_ACK) && o->seq.raw == 0 && o->ack.raw == s->seq + len;
    case SEND_ABORT:
        return o->ctl == (CTL_RST | CTL_ACK) && o->seq.raw == a->nxt && o->ack.raw == a->rcv_nxt;
    }
    return false;
}

/** describe() - a cell in words */
static const char *describe(const struct cell *c, const struct arrival_seg *s, char *buf, size_t n)
{
    snprintf(buf, n,
             "%s, IPv%d, window %s, timestamps %s <- %s%s%s%s%s text %u, SEQ %s (%u), ACK %s (%u), "
             "TS %s",
             c->si->name, c->set.v6 ? 6 : 4, c->set.closed_window ? "closed" : "open",
             c->set.ts ? "on" : "off", c->ctl & CTL_SYN ? "SYN " : "",
             c->ctl & CTL_ACK ? "ACK " : "", c->ctl & CTL_RST ? "RST " : "",
             c->ctl & CTL_FIN ? "FIN " : "",
             c->noise == URGENT ? "URG"
             : c->noise == ODD  ? "PSH CWR"
                                : "",
             c->text, seq_name[c->seq], s->seq, c->ctl & CTL_ACK ? ack_name[c->ack] : "none",
             s->ack, stamp_name[c->stamp]);
    return buf;
}

/** cell_agrees() - run one cell; false: the host and the oracle disagree, and it was said */
static bool cell_agrees(struct rig *r, const struct cell *c, bool tell)
{
    struct arrival_seg s;
    struct gn_status st = {0};
    struct verdict v;
    struct outcome want, got;
    char a[256], b[256], d[256], e[256] = "nothing";
    bool right;

    rig_make(r, c->si);
    cr_assert(segment_of(c, &r->b, &s));
    if (c->si->state == GN_TIME_WAIT) {
        (void)rig_status(r, &st);
        r->now += GN_SEC;
    }
    v = oracle(&r->b, &s);
    want = foreseen(&r->b, &v);
    rig_arrive(r, &s);
    right = r->n_out == (v.reply != NOTHING) && (!r->n_out || right_reply(r, &v, &s));
    if (r->n_out)
        show_seg(&r->out[0], e, sizeof(e));
    got = seen(r, &v, &want, st.timer[GN_TIMER_TIME_WAIT].at);
    if (got.wnd)
        want.wnd = v.after.wnd;
    if (got.ts_recent)
        want.ts_recent = v.after.ts_recent;
    right &= memcmp(&want, &got, sizeof(want)) == 0;
    if (!right && tell)
        cr_log_error("%s: %s\n  oracle: %s, form %d\n  host:   %s: %s", v.row,
                     describe(c, &s, d, sizeof(d)), show(&want, a, sizeof(a)), (int)v.reply,
                     show(&got, b, sizeof(b)), e);
    rig_drop(r);
    return right;
}

/* --- all cells --- */

/** concerns() - can a row of this name decide in this situation? Its table says */
static bool concerns(const char *row, const struct situation *si)
{
    if (!row)
        return true;
    if (!strncmp(row, "SC_CLO", 6))
        return si->state == GN_CLOSED;
    if (!strncmp(row, "SC_LIS", 6))
        return si->state == GN_LISTEN;
    if (!strncmp(row, "SC_SS", 5))
        return si->state == GN_SYN_SENT;
    if (!strncmp(row, "TW", 2))
        return si->state == GN_TIME_WAIT;
    return si->state > GN_SYN_SENT;
}

struct walk {
    const char *row; /* run the cells of this row; NULL: run none */
    void (*visit)(const struct cell *c, const struct verdict *v, void *ctx);
    void *ctx;
    struct rig rig;
    unsigned life, wrong;
    unsigned long run;
};

/** at_cell() - judge it, and run it if it is of the row asked for */
static void at_cell(struct walk *w, const struct cell *c, const struct block *b)
{
    struct arrival_seg s;
    struct verdict v;

    if (!segment_of(c, b, &s))
        return;
    v = oracle(b, &s);
    if (w->visit)
        w->visit(c, &v, w->ctx);
    if (!w->row || strcmp(v.row, w->row))
        return;
    if (w->life++ >= HOST_LIFE) {
        gn_host_free(w->rig.host);
        rig_up(&w->rig);
        w->life = 1;
    }
    w->run++;
    w->wrong += !cell_agrees(&w->rig, c, w->wrong < SHOWN);
}

/** walk_situation() - all segments for one situation in one setting */
static void walk_situation(struct walk *w, const struct situation *si, struct setting set)
{
    struct cell c = {.si = si, .set = set};
    struct block b;

    if (!setting_exists(si, set) || !concerns(w->row, si))
        return;
    rig_init(&w->rig, set);
    rig_up(&w->rig);
    rig_make(&w->rig, si); /* numbers relative to one another are the same for all cells */
    b = w->rig.b;
    rig_drop(&w->rig);
    w->life = 0;
    for (unsigned i = 0; i < 16 * 2 * NOISES * STAMPS; i++) {
        unsigned f = i % 16;

        c.ctl = (f & 1 ? CTL_SYN : 0) | (f & 2 ? CTL_ACK : 0) | (f & 4 ? CTL_RST : 0) |
                (f & 8 ? CTL_FIN : 0);
        c.text = i / 16 % 2 ? 3 : 0;
        c.noise = (enum noise)(i / 32 % NOISES);
        c.stamp = (enum stamp)(i / 32 / NOISES);
        if (!cell_exists(&c))
            continue;
        for (unsigned p = 0; p < SEQ_POSITIONS * ACK_POSITIONS; p++) {
            c.seq = (enum seq_pos)(p / ACK_POSITIONS);
            c.ack = (enum ack_pos)(p % ACK_POSITIONS);
            at_cell(w, &c, &b);
        }
    }
    rig_fini(&w->rig);
}

static void walk_all(struct walk *w)
{
    for (unsigned i = 0; i < n_situations; i++) {
        for (unsigned k = 0; k < 8; k++)
            walk_situation(
                w, &situations[i],
                (struct setting){.v6 = (k & 1) != 0, .ts = (k & 2) != 0, .closed_window = k >= 4});
    }
}

/** run_row() - all cells that a row decides */
static void run_row(const char *row)
{
    struct walk w = {.row = row};

    walk_all(&w);
    matrix_count(w.run);
    cr_assert_gt(w.run, 0, "no cell is decided by %s", row);
    cr_assert_eq(w.wrong, 0, "%s: %u of %lu cells disagree with the oracle", row, w.wrong, w.run);
}

/* clang-format off */
#define EACH_ROW(ROW)                                                                             \
    ROW(SC_CLO_1) ROW(SC_CLO_2) ROW(SC_CLO_3)                                                     \
    ROW(SC_LIS_1) ROW(SC_LIS_2) ROW(SC_LIS_3) ROW(SC_LIS_5) ROW(SC_LIS_6)                         \
    ROW(SC_SS_1) ROW(SC_SS_2) ROW(SC_SS_3) ROW(SC_SS_4) ROW(SC_SS_5) ROW(SC_SS_6) ROW(SC_SS_7)    \
    ROW(SC_SS_8) ROW(SC_SS_9) ROW(SC_SS_10)                                                       \
    ROW(SG_02) ROW(SG_03) ROW(SG_04) ROW(SG_05) ROW(SG_06) ROW(SG_07) ROW(SG_08) ROW(SG_09)       \
    ROW(SG_11) ROW(SG_12) ROW(SG_13) ROW(SG_14) ROW(SG_15) ROW(SG_16) ROW(SG_17) ROW(SG_18)       \
    ROW(SG_19) ROW(SG_20) ROW(SG_21) ROW(SG_22) ROW(SG_23) ROW(SG_24) ROW(SG_25) ROW(SG_26)       \
    ROW(SG_27) ROW(SG_30)                                                                         \
    ROW(TW_1) ROW(TW_2) ROW(TW_3) ROW(TW_4) ROW(TW_5) ROW(TW_6) ROW(TW_7)
/* clang-format on */

#define ROW_TEST(id)       \
    Test(segments, t_##id) \
    {                      \
        run_row(#id);      \
    }
EACH_ROW(ROW_TEST)

static void check_row(const struct cell *c, const struct verdict *v, void *ctx)
{
#define ROW_NAME(id) #id,
    static const char *const ids[] = {EACH_ROW(ROW_NAME)};
    unsigned long *n = ctx;

    (void)c;
    ++*n;
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (v->row && !strcmp(ids[i], v->row))
            return;
    }
    cr_assert_fail("no test runs the cells of %s", v->row ? v->row : "no row");
}

/* no cell is left out: each one belongs to a row that has a test */
Test(segments, every_cell_has_a_row)
{
    unsigned long n = 0;
    struct walk w = {.visit = check_row, .ctx = &n};

    walk_all(&w);
    cr_log_info("%lu cells of segments", n);
    cr_assert_gt(n, 10000);
}
