/* Greatest common divisors of 64-bit integers, eight a register: the binary algorithm, for the lanes of AVX-512. */
#ifndef FP_GCD_AVX512_H
#define FP_GCD_AVX512_H

#include <immintrin.h>

#include "../mont.h"

/* x without its factors 2; 0 stays 0. */
static FP_INLINE __m512i fp_odd_part(__m512i x) {
    __m512i lowest = _mm512_and_si512(x, _mm512_sub_epi64(_mm512_setzero_si512(), x));
    return _mm512_srlv_epi64(x, _mm512_sub_epi64(_mm512_set1_epi64(63), _mm512_lzcnt_epi64(lowest)));
}

/* b becomes gcd(a, b); b is odd. */
static FP_INLINE void fp_gcd_avx512(__m512i *a, __m512i *b, int registers) {
    for (int open = 1; open;) {
        open = 0;
        _Pragma("GCC unroll 8") for (int i = 0; i < registers; i++) {
            /* Two odd numbers have an even difference; an a of 0 must leave b alone. */
            __m512i odd = fp_odd_part(a[i]);
            __mmask8 some = _mm512_test_epi64_mask(odd, odd);
            __m512i low = _mm512_min_epu64(odd, b[i]), high = _mm512_max_epu64(odd, b[i]);
            a[i] = _mm512_maskz_sub_epi64(some, high, low);
            b[i] = _mm512_mask_mov_epi64(b[i], some, low);
            open |= some;
        }
    }
}

#endif
