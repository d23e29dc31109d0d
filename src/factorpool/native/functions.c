/* Arithmetic functions of numbers, from the columns of their factorizations: a loop over each number's primes. */
#include "kernel.h"

/* The functions of one number whose primes are p[0] to p[count - 1]; each answers 1, or 0 where the value exceeds 64 bits. */
typedef int function(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value);

/* A product, unless it exceeds 64 bits. */
static int times(uint64_t *product, fp_u128 factor) {
    fp_u128 result = (fp_u128)*product * (uint64_t)factor;
    if (factor >> 64 || result >> 64) return 0;
    *product = (uint64_t)result;
    return 1;
}

static int omega(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)p, (void)e, (void)parameter;
    *value = count;
    return 1;
}

static int bigomega(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)p, (void)parameter;
    for (size_t i = 0; i < count; i++) *value += e[i];
    return 1;
}

static int radical(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)e, (void)parameter;
    *value = 1;
    for (size_t i = 0; i < count; i++) *value *= p[i]; /* it divides the number */
    return 1;
}

static int smallest_prime(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)e, (void)parameter;
    *value = count ? p[0] : 1;
    return 1;
}

static int largest_prime(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)e, (void)parameter;
    *value = count ? p[count - 1] : 1;
    return 1;
}

static int totient(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)parameter;
    *value = 1;
    for (size_t i = 0; i < count; i++) {
        *value *= p[i] - 1; /* it is at most the number */
        for (int k = 1; k < e[i]; k++) *value *= p[i];
    }
    return 1;
}

static int divisor_count(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)p, (void)parameter;
    *value = 1;
    for (size_t i = 0; i < count; i++) *value *= e[i] + 1u; /* below 2^17 for numbers of 64 bits */
    return 1;
}

/* The sum of the k-th powers of all divisors: the product of the sums 1 + q + q^2 + ... of q = p^k. */
static int sigma(const uint64_t *p, const uint8_t *e, size_t count, uint64_t k, uint64_t *value) {
    *value = 1;
    if (k == 0) return divisor_count(p, e, count, 0, value);
    for (size_t i = 0; i < count; i++) {
        uint64_t q = 1, sum = 1;
        for (uint64_t j = 0; j < k; j++)
            if (!times(&q, p[i])) return 0;
        for (int j = 0; j < e[i]; j++)
            if (!times(&sum, q) || __builtin_add_overflow(sum, 1, &sum)) return 0;
        if (!times(value, sum)) return 0;
    }
    return 1;
}

/* 0 for a square among its divisors, else 1 or, for an odd number of primes, -1: as a byte. */
static int mobius(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)p, (void)parameter;
    *value = count % 2 ? 0xff : 1;
    for (size_t i = 0; i < count; i++)
        if (e[i] > 1) *value = 0;
    return 1;
}

static int is_prime(const uint64_t *p, const uint8_t *e, size_t count, uint64_t parameter, uint64_t *value) {
    (void)p, (void)parameter;
    *value = count == 1 && e[0] == 1;
    return 1;
}

static int is_smooth(const uint64_t *p, const uint8_t *e, size_t count, uint64_t bound, uint64_t *value) {
    (void)e;
    *value = count == 0 || p[count - 1] <= bound;
    return 1;
}

static const struct {
    const char *name;
    function *of;
    unsigned width; /* bytes of a value */
} functions[] = {
    {"omega", omega, 1},
    {"bigomega", bigomega, 1},
    {"radical", radical, 8},
    {"totient", totient, 8},
    {"smallest_prime", smallest_prime, 8},
    {"largest_prime", largest_prime, 8},
    {"sigma", sigma, 8},
    {"divisor_count", divisor_count, 8},
    {"mobius", mobius, 1},
    {"is_prime", is_prime, 1},
    {"is_smooth", is_smooth, 1},
};

const char *fp_function_name(size_t i, unsigned *width) {
    if (i >= sizeof functions / sizeof *functions) return NULL;
    *width = functions[i].width;
    return functions[i].name;
}

size_t fp_function(size_t which, const uint64_t *offsets, const uint64_t *primes, const uint8_t *exponents,
                   size_t count, uint64_t parameter, void *values) {
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0, at = offsets[i];
        if (!functions[which].of(primes + at, exponents + at, offsets[i + 1] - at, parameter, &value)) return i;
        if (functions[which].width == 1)
            ((uint8_t *)values)[i] = (uint8_t)value;
        else
            ((uint64_t *)values)[i] = value;
    }
    return count;
}
