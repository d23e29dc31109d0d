/* Residues of FP_LIMBS limbs of 52 bits in eight lanes for AVX-512 IFMA; to be included with FP_LIMBS.
 *
 * Montgomery's reduction with R = 2^(52 FP_LIMBS), without carries until the end: a column is a sum of at most 4 FP_LIMBS halves
 * below 2^52, and what the one before carries.  With n < R / 32 the product of two sums or differences, in [0, 4 n), is in [0, 2 n). */
#ifndef FP_LIMBS_IFMA_H
#define FP_LIMBS_IFMA_H

#include "../mont.h"

#define FP_LIMB_BITS 52
#define FP_LIMB_MASK (((uint64_t)1 << FP_LIMB_BITS) - 1)

/* Limbs of sums and differences carry bits above 52, which are in the next limb already: IFMA does not see them. */
typedef struct {
    __m512i limb[FP_LIMBS];
} fp_unit;

typedef struct {
    fp_unit n, twice, one, radix2;
    __m512i inverse; /* -1 / n modulo 2^52 */
} fp_unit_mod;

#define FP_LOW(sum, a, b) _mm512_madd52lo_epu64(sum, a, b)
#define FP_HIGH(sum, a, b) _mm512_madd52hi_epu64(sum, a, b)

/* The residue of low + high, columns from 2^0 on, and on. */
static FP_INLINE fp_unit fp_unit_reduced(__m512i *low, __m512i *high, const fp_unit_mod *m) {
    const __m512i zero = _mm512_setzero_si512(), mask = _mm512_set1_epi64(FP_LIMB_MASK);
    __m512i carry = zero;
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        const __m512i column = _mm512_add_epi64(_mm512_add_epi64(low[i], high[i]), carry);
        const __m512i q = FP_LOW(zero, column, m->inverse);
        /* The low half of q n is what the column lacks to a multiple of 2^52: 0 or what is there lacks. */
        carry = _mm512_srli_epi64(_mm512_add_epi64(column, mask), FP_LIMB_BITS);
        FP_ALL_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
            if (j > 0) low[i + j] = FP_LOW(low[i + j], q, m->n.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], q, m->n.limb[j]);
        }
    }
    fp_unit r;
    FP_ALL_UNROLLED for (int i = FP_LIMBS; i < 2 * FP_LIMBS; i++) {
        const __m512i column = _mm512_add_epi64(_mm512_add_epi64(low[i], high[i]), carry);
        r.limb[i - FP_LIMBS] = _mm512_and_si512(column, mask), carry = _mm512_srli_epi64(column, FP_LIMB_BITS);
    }
    return r;
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    __m512i low[2 * FP_LIMBS], high[2 * FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) low[i] = high[i] = _mm512_setzero_si512();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        FP_ALL_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
            low[i + j] = FP_LOW(low[i + j], a.limb[i], b.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], a.limb[i], b.limb[j]);
        }
    }
    return fp_unit_reduced(low, high, m);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) {
    __m512i low[2 * FP_LIMBS], high[2 * FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) low[i] = high[i] = _mm512_setzero_si512();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        FP_ALL_UNROLLED for (int j = 0; j < i; j++) {
            low[i + j] = FP_LOW(low[i + j], a.limb[i], a.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], a.limb[i], a.limb[j]);
        }
    }
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) {
        low[i] = _mm512_add_epi64(low[i], low[i]), high[i] = _mm512_add_epi64(high[i], high[i]);
    }
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        low[2 * i] = FP_LOW(low[2 * i], a.limb[i], a.limb[i]);
        high[2 * i + 1] = FP_HIGH(high[2 * i + 1], a.limb[i], a.limb[i]);
    }
    return fp_unit_reduced(low, high, m);
}

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    __m512i carry = _mm512_setzero_si512();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        a.limb[i] = _mm512_add_epi64(_mm512_add_epi64(a.limb[i], b.limb[i]), carry);
        carry = _mm512_srli_epi64(a.limb[i], FP_LIMB_BITS);
    }
    return a;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    __m512i carry = _mm512_setzero_si512();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        const __m512i sum = _mm512_add_epi64(_mm512_add_epi64(a.limb[i], m->twice.limb[i]), carry);
        a.limb[i] = _mm512_sub_epi64(sum, b.limb[i]);
        carry = _mm512_srai_epi64(a.limb[i], FP_LIMB_BITS);
    }
    return a;
}

#endif
