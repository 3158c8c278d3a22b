/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fields.h  Lines of name=value words, for one program of ours to tell another: numbers of a
 * struct by a list of its fields.
 *
 * Writer and reader share one list, in one order: as a rule the next name that the reader meets is
 * the one that it expects. A reader skips names that it does not know; what is missing stays zero.
 */
#ifndef GN_CLI_FIELDS_H
#define GN_CLI_FIELDS_H

#include "cli/buf.h"

#include <gannet/types.h>

/** A number in a struct: its name, where it is, how wide. */
struct field {
    const char *name;
    size_t offset, size;
    bool flag;
};

#define FIELD(type, name)                                       \
    {                                                           \
#name, offsetof(type, name), sizeof(((type *)0)->name), \
            _Generic(((type *)0)->name, bool                    \
                     : true, default                            \
                     : false)                                   \
    }
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/** One word of a line. */
struct word {
    const char *name, *value;
    size_t len; /* of the name */
    uint64_t n; /* the value, if it is a number */
};

/** fields_write() - those that are not zero */
void fields_write(const void *from, const struct field *f, size_t n, struct buf *b);
/** fields_word() - false: the line has ended, or makes no sense (*@bad) */
bool fields_word(const char **at, struct word *ret, bool *bad);
/** fields_is() - is that the name of the word? */
bool fields_is(const struct word *w, const char *name);
/** fields_take() - a word that is one of @f; *@next is where it is looked for first. False: none */
bool fields_take(const struct word *w, void *to, const struct field *f, size_t n, size_t *next);
/** fields_write_end() - " name=ADDR/PORT" */
void fields_write_end(const char *name, const struct gn_endpoint *e, struct buf *b);
/** fields_read_end() - the same back */
bool fields_read_end(const struct word *w, struct gn_endpoint *ret);
/** fields_read() - a line of nothing but numbers */
bool fields_read(const char *line, void *to, const struct field *f, size_t n);

#endif
