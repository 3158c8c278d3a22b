/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of frozen connections, falsified so that only the fields can tell. */
#ifndef GN_TESTS_IMAGE_H
#define GN_TESTS_IMAGE_H

#include "base/bits.h"
#include "base/hash.h"

#include <stddef.h>

#define IMAGE_SUM 8 /* octets of the sum at the end */

/** image_seal() - the sum of a falsified image of @len octets is right again */
static inline void image_seal(uint8_t *image, size_t len)
{
    static const struct siphash_key none = {{0}};
    uint64_t sum = siphash24(&none, image, len - IMAGE_SUM);

    put32(image + len - 8, (uint32_t)(sum >> 32));
    put32(image + len - 4, (uint32_t)sum);
}

#endif
