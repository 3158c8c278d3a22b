/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file parse.h  The parts of the parser.
 */
#ifndef GN_SCRIPT_PARSE_H
#define GN_SCRIPT_PARSE_H

#include "lex.h"

/** parse_packet() - behind the time: "< S 0:0(0) win 1000 <mss 1460>" and so on */
struct packet_spec *parse_packet(struct lex *l);
/** parse_call() - "connect(3, ..., ...) = -1 EINPROGRESS (note)", without its time */
struct call_spec *parse_call(struct lex *l);

#endif
