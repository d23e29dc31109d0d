/* Tests ecm.c: every factor it gives is a proper one, and it gives one wherever it should. */
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

/* Numbers of two words in arithmetics of three to six: a prime of 20 bits has to be found. */
static void check_long(void) {
    static const int bits[] = {187, 251, 315, FP_ECM_LONG_BITS};
    for (int i = 0; i < 12; i++) {
        uint64_t p = t_prime_of(20), q = t_prime_of(60), factor[FP_LONG_WORDS];
        fp_u128 n = (fp_u128)p * q;
        uint64_t words[FP_LONG_WORDS] = {(uint64_t)n, (uint64_t)(n >> 64)};
        if (fp_ecm_long(words, bits[i % 4], 25, 0, 50, NULL, factor) != FP_OK) t_fail("fp_ecm_long", n);
        for (int k = 1; k < FP_LONG_WORDS; k++)
            if (factor[k]) t_fail("fp_ecm_long, a factor too long", n);
        if (factor[0] != p && factor[0] != q) t_fail("fp_ecm_long, the factor", n);
        uint64_t prime[FP_LONG_WORDS] = {q};
        if (fp_ecm_long(prime, bits[i % 4], 25, 0, 2, NULL, factor) != FP_OK || factor[0]) t_fail("a prime", q);
    }
}

void t_ecm(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fp_u128 same[70]; /* in every lane, and more than there are */
        for (size_t k = 0; k < 70; k++) same[k] = (fp_u128)cases[i].p * cases[i].q;
        check_batch(same, 1, cases[i].name);
        check_batch(same, 70, cases[i].name);
    }
    check_long();
    for (size_t done = 0; done < count / 50; done += 200) {
        fp_u128 batch[200];
        int half = 14 + (int)(t_next() % 26);
        for (size_t i = 0; i < 200; i++) batch[i] = (fp_u128)t_prime_of(half) * t_prime_of(half);
        check_batch(batch, 200, "fp_ecm of two primes");
    }
}
