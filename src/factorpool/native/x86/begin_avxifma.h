/* What follows, up to end_isa.h, is compiled for AVX2 with AVX-IFMA, whatever the compiler's flags; with FP_AVXIFMA_AS_AVX512, which is for
 * tests, for processors that have the same multiplication in registers of 256 bits as a part of AVX-512. */
#include <immintrin.h>
#define FP_REGISTER 32 /* bytes */
#ifdef __clang__
#ifdef FP_AVXIFMA_AS_AVX512
#pragma clang attribute push(__attribute__((target("avx512ifma,avx512vl,avx2,fma,bmi,bmi2,lzcnt"))),                   \
                             apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avxifma,avx2,fma,bmi,bmi2,lzcnt"))), apply_to = function)
#endif
#else
#pragma GCC push_options
#ifdef FP_AVXIFMA_AS_AVX512
#pragma GCC target("avx512ifma,avx512vl,avx2,fma,bmi,bmi2,lzcnt")
#else
#pragma GCC target("avxifma,avx2,fma,bmi,bmi2,lzcnt")
#endif
#endif
