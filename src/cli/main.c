/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file main.c  The program `gannet`: find the sub-command and run it.
 */
#include "cli/cli.h"

#include <gannet/gannet.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_demo,    &command_why, &command_up,    &command_nc,  &command_ss,      &command_stats,
    &command_ladder,  &command_ctl, &command_knobs, &command_sim, &command_explore, &command_trace,
    &command_migrate, NULL};

/** print_overview() - what there is */
static void print_overview(FILE *f)
{
    fputs("usage: gannet COMMAND [OPTION...]\n\n"
          "Gannet is a TCP in user space that can account for itself.\n\ncommands:\n",
          f);
    for (size_t i = 0; commands[i]; i++)
        fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'gannet COMMAND --help' tells about each; 'gannet --version' says which this is.\n"
          "Begin with 'gannet demo handshake': it needs no privileges.\n",
          f);
}

/** find() - the sub-command of that name, or NULL */
static const struct command *find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

/** no_such() - complain about a sub-command; the exit code */
static int no_such(const char *name)
{
    fprintf(stderr, "gannet: no such command '%s' (see 'gannet --help')\n", name);
    return EXIT_USAGE;
}

/** help() - `gannet help NAME`; the exit code */
static int help(const char *name)
{
    const struct command *c = find(name);
    if (!c)
        return no_such(name);
    print_help(c);
    return EXIT_FINE;
}

/** open_standard() - 0, 1 and 2 must be taken, or a device that is opened later would be read as
 * standard input; false: cannot be helped */
static bool open_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
    return fd > 2;
}

int main(int argc, char **argv)
{
    if (!open_standard())
        return EXIT_FAILED;
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "help") && argc > 2)
        return help(argv[2]);
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        print_overview(stdout);
        return EXIT_FINE;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        puts("gannet " GN_VERSION);
        return EXIT_FINE;
    }
    const struct command *c = find(word);
    if (!c)
        return no_such(word);
    struct args a = {.cmd = c, .argc = argc, .argv = argv, .at = 2};
    int code = c->run(&a);
    if (fflush(stdout) || ferror(stdout))
        return code             ? code
               : errno == EPIPE ? EXIT_FAILED
                                : complain("cannot write to standard output");
    return code;
}
