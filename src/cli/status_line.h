/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file status_line.h  STATUS, counters and knobs as lines of name=value, for one program of ours
 * to tell another. A reader skips names that it does not know; what is missing stays zero.
 */
#ifndef GN_CLI_STATUS_LINE_H
#define GN_CLI_STATUS_LINE_H

#include "cli/buf.h"

#include <gannet/host.h>

/** status_line_write() - "c state=4 local=10.0.0.1:80 ...\n"; times count from @now */
void status_line_write(const struct gn_status *s, gn_time now, struct buf *b);
/** status_line_read() - the words after "c "; false: makes no sense. @now as for the writer */
bool status_line_read(const char *line, gn_time now, struct gn_status *ret);
/** stats_line_write() - "s InSegs=5 ... drop.OLD_SEQ=1 ...\n" */
void stats_line_write(const struct gn_stats *s, struct buf *b);
bool stats_line_read(const char *line, struct gn_stats *ret);
/** conf_line_write() - "k tcp_retries2=15 ...\n" */
void conf_line_write(const struct gn_conf *c, struct buf *b);
bool conf_line_read(const char *line, struct gn_conf *ret);

#endif
