/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file preload.c  Two calls of the C library that packetdrill makes past its table of calls.
 *
 * The facts that a script's %{ }% assertions speak of it asks for by getsockopt(2), and commands in
 * backquotes it gives to system(3). Preloaded, this object answers the one for the sockets that are
 * ours, and does the other for the one command that concerns us: "gannet name=value ...", which
 * sets knobs. Both leave alone what is not ours.
 */
#define _GNU_SOURCE

#include "packetdrill/drill.h"
#include "packetdrill/fds.h"
#include "packetdrill/interface.h"

#include <gannet/socket.h>

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COMMAND "gannet "

GN_API int getsockopt(int fd, int level, int name, void *restrict optval, socklen_t *restrict len)
{
    socklen_t room;
    int r;

    if (fds_get(fd).kind != FD_SOCKET)
        return (int)syscall(SYS_getsockopt, fd, level, name, optval, len);
    if (level == IPPROTO_TCP && name == TCP_CC_INFO) { /* as algorithms that tell nothing */
        *len = 0;
        return 0;
    }
    room = *len;
    memset(optval, 0, room);
    r = gn_getsockopt(fds_sock(fd), level, name, optval, len);
    if (r == 0 && level == IPPROTO_TCP && name == TCP_INFO)
        *len = room; /* it may know of younger members: they are 0 */
    return r;
}

/** set_knobs() - of "name=value ..."; false: one of them cannot be */
static bool set_knobs(struct drill *d, const char *text)
{
    char name[64];

    while (*(text += strspn(text, " \t\n"))) {
        size_t n = strcspn(text, " \t\n"), k = strcspn(text, "=");
        bool ok = k < n && n < sizeof(name);

        if (ok) {
            memcpy(name, text, n);
            name[k] = name[n] = 0;
            gn_stack_lock(drill_stack(d));
            ok = gn_host_set_knob(gn_stack_host(drill_stack(d)), name, name + k + 1) == GN_OK;
            gn_stack_unlock(drill_stack(d));
        }
        if (!ok)
            return false;
        text += n;
    }
    return true;
}

GN_API int system(const char *command);
GN_API int system(const char *command)
{
    struct drill *d = interface_drill();
    int (*real)(const char *);

    if (command && d && !strncmp(command, COMMAND, strlen(COMMAND)))
        return set_knobs(d, command + strlen(COMMAND)) ? 0 : 256;
    *(void **)&real = dlsym(RTLD_NEXT, "system");
    if (real)
        return real(command);
    errno = ENOSYS;
    return -1;
}
