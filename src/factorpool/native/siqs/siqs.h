/* The self-initializing quadratic sieve: relations u^2 = product of small primes (mod n), from which n is factored.
 *
 * S. Contini, "Factoring integers with the self-initializing quadratic sieve" (1997), has the polynomials: a is a product of
 * primes of the factor base, and for all b with b^2 = kn (mod a) the values of ((a x + b)^2 - kn) / a are small for small x.
 * All b of one a, a family, share what is costly to set up.  Families need nothing of each other, so any number of threads or
 * machines can work on one n. */
#ifndef FP_SIQS_H
#define FP_SIQS_H

#include "small.h"
#include "wide.h"

/* kn may have so many bits: the longest number on the way to a polynomial is b^2 < kn. */
#define FP_SIQS_BITS 384

/* The sieve is done in blocks that fit the first-level cache. */
#define FP_SIQS_BLOCK_BITS 15
#define FP_SIQS_BLOCK (1u << FP_SIQS_BLOCK_BITS)

/* Most primes of a, and primes of a factor base: an entry of a bucket has 17 bits for the prime. */
#define FP_SIQS_MOST_FACTORS 20
#define FP_SIQS_MOST_PRIMES (1u << (32 - FP_SIQS_BLOCK_BITS))

/* What all families of one n have in common.
 *
 * `primes` are those modulo which kn is a square, or 0, from 2 up; `roots` its square roots.  A polynomial is sieved from
 * -blocks / 2 to blocks / 2 times FP_SIQS_BLOCK.  A value may keep one prime up to `large`, beside those of the factor base; it is
 * looked at if the primes that are sieved with, those from `sieved_from` on, make up all but `missing` bits of it: small primes
 * take much time for little. */
typedef struct {
    fp_wide kn;
    const uint32_t *primes, *roots;
    size_t count;
    unsigned blocks;
    uint32_t large, sieved_from;
    double missing;
} fp_siqs_plan;

/* Relations, one after the other: u; the large prime, or 1; and how many of `factors` belong to it.  A factor is 0 for -1, else
 * one more than the index of a prime; one that divides twice is there twice. */
typedef struct {
    fp_wide *u;
    uint32_t *large;
    uint16_t *lengths;
    size_t count, room;
    uint32_t *factors;
    size_t factors_used, factors_room;
} fp_siqs_relations;

void fp_siqs_free(fp_siqs_relations *relations);

/* base.c: the first `count` primes modulo which kn is a square, and its roots. */
int fp_siqs_base(const fp_wide *kn, size_t count, uint32_t *primes, uint32_t *roots);

/* family.c: adds the relations of polynomials of an a, which is given by the indices of its primes.  Of the terms that b is the sum
 * of, the first `flips` < count take both signs, in 2^flips polynomials; the signs of the others but the last are the bits of `signs`. */
int fp_siqs_family(const fp_isa *isa, const fp_siqs_plan *plan, const uint32_t *factors, unsigned count, unsigned flips,
                   uint32_t signs, const fp_control *control, fp_siqs_relations *out);

/* matrix.c: sets of rows whose sum is 0 modulo 2.  Row i has a 1 in those columns that stand an odd number of times in
 * entries[starts[i]] to entries[starts[i + 1] - 1].  A set is a bit for each row, in (rows + 63) / 64 words; `sets` has room for
 * `most`, and `found` says how many there are. */
int fp_siqs_dependencies(const uint32_t *entries, const uint64_t *starts, size_t rows, size_t columns, size_t most,
                         const fp_control *control, uint64_t *sets, size_t *found);

/* small.c: a proper factor of an odd composite of up to 128 bits that is no power, or, hardly ever, 0.  `memory` points
 * to what it works in, the caller's to free; it is allocated where it is NULL. */
int fp_siqs_small(const fp_isa *isa, fp_u128 n, fp_small_memory **memory, const fp_control *control, fp_u128 *factor);

/* loops.h, compiled once for each isa: what takes the time. */
typedef struct {
    /* Both roots of primes [from, to) less `step` modulo the prime; with `plus` more. */
    void (*move)(uint32_t *first, uint32_t *second, const uint32_t *step, const uint32_t *primes, size_t from,
                 size_t to, int plus);
    /* The roots of [from, to), and what is congruent to them, below `end` into the buckets of their blocks; the position in the low
     * bits, the index of the prime less `base` above. */
    void (*fill)(const uint32_t *first, const uint32_t *second, const uint32_t *primes, size_t base, size_t from,
                 size_t to, uint32_t end, uint32_t *const *buckets, uint32_t *used);
    /* Adds the logarithms of primes [from, to) to a block, and moves their positions on to the next. */
    void (*sieve)(uint8_t *block, uint32_t *first, uint32_t *second, const uint32_t *primes, const uint8_t *logs,
                  size_t from, size_t to);
    /* Positions of a block, of a multiple of 64 bytes, whose top bit is set. */
    size_t (*scan)(const uint8_t *block, uint32_t length, uint16_t *found);
    /* Indices of primes [from, to) one of whose roots is congruent to a position. */
    size_t (*dividing)(uint32_t position, const uint32_t *first, const uint32_t *second, const uint32_t *primes,
                       const float *inverses, size_t from, size_t to, uint32_t *found);
    /* As `move` and `dividing` in 16 bits, for the small sieve: `count` is a multiple of 16, positions are below 2^15. */
    void (*move_small)(uint16_t *first, uint16_t *second, const uint16_t *step, const uint16_t *primes, size_t count,
                       int plus);
    size_t (*dividing_small)(uint16_t position, const uint16_t *first, const uint16_t *second, const uint16_t *primes,
                             const uint16_t *inverses, size_t count, uint16_t *found);
} fp_siqs_loops;

extern const fp_siqs_loops fp_siqs_generic;
#if defined(__x86_64__)
extern const fp_siqs_loops fp_siqs_avx2;
#endif

#endif
