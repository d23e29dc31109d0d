/* Trial division on vectors of the compiler's: included by a file that defines FP_TRIAL, the name of the fp_trial_set, and
 * FP_REGISTER, the bytes of a register, in front of the isa's target region's end; and FP_TRY_SHORT, if it has something better
 * for numbers below 2^52. */
#include <string.h>

#include "isa.h"
#include "trial.h"

typedef uint32_t halves __attribute__((vector_size(FP_REGISTER)));
typedef uint64_t words __attribute__((vector_size(FP_REGISTER)));
typedef double doubles __attribute__((vector_size(FP_REGISTER)));
#define HALVES (FP_REGISTER / 4)
#define WORDS (FP_REGISTER / 8)

/* Numbers below 2^32: half as wide, so twice as many in a register. */
static void try_halves(const uint64_t *n, const fp_trial_prime *prime, uint64_t *hits) {
    enum { REGISTERS = FP_TRIAL_ROUND / HALVES };
    halves m[REGISTERS], low[REGISTERS] = {0}, high[REGISTERS] = {0}, bit = (halves){0} + 1;
    for (int i = 0; i < FP_TRIAL_ROUND; i++) m[i / HALVES][i % HALVES] = (uint32_t)n[i];
    for (const fp_trial_prime *p = prime; p < prime + 32; p++, bit += bit)
        for (int i = 0; i < REGISTERS; i++) {
            const fp_trial_prime *q = p + 32;
            low[i] |= (halves)(m[i] * (uint32_t)p->inverse <= (uint32_t)(p->limit >> 32)) & bit;
            high[i] |= (halves)(m[i] * (uint32_t)q->inverse <= (uint32_t)(q->limit >> 32)) & bit;
        }
    for (int i = 0; i < FP_TRIAL_ROUND; i++)
        hits[i] = (uint64_t)high[i / HALVES][i % HALVES] << 32 | low[i / HALVES][i % HALVES];
}

/* Any words, as doubles: no vector unit has a quick product of whole words.  With 2^32 = fold modulo p, n has the same remainder
 * as low + fold high < 2^32 p < 2^45.  Its quotient by p comes out within 2^-18, so that p divides it exactly where it is p times
 * the nearest integer: that product is below 2^53, and so exact, and so is the sum, whether the compiler fuses it or not. */
static void try_words(const uint64_t *n, const fp_trial_prime *prime, uint64_t *hits) {
    const doubles nearest = (doubles){0} + 0x1.8p52; /* a sum with it has no bits after the point */
    doubles low[FP_TRIAL_ROUND / WORDS], high[FP_TRIAL_ROUND / WORDS];
    words hit[FP_TRIAL_ROUND / WORDS] = {0}, bit = (words){0} + 1;
    for (int i = 0; i < FP_TRIAL_ROUND; i++) {
        low[i / WORDS][i % WORDS] = (double)(uint32_t)n[i];
        high[i / WORDS][i % WORDS] = (double)(uint32_t)(n[i] >> 32);
    }
    for (const fp_trial_prime *p = prime; p < prime + FP_TRIAL_SET; p++, bit += bit)
        for (int i = 0; i < FP_TRIAL_ROUND / WORDS; i++) {
            doubles rest = high[i] * p->fold + low[i];
            doubles quotient = (rest * p->reciprocal + nearest) - nearest;
            hit[i] |= (words)(rest == quotient * p->prime) & bit;
        }
    memcpy(hits, hit, sizeof hit);
}

#ifndef FP_TRY_SHORT
#define FP_TRY_SHORT try_words
#endif

void FP_TRIAL(const uint64_t *n, size_t count, unsigned set, uint64_t *hits) {
    const fp_trial_prime *prime = fp_trial_primes + FP_TRIAL_SET * set;
    for (size_t i = 0; i < count; i += FP_TRIAL_ROUND) {
        uint64_t all = 0;
        for (int k = 0; k < FP_TRIAL_ROUND; k++) all |= n[i + k];
        (all >> 52 ? try_words : all >> 32 ? FP_TRY_SHORT : try_halves)(n + i, prime, hits + i);
    }
}
