/* Tests this folder but for matrices: factor bases, relations, whole factorizations; that all isas find the same. */
#include "../integer.h"
#include "../isa.h"
#include "../t.h"
#include "siqs.h"

/* The words of u modulo n. */
static fp_u128 reduced(const fp_wide *u, fp_u128 n) {
    fp_u128 r = 0, word = t_times((fp_u128)1 << 63, 2, n);
    for (int i = FP_WIDE - 1; i >= 0; i--) r = (t_times(r, word, n) + u->w[i] % n) % n;
    return r;
}

static void check_base(fp_u128 kn, const uint32_t *primes, const uint32_t *roots, size_t count) {
    size_t i = 0;
    for (uint32_t p = 2; i < count; p++) {
        int prime = 1, square = 0;
        for (uint32_t d = 2; d * d <= p && prime; d++) prime = p % d != 0;
        if (!prime) continue;
        for (uint64_t r = 0; r < p && !square; r++) square = r * r % p == kn % p;
        if (square != (primes[i] == p)) t_fail("fp_siqs_base, the primes", p);
        if (!square) continue;
        if ((uint64_t)roots[i] * roots[i] % p != kn % p) t_fail("fp_siqs_base, a root", p);
        i++;
    }
}

/* Each relation by the definition; the same ones on the plain loops.  Answers how many there are. */
static size_t check_family(fp_u128 n, size_t count, unsigned blocks) {
    uint32_t primes[300], roots[300];
    fp_siqs_plan plan = {.primes = primes,
                         .roots = roots,
                         .count = count,
                         .blocks = blocks,
                         .missing = 30,
                         .sieved_from = (uint32_t)(t_next() % 400)};
    plan.kn.w[0] = (uint64_t)n, plan.kn.w[1] = (uint64_t)(n >> 64);
    if (fp_siqs_base(&plan.kn, count, primes, roots) != FP_OK) t_fail("fp_siqs_base", n);
    check_base(n, primes, roots, count);
    plan.large = 30 * primes[count - 1];
    plan.most_left = t_next() % 2 ? plan.large : (uint64_t)plan.large * plan.large;
    uint32_t factors[8];
    unsigned some = 1 + (unsigned)(fp_bits(n) > 60 ? (fp_bits(n) - 45) / 16 : 0); /* primes of about 8 bits */
    for (unsigned i = 0; i < some;) {
        uint32_t f = 5 + (uint32_t)(t_next() % (count / 2));
        int new = roots[f] != 0;
        for (unsigned j = 0; j < i; j++) new &= factors[j] != f;
        if (new) factors[i++] = f;
    }
    fp_siqs_relations found = {0}, plain = {0};
    unsigned flips = some - 1 - (unsigned)(t_next() % some) / 2;
    uint32_t signs = (uint32_t)t_next();
    const fp_isa *simple = fp_isa_choose("generic");
    if (fp_siqs_family(t_isa, &plan, factors, some, flips, signs, NULL, &found) != FP_OK) t_fail("fp_siqs_family", n);
    if (fp_siqs_family(simple, &plan, factors, some, flips, signs, NULL, &plain) != FP_OK) t_fail("fp_siqs_family", n);
    if (found.count != plain.count || found.factors_used != plain.factors_used ||
        (found.count && memcmp(found.u, plain.u, found.count * sizeof *found.u)))
        t_fail("fp_siqs_family beside plain loops", n);
    for (size_t i = 0, at = 0; i < found.count; i++) {
        fp_u128 u = reduced(&found.u[i], n), product = (fp_u128)found.large[i][0] * found.large[i][1] % n;
        for (int j = 0; j < 2; j++)
            if (found.large[i][j] != 1 && (found.large[i][j] > plan.large || !fp_is_prime(t_isa, found.large[i][j])))
                t_fail("fp_siqs_family, a large prime", n);
        for (uint16_t j = 0; j < found.lengths[i]; j++, at++)
            product = found.factors[at] ? t_times(product, primes[found.factors[at] - 1], n) : (n - product) % n;
        if (t_times(u, u, n) != product) t_fail("fp_siqs_family, a relation", n);
    }
    size_t relations = found.count;
    fp_siqs_free(&found), fp_siqs_free(&plain);
    return relations;
}

/* Roots by the definition: a x + b is a root of kn modulo p there; and a step is twice a term over a. */
static void check_begin_small(void) {
    enum { PRIMES = 1500, TERMS = 3, HALF = 5000 };
    static uint16_t primes[PRIMES], roots[PRIMES], first[PRIMES], second[PRIMES], steps[TERMS][PRIMES];
    uint32_t parts[TERMS + 1][3];
    fp_u128 numbers[TERMS + 1];
    for (int j = 0; j <= TERMS; j++) {
        numbers[j] = ((fp_u128)t_next() << 64 | t_next()) >> (46 + t_next() % 40);
        for (int i = 0; i < 3; i++) parts[j][i] = (uint32_t)(numbers[j] >> 26 * i) & (i < 2 ? (1u << 26) - 1 : ~0u);
    }
    size_t count = 0;
    for (uint32_t p = 3 + 2 * (uint32_t)(t_next() % 10000); p < FP_SMALL_LEAST_BEYOND && count < PRIMES; p += 2)
        if (t_is_prime(p)) primes[count] = (uint16_t)p, roots[count++] = (uint16_t)(t_next() % p);
    t_isa->siqs->begin_small((const uint32_t (*)[3])parts, TERMS, HALF, primes, roots, 0, count, first, second,
                             steps[0], PRIMES);
    for (size_t i = 0; i < count; i++) {
        const uint64_t p = primes[i], a = (uint64_t)(numbers[0] % p);
        if (a == 0) continue;
        uint64_t b = 0;
        for (int j = 1; j <= TERMS; j++) {
            b += (uint64_t)(numbers[j] % p);
            if (steps[j - 1][i] >= p || a * steps[j - 1][i] % p != (uint64_t)(2 * numbers[j] % p))
                t_fail("begin_small, a step", p);
        }
        const uint64_t at = (a * first[i] + a * (p - HALF % p) + b) % p,
                       other = (a * second[i] + a * (p - HALF % p) + b) % p;
        if (first[i] >= p || second[i] >= p || at != roots[i] || other != (p - roots[i]) % p)
            t_fail("begin_small, a root", p);
    }
}

/* A proper factor of nearly every product of two primes. */
static void check_small(size_t count) {
    fp_small_memory *memory = NULL;
    size_t none = 0;
    for (size_t i = 0; i < count; i++) {
        int bits = 30 + (int)(t_next() % 15), more = (int)(t_next() % 12);
        fp_u128 p = t_prime_of(bits), q = t_prime_of(bits + more), n = p * q, factor;
        if (p == q) continue;
        if (fp_siqs_small128(t_isa, n, &memory, NULL, &factor) != FP_OK) t_fail("fp_siqs_small", n);
        if (factor && factor != p && factor != q) t_fail("fp_siqs_small, the factor", n);
        none += factor == 0;
    }
    if (none > 1 + count / 100) t_fail("fp_siqs_small, which found too few", none);
    free(memory);
}

/* The same for products of three primes, one of them nearly as long as the small sieve takes. */
static void check_small_wide(size_t count) {
    fp_small_memory *memory = NULL;
    size_t none = 0;
    for (size_t i = 0; i < count; i++) {
        const fp_wide one = {{1}};
        uint64_t p[3];
        for (int j = 0; j < 3; j++) p[j] = t_prime_of(j < 2 ? 60 : i ? 12 + (int)(t_next() % 25) : 55);
        fp_wide n, factor, part[6]; /* all that divides n properly */
        for (int j = 0; j < 3; j++) fp_wide_scale(&part[j], &one, (int64_t)p[j]);
        for (int j = 0; j < 3; j++) fp_wide_scale(&part[3 + j], &part[j], (int64_t)p[(j + 1) % 3]);
        fp_wide_scale(&n, &part[3], (int64_t)p[2]);
        if (fp_siqs_small(t_isa, &n, &memory, NULL, &factor) != FP_OK) t_fail("fp_siqs_small", n.w[0]);
        int divides = 0;
        for (int j = 0; j < 6; j++) divides |= memcmp(&factor, &part[j], sizeof factor) == 0;
        none += fp_wide_length(&factor) == 0;
        if (fp_wide_length(&factor) && !divides) t_fail("fp_siqs_small, a factor of three words", n.w[0]);
    }
    if (none > 1 + count / 100) t_fail("fp_siqs_small, which found too few of three words", none);
    free(memory);
}

void t_siqs(size_t count) {
    size_t found = check_family((fp_u128)1000000016000000063u, 60, 2); /* 1000000007 1000000009 */
    for (size_t i = 0; i < 6 + count / 100000; i++) {
        int bits = 30 + (int)(t_next() % 20);
        found += check_family((fp_u128)t_prime_of(bits) * t_prime_of(bits + 3), 100 + t_next() % 200, 1 + i % 3);
    }
    if (found < 50) t_fail("fp_siqs_family, which found too few", found);
    for (size_t i = 0; i < 20 + count / 1000; i++) check_begin_small();
    check_small((count < 2000 ? 10 : 30) + count / 1000), check_small_wide((count < 2000 ? 2 : 4) + count / 50000);
}
