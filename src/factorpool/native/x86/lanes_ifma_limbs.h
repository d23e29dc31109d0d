/* Lanes for IFMA and moduli of up to FP_FIELD_BITS bits in FP_LIMBS limbs, FP_UNITS units side by side; to be included with these and
 * FP_REGISTER, as limbs_ifma.h says. */
#ifndef FP_LANES_IFMA_LIMBS_H
#define FP_LANES_IFMA_LIMBS_H

#include <string.h>

#include "../integer.h"
#include "limbs_ifma.h"

_Static_assert(FP_FIELD_BITS <= FP_LIMB_BITS * FP_LIMBS - 5, "sums must be good for a multiplication");

typedef fp_unit fp_unit_bits;

/* Limbs without the bits that the next ones have already. */
static FP_INLINE fp_unit fp_masked(fp_unit x) {
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) x.limb[i] &= FP_LIMB_MASK;
    return x;
}

/* Lane for lane: `set` where all bits of `which` are, `clear` where none is. */
static FP_INLINE fp_unit fp_chosen(fp_words which, fp_unit set, fp_unit clear) {
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) set.limb[i] = (set.limb[i] & which) | (clear.limb[i] & ~which);
    return set;
}

/* x - y, and where that is negative. */
static FP_INLINE fp_unit fp_minus(fp_unit x, fp_unit y, fp_words *negative) {
    fp_words carry = {0};
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        x.limb[i] += carry - y.limb[i];
        carry = fp_borrow(x.limb[i]);
    }
    *negative = (fp_words)((fp_signed)x.limb[FP_LIMBS - 1] < 0);
    return fp_masked(x);
}

/* x - y where that is not negative, else x. */
static FP_INLINE fp_unit fp_reduce_once(fp_unit x, fp_unit y) {
    fp_words negative;
    fp_unit difference = fp_minus(x, y, &negative);
    return fp_chosen(negative, x, difference);
}

/* Residues in [0, 4 n) to [0, n). */
static FP_INLINE fp_unit fp_reduced(fp_unit a, const fp_unit_mod *m) {
    return fp_reduce_once(fp_reduce_once(fp_masked(a), m->twice), m->n);
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    fp_words negative;
    fp_unit difference = fp_minus(fp_unit_mul(a, b, m), c, &negative);
    return fp_chosen(negative, fp_masked(fp_unit_add(difference, m->twice, m)), difference);
}

static FP_INLINE fp_words fp_loaded(const uint64_t *words) {
    fp_words r;
    memcpy(&r, words, sizeof r);
    return r;
}

static FP_INLINE fp_unit fp_limbs_of(const fp_u128 *numbers) {
    fp_unit r;
    for (int i = 0; i < FP_LIMBS; i++) {
        uint64_t limb[FP_UNIT_LANES];
        for (int k = 0; k < FP_UNIT_LANES; k++) limb[k] = (uint64_t)(numbers[k] >> FP_LIMB_BITS * i) & FP_LIMB_MASK;
        r.limb[i] = fp_loaded(limb);
    }
    return r;
}

static FP_INLINE void fp_numbers_of(fp_unit a, fp_u128 *numbers) {
    for (int k = 0; k < FP_UNIT_LANES; k++) numbers[k] = 0;
    for (int i = 0; i < FP_LIMBS; i++) {
        uint64_t limb[FP_UNIT_LANES];
        memcpy(limb, &a.limb[i], sizeof limb);
        for (int k = 0; k < FP_UNIT_LANES; k++) numbers[k] |= (fp_u128)limb[k] << FP_LIMB_BITS * i;
    }
}

/* 2 x mod n for x < n. */
static FP_INLINE fp_unit fp_doubled(fp_unit x, const fp_unit_mod *m) {
    return fp_reduce_once(fp_masked(fp_unit_add(x, x, m)), m->n);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    fp_unit_mod m = {.n = fp_limbs_of(numbers)};
    m.twice = fp_masked(fp_unit_add(m.n, m.n, &m));
    uint64_t inverse[FP_UNIT_LANES];
    fp_signed steps;
    int64_t most = 0;
    fp_u128 power[FP_UNIT_LANES];
    /* From the highest power of 2 below n by doubling to R mod n. */
    for (int k = 0; k < FP_UNIT_LANES; k++) {
        const int bits = fp_bits(numbers[k]);
        inverse[k] = -fp_inverse64((uint64_t)numbers[k]) & FP_LIMB_MASK;
        power[k] = (fp_u128)1 << (bits - 1), steps[k] = FP_LIMB_BITS * FP_LIMBS + 1 - bits;
        if (steps[k] > most) most = steps[k];
    }
    m.inverse = fp_loaded(inverse);
    m.one = fp_limbs_of(power);
    for (int64_t k = 0; k < most; k++) m.one = fp_chosen((fp_words)(steps > k), fp_doubled(m.one, &m), m.one);
    /* R 2^i doubled is R 2^(i+1), squared R 2^(2 i); on to R^2. */
    m.radix2 = m.one;
    for (int k = 0; k < 13 * FP_LIMBS; k++) m.radix2 = fp_doubled(m.radix2, &m);
    for (int k = 0; k < 2; k++) m.radix2 = fp_unit_sqr(m.radix2, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    fp_signed constants;
    memcpy(&constants, c, sizeof constants);
    const fp_words negative = (fp_words)(constants < 0);
    fp_unit r = {{((fp_words)constants ^ negative) - negative}}, none = {{{0}}};
    r = fp_unit_mul(r, m->radix2, m);
    return fp_chosen(negative, fp_masked(fp_unit_sub(none, r, m)), r);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return fp_limbs_of(d); }

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    return fp_chosen(-(d.limb[bit / FP_LIMB_BITS] >> bit % FP_LIMB_BITS & 1), set, clear);
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    const fp_unit x = fp_reduced(a, m), y = fp_reduced(b, m);
    fp_words different = {0};
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) different |= x.limb[i] ^ y.limb[i];
    uint32_t equal = 0;
    for (int k = 0; k < FP_UNIT_LANES; k++) equal |= (uint32_t)(different[k] == 0) << k;
    return equal;
}

#include "../lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    FP_EACH_UNIT (u) {
        fp_u128 x[FP_UNIT_LANES], n[FP_UNIT_LANES];
        fp_numbers_of(fp_reduced(a.at[u], &m->at[u]), x), fp_numbers_of(m->at[u].n, n);
        for (int k = 0; k < FP_UNIT_LANES; k++) out[FP_UNIT_LANES * u + k] = fp_gcd128(x[k], n[k]);
    }
}

#endif
