/* The methods that run in lanes, written once for every arithmetic: a curve of ECM, and the two halves of the primality test.
 *
 * To be included by a file that has included one lanes_*.h and defined FP_FIELD, the name of the fp_field this defines.
 */
#include "field.h"
#include "lanes_curve.h"
#include "lanes_p1.h"

_Static_assert(FP_STAGE2_VECS(FP_MAX_GIANT, FP_MAX_BABIES + FP_MAX_STEPS) * sizeof(fp_vec) <= FP_ECM_SCRATCH,
               "the scratch memory must have room for stage 2");
_Static_assert(_Alignof(fp_vec) <= FP_SCRATCH_ALIGN, "the scratch memory must be aligned for stage 2");

/* 2 / 7 modulo n. */
static fp_vec two_sevenths(const fp_u128 *n, const fp_vec_mod *m) {
    int64_t part[3][FP_LANES], radix[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        unsigned by = p1_quotient[n[k] % 7];
        fp_u128 seed = n[k] / 7 * by + (2 + (unsigned)(n[k] % 7) * by) / 7;
        for (int i = 0; i < 3; i++) part[i][k] = (int64_t)(seed >> 48 * i & (((uint64_t)1 << 48) - 1));
        radix[k] = (int64_t)1 << 48;
    }
    fp_vec r = fp_vec_constants(radix, m), seed = fp_vec_constants(part[2], m);
    for (int i = 1; i >= 0; i--)
        seed = fp_vec_mul(fp_vec_add(fp_vec_mul(seed, r, m), fp_vec_constants(part[i], m), m), fp_vec_one(m), m);
    return seed;
}

/* The primes of n that one of two multiples has, where not all of them have it: `found` of both stages, `first` of the first. */
static void take_factors(fp_vec found, fp_vec first, const fp_u128 *n, const fp_vec_mod *m, fp_u128 *factor) {
    fp_u128 other[FP_LANES];
    fp_vec_gcd(found, m, factor);
    int both = 0; /* both primes found: perhaps not in one stage */
    for (int k = 0; k < FP_LANES; k++) both |= factor[k] == n[k];
    if (both) fp_vec_gcd(first, m, other);
    for (int k = 0; k < FP_LANES; k++) {
        if (factor[k] == n[k]) factor[k] = other[k];
        if (factor[k] == 1 || factor[k] == n[k]) factor[k] = 0;
    }
}

static void run_curve(const fp_u128 *n, const fp_ecm_curve *const *curve, const fp_ecm_level *level, void *scratch,
                      fp_u128 *factor) {
    int64_t numerator[FP_LANES], denominator[FP_LANES], x[FP_LANES], z[FP_LANES];
    fp_vec_mod m = fp_vec_mod_load(n);
    for (int k = 0; k < FP_LANES; k++) {
        numerator[k] = curve[k]->numerator, denominator[k] = curve[k]->denominator;
        x[k] = curve[k]->x, z[k] = curve[k]->z;
    }
    fraction a24 = {fp_vec_constants(numerator, &m), fp_vec_constants(denominator, &m)};
    point p = {fp_vec_constants(x, &m), fp_vec_constants(z, &m)};
    stage1(&p, &a24, level->op, level->op_end, &m);
    const fp_vec *residues = stage2_residues(&p, &a24, level->plan, &m, scratch);
    fp_vec end = pairs(residues, level->plan, 0, level->plan->steps, &m);
    take_factors(fp_vec_mul(end, p.z, &m), p.z, n, &m, factor);
}

static void run_p1(const fp_u128 *n, const fp_ecm_level *level, void *scratch, fp_u128 *factor) {
    int64_t twos[FP_LANES];
    const fp_vec_mod m = fp_vec_mod_load(n);
    for (int k = 0; k < FP_LANES; k++) twos[k] = 2;
    const fp_vec two = fp_vec_constants(twos, &m);
    fp_vec v = p1_stage1(two_sevenths(n, &m), two, level->op, level->op_end, &m), first = fp_vec_sub(v, two, &m);
    fp_vec end = p1_stage2(v, two, level->plan, &m, scratch);
    take_factors(fp_vec_mul(end, first, &m), fp_vec_mul(first, fp_vec_one(&m), &m), n, &m, factor);
}

/* Bit k: is a[k] < limit? */
static uint32_t below(const int *a, int limit) {
    uint32_t r = 0;
    for (int k = 0; k < FP_LANES; k++) r |= (uint32_t)(a[k] < limit) << k;
    return r;
}

/* 2^d.  Five bits of d make a power to begin with; then each costs a square, and one that is set a doubling. */
static fp_vec power_of_two(const fp_u128 *d, int length, const fp_vec_mod *m) {
    int64_t first[FP_LANES];
    int bit = length > 5 ? length - 5 : 0;
    for (int k = 0; k < FP_LANES; k++) first[k] = (int64_t)1 << (d[k] >> bit);
    const fp_vec_bits bits = fp_vec_bits_load(d);
    fp_vec x = fp_vec_constants(first, m);
    while (--bit >= 0) {
        x = fp_vec_sqr(x, m);
        x = fp_vec_pick(bits, bit, fp_vec_add(x, x, m), x);
    }
    return x;
}

/* base^d.  Two bits of d at a time; leading zeros leave x = 1, so that lanes of different length go in step. */
static fp_vec power_of(const int64_t *base, const fp_u128 *d, int length, const fp_vec_mod *m) {
    int64_t powers[3][FP_LANES];
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < FP_LANES; k++) powers[i][k] = i ? powers[i - 1][k] * base[k] : base[k];
    const fp_vec b = fp_vec_constants(powers[0], m), b2 = fp_vec_constants(powers[1], m),
                 b3 = fp_vec_constants(powers[2], m), one = fp_vec_one(m);
    const fp_vec_bits bits = fp_vec_bits_load(d);
    fp_vec x = one;
    for (int bit = (length - 1) & ~1; bit >= 0; bit -= 2) {
        fp_vec by = fp_vec_pick(bits, bit + 1, fp_vec_pick(bits, bit, b3, b2), fp_vec_pick(bits, bit, b, one));
        x = fp_vec_mul(fp_vec_sqr(fp_vec_sqr(x, m), m), by, m);
    }
    return x;
}

/* n - 1 = d 2^s: is base^d = 1, or base^(d 2^i) = -1 for some 0 <= i < s? */
static uint32_t strong(const fp_u128 *n, const int64_t *base) {
    const fp_vec_mod m = fp_vec_mod_load(n);
    fp_u128 d[FP_LANES], all = 0;
    int s[FP_LANES], most = 0;
    int64_t two[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        s[k] = fp_twos(n[k] - 1), d[k] = (n[k] - 1) >> s[k], all |= d[k];
        if (s[k] > most) most = s[k];
        two[k] = 2;
    }
    const fp_vec one = fp_vec_one(&m), minus_one = fp_vec_sub(one, fp_vec_constants(two, &m), &m);
    fp_vec x = base ? power_of(base, d, fp_bits(all), &m) : power_of_two(d, fp_bits(all), &m);
    uint32_t passes = fp_vec_equal(x, one, &m) | fp_vec_equal(x, minus_one, &m);
    for (int i = 1; i < most; i++) {
        x = fp_vec_sqr(x, &m);
        passes |= fp_vec_equal(x, minus_one, &m) & ~below(s, i + 1);
    }
    return passes;
}

/* Euler's criterion for base 2, as C. Plumb has it: 2^((n - 1) / 2) = (2 / n); and where n is 1 mod 8, its root 2^((n - 1) / 4) is 1 or
 * -1.  All exponents are about as long, and nothing is squared afterwards: quicker than a strong test, which two thirds as
 * many composites pass. */
static uint32_t plumb(const fp_u128 *n) {
    const fp_vec_mod m = fp_vec_mod_load(n);
    fp_u128 d[FP_LANES], all = 0;
    int64_t two[FP_LANES];
    uint32_t may_be_one = 0;
    for (int k = 0; k < FP_LANES; k++) {
        const unsigned rest = (unsigned)n[k] % 8;
        d[k] = n[k] >> (rest == 1 ? 2 : 1), all |= d[k];
        may_be_one |= (uint32_t)(rest == 1 || rest == 7) << k;
        two[k] = 2;
    }
    const fp_vec one = fp_vec_one(&m), minus_one = fp_vec_sub(one, fp_vec_constants(two, &m), &m);
    const fp_vec x = power_of_two(d, fp_bits(all), &m);
    /* It is never -1 for an n of 7 mod 8: then -2 would be a square, but (-2 / n) = -1. */
    return (fp_vec_equal(x, one, &m) & may_be_one) | fp_vec_equal(x, minus_one, &m);
}

/* J. Grantham's extra strong Lucas test with Q = 1 ("Frobenius pseudoprimes", Math. Comp. 70 (2001)).  n + 1 = d 2^s: is U_d =
 * 0 and V_d = +-2, or V_(d 2^i) = 0 for some 0 <= i < s - 1?  U_d needs no chain of its own: (P^2 - 4) U_d = 2 V_(d+1) - P
 * V_d. */
static uint32_t lucas(const fp_u128 *n, const int64_t *parameter) {
    const fp_vec_mod m = fp_vec_mod_load(n);
    fp_u128 d[FP_LANES], all = 0;
    int s[FP_LANES], most = 0;
    int64_t twos[FP_LANES], zeros[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        fp_u128 next = n[k] + 1; /* 0 only for 2^128 - 1, which is composite anyway */
        s[k] = next ? fp_twos(next) : 0, d[k] = next ? next >> s[k] : 1, all |= d[k];
        if (s[k] > most) most = s[k];
        twos[k] = 2, zeros[k] = 0;
    }
    const fp_vec p = fp_vec_constants(parameter, &m), two = fp_vec_constants(twos, &m),
                 zero = fp_vec_constants(zeros, &m);
    const fp_vec_bits bits = fp_vec_bits_load(d);
    fp_vec v = two, w = p; /* v = V_i, w = V_(i+1) for i the bits of d so far: V_0 = 2, V_1 = P */
    for (int bit = fp_bits(all) - 1; bit >= 0; bit--) {
        /* (V_i, V_i+1) to (V_2i, V_2i+1) or (V_2i+1, V_2i+2): V_2i = V_i^2 - 2, V_2i+1 = V_i V_i+1 - P. */
        fp_vec middle = fp_vec_sub(fp_vec_mul(v, w, &m), p, &m);
        fp_vec end = fp_vec_sub(fp_vec_sqr(fp_vec_pick(bits, bit, w, v), &m), two, &m);
        v = fp_vec_pick(bits, bit, middle, end);
        w = fp_vec_pick(bits, bit, end, middle);
    }
    const fp_vec minus_two = fp_vec_sub(zero, two, &m);
    uint32_t passes = (fp_vec_equal(v, two, &m) | fp_vec_equal(v, minus_two, &m)) &
                      fp_vec_equal(fp_vec_mul(two, w, &m), fp_vec_mul(p, v, &m), &m);
    for (int i = 1; i < most; i++) {
        passes |= fp_vec_equal(v, zero, &m) & ~below(s, i + 1);
        v = fp_vec_sub(fp_vec_sqr(v, &m), two, &m);
    }
    return passes;
}

const fp_field FP_FIELD = {FP_FIELD_BITS, FP_LANES, run_curve, run_p1, strong, plumb, lucas};
