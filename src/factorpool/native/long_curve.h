/* A curve of ECM in each lane, for one modulus of more than 128 bits; to be included after the arithmetic of fp_vec. */
#include "lanes_curve.h"

/* Suyama's curves, of sigma = first, first + 1, ...: u = sigma^2 - 5, v = 4 sigma, the point (u^3 : v^3), and (A + 2) / 4 =
 * (v - u)^3 (3 u + v) / (16 u^3 v). */
static point of_sigma(int64_t first, fraction *a24, const fp_vec_mod *m) {
    int64_t us[FP_LANES], vs[FP_LANES], sums[FP_LANES], sixteen[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) {
        const int64_t sigma = first + k;
        us[k] = sigma * sigma - 5, vs[k] = 4 * sigma, sums[k] = 3 * us[k] + vs[k], sixteen[k] = 16;
    }
    const fp_vec u = fp_vec_constants(us, m), v = fp_vec_constants(vs, m), sum = fp_vec_constants(sums, m);
    const fp_vec difference = fp_vec_mul(fp_vec_sub(v, u, m), fp_vec_one(m), m);
    point p = {fp_vec_mul(fp_vec_sqr(u, m), u, m), fp_vec_mul(fp_vec_sqr(v, m), v, m)};
    a24->numerator = fp_vec_mul(fp_vec_mul(fp_vec_sqr(difference, m), difference, m), sum, m);
    a24->denominator = fp_vec_mul(fp_vec_mul(p.x, v, m), fp_vec_constants(sixteen, m), m);
    return p;
}

/* Whole chains of stage 1, and giant steps of stage 2, between one look at what may end the run and the next: some 1 000
 * multiplications. */
#define SLICE_OPS 160
#define SLICE_STEPS 8

static int run(const uint64_t *n, const fp_ecm_level *level, int64_t first, void *scratch, const fp_control *control,
               fp_long_found *found) {
    const fp_vec_mod m = fp_vec_load(n);
    fraction a24;
    point p = of_sigma(first, &a24, &m);
    for (const uint8_t *op = level->op, *end; op < level->op_end; op = end) {
        if (fp_poll(control)) return FP_STOPPED;
        for (end = op + 1; end < level->op_end && (end < op + SLICE_OPS || *end != FP_OP_START); end++) continue;
        stage1(&p, &a24, op, end, &m);
    }
    const fp_vec *x = stage2_residues(&p, &a24, level->plan, &m, scratch);
    fp_vec product = p.z;
    for (unsigned step = 0; step < level->plan->steps; step += SLICE_STEPS) {
        if (fp_poll(control)) return FP_STOPPED;
        const unsigned end = step + SLICE_STEPS < level->plan->steps ? step + SLICE_STEPS : level->plan->steps;
        product = fp_vec_mul(product, pairs(x, level->plan, step, end, &m), &m);
    }
    for (int k = 0; k < FP_LANES; k++) {
        fp_vec_store(product, k, &m, found[k].both);
        fp_vec_store(p.z, k, &m, found[k].first);
    }
    return FP_OK;
}
