/* Lanes for AVX2 and moduli below 2^48: four a register, as integers in doubles.
 *
 * h = a b rounded, l = a b - h exactly by a fused multiplication, q = h / n rounded to an integer; then (h - q n) + l is congruent
 * to a b, exact, and small: J. van der Hoeven, G. Lecerf, G. Quintin, "Modular SIMD arithmetic in Mathemagix" (2016).  With
 * residues up to d n in absolute value, sums up to 2 d n, products are off the nearest multiple of n by at most 1/2 n
 * and by what rounding adds to the quotient, 3 / 2^53 (2 d)^2 n: n < 2^48 gives d < 0.67.  No product form, no inverse
 * but a division of doubles. */
#ifndef FP_LANES_FMA48_H
#define FP_LANES_FMA48_H

#include <immintrin.h>

#include "../integer.h"
#include "../mont.h"

#define FP_FIELD_BITS 48
/* Registers side by side: one multiplication depends on the last for 24 cycles, and eight can begin in that time. */
#ifndef FP_UNITS
#define FP_UNITS 4
#endif
#define FP_UNIT_LANES 4

/* Residues of least absolute value, or nearly so. */
typedef __m256d fp_unit;

typedef struct {
    __m256d n, inverse; /* 1 / n, rounded */
} fp_unit_mod;

typedef __m256i fp_unit_bits;

static FP_INLINE __m256d fp_rounded(__m256d x) {
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    __m256d high = _mm256_mul_pd(a, b);
    __m256d low = _mm256_fmsub_pd(a, b, high);
    __m256d q = fp_rounded(_mm256_mul_pd(high, m->inverse));
    return _mm256_add_pd(_mm256_fnmadd_pd(q, m->n, high), low);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_unit_mul(a, a, m); }

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    return _mm256_add_pd(a, b);
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    return _mm256_sub_pd(a, b);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) {
    (void)m;
    return _mm256_set1_pd(1);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *n) {
    fp_unit_mod m;
    m.n = _mm256_set_pd((double)(int64_t)n[3], (double)(int64_t)n[2], (double)(int64_t)n[1], (double)(int64_t)n[0]);
    m.inverse = _mm256_div_pd(_mm256_set1_pd(1), m.n);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    __m256d r = _mm256_set_pd((double)c[3], (double)c[2], (double)c[1], (double)c[0]);
    return fp_unit_mul(r, fp_unit_one(m), m);
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) {
    return _mm256_set_epi64x((int64_t)d[3], (int64_t)d[2], (int64_t)d[1], (int64_t)d[0]);
}

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    __m128i shift = _mm_cvtsi32_si128(63 - bit); /* a blend goes by the sign */
    return _mm256_blendv_pd(clear, set, _mm256_castsi256_pd(_mm256_sll_epi64(d, shift)));
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    /* A difference of at most 4 d n: equal where it is 0 after taking the nearest multiple of n away. */
    __m256d d = _mm256_sub_pd(a, b);
    d = _mm256_fnmadd_pd(fp_rounded(_mm256_mul_pd(d, m->inverse)), m->n, d);
    return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(d, _mm256_setzero_pd(), _CMP_EQ_OQ));
}

#include "../lanes_loops.h"

/* The binary algorithm on integers below 2^52: the lowest bit, made a double, has its place in the exponent. */
static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    const __m256i magic = _mm256_castpd_si256(_mm256_set1_pd(0x1p52)), zero = _mm256_setzero_si256();
    const __m256d two52 = _mm256_set1_pd(0x1p52), sign = _mm256_set1_pd(-0.0);
    __m256i x[FP_UNITS], y[FP_UNITS];
    FP_EACH_UNIT (i) {
        x[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(_mm256_andnot_pd(sign, a.at[i]), two52)), magic);
        y[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(m->at[i].n, two52)), magic);
    }
    for (int open = 1; open;) {
        open = 0;
        FP_EACH_UNIT (i) {
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
    uint64_t words[FP_LANES];
    FP_EACH_UNIT (i) _mm256_storeu_si256((__m256i *)(void *)(words + 4 * i), y[i]);
    for (int k = 0; k < FP_LANES; k++) out[k] = words[k];
}

#endif
