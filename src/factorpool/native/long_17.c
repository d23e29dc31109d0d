/* Moduli of up to 1 083 bits. */
#define FP_LIMBS 17
#define FP_LONG fp_long_17
#include "long_words.h"
