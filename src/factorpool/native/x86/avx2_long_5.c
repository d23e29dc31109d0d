/* Moduli of up to 134 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx2.h"

#define FP_LIMBS 5
#define FP_LONG fp_avx2_long_5
#include "long_mul32.h"

#include "end_isa.h"
#endif
