/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file main.c  gannet-script: play .pkt scripts against the stack, in this process and on virtual
 * time.
 *
 *     gannet-script FILE...         say what is wrong, exit status 1 if anything is
 *     gannet-script --tap DIR...    all .pkt files of the directories, as TAP; none is a failure
 *
 * Each script has a process of its own, so that one which kills the stack costs nobody else
 * anything. A script whose first line is "// error: TEXT" must fail with exactly this text.
 */
#define _GNU_SOURCE

#include "script.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPTS   4096
#define SECONDS   20
#define REPORT    8192
#define ERROR_TAG "// error: "

/** slurp() - a whole file; NULL: cannot be read */
static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n = 0, room = 1 << 16;
    char *text = f ? malloc(room + 1) : NULL;

    while (text && (n += fread(text + n, 1, room - n, f)) == room)
        text = realloc(text, (room *= 2) + 1);
    if (text)
        text[n] = 0;
    if (f)
        fclose(f);
    return text;
}

/** play_one() - in a process of its own; what it said goes into @report. True: well */
static bool play_one(const char *path, const char *text, char report[REPORT])
{
    size_t n = 0;
    ssize_t k;
    int fd[2], status;
    pid_t pid;

    report[0] = 0;
    if (pipe(fd))
        return false;
    fflush(stdout); /* or each child would write what waits in the buffer once more */
    pid = fork();
    if (pid == 0) {
        dup2(fd[1], STDOUT_FILENO);
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        close(fd[1]);
        alarm(SECONDS);
        script_run(script_parse(path, text));
        fflush(stdout);
        _Exit(0);
    }
    close(fd[1]);
    while (n < REPORT - 1 && (k = read(fd[0], report + n, REPORT - 1 - n)) > 0)
        n += (size_t)k;
    report[n] = 0;
    close(fd[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    if (WIFSIGNALED(status) && n < REPORT - 64)
        snprintf(report + n, REPORT - n, "%s: killed by %s\n", path, strsignal(WTERMSIG(status)));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/** judge() - a script that shall fail must say why in these words */
static bool judge(const char *text, bool well, char report[REPORT])
{
    const char *want = text + strlen(ERROR_TAG), *got = strstr(report, ": error: ");
    size_t n = strcspn(want, "\n");

    if (strncmp(text, ERROR_TAG, strlen(ERROR_TAG)) != 0)
        return well;
    if (!well && got && !strncmp(got + 9, want, n) && got[9 + n] == '\n')
        return true;
    if (well)
        snprintf(report, REPORT, "expected the error \"%.*s\"\n", (int)n, want);
    return false;
}

/** run_file() - one; true: well */
static bool run_file(const char *path, char report[REPORT])
{
    char *text = slurp(path);
    bool well;

    if (!text) {
        snprintf(report, REPORT, "%s: cannot be read\n", path);
        return false;
    }
    well = judge(text, play_one(path, text, report), report);
    free(text);
    return well;
}

/** print_tap() - the line of one script, and what was wrong */
static void print_tap(unsigned n, const char *path, bool well, const char *report)
{
    const char *base = strrchr(path, '/');
    int len = base ? (int)strcspn(base + 1, ".") : (int)strlen(path);

    printf("%sok %u - %.*s\n", well ? "" : "not ", n, len, base ? base + 1 : path);
    for (const char *p = report; !well && *p;) {
        int k = (int)strcspn(p, "\n");

        printf("# %.*s\n", k, p);
        p += k + (p[k] == '\n');
    }
    fflush(stdout);
}

/** collect() - the .pkt files of a directory, in order */
static int collect(const char *dir, char **paths, int n)
{
    struct dirent **list;
    int k = scandir(dir, &list, NULL, alphasort);

    for (int i = 0; i < k; i++) {
        const char *dot = strrchr(list[i]->d_name, '.');

        if (dot && !strcmp(dot, ".pkt") && n < SCRIPTS &&
            asprintf(&paths[n], "%s/%s", dir, list[i]->d_name) > 0)
            n++;
        free(list[i]);
    }
    if (k >= 0)
        free(list);
    else
        fprintf(stderr, "%s: cannot be read as a directory\n", dir);
    return n;
}

int main(int argc, char **argv)
{
    static char *paths[SCRIPTS];
    static char report[REPORT];
    bool tap = argc > 1 && !strcmp(argv[1], "--tap");
    int n = 0, failed = 0;

    if (argc < 2 + tap) {
        fprintf(stderr, "usage: gannet-script FILE... | --tap DIR...\n");
        return 2;
    }
    for (int i = 1 + tap; i < argc && n < SCRIPTS; i++) {
        if (tap)
            n = collect(argv[i], paths, n);
        else
            paths[n++] = strdup(argv[i]);
    }
    if (tap)
        printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        bool well = run_file(paths[i], report);

        failed += !well;
        if (tap)
            print_tap((unsigned)i + 1, paths[i], well, report);
        else if (!well)
            fputs(report, stdout);
        free(paths[i]);
    }
    printf(tap ? "# scripts: %d run, %d failed\n" : "scripts: %d run, %d failed\n", n, failed);
    return failed != 0 || n == 0; /* nothing run is nothing shown */
}
