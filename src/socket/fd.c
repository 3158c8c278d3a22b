/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fd.c  The process-wide table of sockets: chunks of slots that are made once and never
 * freed, and a bit map of free numbers in each. Looking a number up takes no lock; handing one out
 * takes the table's.
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#define CHUNK_SLOTS 1024
#define CHUNKS      4096
#define BASE        (1 << 20) /* fs.nr_open of Linux */

struct chunk {
    uint64_t free[CHUNK_SLOTS / 64]; /* guarded by table.mutex */
    struct sock sock[CHUNK_SLOTS];
};

static struct {
    pthread_mutex_t mutex;
    _Atomic(struct chunk *) chunk[CHUNKS];
    unsigned lowest; /* no chunk before this one has a free slot */
    unsigned limit;  /* slots from here on are not handed out */
    atomic_int base;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER, .limit = CHUNKS * CHUNK_SLOTS, .base = BASE};

/** chunk_new() - all slots free */
static struct chunk *chunk_new(unsigned i)
{
    struct chunk *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    memset(c->free, 0xff, sizeof(c->free));
    for (unsigned k = 0; k < CHUNK_SLOTS; k++)
        c->sock[k].fd = table.base + (int)(i * CHUNK_SLOTS + k);
    atomic_store(&table.chunk[i], c);
    return c;
}

/** slot_take() - the free slot of the lowest number; NULL: *ret_err */
static struct sock *slot_take(int *ret_err)
{
    for (unsigned i = table.lowest; i * CHUNK_SLOTS < table.limit; i++) {
        struct chunk *c = atomic_load(&table.chunk[i]);

        if (!c && !(c = chunk_new(i))) {
            *ret_err = -ENOMEM;
            return NULL;
        }
        table.lowest = i;
        for (unsigned k = 0; k < CHUNK_SLOTS / 64; k++) {
            if (c->free[k]) {
                unsigned bit = (unsigned)__builtin_ctzll(c->free[k]);

                if (i * CHUNK_SLOTS + k * 64 + bit >= table.limit)
                    break;
                c->free[k] &= c->free[k] - 1;
                return &c->sock[k * 64 + bit];
            }
        }
    }
    *ret_err = -EMFILE;
    return NULL;
}

/** slot_give() - nobody is inside any more: its number may be used again */
static void slot_give(struct sock *sk)
{
    unsigned at = (unsigned)(sk->fd - table.base), i = at / CHUNK_SLOTS, k = at % CHUNK_SLOTS;

    atomic_store(&sk->stack, NULL);
    pthread_mutex_lock(&table.mutex);
    atomic_load(&table.chunk[i])->free[k / 64] |= (uint64_t)1 << k % 64;
    table.lowest = min_u32(table.lowest, i);
    pthread_mutex_unlock(&table.mutex);
}

/** sock_put() - one user fewer */
static void sock_put(struct sock *sk)
{
    if (--sk->users == 0)
        slot_give(sk);
}

struct sock *sock_new(struct gn_stack *st, bool v6, int *ret_err)
{
    struct sock *sk;

    pthread_mutex_lock(&table.mutex);
    sk = slot_take(ret_err);
    pthread_mutex_unlock(&table.mutex);
    if (!sk)
        return NULL;
    /* all but the stack and the number, at which others may look just now */
    memset(&sk->users, 0, sizeof(*sk) - offsetof(struct sock, users));
    sk->v6 = v6;
    sk->users = 1;
    list_init(&sk->waiters);
    list_append(&st->socks, &sk->all);
    atomic_store(&sk->stack, st);
    return sk;
}

void sock_close(struct sock *sk)
{
    sk->closed = true;
    list_remove(&sk->all);
    sock_notify(sk, NEWS_ALL);
    if (sk->epoll)
        epoll_free(sk);
    epoll_leave(sk);
    sock_put(sk);
}

/** slot_find() - the slot of a number, in use or not; NULL: no such number yet */
static struct sock *slot_find(int fd)
{
    int base = table.base, at = fd - base;
    struct chunk *c = NULL;

    if (fd >= base && at < CHUNKS * CHUNK_SLOTS)
        c = atomic_load(&table.chunk[at / CHUNK_SLOTS]);
    return c ? &c->sock[at % CHUNK_SLOTS] : NULL;
}

struct sock *call_begin_any(int fd)
{
    struct sock *sk = slot_find(fd);
    struct gn_stack *st = sk ? atomic_load(&sk->stack) : NULL;

    if (st) {
        gn_stack_lock(st);
        if (atomic_load(&sk->stack) == st && !sk->closed) {
            sk->users++;
            return sk;
        }
        gn_stack_unlock(st);
    }
    errno = EBADF;
    return NULL;
}

struct sock *call_begin(int fd)
{
    struct sock *sk = call_begin_any(fd);

    if (!sk || !sk->epoll)
        return sk;
    (void)call_end(sk, 0);
    errno = ENOTSOCK;
    return NULL;
}

struct sock *call_beside(const struct sock *first, int fd)
{
    struct sock *sk = slot_find(fd);
    struct gn_stack *st = sk ? atomic_load(&sk->stack) : NULL;
    bool same = st && st->lock == first->stack->lock;

    if (same && !sk->closed) {
        sk->users++;
        return sk;
    }
    errno = st && !same ? EINVAL : EBADF;
    return NULL;
}

void call_leave(struct sock *sk)
{
    sock_put(sk);
}

int64_t call_end(struct sock *sk, int64_t r)
{
    struct gn_stack *st = sk->stack;

    stack_flush(st);
    stack_hand_over(st);
    sock_put(sk);
    gn_stack_unlock(st);
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

int gn_socket_base(void)
{
    return table.base;
}

int gn_socket_set_base(int base)
{
    int err = 0;

    pthread_mutex_lock(&table.mutex);
    if (base < 0 || base > INT_MAX - CHUNKS * CHUNK_SLOTS)
        err = EINVAL;
    else if (atomic_load(&table.chunk[0]))
        err = EBUSY;
    else
        table.base = base;
    pthread_mutex_unlock(&table.mutex);
    errno = err ? err : errno;
    return err ? -1 : 0;
}

int gn_socket_set_limit(unsigned n)
{
    if (n > CHUNKS * CHUNK_SLOTS) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&table.mutex);
    table.limit = n;
    pthread_mutex_unlock(&table.mutex);
    return 0;
}

gn_handle gn_socket_handle(int fd)
{
    struct sock *sk = call_begin(fd);
    gn_handle h;

    if (!sk)
        return GN_NO_HANDLE;
    h = sk->handle;
    (void)call_end(sk, 0);
    return h;
}
