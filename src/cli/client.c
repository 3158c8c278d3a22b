/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file client.c  The asker's end of the control socket, and the sub-commands that are nothing
 * else.
 */
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/record.h"
#include "cli/view.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/** try_path() - a connection to the control socket at @path, or -1 */
static int try_path(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !connect(fd, (struct sockaddr *)&sa, sizeof sa))
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

/** find_only() - the only `gannet up` of this user; -1: said why not */
static int find_only(void)
{
    char path[512], dir[200];
    int found = -1, count = 0;
    struct buf names = {0};
    if (!control_path("x", path, sizeof path))
        return -1;
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".sock") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        int fd = try_path(path);
        if (fd < 0)
            continue;
        buf_printf(&names, "%s%s", count++ ? ", " : "", path);
        if (found >= 0)
            close(found);
        found = fd;
    }
    if (d)
        closedir(d);
    if (count == 0)
        complain("no 'gannet up' of this user is running");
    if (count > 1) {
        complain("several are running; choose with --control: %s", names.s);
        close(found);
        found = -1;
    }
    buf_free(&names);
    return found;
}

/** first_line() - is the answer good? Complains if it is not */
static bool first_line(struct buf *answer, size_t *begin)
{
    char *end = answer->s ? strchr(answer->s, '\n') : NULL;
    if (!end) {
        complain("'gannet up' ended before it answered");
        return false;
    }
    *begin = (size_t)(end + 1 - answer->s);
    if (!strncmp(answer->s, "ok\n", 3))
        return true;
    *end = 0;
    complain("%s", !strncmp(answer->s, "error ", 6) ? answer->s + 6 : answer->s);
    return false;
}

int client_ask(const char *path, const char *request, struct buf *out)
{
    int fd = path ? try_path(path) : find_only();
    if (fd < 0)
        return path ? complain("control socket %s: %s", path, strerror(errno)) : EXIT_FAILED;
    struct buf answer = {0};
    char piece[16384];
    size_t begin = 0;
    bool started = false, good = true;
    (void)send(fd, request, strlen(request), MSG_NOSIGNAL);
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0)
            break;
        buf_mem(&answer, piece, (size_t)n);
        if (!started && memchr(answer.s, '\n', answer.len)) {
            started = true;
            good = first_line(&answer, &begin);
        }
        if (started && good && !out) {
            fwrite(answer.s + begin, 1, answer.len - begin, stdout);
            answer.len = begin = 0;
        }
        if (!good)
            break;
    }
    close(fd);
    if (!started)
        good = first_line(&answer, &begin);
    if (good && out && answer.len > begin)
        buf_mem(out, answer.s + begin, answer.len - begin);
    buf_free(&answer);
    return good ? EXIT_FINE : EXIT_FAILED;
}

/** send_all() - @n octets; false: the other end has gone */
static bool send_all(int fd, const char *octets, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, octets, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        octets += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

bool client_ask_with(const char *path, const char *request, const char *octets, size_t n,
                     struct buf *out)
{
    int fd = try_path(path);
    struct buf answer = {0};
    char piece[16384];
    ssize_t got = -1;
    if (fd >= 0 && send_all(fd, request, strlen(request)) && send_all(fd, octets, n))
        while ((got = read(fd, piece, sizeof piece)) > 0)
            buf_mem(&answer, piece, (size_t)got);
    if (got < 0)
        buf_printf(out, "control socket %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    bool good = got == 0 && answer.len >= 3 && !memcmp(answer.s, "ok\n", 3);
    bool refused = got == 0 && answer.len > 6 && !memcmp(answer.s, "error ", 6);
    size_t skip = good ? 3 : refused ? 6 : 0;
    if (got == 0 && !good && !refused)
        buf_str(out, "'gannet up' ended before it answered");
    else if (answer.len > skip)
        buf_mem(out, answer.s + skip, answer.len - skip - refused);
    buf_free(&answer);
    return good;
}

enum { OPT_CONTROL = 1, OPT_JSON, OPT_PORT, OPT_ASCII, OPT_ABSOLUTE, OPT_SVG, OPT_WIDTH };

static const struct option_spec stats_options[] = {
    {OPT_CONTROL, 0, "control", "PATH", "control socket of the 'gannet up' to ask"},
    {OPT_JSON, 0, "json", NULL, "as JSON"},
    {0, 0, NULL, NULL, NULL},
};

/** run_stats() - `gannet stats` */
static int run_stats(struct args *a)
{
    const char *value, *path = NULL;
    bool json = false;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == OPT_CONTROL)
            path = value;
        else if (id == OPT_JSON)
            json = true;
        else
            usage_fail(a, "one word too many: '%s'", value);
    }
    return client_ask(path, json ? "stats json\n" : "stats\n", NULL);
}

const struct command command_stats = {
    .name = "stats",
    .synopsis = "[OPTION...]",
    .summary =
        "Print what a running 'gannet up' counts: states, transitions, counters, drops by reason.",
    .options = stats_options,
    .run = run_stats,
};

static const struct option_spec ctl_options[] = {
    {OPT_CONTROL, 0, "control", "PATH", "control socket of the 'gannet up' to tell"},
    {0, 0, NULL, NULL, NULL},
};

/** run_ctl() - `gannet ctl` */
static int run_ctl(struct args *a)
{
    const char *value, *path = NULL;
    struct buf b = {0};
    int id;
    while ((id = args_next(a, &value))) {
        if (id == OPT_CONTROL)
            path = value;
        else
            buf_printf(&b, "%s%s", b.len ? " " : "", value);
    }
    if (!b.len)
        usage_fail(a, "which request?");
    buf_str(&b, "\n");
    int code = client_ask(path, b.s, NULL);
    buf_free(&b);
    return code;
}

const struct command command_ctl = {
    .name = "ctl",
    .synopsis = "[OPTION...] REQUEST...",
    .summary = "Tell a running 'gannet up' something: set a knob, close, abort or freeze a "
               "connection, quit.",
    .details =
        "requests:\n"
        "  set KNOB=VALUE             for what is opened from now on; limits and timeouts at once\n"
        "  close HANDLE               CLOSE; handles are in 'gannet ss --json'\n"
        "  abort HANDLE               ABORT\n"
        "  freeze HANDLE              it stands still; prints what 'gannet migrate --to' reads\n"
        "  unfreeze HANDLE|all        those that are frozen go on\n"
        "  forget HANDLE|all          those that are frozen are gone, without a word to the peer\n"
        "  quit                       end it",
    .options = ctl_options,
    .run = run_ctl,
};

static const struct option_spec ladder_options[] = {
    {OPT_CONTROL, 0, "control", "PATH", "control socket of the 'gannet up' to ask"},
    {OPT_PORT, 'p', "port", "N", "the latest connection with that port at either end"},
    {OPT_ASCII, 0, "ascii", NULL, "draw with ASCII characters only"},
    {OPT_ABSOLUTE, 'A', "absolute", NULL, "absolute SEQ and ACK beneath the relative ones"},
    {OPT_SVG, 0, "svg", "FILE", "draw an SVG into FILE instead ('-': standard output)"},
    {OPT_WIDTH, 'w', "width", "COLUMNS", "width of the drawing (the terminal's, else 144)"},
    {OPT_JSON, 0, "json", NULL, "print the events as JSON"},
    {0, 0, NULL, NULL, NULL},
};

struct ladder_request {
    struct drawing draw;
    const char *path;
    uint64_t port;
    bool json;
};

/** take_ladder() - one option of `gannet ladder` */
static void take_ladder(struct args *a, int id, const char *value, struct ladder_request *q)
{
    uint64_t width;
    switch (id) {
    case OPT_CONTROL: q->path = value; break;
    case OPT_JSON: q->json = true; break;
    case OPT_ASCII: q->draw.style.ascii = true; break;
    case OPT_ABSOLUTE: q->draw.style.absolute = true; break;
    case OPT_SVG: q->draw.svg = value; break;
    case OPT_WIDTH:
        if (!parse_number(value, 80, 1000, &width))
            usage_fail(a, "--width is a number from 80 to 1000, not '%s'", value);
        q->draw.style.width = (unsigned)width;
        break;
    case OPT_PORT:
        if (!parse_number(value, 1, 65535, &q->port))
            usage_fail(a, "'%s' is no port", value);
        break;
    default: usage_fail(a, "one word too many: '%s'", value);
    }
}

/** run_ladder() - `gannet ladder` */
static int run_ladder(struct args *a)
{
    struct ladder_request q = {.draw = drawing_default()};
    const struct ladder_style *s = &q.draw.style;
    const char *value;
    int id;
    while ((id = args_next(a, &value)))
        take_ladder(a, id, value, &q);
    struct buf ask = {0}, answer = {0};
    buf_printf(&ask, "ladder width=%u%s%s%s%s%s", s->width, s->ascii ? " ascii" : "",
               s->absolute ? " absolute" : "", s->colour ? " colour" : "", q.draw.svg ? " svg" : "",
               q.json ? " json" : "");
    if (q.port)
        buf_printf(&ask, " port=%" PRIu64, q.port);
    buf_str(&ask, "\n");
    int code = client_ask(q.path, ask.s, &answer);
    if (code == EXIT_FINE) {
        bool out = !q.draw.svg || !strcmp(q.draw.svg, "-");
        FILE *f = out ? stdout : fopen(q.draw.svg, "w");
        if (!f || fwrite(answer.s, 1, answer.len, f) != answer.len || (!out && fclose(f)))
            code = complain("cannot write %s: %s", out ? "standard output" : q.draw.svg,
                            strerror(errno));
    }
    buf_free(&ask);
    buf_free(&answer);
    return code;
}

const struct command command_ladder = {
    .name = "ladder",
    .synopsis = "[OPTION...]",
    .summary = "Draw the latest connection of a running 'gannet up --ladder' as a ladder.",
    .options = ladder_options,
    .run = run_ladder,
};
