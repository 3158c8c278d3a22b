/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file buf.h  Text that grows, and JSON written into it.
 */
#ifndef GN_CLI_BUF_H
#define GN_CLI_BUF_H

#include "explain/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** All zero: empty. Owned memory; a failed allocation ends the program with one line. */
struct buf {
    char *s;
    size_t len, cap;
};

void buf_free(struct buf *b);
void buf_mem(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** buf_pad() - blanks until the line that began at octet @from is @columns wide, one at least */
void buf_pad(struct buf *b, size_t from, size_t columns);
/** buf_print() - write to @f and empty */
void buf_print(struct buf *b, FILE *f);
/** buf_writer() - a writer of the ladder that appends to @b */
struct text_writer buf_writer(struct buf *b);

/** utf8_length() - octets of the well-formed character at @s, 0: it is none */
size_t utf8_length(const char *s);

/** JSON being written; the members of an object need names, elements of an array get NULL. */
struct json {
    struct buf *b;
    bool comma; /* before the next value */
};

void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                  /* '}' or ']' */
void json_u64(struct json *j, const char *name, uint64_t v);
void json_i64(struct json *j, const char *name, int64_t v);
void json_bool(struct json *j, const char *name, bool v);
void json_null(struct json *j, const char *name);
/** json_str() - quotes and control characters are escaped, what is no UTF-8 is replaced */
void json_str(struct json *j, const char *name, const char *s);
/** json_seconds() - nanoseconds as a decimal number of seconds */
void json_seconds(struct json *j, const char *name, uint64_t ns);

#endif
