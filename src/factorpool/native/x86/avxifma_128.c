/* Moduli below 2^128, 8 at a time. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../integer.h"

#include "begin_avxifma.h"

#define FP_LIMBS 3
#define FP_FIELD_BITS 128
#ifndef FP_UNITS
#define FP_UNITS 2
#endif
#include "lanes_ifma_limbs.h"

#define FP_FIELD fp_avxifma_128
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
