/* The loops of the sieve in plain C. */
#include "siqs.h"

#define FP_LOOPS fp_siqs_generic
#include "loops.h"
