/* The inner loop of both sieves. */
#ifndef FP_SIQS_STRIDES_H
#define FP_SIQS_STRIDES_H

#include "../mont.h"

/* Adds a prime's logarithm to a block at both its roots and all that is congruent to them; they end as the first positions that are
 * beyond.  Four of each at a time as long as they fit. */
static FP_INLINE void fp_add_multiples(uint8_t *block, uint32_t length, uint32_t p, uint32_t *first, uint32_t *second,
                                       uint8_t log) {
    uint32_t x = *first < *second ? *first : *second, y = *first < *second ? *second : *first;
    while (y + 3 * p < length) {
        block[x] += log, block[y] += log;
        block[x + p] += log, block[y + p] += log;
        block[x + 2 * p] += log, block[y + 2 * p] += log;
        block[x + 3 * p] += log, block[y + 3 * p] += log;
        x += 4 * p, y += 4 * p;
    }
    while (y < length) {
        block[x] += log, block[y] += log;
        x += p, y += p;
    }
    if (x < length) {
        block[x] += log;
        x += p;
    }
    *first = x, *second = y;
}

#endif
