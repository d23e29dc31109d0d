/* Lanes for AVX-512 IFMA and moduli below 2^50: eight a register, one 52-bit limb each.
 *
 * IFMA multiplies 52-bit integers and adds the low or the high half of the product.  Montgomery's reduction with R = 2^52
 * and the positive inverse: the low halves of a b and q n agree, so that the difference of the high halves is the
 * result, four IFMA and a subtraction.  Results of a multiplication are below 2 n: a b < 4 n^2 <= 2^52 n gives
 * a b / 2^52 < n, to which n is added to stay positive. */
#ifndef FP_LANES_IFMA50_H
#define FP_LANES_IFMA50_H

#include <immintrin.h>

#include "../mont.h"
#include "gcd_avx512.h"

#define FP_FIELD_BITS 50
/* Registers side by side: one multiplication depends on the last for 16 cycles, and four can begin in that time. */
#ifndef FP_UNITS
#define FP_UNITS 4
#endif
#define FP_UNIT_LANES 8

/* Residues in Montgomery form, in [0, 2 n). */
typedef __m512i fp_unit;

typedef struct {
    __m512i n, twice_n, inverse; /* 1 / n modulo 2^52 */
    __m512i one, radix2;         /* 2^52 and 2^104 modulo n */
} fp_unit_mod;

typedef __m512i fp_unit_bits;

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i low = _mm512_madd52lo_epu64(zero, a, b);
    __m512i high = _mm512_madd52hi_epu64(m->n, a, b);
    __m512i q = _mm512_madd52lo_epu64(zero, low, m->inverse);
    return _mm512_sub_epi64(high, _mm512_madd52hi_epu64(zero, q, m->n));
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_unit_mul(a, a, m); }

/* Of x and x - y, both modulo 2^64, the one that is not negative. */
static FP_INLINE __m512i fp_reduce_once(__m512i x, __m512i y) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, y)); }

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return fp_reduce_once(_mm512_add_epi64(a, b), m->twice_n);
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    __m512i d = _mm512_sub_epi64(a, b);
    return _mm512_min_epu64(d, _mm512_add_epi64(d, m->twice_n));
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    return fp_unit_sub(fp_unit_mul(a, b, m), c, m);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

/* The low words of eight numbers. */
static FP_INLINE __m512i fp_words(const fp_u128 *numbers) {
    uint64_t words[8];
    for (int k = 0; k < 8; k++) words[k] = (uint64_t)numbers[k];
    return _mm512_loadu_si512(words);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    const __m512i zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2), mask = _mm512_set1_epi64((1LL << 52) - 1);
    fp_unit_mod m;
    __m512i n = fp_words(numbers), x, q, r;
    /* Newton, from 5 correct bits to 10, 20, 40, 80. */
    x = _mm512_xor_si512(_mm512_add_epi64(n, _mm512_add_epi64(n, n)), two);
    for (int k = 0; k < 4; k++)
        x = _mm512_madd52lo_epu64(zero, x, _mm512_sub_epi64(two, _mm512_madd52lo_epu64(zero, n, x)));
    m.n = n, m.twice_n = _mm512_add_epi64(n, n), m.inverse = x;
    /* 2^52 mod n: the quotient by doubles may be off by one. */
    q = _mm512_cvttpd_epu64(_mm512_div_pd(_mm512_set1_pd(0x1p52), _mm512_cvtepu64_pd(n)));
    r = _mm512_and_si512(_mm512_sub_epi64(zero, _mm512_madd52lo_epu64(zero, q, n)), mask);
    r = _mm512_min_epu64(r, _mm512_and_si512(_mm512_add_epi64(r, n), mask));
    m.one = fp_reduce_once(r, n);
    /* 2^(52+i) doubled is 2^(52+i+1), squared 2^(52+2i); on to 2^104. */
    x = m.one;
    for (int k = 0; k < 6; k++) x = fp_unit_add(x, x, &m);
    x = fp_unit_sqr(x, &m);
    x = fp_unit_sqr(fp_unit_add(x, x, &m), &m);
    m.radix2 = fp_unit_sqr(x, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    __m512i constants = _mm512_loadu_si512(c);
    __m512i r = fp_unit_mul(_mm512_abs_epi64(constants), m->radix2, m);
    return _mm512_mask_sub_epi64(r, _mm512_movepi64_mask(constants), m->twice_n, r);
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return fp_words(d); }

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    __m512i mask = _mm512_set1_epi64((int64_t)((uint64_t)1 << bit));
    return _mm512_mask_mov_epi64(clear, _mm512_test_epi64_mask(d, mask), set);
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    __m512i d = fp_unit_sub(a, b, m);
    return (uint32_t)(_mm512_testn_epi64_mask(d, d) | _mm512_cmpeq_epi64_mask(d, m->n));
}

#include "../lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    __m512i b[FP_UNITS];
    uint64_t words[FP_LANES];
    FP_EACH_UNIT (i) b[i] = m->at[i].n, a.at[i] = fp_reduce_once(a.at[i], b[i]);
    fp_gcd_avx512(a.at, b, FP_UNITS);
    FP_EACH_UNIT (i) _mm512_storeu_si512(words + 8 * i, b[i]);
    for (int k = 0; k < FP_LANES; k++) out[k] = words[k];
}

#endif
