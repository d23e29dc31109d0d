/* Moduli below 2^123, two words each, in plain C. */
#define FP_FIELD_BITS 123
#include "lanes_wide.h"

#define FP_FIELD fp_generic_123
#include "lanes_methods.h"
