/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file args.c  Arguments of sub-commands, their help texts, and complaints.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec help_option = {-2, 'h', "help", NULL, "show this help"};

int complain(const char *format, ...)
{
    va_list ap;
    fputs("gannet: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

void usage_fail(const struct args *a, const char *format, ...)
{
    va_list ap;
    fprintf(stderr, "gannet %s: ", a->cmd->name);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, " (see 'gannet %s --help')\n", a->cmd->name);
    exit(EXIT_USAGE);
}

/** help_row() - one option of a help text */
static void help_row(const struct option_spec *o)
{
    char left[64];
    if (o->letter)
        snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, o->arg ? " " : "",
                 o->arg ? o->arg : "");
    else
        snprintf(left, sizeof left, "    --%s%s%s", o->name, o->arg ? " " : "",
                 o->arg ? o->arg : "");
    if (strlen(left) > 26)
        printf("  %s\n  %-26s  %s\n", left, "", o->help);
    else
        printf("  %-26s  %s\n", left, o->help);
}

void print_help(const struct command *c)
{
    printf("usage: gannet %s%s%s\n\n%s\n\noptions:\n", c->name, *c->synopsis ? " " : "",
           c->synopsis, c->summary);
    for (const struct option_spec *o = c->options; o->name; o++)
        help_row(o);
    help_row(&help_option);
    if (c->details)
        printf("\n%s\n", c->details);
}

/** answer_help() - --help ends the program */
static void answer_help(const struct args *a)
{
    print_help(a->cmd);
    exit(EXIT_FINE);
}

/** value_of() - the value of option @o: what follows "=" or the next word */
static const char *value_of(struct args *a, const struct option_spec *o, const char *attached)
{
    if (attached)
        return attached;
    if (a->at >= a->argc)
        usage_fail(a, "option '--%s' needs a value: %s", o->name, o->arg);
    return a->argv[a->at++];
}

/** long_option() - "--name", "--name=value" or "--name value" */
static int long_option(struct args *a, const char *word, const char **value)
{
    const char *eq = strchr(word, '=');
    size_t len = eq ? (size_t)(eq - word) : strlen(word);
    if (len == 4 && !memcmp(word, "help", 4))
        answer_help(a);
    for (const struct option_spec *o = a->cmd->options; o->name; o++) {
        if (strlen(o->name) != len || memcmp(o->name, word, len) != 0)
            continue;
        if (!o->arg && eq)
            usage_fail(a, "option '--%s' takes no value", o->name);
        *value = o->arg ? value_of(a, o, eq ? eq + 1 : NULL) : NULL;
        return o->id;
    }
    usage_fail(a, "unknown option '--%.*s'", (int)len, word);
}

/** short_option() - the next letter of a cluster like "-lnt" */
static int short_option(struct args *a, const char **value)
{
    char letter = *a->cluster++;
    if (letter == 'h')
        answer_help(a);
    for (const struct option_spec *o = a->cmd->options; o->name; o++) {
        if (o->letter != letter)
            continue;
        const char *attached = NULL;
        if (o->arg && *a->cluster) {
            attached = a->cluster;
            a->cluster = "";
        }
        *value = o->arg ? value_of(a, o, attached) : NULL;
        return o->id;
    }
    usage_fail(a, "unknown option '-%c'", letter);
}

int args_next(struct args *a, const char **value)
{
    *value = NULL;
    if (a->cluster && *a->cluster)
        return short_option(a, value);
    if (a->at < a->argc && !a->no_more && !strcmp(a->argv[a->at], "--")) {
        a->no_more = true;
        a->at++;
    }
    if (a->at >= a->argc)
        return ARGS_END;
    const char *word = a->argv[a->at++];
    if (a->no_more || word[0] != '-' || !word[1]) {
        *value = word;
        return ARGS_WORD;
    }
    if (word[1] == '-')
        return long_option(a, word + 2, value);
    a->cluster = word + 1;
    return short_option(a, value);
}

int args_left(const struct args *a)
{
    return a->argc - a->at;
}

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    uint64_t v = strtoull(text, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *ret = v;
    return true;
}

void args_colour(const struct args *a, const char *value, bool *ret)
{
    if (strcmp(value, "always") != 0 && strcmp(value, "never") != 0 && strcmp(value, "auto") != 0)
        usage_fail(a, "--color is always, never or auto, not '%s'", value);
    if (strcmp(value, "auto") != 0)
        *ret = value[0] == 'a';
}
