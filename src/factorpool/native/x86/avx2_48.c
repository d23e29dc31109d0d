/* Moduli below 2^48, sixteen at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx2.h"

#include "doubles_avx2.h"

#include "../lanes_fma48.h"

#define FP_FIELD fp_avx2_48
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
