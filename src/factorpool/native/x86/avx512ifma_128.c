/* Moduli below 2^128, sixteen at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx512ifma.h"

#define FP_LIMBS 3
#define FP_FIELD_BITS 128
#ifndef FP_UNITS
#define FP_UNITS 2
#endif
#include "lanes_ifma_limbs.h"

#define FP_FIELD fp_avx512ifma_128
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
