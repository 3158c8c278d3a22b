/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file findings.h  What the rules say of constructed facts.
 */
#ifndef GN_TEST_FINDINGS_H
#define GN_TEST_FINDINGS_H

#include "explain/why.h"

/** findings() - the rules judge @f, notes included; the result lasts until the next call */
const struct why_result *findings(const struct facts *f, const struct why_options *o);
/** findings_find() - the finding of rule @id, or NULL */
const struct why_finding *findings_find(const struct facts *f, const struct why_options *o,
                                        const char *id);
/** findings_grade() - how bad the finding of rule @id is; -1: there is none */
int findings_grade(const struct facts *f, const struct why_options *o, const char *id);

#endif
