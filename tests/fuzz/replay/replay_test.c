/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzz target without libFuzzer: its kept corpus, and inputs made up from a seed. Built once for
 * each tests/fuzz/fuzz_NAME.c; GN_FUZZ_NAME is fuzz_NAME. */
#include "base/prng.h"

#include <criterion/criterion.h>
#include <dirent.h>
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

/** run_file() - one input of the corpus */
static void run_file(const char *path)
{
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    size_t n;

    cr_assert_not_null(f, "%s", path);
    n = fread(data, 1, sizeof data, f);
    (void)fclose(f);
    run(data, n);
}

Test(replay, the_kept_corpus, .timeout = 120)
{
    DIR *dir = opendir(GN_TEST_DIR "/fuzz/corpus/" GN_FUZZ_NAME);
    struct dirent *e;
    unsigned n = 0;

    if (!dir)
        cr_skip_test("there is no corpus of " GN_FUZZ_NAME);
    while ((e = readdir(dir))) {
        char path[1024];

        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/fuzz/corpus/%s/%s", GN_TEST_DIR, GN_FUZZ_NAME,
                       e->d_name);
        run_file(path);
        n++;
    }
    (void)closedir(dir);
    fprintf(stderr, "%s: %u inputs of the corpus\n", GN_FUZZ_NAME, n);
    cr_expect_gt(n, 0);
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
