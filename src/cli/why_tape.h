/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_tape.h  Samples of facts kept in a file, for `gannet why --record` and `--replay`.
 *
 * The file is text: a first line that names the format, then samples of lines of name=value words
 * (fields.h), each sample from a line "t" to a line "e".
 */
#ifndef GN_CLI_WHY_TAPE_H
#define GN_CLI_WHY_TAPE_H

#include "cli/why_source.h"

/** tape_create() - an empty recording at @path; NULL: said why not */
FILE *tape_create(const char *path);
/** tape_write() - one more sample; false: the file cannot be written. What passed on the wire
 * (FACT_SEEN) is not kept */
bool tape_write(FILE *tape, const struct facts *f);
/** why_source_tape() - a source that gives one recorded sample after the other; at the end it gives
 * NULL without a complaint. A sample that is cut off is not given. False: *ret_sorry says why not
 */
bool why_source_tape(const char *path, struct why_source *ret, char *ret_sorry);

#endif
