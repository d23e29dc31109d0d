/* Splits composites by the elliptic curve method: the way of choice once the smallest factor has some 15 bits or more.
 *
 * H. W. Lenstra, "Factoring integers with elliptic curves", Ann. of Math. 126 (1987); curves in Montgomery's form with
 * X : Z coordinates, stage 1 along Lucas chains and a baby-step giant-step stage 2 as in P. L. Montgomery, "Speeding the
 * Pollard and elliptic curve methods of factorization", Math. Comp. 48 (1987).  What does not depend on the number (curves,
 * chains, pairs) stands in ecm_tables.h.  A lane is a number on a curve; numbers that are done give their lane to the
 * next, and a number alone gets all lanes, a curve each. */
#include "ecm_tables.h"
#include "integer.h"
#include "kernel.h"
#include "lanes.h"

typedef struct {
    fp_vec x, z;
} point;

/* P + Q, given D = P - Q: 6 multiplications. */
static FP_INLINE point add(point p, point q, point d, const fp_vec_mont *m) {
    fp_vec u = fp_vec_mul(fp_vec_sub(p.x, p.z, m), fp_vec_add(q.x, q.z, m), m);
    fp_vec v = fp_vec_mul(fp_vec_add(p.x, p.z, m), fp_vec_sub(q.x, q.z, m), m);
    fp_vec s = fp_vec_add(u, v, m), t = fp_vec_sub(u, v, m);
    point r = {fp_vec_mul(fp_vec_sqr(s, m), d.z, m), fp_vec_mul(fp_vec_sqr(t, m), d.x, m)};
    return r;
}

/* 2 P, given a24 = (A + 2) / 4: 5 multiplications. */
static FP_INLINE point twice(point p, fp_vec a24, const fp_vec_mont *m) {
    fp_vec s = fp_vec_sqr(fp_vec_add(p.x, p.z, m), m), d = fp_vec_sqr(fp_vec_sub(p.x, p.z, m), m);
    fp_vec c = fp_vec_sub(s, d, m);
    point r = {fp_vec_mul(s, d, m), fp_vec_mul(c, fp_vec_add(d, fp_vec_mul(a24, c, m), m), m)};
    return r;
}

/* Stage 1: the interpreter of the chains; A, B and C = A - B are the points of Montgomery's PRAC. */
static point stage1(point a, fp_vec a24, const uint8_t *op, const uint8_t *end, const fp_vec_mont *m) {
    point b = a, c = a, t;
    for (; op < end; op++) {
        if (*op & OP_SWAP) t = a, a = b, b = t;
        switch (*op & ~OP_SWAP) {
        case OP_ADD:
            t = add(a, b, c, m), c = b, b = t;
            break;
        case OP_ADD_DOUBLE:
            b = add(a, b, c, m), a = twice(a, a24, m);
            break;
        case OP_START:
            b = c = a, a = twice(a, a24, m);
            break;
        case OP_END:
            a = add(a, b, c, m);
            break;
        case OP_TWICE:
            a = twice(a, a24, m);
            break;
        }
    }
    return a;
}

/* Giant steps of D over baby steps j < D/2 coprime to D. */
typedef struct {
    unsigned giant; /* D, a multiple of 6 */
    unsigned babies;
    const uint8_t *baby;      /* the values j */
    const uint16_t *pair_end; /* pair_end[i]: where the pairs of the i-th giant step begin, and those before it end */
    const uint8_t *pair;      /* indices of baby steps */
} stage2_plan;

#define PLAN(d) {d, sizeof babies_##d, babies_##d, pair_ends_##d, pairs_##d}
static const stage2_plan plans[] = {PLAN(60), PLAN(90), PLAN(120), PLAN(210)};

#define MAX_GIANT 210
#define MAX_BABIES 24
#define MAX_STEPS 40

/* Stage 2: a multiple of p where the order of q modulo p is a prime that the plan's first `last` giant steps cover.
 *
 * m D q = +-j q modulo p exactly where their x / z agree.  All points are first brought to one common z, so that a pair
 * costs one subtraction and one multiplication. */
static fp_vec stage2(point q, fp_vec a24, const stage2_plan *plan, unsigned last, const fp_vec_mont *m) {
    point multiple[MAX_GIANT / 2 + 4]; /* multiple[j] = j q for j = 1, 5, 7, 11, ... up to D/2 + 2 */
    point q2 = twice(q, a24, m), q3 = add(q2, q, q, m), q4 = twice(q2, a24, m), q6 = twice(q3, a24, m);
    unsigned half = plan->giant / 2, gap = half % 2 ? 4 : 2, count = plan->babies + last, i, step;
    multiple[1] = q;
    multiple[5] = add(q3, q2, q, m);
    multiple[7] = add(q4, q3, q, m);
    multiple[11] = add(q6, multiple[5], q, m);
    multiple[13] = add(q6, multiple[7], q, m);
    for (i = 17; i <= half + 2; i += i % 6 == 1 ? 4 : 2) multiple[i] = add(multiple[i - 6], q6, multiple[i - 12], m);

    point all[MAX_BABIES + MAX_STEPS], *giants = all + plan->babies;
    for (i = 0; i < plan->babies; i++) all[i] = multiple[plan->baby[i]];
    giants[0] = add(multiple[half + gap / 2], multiple[half - gap / 2], gap == 2 ? q2 : q4, m);
    giants[1] = twice(giants[0], a24, m);
    for (i = 2; i < last; i++) giants[i] = add(giants[i - 1], giants[0], giants[i - 2], m);

    /* x_i times the product of all other z. */
    fp_vec before[MAX_BABIES + MAX_STEPS], x[MAX_BABIES + MAX_STEPS], after = fp_vec_one(m);
    before[0] = after;
    for (i = 1; i < count; i++) before[i] = fp_vec_mul(before[i - 1], all[i - 1].z, m);
    for (i = count; i-- > 0;) {
        x[i] = fp_vec_mul(fp_vec_mul(before[i], after, m), all[i].x, m);
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

/* a / d modulo n for a 32-bit constant d coprime to n: (a + k n) / d for the one k < d that makes it exact. */
static uint64_t divide_by_constant(uint64_t a, uint32_t d, const fp_mont *m) {
    /* Euclid for 1 / n modulo d. */
    int64_t s = 0, t = 1;
    uint32_t r = d, u = (uint32_t)(m->n % d);
    while (u > 1) {
        uint32_t quotient = r / u, rest = r % u;
        int64_t next = s - (int64_t)quotient * t;
        r = u, u = rest;
        s = t, t = next;
    }
    uint64_t inverse = t < 0 ? (uint64_t)(t + d) : (uint64_t)t;
    uint64_t k = (d - (uint32_t)(a % d)) * inverse % d;
    return (a + k * m->n) * fp_inverse64(d);
}

/* A small signed constant into Montgomery form; square_of_radix is 2^128 mod n. */
static uint64_t from_constant(int64_t c, uint64_t square_of_radix, const fp_mont *m) {
    uint64_t r = fp_mul(square_of_radix, c < 0 ? 0 - (uint64_t)c : (uint64_t)c, m);
    return c < 0 && r ? m->n - r : r;
}

/* How far one curve goes. */
typedef struct {
    uint8_t bits;  /* for numbers of up to so many bits */
    uint8_t b1;    /* index into stage1_end */
    uint8_t plan;  /* index into plans */
    uint8_t steps; /* giant steps */
} level;

/* The level by the size of the number, of which the smallest factor has at most half the bits.  See "Cutovers" in README.md for
 * the measurement; the optimum is flat, 20 % up or down in either bound costs 2 %. */
static const level levels[] = {
    {38, 0, 0, 4},  /* B1 = 27, B2 = 240 */
    {42, 0, 0, 8},  /* 27, 480 */
    {48, 1, 1, 12}, /* 47, 1080 */
    {51, 2, 2, 16}, /* 70, 1920 */
    {55, 3, 3, 20}, /* 85, 4200 */
    {60, 4, 3, 28}, /* 125, 5880 */
    {62, 5, 3, 36}, /* 165, 7560 */
    {64, 6, 3, 40}, /* 205, 8400 */
};
#define LEVELS (sizeof levels / sizeof *levels)

/* Most composites have a factor far below their square root, so the first curve of a number whose level is SCOUT_FROM or higher
 * is a cheap one, SCOUT_DROP levels lower but at most SCOUT_MOST: uniform 64-bit numbers gain 10 %, semiprimes lose 2 %. */
#define SCOUT_FROM 3
#define SCOUT_DROP 2
#define SCOUT_MOST 2

#define CURVES (sizeof ecm_curves / sizeof *ecm_curves)

/* A number that is being split. */
typedef struct {
    size_t index;   /* among the numbers */
    unsigned curve; /* the next to run */
    fp_mont m;
    uint64_t radix2; /* 2^128 mod n */
} job;

/* One curve in every lane, lane k for job k modulo `count`; found[k] is a proper factor, or 0. */
static void run_curves(job *jobs, int count, const level *l, uint64_t *found) {
    fp_vec_mont m;
    fp_vec a24;
    point p;
    for (int k = 0; k < FP_LANES; k++) {
        job *j = &jobs[k % count];
        const ecm_curve *curve = &ecm_curves[j->curve++ % CURVES];
        m.at[k] = j->m;
        a24.at[k] = divide_by_constant(from_constant(curve->numerator, j->radix2, &j->m), curve->denominator, &j->m);
        p.x.at[k] = from_constant(curve->x, j->radix2, &j->m);
        p.z.at[k] = from_constant(curve->z, j->radix2, &j->m);
    }
    p = stage1(p, a24, stage1_ops, stage1_ops + stage1_end[l->b1], &m);
    fp_vec product = fp_vec_mul(stage2(p, a24, &plans[l->plan], l->steps, &m), p.z, &m);
    for (int k = 0; k < FP_LANES; k++) {
        found[k] = fp_gcd(product.at[k], m.at[k].n);
        if (found[k] == m.at[k].n) found[k] = fp_gcd(p.z.at[k], m.at[k].n); /* both primes: perhaps not in one stage */
        if (found[k] == 1 || found[k] == m.at[k].n) found[k] = 0;
    }
}

/* Runs curves from `first` to `end` of level `l`, until a factor is found, on the numbers that are of the level and still
 * without a factor. */
static void run_level(const uint64_t *numbers, const uint8_t *level_of, size_t count, unsigned l, unsigned first,
                      unsigned end, uint64_t *factors) {
    job jobs[FP_LANES];
    size_t next = 0;
    for (int open = 0;;) {
        for (; next < count && open < FP_LANES; next++)
            if (level_of[next] == l && factors[next] == 0) {
                job *j = &jobs[open++];
                j->index = next, j->curve = first;
                j->m = fp_mont_init(numbers[next]);
                j->radix2 = fp_mont_square_of_radix(&j->m);
            }
        if (open == 0) return;
        uint64_t found[FP_LANES];
        run_curves(jobs, open, &levels[l], found);
        for (int k = 0; k < FP_LANES; k++)
            if (found[k]) factors[jobs[k % open].index] = found[k];
        int still = 0;
        for (int k = 0; k < open; k++)
            if (factors[jobs[k].index] == 0 && jobs[k].curve < end) jobs[still++] = jobs[k];
        open = still;
    }
}

void fp_ecm(const uint64_t *numbers, size_t count, uint64_t *factors) {
    uint8_t full[FP_ECM_BATCH], scout[FP_ECM_BATCH];
    for (size_t i = 0; i < count; i++) {
        unsigned bits = 64 - (unsigned)__builtin_clzll(numbers[i]), l = 0;
        while (levels[l].bits < bits) l++;
        full[i] = (uint8_t)l;
        scout[i] = (uint8_t)(l < SCOUT_FROM ? LEVELS : l - SCOUT_DROP < SCOUT_MOST ? l - SCOUT_DROP : SCOUT_MOST);
        factors[i] = 0;
    }
    for (unsigned l = 0; l < LEVELS; l++) run_level(numbers, scout, count, l, 0, 1, factors);
    for (unsigned l = 0; l < LEVELS; l++) run_level(numbers, full, count, l, l < SCOUT_FROM ? 0 : 1, CURVES, factors);
}
