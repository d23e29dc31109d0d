/* Four doubles a register, for lanes_fma48.h and lanes_fma.h: AVX2 with fused multiplication. */
#ifndef FP_DOUBLES_AVX2_H
#define FP_DOUBLES_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "../mont.h"

#define FP_DOUBLES 4
#define FP_MOST_REGISTERS 8 /* side by side */

/* + and - are the compiler's.  It must not fuse a product with them that does not say so. */
typedef __m256d fp_doubles;
typedef __m256i fp_bit_words;

static FP_INLINE fp_doubles fp_all(double x) { return _mm256_set1_pd(x); }

static FP_INLINE fp_doubles fp_doubles_load(const double *x) { return _mm256_loadu_pd(x); }

static FP_INLINE void fp_doubles_store(double *x, fp_doubles a) { _mm256_storeu_pd(x, a); }

static FP_INLINE fp_doubles fp_size(fp_doubles a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }

static FP_INLINE fp_doubles fp_product(fp_doubles a, fp_doubles b) {
    fp_doubles r = _mm256_mul_pd(a, b);
    __asm__("" : "+x"(r)); /* to the compiler, anything may have happened to it here */
    return r;
}

static FP_INLINE fp_doubles fp_quotient(fp_doubles a, fp_doubles b) { return _mm256_div_pd(a, b); }

/* c + a b, rounded once. */
static FP_INLINE fp_doubles fp_fused(fp_doubles c, fp_doubles a, fp_doubles b) { return _mm256_fmadd_pd(a, b, c); }

/* c - a b, rounded once. */
static FP_INLINE fp_doubles fp_fused_less(fp_doubles c, fp_doubles a, fp_doubles b) {
    return _mm256_fnmadd_pd(a, b, c);
}

/* Bit k: is a[k] = 0? */
static FP_INLINE uint32_t fp_zeros(fp_doubles a) {
    return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(a, _mm256_setzero_pd(), _CMP_EQ_OQ));
}

static FP_INLINE fp_bit_words fp_bit_words_load(const uint64_t *words) {
    return _mm256_loadu_si256((const __m256i *)(const void *)words);
}

/* `set` where that bit of the word is set, else `clear`: a blend goes by the sign. */
static FP_INLINE fp_doubles fp_doubles_pick(fp_bit_words words, int bit, fp_doubles set, fp_doubles clear) {
    return _mm256_blendv_pd(clear, set, _mm256_castsi256_pd(_mm256_sll_epi64(words, _mm_cvtsi32_si128(63 - bit))));
}

/* words[k] = gcd(a[k], b[k]) of `count` registers each of integers below 2^52, b odd.  The binary algorithm: the lowest bit, made a
 * double, has its place in the exponent. */
static FP_INLINE void fp_doubles_gcd(const fp_doubles *a, const fp_doubles *b, int count, uint64_t *words) {
    const __m256i magic = _mm256_castpd_si256(_mm256_set1_pd(0x1p52)), zero = _mm256_setzero_si256();
    const __m256d two52 = _mm256_set1_pd(0x1p52);
    __m256i x[FP_MOST_REGISTERS], y[FP_MOST_REGISTERS];
    for (int i = 0; i < count; i++) {
        x[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(a[i], two52)), magic);
        y[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(b[i], two52)), magic);
    }
    for (int open = 1; open;) {
        open = 0;
        for (int i = 0; i < count; i++) {
            __m256i lowest = _mm256_and_si256(x[i], _mm256_sub_epi64(zero, x[i]));
            __m256d power = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(lowest, magic)), two52);
            __m256i shift =
                _mm256_sub_epi64(_mm256_srli_epi64(_mm256_castpd_si256(power), 52), _mm256_set1_epi64x(1023));
            __m256i odd = _mm256_srlv_epi64(x[i], shift); /* 0 stays 0: its shift is too large */
            __m256i none = _mm256_cmpeq_epi64(odd, zero), less = _mm256_cmpgt_epi64(y[i], odd);
            __m256i d = _mm256_sub_epi64(odd, y[i]);
            d = _mm256_sub_epi64(_mm256_xor_si256(d, less), less); /* |odd - y| */
            y[i] = _mm256_blendv_epi8(y[i], odd, _mm256_andnot_si256(none, less));
            x[i] = _mm256_andnot_si256(none, d);
            open |= ~_mm256_movemask_epi8(none);
        }
    }
    for (int i = 0; i < count; i++) _mm256_storeu_si256((__m256i *)(void *)(words + 4 * i), y[i]);
}

#endif
