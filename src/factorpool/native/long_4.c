/* Moduli of up to 251 bits. */
#define FP_LIMBS 4
#define FP_LONG fp_long_4
#include "long_words.h"
