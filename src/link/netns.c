/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file netns.c  Network namespaces, by privilege or by a user namespace.
 *
 * In a user namespace of its own a process is root over the network namespaces it makes, so a TUN
 * device needs no privilege there, if only the file /dev/net/tun can be opened: its owner is the
 * real root, and where its mode is 0600 the door stays shut.
 */
#define _GNU_SOURCE
#include <gannet/link.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/** write_file() - 0 or -errno */
static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        r = -errno;
    close(fd);
    return r;
}

/** map_ids() - be root in the new user namespace; @uid and @gid are what we were outside */
static int map_ids(uid_t uid, gid_t gid)
{
    char line[64];
    int r;

    snprintf(line, sizeof line, "0 %lu 1\n", (unsigned long)uid);
    r = write_file("/proc/self/uid_map", line);
    if (r == 0)
        r = write_file("/proc/self/setgroups", "deny"); /* the price of an unprivileged gid map */
    if (r == 0) {
        snprintf(line, sizeof line, "0 %lu 1\n", (unsigned long)gid);
        r = write_file("/proc/self/gid_map", line);
    }
    return r;
}

/** tun_opens() - 0 or the errno of opening the device */
static int tun_opens(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/** report_way() - the sentence for people */
static void report_way(struct gn_netns_report *r)
{
    int err = tun_opens();

    r->tun = err == 0;
    snprintf(r->text, sizeof r->text, "%s%s%s",
             r->way == GN_NETNS_ROOT ? "network namespace of our own, by privilege"
                                     : "user and network namespace of our own",
             err ? "; but /dev/net/tun cannot be opened, only simulated links remain: " : "",
             err ? strerror(err) : "");
}

int gn_netns_enter(struct gn_netns_report *ret)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int r = 0;

    *ret = (struct gn_netns_report){.way = GN_NETNS_NONE};
    if (unshare(CLONE_NEWNET) == 0) {
        ret->way = GN_NETNS_ROOT;
    } else if (errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
        ret->way = GN_NETNS_USER;
        r = map_ids(uid, gid);
    } else {
        r = -errno;
    }
    if (r == 0)
        r = gn_netif_up("lo");
    if (r < 0) {
        ret->way = GN_NETNS_NONE;
        snprintf(ret->text, sizeof ret->text, "no network namespace can be made: %s%s",
                 strerror(-r),
                 r == -EINVAL                  ? " (a process with threads cannot)"
                 : r == -EPERM || r == -ENOSPC ? " (are unprivileged user namespaces switched off?)"
                                               : "");
        return r;
    }
    report_way(ret);
    return 0;
}

pid_t gn_netns_fork(int (*fn)(void *ctx, const struct gn_netns_report *r), void *ctx)
{
    struct gn_netns_report report;
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid > 0)
        return pid;
    gn_netns_enter(&report);
    _exit(fn(ctx, &report));
}
