/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file packet.c  Packets under way.
 */
#include "link/packet.h"

#include "base/bits.h"

#include <stdlib.h>

struct packet *packet_new(struct packet_pool *pool, uint32_t len)
{
    size_t bytes = sizeof(struct packet) + len;
    struct packet *p;

    if (pool->bytes + bytes > pool->max)
        return NULL;
    p = malloc(bytes);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->frame.data = p->bytes;
    p->frame.len = len;
    pool->bytes += bytes;
    pool->n++;
    return p;
}

struct packet *packet_clone(struct packet_pool *pool, const struct packet *p)
{
    struct packet *c = packet_new(pool, p->frame.len);

    if (!c)
        return NULL;
    memcpy(c, p, sizeof *p + p->frame.len);
    c->frame.data = c->bytes;
    c->next = NULL;
    return c;
}

void packet_free(struct packet_pool *pool, struct packet *p)
{
    pool->bytes -= sizeof *p + p->frame.len;
    pool->n--;
    free(p);
}

void packet_flip(struct packet *p, uint32_t bit)
{
    p->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

void packet_append(struct packet_fifo *f, struct packet *p)
{
    p->next = NULL;
    if (f->head)
        *f->tail = p;
    else
        f->head = p;
    f->tail = &p->next;
}

struct packet *packet_pop(struct packet_fifo *f)
{
    struct packet *p = f->head;

    if (p)
        f->head = p->next;
    return p;
}

void packet_clear(struct packet_fifo *f, struct packet_pool *pool)
{
    for (struct packet *p; (p = packet_pop(f));)
        packet_free(pool, p);
}

/** packet_before() - heap order */
static bool packet_before(const struct packet *a, const struct packet *b)
{
    return a->at != b->at ? a->at < b->at : a->serial < b->serial;
}

bool packet_heap_push(struct packet_heap *h, struct packet *p)
{
    size_t i = h->n;

    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 64;
        struct packet **v = realloc(h->v, cap * sizeof(struct packet *));

        if (!v)
            return false;
        h->v = v;
        h->cap = cap;
    }
    p->serial = h->serial++;
    for (h->n++; i > 0 && packet_before(p, h->v[(i - 1) / 2]); i = (i - 1) / 2)
        h->v[i] = h->v[(i - 1) / 2];
    h->v[i] = p;
    return true;
}

struct packet *packet_heap_pop(struct packet_heap *h, gn_time now)
{
    struct packet *top, *last;
    size_t i = 0;

    if (h->n == 0 || h->v[0]->at > now)
        return NULL;
    top = h->v[0];
    last = h->v[--h->n];
    for (size_t c; (c = 2 * i + 1) < h->n; i = c) {
        if (c + 1 < h->n && packet_before(h->v[c + 1], h->v[c]))
            c++;
        if (!packet_before(h->v[c], last))
            break;
        h->v[i] = h->v[c];
    }
    h->v[i] = last;
    return top;
}

void packet_heap_fini(struct packet_heap *h, struct packet_pool *pool)
{
    for (size_t i = 0; i < h->n; i++)
        packet_free(pool, h->v[i]);
    free(h->v);
    *h = (struct packet_heap){0};
}

bool cut_begin(struct cut *c, const struct gn_frame *f, enum gn_medium m, bool whole)
{
    *c = (struct cut){.whole = whole};
    if (!gso_begin(&c->gso, f, m))
        return false;
    c->verified = gso_finishes(&c->gso) || (f->flags & GN_FRAME_CSUM_OK);
    return true;
}

bool cut_more(const struct cut *c)
{
    return !c->done && gso_next_len(&c->gso) != 0;
}

/** cut_whole() - the frame as it is, gathered */
static struct packet *cut_whole(struct cut *c, struct packet_pool *pool)
{
    const struct gn_frame *f = c->gso.f;
    struct packet *p = packet_new(pool, c->gso.total);

    c->done = true;
    if (!p)
        return NULL;
    frame_copy(f, 0, c->gso.total, p->bytes);
    p->frame.flags = f->flags;
    p->frame.csum_start = f->csum_start;
    p->frame.csum_offset = f->csum_offset;
    p->frame.gso_size = f->gso_size;
    p->frame.hdr_len = f->hdr_len;
    return p;
}

struct packet *cut_next(struct cut *c, struct packet_pool *pool)
{
    struct packet *p;

    if (c->whole)
        return cut_whole(c, pool);
    p = packet_new(pool, gso_next_len(&c->gso));
    if (!p) {
        gso_skip(&c->gso);
        return NULL;
    }
    gso_next(&c->gso, p->bytes);
    if (c->verified)
        p->frame.flags = GN_FRAME_CSUM_OK;
    return p;
}
