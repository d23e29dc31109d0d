/* Moduli of up to 190 bits. */
#if defined(__x86_64__)
#include "../long.h"

#include "begin_avx2.h"

#define FP_LIMBS 7
#define FP_LONG fp_avx2_long_7
#include "long_mul32.h"

#include "end_isa.h"
#endif
