/* What follows, up to end_isa.h, is compiled for AVX-512 with IFMA, whatever the compiler's flags. */
#include <immintrin.h>
#define FP_REGISTER 64 /* bytes */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512cd,avx512ifma,bmi,bmi2,lzcnt"))),           \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512cd,avx512ifma,bmi,bmi2,lzcnt")
#endif
