/* Lanes for AVX2 and moduli of one word: four a register.
 *
 * AVX2 multiplies 32-bit halves only, so Montgomery's reduction with R = 2^64 and the positive inverse goes by two steps of 32
 * bits, ten such multiplications in all.
 *
 * To be included with FP_FIELD_BITS defined, as 64 or as 59.  With 59 residues are not reduced, as in lanes_wide.h, because to
 * compare words is expensive: with a, b < 4 n < 2^61 the first step gives less than 5 n, the second less than 16 n^2 / 2^64 + n + 5 n /
 * 2^32 < 2 n. */
#ifndef FP_LANES_MUL64_H
#define FP_LANES_MUL64_H

#include <immintrin.h>

#include "../integer.h"
#include "../mont.h"

#define FP_EXACT (FP_FIELD_BITS == 64)
#ifndef FP_UNITS
#define FP_UNITS 4
#endif
#define FP_UNIT_LANES 4

/* Residues in Montgomery form, in [0, n) or in [0, 2 n). */
typedef __m256i fp_unit;

typedef struct {
    __m256i n, n_high, inverse; /* n >> 32, and 1 / n modulo 2^32 */
    __m256i twice_n, one, radix2;
} fp_unit_mod;

typedef __m256i fp_unit_bits;

/* a - b modulo n for a, b < n or, what comes to the same, for any a and b of which the difference is between -n and n. */
static FP_INLINE __m256i fp_sub64(__m256i a, __m256i b, __m256i n) {
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN); /* comparisons are signed */
    __m256i borrow = _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign));
    return _mm256_add_epi64(_mm256_sub_epi64(a, b), _mm256_and_si256(borrow, n));
}

/* (high 2^32 + p - q n) / 2^32 modulo n, where the low half of p is that of q n and its high half already part of high. */
static FP_INLINE __m256i fp_step32(__m256i high, __m256i p, const fp_unit_mod *m) {
    __m256i q = _mm256_mul_epu32(p, m->inverse);
    __m256i qn = _mm256_add_epi64(_mm256_mul_epu32(q, m->n_high), _mm256_srli_epi64(_mm256_mul_epu32(q, m->n), 32));
    return FP_EXACT ? fp_sub64(high, qn, m->n) : _mm256_add_epi64(_mm256_sub_epi64(high, qn), m->n);
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
    __m256i a1 = _mm256_srli_epi64(a, 32), b1 = _mm256_srli_epi64(b, 32);
    /* a times the low half of b, */
    __m256i p = _mm256_mul_epu32(a, b);
    __m256i high = _mm256_add_epi64(_mm256_mul_epu32(a1, b), _mm256_srli_epi64(p, 32));
    __m256i t = fp_step32(high, p, m);
    /* then a times the high half on top; no sum exceeds 64 bits: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1. */
    p = _mm256_add_epi64(_mm256_mul_epu32(a, b1), _mm256_and_si256(t, low_half));
    high = _mm256_add_epi64(_mm256_mul_epu32(a1, b1), _mm256_srli_epi64(t, 32));
    high = _mm256_add_epi64(high, _mm256_srli_epi64(p, 32));
    return fp_step32(high, p, m);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_unit_mul(a, a, m); }

static FP_INLINE __m256i fp_add64(__m256i a, __m256i b, __m256i n) { return fp_sub64(a, _mm256_sub_epi64(n, b), n); }

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return FP_EXACT ? fp_sub64(a, b, m->n) : _mm256_sub_epi64(_mm256_add_epi64(a, m->twice_n), b);
}

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return FP_EXACT ? fp_add64(a, b, m->n) : _mm256_add_epi64(a, b);
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    a = fp_unit_mul(a, b, m);
    if (FP_EXACT) return fp_sub64(a, c, m->n);
    __m256i d = _mm256_sub_epi64(a, c);
    return _mm256_add_epi64(d, _mm256_and_si256(_mm256_cmpgt_epi64(_mm256_setzero_si256(), d), m->twice_n));
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

static FP_INLINE __m256i fp_words(const uint64_t *words) {
    return _mm256_loadu_si256((const __m256i *)(const void *)words);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    uint64_t n[4], inverse[4], one[4];
    for (int k = 0; k < 4; k++) {
        fp_mont m = fp_mont_init((uint64_t)numbers[k]);
        n[k] = m.n, inverse[k] = m.inverse, one[k] = m.one;
    }
    fp_unit_mod m = {.n = fp_words(n), .inverse = fp_words(inverse), .one = fp_words(one)};
    m.n_high = _mm256_srli_epi64(m.n, 32);
    m.twice_n = _mm256_add_epi64(m.n, m.n);
    /* 2^(64+i) doubled is 2^(64+i+1), squared 2^(64+2i); on to 2^128. */
    m.radix2 = m.one;
    for (int k = 0; k < 4; k++) m.radix2 = fp_add64(m.radix2, m.radix2, m.n);
    for (int k = 0; k < 4; k++) m.radix2 = fp_unit_sqr(m.radix2, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    uint64_t size[4];
    for (int k = 0; k < 4; k++) size[k] = (uint64_t)(c[k] < 0 ? -c[k] : c[k]);
    /* The constant may exceed the modulus: as the factor that is taken apart, b, it need not be reduced. */
    __m256i r = fp_unit_mul(m->radix2, fp_words(size), m);
    __m256i constant = _mm256_loadu_si256((const __m256i *)(const void *)c);
    __m256i negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), constant);
    __m256i flipped = FP_EXACT ? fp_sub64(_mm256_setzero_si256(), r, m->n) : _mm256_sub_epi64(m->twice_n, r);
    return _mm256_blendv_epi8(r, flipped, negative);
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) {
    uint64_t words[4];
    for (int k = 0; k < 4; k++) words[k] = (uint64_t)d[k];
    return fp_words(words);
}

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    __m128i shift = _mm_cvtsi32_si128(63 - bit); /* a blend of doubles goes by the sign */
    return _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(clear), _mm256_castsi256_pd(set),
                                                _mm256_castsi256_pd(_mm256_sll_epi64(d, shift))));
}

/* x - y where that is not negative, else x; both below 2^63. */
static FP_INLINE __m256i fp_reduce_once(__m256i x, __m256i y) {
    return _mm256_sub_epi64(x, _mm256_andnot_si256(_mm256_cmpgt_epi64(y, x), y));
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    if (!FP_EXACT) {
        a = fp_reduce_once(fp_reduce_once(a, m->twice_n), m->n);
        b = fp_reduce_once(fp_reduce_once(b, m->twice_n), m->n);
    }
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a, b)));
}

#include "../lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    uint64_t x[FP_LANES], n[FP_LANES];
    FP_EACH_UNIT (i) {
        _mm256_storeu_si256((__m256i *)(void *)(x + 4 * i), a.at[i]);
        _mm256_storeu_si256((__m256i *)(void *)(n + 4 * i), m->at[i].n);
    }
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd(x[k], n[k]);
}

#endif
