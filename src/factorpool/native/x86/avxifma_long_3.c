/* Moduli of up to 151 bits. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../long.h"

#include "begin_avxifma.h"

#define FP_LIMBS 3
#define FP_LONG fp_avxifma_long_3
#include "long_ifma.h"

#include "end_isa.h"
#endif
