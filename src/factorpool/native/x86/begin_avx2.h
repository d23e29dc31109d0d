/* What follows, up to end_isa.h, is compiled for AVX2 with FMA, whatever the compiler's flags. */
#include <immintrin.h>
#define FP_REGISTER 32 /* bytes */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt")
#endif
