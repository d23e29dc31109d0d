/* Lanes in plain C for moduli below 2^64: what keeps the multiplier of a scalar core busy.
 *
 * One Montgomery multiplication takes about 11 cycles from operands to result, but a core can begin one every 3.  Methods
 * that are one long chain of multiplications therefore run on several independent moduli in lockstep. */
#ifndef FP_LANES_WORD_H
#define FP_LANES_WORD_H

#include "integer.h"
#include "mont.h"

#define FP_FIELD_BITS 64
#define FP_UNIT_LANES 1
/* More overflow the sixteen registers; see "Registers" in README.md for the measurement. */
#ifndef FP_UNITS
#define FP_UNITS 2
#endif

/* A residue in Montgomery form, in [0, n). */
typedef uint64_t fp_unit;
typedef fp_mont fp_unit_mod;
typedef uint64_t fp_unit_bits;

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) { return fp_mul(a, b, m); }

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_mul(a, a, m); }

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) { return fp_add(a, b, m); }

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) { return fp_sub(a, b, m); }

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    return fp_unit_sub(fp_unit_mul(a, b, m), c, m);
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) { return m->one; }

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *n) { return fp_mont_init((uint64_t)*n); }

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    fp_unit r = fp_mul(fp_mont_square_of_radix(m), (uint64_t)(*c < 0 ? -*c : *c), m);
    return *c < 0 ? fp_sub(0, r, m) : r;
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) { return (uint64_t)*d; }

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    return d >> bit & 1 ? set : clear;
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    return a == b;
}

#include "lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd(a.at[k], m->at[k].n);
}

#endif
