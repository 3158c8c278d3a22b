/* SPDX-License-Identifier: BSD-2-Clause */
/* SO-20: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI. */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

static int s[2];

static void setup(void)
{
    net_up();
    net_pair(80, s);
}

TestSuite(urgent, .init = setup, .fini = net_down);

/** number() - what an ioctl() says */
static int number(int fd, unsigned long request)
{
    int n = -1;

    GIVES(gn_ioctl(fd, request, &n), 0);
    return n;
}

Test(urgent, out_of_band)
{
    struct msghdr m = {.msg_iovlen = 0};
    struct iovec iov[2];
    char b[20];

    FAILS(gn_recv(s[1], b, 1, MSG_OOB), EINVAL);
    GIVES(number(s[1], SIOCATMARK), 0);
    GIVES(gn_send(s[0], "before!", 7, MSG_OOB), 7);
    GIVES(gn_send(s[0], "after", 5, 0), 5);
    net_pass(GN_SEC);
    cr_assert_eq(net_revents(s[1], POLLIN | POLLPRI), POLLIN | POLLPRI);
    GIVES(number(s[1], SIOCINQ), 6);
    GIVES(gn_recv(s[1], b, 20, MSG_PEEK), 6);
    iov[0] = (struct iovec){.iov_base = b, .iov_len = 6};
    iov[1] = (struct iovec){.iov_base = b + 6, .iov_len = 14};
    GIVES(gn_readv(s[1], iov, 2), 6); /* the mark stops it between the pieces */
    cr_assert_arr_eq(b, "before", 6);
    GIVES(number(s[1], SIOCATMARK), 1);
    GIVES(gn_recv(s[1], b, 1, MSG_OOB | MSG_PEEK), 1);
    m.msg_iov = iov;
    m.msg_iovlen = 2;
    GIVES(gn_recvmsg(s[1], &m, MSG_OOB), 1);
    cr_assert_eq(m.msg_flags, MSG_OOB);
    cr_assert_eq(b[0], '!');
    cr_assert_eq(net_revents(s[1], POLLPRI), 0);
    FAILS(gn_recv(s[1], b, 1, MSG_OOB), EINVAL);
    GIVES(gn_recv(s[1], b, 20, 0), 5);
    cr_assert_arr_eq(b, "after", 5);
    GIVES(number(s[1], SIOCATMARK), 0);
}

Test(urgent, in_line)
{
    char b[20];

    net_option(s[1], SOL_SOCKET, SO_OOBINLINE, 1);
    GIVES(gn_send(s[0], "ab!", 3, MSG_OOB), 3);
    GIVES(gn_send(s[0], "cd", 2, 0), 2);
    net_pass(GN_SEC);
    GIVES(number(s[1], SIOCINQ), 5);
    FAILS(gn_recv(s[1], b, 1, MSG_OOB), EINVAL);
    GIVES(gn_recv(s[1], b, 20, MSG_WAITALL), 2); /* MSG_WAITALL stops at the mark too */
    GIVES(number(s[1], SIOCATMARK), 1);
    GIVES(gn_recv(s[1], b, 20, 0), 3);
    cr_assert_arr_eq(b, "!cd", 3);
}

/* announced, but behind a closed window: told at once, and to be had later */
Test(urgent, announced_before_it_arrives)
{
    static char big[200000];
    char c;

    net_option(s[1], SOL_SOCKET, SO_RCVBUF, 4096);
    net_option(s[0], SOL_SOCKET, SO_SNDBUF, 1 << 20);
    GIVES(gn_send(s[0], big, 65000, 0), 65000);
    net_pass(10 * GN_SEC);
    FAILS(gn_recv(s[1], &c, 1, MSG_OOB), EINVAL);
    GIVES(gn_send(s[0], big, 65000, MSG_OOB), 65000);
    net_pass(60 * GN_SEC);
    FAILS(gn_recv(s[1], &c, 1, MSG_OOB), EAGAIN); /* a window probe has brought the news */
    cr_assert_eq(net_revents(s[1], POLLPRI), 0);
    for (int left = 129999, n; left > 0; left -= n) {
        n = (int)gn_recv(s[1], big, (size_t)left + 1, 0);
        cr_assert_gt(n, 0);
    }
    GIVES(gn_poll(&(struct pollfd){.fd = s[1], .events = POLLPRI}, 1, 5000), 1);
    GIVES(gn_recv(s[1], &c, 1, MSG_OOB), 1);
}

/* UC-SHUT-R at the socket door */
Test(urgent, shutdown_leaves_what_has_arrived)
{
    char b[20];

    GIVES(gn_send(s[0], "early", 5, 0), 5);
    net_pass(GN_SEC);
    GIVES(gn_shutdown(s[1], SHUT_RD), 0);
    GIVES(gn_send(s[0], "late", 4, 0), 4);
    net_pass(GN_SEC);
    GIVES(number(s[0], SIOCOUTQ), 0);
    GIVES(gn_recv(s[1], b, 20, 0), 5);
    cr_assert_arr_eq(b, "early", 5);
    GIVES(gn_recv(s[1], b, 20, 0), 0);
}
