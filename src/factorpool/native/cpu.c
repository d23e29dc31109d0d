/* Chooses the instruction set: an ordered list, best first, and the one place that asks what the processor can do. */
#include <string.h>

#include "isa.h"

static int always(void) { return 1; }

extern const fp_field fp_generic_64, fp_generic_123, fp_generic_128;
extern fp_trial_set fp_generic_trial;

#if defined(__x86_64__)
#include <cpuid.h>

/* Clang 14 does not know this one by name. */
static int has_lzcnt(void) {
    unsigned a, b, c = 0, d;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_LZCNT);
}

/* Each asks for all that its files enable by x86/begin_*.h; tests/native/test_kernel.py compares the two. */
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && has_lzcnt();
}
static int has_avx512ifma(void) { /* in the quadratic sieve it goes by AVX2 */
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512ifma");
}
extern const fp_field fp_avx512ifma_50, fp_avx512ifma_100, fp_avx512ifma_128;
extern fp_trial_set fp_avx512ifma_trial;
extern const fp_long_curves fp_avx512ifma_long_3, fp_avx512ifma_long_4, fp_avx512ifma_long_5, fp_avx512ifma_long_6,
    fp_avx512ifma_long_8, fp_avx512ifma_long_12;
#ifdef FP_AVXIFMA
/* AVX2 with IFMA in registers of 256 bits, on processors without AVX-512.  In the encoding of AVX-512 its curves are quicker than the sieve up
 * to 99 bits, where two limbs end (Intel Xeon, cutovers.c); on such a processor it has not been measured. */
static int has_avxifma(void) {
#ifdef FP_AVXIFMA_AS_AVX512
    return has_avx512ifma() && __builtin_cpu_supports("avx512vl");
#else
    unsigned a = 0, b, c, d; /* compilers that know it do not all know its name here */
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 23 & 1);
#endif
}
extern const fp_field fp_avxifma_99, fp_avxifma_128;
extern const fp_long_curves fp_avxifma_long_3, fp_avxifma_long_4, fp_avxifma_long_5, fp_avxifma_long_6,
    fp_avxifma_long_8, fp_avxifma_long_12;
#endif
extern const fp_field fp_avx2_48, fp_avx2_59, fp_avx2_64, fp_avx2_96, fp_avx2_128;
extern fp_trial_set fp_avx2_trial;
extern const fp_long_curves fp_avx2_long_5, fp_avx2_long_6, fp_avx2_long_7, fp_avx2_long_8, fp_avx2_long_9,
    fp_avx2_long_10, fp_avx2_long_12, fp_avx2_long_14;
#endif

#if defined(__aarch64__)
/* Its product of two words takes about as long as one of two doubles of two limbs.  When to sieve is estimated from that: it has
 * not been measured. */
extern const fp_field fp_neon_48, fp_neon_96;
#endif

static const fp_isa isas[] = {
#if defined(__x86_64__)
    {"avx512ifma",
     has_avx512ifma,
     fp_avx512ifma_trial,
     4,
     100,
     {&fp_avx512ifma_50, &fp_avx512ifma_100, &fp_avx512ifma_128},
     &fp_siqs_avx2,
     {&fp_avx512ifma_long_3, &fp_avx512ifma_long_4, &fp_avx512ifma_long_5, &fp_avx512ifma_long_6, &fp_avx512ifma_long_8,
      &fp_avx512ifma_long_12}},
#ifdef FP_AVXIFMA
    {"avxifma",
     has_avxifma,
     fp_avx2_trial,
     2,
     99,
     {&fp_avx2_48, &fp_avx2_59, &fp_avxifma_99, &fp_avxifma_128},
     &fp_siqs_avx2,
     {&fp_avxifma_long_3, &fp_avxifma_long_4, &fp_avxifma_long_5, &fp_avxifma_long_6, &fp_avxifma_long_8,
      &fp_avxifma_long_12}},
#endif
    {"avx2",
     has_avx2,
     fp_avx2_trial,
     2,
     91,
     {&fp_avx2_48, &fp_avx2_59, &fp_avx2_64, &fp_avx2_96, &fp_avx2_128},
     &fp_siqs_avx2,
     {&fp_avx2_long_5, &fp_avx2_long_6, &fp_avx2_long_7, &fp_avx2_long_8, &fp_avx2_long_9, &fp_avx2_long_10,
      &fp_avx2_long_12, &fp_avx2_long_14}},
#endif
#if defined(__aarch64__)
    {"neon",
     always,
     fp_generic_trial,
     1,
     72,
     {&fp_neon_48, &fp_generic_64, &fp_neon_96, &fp_generic_123, &fp_generic_128},
     &fp_siqs_generic,
     {0}},
#endif
    {"generic",
     always,
     fp_generic_trial,
     1,
     66,
     {&fp_generic_64, &fp_generic_123, &fp_generic_128},
     &fp_siqs_generic,
     {0}},
};

const fp_isa *fp_isa_at(size_t i) { return i < sizeof isas / sizeof *isas ? &isas[i] : NULL; }

const char *fp_isa_name(const fp_isa *isa) { return isa->name; }

int fp_isa_usable(const fp_isa *isa) { return isa->usable(); }

const fp_isa *fp_isa_choose(const char *wanted) {
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        if (wanted ? strcmp(isas[i].name, wanted) == 0 : isas[i].usable()) return isas[i].usable() ? &isas[i] : NULL;
    return NULL;
}
