/* Moduli below 2^48, sixteen at a time. */
#if defined(__aarch64__)
#include "doubles_neon.h"

/* There are twice as many registers as in AVX2, of half the width. */
#ifndef FP_UNITS
#define FP_UNITS 8
#endif
#include "../lanes_fma48.h"

#define FP_FIELD fp_neon_48
#include "../lanes_methods.h"
#endif
