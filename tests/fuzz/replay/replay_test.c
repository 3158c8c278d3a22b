/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzz target without libFuzzer: its kept corpus, and inputs made up from a seed. Built once for
 * each tests/fuzz/fuzz_NAME.c; GN_FUZZ_NAME is fuzz_NAME. */
#include "base/prng.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX 4096
#define MADE_UP   3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** run() - one input, in memory of its size */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + !size);

    cr_assert_not_null(copy);
    for (size_t i = 0; i < size; i++)
        copy[i] = data[i];
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* what libFuzzer has found worth keeping; tools/corpus.py packs it: two octets of length, the input
 */
Test(replay, the_kept_corpus, .timeout = 120)
{
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(GN_TEST_DIR "/fuzz/corpus/" GN_FUZZ_NAME ".bin", "rb");
    unsigned n = 0;
    int high, low;

    cr_assert_not_null(f, "no corpus of " GN_FUZZ_NAME);
    while ((high = fgetc(f)) != EOF && (low = fgetc(f)) != EOF) {
        size_t len = (size_t)high << 8 | (size_t)low;

        cr_assert_leq(len, sizeof data);
        cr_assert_eq(fread(data, 1, len, f), len, "the corpus is cut off");
        run(data, len);
        n++;
    }
    (void)fclose(f);
    fprintf(stderr, "corpus: %u inputs of " GN_FUZZ_NAME "\n", n);
    cr_expect_gt(n, 10);
}

Test(replay, made_up_inputs, .timeout = 120)
{
    static uint8_t data[1024];
    struct prng rng;

    prng_seed(&rng, 1, 2);
    for (unsigned i = 0; i < MADE_UP; i++) {
        size_t n = prng_below(&rng, i % 10 ? 200 : sizeof data);

        for (size_t k = 0; k < n; k++)
            data[k] = (uint8_t)prng_u32(&rng);
        run(data, n);
    }
}
