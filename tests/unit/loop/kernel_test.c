/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's TCP against a host of ours over a TUN or TAP device in a namespace of the test's
 * own. */
#define _GNU_SOURCE
#include <gannet/loop.h>

#include "unit/loop/party.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OCTETS 8000000

/** pattern() - as party.c */
static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 17 + (i >> 16));
}

/** client() - in a process of its own: send OCTETS by the kernel, want their number back; exit
 * status */
static int client(bool v6)
{
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    static uint8_t buf[OCTETS];
    uint64_t back = 0;
    size_t sent = 0;
    ssize_t n;

    inet_pton(AF_INET, "10.77.0.2", &a4.sin_addr);
    inet_pton(AF_INET6, "fd00:0:0:77::2", &a6.sin6_addr);
    for (size_t i = 0; i < OCTETS; i++)
        buf[i] = pattern(i);
    if (v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6)
           : connect(fd, (struct sockaddr *)&a4, sizeof a4))
        return 1;
    while (sent < OCTETS && (n = send(fd, buf + sent, OCTETS - sent, 0)) > 0)
        sent += (size_t)n;
    shutdown(fd, SHUT_WR);
    if (sent != OCTETS || recv(fd, &back, 8, MSG_WAITALL) != 8)
        return 2;
    if (back != OCTETS || recv(fd, buf, 1, 0) != 0)
        return 3;
    return 0;
}

/** upload() - from the kernel to us */
static void upload(bool tap, bool no_offload, bool v6)
{
    struct gn_netns_report report;
    struct gn_tun_config c = {.no_offload = no_offload, .n_kernel_addr = 2};
    struct gn_link_error e = {0};
    struct gn_loop *l = gn_loop_new(NULL, NULL);
    struct gn_link *link;
    struct party p;
    int status = -1;
    pid_t pid;

    if (gn_netns_enter(&report) < 0 || !report.tun)
        cr_skip("%s", report.text);
    c.kernel_addr[0] = (struct gn_prefix){gn_addr_v4(10, 77, 0, 1), 24};
    gn_addr_parse("fd00:0:0:77::1", &c.kernel_addr[1].addr);
    c.kernel_addr[1].len = 64;
    link = tap ? gn_link_tap(&c, &e) : gn_link_tun(&c, &e);
    cr_assert_not_null(link, "%s", e.text);
    party_new(&p, 2, gn_loop_now());
    cr_assert_eq(gn_loop_add(l, p.host, link), 0);
    cr_assert_eq(gn_loop_service(l, p.host, party_serve, &p), GN_OK);
    party_addr(&p, 0, 2);
    party_listen(&p, 80);
    pid = fork();
    if (pid == 0)
        _exit(client(v6));
    while (waitpid(pid, &status, WNOHANG) == 0)
        cr_assert(gn_loop_step(l, 10 * GN_MSEC), "%s", gn_loop_failure(l));
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "client %d", WEXITSTATUS(status));
    cr_assert_eq(p.got, OCTETS);
    cr_assert_not(p.wrong);
    cr_assert_eq(link->stats.tx_dropped, 0);
    if (!no_offload)
        cr_assert_gt(link->stats.rx_super, 0);
    gn_loop_free(l);
    party_free(&p);
}

Test(kernel, sends_over_a_tun)
{
    upload(false, false, false);
}

Test(kernel, sends_over_a_tun_by_ipv6)
{
    upload(false, false, true);
}

Test(kernel, sends_over_a_tun_without_offloads)
{
    upload(false, true, false);
}

Test(kernel, sends_over_a_tap)
{
    upload(true, false, false);
}

Test(kernel, sends_over_a_tap_by_ipv6)
{
    upload(true, false, true);
}
