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
#ifndef FP_REGISTERS
#define FP_REGISTERS 4
#endif
#define FP_LANES (8 * FP_REGISTERS)
#define FP_EACH_REGISTER(i) _Pragma("GCC unroll 8") for (int i = 0; i < FP_REGISTERS; i++)

/* Residues in Montgomery form, in [0, 2 n). */
typedef struct {
    __m512i at[FP_REGISTERS];
} fp_vec;

typedef struct {
    fp_vec n, twice_n, inverse; /* 1 / n modulo 2^52 */
    fp_vec one, radix2;         /* 2^52 and 2^104 modulo n */
} fp_vec_mod;

typedef fp_vec fp_vec_bits;

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    const __m512i zero = _mm512_setzero_si512();
    fp_vec r;
    FP_EACH_REGISTER(i) {
        __m512i low = _mm512_madd52lo_epu64(zero, a.at[i], b.at[i]);
        __m512i high = _mm512_madd52hi_epu64(m->n.at[i], a.at[i], b.at[i]);
        __m512i q = _mm512_madd52lo_epu64(zero, low, m->inverse.at[i]);
        r.at[i] = _mm512_sub_epi64(high, _mm512_madd52hi_epu64(zero, q, m->n.at[i]));
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

/* Of x and x - y, both modulo 2^64, the one that is not negative. */
static FP_INLINE __m512i fp_reduce_once(__m512i x, __m512i y) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, y)); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) r.at[i] = fp_reduce_once(_mm512_add_epi64(a.at[i], b.at[i]), m->twice_n.at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) {
        __m512i d = _mm512_sub_epi64(a.at[i], b.at[i]);
        r.at[i] = _mm512_min_epu64(d, _mm512_add_epi64(d, m->twice_n.at[i]));
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) { return m->one; }

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *numbers) {
    const __m512i zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2), mask = _mm512_set1_epi64((1LL << 52) - 1);
    fp_vec_mod m;
    FP_EACH_REGISTER(i) {
        uint64_t words[8];
        for (int k = 0; k < 8; k++) words[k] = (uint64_t)numbers[8 * i + k];
        __m512i n = _mm512_loadu_si512(words), x, q, r;
        /* Newton, from 5 correct bits to 10, 20, 40, 80. */
        x = _mm512_xor_si512(_mm512_add_epi64(n, _mm512_add_epi64(n, n)), two);
        for (int k = 0; k < 4; k++)
            x = _mm512_madd52lo_epu64(zero, x, _mm512_sub_epi64(two, _mm512_madd52lo_epu64(zero, n, x)));
        m.n.at[i] = n, m.twice_n.at[i] = _mm512_add_epi64(n, n), m.inverse.at[i] = x;
        /* 2^52 mod n: the quotient by doubles may be off by one. */
        q = _mm512_cvttpd_epu64(_mm512_div_pd(_mm512_set1_pd(0x1p52), _mm512_cvtepu64_pd(n)));
        r = _mm512_and_si512(_mm512_sub_epi64(zero, _mm512_madd52lo_epu64(zero, q, n)), mask);
        r = _mm512_min_epu64(r, _mm512_and_si512(_mm512_add_epi64(r, n), mask));
        m.one.at[i] = fp_reduce_once(r, n);
    }
    /* 2^(52+i) doubled is 2^(52+i+1), squared 2^(52+2i); on to 2^104. */
    fp_vec x = m.one;
    for (int k = 0; k < 6; k++) x = fp_vec_add(x, x, &m);
    x = fp_vec_sqr(x, &m);
    x = fp_vec_sqr(fp_vec_add(x, x, &m), &m);
    m.radix2 = fp_vec_sqr(x, &m);
    return m;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) r.at[i] = _mm512_abs_epi64(_mm512_loadu_si512(c + 8 * i));
    r = fp_vec_mul(r, m->radix2, m);
    FP_EACH_REGISTER(i) {
        __mmask8 negative = _mm512_movepi64_mask(_mm512_loadu_si512(c + 8 * i));
        r.at[i] = _mm512_mask_sub_epi64(r.at[i], negative, m->twice_n.at[i], r.at[i]);
    }
    return r;
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    fp_vec r;
    FP_EACH_REGISTER(i) {
        uint64_t words[8];
        for (int k = 0; k < 8; k++) words[k] = (uint64_t)d[8 * i + k];
        r.at[i] = _mm512_loadu_si512(words);
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    __m512i mask = _mm512_set1_epi64((int64_t)((uint64_t)1 << bit));
    fp_vec r;
    FP_EACH_REGISTER(i)
    r.at[i] = _mm512_mask_mov_epi64(clear.at[i], _mm512_test_epi64_mask(d.at[i], mask), set.at[i]);
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec d = fp_vec_sub(a, b, m);
    uint32_t equal = 0;
    FP_EACH_REGISTER(i) {
        __mmask8 zero = _mm512_testn_epi64_mask(d.at[i], d.at[i]);
        equal |= (uint32_t)(zero | _mm512_cmpeq_epi64_mask(d.at[i], m->n.at[i])) << 8 * i;
    }
    return equal;
}

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    fp_vec b = m->n;
    uint64_t words[FP_LANES];
    FP_EACH_REGISTER(i) a.at[i] = fp_reduce_once(a.at[i], b.at[i]);
    fp_gcd_avx512(a.at, b.at, FP_REGISTERS);
    FP_EACH_REGISTER(i) _mm512_storeu_si512(words + 8 * i, b.at[i]);
    for (int k = 0; k < FP_LANES; k++) out[k] = words[k];
}

#endif
