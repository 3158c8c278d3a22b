/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define MUCH (4 << 20)

/* A job that a thread does on a socket. */
struct job {
    pthread_t thread;
    int s;
    ssize_t result;
    int err;
    uint8_t sum;
};

/** start() - run @fn over @j */
static void start(struct job *j, void *(*fn)(void *), int s)
{
    *j = (struct job){.s = s};
    cr_assert_eq(pthread_create(&j->thread, NULL, fn, j), 0);
}

static uint8_t pattern[30011];

/** write_much() - MUCH octets by blocking calls of odd sizes, then the end */
static void *write_much(void *ctx)
{
    struct job *j = ctx;

    while (j->result < MUCH) {
        size_t n = MUCH - (size_t)j->result;
        ssize_t k = gn_send(j->s, pattern, n < sizeof(pattern) ? n : sizeof(pattern), 0);

        if (k <= 0) {
            j->err = errno;
            return NULL;
        }
        for (ssize_t i = 0; i < k; i++)
            j->sum = (uint8_t)(j->sum * 3 + pattern[i]);
        j->result += k;
    }
    (void)gn_shutdown(j->s, SHUT_WR);
    return NULL;
}

/** read_much() - until the end */
static void *read_much(void *ctx)
{
    struct job *j = ctx;
    uint8_t buf[7001];
    ssize_t k;

    while ((k = gn_recv(j->s, buf, sizeof(buf), 0)) > 0) {
        for (ssize_t i = 0; i < k; i++)
            j->sum = (uint8_t)(j->sum * 3 + buf[i]);
        j->result += k;
    }
    j->err = k < 0 ? errno : 0;
    return NULL;
}

/** read_once() - one blocking call */
static void *read_once(void *ctx)
{
    struct job *j = ctx;
    char b;

    j->result = gn_recv(j->s, &b, 1, 0);
    j->err = errno;
    return NULL;
}

/** join() - wait for its end; a stack without a thread, which perhaps nobody else drives any more,
 * goes on meanwhile */
static void join(struct job *j)
{
    while (pthread_tryjoin_np(j->thread, NULL) == EBUSY) {
        (void)gn_stack_step(net.stack[0], gn_loop_now() + GN_MSEC);
        usleep(1000);
    }
}

/** transfer() - much both ways at once, two threads a side */
static void transfer(void)
{
    struct job out[2], in[2];
    int s[2];

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)(i * 31);
    net_pair(80, s);
    for (int i = 0; i < 2; i++) {
        start(&out[i], write_much, s[i]);
        start(&in[i], read_much, s[!i]);
    }
    for (int i = 0; i < 2; i++) {
        join(&out[i]);
        join(&in[i]);
        cr_assert_eq(out[i].result, MUCH, "%s", strerror(out[i].err));
        cr_assert_eq(in[i].result, MUCH, "%s", strerror(in[i].err));
        cr_assert_eq(in[i].sum, out[i].sum);
    }
}

Test(thread, both_ways_driven_by_the_callers, .timeout = 60)
{
    net_up_real(false);
    /* connect() and accept() cannot drive each other's stack */
    GIVES(gn_stack_start(net.stack[1]), 0);
    transfer();
    net_down_real();
}

Test(thread, both_ways_with_loop_threads, .timeout = 60)
{
    net_up_real(true);
    transfer();
    net_down_real();
}

Test(thread, close_ends_the_sleep_of_another, .timeout = 60)
{
    struct job j;
    int s[2];

    net_up_real(true);
    net_pair(80, s);
    start(&j, read_once, s[0]);
    usleep(50000);
    GIVES(gn_close(s[0]), 0);
    pthread_join(j.thread, NULL);
    cr_assert_eq(j.result, -1);
    cr_assert_eq(j.err, EBADF);
    /* the number is free again */
    cr_assert_leq(gn_socket(AF_INET, SOCK_STREAM, 0), s[0]);
    net_down_real();
}

Test(thread, shutdown_ends_the_sleep_of_another, .timeout = 60)
{
    struct job j;
    int s[2];

    net_up_real(true);
    net_pair(80, s);
    start(&j, read_once, s[0]);
    usleep(50000);
    GIVES(gn_shutdown(s[0], SHUT_RDWR), 0);
    pthread_join(j.thread, NULL);
    cr_assert_eq(j.result, 0);
    net_down_real();
}

Test(thread, timeouts_on_real_time, .timeout = 60)
{
    struct timeval tv = {.tv_usec = 60000};
    struct pollfd p;
    gn_time t;
    char b;
    int s[2];

    net_up_real(true);
    net_pair(80, s);
    GIVES(gn_setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    t = gn_loop_now();
    FAILS(gn_recv(s[0], &b, 1, 0), EAGAIN);
    cr_assert(gn_loop_now() - t >= 60 * GN_MSEC);
    p = (struct pollfd){.fd = s[0], .events = POLLIN};
    t = gn_loop_now();
    GIVES(gn_poll(&p, 1, 40), 0);
    cr_assert(gn_loop_now() - t >= 40 * GN_MSEC);
    net_down_real();
}

Test(thread, start_and_stop, .timeout = 60)
{
    struct job j;
    char b[2];
    int s[2];

    net_up_real(true);
    net_pair(80, s);
    FAILS(gn_stack_start(net.stack[0]), EINVAL);
    gn_stack_stop(net.stack[0]); /* from here on the caller drives it */
    GIVES(gn_send(s[0], "x", 1, 0), 1);
    GIVES(gn_recv(s[1], b, 1, 0), 1);
    GIVES(gn_send(s[1], "yz", 2, 0), 2);
    GIVES(gn_recv(s[0], b, 2, MSG_WAITALL), 2);
    start(&j, read_once, s[0]); /* sleeps in the loop, until the thread takes it over */
    usleep(50000);
    GIVES(gn_stack_start(net.stack[0]), 0);
    usleep(50000);
    GIVES(gn_send(s[1], "a", 1, 0), 1);
    pthread_join(j.thread, NULL);
    cr_assert_eq(j.result, 1);
    net_down_real();
}

Test(thread, sockets_of_stacks_with_two_locks_cannot_be_polled_together, .timeout = 60)
{
    struct pollfd p[2];
    int s[2];

    net_up_real(true);
    net_pair(80, s);
    p[0] = (struct pollfd){.fd = s[0], .events = POLLIN};
    p[1] = (struct pollfd){.fd = s[1], .events = POLLIN};
    FAILS(gn_poll(p, 2, 0), EINVAL);
    net_down_real();
}
