/* The field that every machine has: moduli of a word, in plain C. */
#define FP_FIELD fp_generic_word
#include "lanes_methods.h"
#include "lanes_word.h"
