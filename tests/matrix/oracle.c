/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file oracle.c  See oracle.h.
 *
 * Three tables of checks, one for each of SYN-SENT, LISTEN and CLOSED, and one for all other
 * states, where a column is a state. Rows stand in the order in which the RFCs look at a segment;
 * the first row that knows the segment and does not say "go on" decides. A segment that every row
 * lets pass is acceptable: then steps five to eight have their effects.
 */
#include "oracle.h"

#include "wire/tcp.h"

/* --- RFC 9293 3.4: arithmetic modulo 2^32 --- */

/** before() - a < b */
static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

uint32_t oldest_ack(const struct block *b)
{
    uint32_t sent = b->una - b->iss - 1;

    return b->una - (b->max_wnd < sent ? b->max_wnd : sent);
}

/** within() - first =< x < first + size */
static bool within(uint32_t x, uint32_t first, uint32_t size)
{
    return x - first < size;
}

/** has() - are all bits of @on set and all of @off clear? */
static bool has(const struct arrival_seg *s, unsigned on, unsigned off)
{
    return (s->ctl & on) == on && !(s->ctl & off);
}

/** seg_length() - SEG.LEN: text, SYN and FIN */
static uint32_t seg_length(const struct arrival_seg *s)
{
    return s->text + has(s, CTL_SYN, 0) + has(s, CTL_FIN, 0);
}

/* --- the segments that the rows are about --- */

typedef bool known_fn(const struct block *b, const struct arrival_seg *s);

/* clang-format off */
#define SEGMENT(name, condition)                                                 \
    static bool name(const struct block *b, const struct arrival_seg *s)         \
    {                                                                            \
        (void)b; (void)s;                                                        \
        return (condition);                                                      \
    }

SEGMENT(any,            true)
SEGMENT(rst,            has(s, CTL_RST, 0))
SEGMENT(ack,            has(s, CTL_ACK, 0))
SEGMENT(syn,            has(s, CTL_SYN, 0))
SEGMENT(syn_fin,        has(s, CTL_SYN | CTL_FIN, 0))
SEGMENT(syn_ack,        has(s, CTL_SYN | CTL_ACK, 0))
SEGMENT(no_ack,         has(s, 0, CTL_ACK))
SEGMENT(lone_syn,       has(s, CTL_SYN, CTL_ACK | CTL_RST))

/* RFC 7323 3.2, 5.3: R1 */
SEGMENT(ts_missing,     b->ts && !s->ts && has(s, 0, CTL_RST))
SEGMENT(ts_old,         b->ts && s->ts && before(s->tsval, b->ts_recent) && has(s, 0, CTL_RST))

/* RFC 5961 3.2: a RST is judged by its sequence number alone; with a closed window RCV.NXT is it */
SEGMENT(rst_exact,      rst(b, s) && s->seq == b->rcv_nxt)
SEGMENT(rst_inside,     rst(b, s) && within(s->seq, b->rcv_nxt, b->rcv_wnd))

/* RFC 9293 3.10.7.4, first: table 6, its allowance for a closed window, and one for a full window
 * with a gap, from whose right edge the peer acknowledges */
SEGMENT(first_in,       within(s->seq, b->rcv_nxt, b->rcv_wnd))
SEGMENT(empty_in,       within(s->seq, b->rcv_nxt, b->rcv_wnd + 1))
SEGMENT(last_in,        within(s->seq + seg_length(s) - 1, b->rcv_nxt, b->rcv_wnd))
SEGMENT(acceptable,     seg_length(s) == 0 ? b->rcv_wnd == 0 ? s->seq == b->rcv_nxt : empty_in(b, s)
                                           : first_in(b, s) || last_in(b, s))
SEGMENT(window_probe,   b->rcv_wnd == 0 && s->seq == b->rcv_nxt && has(s, CTL_ACK, 0))
SEGMENT(just_left,      s->seq == b->rcv_nxt - 1 && !acceptable(b, s))
SEGMENT(outside,        !acceptable(b, s) && !window_probe(b, s))

/* the SYN that made this SYN-RECEIVED, again; and the peer's answer to ours where both crossed */
SEGMENT(same_syn,       lone_syn(b, s) && s->seq == b->irs)
SEGMENT(crossed,        syn_ack(b, s) && s->seq == b->irs && s->ack == b->nxt && !b->passive)

/* SEG.ACK: RFC 5961 5.2, RFC 9293 3.10.7.3 and 3.10.7.4 fifth */
SEGMENT(ack_unsent,     ack(b, s) && before(b->nxt, s->ack))
SEGMENT(ack_ancient,    ack(b, s) && before(s->ack, oldest_ack(b)))
SEGMENT(ack_old,        ack(b, s) && before(s->ack, b->una))
SEGMENT(ack_una,        ack(b, s) && s->ack == b->una)
SEGMENT(ack_new,        ack(b, s) && before(b->una, s->ack) && !before(b->nxt, s->ack))
SEGMENT(ss_ack_bad,     ack(b, s) && !ack_new(b, s) && !rst(b, s))
SEGMENT(ss_ack_bad_rst, ack(b, s) && !ack_new(b, s) && rst(b, s))
SEGMENT(ss_refused,     ack_new(b, s) && rst(b, s))
SEGMENT(ss_opened,      ack_new(b, s) && syn(b, s))
SEGMENT(ss_opened_more, ss_opened(b, s) && (s->text || has(s, CTL_FIN, 0)))

/* RFC 6191 2: may this SYN follow the connection in TIME-WAIT? Its last number is that of the FIN */
SEGMENT(tw_ts_kept,     lone_syn(b, s) && s->ts && b->ts_offered)
SEGMENT(tw_seq_higher,  before(b->rcv_nxt - 1, s->seq))
SEGMENT(tw_1,           b->ts && tw_ts_kept(b, s) && before(b->ts_recent, s->tsval))
SEGMENT(tw_2,           b->ts && tw_ts_kept(b, s) && s->tsval == b->ts_recent && tw_seq_higher(b, s))
SEGMENT(tw_3,           b->ts && lone_syn(b, s) && !tw_ts_kept(b, s) && tw_seq_higher(b, s))
SEGMENT(tw_4,           b->ts && lone_syn(b, s))
SEGMENT(tw_5,           !b->ts && tw_ts_kept(b, s))
SEGMENT(tw_6,           !b->ts && lone_syn(b, s) && tw_seq_higher(b, s))
SEGMENT(tw_7,           !b->ts && lone_syn(b, s))
/* clang-format on */

/* --- what a row can say --- */

enum act {
    GO,      /* not for this state: look at the next row */
    D,       /* drop it without a word */
    A,       /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, drop it */
    A_F,     /* the same, but its ACK field counts if it is good */
    CA,      /* the same as a challenge (RFC 5961) */
    SA,      /* our SYN,ACK again, drop it */
    R_A,     /* <SEQ=SEG.ACK><CTL=RST>, drop it */
    R_0,     /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>, drop it */
    RESET,   /* to CLOSED, the user is told "connection reset" */
    REFUSED, /* to CLOSED, the user is told "connection refused" */
    GONE,    /* to CLOSED, nobody is told */
    CHILD,   /* a half-open connection and its SYN,ACK */
    OPENED,  /* to ESTABLISHED, ACK; what else is in the segment is processed from step six on */
    CROSSED, /* to SYN-RECEIVED, SYN,ACK */
};

enum column { SRP, SRA, EST, FW1, FW2, CW, CLG, LA, TW, COLUMNS };

struct row {
    const char *id;
    known_fn *known;
    enum act act[COLUMNS];
};

/* clang-format off */

/* requirements: 3.10.7.1 */
static const struct row closed_rows[] = {
    {"SC_CLO_1", rst,            {D}},
    {"SC_CLO_2", ack,            {R_A}},
    {"SC_CLO_3", no_ack,         {R_0}},
};

/* 3.10.7.2; a SYN with FIN is documented to be dropped: no handshake begins with its end */
static const struct row listen_rows[] = {
    {"SC_LIS_1", rst,            {D}},
    {"SC_LIS_2", ack,            {R_A}},
    {"SC_LIS_5", syn_fin,        {D}},
    {"SC_LIS_3", syn,            {CHILD}},
    {"SC_LIS_6", any,            {D}},
};

/* 3.10.7.3 */
static const struct row syn_sent_rows[] = {
    {"SC_SS_1",  ss_ack_bad,     {R_A}},
    {"SC_SS_2",  ss_ack_bad_rst, {D}},
    {"SC_SS_3",  ss_refused,     {REFUSED}},
    {"SC_SS_4",  rst,            {D}},
    {"SC_SS_6",  ss_opened_more, {OPENED}},
    {"SC_SS_5",  ss_opened,      {OPENED}},
    {"SC_SS_10", syn_fin,        {CROSSED}},
    {"SC_SS_7",  syn,            {CROSSED}},
    {"SC_SS_8",  ack,            {D}},
    {"SC_SS_9",  any,            {D}},
};

/* 3.10.7.4, steps one to five. SRP, SRA: SYN-RECEIVED of a passive and of an active OPEN */
static const struct row other_rows[] = {
    /*                            SRP  SRA      EST    FW1    FW2    CW     CLG    LA     TW    */
    {"TW_1",     tw_1,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    CHILD}},
    {"TW_2",     tw_2,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    CHILD}},
    {"TW_3",     tw_3,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    CHILD}},
    {"TW_4",     tw_4,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    D}},
    {"TW_5",     tw_5,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    CHILD}},
    {"TW_6",     tw_6,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    CHILD}},
    {"TW_7",     tw_7,           {GO,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    D}},
    /* the first SYN again may have shed its options (TO-01), and asks for our SYN,ACK all the same */
    {"SG_11",    same_syn,       {SA,  GO,      GO,    GO,    GO,    GO,    GO,    GO,    GO}},
    {"SG_03",    ts_missing,     {D,   D,       D,     D,     D,     D,     D,     D,     D}},
    {"SG_02",    ts_old,         {A,   A,       A,     A,     A,     A,     A,     A,     A}},
    /* tcp_rfc1337 = 1: a RST does not end TIME-WAIT (RFC 1337 sec. 3, fix 1) */
    {"SG_07",    rst_exact,      {GONE,REFUSED, RESET, RESET, RESET, RESET, GONE,  GONE,  D}},
    {"SG_08",    rst_inside,     {CA,  CA,      CA,    CA,    CA,    CA,    CA,    CA,    D}},
    {"SG_09",    rst,            {D,   D,       D,     D,     D,     D,     D,     D,     D}},
    /* a SYN in SYN-RECEIVED that is not the first one is challenged, where RFC 9293 returns to
     * LISTEN: a documented choice, a stranger cannot end a handshake */
    {"SG_12",    crossed,        {GO,  OPENED,  GO,    GO,    GO,    GO,    GO,    GO,    GO}},
    {"SG_11",    same_syn,       {GO,  SA,      GO,    GO,    GO,    GO,    GO,    GO,    GO}},
    {"SG_13",    syn_fin,        {CA,  CA,      CA,    CA,    CA,    CA,    CA,    CA,    CA}},
    {"SG_12",    syn_ack,        {CA,  CA,      CA,    CA,    CA,    CA,    CA,    CA,    CA}},
    {"SG_11",    syn,            {CA,  CA,      CA,    CA,    CA,    CA,    CA,    CA,    CA}},
    /* RFC 9293 A.2: keep-alives, probes of a closed window and FINs that crossed are all seen here */
    {"SG_06",    just_left,      {A,   A,       A_F,   A_F,   A_F,   A_F,   A_F,   A_F,   A_F}},
    {"SG_04",    outside,        {A,   A,       A,     A,     A,     A,     A,     A,     A}},
    {"SG_14",    no_ack,         {D,   D,       D,     D,     D,     D,     D,     D,     D}},
    {"SG_15",    ack_unsent,     {R_A, R_A,     A,     A,     A,     A,     A,     A,     A}},
    {"SG_16",    ack_ancient,    {R_A, R_A,     CA,    CA,    CA,    CA,    CA,    CA,    CA}},
    {"SG_17",    ack_old,        {R_A, R_A,     GO,    GO,    GO,    GO,    GO,    GO,    GO}},
    {"SG_18",    ack_una,        {R_A, R_A,     GO,    GO,    GO,    GO,    GO,    GO,    GO}},
};
/* clang-format on */

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

/** column() - of a state in other_rows */
static enum column column(const struct block *b)
{
    switch (b->state) {
    case GN_SYN_RECEIVED: return b->passive ? SRP : SRA;
    case GN_ESTABLISHED: return EST;
    case GN_FIN_WAIT_1: return FW1;
    case GN_FIN_WAIT_2: return FW2;
    case GN_CLOSE_WAIT: return CW;
    case GN_CLOSING: return CLG;
    case GN_LAST_ACK: return LA;
    case GN_TIME_WAIT: return TW;
    case GN_CLOSED:
    case GN_LISTEN:
    case GN_SYN_SENT:
    case GN_STATE_COUNT: break;
    }
    return (enum column)0; /* tables with one column */
}

/* --- steps five to eight of 3.10.7.4 --- */

/** fin_acked() - does UNA cover our FIN? */
static bool fin_acked(const struct block *b)
{
    return b->fin_sent && b->una == b->nxt;
}

/** window_update() - step five, the send window. An acceptable segment begins at RCV.NXT at the
 * earliest: it is "the idealized segment" of step one. */
static void window_update(struct block *b, const struct arrival_seg *s)
{
    bool old = acceptable(b, s) && before(s->seq, b->rcv_nxt);
    uint32_t first = old ? b->rcv_nxt : s->seq;

    if (before(s->ack, b->una))
        return;
    if (before(b->wl1, first) || (b->wl1 == first && !before(s->ack, b->wl2))) {
        b->wnd = s->wnd;
        b->wl1 = first;
        b->wl2 = s->ack;
        if (b->max_wnd < s->wnd)
            b->max_wnd = s->wnd;
    }
}

/** step_five() - an acceptable ACK; false: the connection is gone */
static bool step_five(struct verdict *v, const struct arrival_seg *s)
{
    struct block *b = &v->after;
    bool news = ack_new(b, s);

    v->acked = true;
    v->row = news ? "SG_19" : ack_una(b, s) ? "SG_18" : "SG_17";
    if (news)
        b->una = s->ack;
    if (b->state == GN_SYN_RECEIVED) {
        b->state = GN_ESTABLISHED;
        b->wnd = b->max_wnd = s->wnd;
        b->wl1 = s->seq;
        b->wl2 = s->ack;
        return true;
    }
    window_update(b, s);
    if (!news || !fin_acked(b))
        return true;
    v->row = "SG_20";
    if (b->state == GN_FIN_WAIT_1)
        b->state = GN_FIN_WAIT_2;
    else if (b->state == GN_CLOSING)
        b->state = GN_TIME_WAIT;
    else if (b->state == GN_LAST_ACK)
        b->state = GN_CLOSED;
    return b->state != GN_CLOSED;
}

/** reads() - may text of the peer still come? */
static bool reads(enum gn_state state)
{
    return state == GN_ESTABLISHED || state == GN_FIN_WAIT_1 || state == GN_FIN_WAIT_2;
}

/** step_six() - urgent data: told if the pointer is in advance of what the user has */
static void step_six(struct verdict *v, const struct arrival_seg *s)
{
    if (!has(s, CTL_URG, 0) || !before(v->after.rcv_nxt, s->seq + s->up))
        return;
    v->row = "SG_27";
    v->urgent = true;
}

/** step_seven() - the text that lies in the window, delivered or held; false: the user has gone and
 * text is new, so the connection is reset (SHLD-3) */
static bool step_seven(struct verdict *v, const struct arrival_seg *s, uint32_t first)
{
    struct block *b = &v->after;
    uint32_t edge = b->rcv_nxt + b->rcv_wnd;
    uint32_t end = first + s->text;
    uint32_t from = before(first, b->rcv_nxt) ? b->rcv_nxt : first;
    uint32_t to = before(edge, end) ? edge : end;

    if (!before(from, to))
        return true;
    v->row = from != first || to != end ? "SG_23" : from == b->rcv_nxt ? "SG_21" : "SG_22";
    if (b->orphan) {
        v->row = "SG_21";
        v->reply = SEND_ABORT;
        b->state = GN_CLOSED;
        return false;
    }
    if (from == b->rcv_nxt) {
        v->text = to - from;
        b->rcv_nxt = to;
        b->rcv_wnd = edge - to;
    } else {
        v->held = to - from;
    }
    return true;
}

/** step_eight() - a FIN that lies in the window and before which nothing is missing */
static void step_eight(struct verdict *v, const struct arrival_seg *s, uint32_t first)
{
    struct block *b = &v->after;
    uint32_t at = first + s->text;

    if (!has(s, CTL_FIN, 0) || !within(at, b->rcv_nxt, b->rcv_wnd))
        return;
    if (at != b->rcv_nxt) {
        v->row = "SG_25";
        return;
    }
    v->row = s->text ? "SG_30" : "SG_24";
    v->eof = true;
    b->rcv_nxt++;
    b->rcv_wnd--;
    if (b->state == GN_ESTABLISHED)
        b->state = GN_CLOSE_WAIT;
    else if (b->state == GN_FIN_WAIT_2 || fin_acked(b))
        b->state = GN_TIME_WAIT;
    else
        b->state = GN_CLOSING;
}

/** steps_six_to_eight() - what else is in an acceptable segment. All that occupies sequence space
 * is acknowledged at once (tcp_delack = 0), also when it is ignored after the peer's FIN. */
static void steps_six_to_eight(struct verdict *v, const struct arrival_seg *s)
{
    struct block *b = &v->after;
    bool closed_window = b->rcv_wnd == 0;
    uint32_t first = s->seq + has(s, CTL_SYN, 0);

    if (s->text || has(s, CTL_FIN, 0))
        v->reply = SEND_ACK;
    if (!reads(b->state)) {
        if (v->reply == SEND_ACK)
            v->row = "SG_26";
        return;
    }
    step_six(v, s);
    if (closed_window && (s->text || has(s, CTL_FIN, 0))) {
        v->row = "SG_05";
        return;
    }
    if (step_seven(v, s, first))
        step_eight(v, s, first);
}

/* --- the verdict --- */

/** agree_on_timestamps() - RFC 7323 3.2: in use if both SYNs carried them; this is the peer's, the
 * first or, after a simultaneous open, again */
static void agree_on_timestamps(struct block *b, const struct arrival_seg *s)
{
    if (b->state == GN_SYN_SENT)
        b->ts = b->ts_offered && s->ts;
    if (b->ts)
        b->ts_recent = s->tsval;
}

/** opened() - our SYN is acknowledged and the peer's is here */
static void opened(struct verdict *v, const struct arrival_seg *s)
{
    struct block *b = &v->after;
    const char *row = v->row;

    agree_on_timestamps(b, s);
    b->state = GN_ESTABLISHED;
    b->irs = s->seq;
    b->rcv_nxt = s->seq + 1;
    b->una = s->ack;
    b->wnd = b->max_wnd = s->wnd;
    b->wl1 = s->seq;
    b->wl2 = s->ack;
    v->acked = true;
    steps_six_to_eight(v, s);
    v->reply = SEND_ACK;
    v->row = row;
}

/** ack_field_counts() - the segment is refused and answered, not so its acknowledgment */
static void ack_field_counts(struct verdict *v, const struct arrival_seg *s)
{
    const char *row = v->row;

    if (!no_ack(&v->after, s) && !ack_unsent(&v->after, s) && !ack_ancient(&v->after, s))
        step_five(v, s);
    v->row = row;
    v->reply = v->after.state == GN_CLOSED ? NOTHING : SEND_ACK;
}

/** apply() - what a row says */
static void apply(struct verdict *v, enum act act, const struct arrival_seg *s)
{
    struct block *b = &v->after;

    switch (act) {
    case GO:
    case D: return;
    case A:
    case CA: v->reply = SEND_ACK; return;
    case A_F: ack_field_counts(v, s); return;
    case SA: v->reply = SEND_SYN_ACK; return;
    case R_A: v->reply = SEND_RST; return;
    case R_0: v->reply = SEND_RST_ACK; return;
    case RESET:
    case REFUSED: v->told = act == RESET ? GN_E_RESET : GN_E_REFUSED; /* fall through */
    case GONE: b->state = GN_CLOSED; return;
    case CHILD:
        v->reply = SEND_SYN_ACK;
        v->child = true;
        b->irs = s->seq;
        b->rcv_nxt = s->seq + 1;
        if (b->state == GN_TIME_WAIT)
            b->state = GN_CLOSED;
        return;
    case OPENED: opened(v, s); return;
    case CROSSED:
        agree_on_timestamps(b, s);
        v->reply = SEND_SYN_ACK;
        b->state = GN_SYN_RECEIVED;
        b->irs = s->seq;
        b->rcv_nxt = s->seq + 1;
        b->wnd = s->wnd;
        return;
    }
}

/** look_up() - the first row that decides; false: none, the segment is acceptable */
static bool look_up(struct verdict *v, const struct row *row, size_t n, const struct arrival_seg *s)
{
    enum column c = column(&v->after);

    for (size_t i = 0; i < n; i++) {
        if (row[i].act[c] == GO || !row[i].known(&v->after, s))
            continue;
        v->row = row[i].id;
        apply(v, row[i].act[c], s);
        return true;
    }
    return false;
}

/** other_states() - 3.10.7.4 */
static void other_states(struct verdict *v, const struct arrival_seg *s)
{
    struct block *b = &v->after;
    /* the peer's FIN again, wholly old, and its ACK is one that we would take: MUST-13, TO-10. What
     * follows that FIN is none of the peer's and does not restart 2MSL */
    bool fin_again = b->state == GN_TIME_WAIT && has(s, CTL_FIN | CTL_ACK, CTL_SYN | CTL_RST) &&
                     s->seq + seg_length(s) == b->rcv_nxt && !ack_unsent(b, s) &&
                     !ack_ancient(b, s);

    if (look_up(v, ROWS(other_rows), s)) {
        v->restart = fin_again && !ts_missing(b, s) && !ts_old(b, s);
        return;
    }
    /* RFC 7323 4.3; a choice: only with a good ACK, where its appendix D does it before that */
    if (b->ts && acceptable(b, s) && !before(b->last_ack_sent, s->seq))
        b->ts_recent = s->tsval;
    if (step_five(v, s))
        steps_six_to_eight(v, s);
}

struct verdict oracle(const struct block *b, const struct arrival_seg *s)
{
    struct verdict v = {.after = *b};

    switch (b->state) {
    case GN_CLOSED: look_up(&v, ROWS(closed_rows), s); break;
    case GN_LISTEN: look_up(&v, ROWS(listen_rows), s); break;
    case GN_SYN_SENT: look_up(&v, ROWS(syn_sent_rows), s); break;
    case GN_SYN_RECEIVED:
    case GN_ESTABLISHED:
    case GN_FIN_WAIT_1:
    case GN_FIN_WAIT_2:
    case GN_CLOSE_WAIT:
    case GN_CLOSING:
    case GN_LAST_ACK:
    case GN_TIME_WAIT: other_states(&v, s); break;
    case GN_STATE_COUNT: break;
    }
    return v;
}
