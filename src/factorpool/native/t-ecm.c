/* Tests ecm.c: every factor it gives is a proper one, and it gives one wherever it should. */
#include "ecm_tables.h"
#include "integer.h"
#include "isa.h"
#include "t.h"

typedef struct {
    uint64_t p, q;
    const char *name;
} named;

/* clang-format off */
static const named cases[] = {
    {8209, 8219, "primes just beyond those of trial division"},
    {16769023, 16777213, "two primes of 24 bits"},
    {33554393, 33554383, "just below 2^50, where one limb of IFMA ends"},
    {759250111, 759250091, "just below 2^59, where residues of one word are no longer left unreduced"},
    {4294967291u, 4294967279u, "the greatest semiprime of one word"},
    {4294967311u, 4294967291u, "just beyond 2^64"},
    {281474976710597u, 281474976710591u, "just below 2^96, where two limbs of doubles end"},
    {1125899906842597u, 1125899906842589u, "just below 2^100, where two limbs end"},
    {641, 6700417, "2^32 + 1"},
};
/* clang-format on */

static void check_batch(const fp_u128 *numbers, size_t count, const char *name) {
    fp_u128 *factors = malloc(count * sizeof *factors);
    if (fp_ecm(t_isa, numbers, count, 128, NULL, factors) != FP_OK) t_fail("fp_ecm", count);
    for (size_t i = 0; i < count; i++) {
        if (factors[i] == 0 && numbers[i] >> 64 == 0) continue; /* rho is next */
        if (factors[i] == 0 && numbers[i] >> 90) continue;      /* the small sieve is */
        if (factors[i] <= 1 || factors[i] >= numbers[i] || numbers[i] % factors[i]) t_fail(name, numbers[i]);
    }
    free(factors);
}

/* Every prime from a B1 to the end of a plan divides m D - j or m D + j for one of its pairs. */
static void check_plans(void) {
    for (size_t i = 1; i < sizeof plans / sizeof *plans; i++) {
        const fp_ecm_plan *plan = &plans[i];
        const uint64_t end = plan->giant * plan->steps + plan->giant / 2;
        if (plan->giant > FP_MAX_GIANT || plan->steps > FP_MAX_STEPS || plan->babies > FP_MAX_BABIES) t_fail("plan", i);
        for (uint64_t p = plan_from[i - 1] + 1; p <= end; p++) {
            int found = !t_is_prime(p);
            for (unsigned step = 0; step < plan->steps && !found; step++)
                for (uint32_t k = plan->pair_end[step]; k < plan->pair_end[step + 1] && !found; k++) {
                    const uint64_t giant = plan->giant * (step + 1), baby = plan->baby[plan->pair[k]];
                    found = (giant - baby) % p == 0 || (giant + baby) % p == 0;
                }
            if (!found) t_fail("prime of a plan", p);
        }
    }
}

#define FAR (40 * 420) /* where stage 2 ends; it looks at half a step more */

/* Do p - 1 and p + 1 find p, with B1 = 850: are the powers of primes in the order, but for one prime, small enough?  Never, if a prime
 * is beyond all that stage 2 looks at. */
static int found_by_p1(uint64_t p, int *never) {
    uint64_t order = p % 3 == 1 ? p - 1 : p + 1, largest = 1;
    int smooth = 1;
    for (uint64_t q = 2; q * q <= order && q <= 2 * FAR; q++) {
        uint64_t power = 1;
        for (; order % q == 0; order /= q) power *= q, largest = q;
        if (power > 850 * (q == 2 ? 4 : q == 3 ? 3 : 1)) smooth = 0;
    }
    if (order > largest) largest = order;
    *never = largest > 2 * FAR;
    return smooth && largest < FAR;
}

static uint64_t prime_for_p1(int bits, int found) {
    for (;;) {
        uint64_t p = t_prime_of(bits);
        int never, is_found = found_by_p1(p, &never);
        if (found ? is_found : never) return p;
    }
}

/* In every lane of every arithmetic, p - 1 or p + 1, whichever it is, finds the one prime and not the other. */
static void check_p1(void) {
    static _Alignas(FP_SCRATCH_ALIGN) unsigned char scratch[FP_ECM_SCRATCH];
    const fp_ecm_level far = {p1_ops, p1_ops + p1_end[10], &plans[15]};
    for (size_t f = 0; f < sizeof t_isa->field / sizeof *t_isa->field && t_isa->field[f]; f++) {
        const fp_field *field = t_isa->field[f];
        int half = field->bits <= 64 ? field->bits / 2 : 36, rest = field->bits - half < 50 ? field->bits - half : 50;
        if (field->bits > 100) rest = 64; /* the arithmetic asks for 97 bits */
        fp_u128 n[FP_MOST_LANES], factor[FP_MOST_LANES];
        uint64_t p[FP_MOST_LANES];
        for (int k = 0; k < field->lanes; k++) n[k] = (fp_u128)(p[k] = prime_for_p1(half, 1)) * prime_for_p1(rest, 0);
        field->p1(n, &far, scratch, factor);
        for (int k = 0; k < field->lanes; k++)
            if (factor[k] != p[k]) t_fail("p - 1 and p + 1", n[k]);
    }
}

void t_ecm(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fp_u128 same[FP_MOST_LANES + 1], n = (fp_u128)cases[i].p * cases[i].q; /* in every lane, and one more */
        size_t f = 0;
        while (t_isa->field[f]->bits < fp_bits(n)) f++;
        for (size_t k = 0; k <= FP_MOST_LANES; k++) same[k] = n;
        check_batch(same, 1, cases[i].name);
        check_batch(same, (size_t)t_isa->field[f]->lanes + 1, cases[i].name);
    }
    check_plans();
    check_p1();
    for (size_t done = 0; done < count / 50; done += 200) {
        fp_u128 batch[200];
        int half = 14 + (int)(t_next() % 26);
        for (size_t i = 0; i < 200; i++) batch[i] = (fp_u128)t_prime_of(half) * t_prime_of(half);
        check_batch(batch, 200, "fp_ecm of two primes");
    }
}
