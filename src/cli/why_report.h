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
    bool verbose; /* every connection of a finding, not a few */
};

/** why_text() - findings, worst first, then what is healthy and what could not be seen; @what: the
 * machine, capture or host that the facts are about */
void why_text(const struct facts *f, const struct why_result *r, const struct why_style *s,
              const char *what, struct buf *b);
/** why_json() - all of it as one object, a member called @name if that is not NULL */
void why_json(const struct facts *f, const struct why_result *r, const char *what, const char *name,
              struct json *j);
/** why_run() - apply the rules in fresh memory, which the caller frees; exits if there is none */
void *why_run(const struct facts *f, const struct why_options *o, struct why_result *ret);

#endif
