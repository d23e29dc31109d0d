/* p - 1 and p + 1 in one, in the arithmetic of fp_vec that the including file has defined: each prime p of n is tried by one of them.
 *
 * H. C. Williams, "A p + 1 method of factoring", Math. Comp. 39 (1982).  With V_0 = 2, V_1 = 2 / 7, V_k = r^k + 1 / r^k for a root r
 * of x^2 - 2 x / 7 + 1, whose discriminant is -3 times a square: modulo p = 1 (mod 3) r is one of p - 1 residues, else one of the
 * p + 1 elements of norm 1 of a field with p^2 elements.  6 divides the one as it does the other, so that they are smooth more
 * often than p - 1 or p + 1 of all primes.  V_(k+l) = V_k V_l - V_(k-l) takes a multiplication, a sum of points six. */
#include "ecm.h"
#include "mont.h"

/* 2 / 7 modulo n is (2 + k n) / 7 with this k, by n modulo 7. */
static const uint8_t p1_quotient[7] = {0, 5, 6, 4, 3, 1, 2};

/* Stage 1: V_(k e) of V_k, for the product e of prime powers that the program stands for (ecm.h). */
static FP_INLINE fp_vec p1_stage1(fp_vec v, fp_vec two, const uint8_t *op, const uint8_t *end, const fp_vec_mod *m) {
    fp_vec r[4] = {v, v, v, two};
    for (; op < end; op++) r[*op >> 6] = fp_vec_mul_sub(r[*op >> 4 & 3], r[*op >> 2 & 3], r[*op & 3], m);
    return r[0];
}

/* Stage 2: a multiple of p where the order is a prime that the plan covers: m D = +-j modulo that prime exactly where V_(m D) =
 * V_j modulo p. */
static FP_INLINE fp_vec p1_stage2(fp_vec v, fp_vec two, const fp_ecm_plan *plan, const fp_vec_mod *m, void *scratch) {
    const unsigned last = plan->steps;
    fp_vec *x = scratch, *multiple = x + FP_MAX_BABIES + FP_MAX_STEPS, *giants = x + plan->babies;
    fp_vec v2 = fp_vec_mul_sub(v, v, two, m), v3 = fp_vec_mul_sub(v2, v, v, m), v4 = fp_vec_mul_sub(v2, v2, two, m),
           v6 = fp_vec_mul_sub(v3, v3, two, m);
    unsigned half = plan->giant / 2, gap = half % 2 ? 4 : 2, i;
    multiple[0] = v;
    multiple[1] = fp_vec_mul_sub(v3, v2, v, m);
    multiple[2] = fp_vec_mul_sub(v6, v, multiple[1], m);
    multiple[3] = fp_vec_mul_sub(v6, multiple[1], v, m);
    for (i = 4; i <= (half + 2) / 3; i++) multiple[i] = fp_vec_mul_sub(v6, multiple[i - 2], multiple[i - 4], m);

    for (i = 0; i < plan->babies; i++) x[i] = multiple[plan->baby[i] / 3];
    giants[0] = fp_vec_mul_sub(multiple[(half + gap / 2) / 3], multiple[(half - gap / 2) / 3], gap == 2 ? v2 : v4, m);
    giants[1] = fp_vec_mul_sub(giants[0], giants[0], two, m);
    for (i = 2; i < last; i++) giants[i] = fp_vec_mul_sub(giants[i - 1], giants[0], giants[i - 2], m);
    return pairs(x, plan, 0, last, m);
}
