/* Moduli below 2^50, thirty-two at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx512ifma.h"

#include "lanes_ifma50.h"

#define FP_FIELD fp_avx512ifma_50
#include "../lanes_methods.h"

#include "end_isa.h"
#endif
