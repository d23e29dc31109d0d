/* Moduli below 2^64, sixteen at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx2.h"

#define FP_FIELD_BITS 64
#include "lanes_mul64.h"

#define FP_FIELD fp_avx2_64
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
