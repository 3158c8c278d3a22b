/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file owner.c  See owner.h.
 */
#define _GNU_SOURCE
#include "probe/owner.h"
#include "probe/diag.h"
#include "probe/table.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_LINK  "socket:["
#define CMDLINE_MAX  256 /* of a command line, what is kept */
#define CONTAINER_ID 12  /* digits of a container's number that people use */
#define ASK_AGAIN    32  /* sockets at most */
#define CLOSING_STATES                                                                         \
    ((uint32_t)1 << GN_FIN_WAIT_1 | (uint32_t)1 << GN_FIN_WAIT_2 | (uint32_t)1 << GN_CLOSING | \
     (uint32_t)1 << GN_LAST_ACK)

/** A walk over /proc. */
struct walk {
    struct store *store;
    struct table wanted; /* inode -> index of the connection */
    size_t missing;      /* inodes that nobody was seen to hold yet */
    size_t denied;       /* processes that may not be looked into */
};

/** read_small() - a file of /proc/PID, cut at @cap - 1 octets and ended by a NUL; its length, 0:
 * the process has gone, or it may not be read */
static size_t read_small(int pid_dir, const char *name, char *buf, size_t cap)
{
    int fd = openat(pid_dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    buf[0] = '\0';
    if (fd < 0)
        return 0;
    do {
        n = read(fd, buf, cap - 1);
    } while (n < 0 && errno == EINTR);
    close(fd);
    if (n <= 0)
        return 0;
    buf[n] = '\0';
    return (size_t)n;
}

/** take_id() - the digits of a container's number that @part ends or begins with; 0: none there */
static size_t take_id(const char *part, size_t len, char *ret)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = isxdigit((unsigned char)part[i]) ? run + 1 : 0;
        if (run == 32) { /* docker, podman, containerd, cri-o: 64 digits; runners of jobs: 32 */
            memcpy(ret, part + i + 1 - run, CONTAINER_ID);
            ret[CONTAINER_ID] = '\0';
            return CONTAINER_ID;
        }
    }
    return 0;
}

/** take_named() - "lxc.payload.NAME", "machine-NAME.scope": 0: neither */
static size_t take_named(const char *part, size_t len, char *ret)
{
    static const char *const before[] = {"lxc.payload.", "machine-"};

    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        size_t skip = strlen(before[i]);

        if (len <= skip || strncmp(part, before[i], skip) != 0)
            continue;
        part += skip;
        len -= skip;
        if (len > 6 && memcmp(part + len - 6, ".scope", 6) == 0)
            len -= 6;
        if (len >= OWNER_NAME)
            len = OWNER_NAME - 1;
        memcpy(ret, part, len);
        ret[len] = '\0';
        return len;
    }
    return 0;
}

size_t owner_container(const char *cgroup, char *ret)
{
    /* Every part of every line: what wraps the container or lives inside it comes and goes. */
    while (*cgroup != '\0') {
        size_t len = strcspn(cgroup, "/\n"), n = take_id(cgroup, len, ret);

        if (n == 0)
            n = take_named(cgroup, len, ret);
        if (n != 0)
            return n;
        cgroup += len + (cgroup[len] != '\0');
    }
    ret[0] = '\0';
    return 0;
}

/** fd_limit() - the soft limit on open files, from /proc/PID/limits; 0: unknown or none */
static uint32_t fd_limit(int pid_dir)
{
    static const char row[] = "Max open files";
    char text[2048];
    const char *at;

    if (read_small(pid_dir, "limits", text, sizeof text) == 0)
        return 0;
    at = strstr(text, row);
    return at != NULL ? (uint32_t)strtoul(at + sizeof row - 1, NULL, 10) : 0;
}

/** describe() - all of a process but its descriptors */
static void describe(struct store *s, int pid_dir, uint32_t pid, struct fact_process *p)
{
    char text[4096], name[OWNER_NAME];
    size_t n = read_small(pid_dir, "comm", text, sizeof text);
    struct stat st;

    p->pid = pid;
    p->comm = store_text(s, text, n != 0 && text[n - 1] == '\n' ? n - 1 : n);
    n = read_small(pid_dir, "cmdline", text, CMDLINE_MAX);
    while (n > 0 && text[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    }
    p->cmdline = store_text(s, text, n);
    (void)read_small(pid_dir, "cgroup", text, sizeof text);
    p->container = store_text(s, name, owner_container(text, name));
    p->uid = fstat(pid_dir, &st) == 0 ? st.st_uid : 0;
    p->fd_limit = fd_limit(pid_dir);
}

/** A process whose descriptors are being looked at. */
struct holder {
    int fd_dir;
    uint32_t process; /* the index that it will have */
    uint32_t n_fds;
    bool holds; /* a socket that was asked for */
};

/** claim() - is descriptor @name a socket that was asked for? false: there is no such descriptor */
static bool claim(struct walk *w, struct holder *h, const char *name)
{
    char link[64];
    ssize_t n = readlinkat(h->fd_dir, name, link, sizeof link - 1);
    struct fact_conn *c;
    uint32_t i;

    if (n <= (ssize_t)sizeof SOCKET_LINK || memcmp(link, SOCKET_LINK, sizeof SOCKET_LINK - 1) != 0)
        return n > 0;
    link[n] = '\0';
    i = table_get(&w->wanted, strtoull(link + sizeof SOCKET_LINK - 1, NULL, 10));
    c = i != FACT_NONE ? store_conn(w->store, i) : NULL;
    if (c == NULL || c->process != FACT_NONE) /* or shared with a process seen before */
        return true;
    c->process = h->process;
    c->known |= FACT_OWNER;
    h->holds = true;
    w->missing--;
    return true;
}

/** by_number() - ask for descriptors 0, 1, 2, ... until all were seen or nothing is missing any
 * more. That is cheaper than listing them, for which the kernel makes an entry for each. False:
 * there are too many gaps */
static bool by_number(struct walk *w, struct holder *h)
{
    uint32_t seen = 0, end = h->n_fds + h->n_fds / 4 + 16;
    char name[16];

    for (uint32_t i = 0; i < end; i++) {
        if (seen == h->n_fds || w->missing == 0)
            return true;
        snprintf(name, sizeof name, "%u", i);
        seen += claim(w, h, name);
    }
    return false;
}

/** by_list() - all descriptors, as the kernel lists them; takes h->fd_dir over */
static void by_list(struct walk *w, struct holder *h)
{
    DIR *dir = fdopendir(h->fd_dir);
    uint32_t n = 0;
    struct dirent *e;

    if (dir == NULL) {
        close(h->fd_dir);
        return;
    }
    while ((e = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0]))
            n += claim(w, h, e->d_name);
    }
    closedir(dir);
    h->n_fds = n;
}

/** walk_process() - all descriptors of a process; it is described if it holds anything asked for */
static void walk_process(struct walk *w, int pid_dir, uint32_t pid)
{
    struct holder h = {.fd_dir = openat(pid_dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                       .process = (uint32_t)w->store->processes.n};
    struct fact_process *p;
    struct stat st;

    if (h.fd_dir < 0) {
        w->denied += errno == EACCES || errno == EPERM;
        return;
    }
    /* Newer kernels (6.2) tell how many there are; older ones say 0. */
    if (fstat(h.fd_dir, &st) == 0 && st.st_size > 0 && st.st_size <= INT32_MAX)
        h.n_fds = (uint32_t)st.st_size;
    if (h.n_fds > 0 && by_number(w, &h))
        close(h.fd_dir);
    else
        by_list(w, &h);
    if (!h.holds)
        return;
    p = store_add(w->store, &w->store->processes, sizeof *p);
    if (p == NULL)
        return;
    p->fds = h.n_fds;
    describe(w->store, pid_dir, pid, p);
}

/** walk_all() - all processes, until nothing is missing; false: there is no /proc */
static bool walk_all(struct walk *w)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;

    if (proc == NULL)
        return false;
    while (w->missing > 0 && (e = readdir(proc)) != NULL) {
        int pid_dir;

        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        pid_dir = openat(dirfd(proc), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (pid_dir < 0)
            continue;
        walk_process(w, pid_dir, (uint32_t)strtoul(e->d_name, NULL, 10));
        close(pid_dir);
    }
    closedir(proc);
    return true;
}

/** want() - note every socket that has a file; what has none has no owner to look for */
static bool want(struct walk *w)
{
    size_t n = w->store->conns.n;

    if (!table_init(&w->wanted, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct fact_conn *c = store_conn(w->store, i);

        if (c->inode == 0) {
            c->known |= FACT_OWNER;
            continue;
        }
        w->missing += table_put(&w->wanted, c->inode, (uint32_t)i);
    }
    return true;
}

/** forget_lost() - after a failed store_add(): no index points behind the list */
static void forget_lost(struct store *s)
{
    for (size_t i = 0; i < s->conns.n; i++) {
        struct fact_conn *c = store_conn(s, i);

        if (c->process != FACT_NONE && c->process >= s->processes.n) {
            c->process = FACT_NONE;
            c->known &= ~(uint32_t)FACT_OWNER;
        }
    }
}

/** has_gone() - did a socket of our own namespace end while /proc was read? */
static bool has_gone(const struct store *s, const struct fact_conn *c)
{
    const struct fact_netns *n = s->netns.item;

    return c->netns < s->netns.n && n[c->netns].name[0] == '\0' && diag_gone(c);
}

/** unnamed() - sockets whose process is not known and should be. One that is being closed often has
 * none any more by the time /proc is read, and of few it is worth asking whether they still exist
 */
static size_t unnamed(const struct store *s)
{
    size_t n = 0, asked = 0;

    for (size_t i = 0; i < s->conns.n; i++) {
        const struct fact_conn *c = store_conn(s, i);
        if (c->inode == 0 || c->process != FACT_NONE || CLOSING_STATES & (uint32_t)1 << c->state)
            continue;
        n += asked++ >= ASK_AGAIN || !has_gone(s, c);
    }
    return n;
}

void owner_find(struct store *s)
{
    struct walk w = {.store = s};
    size_t n;

    if (!want(&w)) {
        s->short_of_memory = true;
        return;
    }
    if (w.missing > 0 && !walk_all(&w))
        store_gap(s, "/proc is not mounted: no socket's process is known");
    else if (w.missing > 0 && (n = unnamed(s)) > 0)
        store_gap(s,
                  w.denied > 0
                      ? "the processes of %zu socket%s are not known: they belong to other users, "
                        "or let nobody look into them; root sees them"
                      : "the processes of %zu socket%s were not found in /proc: gone meanwhile, in "
                        "another PID namespace, or hidden",
                  n, n == 1 ? "" : "s");
    forget_lost(s);
    table_free(&w.wanted);
}
