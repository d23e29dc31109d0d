/* Trial division of sixteen numbers at a time, with products of 52 bits while the numbers are no longer. */
#if defined(__x86_64__)
#include "../integer.h"
#include "../trial.h"

#include "begin_avx512ifma.h"

/* By n times the inverse of p, as trial.h says, modulo 2^52. */
static void try_short(const uint64_t *n, const fp_trial_prime *prime, uint64_t *hits) {
    const __m512i zero = _mm512_setzero_si512(), first = _mm512_loadu_si512(n), second = _mm512_loadu_si512(n + 8);
    __m512i hit = zero, hit2 = zero, bit = _mm512_set1_epi64(1);
    for (const fp_trial_prime *p = prime; p < prime + FP_TRIAL_SET; p++, bit = _mm512_add_epi64(bit, bit)) {
        const __m512i inverse = _mm512_set1_epi64((int64_t)p->inverse),
                      limit = _mm512_set1_epi64((int64_t)(p->limit >> 12));
        const __mmask8 divides = _mm512_cmple_epu64_mask(_mm512_madd52lo_epu64(zero, first, inverse), limit);
        const __mmask8 divides2 = _mm512_cmple_epu64_mask(_mm512_madd52lo_epu64(zero, second, inverse), limit);
        hit = _mm512_mask_or_epi64(hit, divides, hit, bit);
        hit2 = _mm512_mask_or_epi64(hit2, divides2, hit2, bit);
    }
    _mm512_storeu_si512(hits, hit);
    _mm512_storeu_si512(hits + 8, hit2);
}

#define FP_TRIAL fp_avx512ifma_trial
#define FP_TRY_SHORT try_short
#include "../trial_lanes.h"

#include "end_isa.h"
#endif
