/* Moduli of up to 151 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx512ifma.h"

#define FP_LIMBS 3
#define FP_LONG fp_avx512ifma_long_3
#include "long_ifma.h"

#include "end_isa.h"
#endif
