/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file web.c  The small HTTP server.
 *
 * A client sends one request and gets one answer, then the connection is closed. There is room for
 * CLIENTS_MAX; one more takes the place of the one that has been there longest, so that idle or
 * slow ones lock nobody out. What a client still sends after the answer is read, up to a bound: to
 * close before that would reset the connection, and the answer might be lost with it.
 */
#include "cli/web.h"

#include "cli/cli.h"
#include "cli/embed.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define SPILT_MAX   (64 * 1024)

struct web_client {
    struct web *web;
    struct web_client *next; /* the one that came before */
    int fd;
    char head[HTTP_HEAD_MAX];
    size_t have;
    struct buf out;
    size_t at;    /* sent of it */
    size_t spilt; /* read after the answer, and thrown away */
};

struct web {
    struct gn_loop *loop;
    web_handler *handler;
    void *ctx;
    int fd;
    bool loopback;
    char url[80];
    struct web_client *clients; /* the newest first */
    unsigned n_clients;
};

/** drop() - a client goes */
static void drop(struct web_client *c)
{
    struct web_client **p = &c->web->clients;
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->web->n_clients--;
    gn_loop_unwatch(c->web->loop, c->fd);
    close(c->fd);
    buf_free(&c->out);
    free(c);
}

/** local_name() - is @host, a Host field, a name of this machine to itself? */
static bool local_name(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);
        if (!strncasecmp(host, names[i], n) && (!host[n] || host[n] == ':'))
            return true;
    }
    return false;
}

/** write_answer() - head and body into what is to be sent */
static void write_answer(struct web_client *c, const struct web_answer *a, bool with_body)
{
    buf_printf(
        &c->out,
        "HTTP/1.1 %d %s\r\nServer: gannet\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'self' 'unsafe-inline'; img-src 'self' data:\r\n"
        "Connection: close\r\n\r\n",
        a->status, http_reason(a->status), a->type, a->body.len);
    if (with_body)
        buf_mem(&c->out, a->body.s, a->body.len);
}

/** obey() - the answer to the request whose head is @n octets */
static void obey(struct web_client *c, size_t n)
{
    struct web_answer a = {.status = 200, .type = "text/plain; charset=utf-8"};
    struct http_request *q = calloc(1, sizeof *q);
    int status = !q ? 500 : n ? http_parse(c->head, n, q) : 431;

    if (!status && c->web->loopback && !local_name(q->host))
        status = 403;
    if (!status && q->method != HTTP_GET && q->method != HTTP_HEAD)
        status = 405;
    if (!status) {
        c->web->handler(c->web->ctx, q, &a);
        status = a.status;
    }
    a.status = status;
    if (!a.body.len)
        buf_printf(&a.body, "%d %s\n", status, http_reason(status));
    write_answer(c, &a, !q || q->method != HTTP_HEAD);
    buf_free(&a.body);
    free(q);
}

/** on_rest() - gn_watch_fn: the answer is out; wait for the end of what comes */
static void on_rest(void *ctx, int fd, unsigned what, gn_time now)
{
    struct web_client *c = ctx;
    char rest[4096];
    ssize_t n = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    (void)what;
    (void)now;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->spilt += n > 0 ? (size_t)n : 0;
    if (n <= 0 || c->spilt > SPILT_MAX)
        drop(c);
}

/** on_client() - gn_watch_fn: it has sent something, or takes more */
static void on_client(void *ctx, int fd, unsigned what, gn_time now)
{
    struct web_client *c = ctx;
    ssize_t n;
    (void)what;
    (void)now;
    if (!c->out.len) {
        n = recv(fd, c->head + c->have, sizeof c->head - c->have, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            drop(c);
            return;
        }
        c->have += (size_t)n;
        size_t head = http_head_end(c->head, c->have);
        if (!head && c->have < sizeof c->head)
            return;
        obey(c, head);
        (void)gn_loop_watch(c->web->loop, fd, GN_WATCH_WRITE, on_client, c);
    }
    n = send(fd, c->out.s + c->at, c->out.len - c->at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->at += n > 0 ? (size_t)n : 0;
    if (n < 0) {
        drop(c);
    } else if (c->at == c->out.len) {
        (void)shutdown(fd, SHUT_WR);
        (void)gn_loop_watch(c->web->loop, fd, GN_WATCH_READ, on_rest, c);
    }
}

/** on_listener() - gn_watch_fn: somebody has come */
static void on_listener(void *ctx, int fd, unsigned what, gn_time now)
{
    struct web *w = ctx;
    struct web_client *c, *oldest = w->clients;
    int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)what;
    (void)now;
    if (got < 0)
        return;
    if (w->n_clients == CLIENTS_MAX) {
        while (oldest->next)
            oldest = oldest->next;
        drop(oldest);
    }
    c = calloc(1, sizeof *c);
    if (!c) {
        close(got);
        return;
    }
    c->web = w;
    c->fd = got;
    c->next = w->clients;
    w->clients = c;
    w->n_clients++;
    if (gn_loop_watch(w->loop, got, GN_WATCH_READ, on_client, c) != GN_OK)
        drop(c);
}

/** resolve() - "PORT", ":PORT", "ADDR:PORT", "[ADDR]:PORT"; NULL: not one */
static struct addrinfo *resolve(const char *where)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *ret = NULL;
    char host[64] = "127.0.0.1";
    const char *colon = strrchr(where, ':'), *port = colon ? colon + 1 : where;
    size_t n = colon ? (size_t)(colon - where) : 0;
    uint64_t number;

    if (!parse_number(port, 0, 65535, &number) || n >= sizeof host)
        return NULL;
    if (n > 2 && where[0] == '[' && where[n - 1] == ']')
        snprintf(host, sizeof host, "%.*s", (int)n - 2, where + 1);
    else if (n)
        snprintf(host, sizeof host, "%.*s", (int)n, where);
    if (!strcmp(host, "localhost"))
        snprintf(host, sizeof host, "127.0.0.1");
    return getaddrinfo(host, port, &hints, &ret) ? NULL : ret;
}

/** listen_at() - a listening socket; -1 and errno */
static int listen_at(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1, err;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, 64))
        return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

/** name_it() - the URL, and whether only this machine can use it */
static void name_it(struct web *w)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    char host[64] = "", port[8] = "";

    if (!getsockname(w->fd, (struct sockaddr *)&sa, &n))
        (void)getnameinfo((struct sockaddr *)&sa, n, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    w->loopback = !strncmp(host, "127.", 4) || !strcmp(host, "::1");
    snprintf(w->url, sizeof w->url, strchr(host, ':') ? "http://[%s]:%s/" : "http://%s:%s/", host,
             port);
}

struct web *web_open(struct gn_loop *l, const char *where, web_handler *handler, void *ctx)
{
    struct addrinfo *a = resolve(where);
    struct web *w = calloc(1, sizeof *w);

    if (!a || !w) {
        complain("'%s' is no address to listen at; write PORT, ADDR:PORT or [ADDR]:PORT", where);
        if (a)
            freeaddrinfo(a);
        free(w);
        return NULL;
    }
    *w = (struct web){.loop = l, .handler = handler, .ctx = ctx, .fd = listen_at(a)};
    freeaddrinfo(a);
    if (w->fd < 0 || gn_loop_watch(l, w->fd, GN_WATCH_READ, on_listener, w) != GN_OK) {
        complain("cannot listen at %s: %s", where, strerror(errno));
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return NULL;
    }
    name_it(w);
    return w;
}

const char *web_url(const struct web *w)
{
    return w->url;
}

void web_close(struct web *w)
{
    if (!w)
        return;
    for (struct web_client *c = w->clients, *next; c; c = next) {
        next = c->next;
        drop(c);
    }
    gn_loop_unwatch(w->loop, w->fd);
    close(w->fd);
    free(w);
}

void web_file(const struct embedded *files, const char *name, struct web_answer *a)
{
    for (; files->name; files++)
        if (!strcmp(files->name, name)) {
            buf_mem(&a->body, files->bytes, files->len);
            a->type = http_type(name);
            return;
        }
    a->status = 404;
}
