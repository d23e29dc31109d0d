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
#ifndef FP_REGISTERS
#define FP_REGISTERS 4
#endif
#define FP_LANES (4 * FP_REGISTERS)
#define FP_EACH_REGISTER(i) _Pragma("GCC unroll 8") for (int i = 0; i < FP_REGISTERS; i++)

/* Residues of least absolute value, or nearly so. */
typedef struct {
    __m256d at[FP_REGISTERS];
} fp_vec;

typedef struct {
    fp_vec n, inverse; /* 1 / n, rounded */
} fp_vec_mod;

typedef struct {
    __m256i at[FP_REGISTERS];
} fp_vec_bits;

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i) {
        __m256d high = _mm256_mul_pd(a.at[i], b.at[i]);
        __m256d low = _mm256_fmsub_pd(a.at[i], b.at[i], high);
        __m256d q =
            _mm256_round_pd(_mm256_mul_pd(high, m->inverse.at[i]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        r.at[i] = _mm256_add_pd(_mm256_fnmadd_pd(q, m->n.at[i], high), low);
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    (void)m;
    FP_EACH_REGISTER(i) r.at[i] = _mm256_add_pd(a.at[i], b.at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    (void)m;
    FP_EACH_REGISTER(i) r.at[i] = _mm256_sub_pd(a.at[i], b.at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) {
    fp_vec r;
    (void)m;
    FP_EACH_REGISTER(i) r.at[i] = _mm256_set1_pd(1);
    return r;
}

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *n) {
    fp_vec_mod m;
    FP_EACH_REGISTER(i) {
        m.n.at[i] = _mm256_set_pd((double)(int64_t)n[4 * i + 3], (double)(int64_t)n[4 * i + 2],
                                  (double)(int64_t)n[4 * i + 1], (double)(int64_t)n[4 * i]);
        m.inverse.at[i] = _mm256_div_pd(_mm256_set1_pd(1), m.n.at[i]);
    }
    return m;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_REGISTER(i)
    r.at[i] = _mm256_set_pd((double)c[4 * i + 3], (double)c[4 * i + 2], (double)c[4 * i + 1], (double)c[4 * i]);
    return fp_vec_mul(r, fp_vec_one(m), m);
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    fp_vec_bits r;
    FP_EACH_REGISTER(i)
    r.at[i] = _mm256_set_epi64x((int64_t)d[4 * i + 3], (int64_t)d[4 * i + 2], (int64_t)d[4 * i + 1], (int64_t)d[4 * i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    __m128i shift = _mm_cvtsi32_si128(63 - bit); /* a blend goes by the sign */
    fp_vec r;
    FP_EACH_REGISTER(i)
    r.at[i] = _mm256_blendv_pd(clear.at[i], set.at[i], _mm256_castsi256_pd(_mm256_sll_epi64(d.at[i], shift)));
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint32_t equal = 0;
    FP_EACH_REGISTER(i) {
        /* A difference of at most 4 d n: equal where it is 0 after taking the nearest multiple of n away. */
        __m256d d = _mm256_sub_pd(a.at[i], b.at[i]);
        __m256d q = _mm256_round_pd(_mm256_mul_pd(d, m->inverse.at[i]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        d = _mm256_fnmadd_pd(q, m->n.at[i], d);
        equal |= (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(d, _mm256_setzero_pd(), _CMP_EQ_OQ)) << 4 * i;
    }
    return equal;
}

/* The binary algorithm on integers below 2^52: the lowest bit, made a double, has its place in the exponent. */
static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    const __m256i magic = _mm256_castpd_si256(_mm256_set1_pd(0x1p52)), zero = _mm256_setzero_si256();
    const __m256d two52 = _mm256_set1_pd(0x1p52), sign = _mm256_set1_pd(-0.0);
    __m256i x[FP_REGISTERS], y[FP_REGISTERS];
    FP_EACH_REGISTER(i) {
        x[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(_mm256_andnot_pd(sign, a.at[i]), two52)), magic);
        y[i] = _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(m->n.at[i], two52)), magic);
    }
    for (int open = 1; open;) {
        open = 0;
        FP_EACH_REGISTER(i) {
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
    FP_EACH_REGISTER(i) _mm256_storeu_si256((__m256i *)(void *)(words + 4 * i), y[i]);
    for (int k = 0; k < FP_LANES; k++) out[k] = words[k];
}

#endif
