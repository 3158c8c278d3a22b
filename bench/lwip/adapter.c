/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file adapter.c  Debian's lwIP as a stack to be measured.
 *
 * Its raw interface is called from one thread; the library's own thread is never started. The
 * library finds a few names here before its own: the clock, which is the driver's virtual one, and
 * the locks, which one thread does not need. All else is as Debian has built it.
 */
#include "../stack.h"

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#include <malloc.h>
#include <string.h>

struct bench_host {
    const struct bench_user *user;
    struct bench_wire *out;
    struct bench_setup setup;
    struct netif netif;
    ip_addr_t peer;
    uint8_t sink[BENCH_SINK];
};

static struct bench_host self;
static uint64_t clock_ns;

/* --- names that the library finds here --- */

/** sys_now() - milliseconds of virtual time */
u32_t sys_now(void)
{
    return (u32_t)(clock_ns / 1000000);
}

/** sys_arch_protect() - one thread: nothing to protect from */
sys_prot_t sys_arch_protect(void)
{
    return 0;
}

/** sys_arch_unprotect() - likewise */
void sys_arch_unprotect(sys_prot_t level)
{
    (void)level;
}

/** sys_check_core_locking() - likewise */
void sys_check_core_locking(void)
{
}

/* --- the interface --- */

/** transmit() - netif.output: one packet to the wire, lost if that is full */
static err_t transmit(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
    (void)n;
    (void)to;
    if (!bench_wire_room(self.out)) {
        self.out->refused++;
        return ERR_OK;
    }
    pbuf_copy_partial(p, bench_wire_slot(self.out, 0)->data, p->tot_len, 0);
    bench_wire_put(self.out, p->tot_len);
    return ERR_OK;
}

/** transmit6() - netif.output_ip6: nobody here speaks it */
static err_t transmit6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
    (void)n;
    (void)p;
    (void)to;
    return ERR_OK;
}

/** netif_up() - netif_init_fn */
static err_t netif_up(struct netif *n)
{
    n->output = transmit;
    n->output_ip6 = transmit6;
    n->mtu = BENCH_MTU;
    n->name[0] = 'b';
    n->name[1] = '0';
    n->flags = NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

/** lwip_refuses() - what this build cannot do */
static const char *lwip_refuses(const struct bench_setup *s)
{
    if (s->timestamps)
        return "Debian's lwIP is built without timestamps";
    if (s->super)
        return "lwIP has no super-segments";
    if (s->gather)
        return "what lwIP sends by reference is in the application's memory";
    if (s->window && (s->window < TCP_WND || s->window > TCP_WND + 1))
        return "Debian's lwIP has a fixed window of 65535";
    return NULL;
}

/** lwip_open() - one interface with everybody on the link */
static struct bench_host *lwip_open(const struct bench_setup *s, const struct bench_user *u,
                                    struct bench_wire *out, uint64_t now)
{
    ip4_addr_t ip, mask, gateway;

    self.user = u;
    self.out = out;
    self.setup = *s;
    clock_ns = now;
    lwip_init();
    IP4_ADDR(&ip, 10, 0, 0, s->side + 1);
    IP4_ADDR(&mask, 255, 0, 0, 0);
    IP4_ADDR(&gateway, 10, 0, 0, 2 - s->side);
    IP_ADDR4(&self.peer, 10, 0, 0, 2 - s->side);
    if (!netif_add(&self.netif, &ip, &mask, &gateway, NULL, netif_up, ip_input))
        return NULL;
    netif_set_default(&self.netif);
    netif_set_up(&self.netif);
    return &self;
}

/**
 * lwip_input() - a burst, packet by packet. Into PBUF_RAM: the pool buffers of Debian's build are
 * taken to hold 1536 octets (pbuf.c) but made for 592 (memp.c), and overrun by a larger packet.
 */
static void lwip_input(struct bench_host *b, const struct bench_packet *p, size_t n, uint64_t now)
{
    clock_ns = now;
    for (size_t i = 0; i < n; i++) {
        struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)p[i].len, PBUF_RAM);

        if (!q)
            continue;
        pbuf_take(q, p[i].data, (u16_t)p[i].len);
        if (b->netif.input(q, &b->netif) != ERR_OK)
            pbuf_free(q);
    }
}

/** lwip_work() - timers; all else happens inside the calls */
static void lwip_work(struct bench_host *b, uint64_t now)
{
    (void)b;
    clock_ns = now;
    sys_check_timeouts();
}

/** lwip_deadline() - when the next timer is due */
static uint64_t lwip_deadline(struct bench_host *b, uint64_t now)
{
    u32_t ms;

    (void)b;
    clock_ns = now;
    ms = sys_timeouts_sleeptime();
    return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX
                                                 : (now / 1000000 + ms) * (uint64_t)1000000;
}

/* --- connections --- */

/** on_recv() - tcp_recv_fn: the application reads, as recv() would */
static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct bench_conn *c = arg;
    u16_t n;

    (void)err;
    if (!p) {
        if (c)
            self.user->on(self.user->arg, c, BENCH_END, NULL, 0);
        return ERR_OK;
    }
    if (self.setup.loan) {
        for (struct pbuf *q = p; q && c; q = q->next)
            self.user->on(self.user->arg, c, BENCH_DATA, q->payload, q->len);
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    n = pbuf_copy_partial(p, self.sink, p->tot_len, 0);
    tcp_recved(pcb, n);
    pbuf_free(p);
    if (c)
        self.user->on(self.user->arg, c, BENCH_DATA, self.sink, n);
    return ERR_OK;
}

/** on_sent() - tcp_sent_fn: room in the send buffer */
static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb;
    (void)len;
    if (arg)
        self.user->on(self.user->arg, arg, BENCH_WRITABLE, NULL, 0);
    return ERR_OK;
}

/** on_error() - tcp_err_fn: the block is gone already */
static void on_error(void *arg, err_t err)
{
    struct bench_conn *c = arg;

    (void)err;
    if (!c)
        return;
    c->open = false;
    self.user->on(self.user->arg, c, BENCH_FAILED, NULL, 0);
}

/** on_connected() - tcp_connected_fn */
static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    if (arg)
        self.user->on(self.user->arg, arg, BENCH_CONNECTED, NULL, 0);
    return ERR_OK;
}

/** adopt() - @pcb belongs to @c */
static void adopt(struct tcp_pcb *pcb, struct bench_conn *c)
{
    c->pcb = pcb;
    c->open = true;
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    if (self.setup.keepalive) {
        ip_set_option(pcb, SOF_KEEPALIVE);
        pcb->keep_idle = (u32_t)(self.setup.keepalive_idle / 1000000);
    }
}

/** on_accept() - tcp_accept_fn */
static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    adopt(pcb, self.user->accept(self.user->arg, self.user->side));
    return ERR_OK;
}

/** lwip_listen() - at any address */
static bool lwip_listen(struct bench_host *b, uint16_t port)
{
    struct tcp_pcb *p = tcp_new();

    if (!p || tcp_bind(p, IP4_ADDR_ANY, port) != ERR_OK)
        return false;
    p = tcp_listen_with_backlog(p, (u8_t)(b->setup.backlog < 255 ? b->setup.backlog : 255));
    if (!p)
        return false;
    tcp_accept(p, on_accept);
    return true;
}

/**
 * lwip_connect() - to the other host. A port that the application has chosen is entered without
 * tcp_bind(), whose search for duplicates walks all connections: the caller knows that it is free.
 */
static bool lwip_connect(struct bench_host *b, struct bench_conn *c, uint16_t port,
                         uint16_t local_port, uint64_t now)
{
    struct tcp_pcb *p = tcp_new();

    clock_ns = now;
    if (!p)
        return false;
    adopt(p, c);
    if (local_port) {
        ip_addr_copy(p->local_ip, b->netif.ip_addr);
        p->local_port = local_port;
        TCP_REG(&tcp_bound_pcbs, p);
    }
    if (tcp_connect(p, &b->peer, port, on_connected) == ERR_OK)
        return true;
    tcp_arg(p, NULL);
    tcp_abort(p);
    c->open = false;
    return false;
}

/** lwip_send() - octets taken, in writes of at most 32 KiB; on loan lwIP refers to the
 * application's own, which stay as they are */
static size_t lwip_send(struct bench_host *b, struct bench_conn *c, const uint8_t *data, size_t len,
                        uint64_t now)
{
    u8_t copy = self.setup.loan ? 0 : TCP_WRITE_FLAG_COPY;
    struct tcp_pcb *p = c->pcb;
    size_t done = 0;

    (void)b;
    clock_ns = now;
    while (done < len) {
        size_t n = len - done;

        n = n < 32768 ? n : 32768;
        n = n < tcp_sndbuf(p) ? n : tcp_sndbuf(p);
        if (!n || tcp_write(p, data + done, (u16_t)n,
                            copy | (done + n < len ? TCP_WRITE_FLAG_MORE : 0)) != ERR_OK)
            break;
        done += n;
    }
    if (done)
        tcp_output(p);
    return done;
}

/** lwip_close() - the application is done with it */
static void lwip_close(struct bench_host *b, struct bench_conn *c, uint64_t now)
{
    struct tcp_pcb *p = c->pcb;

    (void)b;
    clock_ns = now;
    tcp_arg(p, NULL);
    tcp_recv(p, NULL);
    tcp_sent(p, NULL);
    tcp_err(p, NULL);
    if (tcp_close(p) != ERR_OK)
        tcp_abort(p);
}

/** lwip_memory() - what its malloc has handed out */
static uint64_t lwip_memory(struct bench_host *b)
{
    struct mallinfo2 m = mallinfo2();

    (void)b;
    return m.uordblks + m.hblkhd;
}

/** lwip_time_wait() - 2 MSL of this build */
static uint64_t lwip_time_wait(struct bench_host *b)
{
    (void)b;
    return (uint64_t)2 * TCP_MSL * 1000000;
}

/** lwip_waiting() - connections in TIME-WAIT */
static uint64_t lwip_waiting(struct bench_host *b)
{
    uint64_t n = 0;

    (void)b;
    for (struct tcp_pcb *p = tcp_tw_pcbs; p; p = p->next)
        n++;
    return n;
}

__attribute__((visibility("default"))) extern const struct bench_stack bench_lwip;
const struct bench_stack bench_lwip = {
    .name = "lwip",
    .refuses = lwip_refuses,
    .open = lwip_open,
    .input = lwip_input,
    .work = lwip_work,
    .deadline = lwip_deadline,
    .listen = lwip_listen,
    .connect = lwip_connect,
    .send = lwip_send,
    .close = lwip_close,
    .memory = lwip_memory,
    .time_wait = lwip_time_wait,
    .waiting = lwip_waiting,
};
