/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file store.h  What one sample holds: growing lists of facts, and the texts that they point to.
 *
 * A store is emptied and filled again without giving memory back, so repeated samples allocate
 * nothing. Where memory ends, what does not fit is left out and the sample says so.
 */
#ifndef GN_PROBE_STORE_H
#define GN_PROBE_STORE_H

#include "explain/facts.h"

/** A list that doubles. All zero: empty. */
struct list {
    void *item;
    size_t n, cap;
};

struct store {
    struct list conns;              /* struct fact_conn */
    struct list processes;          /* struct fact_process */
    struct list netns;              /* struct fact_netns */
    struct list counters, settings; /* struct fact_number */
    struct list gaps;               /* const char * */
    struct store_block *text;       /* the block in use, then fuller ones */
    bool short_of_memory;
};

/** store_add() - one more item of @size octets at the end of @l, all zero; NULL: no memory, noted
 */
void *store_add(struct store *s, struct list *l, size_t size);
/** store_text() - a copy of @len octets and a NUL that lives as long as the sample; "": no memory
 */
const char *store_text(struct store *s, const char *text, size_t len);
/** store_gap() - add a sentence on what is missing; repeated ones are kept once */
void store_gap(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** store_clear() - empty, memory kept for the next sample */
void store_clear(struct store *s);
/** store_free() - empty, memory given back */
void store_free(struct store *s);

/** store_conn() - connection @i */
static inline struct fact_conn *store_conn(const struct store *s, size_t i)
{
    return (struct fact_conn *)s->conns.item + i;
}

#endif
