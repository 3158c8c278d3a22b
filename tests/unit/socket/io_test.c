/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

static int s[2];

static void setup(void)
{
    net_up();
    net_pair(80, s);
}

TestSuite(io, .init = setup, .fini = net_down);

/** queue() - SIOCINQ and the like */
static int queue(int fd, unsigned long request)
{
    int n = -1;

    GIVES(gn_ioctl(fd, request, &n), 0);
    return n;
}

/** set_timeout() - SO_RCVTIMEO or SO_SNDTIMEO */
static void set_timeout(int fd, int name, unsigned ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    GIVES(gn_setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)), 0);
}

Test(io, octets_go_both_ways)
{
    char b[10];

    GIVES(gn_send(s[0], "hello", 5, 0), 5);
    GIVES(gn_recv(s[1], b, 10, 0), 5);
    cr_assert_arr_eq(b, "hello", 5);
    GIVES(gn_write(s[1], "you too", 7), 7);
    GIVES(gn_read(s[0], b, 3), 3);
    GIVES(gn_read(s[0], b + 3, 7), 4);
    cr_assert_arr_eq(b, "you too", 7);
    GIVES(gn_send(s[0], NULL, 0, 0), 0);
    FAILS(gn_recv(s[0], NULL, 0, MSG_DONTWAIT), EAGAIN); /* it waits, too */
    FAILS(gn_send(s[0], NULL, 1, 0), EFAULT);
    FAILS(gn_recv(s[0], NULL, 1, 0), EFAULT);
}

Test(io, nothing_there)
{
    gn_time t = net_now();
    char b;

    FAILS(gn_recv(s[0], &b, 1, MSG_DONTWAIT), EAGAIN);
    cr_assert_eq(net_now(), t);
    set_timeout(s[0], SO_RCVTIMEO, 1500);
    FAILS(gn_recv(s[0], &b, 1, 0), EAGAIN);
    cr_assert_eq(net_now() - t, GN_SEC * 3 / 2);
    (void)gn_fcntl(s[0], F_SETFL, O_NONBLOCK);
    GIVES(gn_fcntl(s[0], F_GETFL), O_RDWR | O_NONBLOCK);
    FAILS(gn_recv(s[0], &b, 1, 0), EAGAIN);
    FAILS(gn_recv(s[0], &b, 1, MSG_OOB), EINVAL);
    FAILS(gn_recv(s[0], &b, 1, MSG_ERRQUEUE), EAGAIN);
    set_timeout(s[1], SO_RCVTIMEO, 0);
    FAILS(gn_recv(s[1], &b, 1, 0), EDEADLK);
}

Test(io, end_of_data_and_half_close)
{
    char b[10];

    GIVES(gn_send(s[0], "last", 4, 0), 4);
    GIVES(gn_shutdown(s[0], SHUT_WR), 0);
    FAILS(gn_send(s[0], "x", 1, 0), EPIPE);
    GIVES(gn_recv(s[1], b, 10, MSG_WAITALL), 4);
    GIVES(gn_recv(s[1], b, 10, 0), 0);
    GIVES(gn_recv(s[1], b, 10, 0), 0);
    GIVES(gn_send(s[1], "still", 5, 0), 5); /* the other way is open */
    GIVES(gn_recv(s[0], b, 10, 0), 5);
    cr_assert_eq(net_revents(s[1], POLLIN | POLLRDHUP | POLLOUT), POLLIN | POLLRDHUP | POLLOUT);
    GIVES(gn_shutdown(s[1], SHUT_WR), 0);
    GIVES(gn_recv(s[0], b, 10, 0), 0);
    cr_assert_eq(net_revents(s[0], POLLIN | POLLRDHUP | POLLOUT),
                 POLLIN | POLLRDHUP | POLLOUT | POLLHUP);
    cr_assert_eq(net_error(s[0]), 0);
}

Test(io, shutdown_of_reading)
{
    char b;

    GIVES(gn_shutdown(s[0], SHUT_RD), 0);
    GIVES(gn_recv(s[0], &b, 1, 0), 0);
    GIVES(gn_send(s[1], "into the void", 13, 0), 13);
    net_pass(GN_SEC);
    GIVES(gn_recv(s[0], &b, 1, 0), 0);
    GIVES(queue(s[1], SIOCOUTQ), 0); /* it was acknowledged */
    GIVES(gn_send(s[0], "x", 1, 0), 1);
}

Test(io, a_reset_is_told_once)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};
    char b;

    GIVES(gn_setsockopt(s[1], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_close(s[1]), 0);
    FAILS(gn_recv(s[0], &b, 1, 0), ECONNRESET);
    GIVES(gn_recv(s[0], &b, 1, 0), 0);
    FAILS(gn_send(s[0], "x", 1, 0), EPIPE);
    FAILS(gn_send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    cr_assert_eq(net_error(s[0]), 0);
    cr_assert_eq(net_revents(s[0], POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP);
}

Test(io, a_reset_is_told_by_so_error)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};

    GIVES(gn_setsockopt(s[1], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_close(s[1]), 0);
    net_pass(GN_SEC);
    cr_assert_eq(net_revents(s[0], POLLIN), POLLIN | POLLERR | POLLHUP);
    cr_assert_eq(net_error(s[0]), ECONNRESET);
    cr_assert_eq(net_error(s[0]), 0);
    FAILS(gn_getpeername(s[0], (struct sockaddr *)&l, &(socklen_t){sizeof(l)}), ENOTCONN);
}

Test(io, a_reset_in_close_wait_is_a_broken_pipe)
{
    struct sockaddr_in a = net_addr(1, 0);

    (void)a;
    GIVES(gn_shutdown(s[1], SHUT_WR), 0);
    net_pass(GN_SEC);
    GIVES(gn_send(s[0], "unread", 6, 0), 6);
    net_pass(GN_SEC);
    GIVES(gn_close(s[1]), 0); /* with unread data: RST (SHLD-3) */
    net_pass(GN_SEC);
    FAILS(gn_send(s[0], "x", 1, 0), EPIPE);
}

Test(io, peek_and_waitall)
{
    char b[10] = {0};

    GIVES(gn_send(s[0], "abc", 3, 0), 3);
    GIVES(gn_recv(s[1], b, 2, MSG_PEEK), 2);
    GIVES(gn_recv(s[1], b, 10, MSG_PEEK), 3);
    cr_assert_str_eq(b, "abc");
    set_timeout(s[1], SO_RCVTIMEO, 500);
    GIVES(gn_recv(s[1], b, 10, MSG_PEEK | MSG_WAITALL), 3);
    GIVES(gn_recv(s[1], b, 10, MSG_WAITALL), 3); /* the time is over: what there is */
    GIVES(gn_send(s[0], "abcdef", 6, 0), 6);
    GIVES(gn_recv(s[1], NULL, 4, MSG_TRUNC), 4);
    GIVES(gn_recv(s[1], b, 10, 0), 2);
    cr_assert_arr_eq(b, "ef", 2);
}

Test(io, low_water_mark)
{
    gn_time t;
    char b[10];

    net_option(s[1], SOL_SOCKET, SO_RCVLOWAT, 4);
    set_timeout(s[1], SO_RCVTIMEO, 1000);
    GIVES(gn_send(s[0], "abc", 3, 0), 3);
    net_pass(GN_SEC);
    cr_assert_eq(net_revents(s[1], POLLIN), 0);
    t = net_now();
    GIVES(gn_recv(s[1], b, 10, 0), 3);
    cr_assert_eq(net_now() - t, GN_SEC);
    GIVES(gn_send(s[0], "abcd", 4, 0), 4);
    net_pass(GN_SEC);
    cr_assert_eq(net_revents(s[1], POLLIN), POLLIN);
    GIVES(gn_recv(s[1], b, 2, 0), 2); /* less was asked for than the mark */
}

Test(io, gather_and_scatter)
{
    char a[3], b[4], c[20] = {0};
    struct iovec out[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    struct iovec in[3] = {{a, 3}, {NULL, 0}, {b, 4}}, bad = {NULL, 1};
    struct msghdr m = {.msg_iov = in, .msg_iovlen = 3};

    GIVES(gn_writev(s[0], out, 3), 8);
    net_pass(GN_SEC);
    GIVES(gn_readv(s[1], in, 3), 7);
    cr_assert_arr_eq(a, "one", 3);
    cr_assert_arr_eq(b, "thre", 4);
    GIVES(gn_read(s[1], c, 20), 1);
    GIVES(gn_sendmsg(s[0], &(struct msghdr){.msg_iov = out, .msg_iovlen = 3}, 0), 8);
    net_pass(GN_SEC);
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK), 7);
    GIVES(gn_recvmsg(s[1], &m, 0), 7);
    FAILS(gn_readv(s[1], &bad, 1), EFAULT);
    FAILS(gn_readv(s[1], in, -1), EINVAL);
    FAILS(gn_readv(s[1], NULL, 1), EFAULT);
}

Test(io, a_full_buffer_takes_no_more)
{
    static char big[1 << 20];
    struct pollfd p = {.fd = s[0], .events = POLLOUT};
    ssize_t first, n;

    net_option(s[0], SOL_SOCKET, SO_SNDBUF, 20000);
    net_option(s[1], SOL_SOCKET, SO_RCVBUF, 20000);
    first = gn_send(s[0], big, sizeof(big), MSG_DONTWAIT);
    cr_assert(first > 0 && first < (ssize_t)sizeof(big));
    net_pass(GN_SEC);
    while ((n = gn_send(s[0], big, sizeof(big), MSG_DONTWAIT)) > 0) {
        first += n;
        net_pass(GN_SEC);
    }
    FAILS(gn_send(s[0], big, 1, MSG_DONTWAIT), EAGAIN);
    set_timeout(s[0], SO_SNDTIMEO, 300);
    FAILS(gn_send(s[0], big, 1, 0), EAGAIN);
    GIVES(gn_poll(&p, 1, 100), 0);
    cr_assert_gt(queue(s[0], SIOCOUTQ), 0);
    cr_assert_gt(queue(s[0], SIOCOUTQNSD), 0);
    cr_assert_gt(queue(s[1], SIOCINQ), 0);
    /* the reader makes room, and the poll ends */
    while (first > 0 && (n = gn_recv(s[1], big, sizeof(big), 0)) > 0)
        first -= n;
    cr_assert_eq(first, 0);
    GIVES(gn_poll(&p, 1, -1), 1);
    cr_assert_eq(p.revents, POLLOUT);
}

Test(io, poll_for_room_without_a_failed_send_is_told)
{
    static char big[1 << 20];
    struct pollfd p = {.fd = s[0], .events = POLLOUT};
    int size = 0;
    socklen_t len = sizeof(size);

    net_option(s[0], SOL_SOCKET, SO_SNDBUF, 16384);
    GIVES(gn_getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, &len), 0);
    GIVES(gn_send(s[0], big, (size_t)size / 2, MSG_DONTWAIT), size / 2); /* to the brim */
    GIVES(gn_poll(&p, 1, 0), 0);
    GIVES(gn_poll(&p, 1, 60000), 1);
}

Test(io, a_mebibyte_arrives_whole)
{
    static uint8_t out[1 << 20], in[1 << 20];
    size_t sent = 0, got = 0;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + (i >> 8));
    while (got < sizeof(in)) {
        struct pollfd p[2] = {{.fd = s[0], .events = sent < sizeof(out) ? POLLOUT : 0},
                              {.fd = s[1], .events = POLLIN}};
        ssize_t n;

        cr_assert_geq(gn_poll(p, 2, 10000), 1);
        if (p[0].revents) {
            n = gn_send(s[0], out + sent, sizeof(out) - sent, MSG_DONTWAIT);
            cr_assert_gt(n, 0);
            sent += (size_t)n;
        }
        if (p[1].revents) {
            n = gn_recv(s[1], in + got, sizeof(in) - got, MSG_DONTWAIT);
            cr_assert_gt(n, 0);
            got += (size_t)n;
        }
    }
    cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
}

Test(io, unconnected)
{
    int c = gn_socket(AF_INET, SOCK_STREAM, 0), l = net_listen(90, 1);
    char b;

    FAILS(gn_recv(c, &b, 1, 0), ENOTCONN);
    FAILS(gn_send(c, &b, 1, 0), EPIPE);
    FAILS(gn_recv(l, &b, 1, 0), ENOTCONN);
    FAILS(gn_send(l, &b, 1, 0), EPIPE);
    FAILS(gn_recv(-5, &b, 1, 0), EBADF);
    GIVES(queue(c, SIOCINQ), 0);
    FAILS(gn_ioctl(l, SIOCINQ, &(int){0}), EINVAL);
    FAILS(gn_ioctl(c, SIOCINQ, NULL), EFAULT);
    FAILS(gn_ioctl(c, SIOCGIFADDR, &(int){0}), ENOTTY);
    GIVES(gn_ioctl(c, FIONBIO, &(int){1}), 0);
    GIVES(gn_fcntl(c, F_GETFL), O_RDWR | O_NONBLOCK);
    FAILS(gn_fcntl(c, F_DUPFD, 0), EINVAL);
}

Test(io, linger_waits_for_the_last_acknowledgment)
{
    struct linger l = {.l_onoff = 1, .l_linger = 5};
    gn_time t = net_now();

    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_setsockopt(s[1], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_send(s[0], "x", 1, 0), 1);
    GIVES(gn_close(s[0]), 0);
    cr_assert(net_now() - t >= 2 * NET_LATENCY && net_now() - t < GN_SEC);
    net_cut(true);
    t = net_now();
    GIVES(gn_recv(s[1], &l, 1, 0), 1);
    GIVES(gn_close(s[1]), 0); /* nobody answers */
    cr_assert_eq(net_now() - t, 5 * GN_SEC);
}

Test(io, linger_when_poll_told_of_the_connection)
{
    struct linger l = {.l_onoff = 1, .l_linger = 5};
    struct sockaddr_in a = net_addr(1, 81);
    int c = gn_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof(int);
    int mtu;
    gn_time t;

    (void)net_listen(81, 1);
    GIVES(gn_setsockopt(c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    FAILS(gn_connect(c, (struct sockaddr *)&a, sizeof(a)), EINPROGRESS);
    net_pass(GN_SEC);
    cr_assert_eq(net_revents(c, POLLOUT), POLLOUT); /* no second connect() */
    GIVES(gn_getsockopt(c, IPPROTO_IP, IP_MTU, &mtu, &len), 0);
    cr_assert_eq(mtu, 1500);
    GIVES(gn_send(c, "x", 1, 0), 1);
    t = net_now();
    GIVES(gn_close(c), 0);
    cr_assert(net_now() - t >= 2 * NET_LATENCY && net_now() - t < GN_SEC);
}

Test(io, many_small_writes_with_cork)
{
    char b[300];
    gn_time t;

    net_option(s[0], IPPROTO_TCP, 3 /* TCP_CORK */, 1);
    for (int i = 0; i < 100; i++)
        GIVES(gn_send(s[0], "abc", 3, 0), 3);
    net_pass(50 * GN_MSEC);
    FAILS(gn_recv(s[1], b, 300, MSG_DONTWAIT), EAGAIN);
    t = net_now();
    net_option(s[0], IPPROTO_TCP, 3, 0);
    GIVES(gn_recv(s[1], b, 300, MSG_WAITALL), 300);
    cr_assert_eq(net_now() - t, NET_LATENCY);
}

/* MSG_PEEK fills all pieces, and with MSG_WAITALL waits for as much as they hold */
Test(io, peek_into_pieces)
{
    char a[4] = "", b[4] = "", c[8] = "";
    struct iovec in[3] = {{a, 3}, {b, 3}, {c, 7}};
    struct msghdr m = {.msg_iov = in, .msg_iovlen = 3};

    GIVES(gn_send(s[0], "abcdefgh", 8, 0), 8);
    net_pass(GN_SEC);
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK), 8);
    cr_assert(!strcmp(a, "abc") && !strcmp(b, "def") && !strcmp(c, "gh"));
    m.msg_iovlen = 2;
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK | MSG_WAITALL), 6);
    m.msg_iovlen = 3;
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT), 8);
    GIVES(gn_send(s[0], "ijklm", 5, 0), 5);
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK | MSG_WAITALL), 13);
    cr_assert_str_eq(c, "ghijklm");
    GIVES(gn_recvmsg(s[1], &m, 0), 13);
    cr_assert_str_eq(c, "ghijklm");
    GIVES(gn_send(s[0], "xy", 2, 0), 2);
    GIVES(gn_shutdown(s[0], SHUT_WR), 0);
    GIVES(gn_recvmsg(s[1], &m, MSG_PEEK | MSG_WAITALL), 2);
}

/* MUST-12: a reset behind text that fills a piece to its end is told by the next call */
Test(io, reset_behind_pieces)
{
    char a[3], b[3];
    struct iovec in[2] = {{a, 3}, {b, 3}};
    struct linger l = {1, 0};

    GIVES(gn_send(s[0], "abc", 3, 0), 3);
    net_pass(GN_SEC);
    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
    GIVES(gn_close(s[0]), 0);
    net_pass(GN_SEC);
    GIVES(gn_readv(s[1], in, 2), 3);
    FAILS(gn_readv(s[1], in, 2), ECONNRESET);
}

/* SO_RCVLOWAT is for the call, not for its pieces */
Test(io, low_water_mark_and_pieces)
{
    char a[3], b[9];
    struct iovec in[2] = {{a, 3}, {b, 9}};

    net_option(s[1], SOL_SOCKET, SO_RCVLOWAT, 8);
    GIVES(gn_send(s[0], "abcdefgh", 8, 0), 8);
    net_pass(GN_SEC);
    GIVES(gn_recvmsg(s[1], &(struct msghdr){.msg_iov = in, .msg_iovlen = 2}, MSG_DONTWAIT), 8);
}
