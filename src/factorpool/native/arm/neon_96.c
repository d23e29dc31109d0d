/* Moduli below 2^96, twelve at a time. */
#if defined(__aarch64__)
#include "doubles_neon.h"

#ifndef FP_UNITS
#define FP_UNITS 6
#endif
#define FP_LIMBS 2
#include "../lanes_fma.h"

#define FP_FIELD fp_neon_96
#include "../lanes_methods.h"
#endif
