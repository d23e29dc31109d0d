/* Residues modulo one number of FP_LIMBS words, in plain C; to be included with FP_LIMBS defined.
 *
 * They are in Montgomery's form with R = 2^(64 FP_LIMBS), and not reduced: with n < R / 32 a product of two sums or
 * differences, in [0, 4 n), is 16 n^2 / R + n < 2 n. */
#include <string.h>

#include "long.h"

/* As functions: a call costs nothing beside it, and there is ten times as much code where they stand wherever they are used. */
#define FP_POINT static __attribute__((noinline))

#define FP_LANES 1
#define FP_LONG_CAPACITY (64 * FP_LIMBS - 5)

typedef struct {
    uint64_t w[FP_LIMBS];
} fp_vec;

typedef struct {
    fp_vec n, twice, one, radix2;
    uint64_t inverse; /* -1 / n modulo 2^64 */
} fp_vec_mod;

/* Word by word of a: adds its product with b, and the multiple of n that makes the lowest word 0, which is dropped.  A word times a word
 * and two words more fit into two. */
FP_POINT void fp_vec_multiply(fp_vec *restrict product, const fp_vec *a, const fp_vec *b, const fp_vec_mod *m) {
    uint64_t t[FP_LIMBS] = {0};
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        uint64_t carry = 0, top;
        FP_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
            const fp_u128 u = (fp_u128)a->w[i] * b->w[j] + t[j] + carry;
            t[j] = (uint64_t)u, carry = (uint64_t)(u >> 64);
        }
        top = carry;
        const uint64_t q = t[0] * m->inverse;
        carry = (uint64_t)(((fp_u128)q * m->n.w[0] + t[0]) >> 64);
        FP_UNROLLED for (int j = 1; j < FP_LIMBS; j++) {
            const fp_u128 u = (fp_u128)q * m->n.w[j] + t[j] + carry;
            t[j - 1] = (uint64_t)u, carry = (uint64_t)(u >> 64);
        }
        t[FP_LIMBS - 1] = top + carry;
    }
    memcpy(product->w, t, sizeof t);
}

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec product;
    fp_vec_multiply(&product, &a, &b, m);
    return product;
}

static inline fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec fp_vec_plus(fp_vec a, fp_vec b) {
    fp_u128 carry = 0;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        carry += (fp_u128)a.w[i] + b.w[i];
        a.w[i] = (uint64_t)carry, carry >>= 64;
    }
    return a;
}

/* a - b modulo R, and whether a < b. */
static FP_INLINE fp_vec fp_vec_minus(fp_vec a, fp_vec b, int *below) {
    uint64_t borrow = 0;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        fp_u128 d = (fp_u128)a.w[i] - b.w[i] - borrow;
        a.w[i] = (uint64_t)d, borrow = (uint64_t)(d >> 64) & 1;
    }
    *below = (int)borrow;
    return a;
}

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    (void)m;
    return fp_vec_plus(a, b);
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    int below;
    return fp_vec_minus(fp_vec_plus(a, m->twice), b, &below);
}

static FP_INLINE fp_vec fp_vec_mul_sub(fp_vec a, fp_vec b, fp_vec c, const fp_vec_mod *m) {
    int below;
    fp_vec d = fp_vec_minus(fp_vec_mul(a, b, m), c, &below);
    return below ? fp_vec_plus(d, m->twice) : d;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) { return m->one; }

/* a - b if a >= b, else a. */
static inline fp_vec fp_vec_reduced(fp_vec a, fp_vec b) {
    int below;
    fp_vec d = fp_vec_minus(a, b, &below);
    return below ? a : d;
}

/* What multiplications and gcds need. */
static inline fp_vec_mod fp_vec_modulus(const uint64_t *n) {
    fp_vec_mod m = {.inverse = 0 - fp_inverse64(n[0])};
    memcpy(m.n.w, n, sizeof m.n.w);
    m.twice = fp_vec_plus(m.n, m.n);
    return m;
}

static inline fp_vec_mod fp_vec_load(const uint64_t *n) {
    fp_vec_mod m = fp_vec_modulus(n);
    fp_long_power_of_two(64 * FP_LIMBS, n, FP_LIMBS, m.one.w);
    fp_long_power_of_two(128 * FP_LIMBS, n, FP_LIMBS, m.radix2.w);
    return m;
}

/* A small integer in Montgomery's form. */
static inline fp_vec fp_vec_constant(int64_t c, const fp_vec_mod *m) {
    fp_vec magnitude = {{c < 0 ? -(uint64_t)c : (uint64_t)c}}, r = fp_vec_mul(m->radix2, magnitude, m);
    int below;
    return c < 0 ? fp_vec_minus(m->twice, r, &below) : r;
}

static inline fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) { return fp_vec_constant(*c, m); }

static inline void fp_vec_store(fp_vec a, int lane, const fp_vec_mod *m, uint64_t *words) {
    (void)lane, (void)m;
    memcpy(words, a.w, sizeof a.w);
}

static inline int fp_vec_is_zero(fp_vec a) {
    uint64_t any = 0;
    for (int i = 0; i < FP_LIMBS; i++) any |= a.w[i];
    return any == 0;
}

static inline fp_vec fp_vec_halved(fp_vec a, int bits) {
    for (int i = 0; i < FP_LIMBS; i++)
        a.w[i] = a.w[i] >> bits | (i + 1 < FP_LIMBS ? a.w[i + 1] << (63 - bits) << 1 : 0);
    return a;
}

/* The greatest common divisor with n, which is odd; n for 0. */
static inline fp_vec fp_vec_gcd(fp_vec a, const fp_vec_mod *m) {
    fp_vec b = m->n;
    a = fp_vec_reduced(fp_vec_reduced(a, m->twice), m->n);
    while (!fp_vec_is_zero(a)) {
        while (!(a.w[0] & 1)) a = fp_vec_halved(a, a.w[0] ? __builtin_ctzll(a.w[0]) : 63);
        int below;
        fp_vec d = fp_vec_minus(a, b, &below);
        if (below) {
            d = fp_vec_minus(b, a, &below);
            b = a;
        }
        a = d;
    }
    return b;
}

static inline int fp_vec_same(fp_vec a, fp_vec b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Whether a divisor of n is a proper one, which is then written. */
static inline int fp_vec_proper(fp_vec divisor, const fp_vec_mod *m, uint64_t *factor) {
    if (fp_vec_same(divisor, m->n) || fp_vec_same(divisor, (fp_vec){{1}})) return 0;
    memcpy(factor, divisor.w, sizeof divisor.w);
    return 1;
}
