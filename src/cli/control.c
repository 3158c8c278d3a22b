/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file control.c  The control socket of a running `gannet up`, its end there.
 *
 * Long answers (a million connections) are made piece by piece, as the asker reads them, so that
 * the host goes on working in between.
 */
#include "cli/control.h"

#include "cli/cli.h"
#include "cli/move.h"
#include "cli/status_line.h"
#include "cli/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MAX 1024
#define PIECE       (64 * 1024) /* no more is made than this much ahead of the reader */
#define CLIENTS_MAX 64

/** One asker. */
struct client {
    struct control *control;
    struct client *next;
    int fd;
    char request[REQUEST_MAX];
    size_t have;
    struct buf parcel; /* what follows the line of a request */
    size_t follows;    /* octets of it; 0: nothing does */
    struct buf answer;
    size_t written;
    bool answering, walking; /* walking: the answer goes on at @cursor */
    bool lines;              /* as lines for a program of ours */
    struct view view;
    struct json json;
    struct fleet_cursor cursor;
};

struct control {
    struct gn_loop *loop;
    struct fleet *fleet;
    struct history *seen;
    struct client *clients;
    unsigned n_clients;
    int fd;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

bool control_path(const char *device, char *ret, size_t cap)
{
    char dir[96];
    struct stat st;
    const char *run = getenv("XDG_RUNTIME_DIR");
    if (run && *run && strlen(run) < 80)
        snprintf(dir, sizeof dir, "%s/gannet", run);
    else
        snprintf(dir, sizeof dir, "/tmp/gannet-%ld", (long)getuid());
    if (mkdir(dir, 0700) && errno != EEXIST) {
        complain("cannot make %s: %s", dir, strerror(errno));
        return false;
    }
    if (lstat(dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid != getuid() || st.st_mode & 077) {
        complain("%s is not a directory of this user alone; give --control PATH", dir);
        return false;
    }
    int n = snprintf(ret, cap, "%s/%s.sock", dir, device);
    return n > 0 && (size_t)n < cap;
}

/** drop() - an asker goes */
static void drop(struct client *c)
{
    struct client **p = &c->control->clients;
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->control->n_clients--;
    gn_loop_unwatch(c->control->loop, c->fd);
    close(c->fd);
    buf_free(&c->answer);
    buf_free(&c->parcel);
    free(c);
}

/** walk_on() - make the next piece of the list of connections */
static void walk_on(struct client *c)
{
    struct gn_status s;
    gn_time now;
    while (c->answer.len < PIECE) {
        if (!fleet_walk(c->control->fleet, &c->cursor, &s, &now)) {
            c->walking = false;
            if (c->view.json) {
                json_close(&c->json, ']');
                buf_str(&c->answer, "\n");
            }
            return;
        }
        if (c->lines) {
            status_line_write(&s, now, &c->answer);
            continue;
        }
        if (!view_matches(&c->view, &s))
            continue;
        if (c->view.handles)
            view_handle(&s, &c->answer);
        else if (c->view.json)
            view_status_json(&s, NULL, now, &c->json);
        else
            view_status(&c->view, &s, now, &c->answer);
    }
}

/** ask_ss() - the list of connections */
static void ask_ss(struct client *c, char *words)
{
    char *save = NULL;
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (!view_word(&c->view, w)) {
            buf_printf(&c->answer, "error no such word: %s\n", w);
            return;
        }
    }
    buf_str(&c->answer, "ok\n");
    c->walking = true;
    c->json = (struct json){.b = &c->answer};
    if (c->view.json)
        json_open(&c->json, NULL, '[');
    else if (!c->view.no_header && !c->view.handles)
        view_header(&c->answer);
}

/** ask_facts() - counters, knobs, and every connection, as lines */
static void ask_facts(struct client *c)
{
    struct gn_stats st;
    fleet_stats(c->control->fleet, &st);
    buf_str(&c->answer, "ok\n");
    stats_line_write(&st, &c->answer);
    conf_line_write(fleet_conf(c->control->fleet), &c->answer);
    c->lines = c->walking = true;
}

/** ask_stats() - counts by state; @all: counters, drops and transitions too */
static void ask_stats(struct client *c, const char *words, bool all)
{
    struct gn_stats st;
    bool json = !strcmp(words, "json");
    fleet_stats(c->control->fleet, &st);
    buf_str(&c->answer, "ok\n");
    view_summary(&st, json, &c->answer);
    if (json || !all)
        return;
    buf_str(&c->answer, "\n");
    view_transitions(&st, &c->answer);
    buf_str(&c->answer, "\n");
#define GN_MIB(name, text) \
    if (st.name)           \
        buf_printf(&c->answer, "%20llu  %-22s %s\n", (unsigned long long)st.name, #name, text);
#include <gannet/mib.def>
#undef GN_MIB
    for (unsigned d = 1; d < GN_DROP_COUNT; d++)
        if (st.drop[d])
            buf_printf(&c->answer, "%20llu  drop: %s\n", (unsigned long long)st.drop[d],
                       gn_drop_text(d));
}

/** ask_set() - change a knob */
static void ask_set(struct client *c, char *words)
{
    char *eq = strchr(words, '=');
    if (!eq) {
        buf_str(&c->answer, "error write set KNOB=VALUE\n");
        return;
    }
    *eq = 0;
    enum gn_err e = fleet_set_knob(c->control->fleet, words, eq + 1);
    if (e == GN_OK)
        buf_str(&c->answer, "ok\n");
    else
        buf_printf(&c->answer, "error %s: %s\n", words,
                   e == GN_E_UNSUPPORTED ? "no such knob" : gn_err_text(e));
}

/** ask_end() - close or abort a connection by its handle */
static void ask_end(struct client *c, const char *words, bool abort_it)
{
    char *end;
    gn_handle h = strtoull(words, &end, 16);
    enum gn_err e = GN_E_INVALID;
    if (*words && !*end)
        e = fleet_end(c->control->fleet, h, abort_it);
    if (e == GN_OK)
        buf_str(&c->answer, "ok\n");
    else
        buf_printf(&c->answer, "error %s\n", gn_err_text(e));
}

/** ask_freeze() - a connection stands still, and its parcel is the answer */
static void ask_freeze(struct client *c, const char *words)
{
    struct buf parcel = {0};
    const char *why;
    char *end;
    gn_handle h = strtoull(words, &end, 16);
    if (!*words || *end)
        buf_str(&c->answer, "error which handle?\n");
    else if (!move_freeze(c->control->fleet, h, &parcel, &why))
        buf_printf(&c->answer, "error %s\n", why);
    else {
        buf_str(&c->answer, "ok\n");
        buf_mem(&c->answer, parcel.s, parcel.len);
    }
    buf_free(&parcel);
}

/** ask_frozen() - what becomes of one that is frozen, or of all */
static void ask_frozen(struct client *c, const char *words,
                       enum gn_err (*what)(struct fleet *, gn_handle))
{
    char *end;
    gn_handle h = strtoull(words, &end, 16);
    if (!strcmp(words, "all")) {
        buf_printf(&c->answer, "ok\n%u\n", move_all(c->control->fleet, what));
        return;
    }
    enum gn_err e = *words && !*end ? what(c->control->fleet, h) : GN_E_INVALID;
    if (e == GN_OK)
        buf_str(&c->answer, "ok\n");
    else
        buf_printf(&c->answer, "error %s\n", gn_err_text(e));
}

/** ask_thaw() - a connection is made of the parcel that followed; its handle is the answer */
static void ask_thaw(struct client *c, const char *words)
{
    const char *why;
    gn_handle h;
    if (move_thaw(c->control->fleet, c->parcel.s, c->parcel.len, !strncmp(words, "same-path ", 10),
                  &h, &why))
        buf_printf(&c->answer, "ok\n%llx\n", (unsigned long long)h);
    else
        buf_printf(&c->answer, "error %s\n", why);
}

/** follows() - how many octets follow a request: of "thaw [same-path] N" */
static size_t follows(const char *request)
{
    uint64_t n = 0;
    const char *last = strrchr(request, ' ');
    if (strncmp(request, "thaw ", 5) != 0 || !parse_number(last + 1, 1, MOVE_PARCEL_MAX, &n))
        return 0;
    return (size_t)n;
}

/** ask_ladder() - draw the last conversation */
static void ask_ladder(struct client *c, char *words)
{
    struct buf b = {0};
    if (!c->control->seen)
        buf_str(&c->answer, "error nothing was recorded: start 'gannet up' with --ladder\n");
    else if (!history_draw(c->control->seen, words, &b))
        buf_printf(&c->answer, "error %s\n", b.s);
    else
        buf_printf(&c->answer, "ok\n%s", b.s);
    buf_free(&b);
}

/** obey() - carry out a request, which is a whole line */
static void obey(struct client *c)
{
    char *verb = c->request;
    char *words = verb + strcspn(verb, " ");
    if (*words)
        *words++ = 0;
    if (!strcmp(verb, "ss")) {
        ask_ss(c, words);
    } else if (!strcmp(verb, "stats") || !strcmp(verb, "summary")) {
        ask_stats(c, words, verb[1] == 't');
    } else if (!strcmp(verb, "facts")) {
        ask_facts(c);
    } else if (!strcmp(verb, "set")) {
        ask_set(c, words);
    } else if (!strcmp(verb, "close") || !strcmp(verb, "abort")) {
        ask_end(c, words, verb[0] == 'a');
    } else if (!strcmp(verb, "freeze")) {
        ask_freeze(c, words);
    } else if (!strcmp(verb, "thaw") && c->follows) {
        ask_thaw(c, words);
    } else if (!strcmp(verb, "unfreeze")) {
        ask_frozen(c, words, move_unfreeze);
    } else if (!strcmp(verb, "forget")) {
        ask_frozen(c, words, move_forget);
    } else if (!strcmp(verb, "ladder")) {
        ask_ladder(c, words);
    } else if (!strcmp(verb, "quit")) {
        buf_str(&c->answer, "ok\n");
        gn_loop_stop(c->control->loop);
    } else {
        buf_printf(&c->answer, "error no such request: %s\n", verb);
    }
    c->answering = true;
}

/** answer() - write as much as the asker takes; true when all is written or it is gone */
static bool answer(struct client *c)
{
    for (;;) {
        if (c->walking)
            walk_on(c);
        if (!c->answer.len)
            break;
        ssize_t n = send(c->fd, c->answer.s, c->answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno != EAGAIN && errno != EINTR;
        memmove(c->answer.s, c->answer.s + n, c->answer.len - (size_t)n);
        c->answer.len -= (size_t)n;
    }
    return true;
}

static void on_client(void *ctx, int fd, unsigned what, gn_time now);

/** read_line() - more of the line of a request; true: it is whole */
static bool read_line(struct client *c, const char *p, size_t n)
{
    size_t room = REQUEST_MAX - 1 - c->have, take = n < room ? n : room;
    memcpy(c->request + c->have, p, take);
    c->have += take;
    c->request[c->have] = 0;
    char *end = strchr(c->request, '\n');
    if (!end)
        return c->have == REQUEST_MAX - 1;
    *end = 0;
    c->follows = follows(c->request);
    if (c->follows) { /* the part of @p that is not of the line */
        size_t line = (size_t)(end + 1 - c->request) - (c->have - take);
        buf_mem(&c->parcel, p + line, n - line);
    }
    return true;
}

/** read_request() - more of a request; 1: it is whole, 0: not yet, -1: the asker is gone */
static int read_request(struct client *c)
{
    char piece[16384];
    ssize_t n = recv(c->fd, piece, c->follows ? sizeof piece : REQUEST_MAX, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return -1;
    if (c->follows)
        buf_mem(&c->parcel, piece, (size_t)n);
    else if (!read_line(c, piece, (size_t)n))
        return 0;
    return c->parcel.len >= c->follows;
}

/** on_client() - the asker has sent something, or takes more of the answer */
static void on_client(void *ctx, int fd, unsigned what, gn_time now)
{
    struct client *c = ctx;
    (void)what;
    (void)now;
    if (!c->answering) {
        int whole = read_request(c);
        if (whole < 0)
            drop(c);
        if (whole <= 0)
            return;
        obey(c);
        (void)gn_loop_watch(c->control->loop, fd, GN_WATCH_WRITE, on_client, c);
    }
    if (answer(c))
        drop(c);
}

/** on_listener() - somebody wants to ask */
static void on_listener(void *ctx, int fd, unsigned what, gn_time now)
{
    struct control *k = ctx;
    (void)what;
    (void)now;
    int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (got < 0)
        return;
    if (k->n_clients == CLIENTS_MAX) {
        /* who asks nothing must not lock others out */
        struct client *oldest = k->clients;
        while (oldest->next)
            oldest = oldest->next;
        drop(oldest);
    }
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        close(got);
        return;
    }
    c->control = k;
    c->fd = got;
    c->next = k->clients;
    k->clients = c;
    k->n_clients++;
    if (gn_loop_watch(k->loop, got, GN_WATCH_READ, on_client, c) != GN_OK)
        drop(c);
}

/** taken() - does somebody answer at this address, or is it anything else than a socket? */
static bool taken(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return true;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && !connect(fd, (const struct sockaddr *)sa, sizeof *sa);
    if (fd >= 0)
        close(fd);
    return yes;
}

/** listen_at() - a listening socket that only this user may use; -1 and errno */
static int listen_at(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    mode_t old = umask(0177);
    int failed = bind(fd, (const struct sockaddr *)sa, sizeof *sa);
    if (failed && errno == EADDRINUSE && !taken(sa)) {
        /* left behind by one that was killed */
        (void)unlink(sa->sun_path);
        failed = bind(fd, (const struct sockaddr *)sa, sizeof *sa);
    }
    (void)umask(old);
    if (failed || listen(fd, 16)) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

struct control *control_open(const char *path, struct fleet *f, struct history *seen)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path) {
        complain("control socket %s: the name is too long", path);
        return NULL;
    }
    memcpy(sa.sun_path, path, strlen(path) + 1);
    struct control *k = calloc(1, sizeof *k);
    if (!k)
        exit(complain("out of memory"));
    k->fd = listen_at(&sa);
    if (k->fd < 0) {
        complain("control socket %s: %s", path, strerror(errno));
        free(k);
        return NULL;
    }
    k->loop = f->m[0].rig.loop;
    k->fleet = f;
    k->seen = seen;
    memcpy(k->path, sa.sun_path, sizeof k->path);
    (void)gn_loop_watch(k->loop, k->fd, GN_WATCH_READ, on_listener, k);
    return k;
}

void control_close(struct control *k)
{
    if (!k)
        return;
    for (struct client *c = k->clients, *next; c; c = next) {
        next = c->next;
        (void)answer(c);
        drop(c);
    }
    gn_loop_unwatch(k->loop, k->fd);
    close(k->fd);
    (void)unlink(k->path);
    free(k);
}
