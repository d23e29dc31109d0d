/* The table of trial.c, for the isas' trial division. */
#ifndef FP_TRIAL_H
#define FP_TRIAL_H

#include "isa.h"

/* p divides n exactly where n times the inverse of p is at most the limit, all modulo 2^64; also with the low and the high half
 * of the inverse and the limit modulo 2^32 (T. Granlund and P. L. Montgomery, "Division by invariant integers using
 * multiplication", 1994, section 9).  The doubles are for vectors, which have no quick product of whole words: see trial_lanes.h. */
typedef struct {
    uint64_t inverse; /* 1 / p modulo 2^64 */
    uint64_t limit;   /* (2^64 - 1) / p */
    uint64_t p;
    double prime, reciprocal, fold; /* p, 1 / p, 2^32 modulo p */
} fp_trial_prime;

extern const fp_trial_prime fp_trial_primes[FP_TRIAL_SET * FP_TRIAL_SETS + 1];

/* The first prime that the first `sets` sets do not have. */
static inline uint64_t fp_trial_bound(unsigned sets) { return fp_trial_primes[FP_TRIAL_SET * sets].p; }

#endif
