/* Trial division on vectors of the compiler's: included by a file that defines FP_TRIAL, the name of the fp_trial_set, and
 * FP_REGISTER, the bytes of a register, in front of the isa's target region's end. */
#include "isa.h"
#include "trial.h"

typedef uint32_t halves __attribute__((vector_size(FP_REGISTER)));
typedef uint64_t words __attribute__((vector_size(FP_REGISTER)));
#define HALVES (FP_REGISTER / 4)
#define WORDS (FP_REGISTER / 8)

/* Numbers below 2^32, two registers of them: half as wide, so twice as many at a time. */
static void try_halves(const uint64_t *n, const fp_trial_prime *prime, uint64_t *hits) {
    for (int i = 0; i < FP_TRIAL_ROUND; i += HALVES) {
        halves m, low = {0}, high = {0};
        for (int k = 0; k < HALVES; k++) m[k] = (uint32_t)n[i + k];
        for (int j = 0; j < 32; j++) {
            const fp_trial_prime *p = prime + j, *q = p + 32;
            low |= (halves)(m * (uint32_t)p->inverse <= (uint32_t)(p->limit >> 32)) & ((uint32_t)1 << j);
            high |= (halves)(m * (uint32_t)q->inverse <= (uint32_t)(q->limit >> 32)) & ((uint32_t)1 << j);
        }
        for (int k = 0; k < HALVES; k++) hits[i + k] = (uint64_t)high[k] << 32 | low[k];
    }
}

static void try_words(const uint64_t *n, const fp_trial_prime *prime, uint64_t *hits) {
    for (int i = 0; i < FP_TRIAL_ROUND; i += 2 * WORDS) {
        words m, l, hit = {0}, hit2 = {0};
        for (int k = 0; k < WORDS; k++) m[k] = n[i + k], l[k] = n[i + WORDS + k];
        for (int j = 0; j < FP_TRIAL_SET; j++) {
            hit |= (words)(m * prime[j].inverse <= prime[j].limit) & ((uint64_t)1 << j);
            hit2 |= (words)(l * prime[j].inverse <= prime[j].limit) & ((uint64_t)1 << j);
        }
        for (int k = 0; k < WORDS; k++) hits[i + k] = hit[k], hits[i + WORDS + k] = hit2[k];
    }
}

void FP_TRIAL(const uint64_t *n, size_t count, unsigned set, uint64_t *hits) {
    const fp_trial_prime *prime = fp_trial_primes + FP_TRIAL_SET * set;
    for (size_t i = 0; i < count; i += FP_TRIAL_ROUND) {
        uint64_t all = 0;
        for (int k = 0; k < FP_TRIAL_ROUND; k++) all |= n[i + k];
        (all >> 32 ? try_words : try_halves)(n + i, prime, hits + i);
    }
}
