/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file same_option_test.c  The same options, set to the same values, on the kernel's sockets and
 * on ours: what setsockopt() says and what getsockopt() reads back is to be the same, in each state
 * where it may matter, for values in and out of bounds, and for lengths that do not fit.
 */
#define _GNU_SOURCE

#include "both.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct door *d;

/* @most: what is read back is compared after values up to this one; beyond, machines differ in what
 * they allow */
static const struct {
    const char *text;
    int level, name, most;
} options[] = {
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, INT_MAX},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, INT_MAX},
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, INT_MAX},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, INT_MAX},
    {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 4096},
    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, -1},
    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, -1},
    {"SO_LINGER", SOL_SOCKET, SO_LINGER, INT_MAX},
    {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, INT_MAX},
    {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, INT_MAX},
    {"SO_ERROR", SOL_SOCKET, SO_ERROR, INT_MAX},
    {"SO_TYPE", SOL_SOCKET, SO_TYPE, INT_MAX},
    {"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, INT_MAX},
    {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, INT_MAX},
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, INT_MAX},
    {"SOL_SOCKET 9999", SOL_SOCKET, 9999, INT_MAX},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, INT_MAX},
    {"TCP_CORK", IPPROTO_TCP, TCP_CORK, INT_MAX},
    {"TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, INT_MAX},
    {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, INT_MAX},
    {"TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, INT_MAX},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, INT_MAX},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, INT_MAX},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, INT_MAX},
    {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, INT_MAX},
    {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, INT_MAX},
    {"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, INT_MAX},
    {"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 128},
    {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, INT_MAX},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, INT_MAX},
    {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, INT_MAX},
    {"IPPROTO_TCP 9999", IPPROTO_TCP, 9999, INT_MAX},
    {"IP_TTL", IPPROTO_IP, IP_TTL, INT_MAX},
    {"IP_TOS", IPPROTO_IP, IP_TOS, INT_MAX},
    {"IP_RECVERR", IPPROTO_IP, IP_RECVERR, INT_MAX},
    {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, INT_MAX},
    {"IPPROTO_IP 9999", IPPROTO_IP, 9999, INT_MAX},
    {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT_MAX},
    {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, INT_MAX},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, INT_MAX},
    {"IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR, INT_MAX},
    {"IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, INT_MAX},
    {"level 9999", 9999, 1, INT_MAX},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const int values[] = {0,     1,     2,     3,       4,       5,    7,    8,
                             16,    30,    63,    64,      87,      88,   100,  127,
                             128,   255,   256,   500,     1000,    1460, 4096, 32767,
                             32768, 65535, 65536, 1000000, INT_MAX, -1,   -2,   INT_MIN};
#define N_VALUES (sizeof(values) / sizeof(values[0]))

/* --- the log --- */

/** put() - a line: a call, its argument, and what it gave */
static void put(const char *call, long arg, int r, const void *got, socklen_t len)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "%s %ld: %s", call, arg, r ? strerrorname_np(errno) : "0");

    for (socklen_t i = 0; !r && i < len; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %02x", ((const uint8_t *)got)[i]);
    both_add(d, text);
}

/* --- states --- */

/** The socket that is looked at, and who else is needed; -1: nobody. */
struct scene {
    int fd, peer, listener;
};

/** listening() - a listener at a port of its own */
static int listening(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int l = d->socket(1);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(d->host)};
    cr_assert_eq(d->bind(l, (struct sockaddr *)at, sizeof(*at)), 0);
    cr_assert_eq(d->listen(l, 5), 0);
    cr_assert_eq(d->getsockname(l, (struct sockaddr *)at, &len), 0);
    return l;
}

static void fresh(struct scene *s)
{
    s->fd = d->socket(0);
}

static void fresh_v6(struct scene *s)
{
    s->fd = d == &doors[DOOR_KERNEL] ? socket(AF_INET6, SOCK_STREAM, 0)
                                     : gn_socket_on(net.stack[0], AF_INET6, SOCK_STREAM, 0);
}

static void listens(struct scene *s)
{
    struct sockaddr_in at;

    s->fd = listening(&at);
}

static void established(struct scene *s)
{
    struct sockaddr_in at;

    s->listener = listening(&at);
    s->fd = d->socket(0);
    (void)d->connect(s->fd, (struct sockaddr *)&at, sizeof(at));
    for (unsigned i = 0; i < 2000 && s->peer < 0; i++) {
        d->pass();
        s->peer = d->accept4(s->listener, NULL, NULL, SOCK_NONBLOCK);
    }
    cr_assert_geq(s->peer, 0);
    cr_assert_eq(d->connect(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void accepted(struct scene *s)
{
    int fd;

    established(s);
    fd = s->fd;
    s->fd = s->peer;
    s->peer = fd;
}

static const struct {
    const char *name;
    void (*make)(struct scene *);
} states[] = {
    {"fresh", fresh},       {"fresh IPv6", fresh_v6},
    {"listening", listens}, {"established", established},
    {"accepted", accepted},
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

/* --- calls --- */

/** read_back() - getsockopt() with room for @len octets; @tell: what it gave, too */
static void read_back(int fd, unsigned o, const char *call, long arg, socklen_t len, bool tell)
{
    uint8_t b[64] = {0};
    int r = d->getsockopt(fd, options[o].level, options[o].name, b, &len);

    put(call, arg, r, b, tell ? len : 0);
}

/** play() - all that is done with one option in one state, on the door at hand */
static void play(unsigned state, unsigned o)
{
    static const socklen_t lengths[] = {4, 0, 1, 2, 3, 8, 64};
    struct scene s = {.fd = -1, .peer = -1, .listener = -1};
    uint8_t b[4] = {5};

    states[state].make(&s);
    for (unsigned i = 0; i < 7; i++)
        read_back(s.fd, o, "get, length", (long)lengths[i], lengths[i], options[o].most >= 0);
    for (unsigned i = 0; i < N_VALUES; i++) {
        int r = d->setsockopt(s.fd, options[o].level, options[o].name, &values[i], sizeof(int));

        put("set", values[i], r, NULL, 0);
        read_back(s.fd, o, "get after", values[i], sizeof(int),
                  values[i] >= 0 ? values[i] <= options[o].most : options[o].most == INT_MAX);
    }
    for (socklen_t n = 0; n < 4; n++)
        put("set, length", (long)n, d->setsockopt(s.fd, options[o].level, options[o].name, b, n),
            NULL, 0);
    put("set, length", -4, d->setsockopt(s.fd, options[o].level, options[o].name, b, (socklen_t)-4),
        NULL, 0);
    d->close(s.fd);
    if (s.peer >= 0)
        d->close(s.peer);
    if (s.listener >= 0)
        d->close(s.listener);
}

/** Where the two may differ, and why. */
static const struct {
    const char *state, *option, *line; /* how each begins; "": all */
    const char *why;
} known[] = {
    {"fresh IPv6", "IPV6_UNICAST_HOPS", "set 0", "Linux lets a hop limit be 0: nobody is reached"},
    {"fresh IPv6", "IPV6_UNICAST_HOPS", "get after 0", "the same"},
    {"listening", "TCP_QUICKACK", "get after 0", "a listener acknowledges nothing"},
    {"established", "TCP_MAXSEG", "get", "that of the path, which is another; ours can change it"},
    {"accepted", "TCP_MAXSEG", "get", "the same"},
    {"established", "TCP_WINDOW_CLAMP", "get", "Linux shows the largest window of the buffer"},
    {"accepted", "TCP_WINDOW_CLAMP", "get", "the same"},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

/** excused() - is it said above that this line may differ? Else KNOWN */
static size_t excused(unsigned state, unsigned o, const char *line)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (!strncmp(states[state].name, known[i].state, strlen(known[i].state)) &&
            !strcmp(options[o].text, known[i].option) &&
            !strncmp(line, known[i].line, strlen(known[i].line)))
            return i;
    return KNOWN;
}

/** differences() - lines of one option in one state that differ without an excuse */
static unsigned differences(unsigned state, unsigned o, bool used[KNOWN])
{
    unsigned found = 0;

    both_forget();
    for (d = doors; d < doors + 2; d++)
        play(state, o);
    cr_assert_eq(both.n[0], both.n[1]);
    for (unsigned i = 0; i < both.n[0]; i++) {
        size_t why = excused(state, o, both.line[0][i]);

        if (!strcmp(both.line[0][i], both.line[1][i]))
            continue;
        if (why < KNOWN) {
            used[why] = true;
            continue;
        }
        found++;
        cr_log_error("%s: %s: kernel %s\n       ours   %s", states[state].name, options[o].text,
                     both.line[0][i], both.line[1][i]);
    }
    return found;
}

/** kernel_has() - sockets of both families, and a loopback that is up? */
static bool kernel_has(void)
{
    struct sockaddr_in at;
    int v6 = socket(AF_INET6, SOCK_STREAM, 0), c, l;
    bool up;

    d = &doors[DOOR_KERNEL];
    l = listening(&at);
    c = d->socket(0);
    up = d->connect(c, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS;
    d->close(c);
    d->close(l);
    if (v6 >= 0)
        d->close(v6);
    return up && v6 >= 0;
}

/* SO-01 to SO-25: bounds, units, errno, and what a socket of another family or state has not */
Test(same, options_in_every_state, .timeout = 100)
{
    bool used[KNOWN] = {false};
    unsigned found = 0;

    if (!kernel_has())
        cr_skip_test("no loopback or no IPv6 here");
    net_up();
    for (unsigned state = 0; state < N_STATES; state++)
        for (unsigned o = 0; o < N_OPTIONS; o++)
            found += differences(state, o, used);
    both_forget();
    cr_expect_eq(found, 0, "%u lines differ", found);
    for (size_t i = 0; i < KNOWN; i++)
        cr_expect(used[i], "%s: %s: %s differs no longer", known[i].state, known[i].option,
                  known[i].line);
    net_down();
}
