/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file calls.c  The system calls of a script, made through the table that packetdrill uses.
 */
#define _GNU_SOURCE

#include "play.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/** One call under way. */
struct making {
    struct play *p;
    const struct event *e;
    const struct call_spec *c;
    struct packetdrill_interface *ifc;
    void *u;
};

/** arg() - the @i-th argument; a script error if it is missing */
static const struct expr *arg(const struct making *m, unsigned i)
{
    if (i >= m->c->n_arg)
        fail_at(m->p->script, m->e->line, "%s: too few arguments", m->c->name);
    return m->c->arg[i];
}

static long long num(const struct making *m, unsigned i)
{
    return arg_int(m->p, m->e->line, arg(m, i));
}

static int fd(const struct making *m, unsigned i)
{
    return arg_fd(m->p, m->e->line, arg(m, i));
}

/** state() - what is remembered of the script's number in argument 0; NULL: unknown */
static struct fd_state *state(const struct making *m)
{
    long long v = num(m, 0);

    return v >= 0 && v < FDS && m->p->fd[v].known ? &m->p->fd[v] : NULL;
}

/** opened() - a call has given a descriptor: the script's name for it is its expected result */
static long long opened(const struct making *m, long long live)
{
    long long name = m->c->result ? arg_int(m->p, m->e->line, m->c->result) : -1;

    if (live < 0 || name < 0)
        return live;
    if (name >= FDS)
        fail_at(m->p->script, m->e->line, "descriptors of scripts are below %d", FDS);
    m->p->fd[name] = (struct fd_state){.known = true, .live = (int)live};
    m->p->latest = (int)live;
    return name;
}

static long long call_socket(const struct making *m)
{
    const struct expr *family = arg(m, 0);
    int domain = m->p->script->v6 ? AF_INET6 : AF_INET;

    if (family->kind != EXPR_ELLIPSIS)
        domain = (int)num(m, 0);
    return opened(m, m->ifc->socket(m->u, domain, (int)num(m, 1), (int)num(m, 2)));
}

static long long call_bind(const struct making *m)
{
    struct sockaddr_storage a;
    uint8_t any[16] = {0};
    socklen_t len = arg_sockaddr(m->p, m->e->line, arg(m, 1), any, SCRIPT_PORT, &a);

    return m->ifc->bind(m->u, fd(m, 0), (struct sockaddr *)&a, len);
}

static long long call_listen(const struct making *m)
{
    long long r = m->ifc->listen(m->u, fd(m, 0), (int)num(m, 1));

    if (r == 0)
        flow_listen(m->p);
    return r;
}

/** peer_name() - argument @i as an address, the peer's unless it says otherwise; its length */
static socklen_t peer_name(const struct making *m, unsigned i, struct sockaddr_storage *ret)
{
    uint8_t peer[16];

    inet_pton(m->p->script->v6 ? AF_INET6 : AF_INET, m->p->script->v6 ? "2001:db8::1" : "192.0.2.1",
              peer);
    return arg_sockaddr(m->p, m->e->line, arg(m, i), peer, SCRIPT_PORT, ret);
}

static long long call_connect(const struct making *m)
{
    struct sockaddr_storage a;
    socklen_t len = peer_name(m, 1, &a);

    return m->ifc->connect(m->u, fd(m, 0), (struct sockaddr *)&a, len);
}

static long long call_accept(const struct making *m)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);

    return opened(m, m->ifc->accept(m->u, fd(m, 0), (struct sockaddr *)&a, &len));
}

static long long call_close(const struct making *m)
{
    long long name = num(m, 0);
    int live = fd(m, 0);

    if (name >= 0 && name < FDS)
        m->p->fd[name].known = false;
    return m->ifc->close(m->u, live);
}

static long long call_shutdown(const struct making *m)
{
    return m->ifc->shutdown(m->u, fd(m, 0), (int)num(m, 1));
}

/** fill() - octets to send: the script's own, or the pattern */
static uint8_t *fill(const struct making *m, const struct expr *x, size_t len)
{
    struct fd_state *s = state(m);
    uint8_t *buf = malloc(len + 1);
    size_t own = x->kind == EXPR_STRING ? (size_t)x->num : 0;

    if (!buf)
        abort();
    if (own)
        m->p->own_data = true;
    for (size_t i = 0; i < len; i++)
        buf[i] = i < own ? (uint8_t)x->text[i] : pattern((s ? s->sent : 0) + i);
    return buf;
}

/** call_send() - write(), send(), sendto() */
static long long call_send(const struct making *m)
{
    struct fd_state *s = state(m);
    size_t len = (size_t)num(m, 2);
    bool null = arg(m, 1)->kind == EXPR_WORD && !strcmp(arg(m, 1)->text, "NULL");
    uint8_t *buf = null ? NULL : fill(m, arg(m, 1), len);
    struct sockaddr_storage a;
    long long r;
    int err;

    if (!strcmp(m->c->name, "write"))
        r = m->ifc->write(m->u, fd(m, 0), buf, len);
    else if (!strcmp(m->c->name, "sendto"))
        r = m->ifc->sendto(m->u, fd(m, 0), buf, len, (int)num(m, 3), (struct sockaddr *)&a,
                           peer_name(m, 4, &a));
    else
        r = m->ifc->send(m->u, fd(m, 0), buf, len, (int)num(m, 3));
    err = errno;
    if (r > 0 && s)
        s->sent += (uint64_t)r;
    free(buf);
    errno = err;
    return r;
}

/** check_data() - are these the octets that the peer sent, in order? */
static void check_data(const struct making *m, struct fd_state *s, const uint8_t *buf, long long n,
                       bool peek)
{
    for (long long i = 0; s && i < n; i++)
        if (buf[i] != pattern(s->received + (uint64_t)i))
            fail_at(m->p->script, m->e->line, "%s: octet %llu of the stream is not the one sent",
                    m->c->name, (unsigned long long)s->received + (unsigned long long)i);
    if (s && !peek)
        s->received += (uint64_t)n;
}

/** call_recv() - read(), recv(), recvfrom() */
static long long call_recv(const struct making *m)
{
    struct fd_state *s = state(m);
    size_t len = (size_t)num(m, 2);
    bool null = arg(m, 1)->kind == EXPR_WORD && !strcmp(arg(m, 1)->text, "NULL");
    uint8_t *buf = null ? NULL : malloc(len + 1);
    int flags = strcmp(m->c->name, "read") ? (int)num(m, 3) : 0, err;
    long long r;

    if (!strcmp(m->c->name, "read"))
        r = m->ifc->read(m->u, fd(m, 0), buf, len);
    else
        r = m->ifc->recv(m->u, fd(m, 0), buf, len, flags);
    err = errno;
    if (r > 0 && buf && !(flags & MSG_TRUNC))
        check_data(m, s, buf, r, flags & MSG_PEEK);
    else if (r > 0 && s)
        s->received += (uint64_t)r;
    free(buf);
    errno = err;
    return r;
}

/** iovecs() - [{..., 100}, {..., 200}] over one run of octets; their number */
static int iovecs(const struct making *m, const struct expr *x, struct iovec iov[8],
                  size_t *ret_len)
{
    size_t at = 0;
    uint8_t *buf;

    if (x->kind != EXPR_LIST || x->n > 8)
        fail_at(m->p->script, m->e->line, "a list of at most 8 iovecs expected");
    for (unsigned i = 0; i < x->n; i++) {
        if (x->item[i]->n < 2)
            fail_at(m->p->script, m->e->line, "an iovec {..., length} expected");
        iov[i].iov_len = (size_t)arg_int(m->p, m->e->line, x->item[i]->item[1]);
        at += iov[i].iov_len;
    }
    *ret_len = at;
    buf = fill(m, x, at);
    at = 0;
    for (unsigned i = 0; i < x->n; i++) {
        iov[i].iov_base = buf + at;
        at += iov[i].iov_len;
    }
    return (int)x->n;
}

/** call_vector() - readv(), writev(), sendmsg(), recvmsg() */
static long long call_vector(const struct making *m)
{
    bool msg = strstr(m->c->name, "msg") != NULL;
    bool in = !strncmp(m->c->name, "re", 2);
    const struct expr *list = msg ? arg_field(arg(m, 1), "msg_iov") : arg(m, 1);
    struct fd_state *s = state(m);
    struct iovec iov[8];
    struct msghdr h = {.msg_iov = iov};
    size_t len;
    long long r;
    int n, err;

    if (!list)
        fail_at(m->p->script, m->e->line, "%s: no msg_iov", m->c->name);
    n = iovecs(m, list, iov, &len);
    h.msg_iovlen = (size_t)n;
    if (msg)
        r = in ? m->ifc->recvmsg(m->u, fd(m, 0), &h, (int)num(m, 2))
               : m->ifc->sendmsg(m->u, fd(m, 0), &h, (int)num(m, 2));
    else
        r = in ? m->ifc->readv(m->u, fd(m, 0), iov, n) : m->ifc->writev(m->u, fd(m, 0), iov, n);
    err = errno;
    if (r > 0 && in)
        check_data(m, s, iov[0].iov_base, r, false);
    else if (r > 0 && s)
        s->sent += (uint64_t)r;
    free(n ? iov[0].iov_base : NULL);
    errno = err;
    return r;
}

/** option_value() - what setsockopt() passes; its length */
static socklen_t option_value(const struct making *m, const struct expr *x, void *ret, size_t room)
{
    int v;

    if (x->kind == EXPR_STRING) {
        size_t n = strnlen(x->text, room);

        memcpy(ret, x->text, n);
        return (socklen_t)n;
    }
    if (arg_field(x, "onoff")) {
        struct linger l = {(int)arg_int(m->p, m->e->line, arg_field(x, "onoff")),
                           (int)arg_int(m->p, m->e->line, arg_field(x, "linger"))};

        memcpy(ret, &l, sizeof(l));
        return sizeof(l);
    }
    if (x->kind == EXPR_LIST && x->n == 2) { /* two long: a struct timeval */
        long tv[2] = {(long)arg_int(m->p, m->e->line, x->item[0]),
                      (long)arg_int(m->p, m->e->line, x->item[1])};

        memcpy(ret, tv, sizeof(tv));
        return sizeof(tv);
    }
    v = (int)arg_int(m->p, m->e->line, x);
    memcpy(ret, &v, sizeof(v));
    return sizeof(v);
}

static long long call_setsockopt(const struct making *m)
{
    uint8_t value[64] = {0};
    socklen_t len = option_value(m, arg(m, 3), value, sizeof(value));

    if (m->c->n_arg > 4 && arg(m, 4)->kind != EXPR_ELLIPSIS)
        len = (socklen_t)num(m, 4);
    if (len > sizeof(value))
        fail_at(m->p->script, m->e->line, "setsockopt: the value is too long");
    return m->ifc->setsockopt(m->u, fd(m, 0), (int)num(m, 1), (int)num(m, 2), value, len);
}

static long long call_getsockopt(const struct making *m)
{
    uint8_t value[64] = {0}, want[64] = {0};
    socklen_t len = option_value(m, arg(m, 3), want, sizeof(want));
    socklen_t room = m->c->n_arg > 4 && arg(m, 4)->kind != EXPR_ELLIPSIS ? (socklen_t)num(m, 4)
                                                                         : (socklen_t)sizeof(value);
    long long r = m->ifc->getsockopt(m->u, fd(m, 0), (int)num(m, 1), (int)num(m, 2), value, &room);
    int got = 0, expected = 0;

    if (r)
        return r;
    memcpy(&got, value, sizeof(got));
    memcpy(&expected, want, sizeof(expected));
    if (memcmp(value, want, len)) {
        if (arg(m, 3)->kind == EXPR_STRING)
            fail_at(m->p->script, m->e->line, "getsockopt: expected \"%s\" but got \"%.*s\"",
                    (const char *)want, (int)sizeof(value), (const char *)value);
        fail_at(m->p->script, m->e->line, "getsockopt: expected %d but got %d", expected, got);
    }
    return r;
}

static long long call_fcntl(const struct making *m)
{
    int value = m->c->n_arg > 2 ? (int)num(m, 2) : 0;

    return m->ifc->fcntl(m->u, fd(m, 0), (int)num(m, 1), value);
}

static long long call_ioctl(const struct making *m)
{
    int want = (int)num(m, 2), got = want;
    unsigned long request = (unsigned long)num(m, 1);
    long long r = m->ifc->ioctl(m->u, fd(m, 0), request, &got);

    if (r == 0 && got != want)
        fail_at(m->p->script, m->e->line, "ioctl: expected %d but got %d", want, got);
    return r;
}

static long long call_poll(const struct making *m)
{
    const struct expr *x = arg(m, 0);
    struct pollfd p[16];
    long long r;

    if (x->kind != EXPR_LIST || x->n > 16)
        fail_at(m->p->script, m->e->line, "poll: a list of at most 16 expected");
    for (unsigned i = 0; i < x->n; i++)
        p[i] = (struct pollfd){
            .fd = arg_fd(m->p, m->e->line, arg_field(x->item[i], "fd")),
            .events = (short)arg_int(m->p, m->e->line, arg_field(x->item[i], "events"))};
    r = m->ifc->poll(m->u, p, x->n, (int)num(m, 2));
    for (unsigned i = 0; r >= 0 && i < x->n; i++) {
        const struct expr *f = arg_field(x->item[i], "revents");
        short want = f ? (short)arg_int(m->p, m->e->line, f) : 0;

        if (p[i].revents != want)
            fail_at(m->p->script, m->e->line, "poll: expected revents %#x of entry %u but got %#x",
                    (unsigned)(uint16_t)want, i, (unsigned)(uint16_t)p[i].revents);
    }
    return r;
}

static long long call_epoll_create(const struct making *m)
{
    return opened(m, m->ifc->epoll_create(m->u, (int)num(m, 0)));
}

static long long call_epoll_ctl(const struct making *m)
{
    struct epoll_event ev = {0};
    const struct expr *x = arg(m, 3), *f = arg_field(x, "events");

    if (f)
        ev.events = (uint32_t)arg_int(m->p, m->e->line, f);
    f = arg_field(x, "fd");
    if (f)
        ev.data.fd = (int)arg_int(m->p, m->e->line, f);
    return m->ifc->epoll_ctl(m->u, fd(m, 0), (int)num(m, 1), fd(m, 2), &ev);
}

static long long call_epoll_wait(const struct making *m)
{
    const struct expr *x = arg(m, 1);
    struct epoll_event ev[8];
    int max = (int)num(m, 2);
    long long r = m->ifc->epoll_wait(m->u, fd(m, 0), ev, max < 8 ? max : 8, (int)num(m, 3));
    unsigned n = x->kind == EXPR_LIST ? x->n : 1;

    for (unsigned i = 0; i < n && (long long)i < r; i++) {
        const struct expr *one = x->kind == EXPR_LIST ? x->item[i] : x;
        const struct expr *f = arg_field(one, "events");
        uint32_t want = f ? (uint32_t)arg_int(m->p, m->e->line, f) : 0;

        if (ev[i].events != want)
            fail_at(m->p->script, m->e->line, "epoll_wait: expected events %#x but got %#x", want,
                    ev[i].events);
    }
    return r;
}

static const struct {
    const char *name;
    long long (*make)(const struct making *m);
} calls[] = {
    {"socket", call_socket},
    {"bind", call_bind},
    {"listen", call_listen},
    {"connect", call_connect},
    {"accept", call_accept},
    {"close", call_close},
    {"shutdown", call_shutdown},
    {"write", call_send},
    {"send", call_send},
    {"sendto", call_send},
    {"read", call_recv},
    {"recv", call_recv},
    {"recvfrom", call_recv},
    {"readv", call_vector},
    {"writev", call_vector},
    {"sendmsg", call_vector},
    {"recvmsg", call_vector},
    {"setsockopt", call_setsockopt},
    {"getsockopt", call_getsockopt},
    {"fcntl", call_fcntl},
    {"ioctl", call_ioctl},
    {"poll", call_poll},
    {"epoll_create", call_epoll_create},
    {"epoll_ctl", call_epoll_ctl},
    {"epoll_wait", call_epoll_wait},
};

long long call_make(struct play *p, const struct event *e, int *ret_error)
{
    struct making m = {.p = p, .e = e, .c = e->call, .ifc = &p->ifc, .u = p->drill};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (!strcmp(calls[i].name, e->call->name)) {
            long long r;

            errno = 0;
            r = calls[i].make(&m);
            *ret_error = errno;
            return r;
        }
    }
    fail_at(p->script, e->line, "no such system call here: %s", e->call->name);
}

void call_judge(struct play *p, const struct event *e, long long result, int error)
{
    const struct call_spec *c = e->call;
    long long want;

    if (!c->result)
        return;
    want = arg_int(p, e->line, c->result);
    if (result != want) {
        if (result < 0)
            fail_at(p->script, e->line, "%s: expected result %lld but got %lld with errno %s (%s)",
                    c->name, want, result, errno_name(error), strerror(error));
        fail_at(p->script, e->line, "%s: expected result %lld but got %lld", c->name, want, result);
    }
    if (c->error && error != errno_value(c->error))
        fail_at(p->script, e->line, "%s: expected errno %s but got %s (%s)", c->name, c->error,
                errno_name(error), strerror(error));
}
