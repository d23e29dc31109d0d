/* Trial division of sixteen numbers at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx512ifma.h"

#define FP_TRIAL fp_avx512ifma_trial
#define FP_REGISTER 64
#include "../trial_lanes.h"

#include "end_isa.h"
#endif
