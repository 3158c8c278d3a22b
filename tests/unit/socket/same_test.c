/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file same_test.c  The same calls, in the same order, on the kernel's sockets (over its loopback)
 * and on ours: results, errno and what poll() says are to be the same, in every state that a
 * program can bring a socket into.
 */
#define _GNU_SOURCE

#include "both.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct door *d;

/* --- the log --- */

static const char *state_name, *call_name;

/** put() - a line of what happened */
__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
    char text[200];
    va_list args;
    int n = snprintf(text, sizeof(text), "%s: %s: ", state_name, call_name);

    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    both_add(d, text);
}

/** say() - the result of a call and why it failed */
static void say(const char *what, long result)
{
    put("%s = %ld %s", what, result, result < 0 ? strerrorname_np(errno) : "");
}

/** look() - what poll() says, all bits */
static void look(int fd)
{
    struct pollfd p = {.fd = fd,
                       .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM};

    d->pass();
    d->poll(&p, 1, 0);
    put("poll%s%s%s%s%s%s%s%s", p.revents & POLLIN ? " IN" : "", p.revents & POLLPRI ? " PRI" : "",
        p.revents & POLLOUT ? " OUT" : "", p.revents & POLLERR ? " ERR" : "",
        p.revents & POLLHUP ? " HUP" : "", p.revents & POLLRDHUP ? " RDHUP" : "",
        p.revents & POLLRDNORM ? " RDNORM" : "", p.revents & POLLWRNORM ? " WRNORM" : "");
}

/* --- states --- */

/** The socket that is looked at, its peer, the listener between them; -1: none. */
struct scene {
    int fd, peer, listener;
    struct sockaddr_in at; /* of the listener */
    int spare[3];
};

/** number_of() - an option that is a number */
static int number_of(int fd, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return d->getsockopt(fd, level, name, &v, &len) ? -errno : v;
}

/** state_of() - as TCP_INFO has it */
static int state_of(int fd)
{
    struct tcp_info i = {.tcpi_state = 0};
    socklen_t len = sizeof(i);

    d->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len);
    return i.tcpi_state;
}

/** reach() - wait until @fd is in @state; a busy kernel may take a moment */
static void reach(int fd, int state)
{
    for (unsigned i = 0; i < 2000 && state_of(fd) != state; i++)
        d->pass();
    cr_assert_eq(state_of(fd), state, "%s: %d, not %d", state_name, state_of(fd), state);
}

/** listening() - a listener at a port of its own */
static void listening(struct scene *s, int backlog)
{
    socklen_t len = sizeof(s->at);

    s->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(d->host)};
    s->listener = d->socket(1);
    cr_assert_eq(d->bind(s->listener, (struct sockaddr *)&s->at, sizeof(s->at)), 0);
    cr_assert_eq(d->listen(s->listener, backlog), 0);
    cr_assert_eq(d->getsockname(s->listener, (struct sockaddr *)&s->at, &len), 0);
}

/** call() - begin to connect */
static int call(const struct scene *s)
{
    int fd = d->socket(0);

    if (d->connect(fd, (const struct sockaddr *)&s->at, sizeof(s->at)) && errno != EINPROGRESS)
        cr_assert_fail("connect: %s", strerror(errno));
    return fd;
}

/** told_by_poll() - both ends; who called has not called again to hear of it */
static void told_by_poll(struct scene *s)
{
    listening(s, 5);
    s->fd = call(s);
    reach(s->fd, TCP_ESTABLISHED);
    for (unsigned i = 0; i < 2000 && s->peer < 0; i++) {
        s->peer = d->accept4(s->listener, NULL, NULL, SOCK_NONBLOCK);
        d->pass();
    }
    cr_assert_geq(s->peer, 0);
}

/** connected() - both ends, and both know it */
static void connected(struct scene *s)
{
    told_by_poll(s);
    cr_assert_eq(d->connect(s->fd, (const struct sockaddr *)&s->at, sizeof(s->at)), 0);
}

/** arrived() - wait until @n octets can be read */
static void arrived(int fd, int n)
{
    int have = -1;

    for (unsigned i = 0; i < 2000 && (d->ioctl(fd, SIOCINQ, &have) || have != n); i++)
        d->pass();
    cr_assert_eq(have, n);
}

/** reset_by_peer() - the peer resets the connection */
static void reset_by_peer(struct scene *s)
{
    struct linger l = {1, 0};

    cr_assert_eq(d->setsockopt(s->peer, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    d->close(s->peer);
    s->peer = -1;
    reach(s->fd, TCP_CLOSE);
}

static void fresh(struct scene *s)
{
    listening(s, 5);
    s->fd = d->socket(0);
}

static void bound(struct scene *s)
{
    struct sockaddr_in any = {.sin_family = AF_INET};

    fresh(s);
    cr_assert_eq(d->bind(s->fd, (struct sockaddr *)&any, sizeof(any)), 0);
}

static void listens(struct scene *s)
{
    listening(s, 5);
    s->fd = s->listener;
    s->listener = -1;
}

static void listens_ready(struct scene *s)
{
    connected(s);
    s->spare[0] = call(s);
    reach(s->spare[0], TCP_ESTABLISHED);
    s->spare[1] = s->fd;
    s->fd = s->listener;
    s->listener = -1;
}

static void syn_sent(struct scene *s)
{
    listening(s, 0);
    s->spare[0] = call(s);
    reach(s->spare[0], TCP_ESTABLISHED);
    s->fd = call(s); /* the queue is full */
    reach(s->fd, TCP_SYN_SENT);
}

static void established(struct scene *s)
{
    connected(s);
}

static void with_text(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->send(s->peer, "hello", 5, 0), 5);
    arrived(s->fd, 5);
}

static void with_urgent(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->send(s->peer, "hello", 5, MSG_OOB), 5);
    arrived(s->fd, 4);
}

static void fin_wait_2(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->shutdown(s->fd, SHUT_WR), 0);
    reach(s->fd, TCP_FIN_WAIT2);
}

static void close_wait(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->shutdown(s->peer, SHUT_WR), 0);
    reach(s->fd, TCP_CLOSE_WAIT);
}

static void close_wait_text(struct scene *s)
{
    with_text(s);
    cr_assert_eq(d->shutdown(s->peer, SHUT_WR), 0);
    reach(s->fd, TCP_CLOSE_WAIT);
}

static void time_wait(struct scene *s)
{
    fin_wait_2(s);
    d->close(s->peer);
    s->peer = -1;
    for (unsigned i = 0; i < 2000 && state_of(s->fd) == TCP_FIN_WAIT2; i++)
        d->pass();
}

static void last_ack_over(struct scene *s)
{
    close_wait(s);
    cr_assert_eq(d->shutdown(s->fd, SHUT_WR), 0);
    reach(s->fd, TCP_CLOSE);
}

static void reset_pending(struct scene *s)
{
    connected(s);
    reset_by_peer(s);
}

static void reset_text(struct scene *s)
{
    with_text(s);
    reset_by_peer(s);
}

static void reset_told(struct scene *s)
{
    reset_pending(s);
    cr_assert_eq(number_of(s->fd, SOL_SOCKET, SO_ERROR), ECONNRESET);
}

static void reset_in_close_wait(struct scene *s)
{
    close_wait(s);
    reset_by_peer(s);
}

static void refused(struct scene *s)
{
    listening(s, 5);
    d->close(s->listener);
    s->listener = -1;
    s->fd = call(s);
    reach(s->fd, TCP_CLOSE);
}

static void shut_rd(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->shutdown(s->fd, SHUT_RD), 0);
}

static void shut_both(struct scene *s)
{
    connected(s);
    cr_assert_eq(d->shutdown(s->fd, SHUT_RDWR), 0);
    reach(s->fd, TCP_FIN_WAIT2);
}

static void dissolved(struct scene *s)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    connected(s);
    cr_assert_eq(d->connect(s->fd, &none, sizeof(none)), 0);
}

static const struct {
    const char *name;
    void (*make)(struct scene *);
} states[] = {
    {"fresh", fresh},
    {"bound", bound},
    {"listening", listens},
    {"listening, one waits", listens_ready},
    {"SYN-SENT", syn_sent},
    {"told by poll", told_by_poll},
    {"ESTABLISHED", established},
    {"ESTABLISHED, text", with_text},
    {"ESTABLISHED, urgent", with_urgent},
    {"FIN-WAIT-2", fin_wait_2},
    {"CLOSE-WAIT", close_wait},
    {"CLOSE-WAIT, text", close_wait_text},
    {"TIME-WAIT", time_wait},
    {"LAST-ACK is over", last_ack_over},
    {"reset", reset_pending},
    {"reset, text", reset_text},
    {"reset, told", reset_told},
    {"reset in CLOSE-WAIT", reset_in_close_wait},
    {"refused", refused},
    {"shutdown RD", shut_rd},
    {"shutdown RDWR", shut_both},
    {"dissolved", dissolved},
};

/* --- calls --- */

static void c_nothing(struct scene *s)
{
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
    look(s->fd);
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
    say("state", state_of(s->fd));
    say("SO_ACCEPTCONN", number_of(s->fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void c_send(struct scene *s)
{
    say("send 0", d->send(s->fd, "", 0, MSG_NOSIGNAL));
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    look(s->fd);
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    say("send OOB", d->send(s->fd, "x", 1, MSG_NOSIGNAL | MSG_OOB));
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
    look(s->fd);
}

static void c_recv(struct scene *s)
{
    char b[8];

    say("recv 0", d->recv(s->fd, b, 0, 0));
    say("recv PEEK", d->recv(s->fd, b, 3, MSG_PEEK));
    say("recv", d->recv(s->fd, b, 3, 0));
    say("recv", d->recv(s->fd, b, 8, 0));
    say("recv", d->recv(s->fd, b, 8, 0));
    say("recv", d->recv(s->fd, b, 8, MSG_WAITALL));
    look(s->fd);
}

static void c_recv_oob(struct scene *s)
{
    char b[8];

    say("recv OOB PEEK", d->recv(s->fd, b, 8, MSG_OOB | MSG_PEEK));
    say("recv OOB", d->recv(s->fd, b, 8, MSG_OOB));
    say("recv OOB", d->recv(s->fd, b, 8, MSG_OOB));
    say("recv TRUNC", d->recv(s->fd, NULL, 8, MSG_TRUNC));
    look(s->fd);
}

/** c_shut() - a shutdown(), again, and what is left */
static void c_shut(struct scene *s, int how)
{
    char b[8];

    say("shutdown", d->shutdown(s->fd, how));
    look(s->fd);
    say("recv", d->recv(s->fd, b, 8, 0));
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    say("shutdown", d->shutdown(s->fd, how));
    look(s->fd);
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
}

static void c_shut_rd(struct scene *s)
{
    c_shut(s, SHUT_RD);
}

static void c_shut_wr(struct scene *s)
{
    c_shut(s, SHUT_WR);
}

static void c_shut_rdwr(struct scene *s)
{
    c_shut(s, SHUT_RDWR);
}

/** c_shut_text() - a shutdown(), text that nobody wants any more, and what is said of the reset */
static void c_shut_text(struct scene *s)
{
    say("shutdown", d->shutdown(s->fd, SHUT_RDWR));
    if (s->peer >= 0)
        say("peer sends", d->send(s->peer, "x", 1, MSG_NOSIGNAL));
    look(s->fd);
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    if (s->peer >= 0)
        say("connect", d->connect(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)));
}

static void c_shut_bad(struct scene *s)
{
    say("shutdown 3", d->shutdown(s->fd, 3));
    say("shutdown -1", d->shutdown(s->fd, -1));
    look(s->fd);
}

static void c_listen(struct scene *s)
{
    say("listen", d->listen(s->fd, 5));
    look(s->fd);
    say("listen -1", d->listen(s->fd, -1));
    say("accept", d->accept4(s->fd, NULL, NULL, 0) < 0 ? -1 : 0);
    say("SO_ACCEPTCONN", number_of(s->fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void c_accept(struct scene *s)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    int fd = d->accept4(s->fd, (struct sockaddr *)&a, &len, SOCK_NONBLOCK);

    say("accept", fd < 0 ? -1 : 0);
    if (fd >= 0) {
        say("len", (long)len);
        look(fd);
        d->close(fd);
    }
    say("accept4 flags", d->accept4(s->fd, NULL, NULL, 12345) < 0 ? -1 : 0);
    look(s->fd);
}

static void c_connect(struct scene *s)
{
    say("connect", d->connect(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)));
    look(s->fd);
    say("connect", d->connect(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)));
    d->pass();
    say("connect", d->connect(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)));
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
    look(s->fd);
}

static void c_connect_bad(struct scene *s)
{
    struct sockaddr_in a = s->at;

    say("connect short", d->connect(s->fd, (struct sockaddr *)&a, 4));
    a.sin_family = AF_UNIX;
    say("connect family", d->connect(s->fd, (struct sockaddr *)&a, sizeof(a)));
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(0xe0000001);
    say("connect group", d->connect(s->fd, (struct sockaddr *)&a, sizeof(a)));
    a.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    say("connect broadcast", d->connect(s->fd, (struct sockaddr *)&a, sizeof(a)));
    look(s->fd);
}

static void c_dissolve(struct scene *s)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    say("connect AF_UNSPEC", d->connect(s->fd, &none, sizeof(none)));
    look(s->fd);
    say("connect", d->connect(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)));
    look(s->fd);
}

static void c_bind(struct scene *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET};

    say("bind short", d->bind(s->fd, (struct sockaddr *)&a, 4));
    say("bind any", d->bind(s->fd, (struct sockaddr *)&a, sizeof(a)));
    a.sin_addr.s_addr = htonl(0xc0000201);
    say("bind another's", d->bind(s->fd, (struct sockaddr *)&a, sizeof(a)));
    a.sin_family = AF_UNIX;
    say("bind family", d->bind(s->fd, (struct sockaddr *)&a, sizeof(a)));
    look(s->fd);
}

static void c_names(struct scene *s)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    memset(&a, 0, sizeof(a));
    say("getsockname", d->getsockname(s->fd, (struct sockaddr *)&a, &len));
    put("len %u family %d, a port: %d", len, a.sin_family, a.sin_port != 0);
    len = sizeof(a);
    say("getpeername", d->getpeername(s->fd, (struct sockaddr *)&a, &len));
    len = 4;
    say("getsockname 4", d->getsockname(s->fd, (struct sockaddr *)&a, &len));
    put("len %u", len);
}

static void c_ioctl(struct scene *s)
{
    static const unsigned long what[] = {SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK};

    for (unsigned i = 0; i < 4; i++) {
        int v = -1;

        say("ioctl", d->ioctl(s->fd, what[i], &v));
        put("%u: %d", i, v);
    }
    say("F_GETFL", d->fcntl(s->fd, F_GETFL) & O_NONBLOCK);
}

static void c_epoll(struct scene *s)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI};
    int ep = d->epoll_create(0);

    d->pass();
    say("epoll ADD", d->epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e));
    e.events = 0;
    say("epoll_wait", d->epoll_wait(ep, &e, 1, 0));
    put("%x", e.events);
    d->close(ep);
}

static void c_peer_sends(struct scene *s)
{
    char b[8];

    if (s->peer < 0)
        return;
    say("peer sends", d->send(s->peer, "abc", 3, MSG_NOSIGNAL));
    look(s->fd);
    say("recv", d->recv(s->fd, b, 8, 0));
    say("peer shuts", d->shutdown(s->peer, SHUT_WR));
    look(s->fd);
    say("recv", d->recv(s->fd, b, 8, 0));
    look(s->peer);
    d->close(s->peer);
    s->peer = -1;
    look(s->fd);
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    look(s->fd);
    say("send", d->send(s->fd, "x", 1, MSG_NOSIGNAL));
    say("recv", d->recv(s->fd, b, 8, 0));
    say("SO_ERROR", number_of(s->fd, SOL_SOCKET, SO_ERROR));
}

static void c_close(struct scene *s)
{
    char b[8];

    say("close", d->close(s->fd));
    s->fd = -1;
    if (s->peer < 0)
        return;
    look(s->peer);
    say("peer reads", d->recv(s->peer, b, 8, 0));
    say("peer sends", d->send(s->peer, "x", 1, MSG_NOSIGNAL));
    look(s->peer);
    say("peer sends", d->send(s->peer, "x", 1, MSG_NOSIGNAL));
    say("peer SO_ERROR", number_of(s->peer, SOL_SOCKET, SO_ERROR));
}

static const struct {
    const char *name;
    void (*make)(struct scene *);
} calls[] = {
    {"look", c_nothing},
    {"send", c_send},
    {"recv", c_recv},
    {"recv OOB", c_recv_oob},
    {"SHUT_RD", c_shut_rd},
    {"SHUT_WR", c_shut_wr},
    {"SHUT_RDWR", c_shut_rdwr},
    {"SHUT_RDWR, text", c_shut_text},
    {"bad shutdown", c_shut_bad},
    {"listen", c_listen},
    {"accept", c_accept},
    {"connect", c_connect},
    {"bad connect", c_connect_bad},
    {"AF_UNSPEC", c_dissolve},
    {"bind", c_bind},
    {"names", c_names},
    {"ioctl", c_ioctl},
    {"epoll", c_epoll},
    {"peer", c_peer_sends},
    {"close", c_close},
};

/** play() - one call in one state, on the door at hand */
static void play(unsigned state, unsigned which)
{
    struct scene s = {.fd = -1, .peer = -1, .listener = -1, .spare = {-1, -1, -1}};

    state_name = states[state].name;
    call_name = calls[which].name;
    states[state].make(&s);
    calls[which].make(&s);
    if (s.fd >= 0)
        d->close(s.fd);
    if (s.peer >= 0)
        d->close(s.peer);
    if (s.listener >= 0)
        d->close(s.listener);
    for (unsigned i = 0; i < 3; i++)
        if (s.spare[i] >= 0)
            d->close(s.spare[i]);
}

/** Where the two may differ, and why. */
static const struct {
    const char *state, *call, *line; /* how each begins; "": all */
    const char *why;
} known[] = {
    {"fresh", "SHUT_RD", "", "Linux remembers a shutdown() that it refuses"},
    {"bound", "SHUT_RD", "", "the same"},
    {"listening", "SHUT_RD", "poll", "the same"},
    {"SYN-SENT", "SHUT_RD", "poll", "the same"},
    {"dissolved", "", "", "Linux keeps ECONNRESET, the port, and a length"},
    {"", "AF_UNSPEC", "poll", "the same"},
    {"ESTABLISHED, urgent", "SHUT_RD", "", "what is left to be read is one stream"},
    {"ESTABLISHED, urgent", "recv", "poll", "the urgent octet stays until what follows is read"},
    {"listening", "AF_UNSPEC", "connect", "no socket connects to itself (SCN-3)"},
    {"listening", "SHUT_RDWR", "connect", "the same"},
    {"TIME-WAIT", "look", "state", "Linux says CLOSE"},
    {"TIME-WAIT", "names", "getpeername", "who it was is known still"},
    {"", "bind", "bind any", "Linux lets bind() be called again when a connection is over"},
    {"reset in CLOSE-WAIT", "", "", "no reset looks like an end of data (MUST-12)"},
    {"refused", "ioctl", "1:", "Linux counts the SYN"},
    {"shutdown RD", "peer", "recv", "what comes after SHUT_RD is thrown away"},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/** excused() - is it said above that this line may differ? Else KNOWN */
static size_t excused(const char *line)
{
    const char *what = line + strlen(state_name) + strlen(call_name) + 4;

    for (size_t i = 0; i < KNOWN; i++)
        if (begins(state_name, known[i].state) && begins(call_name, known[i].call) &&
            begins(what, known[i].line))
            return i;
    return KNOWN;
}

/** differences() - one scene on both: lines that differ without an excuse; @tell: and say so */
static unsigned differences(unsigned state, unsigned which, bool tell, bool used[KNOWN])
{
    unsigned found = 0;

    both_forget();
    for (d = doors; d < doors + 2; d++)
        play(state, which);
    cr_assert_eq(both.n[0], both.n[1], "%s: %s", state_name, call_name);
    for (unsigned n = 0; n < both.n[0]; n++) {
        size_t why = excused(both.line[0][n]);

        if (strcmp(both.line[0][n], both.line[1][n]) == 0)
            continue;
        if (why < KNOWN)
            used[why] = true;
        else if (tell)
            cr_log_error("kernel %s\n       ours   %s", both.line[0][n], both.line[1][n]);
        found += why == KNOWN;
    }
    return found;
}

/** kernel_reaches_itself() - is the loopback up? */
static bool kernel_reaches_itself(void)
{
    struct scene s = {.fd = -1};
    bool up;

    d = &doors[DOOR_KERNEL];
    listening(&s, 1);
    s.fd = d->socket(0);
    up = d->connect(s.fd, (struct sockaddr *)&s.at, sizeof(s.at)) == 0 || errno == EINPROGRESS;
    d->close(s.fd);
    d->close(s.listener);
    return up;
}

/* SO-01, SO-19, SO-20, SO-21, SO-25: each call in each state */
Test(same, calls_in_every_state, .timeout = 100)
{
    unsigned different = 0;
    bool used[KNOWN] = {false};

    if (!kernel_reaches_itself())
        cr_skip_test("no loopback here");
    net_up();
    for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        for (unsigned k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
            unsigned found = 1;

            for (door_patience = 200; found && door_patience < 100000; door_patience *= 8)
                found = differences(i, k, door_patience > 10000, used);
            different += found;
        }
    both_forget();
    cr_expect_eq(different, 0, "%u lines differ", different);
    for (size_t i = 0; i < KNOWN; i++)
        cr_expect(used[i], "%s: %s: %s differs no longer", known[i].state, known[i].call,
                  known[i].line);
    net_down();
}
