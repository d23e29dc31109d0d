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
#ifndef FP_LANES
#define FP_LANES 1
#endif
#define FP_EACH_LANE(k) _Pragma("GCC unroll 8") for (int k = 0; k < FP_LANES; k++)

/* Residues in Montgomery form with R = 2^128, in [0, n) or in [0, 2 n). */
typedef struct {
    fp_u128 at[FP_LANES];
} fp_vec;

typedef struct {
    fp_u128 n;
    uint64_t inverse; /* 1 / n modulo 2^64 */
    fp_u128 one, radix2;
} fp_wide_mod;

typedef struct {
    fp_wide_mod at[FP_LANES];
} fp_vec_mod;

typedef fp_vec fp_vec_bits;

static FP_INLINE fp_u128 fp_wide_sub(fp_u128 a, fp_u128 b, fp_u128 n) {
    fp_u128 d;
    uint64_t borrow = 0 - (uint64_t)__builtin_sub_overflow(a, b, &d); /* a branch would be taken at random */
    return d + (((fp_u128)((uint64_t)(n >> 64) & borrow) << 64) | ((uint64_t)n & borrow));
}

static FP_INLINE fp_u128 fp_wide_add(fp_u128 a, fp_u128 b, fp_u128 n) { return fp_wide_sub(a, n - b, n); }

/* (a b + t) / 2^64 mod n for one word of b: the low word of n's multiple q n cancels that of the product. */
static FP_INLINE fp_u128 fp_wide_step(fp_u128 a, uint64_t b, fp_u128 t, const fp_wide_mod *m) {
    fp_u128 low = (fp_u128)(uint64_t)a * b + (uint64_t)t;
    fp_u128 high = (fp_u128)(uint64_t)(a >> 64) * b + (uint64_t)(t >> 64) + (uint64_t)(low >> 64);
    uint64_t q = (uint64_t)low * m->inverse;
    fp_u128 qn = (fp_u128)q * (uint64_t)m->n >> 64;
    qn += (fp_u128)q * (uint64_t)(m->n >> 64);
    return FP_EXACT ? fp_wide_sub(high, qn, m->n) : high - qn + m->n;
}

static FP_INLINE fp_u128 fp_wide_mul(fp_u128 a, fp_u128 b, const fp_wide_mod *m) {
    return fp_wide_step(a, (uint64_t)(b >> 64), fp_wide_step(a, (uint64_t)b, 0, m), m);
}

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_wide_mul(a.at[k], b.at[k], &m->at[k]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = FP_EXACT ? fp_wide_add(a.at[k], b.at[k], m->at[k].n) : a.at[k] + b.at[k];
    (void)m;
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) {
        fp_u128 n = m->at[k].n;
        r.at[k] = FP_EXACT ? fp_wide_sub(a.at[k], b.at[k], n) : a.at[k] + 2 * n - b.at[k];
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = m->at[k].one;
    return r;
}

/* To [0, n). */
static FP_INLINE fp_u128 fp_wide_reduced(fp_u128 a, fp_u128 n) {
    if (FP_EXACT) return a;
    a = a < 2 * n ? a : a - 2 * n;
    return a < n ? a : a - n;
}

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *n) {
    fp_vec_mod r;
    for (int k = 0; k < FP_LANES; k++) {
        fp_wide_mod m = {.n = n[k], .inverse = fp_inverse64((uint64_t)n[k]), .one = (0 - n[k]) % n[k]};
        /* 2^(128+i) doubled is 2^(128+i+1), squared 2^(128+2i); on to 2^256. */
        m.radix2 = m.one;
        for (int i = 0; i < 4; i++) m.radix2 = fp_wide_add(m.radix2, m.radix2, m.n);
        for (int i = 0; i < 5; i++) m.radix2 = fp_wide_mul(m.radix2, m.radix2, &m);
        r.at[k] = m;
    }
    return r;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) {
        r.at[k] = fp_wide_mul(m->at[k].radix2, (fp_u128)(c[k] < 0 ? -c[k] : c[k]), &m->at[k]);
        if (c[k] < 0) r.at[k] = FP_EXACT ? fp_wide_sub(0, r.at[k], m->at[k].n) : 2 * m->at[k].n - r.at[k];
    }
    return r;
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    fp_vec_bits r;
    FP_EACH_LANE (k) r.at[k] = d[k];
    return r;
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = d.at[k] >> bit & 1 ? set.at[k] : clear.at[k];
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint32_t equal = 0;
    FP_EACH_LANE (k) {
        fp_u128 n = m->at[k].n;
        equal |= (uint32_t)(fp_wide_reduced(a.at[k], n) == fp_wide_reduced(b.at[k], n)) << k;
    }
    return equal;
}

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd128(a.at[k], m->at[k].n);
}

#endif
