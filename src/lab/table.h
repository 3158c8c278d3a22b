/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table.h  Tables of what flows get out of paths, computed in virtual time.
 *
 * Every row is an experiment of its own and says the same on every machine, so a table can be kept
 * as a file, reviewed, and compared octet by octet. Next to what was reached stands what could be.
 */
#ifndef GN_LAB_TABLE_H
#define GN_LAB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_LINE 256

struct table {
    const char *name;
    const char *about;            /* what is shown, for people; lines */
    void (*head)(char *ret_line); /* names of the columns; TABLE_LINE octets, no newline */
    unsigned rows;
    /** @ret_line as above; false: the simulation failed */
    bool (*row)(unsigned i, char *ret_line);
    /** cheap enough for every run of the tests, optimised; NULL: all are */
    bool (*quick)(unsigned i);
    /** ... and with sanitizers and all checks on, which walk whole windows */
    bool (*small)(unsigned i);
};

extern const struct table table_goodput, table_goodput_10g;          /* table_goodput.c */
extern const struct table table_burst, table_reorder, table_ackloss; /* table_paths.c */
extern const struct table table_share, table_bloat, table_tail;      /* table_share.c */

/** table_nth() - NULL: no more */
const struct table *table_nth(unsigned i);
/** table_find() - by name; NULL: none */
const struct table *table_find(const char *name);
/** table_heading() - all that stands before the rows, to @f */
void table_heading(const struct table *t, FILE *f);
/** table_print() - the whole table, or (@quick) its quick rows; false: a row failed */
bool table_print(const struct table *t, bool quick, FILE *f);
/** table_all(), table_none() - for table.small */
bool table_all(unsigned i);
bool table_none(unsigned i);

/* for those who write tables */

/** table_add() - append to a line of TABLE_LINE octets */
void table_add(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** table_algorithms() - how many congestion controls are built in, in the order of their numbers */
unsigned table_algorithms(void);
/** table_algorithm() - the number of a name; false: no such algorithm, or not built in */
bool table_algorithm(const char *name, unsigned *ret);
/** limit_link() - bits of text per second that a link of @rate carries with @loss_ppm */
uint64_t limit_link(uint64_t rate, uint32_t loss_ppm);
/** limit_response() - bits per second by the response function of algorithm @cc, 0: it has none
 *  or nothing is lost. Reno: RFC 5681's increase of a segment per round trip whatever the ACKs,
 *  sqrt(3/2)/sqrt(p); CUBIC: RFC 9438 5.1, and at least Reno's (4.3). @rtt_ms: with queue */
uint64_t limit_response(unsigned cc, uint32_t rtt_ms, uint32_t loss_ppm);

#endif
