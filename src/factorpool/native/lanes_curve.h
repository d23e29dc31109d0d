/* Both stages of a curve of ECM, in the arithmetic of fp_vec that the including file has defined.
 *
 * H. W. Lenstra, "Factoring integers with elliptic curves", Ann. of Math. 126 (1987); curves in Montgomery's form with X : Z
 * coordinates, stage 1 along Lucas chains and a baby-step giant-step stage 2 as in P. L. Montgomery, "Speeding the Pollard and
 * elliptic curve methods of factorization", Math. Comp. 48 (1987). */
#include "ecm.h"
#include "mont.h"

#ifndef FP_POINT
#define FP_POINT static FP_INLINE /* for sums and doubles of points */
#endif

typedef struct {
    fp_vec x, z;
} point;

/* P + Q, given D = P - Q: 6 multiplications. */
FP_POINT point add(point p, point q, point d, const fp_vec_mod *m) {
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
FP_POINT point twice(point p, const fraction *a, const fp_vec_mod *m) {
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

/* The product of giant - baby for the pairs of giant steps [from, to), whose residues stand in x after those of baby steps. */
static fp_vec pairs(const fp_vec *x, const fp_ecm_plan *plan, unsigned from, unsigned to, const fp_vec_mod *m) {
    /* Two products side by side hide the latency of the multiplication. */
    fp_vec even = fp_vec_one(m), odd = even;
    for (unsigned step = from; step < to; step++) {
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

_Static_assert(FP_STAGE2_VECS(FP_MAX_GIANT, FP_MAX_BABIES + FP_MAX_STEPS) * sizeof(fp_vec) <= FP_ECM_SCRATCH,
               "the scratch memory must have room for stage 2");
_Static_assert(_Alignof(fp_vec) <= FP_SCRATCH_ALIGN, "the scratch memory must be aligned for stage 2");

/* Stage 2 is the product of `pairs`: a multiple of p where the order of q modulo p is a prime that the plan's first `last` giant steps
 * cover.  Here are the residues that it takes.
 *
 * m D q = +-j q modulo p exactly where their x / z agree.  All points are first brought to one common z, so that a pair
 * costs one subtraction and one multiplication. */
static fp_vec *stage2_residues(point q, const fraction *a24, const fp_ecm_plan *plan, unsigned last,
                               const fp_vec_mod *m, void *scratch) {
    point *multiple = scratch; /* multiple[j / 3] = j q for j = 1, 5, 7, 11, ... up to D/2 + 2 */
    point *all = multiple + plan->giant / 6 + 2, *giants = all + plan->babies;
    fp_vec *x = &(all + plan->babies + last)->x;
    point q2 = twice(q, a24, m), q3 = add(q2, q, q, m), q4 = twice(q2, a24, m), q6 = twice(q3, a24, m);
    unsigned half = plan->giant / 2, gap = half % 2 ? 4 : 2, count = plan->babies + last, i;
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
    return x;
}
