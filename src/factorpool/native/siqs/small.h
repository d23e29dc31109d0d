/* The small sieve: numbers of up to 184 bits, in memory that is allocated once for any number of them.
 *
 * What it shares with the full one (siqs.h) is the idea and the factor base; everything else is in 16 bits, and a polynomial is
 * sieved in one block. */
#ifndef FP_SIQS_SMALL_H
#define FP_SIQS_SMALL_H

#include "wide.h"

#define FP_SMALL_BITS 184

/* Primes of the base, so that vectors may read beyond a multiple of 16; they are below 2^15.5, and so their squares below 2^31. */
#define FP_SMALL_PRIMES 2400
#define FP_SMALL_LEAST_BEYOND 46341

/* Longest interval, and most primes of an a. */
#define FP_SMALL_BLOCK (1u << 15)
#define FP_SMALL_FACTORS 10

/* Relations beyond the number of primes: one in 2^16 numbers or fewer has no factor from them. */
#define FP_SMALL_SPARE 16

/* Relations that are kept, with a large prime or without; those put together; and factors of all. */
#define FP_SMALL_RELATIONS 16384
#define FP_SMALL_WHOLE (FP_SMALL_PRIMES + 1 + FP_SMALL_SPARE)
#define FP_SMALL_FACTOR_ROOM (24 * FP_SMALL_RELATIONS)
#define FP_SMALL_SLOTS (2 * FP_SMALL_RELATIONS)

#define FP_SMALL_ALIGN 64

/* Different a of one number. */
#define FP_SMALL_FAMILIES 1024

/* u^2 = the product of `length` factors from `start` on, times a large prime or 1 (mod n).  A factor is 0 for -1, else one more
 * than the index of a prime. */
typedef struct {
    fp_u128 u;
    uint32_t large, start;
    uint16_t length;
} fp_small_relation;

/* What one call works in. */
typedef struct {
    _Alignas(FP_SMALL_ALIGN) size_t count; /* of primes */
    _Alignas(32) uint16_t primes[FP_SMALL_PRIMES];
    _Alignas(32) uint16_t inverses[FP_SMALL_PRIMES]; /* 1 / p modulo 2^16 */
    _Alignas(32) uint16_t most[FP_SMALL_PRIMES];     /* 2^16 / p */
    _Alignas(32) uint16_t first[FP_SMALL_PRIMES];
    _Alignas(32) uint16_t second[FP_SMALL_PRIMES];
    _Alignas(32) uint16_t steps[FP_SMALL_FACTORS][FP_SMALL_PRIMES];
    uint16_t roots[FP_SMALL_PRIMES];
    uint8_t logs[FP_SMALL_PRIMES];
    fp_u128 exact[FP_SMALL_PRIMES]; /* 1 / p modulo 2^128 */
    uint32_t base[2 * FP_SMALL_PRIMES];
    uint16_t first_many[FP_SMALL_PRIMES], second_many[FP_SMALL_PRIMES];
    _Alignas(64) uint8_t block[FP_SMALL_BLOCK + 64];
    uint16_t found[FP_SMALL_BLOCK];

    fp_small_relation relations[FP_SMALL_RELATIONS];
    size_t relation_count, factors_used;
    uint16_t factors[FP_SMALL_FACTOR_ROOM];
    /* One more than the index of a relation: by its u, and by its large prime, of the first that has it. */
    uint16_t by_u[FP_SMALL_SLOTS], by_large[FP_SMALL_SLOTS];
    size_t slots; /* that are used, a power of two; half as many relations are kept */
    uint16_t whole[FP_SMALL_WHOLE][2];
    size_t whole_count;
    fp_u128 used_a[FP_SMALL_FAMILIES];
    size_t family_count;

    uint64_t matrix[FP_SMALL_PRIMES + 1][FP_SMALL_WHOLE / 64 + 1], *rows[FP_SMALL_PRIMES + 1];
    uint32_t pivots[FP_SMALL_PRIMES + 1];
} fp_small_memory;

/* small_root.c: a proper factor of n from the relations that are whole: pairs of the same large prime, or a relation twice, which has
 * none.  `factor` stays as it is if none of them gives one. */
int fp_small_root(fp_small_memory *m, const fp_wide *n, const fp_control *control, fp_wide *factor);

#endif
