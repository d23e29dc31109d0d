/* Lanes for AVX-512 IFMA and moduli below 2^100: eight in a pair of registers, two 52-bit limbs each.
 *
 * Montgomery's reduction with R = 2^104 and the positive inverse, one limb after the other; a limb's register has 64 bits, so
 * that sums of half products wait for one carry at the end.  Results of a multiplication are in [0, 2 n); sums and
 * differences, in [0, 4 n), are not reduced at all, because 16 n^2 / 2^104 < n. */
#ifndef FP_LANES_IFMA100_H
#define FP_LANES_IFMA100_H

#include <immintrin.h>

#include "../integer.h"
#include "../mont.h"
#include "gcd_avx512.h"

#define FP_FIELD_BITS 100
/* Pairs of registers side by side: one multiplication depends on the last for 36 cycles, and three can begin in that time. */
#ifndef FP_UNITS
#define FP_UNITS 3
#endif
#define FP_UNIT_LANES 8

/* Eight residues in Montgomery form, low + 2^52 high.  The low limb of a sum or difference may carry bits above 52, which are
 * in the high limb already: IFMA does not see them. */
typedef struct {
    __m512i low, high;
} fp_unit;

typedef struct {
    fp_unit n, twice_n;
    __m512i inverse; /* 1 / n modulo 2^52 */
    fp_unit one, radix2;
    int words; /* all moduli are below 2^64 */
} fp_unit_mod;

typedef fp_unit fp_unit_bits;

#define FP_LOW(sum, a, b) _mm512_madd52lo_epu64(sum, a, b)
#define FP_HIGH(sum, a, b) _mm512_madd52hi_epu64(sum, a, b)

/* The product t0 + 2^52 t1 + 2^104 (t2 + 2^52 t3 - n) divided by 2^104; n was added to stay positive. */
static FP_INLINE fp_unit fp_unit_reduce(__m512i t0, __m512i t1, __m512i t2, __m512i t3, const fp_unit_mod *m) {
    const __m512i zero = _mm512_setzero_si512(), mask = _mm512_set1_epi64((1LL << 52) - 1);
    /* Subtract q0 n, which makes the lowest limb 0. */
    __m512i q0 = FP_LOW(zero, t0, m->inverse);
    __m512i s1 = FP_HIGH(FP_LOW(zero, q0, m->n.high), q0, m->n.low);
    __m512i s2 = FP_HIGH(zero, q0, m->n.high);
    t1 = _mm512_sub_epi64(t1, s1);
    /* Subtract q1 n 2^52: the low halves cancel, what t1 has above its 52 bits is carried. */
    __m512i q1 = FP_LOW(zero, t1, m->inverse);
    s2 = FP_LOW(FP_HIGH(s2, q1, m->n.low), q1, m->n.high);
    t2 = _mm512_add_epi64(t2, _mm512_sub_epi64(_mm512_srai_epi64(t1, 52), s2));
    t3 = _mm512_sub_epi64(t3, FP_HIGH(zero, q1, m->n.high));
    fp_unit r = {_mm512_and_si512(t2, mask), _mm512_add_epi64(t3, _mm512_srai_epi64(t2, 52))};
    return r;
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i t0 = FP_LOW(zero, a.low, b.low);
    __m512i t1 = FP_LOW(FP_HIGH(zero, a.low, b.low), a.low, b.high);
    __m512i u1 = FP_LOW(zero, a.high, b.low);
    __m512i t2 = FP_HIGH(m->n.low, a.low, b.high);
    __m512i u2 = FP_LOW(FP_HIGH(zero, a.high, b.low), a.high, b.high);
    __m512i t3 = FP_HIGH(m->n.high, a.high, b.high);
    return fp_unit_reduce(t0, _mm512_add_epi64(t1, u1), _mm512_add_epi64(t2, u2), t3, m);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i twice = _mm512_add_epi64(a.high, a.high); /* below 2^51 */
    __m512i t0 = FP_LOW(zero, a.low, a.low);
    __m512i t1 = FP_LOW(FP_HIGH(zero, a.low, a.low), a.low, twice);
    __m512i t2 = FP_LOW(FP_HIGH(m->n.low, a.low, twice), a.high, a.high);
    __m512i t3 = FP_HIGH(m->n.high, a.high, a.high);
    return fp_unit_reduce(t0, t1, t2, t3, m);
}

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    fp_unit r = {_mm512_add_epi64(a.low, b.low), _mm512_add_epi64(a.high, b.high)};
    r.high = _mm512_add_epi64(r.high, _mm512_srli_epi64(r.low, 52));
    return r;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_unit r = {_mm512_sub_epi64(_mm512_add_epi64(a.low, m->twice_n.low), b.low),
                 _mm512_sub_epi64(_mm512_add_epi64(a.high, m->twice_n.high), b.high)};
    r.high = _mm512_add_epi64(r.high, _mm512_srai_epi64(r.low, 52));
    return r;
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    const __m512i mask = _mm512_set1_epi64((1LL << 52) - 1);
    a = fp_unit_mul(a, b, m);
    __m512i low = _mm512_sub_epi64(a.low, c.low), high = _mm512_sub_epi64(a.high, c.high);
    __mmask8 negative = _mm512_movepi64_mask(_mm512_add_epi64(high, _mm512_srai_epi64(low, 52)));
    low = _mm512_mask_add_epi64(low, negative, low, m->twice_n.low);
    high = _mm512_mask_add_epi64(high, negative, high, m->twice_n.high);
    return (fp_unit){_mm512_and_si512(low, mask), _mm512_add_epi64(high, _mm512_srai_epi64(low, 52))};
}

/* x - y where that is not negative, else x; limbs in, limbs out. */
static FP_INLINE fp_unit fp_reduce_once(fp_unit x, fp_unit y) {
    const __m512i mask = _mm512_set1_epi64((1LL << 52) - 1);
    __m512i low = _mm512_sub_epi64(x.low, y.low);
    __m512i high = _mm512_add_epi64(_mm512_sub_epi64(x.high, y.high), _mm512_srai_epi64(low, 52));
    __mmask8 negative = _mm512_movepi64_mask(high);
    fp_unit r = {_mm512_mask_mov_epi64(_mm512_and_si512(low, mask), negative, x.low),
                 _mm512_mask_mov_epi64(high, negative, x.high)};
    return r;
}

/* Residues in [0, 4 n) to [0, n). */
static FP_INLINE fp_unit fp_reduced(fp_unit a, const fp_unit_mod *m) {
    a.low = _mm512_and_si512(a.low, _mm512_set1_epi64((1LL << 52) - 1));
    return fp_reduce_once(fp_reduce_once(a, m->twice_n), m->n);
}

static FP_INLINE fp_unit fp_limbs(const fp_u128 *numbers) {
    uint64_t low[8], high[8];
    for (int k = 0; k < 8; k++)
        low[k] = (uint64_t)numbers[k] & ((1ULL << 52) - 1), high[k] = (uint64_t)(numbers[k] >> 52);
    fp_unit r = {_mm512_loadu_si512(low), _mm512_loadu_si512(high)};
    return r;
}

/* 2 x mod n for x < n. */
static FP_INLINE fp_unit fp_doubled(fp_unit x, const fp_unit_mod *m) {
    fp_unit twice = fp_unit_add(x, x, m);
    twice.low = _mm512_and_si512(twice.low, _mm512_set1_epi64((1LL << 52) - 1));
    return fp_reduce_once(twice, m->n);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    const __m512i zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2);
    fp_unit_mod m;
    fp_u128 one[8], all = 0;
    for (int k = 0; k < 8; k++) all |= numbers[k];
    m.words = all >> 64 == 0;
    m.n = fp_limbs(numbers);
    m.twice_n = fp_unit_add(m.n, m.n, &m);
    m.twice_n.low = _mm512_and_si512(m.twice_n.low, _mm512_set1_epi64((1LL << 52) - 1));
    /* Newton, from 5 correct bits to 10, 20, 40, 80. */
    __m512i n = m.n.low, x = _mm512_xor_si512(_mm512_add_epi64(n, _mm512_add_epi64(n, n)), two);
    for (int k = 0; k < 4; k++) x = FP_LOW(zero, x, _mm512_sub_epi64(two, FP_LOW(zero, n, x)));
    m.inverse = x;
    /* From the highest power of 2 below n by doubling to 2^104 mod n. */
    for (int k = 0; k < 8; k++) one[k] = (fp_u128)1 << (fp_bits(numbers[k]) - 1);
    m.one = fp_limbs(one);
    uint64_t steps[8];
    int most = 0;
    for (int k = 0; k < 8; k++) {
        steps[k] = (uint64_t)(104 - (fp_bits(numbers[k]) - 1));
        if ((int)steps[k] > most) most = (int)steps[k];
    }
    __m512i left = _mm512_loadu_si512(steps);
    for (int k = 0; k < most; k++) {
        __mmask8 more = _mm512_cmpgt_epu64_mask(left, _mm512_set1_epi64(k));
        fp_unit doubled = fp_doubled(m.one, &m);
        m.one.low = _mm512_mask_mov_epi64(m.one.low, more, doubled.low);
        m.one.high = _mm512_mask_mov_epi64(m.one.high, more, doubled.high);
    }
    /* 2^(104+i) doubled is 2^(104+i+1), squared 2^(104+2i); on to 2^208. */
    m.radix2 = m.one;
    for (int k = 0; k < 13; k++) m.radix2 = fp_doubled(m.radix2, &m);
    for (int k = 0; k < 3; k++) m.radix2 = fp_unit_sqr(m.radix2, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    __m512i constants = _mm512_loadu_si512(c);
    fp_unit r = {_mm512_abs_epi64(constants), _mm512_setzero_si512()};
    r = fp_unit_mul(r, m->radix2, m);
    __mmask8 negative = _mm512_movepi64_mask(constants);
    fp_unit zero = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    fp_unit flipped = fp_unit_sub(zero, r, m); /* 2 n - r */
    flipped.low = _mm512_and_si512(flipped.low, _mm512_set1_epi64((1LL << 52) - 1));
    r.low = _mm512_mask_mov_epi64(r.low, negative, flipped.low);
    r.high = _mm512_mask_mov_epi64(r.high, negative, flipped.high);
    return r;
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return fp_limbs(d); }

static FP_INLINE fp_unit fp_unit_pick(fp_unit d, int bit, fp_unit set, fp_unit clear) {
    __m512i word = bit < 52 ? d.low : d.high;
    __mmask8 is_set = _mm512_test_epi64_mask(word, _mm512_set1_epi64(1LL << (bit < 52 ? bit : bit - 52)));
    fp_unit r = {_mm512_mask_mov_epi64(clear.low, is_set, set.low),
                 _mm512_mask_mov_epi64(clear.high, is_set, set.high)};
    return r;
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_unit x = fp_reduced(a, m), y = fp_reduced(b, m);
    return (uint32_t)(_mm512_cmpeq_epi64_mask(x.low, y.low) & _mm512_cmpeq_epi64_mask(x.high, y.high));
}

static FP_INLINE void fp_unit_gcd(fp_unit a, const fp_unit_mod *m, fp_u128 *out) {
    a = fp_reduced(a, m);
    if (m->words) {
        __m512i x = _mm512_or_si512(a.low, _mm512_slli_epi64(a.high, 52));
        __m512i y = _mm512_or_si512(m->n.low, _mm512_slli_epi64(m->n.high, 52));
        uint64_t words[8];
        fp_gcd_avx512(&x, &y, 1);
        _mm512_storeu_si512(words, y);
        for (int k = 0; k < 8; k++) out[k] = words[k];
        return;
    }
    uint64_t low[8], high[8], n_low[8], n_high[8];
    _mm512_storeu_si512(low, a.low), _mm512_storeu_si512(high, a.high);
    _mm512_storeu_si512(n_low, m->n.low), _mm512_storeu_si512(n_high, m->n.high);
    for (int k = 0; k < 8; k++)
        out[k] = fp_gcd128(((fp_u128)high[k] << 52) | low[k], ((fp_u128)n_high[k] << 52) | n_low[k]);
}

#include "../lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    FP_EACH_UNIT (i) fp_unit_gcd(a.at[i], &m->at[i], out + 8 * i);
}

#endif
