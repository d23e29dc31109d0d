/* Moduli of up to 255 bits. */
#include "../isa.h"
#ifdef FP_AVXIFMA
#include "../long.h"

#include "begin_avxifma.h"

#define FP_LIMBS 5
#define FP_LONG fp_avxifma_long_5
#include "long_ifma.h"

#include "end_isa.h"
#endif
