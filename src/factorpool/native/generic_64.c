/* The field that every machine has: moduli of a word, in plain C. */
#include "lanes_word.h"

#define FP_FIELD fp_generic_64
#include "lanes_methods.h"
