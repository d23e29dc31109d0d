/* The methods that run in lanes, written once for every arithmetic: a curve of ECM, and the two halves of the primality test.
 *
 * To be included by a file that has included one lanes_*.h and defined FP_FIELD, the name of the fp_field this defines.
 *
 * ECM: H. W. Lenstra, "Factoring integers with elliptic curves", Ann. of Math. 126 (1987); curves in Montgomery's form with
 * X : Z coordinates, stage 1 along Lucas chains and a baby-step giant-step stage 2 as in P. L. Montgomery, "Speeding the
 * Pollard and elliptic curve methods of factorization", Math. Comp. 48 (1987). */
#include "field.h"

typedef struct {
    fp_vec x, z;
} point;

/* P + Q, given D = P - Q: 6 multiplications. */
static FP_INLINE point add(point p, point q, point d, const fp_vec_mod *m) {
    fp_vec u = fp_vec_mul(fp_vec_sub(p.x, p.z, m), fp_vec_add(q.x, q.z, m), m);
    fp_vec v = fp_vec_mul(fp_vec_add(p.x, p.z, m), fp_vec_sub(q.x, q.z, m), m);
    fp_vec s = fp_vec_add(u, v, m), t = fp_vec_sub(u, v, m);
    point r = {fp_vec_mul(fp_vec_sqr(s, m), d.z, m), fp_vec_mul(fp_vec_sqr(t, m), d.x, m)};
    return r;
}

/* (A + 2) / 4 of the curves as a fraction: a sixth multiplication for each doubling is cheaper than an inverse. */
typedef struct {
    fp_vec numerator, denominator;
} fraction;

/* 2 P: 6 multiplications. */
static FP_INLINE point twice(point p, const fraction *a, const fp_vec_mod *m) {
    fp_vec s = fp_vec_sqr(fp_vec_add(p.x, p.z, m), m), d = fp_vec_sqr(fp_vec_sub(p.x, p.z, m), m);
    fp_vec c = fp_vec_sub(s, d, m), e = fp_vec_mul(d, a->denominator, m);
    point r = {fp_vec_mul(s, e, m), fp_vec_mul(c, fp_vec_add(e, fp_vec_mul(a->numerator, c, m), m), m)};
    return r;
}

/* Stage 1: the interpreter of the chains. */
static point stage1(point a, const fraction *a24, const uint8_t *op, const uint8_t *end, const fp_vec_mod *m) {
    point b = a, c = a, t;
    for (; op < end; op++) {
        if (*op & FP_OP_SWAP) t = a, a = b, b = t;
        switch (*op & ~FP_OP_SWAP) {
        case FP_OP_ADD:
            t = add(a, b, c, m), c = b, b = t;
            break;
        case FP_OP_ADD_DOUBLE:
            b = add(a, b, c, m), a = twice(a, a24, m);
            break;
        case FP_OP_START:
            b = c = a, a = twice(a, a24, m);
            break;
        case FP_OP_END:
            a = add(a, b, c, m);
            break;
        case FP_OP_TWICE:
            a = twice(a, a24, m);
            break;
        }
    }
    return a;
}

/* The points and residues of stage 2. */
typedef struct {
    point multiple[FP_MAX_GIANT / 6 + 2]; /* multiple[j / 3] = j q for j = 1, 5, 7, 11, ... up to D/2 + 2 */
    point all[FP_MAX_BABIES + FP_MAX_STEPS];
    fp_vec x[FP_MAX_BABIES + FP_MAX_STEPS];
} stage2_memory;
_Static_assert(sizeof(stage2_memory) <= FP_ECM_SCRATCH, "the scratch memory must have room for stage 2");
_Static_assert(_Alignof(stage2_memory) <= FP_SCRATCH_ALIGN, "the scratch memory must be aligned for stage 2");

/* Stage 2: a multiple of p where the order of q modulo p is a prime that the plan's first `last` giant steps cover.
 *
 * m D q = +-j q modulo p exactly where their x / z agree.  All points are first brought to one common z, so that a pair
 * costs one subtraction and one multiplication. */
static fp_vec stage2(point q, const fraction *a24, const fp_ecm_plan *plan, unsigned last, const fp_vec_mod *m,
                     stage2_memory *memory) {
    point *multiple = memory->multiple, *all = memory->all, *giants = all + plan->babies;
    fp_vec *x = memory->x;
    point q2 = twice(q, a24, m), q3 = add(q2, q, q, m), q4 = twice(q2, a24, m), q6 = twice(q3, a24, m);
    unsigned half = plan->giant / 2, gap = half % 2 ? 4 : 2, count = plan->babies + last, i, step;
    multiple[0] = q;
    multiple[1] = add(q3, q2, q, m);
    multiple[2] = add(q4, q3, q, m);
    multiple[3] = add(q6, multiple[1], q, m);
    multiple[4] = add(q6, multiple[2], q, m);
    for (i = 5; i <= (half + 2) / 3; i++) multiple[i] = add(multiple[i - 2], q6, multiple[i - 4], m);

    for (i = 0; i < plan->babies; i++) all[i] = multiple[plan->baby[i] / 3];
    giants[0] = add(multiple[(half + gap / 2) / 3], multiple[(half - gap / 2) / 3], gap == 2 ? q2 : q4, m);
    giants[1] = twice(giants[0], a24, m);
    for (i = 2; i < last; i++) giants[i] = add(giants[i - 1], giants[0], giants[i - 2], m);

    /* x_i times the product of all other z. */
    fp_vec after = fp_vec_one(m);
    x[0] = after; /* first the product of all z before */
    for (i = 1; i < count; i++) x[i] = fp_vec_mul(x[i - 1], all[i - 1].z, m);
    for (i = count; i-- > 0;) {
        x[i] = fp_vec_mul(fp_vec_mul(x[i], after, m), all[i].x, m);
        after = fp_vec_mul(after, all[i].z, m);
    }

    /* Two products side by side hide the latency of the multiplication. */
    fp_vec even = fp_vec_one(m), odd = even;
    for (step = 0; step < last; step++) {
        fp_vec giant = x[plan->babies + step];
        const uint8_t *pair = plan->pair + plan->pair_end[step], *end = plan->pair + plan->pair_end[step + 1];
        for (; pair + 1 < end; pair += 2) {
            even = fp_vec_mul(even, fp_vec_sub(giant, x[pair[0]], m), m);
            odd = fp_vec_mul(odd, fp_vec_sub(giant, x[pair[1]], m), m);
        }
        if (pair < end) even = fp_vec_mul(even, fp_vec_sub(giant, x[*pair], m), m);
    }
    return fp_vec_mul(even, odd, m);
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
    p = stage1(p, &a24, level->op, level->op_end, &m);
    fp_u128 other[FP_LANES];
    fp_vec_gcd(fp_vec_mul(stage2(p, &a24, level->plan, level->steps, &m, scratch), p.z, &m), &m, factor);
    int both = 0; /* both primes found: perhaps not in one stage */
    for (int k = 0; k < FP_LANES; k++) both |= factor[k] == n[k];
    if (both) fp_vec_gcd(p.z, &m, other);
    for (int k = 0; k < FP_LANES; k++) {
        if (factor[k] == n[k]) factor[k] = other[k];
        if (factor[k] == 1 || factor[k] == n[k]) factor[k] = 0;
    }
}

/* Bit k: is a[k] < limit? */
static uint32_t below(const int *a, int limit) {
    uint32_t r = 0;
    for (int k = 0; k < FP_LANES; k++) r |= (uint32_t)(a[k] < limit) << k;
    return r;
}

/* n - 1 = d 2^s: is base^d = 1, or base^(d 2^i) = -1 for some 0 <= i < s?  Two bits of d at a time; leading zeros leave x = 1,
 * so that lanes of different length go in step. */
static uint32_t strong(const fp_u128 *n, const int64_t *base) {
    const fp_vec_mod m = fp_vec_mod_load(n);
    fp_u128 d[FP_LANES], all = 0;
    int s[FP_LANES], most = 0;
    int64_t powers[3][FP_LANES], two[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        s[k] = fp_twos(n[k] - 1), d[k] = (n[k] - 1) >> s[k], all |= d[k];
        if (s[k] > most) most = s[k];
        for (int i = 0; i < 3; i++) powers[i][k] = i ? powers[i - 1][k] * base[k] : base[k];
        two[k] = 2;
    }
    const fp_vec one = fp_vec_one(&m), minus_one = fp_vec_sub(one, fp_vec_constants(two, &m), &m);
    const fp_vec b = fp_vec_constants(powers[0], &m), b2 = fp_vec_constants(powers[1], &m),
                 b3 = fp_vec_constants(powers[2], &m);
    const fp_vec_bits bits = fp_vec_bits_load(d);
    fp_vec x = one;
    for (int bit = (fp_bits(all) - 1) & ~1; bit >= 0; bit -= 2) {
        fp_vec by = fp_vec_pick(bits, bit + 1, fp_vec_pick(bits, bit, b3, b2), fp_vec_pick(bits, bit, b, one));
        x = fp_vec_mul(fp_vec_sqr(fp_vec_sqr(x, &m), &m), by, &m);
    }
    uint32_t passes = fp_vec_equal(x, one, &m) | fp_vec_equal(x, minus_one, &m);
    for (int i = 1; i < most; i++) {
        x = fp_vec_sqr(x, &m);
        passes |= fp_vec_equal(x, minus_one, &m) & ~below(s, i + 1);
    }
    return passes;
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

const fp_field FP_FIELD = {FP_FIELD_BITS, FP_LANES, run_curve, strong, lucas};
