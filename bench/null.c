/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file null.c  No protocol at all: the floor under the other figures.
 *
 * It moves octets as a TCP does (application, send buffer, packet, receive buffer, application; the
 * last copy is left out if the application reads in the receive buffer, that into the packet if it
 * may refer to the send buffer) in packets of the same
 * size, keeps the same window and acknowledges once a burst. There is no checksum, no header but a
 * length and a count, no timer, no loss, and one connection.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 40

struct bench_host {
    const struct bench_user *user;
    struct bench_wire *out;
    struct bench_conn *c;
    uint8_t *snd, *rcv;
    uint64_t window, payload;
    uint64_t written, sent, acked; /* octets of the stream out */
    uint64_t arrived, read;        /* octets of the stream in */
    bool owes, fresh;              /* an acknowledgment; the news that it is connected */
    bool loan, gather;
    uint8_t sink[BENCH_SINK];
};

/** null_refuses() - it can do bulk only */
static const char *null_refuses(const struct bench_setup *s)
{
    return s->window ? NULL : "has no connections to open and close";
}

/** null_open() - a host with a send and a receive buffer */
static struct bench_host *null_open(const struct bench_setup *s, const struct bench_user *u,
                                    struct bench_wire *out, uint64_t now)
{
    struct bench_host *b = calloc(1, sizeof(*b));

    (void)now;
    if (!b)
        return NULL;
    b->user = u;
    b->out = out;
    b->window = s->window;
    b->loan = s->loan;
    b->gather = s->gather;
    b->payload = s->super ? 65535 - HEAD : BENCH_MTU - HEAD;
    b->snd = malloc(s->window);
    b->rcv = malloc(s->window);
    return b->snd && b->rcv ? b : NULL;
}

/** ring_in() - copy into a ring of @size at stream position @at */
static void ring_in(uint8_t *ring, uint64_t size, uint64_t at, const uint8_t *src, size_t n)
{
    uint64_t first = size - at % size;

    if (first > n)
        first = n;
    memcpy(ring + at % size, src, first);
    memcpy(ring, src + first, n - first);
}

/** ring_out() - copy out of a ring */
static void ring_out(const uint8_t *ring, uint64_t size, uint64_t at, uint8_t *dst, size_t n)
{
    uint64_t first = size - at % size;

    if (first > n)
        first = n;
    memcpy(dst, ring + at % size, first);
    memcpy(dst + first, ring, n - first);
}

/** take_text() - some of a packet's payload into the receive buffer */
static void take_text(struct bench_host *b, const uint8_t *text, size_t len)
{
    ring_in(b->rcv, b->window, b->arrived, text, len);
    b->arrived += len;
    b->owes |= len > 0;
}

/** null_input() - count, and keep the payload */
static void null_input(struct bench_host *b, const struct bench_packet *p, size_t n, uint64_t now)
{
    (void)now;
    if (!b->c) {
        b->c = b->user->accept(b->user->arg, b->user->side);
        b->c->open = true;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t ack;

        memcpy(&ack, p[i].data, sizeof(ack));
        b->acked = ack > b->acked ? ack : b->acked;
        take_text(b, p[i].data + HEAD, p[i].len - HEAD);
        for (uint32_t k = 0; k < p[i].n_tail; k++)
            take_text(b, p[i].tail[k].ptr, p[i].tail[k].len);
    }
}

/** refer() - the payload of a packet is the next @len octets of the send buffer, where they are */
static void refer(struct bench_host *b, struct bench_packet *p, size_t len)
{
    uint64_t at = b->sent % b->window, first = b->window - at;

    p->tail[0] = (struct bench_span){b->snd + at, (uint32_t)(len < first ? len : first)};
    p->tail[1] = (struct bench_span){b->snd, (uint32_t)(len - p->tail[0].len)};
    p->n_tail = len > first ? 2 : 1;
}

/** transmit() - one packet with @len octets of payload */
static void transmit(struct bench_host *b, size_t len)
{
    struct bench_packet *p = bench_wire_slot(b->out, 0);

    memset(p->data, 0, HEAD);
    memcpy(p->data, &b->read, sizeof(b->read));
    p->len = HEAD;
    p->n_tail = 0;
    if (b->gather && len) {
        refer(b, p, len);
    } else {
        ring_out(b->snd, b->window, b->sent, p->data + HEAD, len);
        p->len += (uint32_t)len;
    }
    b->sent += len;
    b->owes = false;
    bench_wire_filled(b->out, 1, HEAD + len);
}

/** read_some() - the application gets @n octets */
static void read_some(struct bench_host *b, uint64_t n)
{
    uint64_t at = b->read % b->window;
    const uint8_t *data = b->sink;

    if (b->loan) {
        n = n < b->window - at ? n : b->window - at;
        data = b->rcv + at;
    } else {
        ring_out(b->rcv, b->window, b->read, b->sink, n);
    }
    b->read += n;
    b->user->on(b->user->arg, b->c, BENCH_DATA, data, n);
}

/** null_work() - the application reads and writes, then packets go out */
static void null_work(struct bench_host *b, uint64_t now)
{
    (void)now;
    if (b->fresh) {
        b->fresh = false;
        b->user->on(b->user->arg, b->c, BENCH_CONNECTED, NULL, 0);
    }
    while (b->read < b->arrived) {
        uint64_t n = b->arrived - b->read;

        n = n < BENCH_SINK ? n : BENCH_SINK;
        read_some(b, n);
    }
    if (b->c && b->written - b->acked < b->window / 2)
        b->user->on(b->user->arg, b->c, BENCH_WRITABLE, NULL, 0);
    while (b->sent < b->written && bench_wire_room(b->out)) {
        uint64_t n = b->written - b->sent;

        if (n < b->payload && b->sent > b->acked)
            break;
        transmit(b, n < b->payload ? n : b->payload);
    }
    if (b->owes && bench_wire_room(b->out))
        transmit(b, 0);
}

/** null_deadline() - it has no timers */
static uint64_t null_deadline(struct bench_host *b, uint64_t now)
{
    (void)b;
    (void)now;
    return UINT64_MAX;
}

/** null_listen() - whatever comes is accepted */
static bool null_listen(struct bench_host *b, uint16_t port)
{
    (void)b;
    (void)port;
    return true;
}

/** null_connect() - connected at once */
static bool null_connect(struct bench_host *b, struct bench_conn *c, uint16_t port,
                         uint16_t local_port, uint64_t now)
{
    (void)port;
    (void)local_port;
    (void)now;
    b->c = c;
    c->open = b->fresh = true;
    return true;
}

/** null_send() - into the send buffer, as much as fits */
static size_t null_send(struct bench_host *b, struct bench_conn *c, const uint8_t *data, size_t len,
                        uint64_t now)
{
    uint64_t room = b->window - (b->written - b->acked);

    (void)c;
    (void)now;
    if (len > room)
        len = room;
    ring_in(b->snd, b->window, b->written, data, len);
    b->written += len;
    return len;
}

/** null_close() - nothing to close */
static void null_close(struct bench_host *b, struct bench_conn *c, uint64_t now)
{
    (void)b;
    (void)c;
    (void)now;
}

/** null_none() - no memory worth a figure, no TIME-WAIT */
static uint64_t null_none(struct bench_host *b)
{
    (void)b;
    return 0;
}

const struct bench_stack stack_null = {
    .name = "null",
    .refuses = null_refuses,
    .open = null_open,
    .input = null_input,
    .work = null_work,
    .deadline = null_deadline,
    .listen = null_listen,
    .connect = null_connect,
    .send = null_send,
    .close = null_close,
    .memory = null_none,
    .time_wait = null_none,
    .waiting = null_none,
};
