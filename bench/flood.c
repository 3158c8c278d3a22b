/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file flood.c  SYNs from random addresses at a listener, and legitimate clients meanwhile.
 *
 * The flood goes straight into the server; what it sends to the strangers is counted and thrown
 * away. CPU time is that of the server while it takes the flood, nothing else.
 */
#include "workload.h"

#include <string.h>

#define MESSAGE  64
#define BATCH    32
#define SYN_LEN  60
#define AFTER_NS ((uint64_t)5000000000) /* for the clients' last retransmissions */
#define TURN_NS  ((uint64_t)10000000)

struct flood {
    struct world *w;
    uint64_t random, strangers;
    unsigned served, failed;
    uint8_t room[BATCH][64];
    struct bench_packet packet[BATCH];
};

static struct flood flood;

/** on() - the clients ask once; the server sends back what it gets */
static void on(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data, size_t len)
{
    switch (e) {
    case BENCH_CONNECTED:
        if (c->side == 0)
            world_send(arg, c, world_octets(arg, c->key), MESSAGE);
        break;
    case BENCH_DATA:
        if (c->side == 1) {
            world_send(arg, c, data, len);
            break;
        }
        if (memcmp(data, world_octets(arg, c->key + c->pos), len))
            world_fail(arg, "a response differs from its request");
        c->pos += len;
        if (c->pos == MESSAGE) {
            flood.served++;
            world_close(arg, c);
            world_drop(arg, c);
        }
        break;
    case BENCH_END:
        if (c->side == 1) {
            world_close(arg, c);
            world_drop(arg, c);
        }
        break;
    case BENCH_WRITABLE: break;
    case BENCH_FAILED:
        flood.failed += c->side == 0;
        world_drop(arg, c);
        break;
    }
}

/** sum() - the Internet checksum of @n octets at @p, an even number, continued from @s */
static uint16_t sum(const uint8_t *p, size_t n, uint32_t s)
{
    for (size_t i = 0; i < n; i += 2)
        s += (uint32_t)p[i] << 8 | p[i + 1];
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

/** put16() - big-endian */
static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* a SYN with the options of a common client; addresses, ports, checksums and SEQ vary */
static const char form[SYN_LEN + 1] =
    "\x45\x00\x00\x3c\x00\x00\x40\x00\x40\x06\x00\x00\x0a\x00\x00\x00\x0a\x00\x00\x02"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa0\x02\xfa\xf0\x00\x00\x00\x00"
    "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x00\x01\x03\x03\x07";

/** forge() - a SYN from somewhere in 10.64.0.0/10 */
static void forge(struct flood *b, uint8_t *p)
{
    uint64_t x = b->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    b->random = x;
    memcpy(p, form, SYN_LEN);
    p[13] = (uint8_t)(64 | (x & 63));
    put16(p + 14, (uint16_t)(x >> 8));
    put16(p + 20, (uint16_t)(1024 + (x >> 24) % 64000));
    put16(p + 22, BENCH_PORT);
    memcpy(p + 24, &x, 4);
    put16(p + 10, sum(p, 20, 0));
    put16(p + 36, sum(p + 12, SYN_LEN - 12, 6 + SYN_LEN - 20));
}

/** client_turn() - what the server has sent reaches the clients, and their packets the server */
static void client_turn(struct flood *b)
{
    static const uint8_t client[4] = {10, 0, 0, 1};
    struct world *w = b->w;
    struct bench_wire *back = &w->wire[1], *there = &w->wire[0];

    while (back->head != back->tail) {
        struct bench_packet *p = &back->ring[back->head++ & (back->size - 1)];

        if (memcmp(p->data + 16, client, 4))
            b->strangers++;
        else
            w->stack[0]->input(w->host[0], p, 1, w->now);
    }
    w->stack[0]->work(w->host[0], w->now);
    while (there->head != there->tail)
        w->stack[1]->input(w->host[1], &there->ring[there->head++ & (there->size - 1)], 1, w->now);
    w->stack[1]->work(w->host[1], w->now);
}

/** batch() - one batch of the flood; CPU seconds of the server */
static double batch(struct flood *b, uint64_t gap_ns)
{
    struct world *w = b->w;
    double t;

    for (unsigned i = 0; i < BATCH; i++)
        forge(b, b->room[i]);
    t = world_cpu();
    w->stack[1]->input(w->host[1], b->packet, BATCH, w->now);
    w->stack[1]->work(w->host[1], w->now);
    t = world_cpu() - t;
    w->now += BATCH * gap_ns;
    client_turn(b);
    return t;
}

void flood_run(const char *stack, const struct options *o, struct result *r)
{
    struct bench_setup s = {
        .timestamps = o->timestamps, .sack = o->sack, .backlog = (unsigned)o->backlog};
    struct flood *b = &flood;
    struct world *w = world_open(stack, &s, on, r->why);
    uint64_t batches = (o->syns + BATCH - 1) / BATCH, sent = 0, took = 0, before, grown, end;
    double t = 0, t0 = world_cpu();

    if (!w)
        return;
    *b = (struct flood){.w = w, .random = 88172645463325252};
    for (unsigned i = 0; i < BATCH; i++)
        b->packet[i] = (struct bench_packet){.data = b->room[i], .len = SYN_LEN};
    world_listen(w, 1);
    before = w->stack[1]->memory(w->host[1]);
    for (; took < batches && world_cpu() - t0 < (double)o->cpu_s; took++) {
        while (sent < o->clients && sent * batches <= took * o->clients) {
            struct bench_conn *c = world_conn(w, 0);

            c->key = (uint32_t)sent++;
            if (!world_connect(w, c, BENCH_PORT, 0))
                world_fail(w, "a client cannot open a connection");
        }
        t += batch(b, 1000000000 / o->rate);
    }
    grown = w->stack[1]->memory(w->host[1]) - before;
    for (end = w->now + AFTER_NS; w->now < end; w->now += TURN_NS)
        client_turn(b);
    memcpy(r->why, w->wrong, sizeof(r->why));
    figure_add(r, "one SYN", "ns", t * 1e9 / (double)(took * BATCH));
    figure_add(r, "clients served", "", b->served);
    figure_add(r, "clients", "", (double)sent);
    figure_add(r, "SYNs", "", (double)(took * BATCH));
    figure_add(r, "memory grown", "KiB", (double)(int64_t)grown / 1024);
    figure_add(r, "answers to strangers", "", (double)b->strangers);
}
