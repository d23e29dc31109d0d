/* Moduli of up to 203 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx512ifma.h"

#define FP_LIMBS 4
#define FP_LONG fp_avx512ifma_long_4
#include "long_ifma.h"

#include "end_isa.h"
#endif
