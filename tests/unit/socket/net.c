/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct net net;

/** new_host() - side @i without interfaces */
static void new_host(int i, gn_time now)
{
    struct gn_host_config c = {.pages = pages_source(&net.pages[i])};
    enum gn_err err;

    gn_conf_default(&c.conf);
    c.secret[0] = (uint8_t)(i + 1);
    net.host[i] = gn_host_new(&c, now, &err);
    cr_assert_not_null(net.host[i]);
}

/** new_addrs() - its addresses, once it has interface 0 */
static void new_addrs(int i)
{
    struct gn_addr v6;

    cr_assert(gn_addr_parse(i ? "fd00::2" : "fd00::1", &v6));
    GIVES(gn_host_add_addr(net.host[i], 0, gn_addr_v4(10, 0, 0, (uint8_t)(i + 1)), 24), GN_OK);
    GIVES(gn_host_add_addr(net.host[i], 0, v6, 64), GN_OK);
}

void net_up(void)
{
    struct gn_sim_config c = {.ports = 2, .medium = GN_MEDIUM_IP};

    c.pipe[0].latency = c.pipe[1].latency = NET_LATENCY;
    net.sim = gn_sim_new(&c);
    net.loop = gn_simloop_new(GN_SEC);
    for (int i = 0; i < 2; i++) {
        new_host(i, GN_SEC);
        GIVES(gn_simloop_add(net.loop, net.host[i], gn_sim_port(net.sim, (unsigned)i)), 0);
        new_addrs(i);
        net.stack[i] = gn_stack_new_sim(net.host[i], net.loop, i ? net.stack[0] : NULL);
        cr_assert_not_null(net.stack[i]);
    }
}

/** free_hosts() - all memory must come back */
static void free_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        gn_host_free(net.host[i]);
        cr_assert_eq(net.pages[i].out, 0);
    }
}

void net_down(void)
{
    gn_stack_free(net.stack[1]);
    gn_stack_free(net.stack[0]);
    cr_assert_null(gn_stack_default());
    gn_simloop_free(net.loop);
    free_hosts();
    gn_sim_free(net.sim);
}

/* --- a wire of datagrams between two real-time loops --- */

struct cable {
    struct gn_link link;
    uint8_t rx[32][2048];
};

static int cable_rx(struct gn_link *l, struct gn_frame *f, size_t n, gn_time now)
{
    struct cable *c = (struct cable *)l;
    int k = 0;

    (void)now;
    for (; (size_t)k < n && k < 32; k++) {
        ssize_t len = recv(l->fd, c->rx[k], sizeof(c->rx[k]), MSG_DONTWAIT);

        if (len < 0)
            break;
        f[k] = (struct gn_frame){.data = c->rx[k], .len = (uint32_t)len};
    }
    return k;
}

static int cable_tx(struct gn_link *l, const struct gn_frame *f, size_t n, gn_time now)
{
    int k = 0;

    (void)now;
    for (; (size_t)k < n; k++)
        if (send(l->fd, f[k].data, f[k].len, MSG_DONTWAIT) < 0 && errno == EAGAIN)
            break;
    return k;
}

static void cable_close(struct gn_link *l)
{
    close(l->fd);
    free(l);
}

static const struct gn_link_ops cable_ops = {.rx = cable_rx, .tx = cable_tx, .close = cable_close};

void net_up_real(bool threads)
{
    int fd[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
    for (int i = 0; i < 2; i++) {
        struct cable *c = calloc(1, sizeof(*c));

        c->link = (struct gn_link){.ops = &cable_ops,
                                   .fd = fd[i],
                                   .iface = {.medium = GN_MEDIUM_IP, .mtu = 1500, .name = "cable"}};
        new_host(i, gn_loop_now());
        net.stack[i] = gn_stack_new(net.host[i]);
        cr_assert_not_null(net.stack[i]);
        GIVES(gn_loop_add(gn_stack_loop(net.stack[i]), net.host[i], &c->link), 0);
        new_addrs(i);
        if (threads)
            GIVES(gn_stack_start(net.stack[i]), 0);
    }
}

void net_down_real(void)
{
    for (int i = 0; i < 2; i++)
        gn_stack_free(net.stack[i]);
    free_hosts();
}

void net_cut(bool cut)
{
    struct gn_pipe_config p = {.latency = NET_LATENCY, .loss_ppm = cut ? 1000000 : 0};

    gn_sim_set_pipe(net.sim, 0, &p);
    gn_sim_set_pipe(net.sim, 1, &p);
}

void net_pass(gn_time t)
{
    gn_time until = net_now() + t;

    while (net_now() < until)
        (void)gn_stack_step(net.stack[0], until);
}

gn_time net_now(void)
{
    return gn_stack_now(net.stack[0]);
}

struct sockaddr_in net_addr(int side, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    a.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)side);
    return a;
}

struct sockaddr_in6 net_addr6(int side, uint16_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    a.sin6_addr.s6_addr[0] = 0xfd;
    a.sin6_addr.s6_addr[15] = (uint8_t)(side + 1);
    return a;
}

int net_listen(uint16_t port, int backlog)
{
    struct sockaddr_in a = net_addr(1, port);
    int l = gn_socket_on(net.stack[1], AF_INET, SOCK_STREAM, 0);

    net_option(l, SOL_SOCKET, SO_REUSEADDR, 1);
    GIVES(gn_bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
    GIVES(gn_listen(l, backlog), 0);
    return l;
}

void net_pair(uint16_t port, int s[2])
{
    struct sockaddr_in a = net_addr(1, port);
    int l = net_listen(port, 10);

    s[0] = gn_socket_on(net.stack[0], AF_INET, SOCK_STREAM, 0);
    GIVES(gn_connect(s[0], (struct sockaddr *)&a, sizeof(a)), 0);
    s[1] = gn_accept(l, NULL, NULL);
    cr_assert_geq(s[1], 0);
    GIVES(gn_close(l), 0);
}

int net_error(int s)
{
    int e = -1;
    socklen_t len = sizeof(e);

    GIVES(gn_getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &len), 0);
    return e;
}

void net_option(int s, int level, int name, int value)
{
    GIVES(gn_setsockopt(s, level, name, &value, sizeof(value)), 0);
}

int net_revents(int s, short events)
{
    struct pollfd p = {.fd = s, .events = events};

    cr_assert_geq(gn_poll(&p, 1, 0), 0);
    return p.revents;
}
