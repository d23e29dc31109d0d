/* Moduli of up to 571 bits. */
#define FP_LIMBS 9
#define FP_LONG fp_long_9
#include "long_words.h"
