/* Moduli of up to 255 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx512ifma.h"

#define FP_LIMBS 5
#define FP_LONG fp_avx512ifma_long_5
#include "long_ifma.h"

#include "end_isa.h"
#endif
