/* Lanes for AVX2 and moduli below 2^64: four a register.
 *
 * AVX2 multiplies 32-bit halves only, so Montgomery's reduction with R = 2^64 and the positive inverse goes by two steps of 32
 * bits, ten such multiplications in all. */
#ifndef FP_LANES_MUL64_H
#define FP_LANES_MUL64_H

#include <immintrin.h>

#include "../integer.h"
#include "../mont.h"

#define FP_FIELD_BITS 64
#ifndef FP_REGISTERS
#define FP_REGISTERS 4
#endif
#define FP_LANES (4 * FP_REGISTERS)
#define FP_EACH_REGISTER(i) _Pragma("GCC unroll 8") for (int i = 0; i < FP_REGISTERS; i++)

/* Residues in Montgomery form, in [0, n). */
typedef struct {
    __m256i at[FP_REGISTERS];
} fp_vec;

typedef struct {
    fp_vec n, n_high, inverse; /* n >> 32, and 1 / n modulo 2^32 */
    fp_vec one, radix2;
} fp_vec_mod;

typedef fp_vec fp_vec_bits;

/* a - b modulo n for a, b < n or, what comes to the same, for any a and b of which the difference is between -n and n. */
static FP_INLINE __m256i fp_sub64(__m256i a, __m256i b, __m256i n) {
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN); /* comparisons are signed */
    __m256i borrow = _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign));
    return _mm256_add_epi64(_mm256_sub_epi64(a, b), _mm256_and_si256(borrow, n));
}

/* (high 2^32 + p - q n) / 2^32 modulo n, where the low half of p is that of q n and its high half already part of high. */
static FP_INLINE __m256i fp_step32(__m256i high, __m256i p, __m256i n, __m256i n_high, __m256i inverse) {
    __m256i q = _mm256_mul_epu32(p, inverse);
    __m256i qn = _mm256_add_epi64(_mm256_mul_epu32(q, n_high), _mm256_srli_epi64(_mm256_mul_epu32(q, n), 32));
    return fp_sub64(high, qn, n);
}

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
    fp_vec r;
    FP_EACH_REGISTER(i) {
        __m256i a1 = _mm256_srli_epi64(a.at[i], 32), b1 = _mm256_srli_epi64(b.at[i], 32);
        /* a times the low half of b, */
        __m256i p = _mm256_mul_epu32(a.at[i], b.at[i]);
        __m256i high = _mm256_add_epi64(_mm256_mul_epu32(a1, b.at[i]), _mm256_srli_epi64(p, 32));
        __m256i t = fp_step32(high, p, m->n.at[i], m->n_high.at[i], m->inverse.at[i]);
        /* then a times the high half on top; no sum exceeds 64 bits: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1. */
        p = _mm256_add_epi64(_mm256_mul_epu32(a.at[i], b1), _mm256_and_si256(t, low_half));
        high = _mm256_add_epi64(_mm256_mul_epu32(a1, b1), _mm256_srli_epi64(t, 32));
        high = _mm256_add_epi64(high, _mm256_srli_epi64(p, 32));
        r.at[i] = fp_step32(high, p, m->n.at[i], m->n_high.at[i], m->inverse.at[i]);
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) r.at[i] = fp_sub64(a.at[i], b.at[i], m->n.at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) r.at[i] = fp_sub64(a.at[i], _mm256_sub_epi64(m->n.at[i], b.at[i]), m->n.at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) { return m->one; }

static FP_INLINE fp_vec fp_words(const uint64_t *words) {
    fp_vec r;
    FP_EACH_REGISTER(i) r.at[i] = _mm256_loadu_si256((const __m256i *)(const void *)(words + 4 * i));
    return r;
}

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *numbers) {
    uint64_t n[FP_LANES], inverse[FP_LANES], one[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        fp_mont m = fp_mont_init((uint64_t)numbers[k]);
        n[k] = m.n, inverse[k] = m.inverse, one[k] = m.one;
    }
    fp_vec_mod m = {.n = fp_words(n), .inverse = fp_words(inverse), .one = fp_words(one)};
    FP_EACH_REGISTER(i) m.n_high.at[i] = _mm256_srli_epi64(m.n.at[i], 32);
    /* 2^(64+i) doubled is 2^(64+i+1), squared 2^(64+2i); on to 2^128. */
    m.radix2 = m.one;
    for (int k = 0; k < 4; k++) m.radix2 = fp_vec_add(m.radix2, m.radix2, &m);
    for (int k = 0; k < 4; k++) m.radix2 = fp_vec_sqr(m.radix2, &m);
    return m;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    uint64_t size[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) size[k] = (uint64_t)(c[k] < 0 ? -c[k] : c[k]);
    /* The constant may exceed the modulus: as the factor that is taken apart, b, it need not be reduced. */
    fp_vec r = fp_vec_mul(m->radix2, fp_words(size), m);
    FP_EACH_REGISTER(i) {
        __m256i constant = _mm256_loadu_si256((const __m256i *)(const void *)(c + 4 * i));
        __m256i negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), constant);
        __m256i minus = fp_sub64(_mm256_setzero_si256(), r.at[i], m->n.at[i]);
        r.at[i] = _mm256_blendv_epi8(r.at[i], minus, negative);
    }
    return r;
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    uint64_t words[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) words[k] = (uint64_t)d[k];
    return fp_words(words);
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    __m128i shift = _mm_cvtsi32_si128(63 - bit); /* a blend of doubles goes by the sign */
    fp_vec r;
    FP_EACH_REGISTER(i)
    r.at[i] = _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(clear.at[i]), _mm256_castsi256_pd(set.at[i]),
                                                   _mm256_castsi256_pd(_mm256_sll_epi64(d.at[i], shift))));
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint32_t equal = 0;
    (void)m;
    FP_EACH_REGISTER(i) {
        __m256d same = _mm256_castsi256_pd(_mm256_cmpeq_epi64(a.at[i], b.at[i]));
        equal |= (uint32_t)_mm256_movemask_pd(same) << 4 * i;
    }
    return equal;
}

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    uint64_t x[FP_LANES], n[FP_LANES];
    FP_EACH_REGISTER(i) {
        _mm256_storeu_si256((__m256i *)(void *)(x + 4 * i), a.at[i]);
        _mm256_storeu_si256((__m256i *)(void *)(n + 4 * i), m->n.at[i]);
    }
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd(x[k], n[k]);
}

#endif
