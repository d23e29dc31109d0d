/* Moduli of up to 411 bits. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../long.h"

#include "begin_avxifma.h"

#define FP_LIMBS 8
#define FP_LONG fp_avxifma_long_8
#include "long_ifma.h"

#include "end_isa.h"
#endif
