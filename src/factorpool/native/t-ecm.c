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
    {33554393, 33554383, "just below 2^50, where the arithmetic for doubles and one limb ends"},
    {4294967291u, 4294967279u, "the greatest semiprime of one word"},
    {4294967311u, 4294967291u, "just beyond 2^64"},
    {1125899906842597u, 1125899906842589u, "just below 2^100, where two limbs end"},
    {641, 6700417, "2^32 + 1"},
};
/* clang-format on */

static void check_batch(const fp_u128 *numbers, size_t count, const char *name) {
    fp_u128 *factors = malloc(count * sizeof *factors);
    if (fp_ecm(t_isa, numbers, count, 128, NULL, factors) != FP_OK) t_fail("fp_ecm", count);
    for (size_t i = 0; i < count; i++) {
        if (factors[i] == 0 && numbers[i] >> 64 == 0) continue; /* rho is next */
        if (factors[i] == 0 && numbers[i] >> 90) continue;      /* python-flint is */
        if (factors[i] <= 1 || factors[i] >= numbers[i] || numbers[i] % factors[i]) t_fail(name, numbers[i]);
    }
    free(factors);
}

void t_ecm(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fp_u128 same[70]; /* in every lane, and more than there are */
        for (size_t k = 0; k < 70; k++) same[k] = (fp_u128)cases[i].p * cases[i].q;
        check_batch(same, 1, cases[i].name);
        check_batch(same, 70, cases[i].name);
    }
    for (size_t done = 0; done < count / 50; done += 200) {
        fp_u128 batch[200];
        int half = 14 + (int)(t_next() % 26);
        for (size_t i = 0; i < 200; i++) batch[i] = (fp_u128)t_prime_of(half) * t_prime_of(half);
        check_batch(batch, 200, "fp_ecm of two primes");
    }
}
