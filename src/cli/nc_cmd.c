/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nc_cmd.c  `gannet nc`: standard input and output over one connection.
 *
 * Octets from standard input are read straight into the send buffer, received ones are written
 * straight from the receive buffer. When standard input ends, CLOSE is called, and receiving goes
 * on; the program ends when both directions have ended and the peer has acknowledged everything.
 */
#include "cli/rig.h"
#include "cli/view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK  (256 * 1024)
#define LINGER (30 * GN_SEC) /* how long the end of a connection is waited for */

enum { OPT_LISTEN = 1 };

static const struct option_spec options[] = {
    {OPT_LISTEN, 'l', "listen", NULL, "wait for a connection instead of making one"},
    RIG_OPTION_ROWS,
    {0, 0, NULL, NULL, NULL},
};

struct nc {
    struct rig rig;
    struct gn_endpoint local, remote;
    bool listens, verbose;
    gn_handle listener, conn;
    bool open;           /* the connection is established */
    bool readable, room; /* it has something, or takes something, as far as its events tell */
    bool in_done;        /* standard input has ended */
    bool out_done;       /* the peer has ended */
    bool in_ready;       /* standard input has something, as far as known */
    bool in_file;        /* it cannot be polled: always ready */
    bool out_full;       /* standard output takes no more now */
    int out_flags;       /* of standard output, to be put back; -1: untouched */
    enum gn_err failure; /* of the connection */
    int io_error;        /* of standard input or output */
    uint64_t sent, received;
    gn_time begun, told;
    uint64_t told_bytes;
};

/** fail_io() - reading or writing here does not work any more */
static void fail_io(struct nc *n, int err)
{
    n->io_error = err;
    gn_loop_stop(n->rig.loop);
}

/** pump_in() - standard input to the connection; how much was done */
static size_t pump_in(struct nc *n, gn_time now)
{
    struct gn_room room[2];
    size_t done = 0;
    while (n->open && n->room && !n->in_done && (n->in_ready || n->in_file)) {
        int spans = gn_host_send_room(n->rig.host, n->conn, CHUNK, room);
        if (spans <= 0) {
            n->room = false;
            break;
        }
        ssize_t got = read(0, room[0].ptr, room[0].len);
        n->in_ready = false;
        if (got > 0) {
            (void)gn_host_send_commit(n->rig.host, n->conn, (size_t)got, 0, now);
            n->sent += (uint64_t)got;
            done++;
            n->in_ready = (size_t)got == room[0].len && n->in_file;
        } else if (got == 0) {
            n->in_done = true;
            gn_loop_unwatch(n->rig.loop, 0);
            (void)gn_host_shutdown(n->rig.host, n->conn, now);
            return done + 1;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            fail_io(n, errno);
            return done;
        }
    }
    return done;
}

static void on_output(void *ctx, int fd, unsigned what, gn_time now);

/** pump_out() - the connection to standard output */
static size_t pump_out(struct nc *n, gn_time now)
{
    struct gn_span span[2];
    size_t done = 0;
    while (n->open && n->readable && !n->out_done && !n->out_full) {
        int spans = gn_host_recv_data(n->rig.host, n->conn, span);
        if (spans == GN_E_WOULD_BLOCK) {
            n->readable = false;
            break;
        }
        if (spans <= 0) {
            n->out_done = true;
            if (spans < 0)
                n->failure = (enum gn_err)spans;
            return done + 1;
        }
        ssize_t put = write(1, span[0].ptr, span[0].len);
        if (put > 0) {
            (void)gn_host_recv_done(n->rig.host, n->conn, (size_t)put, now);
            n->received += (uint64_t)put;
            done++;
        } else if (errno == EAGAIN) {
            n->out_full = true;
            (void)gn_loop_watch(n->rig.loop, 1, GN_WATCH_WRITE, on_output, n);
        } else if (errno != EINTR) {
            fail_io(n, errno);
            return done;
        }
    }
    return done;
}

/** on_output() - standard output takes more */
static void on_output(void *ctx, int fd, unsigned what, gn_time now)
{
    struct nc *n = ctx;
    (void)what;
    (void)now;
    n->out_full = false;
    gn_loop_unwatch(n->rig.loop, fd);
}

/** on_input() - standard input has something, or its end; nothing is waited for until it is read */
static void on_input(void *ctx, int fd, unsigned what, gn_time now)
{
    struct nc *n = ctx;
    (void)what;
    (void)now;
    n->in_ready = true;
    (void)gn_loop_watch(n->rig.loop, fd, 0, on_input, n);
}

/** opened() - the connection is there */
static void opened(struct nc *n, gn_time now)
{
    struct gn_status s;
    n->open = n->readable = n->room = true;
    n->begun = n->told = now;
    if (!n->verbose || gn_host_status(n->rig.host, n->conn, now, &s) != GN_OK)
        return;
    struct buf b = {0};
    view_endpoint(&s.local, &b);
    buf_str(&b, n->listens ? " accepted " : " connected to ");
    view_endpoint(&s.remote, &b);
    fprintf(stderr, "gannet: %s\n", b.s);
    buf_free(&b);
}

/** serve() - the application's turn */
static size_t serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct nc *n = ctx;
    struct gn_event ev[16];
    size_t got = gn_host_events(h, ev, 16);
    for (size_t i = 0; i < got; i++) {
        if (ev[i].handle == n->conn && ev[i].what & GN_EV_CONNECTED && !n->open)
            opened(n, now);
        if (ev[i].handle == n->conn) {
            n->readable |= (ev[i].what & (GN_EV_READABLE | GN_EV_EOF | GN_EV_ERROR)) != 0;
            n->room |= (ev[i].what & GN_EV_WRITABLE) != 0;
        }
        if (ev[i].handle == n->conn && ev[i].what & GN_EV_ERROR)
            n->failure = gn_host_error(h, n->conn);
    }
    if (n->listener && !n->conn && gn_host_accept(h, n->listener, &n->conn) == GN_OK) {
        (void)gn_host_close(h, n->listener, now);
        n->listener = GN_NO_HANDLE;
        opened(n, now);
        got++;
    }
    got += pump_in(n, now);
    got += pump_out(n, now);
    if (n->open && n->room && !n->in_done && !n->in_file && !n->in_ready)
        (void)gn_loop_watch(n->rig.loop, 0, GN_WATCH_READ, on_input, n);
    return got;
}

/** progress() - one line on standard error every second */
static void progress(struct nc *n, gn_time now, bool last)
{
    struct gn_status s;
    if (!n->verbose || !n->open || (!last && now - n->told < GN_SEC))
        return;
    gn_time span = last ? now - n->begun : now - n->told;
    uint64_t bytes = n->sent + n->received;
    double rate =
        span ? (double)(last ? bytes : bytes - n->told_bytes) / 1048576.0 / ((double)span / 1e9)
             : 0;
    const char *state = "CLOSED";
    if (!last && gn_host_status(n->rig.host, n->conn, now, &s) == GN_OK)
        state = gn_state_name(s.state);
    fprintf(stderr, "gannet: sent %" PRIu64 ", received %" PRIu64 ", %.1f MiB/s%s%s\n", n->sent,
            n->received, rate, last ? " on average" : ", ", last ? "" : state);
    n->told = now;
    n->told_bytes = bytes;
}

/** open_connection() - passive or active; false: said why */
static bool open_connection(struct nc *n)
{
    gn_time now = gn_loop_now();
    enum gn_err e = n->listens
                        ? gn_host_listen(n->rig.host, n->local, 0, NULL, &n->listener)
                        : gn_host_connect(n->rig.host, n->local, n->remote, NULL, now, &n->conn);
    if (e == GN_OK)
        return true;
    struct buf b = {0};
    view_endpoint(n->listens ? &n->local : &n->remote, &b);
    complain("%s %s: %s", n->listens ? "listen on" : "connect to", b.s, gn_err_text(e));
    buf_free(&b);
    return false;
}

/** prepare_io() - standard input is watched; a pipe as output must not stop the loop */
static void prepare_io(struct nc *n)
{
    struct stat st;
    n->in_file = gn_loop_watch(n->rig.loop, 0, 0, on_input, n) != GN_OK;
    n->out_flags = -1;
    if (!fstat(1, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
        n->out_flags = fcntl(1, F_GETFL);
        (void)fcntl(1, F_SETFL, n->out_flags | O_NONBLOCK);
    }
}

/** at_rest() - is there no connection left that still has something to do? */
static bool at_rest(const struct nc *n)
{
    struct gn_stats st;
    gn_host_stats(n->rig.host, &st);
    uint64_t left = 0;
    for (unsigned s = GN_SYN_SENT; s < GN_TIME_WAIT; s++)
        if (s != GN_FIN_WAIT_2)
            left += st.state[s];
    return left == 0;
}

/** say_failure() - why the connection ended; the exit code */
static int say_failure(const struct nc *n)
{
    struct buf b = {0};
    view_endpoint(&n->remote, &b);
    complain("%s%s: %s",
             n->listens ? "connection"
             : n->open  ? "connection to "
                        : "connect to ",
             n->listens ? "" : b.s, gn_err_text(n->failure));
    buf_free(&b);
    return EXIT_FAILED;
}

/** transfer() - until both directions have ended; the exit code */
static int transfer(struct nc *n)
{
    bool tty = isatty(0);
    prepare_io(n);
    while (!n->failure && !n->io_error && !rig_interrupted() &&
           !(n->out_done && (n->in_done || tty))) {
        if (!gn_loop_step(n->rig.loop, GN_SEC))
            return complain("%s", gn_loop_failure(n->rig.loop));
        progress(n, gn_loop_now(), false);
    }
    gn_time now = gn_loop_now();
    if (n->conn && (n->failure || n->io_error || rig_interrupted()))
        (void)gn_host_abort(n->rig.host, n->conn, now);
    else if (n->conn)
        (void)gn_host_close(n->rig.host, n->conn, now);
    gn_loop_wake(n->rig.loop);
    (void)gn_loop_step(n->rig.loop, 0);
    while (!at_rest(n) && !rig_interrupted() && gn_loop_now() < now + LINGER)
        if (!gn_loop_step(n->rig.loop, GN_SEC))
            break;
    progress(n, now, true);
    if (n->io_error) /* the end of the connection follows from it */
        return n->io_error == EPIPE
                   ? EXIT_FAILED
                   : complain("standard input or output: %s", strerror(n->io_error));
    if (n->failure)
        return say_failure(n);
    return rig_interrupted() ? EXIT_FAILED
           : at_rest(n)      ? EXIT_FINE
                             : complain("the peer did not acknowledge everything");
}

/** endpoint_words() - [HOST] PORT */
static void endpoint_words(struct args *a, struct nc *n, const char **words, unsigned count)
{
    struct gn_endpoint *e = n->listens ? &n->local : &n->remote;
    uint64_t port;
    if (count < (n->listens ? 1u : 2u))
        usage_fail(a, "%s", n->listens ? "which port?" : "which host and port?");
    if (count == 2 && !gn_addr_parse(words[0], &e->addr))
        usage_fail(a, "'%s' is no IPv4 or IPv6 address (names are not resolved)", words[0]);
    if (!parse_number(words[count - 1], 1, 65535, &port))
        usage_fail(a, "'%s' is no port", words[count - 1]);
    e->port = (uint16_t)port;
}

/** run() - the sub-command */
static int run(struct args *a)
{
    struct rig_options o;
    struct nc n = {0};
    const char *value, *words[2];
    unsigned count = 0;
    int id;
    rig_defaults(&o);
    while ((id = args_next(a, &value))) {
        if (id >= RIG_TUN)
            rig_take(a, id, value, &o);
        else if (id == OPT_LISTEN)
            n.listens = true;
        else if (count == 2)
            usage_fail(a, "one word too many: '%s'", value);
        else
            words[count++] = value;
    }
    endpoint_words(a, &n, words, count);
    n.verbose = o.verbose;
    rig_check(a, &o);
    if (!rig_open(&o, &n.rig))
        return EXIT_FAILED;
    rig_stop_on_signals(&n.rig);
    int code = EXIT_FAILED;
    n.out_flags = -1;
    if (gn_loop_service(n.rig.loop, n.rig.host, serve, &n) == GN_OK && open_connection(&n))
        code = transfer(&n);
    if (n.out_flags != -1)
        (void)fcntl(1, F_SETFL, n.out_flags);
    rig_close(&n.rig);
    return code;
}

const struct command command_nc = {
    .name = "nc",
    .synopsis = "[OPTION...] HOST PORT\n       gannet nc -l [OPTION...] [HOST] PORT",
    .summary = "Pipe standard input and output over one TCP connection of a host on a device.",
    .details =
        "The end of standard input closes that direction only; receiving goes on.\n" RIG_DEFAULTS
        "\nExit status: 0; 1 if refused, timed out or reset, with one line that says so; 2 for bad "
        "arguments.",
    .options = options,
    .run = run,
};
