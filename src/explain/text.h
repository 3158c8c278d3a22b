/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file text.h  Text without stdio: a writer that the caller supplies, and a small line buffer.
 */
#ifndef GN_EXPLAIN_TEXT_H
#define GN_EXPLAIN_TEXT_H

#include <gannet/types.h>

/** Where text goes; @write is called with whole or part lines and must not fail. */
struct text_writer {
    void (*write)(void *ctx, const char *text, size_t len);
    void *ctx;
};

#define TEXT_CAP 1024

/** One piece of text under construction; what does not fit is cut. */
struct text {
    size_t len;
    char s[TEXT_CAP];
};

/** text_reset() - empty again */
void text_reset(struct text *t);
/** text_str() - append a string */
void text_str(struct text *t, const char *s);
/** text_mem() - append @n octets */
void text_mem(struct text *t, const char *s, size_t n);
/** text_u64() - append a decimal number */
void text_u64(struct text *t, uint64_t v);
/** text_i64() - append a signed decimal number */
void text_i64(struct text *t, int64_t v);
/** text_milli() - append @v thousandths as a decimal fraction with three places: 1234 gives "1.234"
 */
void text_milli(struct text *t, int64_t v);
/** text_foreign() - append UTF-8 that somebody else chose: what could steer a terminal, and what is
 * no UTF-8, becomes '?' */
void text_foreign(struct text *t, const char *s);
/** text_span() - append a span of time in the unit that suits: "40 ms", "1.5 s", "2 min", "5 h" */
void text_span(struct text *t, gn_time span);
/** text_cp() - append one Unicode code point as UTF-8 */
void text_cp(struct text *t, uint32_t cp);
/** text_spaces() - append @n spaces */
void text_spaces(struct text *t, size_t n);
/** text_pad() - append spaces until the text is @columns wide, counted from octet @from */
void text_pad(struct text *t, size_t from, size_t columns);
/** text_columns() - terminal columns of UTF-8 text, one a code point */
size_t text_columns(const char *s, size_t n);
/** text_flush() - hand the text to @w and empty the buffer */
void text_flush(struct text *t, const struct text_writer *w);
/** text_length() - octets of a C string */
size_t text_length(const char *s);

#endif
