/* Moduli of up to 315 bits. */
#define FP_LIMBS 5
#define FP_LONG fp_long_5
#include "long_words.h"
