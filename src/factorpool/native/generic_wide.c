/* Moduli of two words in plain C. */
#include "lanes_wide.h"

#define FP_FIELD fp_generic_wide
#include "lanes_methods.h"
