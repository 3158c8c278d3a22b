/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file netns.h  Network namespaces of this machine: finding, entering, leaving.
 */
#ifndef GN_PROBE_NETNS_H
#define GN_PROBE_NETNS_H

#include "probe/store.h"

/** A namespace that is to be looked into. */
struct netns {
    char name[64]; /* "": the one we are in */
    int fd;        /* -1: the one we are in */
    uint64_t inode;
};

/** netns_open() - @name as people give it: a name of `ip netns`, a process number, or a path (with
 * a slash in it). 0 or -errno; then *@ret is untouched */
int netns_open(const char *name, struct netns *ret);
/** netns_self() - the one that the calling thread is in; 0 or -errno */
int netns_self(struct netns *ret);
/** netns_list() - append every namespace that can be found, ours first, each once (struct netns in
 * @l); those of other users that cannot be told are left out, and the store says so. 0 or -errno */
int netns_list(struct store *s, struct list *l);
/** netns_enter() - the calling thread moves; 0 or -errno */
int netns_enter(const struct netns *n);
/** netns_close() - of one or all of a list, which is emptied */
void netns_close(struct netns *n);
void netns_close_list(struct list *l);
/** netns_why() - the sentence for an error of these */
const char *netns_why(int error);

#endif
