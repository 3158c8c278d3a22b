/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file own.c  Packets that the IP layer keeps in memory of its own.
 */
#include "ip/own.h"

#include <string.h>

struct ip_own *own_new(struct mem *m, uint32_t len)
{
    struct ip_own *o = mem_alloc(m, sizeof *o + len);

    if (!o)
        return NULL;
    memset(o, 0, sizeof *o);
    o->len = len;
    return o;
}

void own_free(struct mem *m, struct ip_own *o)
{
    mem_free(m, o, sizeof *o + o->len);
}

void own_push(struct own_list *l, struct ip_own *o)
{
    o->next = NULL;
    if (l->tail)
        l->tail->next = o;
    else
        l->head = o;
    l->tail = o;
    l->n++;
    l->bytes += o->len;
}

struct ip_own *own_pop(struct own_list *l)
{
    struct ip_own *o = l->head;

    if (!o)
        return NULL;
    l->head = o->next;
    if (!l->head)
        l->tail = NULL;
    l->n--;
    l->bytes -= o->len;
    return o;
}

void own_clear(struct own_list *l, struct mem *m)
{
    struct ip_own *o;

    while ((o = own_pop(l)))
        own_free(m, o);
}
