/* Tests sieve.c against factor.c. */
#include "t.h"

static void check_run(uint64_t start, uint64_t step, size_t count) {
    uint64_t *n = malloc(8 * count + 8);
    for (size_t k = 0; k < count; k++) n[k] = start + step * k;
    fp_columns a = {.counts = malloc(count + 1)}, b = {.counts = malloc(count + 1)};
    if (fp_sieve(t_isa, start, step, count, NULL, &a) != FP_OK) t_fail("fp_sieve", start);
    if (fp_factor(t_isa, n, 1, count, FP_AUTO, NULL, &b) != FP_OK) t_fail("fp_factor", start);
    if (a.used != b.used || memcmp(a.counts, b.counts, count) ||
        (a.used && (memcmp(a.primes, b.primes, 8 * a.used) || memcmp(a.exponents, b.exponents, a.used))))
        t_fail("sieve from", start);
    free(n), free(a.counts), free(a.primes), free(a.exponents), free(b.counts), free(b.primes), free(b.exponents);
}

/* Runs of numbers, sieved and one by one: around 1, where the sieve hands over to the kernel, and up to 2^64 - 1. */
static void check_runs(size_t runs) {
    for (size_t i = 0; i < runs; i++) {
        size_t count = t_next() % 20000;
        uint64_t step = 1 + t_next() % 2, start = t_awkward() >> (t_next() % 64);
        if (start == 0 || i % 8 == 0) start = 1 + t_next() % 3;
        if (i % 8 == 1 || start > -step * count - 1) start = -step * count;
        if (start) check_run(start, step, count); /* 0 if there are none */
    }
}

/* Around multiples of powers of primes on both sides of the length of a segment. */
static void check_powers(size_t runs) {
    for (size_t i = 0; i < runs; i++) {
        uint64_t p = t_prime_of(11 + (int)(t_next() % 5)), n = p;
        while (t_next() % 4 && n <= UINT64_MAX / p) n *= p;
        if (n <= UINT64_MAX / 7) n *= 1 + t_next() % 7;
        check_run(n - 9, 1 + i % 2, n <= UINT64_MAX - 90 ? 50 : 5);
    }
}

void t_sieve(size_t count) {
    check_runs(count < 100000 ? 10 : 100);
    check_powers(count < 100000 ? 200 : 2000);
}
