/* Lanes in plain C for moduli below 2^64: what keeps the multiplier of a scalar core busy.
 *
 * One Montgomery multiplication takes about 11 cycles from operands to result, but a core can begin one every 3.  Methods
 * that are one long chain of multiplications therefore run on several independent moduli in lockstep. */
#ifndef FP_LANES_WORD_H
#define FP_LANES_WORD_H

#include "integer.h"
#include "mont.h"

#define FP_FIELD_BITS 64
/* More lanes overflow the sixteen registers; see "Lanes" in README.md for the measurement. */
#ifndef FP_LANES
#define FP_LANES 2
#endif
#define FP_EACH_LANE(k) _Pragma("GCC unroll 8") for (int k = 0; k < FP_LANES; k++)

/* Residues in Montgomery form, in [0, n). */
typedef struct {
    uint64_t at[FP_LANES];
} fp_vec;

typedef struct {
    fp_mont at[FP_LANES];
} fp_vec_mod;

typedef fp_vec fp_vec_bits;

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_mul(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_add(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_sub(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = m->at[k].one;
    return r;
}

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *n) {
    fp_vec_mod m;
    FP_EACH_LANE (k) m.at[k] = fp_mont_init((uint64_t)n[k]);
    return m;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) {
        r.at[k] = fp_mul(fp_mont_square_of_radix(&m->at[k]), (uint64_t)(c[k] < 0 ? -c[k] : c[k]), &m->at[k]);
        if (c[k] < 0) r.at[k] = fp_sub(0, r.at[k], &m->at[k]);
    }
    return r;
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    fp_vec_bits r;
    FP_EACH_LANE (k) r.at[k] = (uint64_t)d[k];
    return r;
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = d.at[k] >> bit & 1 ? set.at[k] : clear.at[k];
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint32_t equal = 0;
    (void)m;
    FP_EACH_LANE (k) equal |= (uint32_t)(a.at[k] == b.at[k]) << k;
    return equal;
}

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd(a.at[k], m->at[k].n);
}

#endif
