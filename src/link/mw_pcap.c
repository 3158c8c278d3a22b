/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mw_pcap.c  Middleware: a copy of everything that passes goes to a capture file.
 *
 * Buffered frames reach the file when the link is closed, and else within FLUSH_EVERY while there
 * is something to do, so that a capture can be followed.
 */
#include "link/error.h"

#include <errno.h>
#include <stdlib.h>

#define FLUSH_EVERY (200 * GN_MSEC)

struct tee {
    struct gn_link link; /* first */
    struct gn_link *lower;
    struct gn_pcap *pcap;
    gn_time flush_at;
    bool dirty;
};

/** tee_write() - @n frames passed at @now */
static void tee_write(struct tee *t, const struct gn_frame *frames, int n, gn_time now)
{
    if (n > 0 && !t->dirty) {
        t->dirty = true;
        t->flush_at = now + FLUSH_EVERY;
    }
    for (int i = 0; i < n; i++)
        gn_pcap_write(t->pcap, &frames[i], now);
    if (t->dirty && now >= t->flush_at) {
        gn_pcap_flush(t->pcap);
        t->dirty = false;
    }
    t->link.stats = t->lower->stats;
}

/** tee_rx() - gn_link_ops.rx */
static int tee_rx(struct gn_link *l, struct gn_frame *frames, size_t n, gn_time now)
{
    struct tee *t = (struct tee *)(void *)l;
    int r = gn_link_rx(t->lower, frames, n, now);

    tee_write(t, frames, r, now);
    return r;
}

/** tee_tx() - gn_link_ops.tx */
static int tee_tx(struct gn_link *l, const struct gn_frame *frames, size_t n, gn_time now)
{
    struct tee *t = (struct tee *)(void *)l;
    int r = gn_link_tx(t->lower, frames, n, now);

    tee_write(t, frames, r, now);
    return r;
}

/** tee_deadline() - the lower link's, or the next flush */
static struct gn_deadline tee_deadline(const struct gn_link *l)
{
    const struct tee *t = (const struct tee *)(const void *)l;
    struct gn_deadline d = gn_link_deadline(t->lower);

    if (t->dirty && (!d.armed || t->flush_at < d.at))
        return (struct gn_deadline){t->flush_at, true};
    return d;
}

/** tee_close() - gn_link_ops.close */
static void tee_close(struct gn_link *l)
{
    struct tee *t = (struct tee *)(void *)l;

    gn_pcap_close(t->pcap);
    gn_link_close(t->lower);
    free(t);
}

static const struct gn_link_ops tee_ops = {tee_rx, tee_tx, tee_deadline, tee_close};

struct gn_link *gn_link_pcap(struct gn_link *lower, const char *path, gn_time epoch,
                             struct gn_link_error *ret_err)
{
    struct tee *t = calloc(1, sizeof *t);

    if (!t) {
        link_fail(ret_err, ENOMEM, "cannot write %s", path);
        return NULL;
    }
    t->pcap = gn_pcap_open(path, lower->iface.medium, epoch, ret_err);
    if (!t->pcap) {
        free(t);
        return NULL;
    }
    t->lower = lower;
    t->link = (struct gn_link){
        .ops = &tee_ops, .fd = lower->fd, .iface = lower->iface, .about = lower->about};
    return &t->link;
}
