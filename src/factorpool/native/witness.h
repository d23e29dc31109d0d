/* The strong probable prime test, and the hash that picks its base below 2^32: what prime.c and the program that searched
 * the bases (scripts/make_witness_table.c) must agree on. */
#ifndef FP_WITNESS_H
#define FP_WITNESS_H

#include "mont.h"

#define FP_WITNESS_BUCKETS 1024
#define FP_WITNESS_MULTIPLIER 0x9E3779B1u /* 2^32 over the golden ratio: spreads every bit of n into the top ones */

static inline uint32_t fp_witness_bucket(uint32_t n) {
    return (n * FP_WITNESS_MULTIPLIER) / (uint32_t)(((uint64_t)1 << 32) / FP_WITNESS_BUCKETS);
}

/* Miller-Rabin to one base: is base^d = 1 or base^(d 2^i) = -1 modulo an odd n, n - 1 = d 2^s, 0 <= i < s?  base < n. */
static inline int fp_strong_probable_prime(uint64_t base, uint64_t n) {
    fp_mont m = fp_mont_init(n);
    uint64_t minus_one = n - m.one, d = n - 1;
    int s = __builtin_ctzll(d), bit;
    d >>= s;
    uint64_t b = (uint64_t)(((fp_u128)base << 64) % n), x = b;
    for (bit = 62 - __builtin_clzll(d); bit >= 0; bit--) {
        x = fp_sqr(x, &m);
        if (d >> bit & 1) x = fp_mul(x, b, &m);
    }
    if (x == m.one || x == minus_one) return 1;
    while (--s > 0) {
        x = fp_sqr(x, &m);
        if (x == minus_one) return 1;
    }
    return 0;
}

#endif
