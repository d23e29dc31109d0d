/* Trial division in plain C. */
#include "isa.h"
#include "trial.h"

void fp_generic_trial(const uint64_t *n, size_t count, unsigned set, uint64_t *hits) {
    const fp_trial_prime *prime = fp_trial_primes + FP_TRIAL_SET * set;
    for (size_t i = 0; i < count; i++) {
        uint64_t hit = 0;
        for (int j = 0; j < FP_TRIAL_SET; j++) hit |= (uint64_t)(n[i] * prime[j].inverse <= prime[j].limit) << j;
        hits[i] = hit;
    }
}
