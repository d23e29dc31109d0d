/* Lanes for AVX-512 IFMA and moduli of 101 to 128 bits: eight in three registers, a limb of limbs_ifma.h each. */
#ifndef FP_LANES_IFMA128_H
#define FP_LANES_IFMA128_H

#include <immintrin.h>

#include "../integer.h"

#define FP_FIELD_BITS 128
#define FP_LIMBS 3
#ifndef FP_UNITS
#define FP_UNITS 2
#endif
#define FP_UNIT_LANES 8

#include "limbs_ifma.h"

typedef fp_unit fp_unit_bits;

/* Limbs without the bits that the next ones have already. */
static FP_INLINE fp_unit fp_masked(fp_unit x) {
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) x.limb[i] =
        _mm512_and_si512(x.limb[i], _mm512_set1_epi64(FP_LIMB_MASK));
    return x;
}

static FP_INLINE fp_unit fp_chosen(__mmask8 which, fp_unit set, fp_unit clear) {
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) set.limb[i] =
        _mm512_mask_mov_epi64(clear.limb[i], which, set.limb[i]);
    return set;
}

/* x - y, and where that is negative. */
static FP_INLINE fp_unit fp_minus(fp_unit x, fp_unit y, __mmask8 *negative) {
    __m512i carry = _mm512_setzero_si512();
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        x.limb[i] = _mm512_add_epi64(_mm512_sub_epi64(x.limb[i], y.limb[i]), carry);
        carry = _mm512_srai_epi64(x.limb[i], FP_LIMB_BITS);
    }
    *negative = _mm512_movepi64_mask(x.limb[FP_LIMBS - 1]);
    return fp_masked(x);
}

/* x - y where that is not negative, else x. */
static FP_INLINE fp_unit fp_reduce_once(fp_unit x, fp_unit y) {
    __mmask8 negative;
    fp_unit difference = fp_minus(x, y, &negative);
    return fp_chosen(negative, x, difference);
}

/* Residues in [0, 4 n) to [0, n). */
static FP_INLINE fp_unit fp_reduced(fp_unit a, const fp_unit_mod *m) {
    return fp_reduce_once(fp_reduce_once(fp_masked(a), m->twice), m->n);
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    __mmask8 negative;
    fp_unit difference = fp_minus(fp_unit_mul(a, b, m), c, &negative);
    return fp_chosen(negative, fp_masked(fp_unit_add(difference, m->twice, m)), difference);
}

static FP_INLINE fp_unit fp_limbs_of(const fp_u128 *numbers) {
    fp_unit r;
    for (int i = 0; i < FP_LIMBS; i++) {
        uint64_t limb[FP_UNIT_LANES];
        for (int k = 0; k < FP_UNIT_LANES; k++) limb[k] = (uint64_t)(numbers[k] >> FP_LIMB_BITS * i) & FP_LIMB_MASK;
        r.limb[i] = _mm512_loadu_si512(limb);
    }
    return r;
}

/* 2 x mod n for x < n. */
static FP_INLINE fp_unit fp_doubled(fp_unit x, const fp_unit_mod *m) {
    return fp_reduce_once(fp_masked(fp_unit_add(x, x, m)), m->n);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    fp_unit_mod m = {.n = fp_limbs_of(numbers)};
    m.twice = fp_masked(fp_unit_add(m.n, m.n, &m));
    uint64_t inverse[FP_UNIT_LANES], steps[FP_UNIT_LANES], most = 0;
    fp_u128 power[FP_UNIT_LANES];
    /* From the highest power of 2 below n by doubling to R = 2^156 mod n. */
    for (int k = 0; k < FP_UNIT_LANES; k++) {
        const int bits = fp_bits(numbers[k]);
        inverse[k] = -fp_inverse64((uint64_t)numbers[k]) & FP_LIMB_MASK;
        power[k] = (fp_u128)1 << (bits - 1), steps[k] = (uint64_t)(FP_LIMB_BITS * FP_LIMBS + 1 - bits);
        if (steps[k] > most) most = steps[k];
    }
    m.inverse = _mm512_loadu_si512(inverse);
    m.one = fp_limbs_of(power);
    const __m512i left = _mm512_loadu_si512(steps);
    for (uint64_t k = 0; k < most; k++)
        m.one = fp_chosen(_mm512_cmpgt_epu64_mask(left, _mm512_set1_epi64((int64_t)k)), fp_doubled(m.one, &m), m.one);
    /* R 2^i doubled is R 2^(i+1), squared R 2^(2 i); on to R^2. */
    m.radix2 = m.one;
    for (int k = 0; k < 39; k++) m.radix2 = fp_doubled(m.radix2, &m);
    for (int k = 0; k < 2; k++) m.radix2 = fp_unit_sqr(m.radix2, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    const __m512i constants = _mm512_loadu_si512(c), zero = _mm512_setzero_si512();
    fp_unit r = {{_mm512_abs_epi64(constants), zero, zero}}, none = {{zero, zero, zero}};
    r = fp_unit_mul(r, m->radix2, m);
    return fp_chosen(_mm512_movepi64_mask(constants), fp_masked(fp_unit_sub(none, r, m)), r);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return fp_limbs_of(d); }

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    const __m512i word = d.limb[bit / FP_LIMB_BITS];
    return fp_chosen(_mm512_test_epi64_mask(word, _mm512_set1_epi64(1LL << bit % FP_LIMB_BITS)), set, clear);
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    const fp_unit x = fp_reduced(a, m), y = fp_reduced(b, m);
    __mmask8 equal = 0xFF;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) equal &= _mm512_cmpeq_epi64_mask(x.limb[i], y.limb[i]);
    return equal;
}

#include "../lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    FP_EACH_UNIT (u) {
        fp_u128 x[FP_UNIT_LANES] = {0}, n[FP_UNIT_LANES] = {0};
        const fp_unit reduced = fp_reduced(a.at[u], &m->at[u]);
        for (int i = 0; i < FP_LIMBS; i++) {
            uint64_t limb[FP_UNIT_LANES], modulus[FP_UNIT_LANES];
            _mm512_storeu_si512(limb, reduced.limb[i]), _mm512_storeu_si512(modulus, m->at[u].n.limb[i]);
            for (int k = 0; k < FP_UNIT_LANES; k++) {
                x[k] |= (fp_u128)limb[k] << FP_LIMB_BITS * i;
                n[k] |= (fp_u128)modulus[k] << FP_LIMB_BITS * i;
            }
        }
        for (int k = 0; k < FP_UNIT_LANES; k++) out[FP_UNIT_LANES * u + k] = fp_gcd128(x[k], n[k]);
    }
}

#endif
