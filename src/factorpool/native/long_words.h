/* Curves, p - 1 and p + 1 for one modulus of FP_LIMBS words; to be included with FP_LIMBS and FP_LONG, the name of the result. */
#include "long_field.h"
/* The methods are written on it. */
#include "long_curve.h"

#include "lanes_p1.h" /* which takes pairs as they do */

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
static int proper(fp_vec both, fp_vec first, const fp_vec_mod *m, uint64_t *factor) {
    fp_vec found = fp_vec_gcd(both, m);
    if (fp_vec_same(found, m->n)) found = fp_vec_gcd(first, m);
    return fp_vec_proper(found, m, factor);
}

/* One greatest common divisor says of all lanes that there is none. */
static int takes(const uint64_t *n, const fp_long_found *found, int lanes, uint64_t *factor) {
    const fp_vec_mod m = fp_vec_modulus(n);
    fp_vec both, first, all;
    memcpy(&all, found->both, sizeof all);
    for (int k = 1; k < lanes; k++) {
        memcpy(&both, found[k].both, sizeof both);
        all = fp_vec_mul(all, both, &m);
    }
    if (fp_vec_same(fp_vec_gcd(all, &m), (fp_vec){{1}})) return 0;
    for (int k = 0; k < lanes; k++) {
        memcpy(&both, found[k].both, sizeof both), memcpy(&first, found[k].first, sizeof first);
        if (proper(both, first, &m, factor)) return 1;
    }
    return 0;
}

static int p1(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor) {
    const fp_vec_mod m = fp_vec_load(n);
    const fp_vec two = fp_vec_constant(2, &m);
    fp_vec v = p1_stage1(two_sevenths(&m), two, level->op, level->op_end, &m), first = fp_vec_sub(v, two, &m);
    return proper(fp_vec_mul(p1_stage2(v, two, level->plan, &m, scratch), first, &m), fp_vec_mul(first, m.one, &m), &m,
                  factor);
}

const fp_long_field FP_LONG = {{FP_LONG_CAPACITY, FP_LANES, sizeof(fp_vec), run}, takes, p1};
