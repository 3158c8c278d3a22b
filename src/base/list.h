/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file list.h  Intrusive doubly linked circular list. A node that is in no list has next == NULL.
 */
#ifndef GN_BASE_LIST_H
#define GN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->next       = head;
    node->prev       = head->prev;
    head->prev->next = node;
    head->prev       = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* NULL if empty */
static inline struct list *list_pop(struct list *head)
{
    struct list *n = head->next;

    if (n == head)
        return NULL;
    list_remove(n);
    return n;
}

#endif
