/* Moduli below 2^100, twenty-four at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx512ifma.h"

#include "lanes_ifma100.h"

#define FP_FIELD fp_avx512ifma_100
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
