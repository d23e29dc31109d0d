/* Tests functions.c: every function of small numbers against its definition; values that exceed 64 bits; primes among words. */
#include "t.h"

enum { MOST = 600, ROOM = 5 * MOST };

static uint64_t divisors(uint64_t n, unsigned k) {
    uint64_t sum = 0;
    for (uint64_t d = 1; d <= n; d++) {
        uint64_t power = 1;
        for (unsigned j = 0; j < k; j++) power *= d;
        if (n % d == 0) sum += power;
    }
    return sum;
}

static int prime(uint64_t n) { return divisors(n, 0) == 2; }

/* The same by definition, for numbers up to MOST. */
static uint64_t slow(const char *name, uint64_t n, unsigned k) {
    uint64_t omega = 0, bigomega = 0, radical = 1, least = 1, greatest = 1, totient = 0, square = 0;
    for (uint64_t p = 2; p <= n; p++) {
        if (n % p || !prime(p)) continue;
        omega++, radical *= p, greatest = p;
        if (least == 1) least = p;
        for (uint64_t m = n; m % p == 0; m /= p) bigomega++;
        square |= n % (p * p) == 0;
    }
    for (uint64_t a = 1; a <= n; a++) {
        uint64_t x = a, y = n;
        while (y) {
            uint64_t r = x % y;
            x = y, y = r;
        }
        totient += x == 1;
    }
    if (!strcmp(name, "omega")) return omega;
    if (!strcmp(name, "bigomega")) return bigomega;
    if (!strcmp(name, "radical")) return radical;
    if (!strcmp(name, "smallest_prime")) return least;
    if (!strcmp(name, "largest_prime")) return greatest;
    if (!strcmp(name, "totient")) return totient;
    if (!strcmp(name, "sigma")) return divisors(n, k);
    if (!strcmp(name, "divisor_count")) return divisors(n, 0);
    if (!strcmp(name, "mobius")) return square ? 0 : omega % 2 ? 0xff : 1;
    if (!strcmp(name, "is_prime")) return (uint64_t)prime(n);
    if (!strcmp(name, "is_smooth")) return n == 1 || greatest <= k;
    t_fail("a function that this test does not know", n);
    return 0;
}

static void check_small(void) {
    uint64_t numbers[MOST], offsets[MOST + 1], values[MOST];
    uint8_t counts[MOST];
    fp_columns c = {.counts = counts};
    for (size_t i = 0; i < MOST; i++) numbers[i] = i + 1;
    if (fp_factor(t_isa, numbers, 1, MOST, FP_AUTO, NULL, &c) != FP_OK) t_fail("fp_factor", MOST);
    offsets[0] = 0;
    for (size_t i = 0; i < MOST; i++) offsets[i + 1] = offsets[i] + counts[i];
    unsigned width;
    const char *name;
    for (size_t which = 0; (name = fp_function_name(which, &width)); which++)
        for (unsigned k = 0; k < 4; k++) {
            if (fp_function(which, offsets, c.primes, c.exponents, MOST, k, values) != MOST) t_fail(name, MOST);
            for (size_t i = 0; i < MOST; i++) {
                uint64_t value = width == 1 ? ((const uint8_t *)values)[i] : values[i];
                if (value != slow(name, numbers[i], k)) t_fail(name, numbers[i]);
            }
        }
    free(c.primes), free(c.exponents);
}

static void check_too_large(void) {
    uint64_t offsets[] = {0, 1, 2}, primes[] = {2, 18446744073709551557u}, values[2];
    uint8_t exponents[] = {63, 1};
    unsigned width;
    size_t sigma = 0;
    while (strcmp(fp_function_name(sigma, &width), "sigma")) sigma++;
    if (fp_function(sigma, offsets, primes, exponents, 2, 1, values) != 2) t_fail("sigma that just fits", primes[1]);
    if (values[0] != UINT64_MAX || values[1] != primes[1] + 1) t_fail("sigma that just fits", primes[1]);
    if (fp_function(sigma, offsets, primes, exponents, 2, 2, values) != 0) t_fail("sigma that is too large", primes[0]);
    exponents[0] = 64;
    if (fp_function(sigma, offsets, primes, exponents, 2, 1, values) != 0) t_fail("sigma that is too large", primes[0]);
}

void t_functions(size_t count) {
    uint64_t numbers[ROOM];
    uint8_t answers[ROOM];
    check_small(), check_too_large();
    for (size_t done = 0; done < count; done += ROOM) {
        for (size_t i = 0; i < ROOM; i++)
            numbers[i] = i < 200 ? i : t_next() % 8 ? t_next() >> t_next() % 64 : t_awkward();
        if (fp_primes_among(t_isa, numbers, ROOM, NULL, answers) != FP_OK) t_fail("fp_primes_among", ROOM);
        for (size_t i = 0; i < ROOM; i++)
            if (answers[i] != fp_is_prime(t_isa, numbers[i])) t_fail("fp_primes_among", numbers[i]);
    }
}
