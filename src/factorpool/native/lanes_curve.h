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

/* R = P + Q, given D = P - Q: 6 multiplications.  R may be one of the others. */
FP_POINT void add(point *r, const point *p, const point *q, const point *d, const fp_vec_mod *m) {
    fp_vec u = fp_vec_mul(fp_vec_sub(p->x, p->z, m), fp_vec_add(q->x, q->z, m), m);
    fp_vec v = fp_vec_mul(fp_vec_add(p->x, p->z, m), fp_vec_sub(q->x, q->z, m), m);
    fp_vec s = fp_vec_sqr(fp_vec_add(u, v, m), m), t = fp_vec_sqr(fp_vec_sub(u, v, m), m);
    s = fp_vec_mul(s, d->z, m), t = fp_vec_mul(t, d->x, m);
    r->x = s, r->z = t;
}

/* (A + 2) / 4 of the curves as a fraction: a sixth multiplication for each doubling is cheaper than an inverse. */
typedef struct {
    fp_vec numerator, denominator;
} fraction;

/* R = 2 P: 6 multiplications. */
FP_POINT void twice(point *r, const point *p, const fraction *a, const fp_vec_mod *m) {
    fp_vec s = fp_vec_sqr(fp_vec_add(p->x, p->z, m), m), d = fp_vec_sqr(fp_vec_sub(p->x, p->z, m), m);
    fp_vec c = fp_vec_sub(s, d, m), e = fp_vec_mul(d, a->denominator, m);
    r->x = fp_vec_mul(s, e, m);
    r->z = fp_vec_mul(c, fp_vec_add(e, fp_vec_mul(a->numerator, c, m), m), m);
}

/* Stage 1: the interpreter of the chains. */
static void stage1(point *start, const fraction *a24, const uint8_t *op, const uint8_t *end, const fp_vec_mod *m) {
    point points[4] = {*start}, *a = &points[0], *b = &points[1], *c = &points[2], *t = &points[3];
    for (; op < end; op++) {
        if (*op & FP_OP_SWAP) {
            point *other = a;
            a = b, b = other;
        }
        switch (*op & ~FP_OP_SWAP) {
        case FP_OP_ADD: {
            point *free = c;
            add(t, a, b, c, m), c = b, b = t, t = free;
            break;
        }
        case FP_OP_ADD_DOUBLE:
            add(b, a, b, c, m), twice(a, a, a24, m);
            break;
        case FP_OP_START:
            *b = *c = *a, twice(a, a, a24, m);
            break;
        case FP_OP_END:
            add(a, a, b, c, m);
            break;
        case FP_OP_TWICE:
            twice(a, a, a24, m);
            break;
        }
    }
    *start = *a;
}

/* The product of giant - baby for the pairs of giant steps [from, to), whose residues stand in x after those of baby steps. */
static fp_vec pairs(const fp_vec *x, const fp_ecm_plan *plan, unsigned from, unsigned to, const fp_vec_mod *m) {
    /* Two products side by side hide the latency of the multiplication. */
    fp_vec even = fp_vec_one(m), odd = even;
    for (unsigned step = from; step < to; step++) {
        const fp_vec *giant = &x[plan->babies + step];
        const uint8_t *pair = plan->pair + plan->pair_end[step], *end = plan->pair + plan->pair_end[step + 1];
        for (; pair + 1 < end; pair += 2) {
            even = fp_vec_mul(even, fp_vec_sub(*giant, x[pair[0]], m), m);
            odd = fp_vec_mul(odd, fp_vec_sub(*giant, x[pair[1]], m), m);
        }
        if (pair < end) even = fp_vec_mul(even, fp_vec_sub(*giant, x[*pair], m), m);
    }
    return fp_vec_mul(even, odd, m);
}

/* Stage 2 is the product of `pairs`: a multiple of p where the order of q modulo p is a prime that the plan covers.  Here are the
 * residues that it takes.
 *
 * m D q = +-j q modulo p exactly where their x / z agree.  All points are first brought to one common z, so that a pair
 * costs one subtraction and one multiplication. */
static fp_vec *stage2_residues(const point *q, const fraction *a24, const fp_ecm_plan *plan, const fp_vec_mod *m,
                               void *scratch) {
    const unsigned last = plan->steps;
    point *multiple = scratch; /* multiple[j / 3] = j q for j = 1, 5, 7, 11, ... up to D/2 + 2 */
    point *all = multiple + plan->giant / 6 + 2, *giants = all + plan->babies;
    fp_vec *x = &(all + plan->babies + last)->x;
    point q2, q3, q4, q6;
    twice(&q2, q, a24, m), add(&q3, &q2, q, q, m), twice(&q4, &q2, a24, m), twice(&q6, &q3, a24, m);
    unsigned half = plan->giant / 2, gap = half % 2 ? 4 : 2, count = plan->babies + last, i;
    multiple[0] = *q;
    add(&multiple[1], &q3, &q2, q, m);
    add(&multiple[2], &q4, &q3, q, m);
    add(&multiple[3], &q6, &multiple[1], q, m);
    add(&multiple[4], &q6, &multiple[2], q, m);
    for (i = 5; i <= (half + 2) / 3; i++) add(&multiple[i], &multiple[i - 2], &q6, &multiple[i - 4], m);

    for (i = 0; i < plan->babies; i++) all[i] = multiple[plan->baby[i] / 3];
    add(&giants[0], &multiple[(half + gap / 2) / 3], &multiple[(half - gap / 2) / 3], gap == 2 ? &q2 : &q4, m);
    twice(&giants[1], &giants[0], a24, m);
    for (i = 2; i < last; i++) add(&giants[i], &giants[i - 1], &giants[0], &giants[i - 2], m);

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
