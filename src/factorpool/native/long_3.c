/* Moduli of up to 187 bits. */
#define FP_LIMBS 3
#define FP_LONG fp_long_3
#include "long_words.h"
