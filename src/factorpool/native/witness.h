/* The hash that picks the base of a strong probable prime test below 2^32: what prime.c and the program that searched the
 * bases (scripts/make_witness_table.c) must agree on. */
#ifndef FP_WITNESS_H
#define FP_WITNESS_H

#include <stdint.h>

#define FP_WITNESS_BUCKETS 1024
#define FP_WITNESS_MULTIPLIER 0x9E3779B1u /* 2^32 over the golden ratio: spreads every bit of n into the top ones */

static inline uint32_t fp_witness_bucket(uint32_t n) {
    return (n * FP_WITNESS_MULTIPLIER) / (uint32_t)(((uint64_t)1 << 32) / FP_WITNESS_BUCKETS);
}

#endif
