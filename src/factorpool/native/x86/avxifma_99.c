/* Moduli below 2^99, 12 at a time. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../integer.h"

#include "begin_avxifma.h"

#define FP_LIMBS 2
#define FP_FIELD_BITS 99
#ifndef FP_UNITS
#define FP_UNITS 3
#endif
#include "lanes_ifma_limbs.h"

#define FP_FIELD fp_avxifma_99
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
