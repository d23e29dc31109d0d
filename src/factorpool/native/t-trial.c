/* Tests trial.c: the method that divides up to the square root, and the primes that vectors try. */
#include "t.h"
#include "trial.h"

/* Both need p: the number of primes in the columns, and the largest. */
static void check_one(uint64_t n, uint64_t largest, const char *name) {
    uint8_t counts[1];
    fp_columns c = {.counts = counts};
    if (fp_factor(t_isa, &n, 1, 1, FP_TRIAL, NULL, &c) != FP_OK) t_fail("fp_factor", n);
    uint64_t rest = n;
    for (size_t i = 0; i < c.used; i++)
        for (int e = 0; e < c.exponents[i]; e++) rest /= c.primes[i];
    if (rest != 1 || c.primes[c.used - 1] != largest) t_fail(name, n);
    free(c.primes), free(c.exponents);
}

void t_trial(size_t count) {
    check_one(2, 2, "two");
    check_one((uint64_t)1 << 63, 2, "2^63");
    check_one(12157665459056928801u, 3, "3^40");
    check_one(4295098369u, 65537, "65537^2");
    check_one(1000036000099u, 1000033, "1000003 1000033");
    check_one(999999999989u, 999999999989u, "a prime of twelve digits");
    for (unsigned set = 0; set < FP_TRIAL_SETS; set++)
        for (unsigned j = 0; j < FP_TRIAL_SET; j++) { /* each prime of the table in each place, and its neighbours */
            const fp_trial_prime *prime = &fp_trial_primes[FP_TRIAL_SET * set + j];
            uint64_t p = prime->p, multiples[] = {p, p << 33, p * ((uint64_t)UINT32_MAX / p), p * prime->limit};
            for (int i = 0; i < 4; i++) {
                uint64_t n[FP_TRIAL_ROUND], hits[FP_TRIAL_ROUND];
                for (int k = 0; k < FP_TRIAL_ROUND; k++) n[k] = multiples[i] - (uint64_t)(k % 3);
                t_isa->trial(n, FP_TRIAL_ROUND, set, hits);
                for (int k = 0; k < FP_TRIAL_ROUND; k++)
                    if ((int)(hits[k] >> j & 1) != (n[k] % p == 0)) t_fail("trial division by the table", n[k]);
            }
        }
    for (size_t i = 0; i < (count < 32000 ? count / 8 : 4000); i++) {
        uint64_t p = t_prime_of(3 + (int)(t_next() % 15)), q = t_prime_of(3 + (int)(t_next() % 15));
        check_one(p * q, p > q ? p : q, "two primes by trial division");
    }
}
