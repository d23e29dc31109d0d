/* Several numbers side by side, in plain C: what keeps the multiplier of a scalar core busy.
 *
 * One Montgomery multiplication takes some 11 cycles from operands to result, but a core can begin one every 3.  Methods
 * that are one long chain of multiplications therefore run on FP_LANES independent moduli in lockstep.  A kernel for vector
 * registers redefines these types and functions and keeps the methods. */
#ifndef FP_LANES_H
#define FP_LANES_H

#include "mont.h"

/* More lanes overflow the sixteen registers; see "Lanes" in README.md for the measurement. */
#ifndef FP_LANES
#define FP_LANES 2
#endif
#define FP_EACH_LANE(k) _Pragma("GCC unroll 8") for (int k = 0; k < FP_LANES; k++)

typedef struct {
    uint64_t at[FP_LANES];
} fp_vec;

/* One modulus a lane. */
typedef struct {
    fp_mont at[FP_LANES];
} fp_vec_mont;

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mont *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_mul(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mont *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mont *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_add(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mont *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_sub(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mont *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = m->at[k].one;
    return r;
}

#endif
