/* Lanes in plain C for moduli below 2^128, two words each. */
#ifndef FP_LANES_WIDE_H
#define FP_LANES_WIDE_H

#include "integer.h"
#include "mont.h"

#define FP_FIELD_BITS 128
#ifndef FP_LANES
#define FP_LANES 2
#endif
#define FP_EACH_LANE(k) _Pragma("GCC unroll 8") for (int k = 0; k < FP_LANES; k++)

/* Residues in Montgomery form with R = 2^128, in [0, n). */
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

/* (a b + t) / 2^64 mod n for one word of b: the low word of n's multiple q n cancels that of the product; a, t < n. */
static FP_INLINE fp_u128 fp_wide_step(fp_u128 a, uint64_t b, fp_u128 t, const fp_wide_mod *m) {
    fp_u128 low = (fp_u128)(uint64_t)a * b + (uint64_t)t;
    fp_u128 high = (fp_u128)(uint64_t)(a >> 64) * b + (uint64_t)(t >> 64) + (uint64_t)(low >> 64); /* below n */
    uint64_t q = (uint64_t)low * m->inverse;
    fp_u128 qn = (fp_u128)q * (uint64_t)m->n >> 64;
    qn += (fp_u128)q * (uint64_t)(m->n >> 64);
    return fp_wide_sub(high, qn, m->n);
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
    FP_EACH_LANE (k) r.at[k] = fp_wide_add(a.at[k], b.at[k], m->at[k].n);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = fp_wide_sub(a.at[k], b.at[k], m->at[k].n);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_LANE (k) r.at[k] = m->at[k].one;
    return r;
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
        if (c[k] < 0) r.at[k] = fp_wide_sub(0, r.at[k], m->at[k].n);
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
    (void)m;
    FP_EACH_LANE (k) equal |= (uint32_t)(a.at[k] == b.at[k]) << k;
    return equal;
}

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    for (int k = 0; k < FP_LANES; k++) out[k] = fp_gcd128(a.at[k], m->at[k].n);
}

#endif
