/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file types.h  The values that cross Gannet's border: time, addresses, states, errors, handles,
 * memory.
 */
#ifndef GANNET_TYPES_H
#define GANNET_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GN_API       __attribute__((visibility("default")))
#define GN_NODISCARD __attribute__((warn_unused_result))
#else
#define GN_API
#define GN_NODISCARD
#endif

#if defined(__GNUC__)
#define GN_NORETURN __attribute__((noreturn))
#elif defined(__cplusplus)
#define GN_NORETURN [[noreturn]]
#else
#define GN_NORETURN _Noreturn
#endif

/**
 * gn_panic() - a bug of Gannet's was found: say where, and do not return
 * @file, @line: of the assertion
 * @what: the condition that did not hold
 *
 * The only symbol that the core needs from outside besides memcpy and its kin. The full library
 * brings one that prints and aborts, for which a program's own is taken if it has one; whoever
 * links the core alone supplies it. Not to be called by users.
 */
GN_NORETURN void gn_panic(const char *file, int line, const char *what);

/** A point in time, or a span of it, in nanoseconds. Monotonic; its origin is the caller's choice.
 */
typedef uint64_t gn_time;

#define GN_NSEC ((gn_time)1)
#define GN_USEC ((gn_time)1000)
#define GN_MSEC ((gn_time)1000000)
#define GN_SEC  ((gn_time)1000000000)

/** When to call again. `armed == false` means never (until something else happens); then `at` is 0.
 */
struct gn_deadline {
    gn_time at;
    bool armed;
};

/** An IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d; network byte order. */
struct gn_addr {
    uint8_t b[16];
};

struct gn_endpoint {
    struct gn_addr addr; /* all zero: any */
    uint16_t port;       /* host byte order; 0: any */
};

/** The eleven states of RFC 9293 sec. 3.3.2, in the RFC's order. */
enum gn_state {
    GN_CLOSED = 0,
    GN_LISTEN,
    GN_SYN_SENT,
    GN_SYN_RECEIVED,
    GN_ESTABLISHED,
    GN_FIN_WAIT_1,
    GN_FIN_WAIT_2,
    GN_CLOSE_WAIT,
    GN_CLOSING,
    GN_LAST_ACK,
    GN_TIME_WAIT,
    GN_STATE_COUNT
};

/** Results of calls: 0, or one of these negative numbers (they are not errno values). */
enum gn_err {
    GN_OK = 0,
#define GN_ERR(name, value, posix, text) GN_E_##name = value,
#include <gannet/err.def>
#undef GN_ERR
};

/** Why a segment or packet was not used further. 0: it was used. */
enum gn_drop {
    GN_DROP_NONE = 0,
#define GN_DROP(name, text) GN_DROP_##name,
#include <gannet/drop.def>
#undef GN_DROP
    GN_DROP_COUNT
};

/** What moved a connection from one state to the next. */
enum gn_cause {
    GN_CAUSE_NONE = 0,
#define GN_CAUSE(name, text, rfc) GN_CAUSE_##name,
#include <gannet/cause.def>
#undef GN_CAUSE
    GN_CAUSE_COUNT
};

/** Names a connection or a listener of one host. Generation-checked: one that is gone gives
 * GN_E_BAD_HANDLE. The bits of GN_HANDLE_SPARE are 0: a program with several hosts may keep there
 * which of them it means. */
typedef uint64_t gn_handle;
#define GN_NO_HANDLE          ((gn_handle)0)
#define GN_HANDLE_SPARE_SHIFT 24
#define GN_HANDLE_SPARE       ((gn_handle)0x3f << GN_HANDLE_SPARE_SHIFT)

/**
 * Where a host gets its memory from. Blocks are a power of two of bytes, 4 KiB or more, aligned to
 * 64 at least.
 * @alloc: returns NULL when there is none; the host goes on with what it has
 * @free:  gives back a block of exactly the size that alloc was asked for
 */
struct gn_page_source {
    void *(*alloc)(void *ctx, size_t bytes);
    void (*free)(void *ctx, void *block, size_t bytes);
    void *ctx;
};

/** Short names, never NULL: "ESTABLISHED" (RFC 9293), "ESTAB" (ss), "would block", "old duplicate",
 * ... */
GN_API const char *gn_state_name(enum gn_state s);
GN_API const char *gn_state_ss_name(enum gn_state s);
GN_API const char *gn_err_text(enum gn_err e);
GN_API const char *gn_drop_name(enum gn_drop d); /* the identifier, "OLD_SEQ" */
GN_API const char *gn_drop_text(enum gn_drop d); /* the sentence */
GN_API const char *gn_cause_name(enum gn_cause c);
GN_API const char *gn_cause_text(enum gn_cause c);
GN_API const char *gn_cause_rfc(enum gn_cause c); /* the section, "RFC 9293 3.10.7.4" */

/** gn_addr_v4() - the mapped form of a.b.c.d */
GN_API struct gn_addr gn_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
GN_API bool gn_addr_is_v4(const struct gn_addr *a);
GN_API bool gn_addr_is_any(const struct gn_addr *a); /* ::, or ::ffff:0.0.0.0 */
GN_API bool gn_addr_eq(const struct gn_addr *a, const struct gn_addr *b);
/** gn_addr_parse() - "10.0.0.1" or "fd00::1" (no zone, no brackets) to an address; false: not one,
 * *ret untouched */
GN_API bool gn_addr_parse(const char *text, struct gn_addr *ret);
/** gn_addr_format() - into @dst (GN_ADDR_TEXT bytes always suffice), RFC 5952 form; returns @dst */
#define GN_ADDR_TEXT 46
GN_API char *gn_addr_format(const struct gn_addr *a, char *dst);

#ifdef __cplusplus
}
#endif
#endif
