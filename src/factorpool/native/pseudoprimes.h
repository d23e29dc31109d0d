/* The hash that says of most numbers below 2^32 that they are none of the pseudoprimes in a table: what prime.c and the program that
 * writes the table (scripts/make_pseudoprime_table.c) must agree on. */
#ifndef FP_PSEUDOPRIMES_H
#define FP_PSEUDOPRIMES_H

#include <stdint.h>

#define FP_PSEUDOPRIME_MARKS (1 << 15)

/* 2^32 over the golden ratio spreads every bit of n into the top ones. */
static inline uint32_t fp_pseudoprime_mark(uint32_t n) {
    return n * 0x9E3779B1u / (uint32_t)(((uint64_t)1 << 32) / FP_PSEUDOPRIME_MARKS);
}

#endif
