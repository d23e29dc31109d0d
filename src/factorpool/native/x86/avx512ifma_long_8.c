/* Moduli of up to 411 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx512ifma.h"

#define FP_LIMBS 8
#define FP_LONG fp_avx512ifma_long_8
#include "long_ifma.h"

#include "end_isa.h"
#endif
