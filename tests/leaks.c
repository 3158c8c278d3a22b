/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file leaks.c  Where LeakSanitizer looks. Criterion runs each test in a process of its own, which
 * it tells by its environment where to find its arguments. The process that starts these runs no
 * test: what is lost there is the library's.
 */
#include <stdlib.h>

__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

/** __lsan_is_turned_off() - asked once, when a process ends */
int __lsan_is_turned_off(void)
{
    return getenv("BXFI_MAP") == NULL;
}
