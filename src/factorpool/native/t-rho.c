/* Tests rho.c. */
#include "t.h"

typedef struct {
    uint64_t n;
    const char *name;
} named;

static const named cases[] = {
    {15, "the first odd semiprime that is no square"},
    {21, "where x^2 + 1 from 1 closes its cycle for both primes at once"},
    {27, "a cube"},
    {3125, "a fifth power"},
    {561, "a Carmichael number"},
    {4294967297u, "2^32 + 1"},
    {1000036000099u, "1000003 1000033"},
    {18446744073709551615u, "2^64 - 1"},
};

static void check_one(uint64_t n, const char *name) {
    uint64_t p = fp_rho(n);
    if (p <= 1 || p >= n || n % p) t_fail(name, n);
}

void t_rho(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_one(cases[i].n, cases[i].name);
    for (size_t i = 0; i < count / 100; i++) {
        uint64_t p = t_prime_of(3 + (int)(t_next() % 18)), q = t_prime_of(3 + (int)(t_next() % 18));
        if (p != q) check_one(p * q, "fp_rho of two primes");
        check_one(p * q * 5, "fp_rho of three primes");
    }
}
