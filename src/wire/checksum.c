/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file checksum.c  The Internet checksum.
 *
 * Theory of operation. The one's complement sum does not care how wide the words are that are
 * added, nor in which order their octets are loaded, as long as the final 16 bits are stored the
 * way they were loaded (RFC 1071 2(B)). So memory is read in native 64-bit words, and only the
 * folded result is put into network order, by looking at its octets in memory: right on every byte
 * order by construction.
 *
 * Carries are the costly part. Instead of catching one after each addition, two plain sums run
 * modulo 2^64: that of the words, and that of their upper halves. The sum of the lower halves is
 * then the first minus the second shifted up; it is exact as long as it is below 2^64, that is for
 * 2^32 words. This takes three operations for each word, has no dependence between lanes, and is
 * what both SSE2 (always there on x86-64) and a vectorising compiler do well. Where the caller says
 * that the processor has AVX2, twice as many words go at a time. A few octets are over before that
 * pays: they are one chain of additions, each of which takes the carry of the one before along.
 */
#include "wire/checksum.h"

#include "base/bits.h"

#include <gannet/host.h>

#if defined(__x86_64__)
#define HAS_AVX2 /* in this file, if not in the processor */
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

/** load64() - eight octets in native order, at any alignment */
static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/** halves() - what was added up, given the sum of the words and that of their upper halves */
static inline uint64_t halves(uint64_t words, uint64_t upper)
{
    return words - (upper << 32) + upper;
}

#if defined(__SSE2__)

#define BLOCK 64

/** vec_sum() - one step: load (and store, if there is a destination), add to words and upper */
static inline void vec_sum(uint8_t *dst, const uint8_t *src, __m128i *words, __m128i *upper)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)src);
    if (dst)
        _mm_storeu_si128((__m128i *)(void *)dst, v);
    *words = _mm_add_epi64(*words, v);
    *upper = _mm_add_epi64(*upper, _mm_srli_epi64(v, 32));
}

/** blocks() - sum of @n blocks; copies them if @dst is not NULL (known at compile time after
 * inlining) */
static inline uint64_t blocks(uint8_t *dst, const uint8_t *src, size_t n)
{
    __m128i w0 = _mm_setzero_si128(), w1 = w0, u0 = w0, u1 = w0;
    uint64_t w[2], u[2];

    for (; n > 0; n--, src += BLOCK) {
        vec_sum(dst, src, &w0, &u0);
        vec_sum(dst ? dst + 16 : NULL, src + 16, &w1, &u1);
        vec_sum(dst ? dst + 32 : NULL, src + 32, &w0, &u0);
        vec_sum(dst ? dst + 48 : NULL, src + 48, &w1, &u1);
        if (dst)
            dst += BLOCK;
    }
    w0 = _mm_add_epi64(w0, w1);
    u0 = _mm_add_epi64(u0, u1);
    memcpy(w, &w0, sizeof w);
    memcpy(u, &u0, sizeof u);
    return halves(w[0], u[0]) + halves(w[1], u[1]);
}

#else

#define BLOCK 32

/** blocks() - sum of @n blocks; copies them if @dst is not NULL (known at compile time after
 * inlining) */
static inline uint64_t blocks(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint64_t w[4] = {0}, u[4] = {0};

    for (; n > 0; n--, src += BLOCK) {
        uint64_t v[4];
        memcpy(v, src, BLOCK);
        if (dst) {
            memcpy(dst, v, BLOCK);
            dst += BLOCK;
        }
        for (unsigned i = 0; i < 4; i++) {
            w[i] += v[i];
            u[i] += v[i] >> 32;
        }
    }
    return halves(w[0], u[0]) + halves(w[1], u[1]) + halves(w[2], u[2]) + halves(w[3], u[3]);
}

#endif

/** to_network() - a sum of native words as one of big-endian words: its octets, read in network
 * order. 32 bits of it, for the halves of a word count alike */
static inline uint64_t to_network(uint64_t sum)
{
    uint8_t octets[4];
    uint32_t native;

    sum = (sum & 0xffffffff) + (sum >> 32);
    native = (uint32_t)((sum & 0xffffffff) + (sum >> 32));
    memcpy(octets, &native, sizeof octets);
    return get32(octets);
}

/** below_word() - sum, and copy if @dst is not NULL, of the last 0 to 7 octets; an odd one is the
 * first octet of its word */
static inline uint64_t below_word(uint8_t *dst, const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    uint32_t four;
    uint16_t two;

    if (len & 4) {
        memcpy(&four, p, sizeof four);
        sum += four;
        p += sizeof four;
        if (dst)
            dst = (uint8_t *)memcpy(dst, &four, sizeof four) + sizeof four;
    }
    if (len & 2) {
        memcpy(&two, p, sizeof two);
        sum += two;
        p += sizeof two;
        if (dst)
            dst = (uint8_t *)memcpy(dst, &two, sizeof two) + sizeof two;
    }
    if (len & 1) {
        const uint8_t padded[2] = {*p, 0};

        memcpy(&two, padded, sizeof two);
        sum += two;
        if (dst)
            *dst = *p;
    }
    return sum;
}

/** A sum of native words, and how often it has passed 2^64. */
struct carried {
    uint64_t sum, carries;
};

/** add_word() - one word more */
static inline struct carried add_word(struct carried a, uint64_t w)
{
    uint64_t sum = a.sum + w;

    return (struct carried){sum, a.carries + (sum < w)}; /* an addition with carry, of 0 */
}

/** add_words() - @n octets more, 8, 16 or 32, copied if @dst is not NULL */
static inline struct carried add_words(struct carried a, uint8_t *dst, const uint8_t *src, size_t n)
{
    if (dst)
        memcpy(dst, src, n);
    for (size_t i = 0; i < n; i += 8)
        a = add_word(a, load64(src + i));
    return a;
}

/** few_octets() - the sum, and the copy, of what is too short to be worth a loop over blocks */
static inline __attribute__((always_inline)) uint64_t few_octets(uint8_t *dst, const uint8_t *src,
                                                                 size_t len)
{
    struct carried a = {0, 0};
    uint64_t sum;

    for (const uint8_t *end = src + (len & ~(size_t)31); src != end; src += 32) {
        a = add_words(a, dst, src, 32);
        dst = dst ? dst + 32 : NULL;
    }
    if (len & 16) {
        a = add_words(a, dst, src, 16);
        dst = dst ? dst + 16 : NULL;
        src += 16;
    }
    if (len & 8) {
        a = add_words(a, dst, src, 8);
        dst = dst ? dst + 8 : NULL;
        src += 8;
    }
    sum = (a.sum & 0xffffffff) + (a.sum >> 32) + a.carries;
    if (len & 7)
        sum += below_word(dst, src, len);
    return to_network(sum);
}

/** sum_octets() - csum(), and the copy too if @dst is not NULL; inlined twice */
static inline uint64_t sum_octets(uint8_t *dst, const uint8_t *src, size_t len)
{
    size_t whole = len / BLOCK * BLOCK;
    uint64_t sum = whole ? blocks(dst, src, len / BLOCK) : 0;

    src += whole;
    len -= whole;
    if (dst) /* the rest is hot and short: no need to do it in one pass */
        memcpy(dst + whole, src, len);
    for (; len >= 8; len -= 8, src += 8) {
        uint64_t v = load64(src);
        sum += (v & 0xffffffff) + (v >> 32);
    }
    return to_network(sum + below_word(NULL, src, len));
}

#if defined(HAS_AVX2)

#define AVX2 __attribute__((target("avx2")))
#define WIDE 32

/** wide_step() - vec_sum() for 32 octets */
static inline AVX2 void wide_step(uint8_t *dst, const uint8_t *src, __m256i *words, __m256i *upper)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
    if (dst)
        _mm256_storeu_si256((__m256i *)(void *)dst, v);
    *words = _mm256_add_epi64(*words, v);
    *upper = _mm256_add_epi64(*upper, _mm256_srli_epi64(v, 32));
}

/** wide_octets() - sum_octets() with AVX2; inlined twice */
static inline AVX2 uint64_t wide_octets(uint8_t *dst, const uint8_t *src, size_t len)
{
    __m256i w0 = _mm256_setzero_si256(), w1 = w0, u0 = w0, u1 = w0;
    uint64_t w[4], u[4], sum = 0;

    for (; len >= 2 * WIDE; len -= 2 * WIDE, src += 2 * WIDE) {
        wide_step(dst, src, &w0, &u0);
        wide_step(dst ? dst + WIDE : NULL, src + WIDE, &w1, &u1);
        if (dst)
            dst += 2 * WIDE;
    }
    if (len >= WIDE) {
        wide_step(dst, src, &w0, &u0);
        if (dst)
            dst += WIDE;
        src += WIDE;
        len -= WIDE;
    }
    w0 = _mm256_add_epi64(w0, w1);
    u0 = _mm256_add_epi64(u0, u1);
    memcpy(w, &w0, sizeof w);
    memcpy(u, &u0, sizeof u);
    for (unsigned i = 0; i < 4; i++)
        sum += halves(w[i], u[i]);
    if (dst)
        memcpy(dst, src, len);
    for (; len >= 8; len -= 8, src += 8) {
        uint64_t v = load64(src);
        sum += (v & 0xffffffff) + (v >> 32);
    }
    return to_network(sum + below_word(NULL, src, len));
}

/** sum_avx2() - csum() */
static AVX2 uint64_t sum_avx2(const void *p, size_t len)
{
    return len <= CSUM_FEW ? few_octets(NULL, p, len) : wide_octets(NULL, p, len);
}

/** copy_avx2() - csum_copy() */
static AVX2 __attribute__((nonnull)) uint64_t copy_avx2(void *dst, const void *src, size_t len)
{
    return len <= CSUM_FEW ? few_octets(dst, src, len) : wide_octets(dst, src, len);
}

#endif

const struct csum_ops *csum_ops(unsigned cpu)
{
    static const struct csum_ops plain = {csum, csum_copy};
#if defined(HAS_AVX2)
    static const struct csum_ops avx2 = {sum_avx2, copy_avx2};

    if (cpu & GN_CPU_AVX2)
        return &avx2;
#endif
    (void)cpu;
    return &plain;
}

uint64_t csum_few(const void *p, size_t len)
{
    return few_octets(NULL, p, len);
}

uint64_t csum_copy_few(void *dst, const void *src, size_t len)
{
    return few_octets(dst, src, len);
}

uint64_t csum(const void *p, size_t len)
{
    return len <= CSUM_FEW ? few_octets(NULL, p, len) : sum_octets(NULL, p, len);
}

uint64_t csum_copy(void *dst, const void *src, size_t len)
{
    return len <= CSUM_FEW ? few_octets(dst, src, len) : sum_octets(dst, src, len);
}

uint16_t csum_update16(uint16_t old, uint16_t from, uint16_t to)
{
    /* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'); eqn. 4 would give 0xffff for 0 (MAL-22) */
    return csum_finish((uint64_t)(uint16_t)~old + (uint16_t)~from + to);
}
