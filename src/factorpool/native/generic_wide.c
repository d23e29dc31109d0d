/* Moduli of two words in plain C. */
#define FP_FIELD fp_generic_wide
#include "lanes_methods.h"
#include "lanes_wide.h"
