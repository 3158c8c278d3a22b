/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_report.h  Findings as people and scripts read them.
 */
#ifndef GN_CLI_WHY_REPORT_H
#define GN_CLI_WHY_REPORT_H

#include "cli/buf.h"
#include "explain/why.h"

struct why_style {
    unsigned width; /* columns */
    bool colour, ascii;
    bool verbose;  /* every connection of a finding, not a few */
    uint32_t most; /* verbose: so many; 0: all */
};

/** why_text() - findings, worst first, then what is healthy and what could not be seen; @what: the
 * machine, capture or host that the facts are about */
void why_text(const struct facts *f, const struct why_result *r, const struct why_style *s,
              const char *what, struct buf *b);
/** why_text_finding() - one of them */
void why_text_finding(const struct facts *f, const struct why_finding *x, const struct why_style *s,
                      struct buf *b);
/** why_json() - all of it as one object, a member called @name if that is not NULL; of the
 * connections of a finding the first @most */
void why_json(const struct facts *f, const struct why_result *r, const char *what, uint32_t most,
              const char *name, struct json *j);
/** why_json_connection() - one element of an array; @full: figures and history too */
void why_json_connection(const struct facts *f, const struct fact_conn *c, bool full,
                         struct json *j);
/** why_conn_id() - what names a connection from one sample to the next, into @ret; returns it */
#define WHY_CONN_ID 24
char *why_conn_id(const struct facts *f, const struct fact_conn *c, char *ret);
/** why_run() - apply the rules in fresh memory, which the caller frees; exits if there is none */
void *why_run(const struct facts *f, const struct why_options *o, struct why_result *ret);

#endif
