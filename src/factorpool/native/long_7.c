/* Moduli of up to 443 bits. */
#define FP_LIMBS 7
#define FP_LONG fp_long_7
#include "long_words.h"
