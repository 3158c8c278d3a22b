/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file http_serve.c  Static files over HTTP, on the host's own calls: files are read straight into
 * the send buffer, uploads are written straight from the receive buffer. Files are not mapped: one
 * that becomes shorter while it is sent ends its connection, not the program.
 */
#include "cli/http.h"
#include "cli/services.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEND_CHUNK (256 * 1024) /* of a file, at a time */

enum phase { PHASE_HEAD, PHASE_UPLOAD, PHASE_ANSWER, PHASE_DRAIN };

struct http {
    struct peer peer;
    enum phase phase;
    struct http_request req;
    char in[HTTP_HEAD_MAX];
    size_t have;
    char out[512]; /* head and short body of the answer */
    size_t out_len, out_at;
    uint64_t at, left; /* of the file, still to be sent; or of the upload, still to come */
    int served;        /* the file that is sent, -1: none */
    int file;          /* of the upload, -1: none */
    char temp[64];     /* its name until it is whole */
    char target[HTTP_PATH_MAX + 16]; /* name of the file that is served or stored */
};

/** file_done() - let go of the files of a request */
static void file_done(struct http *c)
{
    if (c->served >= 0)
        close(c->served);
    c->served = -1;
    c->left = 0;
    if (c->file >= 0) {
        close(c->file);
        (void)unlinkat(c->peer.app->root, c->temp, 0);
    }
    c->file = -1;
}

/** http_gone() - struct peer's */
static void http_gone(struct peer *p)
{
    file_done((struct http *)p);
}

/** open_beneath() - open @path, which may not lead out of the root by any link; -1 and errno */
static int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
    if (fd < 0 && errno == ENOSYS)
        fd = openat(root, *path ? path : ".", flags | O_CLOEXEC | O_NOFOLLOW, mode);
    return (int)fd;
}

/** head() - begin an answer */
static void head(struct http *c, int status, uint64_t length, const char *more)
{
    int n = snprintf(c->out, sizeof c->out,
                     "HTTP/1.1 %d %s\r\nServer: gannet\r\nContent-Length: %" PRIu64 "\r\n%s%s\r\n",
                     status, http_reason(status), length, more,
                     c->req.keep ? "" : "Connection: close\r\n");
    c->out_len = (size_t)n;
    c->out_at = 0;
    c->phase = PHASE_ANSWER;
    if (c->peer.app->log)
        fprintf(c->peer.app->log, "gannet: http: %s /%s %d %" PRIu64 "\n",
                *c->req.name ? c->req.name : "?", c->req.path, status, length);
}

/** refuse() - an answer that is only a status; the connection ends if the request's body was not
 * read */
static void refuse(struct http *c, int status, const char *more)
{
    char body[64];
    int n = snprintf(body, sizeof body, "%d %s\n", status, http_reason(status));
    if (status == 400 || status >= 500 || c->req.chunked || (c->req.has_length && c->req.length))
        c->req.keep = false;
    file_done(c);
    head(c, status, (uint64_t)n, more);
    if (c->req.method == HTTP_HEAD)
        return;
    memcpy(c->out + c->out_len, body, (size_t)n);
    c->out_len += (size_t)n;
}

/** open_for_get() - the file of a request, index.html for a directory, its name in c->target; -1
 * and errno */
static int open_for_get(struct http *c, struct stat *st)
{
    const size_t room = sizeof c->target;
    int fd = open_beneath(c->peer.app->root, c->req.path, O_RDONLY | O_NONBLOCK, 0);
    snprintf(c->target, room, "%s", c->req.path);
    if (fd >= 0 && !fstat(fd, st) && S_ISDIR(st->st_mode)) {
        size_t n = strlen(c->req.path);
        close(fd);
        snprintf(c->target + n, room - n, "%sindex.html",
                 n && c->req.path[n - 1] != '/' ? "/" : "");
        fd = open_beneath(c->peer.app->root, c->target, O_RDONLY | O_NONBLOCK, 0);
    }
    if (fd < 0)
        return -1;
    if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/** begin_get() - GET and HEAD */
static void begin_get(struct http *c)
{
    struct stat st;
    char more[256];
    uint64_t first, len;
    int fd = open_for_get(c, &st);
    if (fd < 0) {
        refuse(c, errno == EACCES || errno == EXDEV || errno == ELOOP ? 403 : 404, "");
        return;
    }
    uint64_t size = (uint64_t)st.st_size;
    int status = http_range(&c->req, size, &first, &len);
    if (status == 416) {
        close(fd);
        snprintf(more, sizeof more, "Content-Range: bytes */%" PRIu64 "\r\n", size);
        refuse(c, 416, more);
        return;
    }
    if (c->req.method == HTTP_GET && len) {
        c->served = fd;
        c->at = first;
        c->left = len;
    } else {
        close(fd);
    }
    /* a body is not read, and must not be taken for the next request (RFC 9112 sec. 6.3) */
    if (c->req.chunked || (c->req.has_length && c->req.length))
        c->req.keep = false;
    int n = snprintf(more, sizeof more, "Content-Type: %s\r\nAccept-Ranges: bytes\r\n",
                     http_type(c->target));
    if (status == 206)
        snprintf(more + n, sizeof more - (size_t)n,
                 "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", first,
                 first + len - 1, size);
    head(c, status, len, more);
}

/** begin_put() - an upload goes to a file of another name until it is whole */
static void begin_put(struct http *c, gn_time now)
{
    struct app *a = c->peer.app;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t n = strlen(c->req.path);
    if (!a->put || !n || c->req.path[n - 1] == '/') {
        refuse(c, a->put ? 403 : 405, a->put ? "" : "Allow: GET, HEAD\r\n");
        return;
    }
    if (c->req.has_content_range) { /* a part is not the file (RFC 9110 sec. 14.5) */
        refuse(c, 400, "");
        return;
    }
    if (!c->req.has_length || c->req.chunked) {
        refuse(c, 411, "");
        return;
    }
    snprintf(c->temp, sizeof c->temp, ".gannet-upload-%ld-%" PRIu64, (long)getpid(), a->uploads++);
    memcpy(c->target, c->req.path, n + 1);
    c->file = open_beneath(a->root, c->temp, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (c->file < 0) {
        refuse(c, 403, "");
        return;
    }
    c->left = c->req.length;
    c->phase = PHASE_UPLOAD;
    if (c->req.expects)
        (void)gn_host_send(a->host, c->peer.handle, go_on, sizeof go_on - 1, 0, now);
}

/** keep_upload() - rename the whole upload to its name, beneath the root */
static bool keep_upload(struct http *c)
{
    char *base = strrchr(c->target, '/');
    int dir = c->peer.app->root;
    if (base) {
        *base = 0;
        dir = open_beneath(c->peer.app->root, c->target, O_RDONLY | O_DIRECTORY, 0);
        *base = '/';
        if (dir < 0)
            return false;
    }
    bool good = !renameat(c->peer.app->root, c->temp, dir, base ? base + 1 : c->target);
    if (dir != c->peer.app->root)
        close(dir);
    return good;
}

/** finish_put() - answer a whole upload */
static void finish_put(struct http *c)
{
    bool good = keep_upload(c);
    if (good) {
        close(c->file);
        c->file = -1;
        head(c, 201, 0, "");
    } else {
        refuse(c, 404, "");
    }
}

/** store() - @n octets of an upload; false: no room */
static bool store(struct http *c, const void *p, size_t n)
{
    const char *s = p;
    c->left -= n;
    while (n) {
        ssize_t w = write(c->file, s, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return false;
        s += w;
        n -= (size_t)w;
    }
    return true;
}

/** upload() - take what has come of an upload; false: nothing more now, or the connection has
 * failed (*@end) */
static bool upload(struct http *c, gn_time now, bool *end)
{
    struct gn_span span[2];
    while (c->left) {
        int n = gn_host_recv_data(c->peer.app->host, c->peer.handle, span);
        if (n == GN_E_WOULD_BLOCK)
            return false;
        if (n <= 0) {
            *end = true;
            return false;
        }
        size_t len = span[0].len < c->left ? span[0].len : (size_t)c->left;
        bool good = store(c, span[0].ptr, len);
        (void)gn_host_recv_done(c->peer.app->host, c->peer.handle, len, now);
        if (!good) {
            refuse(c, 507, "");
            return true;
        }
    }
    finish_put(c);
    return true;
}

/** dispatch() - a whole head of @n octets has come */
static void dispatch(struct http *c, size_t n, gn_time now)
{
    int status = http_parse(c->in, n, &c->req);
    /* what follows the head stays in the host's buffer */
    if (status) {
        c->req.keep = false;
        refuse(c, status, "");
    } else if (c->req.method == HTTP_OTHER) {
        refuse(c, 405, c->peer.app->put ? "Allow: GET, HEAD, PUT\r\n" : "Allow: GET, HEAD\r\n");
    } else if (c->req.method == HTTP_PUT) {
        begin_put(c, now);
    } else {
        begin_get(c);
    }
}

/** read_head() - gather a request; false: not whole yet, or the connection has ended (*@end) */
static bool read_head(struct http *c, gn_time now, bool *end)
{
    struct gn_host *h = c->peer.app->host;
    int64_t n = gn_host_recv(h, c->peer.handle, c->in, sizeof c->in, GN_RECV_PEEK, now);
    if (n == GN_E_WOULD_BLOCK)
        return false;
    if (n <= 0) {
        *end = true;
        return false;
    }
    size_t len = http_head_end(c->in, (size_t)n);
    if (!len && n < HTTP_HEAD_MAX) {
        /* with the peer's end there is no more to come */
        *end = gn_host_poll(h, c->peer.handle) & (GN_EV_EOF | GN_EV_CLOSED);
        return false;
    }
    if (!len) {
        memset(&c->req, 0, sizeof c->req);
        refuse(c, 431, "");
        return true;
    }
    (void)gn_host_recv_done(h, c->peer.handle, len, now);
    dispatch(c, len, now);
    return true;
}

/** send_head() - what is left of the head; false: no room now, or the connection has failed (*@end)
 */
static bool send_head(struct http *c, gn_time now, bool *end)
{
    while (c->out_at < c->out_len) {
        int64_t n = gn_host_send(c->peer.app->host, c->peer.handle, c->out + c->out_at,
                                 c->out_len - c->out_at, c->left ? GN_SEND_MORE : 0, now);
        if (n < 0) {
            *end = n != GN_E_WOULD_BLOCK;
            return false;
        }
        c->out_at += (size_t)n;
    }
    return true;
}

/** send_file() - the same of the file; one that has become shorter ends the connection */
static bool send_file(struct http *c, gn_time now, bool *end)
{
    struct gn_host *h = c->peer.app->host;
    struct gn_room room[2];
    while (c->left) {
        size_t want = c->left < SEND_CHUNK ? (size_t)c->left : SEND_CHUNK;
        int n = gn_host_send_room(h, c->peer.handle, want, room);
        if (n <= 0) {
            *end = n != GN_E_WOULD_BLOCK;
            return false;
        }
        ssize_t got = pread(c->served, room[0].ptr, room[0].len, (off_t)c->at);
        if (got <= 0) {
            *end = true;
            return false;
        }
        c->at += (uint64_t)got;
        c->left -= (uint64_t)got;
        if (gn_host_send_commit(h, c->peer.handle, (size_t)got, 0, now) < 0) {
            *end = true;
            return false;
        }
    }
    return true;
}

/** send_answer() - head, then file; false: no room now, or the connection has failed (*@end) */
static bool send_answer(struct http *c, gn_time now, bool *end)
{
    if (!send_head(c, now, end) || !send_file(c, now, end))
        return false;
    file_done(c);
    c->phase = PHASE_HEAD;
    if (!c->req.keep) {
        (void)gn_host_shutdown(c->peer.app->host, c->peer.handle, now);
        c->phase = PHASE_DRAIN;
    }
    return true;
}

/** drain() - after our CLOSE: read until the peer's end */
static bool drain(struct http *c, gn_time now, bool *end)
{
    struct gn_span span[2];
    int n;
    while ((n = gn_host_recv_data(c->peer.app->host, c->peer.handle, span)) > 0)
        (void)gn_host_recv_done(c->peer.app->host, c->peer.handle, span[0].len, now);
    *end = n != GN_E_WOULD_BLOCK;
    return false;
}

/* phase, keep, at, left, octets of the answer's head, of the file's name; both follow the line */
#define LUGGAGE_OUT "%u %u %" PRIu64 " %" PRIu64 " %zu %zu\n"
#define LUGGAGE_IN  "%u %u %" SCNu64 " %" SCNu64 " %zu %zu%*1[\n]%n"

/** http_luggage() - struct peer's: all but an upload, whose file is not whole, can go on elsewhere
 */
static bool http_luggage(const struct peer *p, struct buf *ret)
{
    const struct http *c = (const struct http *)p;
    size_t out = c->out_len - c->out_at, name = strlen(c->target);
    if (c->phase == PHASE_UPLOAD)
        return false;
    buf_printf(ret, LUGGAGE_OUT, (unsigned)c->phase, (unsigned)c->req.keep, c->at, c->left, out,
               name);
    buf_mem(ret, c->out + c->out_at, out);
    buf_mem(ret, c->target, name);
    return true;
}

/** http_event() - go on as far as possible */
static void http_event(struct peer *p, unsigned what, gn_time now)
{
    struct http *c = (struct http *)p;
    bool end = false, go = true;
    if (what & GN_EV_ERROR) {
        peer_end(p, true, now);
        return;
    }
    while (go && !end) {
        switch (c->phase) {
        case PHASE_HEAD: go = read_head(c, now, &end); break;
        case PHASE_UPLOAD: go = upload(c, now, &end); break;
        case PHASE_ANSWER: go = send_answer(c, now, &end); break;
        case PHASE_DRAIN: go = drain(c, now, &end); break;
        }
    }
    if (end)
        peer_end(p, false, now);
}

/** http_new() - an object for a connection; NULL: no memory */
static struct http *http_new(struct app *a, gn_handle h, gn_time now)
{
    struct peer *p = peer_new(a, sizeof(struct http), h, http_event, now);
    struct http *c = (struct http *)p;
    if (!p)
        return NULL;
    c->file = c->served = -1;
    p->gone = http_gone;
    p->luggage = http_luggage;
    return c;
}

/** http_accepted() - struct service's */
static void http_accepted(struct app *a, gn_handle h, gn_time now)
{
    struct http *c = http_new(a, h, now);
    if (c)
        http_event(&c->peer, 0, now);
}

/** http_arrived() - struct service's. What cannot be is not believed; the file is opened anew, and
 * has to be as long as it was */
static struct peer *http_arrived(struct app *a, gn_handle h, const char *luggage, size_t len,
                                 gn_time now)
{
    unsigned phase = 0, keep = 0;
    size_t out = 0, name = 0;
    uint64_t at = 0, left = 0;
    int line = 0;
    char first[96];
    snprintf(first, sizeof first, "%.*s", (int)len, luggage);
    if (sscanf(first, LUGGAGE_IN, &phase, &keep, &at, &left, &out, &name, &line) != 6 || !line)
        return NULL;
    struct http *c = http_new(a, h, now);
    if (!c)
        return NULL;
    luggage += line;
    len -= (size_t)line;
    if (phase > PHASE_DRAIN || phase == PHASE_UPLOAD || out > sizeof c->out ||
        name >= sizeof c->target || out + name != len) {
        peer_leaves(&c->peer);
        return NULL;
    }
    c->phase = (enum phase)phase;
    c->req.keep = keep != 0;
    c->at = at;
    c->left = left;
    c->out_len = out;
    memcpy(c->out, luggage, out);
    memcpy(c->target, luggage + out, name);
    if (left && (c->served = open_beneath(a->root, c->target, O_RDONLY | O_NONBLOCK, 0)) < 0) {
        peer_leaves(&c->peer);
        return NULL;
    }
    return &c->peer;
}

const struct service service_http = {"http", http_accepted, http_arrived};
