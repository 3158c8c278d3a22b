/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lex.h  The characters of a script, with look-ahead by hand: what a dot or a minus means
 * depends on where it stands, so the parser asks for what it expects.
 */
#ifndef GN_SCRIPT_LEX_H
#define GN_SCRIPT_LEX_H

#include "script.h"

struct lex {
    struct script *script;
    const char *p;
    int line;
};

/** lex_skip() - blanks and comments */
void lex_skip(struct lex *l);
/** lex_peek() - the next character after blanks, 0 at the end */
int lex_peek(struct lex *l);
/** lex_take() - take @text if it comes next */
bool lex_take(struct lex *l, const char *text);
/** lex_word_is() - take @word if it is the next whole word */
bool lex_word_is(struct lex *l, const char *word);
/** lex_want() - @text must come next */
void lex_want(struct lex *l, const char *text);
/** lex_word() - letters, digits, underscores; NULL: none comes next */
const char *lex_word(struct lex *l);
/** lex_is_number() - does a digit come next, or a minus and a digit? */
bool lex_is_number(struct lex *l);
/** lex_number() - decimal or 0x; must come next */
long long lex_number(struct lex *l, const char *what);
/** lex_u32() - a number of 32 bits */
uint32_t lex_u32(struct lex *l, const char *what);
/** lex_usecs() - seconds with a fraction, in microseconds */
long long lex_usecs(struct lex *l);
/** lex_quoted() - what stands between @open (which comes next) and @close */
const char *lex_quoted(struct lex *l, const char *open, const char *close);
/** lex_fail() - what was expected did not come */
_Noreturn void lex_fail(struct lex *l, const char *expected);

#endif
