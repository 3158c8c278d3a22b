/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file compare.c  A B C, A B C, A B C: what disturbs the machine for a while disturbs all stacks
 * alike, and a process of its own gives each run a fresh memory.
 */
#include "compare.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** in_child() - the child: run, write the result, end; nothing of the parent is left to flush */
static void in_child(const struct workload *wl, const char *stack, const struct options *o, int fd)
{
    struct result r = {.n = 0};
    ssize_t n;

    wl->run(stack, o, &r);
    n = write(fd, &r, sizeof(r));
    exit(n == (ssize_t)sizeof(r) ? 0 : 1);
}

/** one_run() - run in a child of our own */
static struct result one_run(const struct workload *wl, const char *stack, const struct options *o)
{
    struct result r = {.n = 0};
    int fd[2], status = 0;
    size_t got = 0;
    pid_t pid;

    fflush(NULL);
    if (pipe(fd) || (pid = fork()) < 0) {
        snprintf(r.why, sizeof(r.why), "no process for the run");
        return r;
    }
    if (pid == 0) {
        close(fd[0]);
        in_child(wl, stack, o, fd[1]);
    }
    close(fd[1]);
    for (ssize_t n = 1; n > 0 && got < sizeof(r); got += (size_t)(n > 0 ? n : 0))
        n = read(fd[0], (char *)&r + got, sizeof(r) - got);
    close(fd[0]);
    waitpid(pid, &status, 0);
    if (got == sizeof(r))
        return r;
    memset(&r, 0, sizeof(r));
    if (WIFSIGNALED(status))
        snprintf(r.why, sizeof(r.why), "ended by signal %d", WTERMSIG(status));
    else
        snprintf(r.why, sizeof(r.why), "ended with status %d", WEXITSTATUS(status));
    return r;
}

/** by_value() - for qsort */
static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/** spread_of() - median and bounds of @n values, which are sorted */
static struct spread spread_of(double *v, unsigned n)
{
    qsort(v, n, sizeof(*v), by_value);
    return (struct spread){n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2, v[0], v[n - 1]};
}

/** ratios() - of @n values of a column to those of the first one, run by run */
static struct spread ratios(const double *v, const double *first, unsigned n)
{
    double ratio[RUNS_MAX] = {0};

    for (unsigned i = 0; i < n; i++)
        ratio[i] = first[i] > 0 ? v[i] / first[i] : 0;
    return spread_of(ratio, n);
}

void compare(const struct workload *wl, const struct options *o, struct column *c, unsigned n)
{
    static double values[STACKS_MAX][FIGURES][RUNS_MAX];
    bool shown = isatty(STDERR_FILENO);
    struct options at = *o;

    for (unsigned run = 0; run < o->runs; run++, at.seed++)
        for (unsigned i = 0; i < n; i++) {
            if (c[i].last.why[0])
                continue;
            if (shown)
                fprintf(stderr, "\r\033[K%s: run %u of %u, %s", wl->name, run + 1,
                        (unsigned)o->runs, c[i].stack);
            c[i].last = one_run(wl, c[i].stack, &at);
            if (c[i].last.why[0])
                continue;
            for (unsigned k = 0; k < c[i].last.n; k++)
                values[i][k][run] = c[i].last.figure[k].value;
            c[i].runs++;
        }
    if (shown)
        fprintf(stderr, "\r\033[K");
    for (unsigned i = n;
         i-- > 0;) { /* the first column last, for the ratios need its runs in order */
        unsigned runs = c[i].runs < c[0].runs ? c[i].runs : c[0].runs;

        if (runs)
            c[i].ratio = ratios(values[i][0], values[0][0], runs);
        for (unsigned k = 0; k < c[i].last.n && c[i].runs; k++)
            c[i].figure[k] = spread_of(values[i][k], c[i].runs);
    }
}
