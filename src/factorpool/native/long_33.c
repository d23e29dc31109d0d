/* Moduli of up to 2 107 bits. */
#define FP_LIMBS 33
#define FP_LONG fp_long_33
#include "long_words.h"
