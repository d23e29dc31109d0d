/* ECM for numbers of more than 128 bits, a number at a time: what long.c needs of the arithmetics, a file for each length. */
#ifndef FP_LONG_H
#define FP_LONG_H

#include "ecm.h"
#include "mont.h"

typedef struct {
    int words; /* of moduli, which may have 5 bits less */
    /* Curves of sigma = first, first + 1, ..., until there is a proper factor, which is written to `factor`. */
    int (*curves)(const uint64_t *n, const fp_ecm_level *level, int64_t first, int64_t count, void *scratch,
                  const fp_control *control, uint64_t *factor);
    /* p - 1 and p + 1: is there a proper factor? */
    int (*p1)(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor);
} fp_long_field;

/* long.c: curves for factors of a size, and what their chains and pairs stand in where no table has them. */
struct fp_ecm_far {
    fp_ecm_level curve, p1;
    fp_ecm_plan plan;
    uint8_t *ops, *pairs;
    uint16_t *baby;
    uint32_t pair_end[];
};

extern const fp_long_field fp_long_3, fp_long_4, fp_long_5, fp_long_6, fp_long_7, fp_long_9, fp_long_12, fp_long_17,
    fp_long_33;

#endif
