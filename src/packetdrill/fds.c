/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fds.c  A table by number. See fds.h.
 */
#define _GNU_SOURCE

#include "packetdrill/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define FDS 4096

static struct {
    pthread_mutex_t mutex;
    struct fd_entry of[FDS];
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

int fds_set(int fd, struct fd_entry e)
{
    if (fd < 0 || fd >= FDS) {
        errno = EMFILE;
        return -1;
    }
    pthread_mutex_lock(&table.mutex);
    table.of[fd] = e;
    pthread_mutex_unlock(&table.mutex);
    return 0;
}

int fds_new(struct fd_entry e)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd >= 0 && fds_set(fd, e)) {
        close(fd);
        errno = EMFILE;
        return -1;
    }
    return fd;
}

struct fd_entry fds_get(int fd)
{
    struct fd_entry e = {.kind = FD_NONE};

    if (fd < 0 || fd >= FDS)
        return e;
    pthread_mutex_lock(&table.mutex);
    e = table.of[fd];
    pthread_mutex_unlock(&table.mutex);
    return e;
}

int fds_sock(int fd)
{
    struct fd_entry e = fds_get(fd);

    return e.kind == FD_SOCKET ? e.sock : -1;
}

int fds_drop(int fd)
{
    struct fd_entry e = fds_get(fd);

    if (e.kind == FD_NONE) {
        errno = EBADF;
        return -1;
    }
    (void)fds_set(fd, (struct fd_entry){.kind = FD_NONE});
    return close(fd);
}

void fds_clear(void)
{
    for (int i = 0; i < FDS; i++)
        if (table.of[i].kind != FD_NONE)
            (void)fds_drop(i);
}
