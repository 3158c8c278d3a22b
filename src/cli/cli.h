/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cli.h  What the sub-commands of `gannet` share: how one is described, its arguments, exit
 * codes, complaints.
 */
#ifndef GN_CLI_CLI_H
#define GN_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Exit codes of every sub-command. */
enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1, /* refused, timed out, reset, not there, no permission */
    EXIT_USAGE = 2,
};

/** One option. Tables end with a row whose name is NULL. */
struct option_spec {
    int id;           /* what args_next() returns for it, above 0 */
    char letter;      /* 0: long form only */
    const char *name; /* without dashes */
    const char *arg;  /* what its value is called, NULL: takes none */
    const char *help;
};

struct args;

/** One sub-command. */
struct command {
    const char *name;
    const char *synopsis; /* after "gannet NAME" */
    const char *summary;  /* one line */
    const char *details;  /* after the list of options; may be NULL */
    const struct option_spec *options;
    int (*run)(struct args *a);
};

extern const struct command command_up, command_nc, command_ss, command_demo, command_ladder,
    command_knobs, command_stats, command_ctl, command_sim, command_explore, command_why,
    command_trace, command_migrate;
extern const struct command *const commands[]; /* ends with NULL */

/** The words of one call of a sub-command that are still to be read. */
struct args {
    const struct command *cmd;
    int argc;
    char **argv;
    int at;
    const char *cluster; /* rest of "-abc" */
    bool no_more;        /* "--" was seen */
};

enum { ARGS_END = 0, ARGS_WORD = -1 };

/** args_next() - the next option's id, ARGS_WORD for a word that is none, ARGS_END. *@value: the
 * option's value, or the word. --help is answered and unknown options are refused here: neither
 * returns */
int args_next(struct args *a, const char **value);
/** args_left() - how many words have not been read */
int args_left(const struct args *a);
/** args_colour() - the value of --color: always, never, or auto, which leaves *@ret as it is */
void args_colour(const struct args *a, const char *value, bool *ret);
/** usage_fail() - "gannet CMD: ..." on one line, with a pointer to --help; exit code 2 */
_Noreturn void usage_fail(const struct args *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** complain() - "gannet: ..." on one line of standard error; returns EXIT_FAILED */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** print_help() - of one sub-command, to standard output */
void print_help(const struct command *c);
/** parse_number() - all of @text as a decimal number within the bounds */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
