/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file parse_call.c  System calls: name, arguments, result.
 */
#include "parse.h"

#include <string.h>

static struct expr *parse_expr(struct lex *l);

/** expr_new() - of a kind */
static struct expr *expr_new(struct lex *l, enum expr_kind kind)
{
    struct expr *e = keep(sizeof(*e));

    e->kind = kind;
    e->line = l->line;
    return e;
}

/** parse_items() - "a, b, c" and the closing character */
static void parse_items(struct lex *l, struct expr *e, const char *close)
{
    if (lex_take(l, close))
        return;
    do {
        if (e->n == sizeof(e->item) / sizeof(e->item[0]))
            fail_at(l->script, l->line, "syntax error: too many items");
        e->item[e->n++] = parse_expr(l);
    } while (lex_take(l, ","));
    lex_want(l, close);
}

/** parse_named() - a word, a call "htons(80)", or a field "name = value", "name(...) = value" */
static struct expr *parse_named(struct lex *l, const char *word)
{
    struct expr *e = expr_new(l, EXPR_WORD), *f;

    e->text = word;
    if (lex_take(l, "(")) {
        e->is_call = true;
        parse_items(l, e, ")");
    }
    if (!lex_take(l, "="))
        return e;
    f = expr_new(l, EXPR_FIELD);
    f->text = word;
    f->item[f->n++] = parse_expr(l);
    return f;
}

/** parse_string() - "a" "b" are one, and what stands behind a string's ellipsis is not looked at */
static struct expr *parse_string(struct lex *l)
{
    struct expr *e = expr_new(l, EXPR_STRING);
    char text[1024] = "";

    while (lex_peek(l) == '"') {
        const char *part = lex_quoted(l, "\"", "\"");

        strncat(text, part, sizeof(text) - strlen(text) - 1);
    }
    (void)lex_take(l, "...");
    e->text = keep_text(text, strlen(text));
    e->num = (long long)strlen(text);
    return e;
}

/** parse_simple() - an expression without "|" */
static struct expr *parse_simple(struct lex *l)
{
    struct expr *e;
    const char *word;

    if (lex_take(l, "..."))
        return expr_new(l, EXPR_ELLIPSIS);
    if (lex_is_number(l)) {
        e = expr_new(l, EXPR_NUMBER);
        e->num = lex_number(l, "a number");
        return e;
    }
    if (lex_peek(l) == '"')
        return parse_string(l);
    if (lex_take(l, "[")) {
        e = expr_new(l, EXPR_LIST);
        parse_items(l, e, "]");
        return e;
    }
    if (lex_take(l, "{")) {
        e = expr_new(l, EXPR_STRUCT);
        parse_items(l, e, "}");
        return e;
    }
    word = lex_word(l);
    if (!word)
        lex_fail(l, "an argument");
    return parse_named(l, word);
}

/** parse_expr() - with "|" */
static struct expr *parse_expr(struct lex *l)
{
    struct expr *e = parse_simple(l), * or ;

    while (e->kind != EXPR_FIELD && lex_take(l, "|")) {
        or = expr_new(l, EXPR_OR);
        or->item[or->n++] = e;
        or->item[or->n++] = parse_simple(l);
        e = or ;
    }
    return e;
}

/** parse_note() - "(Resource temporarily unavailable)", for people */
static void parse_note(struct lex *l)
{
    if (lex_peek(l) == '(')
        (void)lex_quoted(l, "(", ")");
}

struct call_spec *parse_call(struct lex *l)
{
    struct call_spec *c = keep(sizeof(*c));
    struct expr args = {.n = 0};

    c->name = lex_word(l);
    if (!c->name)
        lex_fail(l, "a packet, a system call, a command or code");
    lex_want(l, "(");
    parse_items(l, &args, ")");
    if (args.n > sizeof(c->arg) / sizeof(c->arg[0]))
        fail_at(l->script, l->line, "syntax error: too many arguments");
    c->n_arg = args.n;
    memcpy(c->arg, args.item, args.n * sizeof(c->arg[0]));
    lex_want(l, "=");
    if (lex_take(l, "?"))
        return c;
    c->result = parse_simple(l);
    if (c->result->kind == EXPR_NUMBER && c->result->num == -1 && lex_peek(l) == 'E') {
        c->error = lex_word(l);
        if (!errno_value(c->error))
            fail_at(l->script, l->line, "syntax error: no such error: %s", c->error);
    }
    parse_note(l);
    return c;
}
