/* Moduli of up to 763 bits. */
#define FP_LIMBS 12
#define FP_LONG fp_long_12
#include "long_words.h"
