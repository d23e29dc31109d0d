/* Trial division: by a table of small primes for every number, and to the square root as a method of its own. */
#include "integer.h"
#include "kernel.h"
#include "trial_table.h"

/* Primes tried before any other method.  See "Cutovers" in README.md for the measurement. */
#define TRIAL_PRIMES 64
/* Primes tried on a composite before rho or ECM, and the size below which the whole table is: up to there most have one. */
#define SPLIT_PRIMES 563
#define SMALL_BITS 34
/* Primes between two looks at whether what is left is already known to be prime. */
#define BLOCK 8

const uint64_t fp_trial_bound = 317; /* trial_table[TRIAL_PRIMES].p */

static void append(fp_factors *out, uint64_t p, unsigned exponent) {
    out->primes[out->count] = p;
    out->exponents[out->count++] = (uint8_t)exponent;
}

uint64_t fp_trial_small(uint64_t n, fp_factors *out) {
    unsigned twos = (unsigned)__builtin_ctzll(n), i, k;
    if (twos) append(out, 2, twos), n >>= twos;
    for (i = 0; i < TRIAL_PRIMES && n >= trial_table[i].p * trial_table[i].p; i += BLOCK) {
        for (k = i; k < i + BLOCK; k++) {
            uint64_t quotient = n * trial_table[k].inverse;
            if (quotient <= trial_table[k].limit) {
                unsigned exponent = 0;
                do {
                    n = quotient, exponent++;
                    quotient = n * trial_table[k].inverse;
                } while (quotient <= trial_table[k].limit);
                append(out, trial_table[k].p, exponent);
            }
        }
    }
    return n;
}

uint64_t fp_trial_split(uint64_t n) {
    size_t primes = n >> SMALL_BITS ? SPLIT_PRIMES : sizeof trial_table / sizeof *trial_table;
    for (size_t i = TRIAL_PRIMES; i < primes; i++)
        if (n * trial_table[i].inverse <= trial_table[i].limit) return trial_table[i].p;
    return 0;
}

/* The distances between numbers coprime to 30, from 1: 1, 7, 11, 13, 17, 19, 23, 29, 31, ... */
static const uint8_t wheel[8] = {6, 4, 2, 4, 2, 4, 6, 2};

int fp_trial_full(uint64_t n, const fp_control *control, fp_factors *out) {
    uint64_t d = fp_trial_bound / 30 * 30 + 1, root = fp_sqrt(n);
    for (unsigned i = 0; d <= root; d += wheel[i & 7], i++) {
        if (n % d == 0) {
            unsigned exponent = 0;
            do n /= d, exponent++;
            while (n % d == 0);
            append(out, d, exponent);
            root = fp_sqrt(n);
        }
        if ((i & 0xFFFF) == 0 && fp_poll(control)) return FP_STOPPED;
    }
    if (n > 1) append(out, n, 1);
    return FP_OK;
}
