/* Moduli below 2^96, twelve at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx2.h"

#include "doubles_avx2.h"

#define FP_LIMBS 2
#include "../lanes_fma.h"

#define FP_FIELD fp_avx2_96
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
