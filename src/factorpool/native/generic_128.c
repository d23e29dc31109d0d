/* Moduli of two words in plain C: those that generic_123.c cannot take. */
#define FP_FIELD_BITS 128
#include "lanes_wide.h"

#define FP_FIELD fp_generic_128
#include "lanes_methods.h"
