/* Residues of FP_LIMBS limbs of 52 bits, in lanes for IFMA, a limb in each register of FP_REGISTER bytes: 64 for AVX-512, 32 for AVX-IFMA;
 * to be included with both.  All but the two multiplications is left to the compiler's vectors.
 *
 * Montgomery's reduction with R = 2^(52 FP_LIMBS), without carries until the end: a column is a sum of at most 4 FP_LIMBS halves
 * below 2^52, and what the one before carries.  With n < R / 32 the product of two sums or differences, in [0, 4 n), is in [0, 2 n). */
#ifndef FP_LIMBS_IFMA_H
#define FP_LIMBS_IFMA_H

#include <immintrin.h>

#include "../mont.h"

#define FP_LIMB_BITS 52
#define FP_LIMB_MASK (((uint64_t)1 << FP_LIMB_BITS) - 1)
#define FP_UNIT_LANES (FP_REGISTER / 8)

typedef uint64_t fp_words __attribute__((vector_size(FP_REGISTER)));
typedef int64_t fp_signed __attribute__((vector_size(FP_REGISTER)));

/* sum + the low, or the high, 52 bits of the product of the low 52 bits of a and b. */
#if FP_REGISTER == 64
#define FP_LOW(sum, a, b) ((fp_words)_mm512_madd52lo_epu64((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#define FP_HIGH(sum, a, b) ((fp_words)_mm512_madd52hi_epu64((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#elif defined(FP_AVXIFMA_AS_AVX512)
#define FP_LOW(sum, a, b) ((fp_words)_mm256_madd52lo_epu64((__m256i)(sum), (__m256i)(a), (__m256i)(b)))
#define FP_HIGH(sum, a, b) ((fp_words)_mm256_madd52hi_epu64((__m256i)(sum), (__m256i)(a), (__m256i)(b)))
#else
#define FP_LOW(sum, a, b) ((fp_words)_mm256_madd52lo_avx_epu64((__m256i)(sum), (__m256i)(a), (__m256i)(b)))
#define FP_HIGH(sum, a, b) ((fp_words)_mm256_madd52hi_avx_epu64((__m256i)(sum), (__m256i)(a), (__m256i)(b)))
#endif

/* Limbs of sums and differences carry bits above 52, which are in the next limb already: IFMA does not see them. */
typedef struct {
    fp_words limb[FP_LIMBS];
} fp_unit;

typedef struct {
    fp_unit n, twice, one, radix2;
    fp_words inverse; /* -1 / n modulo 2^52 */
} fp_unit_mod;

/* What is carried to the next limb, where it may be negative. */
static FP_INLINE fp_words fp_borrow(fp_words limb) { return (fp_words)((fp_signed)limb >> FP_LIMB_BITS); }

/* The residue of low + high, columns from 2^0 on, and on. */
static FP_INLINE fp_unit fp_unit_reduced(fp_words *low, fp_words *high, const fp_unit_mod *m) {
    fp_words carry = {0};
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        const fp_words column = low[i] + high[i] + carry, q = FP_LOW((fp_words){0}, column, m->inverse);
        /* The low half of q n is what the column lacks to a multiple of 2^52: 0 or what is there lacks. */
        carry = (column + FP_LIMB_MASK) >> FP_LIMB_BITS;
        FP_ALL_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
            if (j > 0) low[i + j] = FP_LOW(low[i + j], q, m->n.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], q, m->n.limb[j]);
        }
    }
    fp_unit r;
    FP_ALL_UNROLLED for (int i = FP_LIMBS; i < 2 * FP_LIMBS; i++) {
        const fp_words column = low[i] + high[i] + carry;
        r.limb[i - FP_LIMBS] = column & FP_LIMB_MASK, carry = column >> FP_LIMB_BITS;
    }
    return r;
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_words low[2 * FP_LIMBS], high[2 * FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) low[i] = high[i] = (fp_words){0};
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        FP_ALL_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
            low[i + j] = FP_LOW(low[i + j], a.limb[i], b.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], a.limb[i], b.limb[j]);
        }
    }
    return fp_unit_reduced(low, high, m);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) {
    fp_words low[2 * FP_LIMBS], high[2 * FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) low[i] = high[i] = (fp_words){0};
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        FP_ALL_UNROLLED for (int j = 0; j < i; j++) {
            low[i + j] = FP_LOW(low[i + j], a.limb[i], a.limb[j]);
            high[i + j + 1] = FP_HIGH(high[i + j + 1], a.limb[i], a.limb[j]);
        }
    }
    FP_ALL_UNROLLED for (int i = 0; i < 2 * FP_LIMBS; i++) low[i] += low[i], high[i] += high[i];
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        low[2 * i] = FP_LOW(low[2 * i], a.limb[i], a.limb[i]);
        high[2 * i + 1] = FP_HIGH(high[2 * i + 1], a.limb[i], a.limb[i]);
    }
    return fp_unit_reduced(low, high, m);
}

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    fp_words carry = {0};
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        a.limb[i] += b.limb[i] + carry;
        carry = a.limb[i] >> FP_LIMB_BITS;
    }
    return a;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_words carry = {0};
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        a.limb[i] = a.limb[i] + m->twice.limb[i] + carry - b.limb[i];
        carry = fp_borrow(a.limb[i]);
    }
    return a;
}

#endif
