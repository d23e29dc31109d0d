/* Moduli below 2^128, eight at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx2.h"

#include "doubles_avx2.h"

#define FP_LIMBS 3
#include "../lanes_fma.h"

#define FP_FIELD fp_avx2_128
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
