/* Moduli of up to 307 bits. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../long.h"

#include "begin_avxifma.h"

#define FP_LIMBS 6
#define FP_LONG fp_avxifma_long_6
#include "long_ifma.h"

#include "end_isa.h"
#endif
