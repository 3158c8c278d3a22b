/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ends.c  Kernel sockets that send or receive for a while and report.
 */
#include "ends.h"

#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

static uint8_t chunk[CHUNK];

uint64_t end_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/** wrong() - note what has failed, with errno; always false */
static bool wrong(struct end_report *r, const char *what)
{
    snprintf(r->why, sizeof(r->why), "%s: %s", what, strerror(errno));
    return false;
}

/** open_socket() - a TCP socket with the congestion control wanted; -1: *r says why */
static int open_socket(const struct end_task *t, struct end_report *r)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        wrong(r, "socket");
    else if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, t->cc, (socklen_t)strlen(t->cc)))
        wrong(r, t->cc);
    else
        return fd;
    return -1;
}

/** address() - of the task */
static struct sockaddr_in address(const struct end_task *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(t->port)};

    inet_pton(AF_INET, t->addr, &a.sin_addr);
    return a;
}

/** transfer() - move octets until the time is over or the peer ends; what is counted is in *r */
static void transfer(int fd, const struct end_task *t, struct end_report *r)
{
    uint64_t start = end_clock(), now = start;
    struct timeval patience = {.tv_usec = 100000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    while (now - start < t->ns) {
        ssize_t n = t->sends ? send(fd, chunk, CHUNK, MSG_NOSIGNAL) : recv(fd, chunk, CHUNK, 0);

        now = end_clock();
        if (n > 0) {
            r->octets += (uint64_t)n;
            r->took_ns = now - start;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
}

/** receive() - accept one connection and read from it */
static void receive(int listener, const struct end_task *t, struct end_report *r)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    int fd = poll(&p, 1, 10000) == 1 ? accept(listener, NULL, NULL) : -1;

    if (fd < 0)
        wrong(r, "accept");
    else
        transfer(fd, t, r);
}

/** child() - the life of an end */
static void child(const struct end_task *t, int order, int answer)
{
    struct end_report r = {0};
    struct sockaddr_in a = address(t);
    int fd = open_socket(t, &r);
    char go;

    if (fd >= 0 && !t->sends && (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)))
        wrong(&r, "listen");
    if (write(answer, "r", 1) != 1 || (t->sends && read(order, &go, 1) != 1))
        _exit(1);
    if (!r.why[0] && !t->sends)
        receive(fd, t, &r);
    else if (!r.why[0] && connect(fd, (struct sockaddr *)&a, sizeof(a)))
        wrong(&r, "connect");
    else if (!r.why[0])
        transfer(fd, t, &r);
    r.cpu_s = world_cpu();
    _exit(write(answer, &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1);
}

bool end_start(struct end *e, const struct end_task *t)
{
    int order[2], answer[2];
    char ready;

    if (pipe(order) || pipe(answer) || (e->pid = fork()) < 0)
        return false;
    if (e->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(order[1]);
        close(answer[0]);
        child(t, order[0], answer[1]);
    }
    close(order[0]);
    close(answer[1]);
    e->order = order[1];
    e->answer = answer[0];
    return read(e->answer, &ready, 1) == 1;
}

void end_go(const struct end *e)
{
    if (write(e->order, "g", 1) != 1)
        perror("gannet-bench: an end has died");
}

bool end_done(const struct end *e)
{
    struct pollfd p = {.fd = e->answer, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

void end_finish(struct end *e, int patience_ms, struct end_report *ret)
{
    struct pollfd p = {.fd = e->answer, .events = POLLIN};

    memset(ret, 0, sizeof(*ret));
    if (poll(&p, 1, patience_ms) != 1 ||
        read(e->answer, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
        snprintf(ret->why, sizeof(ret->why), "the kernel's end has not answered");
    kill(e->pid, SIGKILL);
    waitpid(e->pid, NULL, 0);
    close(e->order);
    close(e->answer);
}
