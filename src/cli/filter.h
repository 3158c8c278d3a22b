/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file filter.h  Filters of connections in the words of ss.
 */
#ifndef GN_CLI_FILTER_H
#define GN_CLI_FILTER_H

#include "cli/cli.h"
#include "cli/view.h"

/** filter_begins() - does a filter begin with this word? */
bool filter_begins(const char *word);
/** filter_word() - "state S", "exclude S", "sport = :N", "dport = :N", with or without blanks:
 * @word and what follows it in @a; what is no filter ends the program */
void filter_word(struct args *a, const char *word, struct view *v);

#endif
