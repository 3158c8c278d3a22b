/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file record.h  Events of one conversation, gathered for a ladder.
 */
#ifndef GN_CLI_RECORD_H
#define GN_CLI_RECORD_H

#include "cli/buf.h"
#include "explain/ladder.h"

#include <gannet/host.h>

/** All zero: empty. */
struct record {
    struct ladder_event *event; /* their texts are owned too */
    size_t n, cap;
};

void record_free(struct record *r);
/** record_add() - append a copy; its text, if any, is copied as well */
struct ladder_event *record_add(struct record *r, struct ladder_event e);
/** record_text() - a call, timer or note */
void record_text(struct record *r, gn_time at, unsigned end, enum ladder_kind k, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
/** record_final() - the state of @end after everything */
enum gn_state record_final(const struct record *r, unsigned end);
/** record_json() - as an array */
void record_json(const struct ladder *l, const char *name, struct json *j);

/** What of an IP packet with TCP a ladder shows. */
struct glance {
    struct gn_endpoint src, dst;
    uint32_t seq, ack, len, wnd;
    uint16_t ctl;
};
/** glance_at() - read @p; false: not a whole TCP header over IPv4 or IPv6 without extension headers
 */
bool glance_at(const uint8_t *p, size_t len, struct glance *ret);

/** How drawings are wanted. */
struct drawing {
    struct ladder_style style;
    const char *svg; /* file, NULL: text */
};
/** drawing_default() - by the terminal: its width, colours unless NO_COLOR, UTF-8 unless the locale
 * has another charset */
struct drawing drawing_default(void);
/** drawing_make() - into @b (text) or the SVG file and a line about it; false: the file cannot be
 * written (said already) */
bool drawing_make(const struct drawing *d, struct ladder *l, struct buf *b);

#endif
