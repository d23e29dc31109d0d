/* Moduli below 2^128, sixteen at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx512ifma.h"

#include "lanes_ifma128.h"

#define FP_FIELD fp_avx512ifma_128
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
