/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file netns.c  See netns.h.
 */
#define _GNU_SOURCE
#include "probe/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMED "/run/netns" /* where `ip netns` keeps them */

/** open_path() - 0 or -errno; whether it is a namespace shows when it is entered */
static int open_path(const char *path, const char *name, struct netns *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0) {
        int r = -errno;

        close(fd);
        return r;
    }
    ret->fd = fd;
    ret->inode = st.st_ino;
    snprintf(ret->name, sizeof ret->name, "%s", name);
    return 0;
}

int netns_open(const char *name, struct netns *ret)
{
    char path[4096];
    int n;

    if (strchr(name, '/') != NULL)
        return open_path(name, name, ret);
    if (name[0] != '\0' && name[strspn(name, "0123456789")] == '\0')
        n = snprintf(path, sizeof path, "/proc/%s/ns/net", name);
    else
        n = snprintf(path, sizeof path, NAMED "/%s", name);
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    return open_path(path, name, ret);
}

int netns_self(struct netns *ret)
{
    return open_path("/proc/thread-self/ns/net", "", ret);
}

/** add() - one more, unless it is there; takes @n over */
static void add(struct store *s, struct list *l, struct netns *n)
{
    struct netns *known = l->item, *place;

    for (size_t i = 0; i < l->n; i++) {
        if (known[i].inode == n->inode) {
            netns_close(n);
            return;
        }
    }
    place = store_add(s, l, sizeof *place);
    if (place == NULL)
        netns_close(n);
    else
        *place = *n;
}

/** is_number() - a process, among what is in /proc */
static bool is_number(const char *name)
{
    return isdigit((unsigned char)name[0]) != 0;
}

/** is_name() - not "." or ".." */
static bool is_name(const char *name)
{
    return name[0] != '.';
}

/** add_all() - every entry of a directory that @fits; how many may not be looked at */
static size_t add_all(struct store *s, struct list *l, const char *dir, bool (*fits)(const char *))
{
    DIR *d = opendir(dir);
    size_t denied = 0;
    struct dirent *e;

    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL) {
        struct netns n = {.fd = -1};
        int r;

        if (!fits(e->d_name))
            continue;
        r = netns_open(e->d_name, &n);
        if (r == 0)
            add(s, l, &n);
        else
            denied += r == -EACCES || r == -EPERM;
    }
    closedir(d);
    return denied;
}

int netns_list(struct store *s, struct list *l)
{
    struct netns own = {.fd = -1};
    int r = netns_self(&own);

    if (r != 0)
        return r;
    add(s, l, &own);
    if (add_all(s, l, NAMED, is_name) + add_all(s, l, "/proc", is_number) > 0)
        store_gap(s, "not every network namespace can be found: root sees those of all processes");
    return 0;
}

int netns_enter(const struct netns *n)
{
    return setns(n->fd, CLONE_NEWNET) == 0 ? 0 : -errno;
}

void netns_close(struct netns *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void netns_close_list(struct list *l)
{
    struct netns *n = l->item;

    for (size_t i = 0; i < l->n; i++)
        netns_close(&n[i]);
    l->n = 0;
}

const char *netns_why(int error)
{
    switch (-error) {
    case ENOENT: return "there is none of that name (see: ip netns; a number is a process)";
    case EACCES:
    case EPERM: return "root is needed to look into it";
    case EINVAL: return "that is no network namespace";
    default: return strerror(-error);
    }
}
