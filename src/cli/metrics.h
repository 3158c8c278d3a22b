/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file metrics.h  Facts and findings as figures for a collector: OpenMetrics 1.0, or the text
 * format of Prometheus, which differs in how counters and the end are written.
 */
#ifndef GN_CLI_METRICS_H
#define GN_CLI_METRICS_H

#include "cli/buf.h"
#include "explain/why.h"

/** The media types of both formats. */
#define METRICS_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** metrics_write() - one exposition: sockets by state, by process and by listener, queues of
 * listeners, counters, findings by rule and process. @open: OpenMetrics. @took: how long the sample
 * took */
void metrics_write(const struct facts *f, const struct why_result *r, bool open, gn_time took,
                   struct buf *b);

#endif
