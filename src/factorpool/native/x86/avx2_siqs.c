/* The loops of the sieve in AVX2. */
#if defined(__x86_64__)
#include "../siqs/siqs.h"

#include "begin_avx2.h"

#define FP_LOOPS fp_siqs_avx2
#include "../siqs/loops.h"

#include "end_isa.h"
#endif
