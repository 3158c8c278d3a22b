/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file calls_test.c  Every state, every call of the user (RFC 9293 3.10.1 to 3.10.6, rows UC-*):
 * what the call returns, what is sent at once, and the state afterwards; IPv4 and IPv6, with and
 * without timestamps, with nothing and with text to be read.
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define TAKEN 3 /* octets that a SEND of three takes */

enum sent { NONE, SYN, FIN, RST, TEXT, HELD };

/** The columns of one call: its result, what leaves, where it leads. */
struct row {
    const char *name;
    int64_t result;
    enum sent sent;
    enum gn_state after;
};

typedef int64_t call_fn(struct rig *r, gn_handle c);

static int64_t call_send(struct rig *r, gn_handle c)
{
    return gn_host_send(r->host, c, "abc", 3, 0, r->now);
}

static int64_t call_receive(struct rig *r, gn_handle c)
{
    char buf[16];

    return gn_host_recv(r->host, c, buf, sizeof(buf), 0, r->now);
}

static int64_t call_shutdown(struct rig *r, gn_handle c)
{
    return gn_host_shutdown(r->host, c, r->now);
}

static int64_t call_close(struct rig *r, gn_handle c)
{
    int64_t n = gn_host_close(r->host, c, r->now);

    r->c = GN_NO_HANDLE;
    return n;
}

static int64_t call_abort(struct rig *r, gn_handle c)
{
    int64_t n = gn_host_abort(r->host, c, r->now);

    r->c = GN_NO_HANDLE;
    return n;
}

static int64_t call_status(struct rig *r, gn_handle c)
{
    struct gn_status st;
    enum gn_err e = gn_host_status(r->host, c, r->now, &st);

    return e ? (int64_t)e : (int64_t)st.state;
}

/** call_open() - active, for the tuple of the connection */
static int64_t call_open(struct rig *r, gn_handle c)
{
    gn_handle other = GN_NO_HANDLE;
    int64_t e =
        gn_host_connect(r->host, rig_ours(r, r->key.lport), rig_peer(r), NULL, r->now, &other);

    (void)c;
    if (e == GN_OK)
        r->c = other;
    return e;
}

/** call_listen() - passive, for the address and port of the connection */
static int64_t call_listen(struct rig *r, gn_handle c)
{
    gn_handle other = GN_NO_HANDLE;
    int64_t e = gn_host_listen(r->host, rig_ours(r, r->key.lport), 4, NULL, &other);

    (void)c;
    if (e == GN_OK)
        (void)gn_host_close(r->host, other, r->now);
    return e;
}

/** left() - did what the table says leave, and nothing else? */
static bool left(const struct rig *r, const struct block *b, enum sent sent)
{
    const struct seg *s = &r->out[0];

    if (sent == NONE || sent == HELD)
        return r->n_out == 0;
    if (r->n_out != 1)
        return false;
    switch (sent) {
    case SYN: return s->ctl == CTL_SYN;
    case FIN:
        return (s->ctl & ~CTL_PSH) == (CTL_FIN | CTL_ACK) && s->seq.raw == b->nxt &&
               s->ack.raw == b->rcv_nxt;
    case RST: /* a documented choice: with ACK, where RFC 9293 3.10.5 shows it without */
        return s->ctl == (CTL_RST | CTL_ACK) && s->seq.raw == b->nxt && s->ack.raw == b->rcv_nxt;
    case TEXT: return s->seq.raw == b->nxt && s->text_len == TAKEN && (s->ctl & CTL_ACK);
    case NONE:
    case HELD: break;
    }
    return false;
}

/** handle_of() - the connection's, the listener's, or one that has been given back */
static gn_handle handle_of(struct rig *r, const struct situation *si)
{
    if (si->state == GN_LISTEN)
        return r->listener;
    if (si->state == GN_CLOSED) {
        gn_handle c;

        cr_assert_eq(gn_host_connect(r->host, rig_ours(r, 0), rig_peer(r), NULL, r->now, &c),
                     GN_OK);
        cr_assert_eq(gn_host_abort(r->host, c, r->now), GN_OK);
        r->peer_port++;
        return c;
    }
    return r->c;
}

/** state_now() - CLOSED if the host knows nothing of the connection */
static enum gn_state state_now(struct rig *r, const struct situation *si)
{
    struct gn_status st;

    if (si->state == GN_LISTEN)
        return gn_host_status(r->host, r->listener, r->now, &st) == GN_OK ? st.state : GN_CLOSED;
    return rig_status(r, &st) ? st.state : GN_CLOSED;
}

/** try() - one cell */
static void try(const char *what, call_fn *call, const struct row *row, struct setting set)
{
    const struct situation *si = situation(row->name);
    struct rig r;
    struct block before;
    int64_t n;

    rig_init(&r, set);
    rig_up(&r);
    rig_make(&r, si);
    before = r.b;
    r.n_out = 0;
    n = call(&r, handle_of(&r, si));
    cr_expect_eq(n, row->result, "%s in %s%s: returns %d, the table says %d", what, row->name,
                 set.closed_window ? " with text unread" : "", (int)n, (int)row->result);
    rig_pull(&r);
    cr_expect(left(&r, &before, row->sent), "%s in %s%s: %u sent, the first with control bits %x",
              what, row->name, set.closed_window ? " with text unread" : "", r.n_out, r.out[0].ctl);
    cr_expect_eq(state_now(&r, si), row->after, "%s in %s%s: leads to %s, the table says %s", what,
                 row->name, set.closed_window ? " with text unread" : "",
                 gn_state_name(state_now(&r, si)), gn_state_name(row->after));
    rig_drop(&r);
    rig_fini(&r);
    matrix_count(1);
}

/** try_all() - a table, in all settings that the situations have; @unread: with text to be read */
static void try_all(const char *what, call_fn *call, const struct row *row, size_t n, bool unread)
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < 4; k++) {
            struct setting set = {.v6 = (k & 1) != 0, .ts = (k & 2) != 0, .closed_window = unread};

            if (setting_exists(situation(row[i].name), set))
                try(what, call, &row[i], set);
        }
    }
}

#define TRY(what, call, rows, unread) \
    try_all(what, call, rows, sizeof(rows) / sizeof((rows)[0]), unread)

/* clang-format off */

/* 3.10.1: the same connection a second time; only one that does not exist can be opened. A listener
 * is not turned into an active connection (MUST-42), its port may serve as a local one */
Test(calls, t_UC_OPEN_ACTIVE)
{
    static const struct row rows[] = {
        {"CLO",   GN_OK,       SYN,  GN_SYN_SENT},
        {"SS",    GN_E_IN_USE, NONE, GN_SYN_SENT},
        {"SR/p",  GN_E_IN_USE, NONE, GN_SYN_RECEIVED},
        {"SR/a",  GN_E_IN_USE, NONE, GN_SYN_RECEIVED},
        {"EST",   GN_E_IN_USE, NONE, GN_ESTABLISHED},
        {"FW1",   GN_E_IN_USE, NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_E_IN_USE, NONE, GN_FIN_WAIT_2},
        {"CW",    GN_E_IN_USE, NONE, GN_CLOSE_WAIT},
        {"CLG",   GN_E_IN_USE, NONE, GN_CLOSING},
        {"LA",    GN_E_IN_USE, NONE, GN_LAST_ACK},
        {"TW",    GN_E_IN_USE, NONE, GN_TIME_WAIT},
        {"TW/o",  GN_E_IN_USE, NONE, GN_TIME_WAIT},
    };

    TRY("active OPEN", call_open, rows, false);
}

/* 3.10.1: one listener for an address and port. A connection from that port is another one: a passive
 * OPEN leaves the remote socket unspecified */
Test(calls, t_UC_OPEN_PASSIVE)
{
    static const struct row rows[] = {
        {"CLO",   GN_OK,       NONE, GN_CLOSED},
        {"LIS",   GN_E_IN_USE, NONE, GN_LISTEN},
        {"SS",    GN_OK,       NONE, GN_SYN_SENT},
        {"SR/p",  GN_E_IN_USE, NONE, GN_SYN_RECEIVED},
        {"SR/a",  GN_OK,       NONE, GN_SYN_RECEIVED},
        {"EST",   GN_OK,       NONE, GN_ESTABLISHED},
        {"FW1",   GN_E_IN_USE, NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_OK,       NONE, GN_FIN_WAIT_2},
        {"CW",    GN_E_IN_USE, NONE, GN_CLOSE_WAIT},
        {"CLG",   GN_OK,       NONE, GN_CLOSING},
        {"LA",    GN_E_IN_USE, NONE, GN_LAST_ACK},
        {"TW",    GN_E_IN_USE, NONE, GN_TIME_WAIT},
    };

    TRY("passive OPEN", call_listen, rows, false);
}

/* 3.10.2 */
Test(calls, t_UC_SEND)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE,    NONE, GN_CLOSED},
        {"LIS",   GN_E_NOT_CONNECTED, NONE, GN_LISTEN},
        {"SS",    TAKEN,              HELD, GN_SYN_SENT},
        {"SR/a",  TAKEN,              HELD, GN_SYN_RECEIVED},
        {"EST",   TAKEN,              TEXT, GN_ESTABLISHED},
        {"FW1",   GN_E_CLOSING,       NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_E_CLOSING,       NONE, GN_FIN_WAIT_2},
        {"CW",    TAKEN,              TEXT, GN_CLOSE_WAIT},
        {"CLG",   GN_E_CLOSING,       NONE, GN_CLOSING},
        {"LA",    GN_E_CLOSING,       NONE, GN_LAST_ACK},
        {"TW",    GN_E_CLOSING,       NONE, GN_TIME_WAIT},
    };

    TRY("SEND", call_send, rows, false);
}

/* 3.10.3; "connection closing" is the end of the data: 0, in TIME-WAIT too (MUST-12) */
Test(calls, t_UC_RECEIVE)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE,    NONE, GN_CLOSED},
        {"LIS",   GN_E_NOT_CONNECTED, NONE, GN_LISTEN},
        {"SS",    GN_E_WOULD_BLOCK,   NONE, GN_SYN_SENT},
        {"SR/a",  GN_E_WOULD_BLOCK,   NONE, GN_SYN_RECEIVED},
        {"EST",   GN_E_WOULD_BLOCK,   NONE, GN_ESTABLISHED},
        {"FW1",   GN_E_WOULD_BLOCK,   NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_E_WOULD_BLOCK,   NONE, GN_FIN_WAIT_2},
        {"CW",    0,                  NONE, GN_CLOSE_WAIT},
        {"CLG",   0,                  NONE, GN_CLOSING},
        {"LA",    0,                  NONE, GN_LAST_ACK},
        {"TW",    0,                  NONE, GN_TIME_WAIT},
    };
    /* what has arrived can still be read after the peer's FIN; sixteen octets open no window */
    static const struct row unread[] = {
        {"EST",   16, NONE, GN_ESTABLISHED},
        {"FW1",   16, NONE, GN_FIN_WAIT_1},
        {"FW2",   16, NONE, GN_FIN_WAIT_2},
        {"CW",    16, NONE, GN_CLOSE_WAIT},
        {"CLG",   16, NONE, GN_CLOSING},
        {"LA",    16, NONE, GN_LAST_ACK},
        {"TW",    16, NONE, GN_TIME_WAIT},
    };

    TRY("RECEIVE", call_receive, rows, false);
    TRY("RECEIVE", call_receive, unread, true);
}

/* 3.10.4. In SYN-RECEIVED the state changes at once, but the FIN leaves when our SYN has been
 * acknowledged: nothing of ours goes before that (a choice: RFC 9293 sends it at once) */
Test(calls, t_UC_CLOSE)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE,    NONE, GN_CLOSED},
        {"SS",    GN_OK,              NONE, GN_CLOSED},
        {"SR/a",  GN_OK,              HELD, GN_FIN_WAIT_1},
        {"EST",   GN_OK,              FIN,  GN_FIN_WAIT_1},
        {"FW1",   GN_E_CLOSING,       NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_E_CLOSING,       NONE, GN_FIN_WAIT_2},
        {"CW",    GN_OK,              FIN,  GN_LAST_ACK},
        {"CLG",   GN_E_CLOSING,       NONE, GN_CLOSING},
        {"LA",    GN_E_CLOSING,       NONE, GN_LAST_ACK},
        {"TW",    GN_E_CLOSING,       NONE, GN_TIME_WAIT},
    };

    TRY("CLOSE", call_shutdown, rows, false);
}

/* close() of a socket: CLOSE, and the user has gone. With text unread: RST (SHLD-3) where the peer
 * would otherwise believe that it was read */
Test(calls, t_UC_CLOSE_FULL)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE, NONE, GN_CLOSED},
        {"LIS",   GN_OK,           NONE, GN_CLOSED},
        {"SS",    GN_OK,           NONE, GN_CLOSED},
        {"SR/a",  GN_OK,           HELD, GN_FIN_WAIT_1},
        {"EST",   GN_OK,           FIN,  GN_FIN_WAIT_1},
        {"FW1",   GN_OK,           NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_OK,           NONE, GN_FIN_WAIT_2},
        {"CW",    GN_OK,           FIN,  GN_LAST_ACK},
        {"CLG",   GN_OK,           NONE, GN_CLOSING},
        {"LA",    GN_OK,           NONE, GN_LAST_ACK},
        {"TW",    GN_OK,           NONE, GN_TIME_WAIT},
    };
    static const struct row unread[] = {
        {"EST",   GN_OK,           RST,  GN_CLOSED},
        {"FW1",   GN_OK,           RST,  GN_CLOSED},
        {"FW2",   GN_OK,           RST,  GN_CLOSED},
        {"CW",    GN_OK,           RST,  GN_CLOSED},
    };

    TRY("close", call_close, rows, false);
    TRY("close", call_close, unread, true);
}

/* 3.10.5 */
Test(calls, t_UC_ABORT)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE, NONE, GN_CLOSED},
        {"LIS",   GN_OK,           NONE, GN_CLOSED},
        {"SS",    GN_OK,           NONE, GN_CLOSED},
        {"SR/a",  GN_OK,           RST,  GN_CLOSED},
        {"EST",   GN_OK,           RST,  GN_CLOSED},
        {"FW1",   GN_OK,           RST,  GN_CLOSED},
        {"FW2",   GN_OK,           RST,  GN_CLOSED},
        {"CW",    GN_OK,           RST,  GN_CLOSED},
        {"CLG",   GN_OK,           NONE, GN_CLOSED},
        {"LA",    GN_OK,           NONE, GN_CLOSED},
        {"TW",    GN_OK,           NONE, GN_CLOSED},
    };

    TRY("ABORT", call_abort, rows, false);
}

/* 3.10.6 */
Test(calls, t_UC_STATUS)
{
    static const struct row rows[] = {
        {"CLO",   GN_E_BAD_HANDLE, NONE, GN_CLOSED},
        {"LIS",   GN_LISTEN,       NONE, GN_LISTEN},
        {"SS",    GN_SYN_SENT,     NONE, GN_SYN_SENT},
        {"SR/a",  GN_SYN_RECEIVED, NONE, GN_SYN_RECEIVED},
        {"EST",   GN_ESTABLISHED,  NONE, GN_ESTABLISHED},
        {"FW1",   GN_FIN_WAIT_1,   NONE, GN_FIN_WAIT_1},
        {"FW2",   GN_FIN_WAIT_2,   NONE, GN_FIN_WAIT_2},
        {"CW",    GN_CLOSE_WAIT,   NONE, GN_CLOSE_WAIT},
        {"CLG",   GN_CLOSING,      NONE, GN_CLOSING},
        {"LA",    GN_LAST_ACK,     NONE, GN_LAST_ACK},
        {"TW",    GN_TIME_WAIT,    NONE, GN_TIME_WAIT},
    };

    TRY("STATUS", call_status, rows, false);
}
/* clang-format on */

/* SCN-18, UC-SR: text and FIN of before the handshake's end follow it, in order */
Test(calls, t_UC_SR_QUEUED)
{
    struct rig r;
    struct block before;

    rig_init(&r, (struct setting){.v6 = false});
    rig_up(&r);
    rig_make(&r, situation("SR/a"));
    before = r.b;
    cr_assert_eq(gn_host_send(r.host, r.c, "abc", 3, 0, r.now), 3);
    cr_assert_eq(gn_host_shutdown(r.host, r.c, r.now), GN_OK);
    rig_pull(&r);
    cr_assert_eq(r.n_out, 0);
    rig_say(&r, CTL_ACK, 0);
    cr_assert_eq(r.n_out, 1);
    cr_assert_eq(r.out[0].seq.raw, before.nxt);
    cr_assert_eq(r.out[0].text_len, 3);
    cr_assert(r.out[0].ctl & CTL_FIN);
    cr_assert_eq(state_now(&r, situation("SR/a")), GN_FIN_WAIT_1);
    rig_drop(&r);
    rig_fini(&r);
    matrix_count(1);
}
