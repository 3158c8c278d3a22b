/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mw_fault.c  Middleware: an impaired path in front of any link, on real or virtual time.
 *
 * Frames are cut up into wire packets (unless pass_super), each goes through its direction's pipe,
 * and waits in a heap until its time has come. What comes out towards the lower link and is refused
 * because that is full is lost: it is a lossy path.
 */
#include "link/packet.h"
#include "link/pipe.h"
#include "link/router.h"

#include "wire/eth.h"

#include <stdlib.h>

#define FAULT_BURST     32
#define FAULT_MAX_BYTES (UINT64_C(256) << 20) /* in flight, both ways */

struct fault_way {
    struct pipe pipe;
    struct packet_heap heap;
};

struct fault {
    struct gn_link link; /* first */
    struct gn_link *lower;
    struct packet_pool pool;
    struct fault_way tx, rx;
    struct packet_fifo lent;
};

/** fault_enter() - one packet goes through the pipe of @w */
static void fault_enter(struct fault *f, struct fault_way *w, struct packet *p, gn_time now)
{
    struct pipe_verdict v = pipe_offer(&w->pipe, p->bytes, p->frame.len, now);
    struct packet *twin;

    /* nobody would notice a flipped bit under a checksum that is still owed */
    if (v.loss != GN_LOSS_NONE || (v.corrupt && (p->frame.flags & GN_FRAME_CSUM_OWED))) {
        packet_free(&f->pool, p);
        return;
    }
    p->at = v.at;
    if (v.mark)
        router_mark(p->bytes + w->pipe.ip_at);
    twin = v.duplicate ? packet_clone(&f->pool, p) : NULL;
    if (v.corrupt) {
        packet_flip(p, v.bit);
        p->frame.flags = 0;
    }
    if (!packet_heap_push(&w->heap, p))
        packet_free(&f->pool, p);
    if (twin && !packet_heap_push(&w->heap, twin))
        packet_free(&f->pool, twin);
}

/** fault_cut() - the packets of one frame go through the pipe of @w; false: malformed */
static bool fault_cut(struct fault *f, struct fault_way *w, const struct gn_frame *frame,
                      gn_time now)
{
    struct cut cut;

    if (!cut_begin(&cut, frame, f->link.iface.medium, w->pipe.c.pass_super))
        return false;
    while (cut_more(&cut)) {
        struct packet *p = cut_next(&cut, &f->pool);

        if (p)
            fault_enter(f, w, p, now);
    }
    return true;
}

/** fault_flush() - hand what has come out of the tx pipe to the lower link; 0 or -errno */
static int fault_flush(struct fault *f, gn_time now)
{
    struct packet *p;
    int r = 0;

    while (r >= 0 && (p = packet_heap_pop(&f->tx.heap, now))) {
        /* a device that does not do checksums must not see flags about them */
        if (!(p->frame.flags & GN_FRAME_CSUM_OWED))
            p->frame.flags = 0;
        r = gn_link_tx(f->lower, &p->frame, 1, now);
        if (r == 0)
            f->link.stats.tx_dropped++;
        packet_free(&f->pool, p);
    }
    return r < 0 ? r : 0;
}

/** fault_tx() - gn_link_ops.tx */
static int fault_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct fault *f = (struct fault *)(void *)l;
    int r;

    for (size_t i = 0; i < n; i++) {
        if (!fault_cut(f, &f->tx, &frames[i], now)) {
            l->stats.tx_dropped++;
            continue;
        }
        l->stats.tx_frames++;
        l->stats.tx_bytes += gn_frame_total(&frames[i]);
        l->stats.tx_super += frames[i].gso_size != 0;
    }
    r = fault_flush(f, now);
    return r < 0 ? r : (int)n;
}

/** fault_deliver() - what has come out of the rx pipe to @frames; their number */
static size_t fault_deliver(struct fault *f, struct gn_frame *frames, size_t n, gn_time now)
{
    struct gn_link_stats *stats = &f->link.stats;
    struct packet *p;
    size_t got = 0;

    while (got < n && (p = packet_heap_pop(&f->rx.heap, now))) {
        packet_append(&f->lent, p);
        if (!(f->link.iface.caps & GN_CAP_CSUM_RX))
            p->frame.flags &= (uint8_t)~GN_FRAME_CSUM_OK;
        frames[got++] = p->frame;
        stats->rx_frames++;
        stats->rx_bytes += p->frame.len;
        stats->rx_super += p->frame.gso_size != 0;
    }
    return got;
}

/** fault_rx() - gn_link_ops.rx; what is due already goes first, so that it cannot pile up */
static int fault_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct fault *f = (struct fault *)(void *)l;
    struct gn_frame in[FAULT_BURST];
    int r = fault_flush(f, now);
    size_t got;

    if (r < 0)
        return r;
    packet_clear(&f->lent, &f->pool);
    got = fault_deliver(f, frames, n, now);
    if (got == n)
        return (int)got;
    r = gn_link_rx(f->lower, in, FAULT_BURST, now);
    if (r < 0)
        return r;
    for (int i = 0; i < r; i++)
        l->stats.rx_dropped += !fault_cut(f, &f->rx, &in[i], now);
    return (int)(got + fault_deliver(f, frames + got, n - got, now));
}

/** earlier() - of two deadlines */
static struct gn_deadline earlier(struct gn_deadline a, struct gn_deadline b)
{
    return !b.armed || (a.armed && a.at <= b.at) ? a : b;
}

/** fault_deadline() - the next packet to come out, either way */
static struct gn_deadline fault_deadline(const struct gn_link *l)
{
    const struct fault *f = (const struct fault *)(const void *)l;
    struct gn_deadline d = gn_link_deadline(f->lower);

    d = earlier(d, packet_heap_deadline(&f->tx.heap));
    return earlier(d, packet_heap_deadline(&f->rx.heap));
}

/** fault_free() - all but the lower link */
static void fault_free(struct fault *f)
{
    packet_clear(&f->lent, &f->pool);
    packet_heap_fini(&f->tx.heap, &f->pool);
    packet_heap_fini(&f->rx.heap, &f->pool);
    pipe_fini(&f->tx.pipe);
    pipe_fini(&f->rx.pipe);
    free(f);
}

/** fault_close() - gn_link_ops.close; what is in flight is lost */
static void fault_close(struct gn_link *l)
{
    struct fault *f = (struct fault *)(void *)l;

    gn_link_close(f->lower);
    fault_free(f);
}

static const struct gn_link_ops fault_ops = {fault_rx, fault_tx, fault_deadline, fault_close};

struct gn_link *gn_link_fault(struct gn_link *lower, const struct gn_pipe_config *tx,
                              const struct gn_pipe_config *rx, uint64_t seed)
{
    struct fault *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->lower = lower;
    f->pool.max = FAULT_MAX_BYTES;
    if (!pipe_init(&f->tx.pipe, tx, seed, 0) || !pipe_init(&f->rx.pipe, rx, seed, 1)) {
        fault_free(f);
        return NULL;
    }
    f->tx.pipe.ip_at = f->rx.pipe.ip_at =
        lower->iface.medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;
    f->link = (struct gn_link){
        .ops = &fault_ops, .fd = lower->fd, .iface = lower->iface, .about = lower->about};
    /* cutting up and gathering is done here, whatever the lower link can do */
    f->link.iface.caps |= GN_CAP_GATHER;
    if (!tx->pass_super)
        f->link.iface.caps |= GN_CAP_CSUM_TX | GN_CAP_TSO;
    return &f->link;
}
