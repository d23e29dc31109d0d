/* Trial division of sixteen numbers at a time. */
#if defined(__x86_64__)
#include "../integer.h"

#include "begin_avx2.h"

#define FP_TRIAL fp_avx2_trial
#include "../trial_lanes.h"

#include "end_isa.h"
#endif
