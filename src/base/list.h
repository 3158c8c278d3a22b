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
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* off its list, if it is on one */
static inline void list_leave(struct list *node)
{
    if (list_linked(node))
        list_remove(node);
}

/* all nodes of @from go to the end of @head, in order; @from is empty afterwards */
static inline void list_splice(struct list *head, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = head->prev;
    from->prev->next = head;
    head->prev->next = from->next;
    head->prev = from->prev;
    list_init(from);
}

/* NULL if empty */
static inline struct list *list_pop(struct list *head)
{
    struct list *n = head->next;

    if (n == head)
        return NULL;
    head->next = n->next;
    n->next->prev = head;
    n->next = n->prev = NULL;
    return n;
}

#endif
