/* Moduli of up to 379 bits. */
#define FP_LIMBS 6
#define FP_LONG fp_long_6
#include "long_words.h"
