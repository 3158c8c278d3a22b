/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_words.c  libFuzzer target: what people write, knobs and addresses.
 *
 * The oracle: what was accepted lies within the knob's bounds and can be said again as a number;
 * what was not has changed nothing; an address that was accepted is the same after it was written
 * out and read again.
 */
#include "fuzz/duo.h"

#include <gannet/conf.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** check_address() - any text */
static void check_address(const char *text)
{
    struct gn_addr a = {.b = {1}}, again = {.b = {2}};
    const struct gn_addr before = a;
    char written[GN_ADDR_TEXT];

    if (!gn_addr_parse(text, &a)) {
        MUST(gn_addr_eq(&a, &before));
        return;
    }
    (void)gn_addr_format(&a, written);
    MUST(strlen(written) < sizeof written);
    MUST(gn_addr_parse(written, &again));
    MUST(gn_addr_eq(&a, &again));
}

/** check_knob() - any text for one of the knobs */
static void check_knob(const struct gn_knob *k, const char *text)
{
    struct gn_conf c, before;
    uint64_t value, again;
    char number[24];

    gn_conf_default(&c);
    before = c;
    if (gn_conf_set(&c, k->name, text) != GN_OK) {
        MUST(memcmp(&c, &before, sizeof c) == 0);
        return;
    }
    memcpy(&value, (const char *)&c + k->offset, sizeof value);
    MUST(value >= k->min && value <= k->max);
    if (k->unit == GN_UNIT_TIME || k->unit == GN_UNIT_PORTS)
        return; /* a bare number would be of another unit */
    (void)snprintf(number, sizeof number, "%" PRIu64, value);
    MUST(gn_conf_set(&c, k->name, number) == GN_OK);
    memcpy(&again, (const char *)&c + k->offset, sizeof again);
    MUST(again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t which = take8(&in);
    size_t n;
    const struct gn_knob *k = gn_knobs(&n);
    char *text = malloc(in.n + 1); /* of its size, so that reading beyond it is seen */

    MUST(text);
    if (in.n > 0)
        memcpy(text, in.p, in.n);
    text[in.n] = 0;
    if (which < n)
        check_knob(&k[which], text);
    else
        check_address(text);
    free(text);
    return 0;
}
