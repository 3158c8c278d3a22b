/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file twin.h  What recovery does by a short way (plain.c), done by both: by the short way to a
 * copy, by the long way to the original. The test fails unless both are the same then, to the last
 * octet, logs included.
 */
#ifndef TESTS_RECOVERY_TWIN_H
#define TESTS_RECOVERY_TWIN_H

#include "unit/recovery/rig.h"

/** twin_sent() - recovery_on_sent(); true: it was possible by the short way, too */
bool twin_sent(struct rig *g, seq_t start, uint32_t len, bool app_limited);
/** twin_ack() - recovery_on_ack(), with g->ret; true: it was possible by the short way, too */
bool twin_ack(struct rig *g, const struct rec_ack *a);

#endif
