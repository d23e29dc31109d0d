/* ECM for numbers of 129 to 379 bits, a number at a time: what ecm.c needs of the arithmetics, a file for each length. */
#ifndef FP_LONG_H
#define FP_LONG_H

#include "ecm.h"
#include "mont.h"

typedef struct {
    int bits; /* moduli may have so many */
    /* Curves of sigma = first, first + 1, ..., until there is a proper factor, which is written to `factor`. */
    int (*curves)(const uint64_t *n, const fp_ecm_level *level, int64_t first, int64_t count, void *scratch,
                  const fp_control *control, uint64_t *factor);
    /* p - 1 and p + 1: is there a proper factor? */
    int (*p1)(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor);
} fp_long_field;

extern const fp_long_field fp_long_3, fp_long_4, fp_long_5, fp_long_6;

#endif
