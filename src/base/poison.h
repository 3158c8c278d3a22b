/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file poison.h  Tell AddressSanitizer what nobody may touch; nothing in other builds.
 */
#ifndef GN_BASE_POISON_H
#define GN_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define GN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GN_ASAN 1
#endif
#endif
#ifdef GN_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define POISONED(p, n) (__asan_region_is_poisoned((p), (n)) != 0)
#define UNCHECKED      __attribute__((no_sanitize("address")))
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define POISONED(p, n) ((void)(p), (void)(n), 0)
#define UNCHECKED      /* a function that may touch what is poisoned */
#endif

#endif
