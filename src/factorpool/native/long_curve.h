/* Curves of ECM for one modulus of FP_LIMBS words; to be included with FP_LIMBS and FP_LONG, the name of the result. */
#include "long.h"
#include "long_field.h"
/* The curves are written on it. */
#include "lanes_curve.h"
#include "lanes_p1.h"

/* One of Suyama's curves, of sigma: u = sigma^2 - 5, v = 4 sigma, the point (u^3 : v^3), and (A + 2) / 4 = (v - u)^3 (3 u + v) /
 * (16 u^3 v). */
static point of_sigma(int64_t sigma, fraction *a24, const fp_vec_mod *m) {
    fp_vec u = fp_vec_constant(sigma * sigma - 5, m), v = fp_vec_constant(4 * sigma, m);
    fp_vec difference = fp_vec_mul(fp_vec_sub(v, u, m), m->one, m);
    fp_vec sum = fp_vec_constant(3 * (sigma * sigma - 5) + 4 * sigma, m);
    point p = {fp_vec_mul(fp_vec_sqr(u, m), u, m), fp_vec_mul(fp_vec_sqr(v, m), v, m)};
    a24->numerator = fp_vec_mul(fp_vec_mul(fp_vec_sqr(difference, m), difference, m), sum, m);
    a24->denominator = fp_vec_mul(fp_vec_mul(p.x, v, m), fp_vec_constant(16, m), m);
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

/* Whether one of two multiples gives a proper factor: of both stages, and of the first, for all primes may be found, but not in one. */
static int takes(fp_vec both, fp_vec first, const fp_vec_mod *m, uint64_t *factor) {
    fp_vec found = fp_vec_gcd(both, m);
    if (fp_vec_same(found, m->n)) found = fp_vec_gcd(first, m);
    return fp_vec_proper(found, m, factor);
}

static int p1(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor) {
    const fp_vec_mod m = fp_vec_load(n);
    const fp_vec two = fp_vec_constant(2, &m);
    fp_vec v = p1_stage1(two_sevenths(&m), two, level->op, level->op_end, &m), first = fp_vec_sub(v, two, &m);
    return takes(fp_vec_mul(p1_stage2(v, two, level->plan, level->steps, &m, scratch), first, &m),
                 fp_vec_mul(first, m.one, &m), &m, factor);
}

/* Whole chains of stage 1, and giant steps of stage 2, between one look at what may end the run and the next: some 1 000
 * multiplications. */
#define SLICE_OPS 160
#define SLICE_STEPS 8

static int curves(const uint64_t *n, const fp_ecm_level *level, int64_t first, int64_t count, void *scratch,
                  const fp_control *control, uint64_t *factor) {
    const fp_vec_mod m = fp_vec_load(n);
    for (int64_t sigma = first; sigma < first + count; sigma++) {
        fraction a24;
        point p = of_sigma(sigma, &a24, &m);
        for (const uint8_t *op = level->op, *end; op < level->op_end; op = end) {
            if (fp_poll(control)) return FP_STOPPED;
            for (end = op + 1; end < level->op_end && (end < op + SLICE_OPS || *end != FP_OP_START); end++) continue;
            p = stage1(p, &a24, op, end, &m);
        }
        const fp_vec *x = stage2_residues(p, &a24, level->plan, level->steps, &m, scratch);
        fp_vec product = p.z;
        for (unsigned step = 0; step < level->steps; step += SLICE_STEPS) {
            if (fp_poll(control)) return FP_STOPPED;
            const unsigned end = step + SLICE_STEPS < level->steps ? step + SLICE_STEPS : level->steps;
            product = fp_vec_mul(product, pairs(x, level->plan, step, end, &m), &m);
        }
        if (takes(product, p.z, &m, factor)) return FP_OK;
    }
    return FP_OK;
}

const fp_long_field FP_LONG = {FP_LIMBS, curves, p1};
