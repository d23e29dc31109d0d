/* The factorization of one number while it is being put together, and what only factor.c and trial.c share. */
#ifndef FP_FACTORS_H
#define FP_FACTORS_H

#include "isa.h"
#include "kernel.h"

/* `count` primes below 2^64, ascending, with their exponents; and what is larger, of which a number has one at most. */
typedef struct {
    uint8_t count;
    uint8_t exponents[FP_MAX_DISTINCT + 1]; /* one to spare, for what is written before it is known whether it counts */
    enum { FP_NOTHING, FP_PRIME, FP_LEFT } large : 8; /* left: too hard to split, or a prime too hard to prove */
    uint64_t primes[FP_MAX_DISTINCT + 1];
    fp_u128 large_value;
} fp_factors;

/* A prime above all there are. */
static inline void fp_append(fp_factors *out, uint64_t p, unsigned exponent) {
    out->primes[out->count] = p;
    out->exponents[out->count++] = (uint8_t)exponent;
}

/* A prime into its place; there are too few for anything cleverer. */
static inline void fp_insert(fp_factors *out, fp_u128 prime) {
    if (prime >> 64) {
        out->large = FP_PRIME, out->large_value = prime;
        return;
    }
    uint64_t p = (uint64_t)prime;
    int i = out->count;
    while (i > 0 && out->primes[i - 1] >= p) i--;
    if (i < out->count && out->primes[i] == p) {
        out->exponents[i]++;
        return;
    }
    for (int k = out->count++; k > i; k--) {
        out->primes[k] = out->primes[k - 1];
        out->exponents[k] = out->exponents[k - 1];
    }
    out->primes[i] = p, out->exponents[i] = 1;
}

/* prove.c: whether it can prove a prime of more than 64 bits, which fp_are_prime has found.  `memory` as for fp_siqs_small. */
int fp_prove(const fp_isa *isa, fp_u128 n, fp_small_memory **memory, const fp_control *control, int *proved);

/* factor.c: room for `more` primes; `numbers` is how many numbers the columns are for in all. */
int fp_reserve(fp_columns *out, unsigned width, size_t more, size_t numbers);

/* trial.c.  fp_trial_words takes the primes of the isa's first sets out of each n > 0; there must be room to write, and read,
 * FP_TRIAL_ROUND - 1 values more.  It returns the least prime that it did not try: what is left below its square is
 * 1 or prime.  fp_trial_wide does so for one number of two words. */
uint64_t fp_trial_words(const fp_isa *isa, uint64_t *n, size_t count, fp_factors *out);
uint64_t fp_trial_wide(fp_u128 *n, fp_factors *out);
/* Takes the primes of the sets from `first` to `last` out of one odd number, up to its root; answers the next one. */
uint64_t fp_trial_one(uint64_t *n, unsigned first, unsigned last, fp_columns *out);
/* Looks for one more prime of the table in each composite that has none below it yet, or answers 0. */
void fp_trial_split(const fp_isa *isa, const uint64_t *n, size_t count, uint64_t *factor);
/* Goes on from fp_trial_words to the square root. */
int fp_trial_full(const fp_isa *isa, uint64_t n, const fp_control *control, fp_factors *out);

#endif
