/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file perf.c  What a host costs: bulk, churn, ping, idle, flood and timers, two hosts in one
 * process on a wire in memory, virtual time, CPU time of both ends together.
 *
 * Not a test: prints figures. Build it with optimisation and without the checks of test builds:
 *
 *     cc -O3 -march=native -Iinclude -Isrc tests/perf/perf.c src/{base,wire,congestion}/X.c ...
 */
#include <gannet/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIRE_CAP 1024
#define SLOT_CAP (caps & GN_CAP_TSO ? 66 * 1024u : 1600u)
#define BURST    32

struct slot {
    struct gn_frame f;
    uint8_t *room;
};

struct side {
    struct gn_host *h;
    struct slot *in; /* packets on their way to this host */
    uint8_t *arena;  /* their octets */
    size_t head, n;
    size_t memory;
};

static struct side side[2];
static gn_time now = 1000 * GN_SEC;
static unsigned caps;
static const struct gn_endpoint any;

static void *page_alloc(void *ctx, size_t bytes)
{
    *(size_t *)ctx += bytes;
    return aligned_alloc(4096, bytes);
}

static void page_free(void *ctx, void *block, size_t bytes)
{
    *(size_t *)ctx -= bytes;
    free(block);
}

/** cpu() - CPU time of the process in seconds */
static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/** must() - a call that may not fail here */
static void must(enum gn_err err)
{
    if (err) {
        fprintf(stderr, "perf: %s\n", gn_err_text(err));
        exit(1);
    }
}

/** up() - host @i with address 10.0.0.i+1/8 */
static void up(unsigned i, const struct gn_conf *conf)
{
    struct gn_host_config c = {.conf = *conf};
    struct gn_iface f = {.medium = GN_MEDIUM_IP, .mtu = 1500, .caps = caps};
    struct side *s = &side[i];

    c.pages = (struct gn_page_source){page_alloc, page_free, &s->memory};
    memset(c.secret, 7 + (int)i, sizeof(c.secret));
    s->h = gn_host_new(&c, now, NULL);
    if (!s->h)
        must(GN_E_NO_MEMORY);
    gn_host_add_iface(s->h, &f);
    must(gn_host_add_addr(s->h, 0, gn_addr_v4(10, 0, 0, (uint8_t)(i + 1)), 8));
    if (!s->in) {
        s->in = calloc(WIRE_CAP, sizeof(*s->in));
        s->arena = calloc(WIRE_CAP, 66 * 1024);
    }
    for (size_t k = 0; k < WIRE_CAP; k++)
        s->in[k].room = s->arena + k * SLOT_CAP;
    s->head = s->n = 0;
}

/** all_up() - a fresh world */
static void all_up(const struct gn_conf *conf)
{
    for (unsigned i = 0; i < 2; i++) {
        gn_host_free(side[i].h);
        up(i, conf);
    }
}

/** pull() - host @i fills frames that lie in the other's wire; how many */
static size_t pull(unsigned i)
{
    struct side *to = &side[1 - i];
    struct gn_frame f[BURST];
    size_t room = WIRE_CAP - to->n, n;

    if (room > BURST)
        room = BURST;
    for (size_t k = 0; k < room; k++) {
        f[k].buf = to->in[(to->head + to->n + k) % WIRE_CAP].room;
        f[k].cap = SLOT_CAP;
    }
    n = gn_host_output(side[i].h, f, room, now);
    for (size_t k = 0; k < n; k++) {
        struct slot *s = &to->in[(to->head + to->n + k) % WIRE_CAP];

        for (unsigned t = 0; t < f[k].n_tail; t++) { /* the wire's copy */
            memcpy(s->room + f[k].len, f[k].tail[t].ptr, f[k].tail[t].len);
            f[k].len += f[k].tail[t].len;
        }
        f[k].n_tail = 0;
        s->f = f[k];
    }
    to->n += n;
    return n;
}

/** push() - up to a burst of what is under way arrives at host @i */
static size_t push(unsigned i)
{
    struct side *s = &side[i];
    struct gn_frame f[BURST];
    size_t n = 0;

    for (; n < BURST && n < s->n; n++)
        f[n] = s->in[(s->head + n) % WIRE_CAP].f;
    if (n)
        gn_host_input(s->h, f, n, now);
    s->head += n;
    s->n -= n;
    return n;
}

/** turn() - one round of everything; was there anything? */
static bool turn(void)
{
    size_t n = pull(0);

    n += push(1);
    n += pull(1);
    n += push(0);
    return n > 0;
}

static void settle(void)
{
    while (turn())
        ;
}

/** discard_events() - this driver polls */
static void discard_events(unsigned i)
{
    struct gn_event ev[64];

    while (gn_host_events(side[i].h, ev, 64) == 64)
        ;
}

static struct gn_endpoint server(uint16_t port)
{
    return (struct gn_endpoint){gn_addr_v4(10, 0, 0, 2), port};
}

static void bulk(const char *name, uint64_t window, uint64_t total)
{
    static uint8_t out[65536], in[65536];
    struct gn_conf c;
    gn_handle l, a, b;
    uint64_t sent = 0, got = 0, segs;
    struct gn_stats st;
    double t;

    gn_conf_default(&c);
    c.tcp_rmem_default = c.tcp_wmem_default = window;
    c.tcp_rmem_max = c.tcp_wmem_max = window > c.tcp_rmem_max ? window : c.tcp_rmem_max;
    c.tcp_moderate_rcvbuf = 0;
    all_up(&c);
    must(gn_host_listen(side[1].h, server(80), 8, NULL, &l));
    must(gn_host_connect(side[0].h, any, server(80), NULL, now, &a));
    settle();
    must(gn_host_accept(side[1].h, l, &b));
    t = cpu();
    while (got < total) {
        int64_t k;

        while (sent < total && (k = gn_host_send(side[0].h, a, out, sizeof(out), 0, now)) > 0)
            sent += (uint64_t)k;
        pull(0);
        push(1);
        while ((k = gn_host_recv(side[1].h, b, in, sizeof(in), 0, now)) > 0)
            got += (uint64_t)k;
        pull(1);
        push(0);
        now += 10 * GN_USEC;
    }
    t = cpu() - t;
    gn_host_stats(side[0].h, &st);
    segs = got / 1460;
    printf("bulk %-22s window %4lu KiB: %6.1f ns per 1460 octets, %6.1f Gbit/s, %lu segments, "
           "%lu retransmitted\n",
           name, (unsigned long)(window >> 10), t / (double)segs * 1e9, (double)got * 8 / t * 1e-9,
           (unsigned long)st.OutSegs, (unsigned long)st.RetransSegs);
}

struct client {
    gn_handle c;
    unsigned step;
};

static void churn(unsigned total, uint64_t msl, unsigned ports)
{
    enum { AT_ONCE = 100 };
    static struct client cl[AT_ONCE];
    static gn_handle srv[4096];
    uint8_t buf[64] = {0};
    struct gn_conf c;
    gn_handle l[64], s;
    struct gn_event ev[64];
    unsigned done = 0, started = 0;
    double t;

    gn_conf_default(&c);
    c.tcp_msl = msl;
    (void)srv;
    all_up(&c);
    for (unsigned i = 0; i < ports; i++)
        must(gn_host_listen(side[1].h, server((uint16_t)(80 + i)), 1024, NULL, &l[i]));
    memset(cl, 0, sizeof(cl));
    t = cpu();
    while (done < total) {
        size_t n;

        for (unsigned i = 0; i < AT_ONCE && started < total; i++)
            if (!cl[i].c) {
                must(gn_host_connect(side[0].h, any, server((uint16_t)(80 + started % ports)),
                                     &cl[i], now, &cl[i].c));
                started++;
            }
        turn();
        while ((n = gn_host_events(side[1].h, ev, 64)))
            for (size_t i = 0; i < n; i++) {
                if (ev[i].what & GN_EV_ACCEPT)
                    while (!gn_host_accept(side[1].h, ev[i].handle, &s))
                        ;
                else if (ev[i].what & (GN_EV_READABLE | GN_EV_EOF)) {
                    int64_t k = gn_host_recv(side[1].h, ev[i].handle, buf, 64, 0, now);

                    if (k > 0)
                        gn_host_send(side[1].h, ev[i].handle, buf, 64, 0, now);
                    else if (k != GN_E_WOULD_BLOCK)
                        gn_host_close(side[1].h, ev[i].handle, now);
                }
            }
        while ((n = gn_host_events(side[0].h, ev, 64)))
            for (size_t i = 0; i < n; i++) {
                struct client *k = ev[i].user;

                if (ev[i].what & GN_EV_CONNECTED)
                    gn_host_send(side[0].h, k->c, buf, 64, 0, now);
                if (ev[i].what & GN_EV_READABLE &&
                    gn_host_recv(side[0].h, k->c, buf, 64, 0, now) == 64) {
                    gn_host_close(side[0].h, k->c, now);
                    k->c = 0;
                    done++;
                }
            }
        now += 10 * GN_USEC;
    }
    t = cpu() - t;
    {
        struct gn_stats st;

        gn_host_stats(side[0].h, &st);
        printf("churn %u, 2MSL %lu ms: %.0f lifecycles per CPU second, %lu in TIME-WAIT\n", total,
               (unsigned long)(2 * msl / GN_MSEC), total / t,
               (unsigned long)st.state[GN_TIME_WAIT]);
    }
}

static void idle_and_ping(unsigned n, unsigned pings)
{
    gn_handle *a = calloc(n, sizeof(*a)), *b = calloc(n, sizeof(*b)), l[64];
    uint8_t buf[64] = {0};
    size_t before, after;
    uint64_t x = 88172645463325252u;
    struct gn_conf c;
    unsigned ports = n / 20000 + 1;
    double t;

    gn_conf_default(&c);
    all_up(&c);
    before = side[0].memory + side[1].memory;
    for (unsigned i = 0; i < ports; i++)
        must(gn_host_listen(side[1].h, server((uint16_t)(80 + i)), 1024, NULL, &l[i]));
    t = cpu();
    for (unsigned i = 0; i < n; i++) {
        must(gn_host_connect(side[0].h, any, server((uint16_t)(80 + i % ports)), NULL, now, &a[i]));
        settle();
        must(gn_host_accept(side[1].h, l[i % ports], &b[i]));
        if (i % 64 == 0) {
            discard_events(0);
            discard_events(1);
            now += GN_MSEC;
        }
    }
    printf("open %u: %.2f us each\n", n, (cpu() - t) / n * 1e6);
    discard_events(0);
    discard_events(1);
    after = side[0].memory + side[1].memory;
    printf("idle %u: %.0f octets per end\n", n, (double)(after - before) / (2.0 * n));
    t = cpu();
    for (unsigned i = 0; i < pings; i++) {
        unsigned k;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        k = (unsigned)(x % n);
        gn_host_send(side[0].h, a[k], buf, 64, 0, now);
        pull(0);
        push(1);
        if (gn_host_recv(side[1].h, b[k], buf, 64, 0, now) == 64)
            gn_host_send(side[1].h, b[k], buf, 64, 0, now);
        pull(1);
        push(0);
        gn_host_recv(side[0].h, a[k], buf, 64, 0, now);
        if (i % 64 == 0) {
            discard_events(0);
            discard_events(1);
        }
        now += 10 * GN_USEC;
    }
    printf("ping over %u: %.3f us\n", n, (cpu() - t) / pings * 1e6);
    free(a);
    free(b);
}

/** timers() - @n idle connections with keep-alive, simulated for an hour */
static void timers(unsigned n)
{
    gn_handle a, b, l[64];
    unsigned ports = n / 20000 + 1;
    struct gn_conf c;
    gn_time end;
    double t;

    gn_conf_default(&c);
    all_up(&c);
    for (unsigned i = 0; i < ports; i++)
        must(gn_host_listen(side[1].h, server((uint16_t)(80 + i)), 1024, NULL, &l[i]));
    for (unsigned i = 0; i < n; i++) {
        must(gn_host_connect(side[0].h, any, server((uint16_t)(80 + i % ports)), NULL, now, &a));
        settle();
        must(gn_host_accept(side[1].h, l[i % ports], &b));
        gn_host_set_option(side[0].h, a, GN_OPT_KEEPALIVE, 1, now);
        gn_host_set_option(side[1].h, b, GN_OPT_KEEPALIVE, 1, now);
    }
    now += 10 * GN_SEC;
    settle();
    t = cpu();
    for (end = now + 3600 * GN_SEC; now < end;) {
        for (unsigned i = 0; i < 2; i++) {
            struct gn_deadline d = gn_host_deadline(side[i].h);

            if (d.armed && d.at <= now)
                pull(i);
        }
        now += 10 * GN_MSEC;
    }
    printf("timers %u with keep-alive: %.3f ms of CPU per simulated minute\n", n,
           (cpu() - t) / 60 * 1e3);
}

static uint16_t fold(uint64_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/** forge() - a SYN from a random address to port 80 of host 1, with checksums; @ts: options as
 *  Linux sends them */
static void forge(uint8_t *p, uint32_t addr, uint16_t port, uint32_t seq)
{
    static const uint8_t t[60] = {0x45, 0,  0,    60, 0,    0,    0x40, 0, 64, 6, 0, 0, 0, 0,    0,
                                  0,    10, 0,    0,  2,    0,    0,    0, 80, 0, 0, 0, 0, 0,    0,
                                  0,    0,  0xa0, 2,  0xff, 0xff, 0,    0, 0,  0, 2, 4, 5, 0xb4, 4,
                                  2,    8,  10,   0,  0,    0,    1,    0, 0,  0, 0, 1, 3, 3,    7};
    uint64_t s = 0;

    memcpy(p, t, 60);
    memcpy(p + 12, &addr, 4);
    memcpy(p + 20, &port, 2);
    memcpy(p + 24, &seq, 4);
    for (int i = 0; i < 20; i += 2)
        s += (uint64_t)p[i] << 8 | p[i + 1];
    s = (uint16_t)~fold(s);
    p[10] = (uint8_t)(s >> 8);
    p[11] = (uint8_t)s;
    s = 6 + 40;
    for (int i = 12; i < 60; i += 2)
        s += (uint64_t)p[i] << 8 | p[i + 1];
    s = (uint16_t)~fold(s);
    p[36] = (uint8_t)(s >> 8);
    p[37] = (uint8_t)s;
}

/** flood() - @n SYNs at 100,000 a second; the SYN,ACKs go nowhere */
static void flood(unsigned n)
{
    static uint8_t p[BURST][64];
    static uint8_t room[BURST][2048];
    struct gn_frame f[BURST], o[BURST];
    struct gn_stats st;
    struct gn_conf c;
    gn_handle l;
    size_t before;
    uint64_t x = 88172645463325252u;
    double t, build = 0;

    gn_conf_default(&c);
    all_up(&c);
    must(gn_host_listen(side[1].h, server(80), 255, NULL, &l));
    memset(f, 0, sizeof(f));
    before = 0;
    t = cpu();
    for (unsigned i = 0; i < n; i += BURST) {
        double b = cpu();

        for (unsigned k = 0; k < BURST; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            forge(p[k], (uint32_t)x | 0x0000400a, (uint16_t)(x >> 32), (uint32_t)(x >> 24));
            p[k][12] = 10; /* everybody is in 10.0.0.0/8 */
            f[k].data = p[k];
            f[k].len = 60;
        }
        for (unsigned k = 0; k < BURST; k++)
            forge(p[k], (uint32_t)(10 | (x * (k + 1) >> 20) << 8), (uint16_t)(x >> k),
                  (uint32_t)(x >> 24));
        build += cpu() - b;
        gn_host_input(side[1].h, f, BURST, now);
        for (unsigned k = 0; k < BURST; k++) {
            o[k].buf = room[k];
            o[k].cap = sizeof(room[k]);
        }
        while (gn_host_output(side[1].h, o, BURST, now))
            ;
        now += BURST * 10 * GN_USEC;
        if (i == 1024 * BURST)
            before = side[1].memory;
    }
    t = cpu() - t - build;
    gn_host_stats(side[1].h, &st);
    printf("flood %u: %.0f ns per SYN, %lu cookies, %lu half-open, memory grown by %zu\n", n,
           t / n * 1e9, (unsigned long)st.SyncookiesSent, (unsigned long)st.state[GN_SYN_RECEIVED],
           side[1].memory - before);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "all";
    bool all = !strcmp(what, "all");
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

    if (all || !strcmp(what, "bulk")) {
        uint64_t total = (uint64_t)(n ? n : 1) << 30;

        caps = 0;
        for (uint64_t k = 64; k <= 4096; k *= 4)
            bulk("1460, software sums", k << 10, total);
        caps = GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO;
        bulk("super-segments", 256 << 10, total);
        bulk("super-segments", 1024 << 10, total);
        caps |= GN_CAP_GATHER;
        bulk("super-segments, gather", 1024 << 10, total);
        caps = 0;
    }
    if (all || !strcmp(what, "churn")) {
        churn(n ? n : 200000, 500 * GN_USEC * 2, 1);
        churn(n ? n : 200000, 30 * GN_SEC, n ? n / 20000 + 1 : 20);
    }
    if (all || !strcmp(what, "flood"))
        flood(n ? n : 1000000);
    if (all || !strcmp(what, "ping"))
        idle_and_ping(1, 1000000);
    if (all || !strcmp(what, "ping") || !strcmp(what, "idle"))
        idle_and_ping(n ? n : 100000, 1000000);
    if (all || !strcmp(what, "timers"))
        timers(n ? n : 100000);
    for (unsigned i = 0; i < 2; i++)
        gn_host_free(side[i].h);
    return 0;
}
