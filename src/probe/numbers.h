/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file numbers.h  Counters and settings of a network namespace, by the names that Linux has for
 * them.
 *
 * Counters: /proc/net/snmp and netstat ("TcpRetransSegs", "TcpExtListenOverflows", as nstat spells
 * them) and the levels of sockstat ("SockTcpOrphan"). Settings: sysctls by the last part of their
 * name, in the units and with the suffixes that explain/facts.h lists. How full conntrack's table
 * is counts among the settings, for there the kernel has it.
 */
#ifndef GN_PROBE_NUMBERS_H
#define GN_PROBE_NUMBERS_H

#include "probe/store.h"

/** numbers_read() - append those of the namespace that the calling thread is in */
void numbers_read(struct store *s);
/** numbers_settle() - sort by name; of several namespaces counters are summed, and the first one's
 * settings stand. @before: the sample before, or NULL */
void numbers_settle(struct store *s, const struct facts *before);

/** numbers_pairs() - append counters from the text of snmp or netstat: a line of names, a line of
 * values, each after "Group:" */
void numbers_pairs(struct store *s, const char *text);
/** numbers_levels() - append what the line "TCP:" of sockstat says */
void numbers_levels(struct store *s, const char *text);
/** numbers_setting() - append what the file of a sysctl holds, each value times @scale; @names: one
 * for each value, between blanks */
void numbers_setting(struct store *s, const char *names, int64_t scale, const char *text);
/** numbers_ports() - how many ports a list like "80,8000-8079" names; 0: it is empty or no list */
int64_t numbers_ports(const char *text);

#endif
