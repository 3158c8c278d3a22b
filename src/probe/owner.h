/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file owner.h  Which process holds a socket, by the links in /proc/PID/fd.
 *
 * A socket file has an inode number that both inet_diag and the link tell. A connection without one
 * has no file: it waits in a listener's queue to be accepted, or its process has closed it and the
 * kernel finishes alone (an orphan). The walk ends as soon as every inode asked for was found, so
 * what it costs is the descriptors of the processes up to there.
 */
#ifndef GN_PROBE_OWNER_H
#define GN_PROBE_OWNER_H

#include "probe/store.h"

/** owner_find() - fill fact_conn.process and facts.process; where processes may not be looked into,
 * FACT_OWNER stays away from what they may hold, and a gap says so */
void owner_find(struct store *s);
/** owner_container() - the short name of the container that a process lives in, from the text of
 * its /proc/PID/cgroup; returns its length, 0: in none. @ret has room for OWNER_NAME octets */
#define OWNER_NAME 64
size_t owner_container(const char *cgroup, char *ret);

#endif
