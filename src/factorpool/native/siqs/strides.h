/* What both sieves do with primes that are sieved with one by one, and with those that are so many at once. */
#ifndef FP_SIQS_STRIDES_H
#define FP_SIQS_STRIDES_H

#include "../mont.h"
#include "siqs.h"

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

/* Primes that are sieved with at once, from `from` on, have one logarithm. */
static inline void fp_share_logs(uint8_t *logs, size_t from, size_t count) {
    for (size_t i = from; i < count; i += FP_SIQS_MANY) memset(logs + i, logs[i + FP_SIQS_MANY / 2], FP_SIQS_MANY);
}

/* Takes back what sieve_many adds for a prime of a: it has no roots, and was given two at the beginning of the block. */
static inline void fp_take_back(uint8_t *block, uint32_t length, uint32_t p, uint8_t log) {
    uint32_t x = 0, y = 0;
    fp_add_multiples(block, length, p, &x, &y, (uint8_t)-log);
}

#endif
