/* Lanes in plain C for moduli of two words.  The ten word multiplications of one Montgomery multiplication keep a core busy
 * enough: more than one lane gains nothing.
 *
 * To be included with FP_FIELD_BITS defined, as 128 or as 123.  With 123 residues are not reduced, as in lanes_ifma100.h: 16 n^2 /
 * 2^128 < n / 2, so that a product of two sums or differences, in [0, 4 n), is again in [0, 2 n).  That is 1.7 times as
 * fast. */
#ifndef FP_LANES_WIDE_H
#define FP_LANES_WIDE_H

#include "integer.h"
#include "mont.h"

#define FP_EXACT (FP_FIELD_BITS == 128)
#define FP_UNIT_LANES 1
#ifndef FP_UNITS
#define FP_UNITS 1
#endif

/* A residue in Montgomery form with R = 2^128, in [0, n) or in [0, 2 n). */
typedef fp_u128 fp_unit;

typedef struct {
    fp_u128 n;
    uint64_t inverse; /* 1 / n modulo 2^64 */
    fp_u128 one, radix2;
} fp_unit_mod;

typedef fp_u128 fp_unit_bits;

static FP_INLINE fp_u128 fp_sub128(fp_u128 a, fp_u128 b, fp_u128 n) {
    fp_u128 d;
    uint64_t borrow = 0 - (uint64_t)__builtin_sub_overflow(a, b, &d); /* a branch would be taken at random */
    return d + (((fp_u128)((uint64_t)(n >> 64) & borrow) << 64) | ((uint64_t)n & borrow));
}

static FP_INLINE fp_u128 fp_add128(fp_u128 a, fp_u128 b, fp_u128 n) { return fp_sub128(a, n - b, n); }

/* (a b + t) / 2^64 mod n for one word of b: the low word of n's multiple q n cancels that of the product. */
static FP_INLINE fp_u128 fp_wide_step(fp_u128 a, uint64_t b, fp_u128 t, const fp_unit_mod *m) {
    fp_u128 low = (fp_u128)(uint64_t)a * b + (uint64_t)t;
    fp_u128 high = (fp_u128)(uint64_t)(a >> 64) * b + (uint64_t)(t >> 64) + (uint64_t)(low >> 64);
    uint64_t q = (uint64_t)low * m->inverse;
    fp_u128 qn = (fp_u128)q * (uint64_t)m->n >> 64;
    qn += (fp_u128)q * (uint64_t)(m->n >> 64);
    return FP_EXACT ? fp_sub128(high, qn, m->n) : high - qn + m->n;
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return fp_wide_step(a, (uint64_t)(b >> 64), fp_wide_step(a, (uint64_t)b, 0, m), m);
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_unit_mul(a, a, m); }

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return FP_EXACT ? fp_add128(a, b, m->n) : a + b;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return FP_EXACT ? fp_sub128(a, b, m->n) : a + 2 * m->n - b;
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    return fp_sub128(fp_unit_mul(a, b, m), c, FP_EXACT ? m->n : 2 * m->n);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

/* To [0, n). */
static FP_INLINE fp_u128 fp_wide_reduced(fp_u128 a, fp_u128 n) {
    if (FP_EXACT) return a;
    a = a < 2 * n ? a : a - 2 * n;
    return a < n ? a : a - n;
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *n) {
    fp_unit_mod m = {.n = *n, .inverse = fp_inverse64((uint64_t)*n), .one = (0 - *n) % *n};
    /* 2^(128+i) doubled is 2^(128+i+1), squared 2^(128+2i); on to 2^256. */
    m.radix2 = m.one;
    for (int i = 0; i < 4; i++) m.radix2 = fp_add128(m.radix2, m.radix2, m.n);
    for (int i = 0; i < 5; i++) m.radix2 = fp_unit_mul(m.radix2, m.radix2, &m);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    fp_unit r = fp_unit_mul(m->radix2, (fp_u128)(*c < 0 ? -*c : *c), m);
    if (*c >= 0) return r;
    return FP_EXACT ? fp_sub128(0, r, m->n) : 2 * m->n - r;
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return *d; }

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    return d >> bit & 1 ? set : clear;
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    return fp_wide_reduced(a, m->n) == fp_wide_reduced(b, m->n);
}

#include "lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd128(a.at[k], m->at[k].n);
}

#endif
