/* ECM for numbers of more than 128 bits, a number at a time: what long.c needs of the arithmetics, a file for each length. */
#ifndef FP_LONG_H
#define FP_LONG_H

#include "ecm.h"
#include "kernel.h"
#include "mont.h"

/* What a curve found: multiples, below 2 n, of n's primes p modulo which the point became zero: in both stages, and in the first alone. */
typedef struct {
    uint64_t both[FP_LONG_WORDS], first[FP_LONG_WORDS];
} fp_long_found;

/* Curves in one arithmetic, `lanes` at once, on residues that take `size` bytes. */
typedef struct {
    int bits, lanes; /* of moduli, at most */
    size_t size;
    /* Those of sigma = first, first + 1, ..., one for each lane. */
    int (*run)(const uint64_t *n, const fp_ecm_level *level, int64_t first, void *scratch, const fp_control *control,
               fp_long_found *found);
} fp_long_curves;

/* The arithmetic of words. */
typedef struct {
    fp_long_curves curves;
    /* Is there a proper factor in what so many curves found?  It is written to `factor`. */
    int (*takes)(const uint64_t *n, const fp_long_found *found, int lanes, uint64_t *factor);
    /* The same for p - 1 and p + 1. */
    int (*p1)(const uint64_t *n, const fp_ecm_level *level, void *scratch, uint64_t *factor);
} fp_long_field;

/* The most lanes of any arithmetic. */
#define FP_MOST_LONG_LANES 8

/* long.c: curves for factors of a size, and what their chains and pairs stand in where no table has them. */
struct fp_ecm_far {
    fp_ecm_level curve, p1;
    fp_ecm_plan plan;
    uint8_t *ops, *pairs;
    uint16_t *baby;
    uint32_t pair_end[];
};

/* r = 2^bits modulo n, both of so many words; n has a bit to spare. */
void fp_long_power_of_two(int bits, const uint64_t *n, int words, uint64_t *r);

extern const fp_long_field fp_long_3, fp_long_4, fp_long_5, fp_long_6, fp_long_7, fp_long_9, fp_long_12, fp_long_17,
    fp_long_33;

#endif
