/* Curves of ECM for one modulus of FP_LIMBS words, in plain C; to be included with FP_LIMBS and FP_LONG, the name of the result.
 *
 * Residues are in Montgomery's form with R = 2^(64 FP_LIMBS), and not reduced: with n < R / 32 a product of two sums or
 * differences, in [0, 4 n), is 16 n^2 / R + n < 2 n. */
#include <string.h>

#include "long.h"

typedef struct {
    uint64_t w[FP_LIMBS];
} fp_vec;

typedef struct {
    fp_vec n, twice, one, radix2;
    uint64_t inverse; /* -1 / n modulo 2^64 */
} fp_vec_mod;

/* Not inlined: a call costs nothing beside it, and the compiler minutes where it stands fifty times. */
static __attribute__((noinline)) fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint64_t t[FP_LIMBS + 1] = {0};
    _Pragma("GCC unroll 8") for (int i = 0; i < FP_LIMBS; i++) {
        uint64_t carry = 0, high;
        _Pragma("GCC unroll 8") for (int j = 0; j < FP_LIMBS; j++) {
            fp_u128 s = (fp_u128)a.w[j] * b.w[i] + t[j] + carry;
            t[j] = (uint64_t)s, carry = (uint64_t)(s >> 64);
        }
        high = t[FP_LIMBS] + carry;
        uint64_t q = t[0] * m->inverse;
        fp_u128 s = (fp_u128)q * m->n.w[0] + t[0];
        carry = (uint64_t)(s >> 64);
        _Pragma("GCC unroll 8") for (int j = 1; j < FP_LIMBS; j++) {
            s = (fp_u128)q * m->n.w[j] + t[j] + carry;
            t[j - 1] = (uint64_t)s, carry = (uint64_t)(s >> 64);
        }
        s = (fp_u128)high + carry;
        t[FP_LIMBS - 1] = (uint64_t)s, t[FP_LIMBS] = (uint64_t)(s >> 64);
    }
    fp_vec r;
    memcpy(r.w, t, sizeof r.w);
    return r;
}

static inline fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) { return fp_vec_mul(a, a, m); }

static FP_INLINE fp_vec plus(fp_vec a, fp_vec b) {
    fp_u128 carry = 0;
    _Pragma("GCC unroll 8") for (int i = 0; i < FP_LIMBS; i++) {
        carry += (fp_u128)a.w[i] + b.w[i];
        a.w[i] = (uint64_t)carry, carry >>= 64;
    }
    return a;
}

/* a - b modulo R, and whether a < b. */
static FP_INLINE fp_vec minus(fp_vec a, fp_vec b, int *below) {
    uint64_t borrow = 0;
    _Pragma("GCC unroll 8") for (int i = 0; i < FP_LIMBS; i++) {
        fp_u128 d = (fp_u128)a.w[i] - b.w[i] - borrow;
        a.w[i] = (uint64_t)d, borrow = (uint64_t)(d >> 64) & 1;
    }
    *below = (int)borrow;
    return a;
}

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    (void)m;
    return plus(a, b);
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    int below;
    return minus(plus(a, m->twice), b, &below);
}

static FP_INLINE fp_vec fp_vec_mul_sub(fp_vec a, fp_vec b, fp_vec c, const fp_vec_mod *m) {
    int below;
    fp_vec d = minus(fp_vec_mul(a, b, m), c, &below);
    return below ? plus(d, m->twice) : d;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) { return m->one; }

#include "lanes_curve.h"
#include "lanes_p1.h"

/* a - b if a >= b, else a. */
static fp_vec reduced(fp_vec a, fp_vec b) {
    int below;
    fp_vec d = minus(a, b, &below);
    return below ? a : d;
}

static fp_vec_mod load(const uint64_t *n) {
    fp_vec_mod m = {.inverse = 0 - fp_inverse64(n[0])};
    memcpy(m.n.w, n, sizeof m.n.w);
    m.twice = plus(m.n, m.n);
    /* 2^i, doubled, up to R and R^2. */
    fp_vec x = {{1}};
    for (int i = 0; i < 128 * FP_LIMBS; i++) {
        if (i == 64 * FP_LIMBS) m.one = x;
        x = reduced(plus(x, x), m.n);
    }
    m.radix2 = x;
    return m;
}

/* A small integer in Montgomery's form. */
static fp_vec constant(int64_t c, const fp_vec_mod *m) {
    fp_vec magnitude = {{c < 0 ? -(uint64_t)c : (uint64_t)c}}, r = fp_vec_mul(m->radix2, magnitude, m);
    int below;
    return c < 0 ? minus(m->twice, r, &below) : r;
}

static int is_zero(fp_vec a) {
    uint64_t any = 0;
    for (int i = 0; i < FP_LIMBS; i++) any |= a.w[i];
    return any == 0;
}

static fp_vec halved(fp_vec a, int bits) {
    for (int i = 0; i < FP_LIMBS; i++)
        a.w[i] = a.w[i] >> bits | (i + 1 < FP_LIMBS ? a.w[i + 1] << (63 - bits) << 1 : 0);
    return a;
}

/* The greatest common divisor with n, which is odd; n for 0. */
static fp_vec gcd(fp_vec a, const fp_vec_mod *m) {
    fp_vec b = m->n;
    a = reduced(reduced(a, m->twice), m->n);
    while (!is_zero(a)) {
        while (!(a.w[0] & 1)) a = halved(a, a.w[0] ? __builtin_ctzll(a.w[0]) : 63);
        int below;
        fp_vec d = minus(a, b, &below);
        if (below) {
            d = minus(b, a, &below);
            b = a;
        }
        a = d;
    }
    return b;
}

/* One of Suyama's curves, of sigma: u = sigma^2 - 5, v = 4 sigma, the point (u^3 : v^3), and (A + 2) / 4 = (v - u)^3 (3 u + v) /
 * (16 u^3 v). */
static point of_sigma(int64_t sigma, fraction *a24, const fp_vec_mod *m) {
    fp_vec u = constant(sigma * sigma - 5, m), v = constant(4 * sigma, m);
    fp_vec difference = fp_vec_mul(fp_vec_sub(v, u, m), m->one, m);
    fp_vec sum = constant(3 * (sigma * sigma - 5) + 4 * sigma, m);
    point p = {fp_vec_mul(fp_vec_sqr(u, m), u, m), fp_vec_mul(fp_vec_sqr(v, m), v, m)};
    a24->numerator = fp_vec_mul(fp_vec_mul(fp_vec_sqr(difference, m), difference, m), sum, m);
    a24->denominator = fp_vec_mul(fp_vec_mul(p.x, v, m), constant(16, m), m);
    return p;
}

/* 2 / 7 modulo n. */
static fp_vec two_sevenths(const fp_vec_mod *m) {
    uint64_t rest = 0;
    for (int i = FP_LIMBS; i-- > 0;) rest = (uint64_t)(((fp_u128)rest << 64 | m->n.w[i]) % 7);
    fp_vec seed;
    fp_u128 sum = 2;
    for (int i = 0; i < FP_LIMBS; i++) {
        sum += (fp_u128)m->n.w[i] * p1_quotient[rest];
        seed.w[i] = (uint64_t)sum, sum >>= 64;
    }
    for (int i = FP_LIMBS; i-- > 0;) {
        sum = sum << 64 | seed.w[i];
        seed.w[i] = (uint64_t)(sum / 7), sum %= 7;
    }
    return fp_vec_mul(m->radix2, seed, m);
}

/* A proper factor of n that one of two multiples has: of both stages, and of the first, for all primes may be found, but not in one. */
static int takes(fp_vec both, fp_vec first, const fp_vec_mod *m, uint64_t *factor) {
    int below;
    fp_vec found = gcd(both, m);
    if (is_zero(minus(found, m->n, &below))) found = gcd(first, m);
    if (is_zero(minus(found, m->n, &below)) || is_zero(minus(found, (fp_vec){{1}}, &below))) return 0;
    memcpy(factor, found.w, sizeof found.w);
    return 1;
}

static int p1(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor) {
    const fp_vec_mod m = load(n);
    const fp_vec two = constant(2, &m);
    fp_vec v = p1_stage1(two_sevenths(&m), two, level->op, level->op_end, &m), first = fp_vec_sub(v, two, &m);
    return takes(fp_vec_mul(p1_stage2(v, two, level->plan, level->steps, &m, scratch), first, &m),
                 fp_vec_mul(first, m.one, &m), &m, factor);
}

static int curves(const uint64_t *n, const fp_ecm_level *level, int64_t first, int64_t count, void *scratch,
                  const fp_control *control, uint64_t *factor) {
    const fp_vec_mod m = load(n);
    for (int64_t sigma = first; sigma < first + count; sigma++) {
        if (fp_poll(control)) return FP_STOPPED;
        fraction a24;
        point p = of_sigma(sigma, &a24, &m);
        p = stage1(p, &a24, level->op, level->op_end, &m);
        fp_vec end = stage2(p, &a24, level->plan, level->steps, &m, scratch);
        if (takes(fp_vec_mul(end, p.z, &m), p.z, &m, factor)) return FP_OK;
    }
    return FP_OK;
}

const fp_long_field FP_LONG = {64 * FP_LIMBS - 5, curves, p1};
