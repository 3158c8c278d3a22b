/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lex.c  See lex.h.
 */
#include "lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void lex_fail(struct lex *l, const char *expected)
{
    lex_skip(l);
    if (!*l->p)
        fail_at(l->script, l->line, "syntax error: expected %s at the end of the script", expected);
    fail_at(l->script, l->line, "syntax error: expected %s before \"%.*s\"", expected,
            (int)strcspn(l->p, "\n"), l->p);
}

/** skip_to() - behind @end, counting lines */
static void skip_to(struct lex *l, const char *end)
{
    const char *e = strstr(l->p, end);

    if (!e)
        fail_at(l->script, l->line, "syntax error: \"%s\" never comes", end);
    for (; l->p < e; l->p++)
        l->line += *l->p == '\n';
    l->p += strlen(end);
}

void lex_skip(struct lex *l)
{
    for (;;) {
        if (isspace((unsigned char)*l->p)) {
            l->line += *l->p++ == '\n';
        } else if (!strncmp(l->p, "//", 2)) {
            l->p += strcspn(l->p, "\n");
        } else if (!strncmp(l->p, "/*", 2)) {
            skip_to(l, "*/");
        } else {
            return;
        }
    }
}

int lex_peek(struct lex *l)
{
    lex_skip(l);
    return (unsigned char)*l->p;
}

bool lex_take(struct lex *l, const char *text)
{
    lex_skip(l);
    if (strncmp(l->p, text, strlen(text)) != 0)
        return false;
    l->p += strlen(text);
    return true;
}

/** is_word() - part of a word? */
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool lex_word_is(struct lex *l, const char *word)
{
    size_t n = strlen(word);

    lex_skip(l);
    if (strncmp(l->p, word, n) != 0 || is_word(l->p[n]))
        return false;
    l->p += n;
    return true;
}

void lex_want(struct lex *l, const char *text)
{
    char what[64];

    snprintf(what, sizeof(what), "\"%s\"", text);
    if (!lex_take(l, text))
        lex_fail(l, what);
}

const char *lex_word(struct lex *l)
{
    size_t n = 0;

    lex_skip(l);
    while (is_word(l->p[n]))
        n++;
    if (!n)
        return NULL;
    l->p += n;
    return keep_text(l->p - n, n);
}

bool lex_is_number(struct lex *l)
{
    lex_skip(l);
    return isdigit((unsigned char)*l->p) || (*l->p == '-' && isdigit((unsigned char)l->p[1]));
}

long long lex_number(struct lex *l, const char *what)
{
    char *end;
    long long v;
    bool hex;

    if (!lex_is_number(l))
        lex_fail(l, what);
    hex = !strncmp(l->p, "0x", 2);
    v = strtoll(l->p, &end, hex ? 16 : 10);
    l->p = end;
    return v;
}

uint32_t lex_u32(struct lex *l, const char *what)
{
    long long v = lex_number(l, what);

    if (v < 0 || v > UINT32_MAX)
        fail_at(l->script, l->line, "syntax error: %s %lld does not fit 32 bits", what, v);
    return (uint32_t)v;
}

long long lex_usecs(struct lex *l)
{
    long long v = 0, unit = USEC_PER_SEC;

    lex_skip(l);
    if (!isdigit((unsigned char)*l->p) && !(*l->p == '.' && isdigit((unsigned char)l->p[1])))
        lex_fail(l, "a time in seconds");
    while (isdigit((unsigned char)*l->p))
        v = v * 10 + (*l->p++ - '0');
    v *= USEC_PER_SEC;
    if (*l->p == '.' && isdigit((unsigned char)l->p[1]))
        for (l->p++; isdigit((unsigned char)*l->p); l->p++)
            v += (unit /= 10) * (*l->p - '0');
    return v;
}

const char *lex_quoted(struct lex *l, const char *open, const char *close)
{
    const char *begin;

    lex_want(l, open);
    begin = l->p;
    skip_to(l, close);
    return keep_text(begin, (size_t)(l->p - begin) - strlen(close));
}
