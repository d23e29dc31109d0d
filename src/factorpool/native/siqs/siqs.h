/* The self-initializing quadratic sieve: relations u^2 = product of small primes (mod n), from which n is factored.
 *
 * S. Contini, "Factoring integers with the self-initializing quadratic sieve" (1997), has the polynomials: a is a product of
 * primes of the factor base, and for all b with b^2 = kn (mod a) the values of ((a x + b)^2 - kn) / a are small for small x.
 * All b of one a, a family, share what is costly to set up.  Families need nothing of each other, so any number of threads or
 * machines can work on one n. */
#ifndef FP_SIQS_H
#define FP_SIQS_H

#include "small.h"

/* kn may have so many bits: the longest number on the way to a polynomial is b^2 < kn. */
#define FP_SIQS_BITS 384

/* The sieve is done in blocks that fit the first-level cache. */
#define FP_SIQS_BLOCK_BITS 15
#define FP_SIQS_BLOCK (1u << FP_SIQS_BLOCK_BITS)

/* Most primes of a, and primes of a factor base: an entry of a bucket has 17 bits for the prime. */
#define FP_SIQS_MOST_FACTORS 20
#define FP_SIQS_MOST_PRIMES (1u << (32 - FP_SIQS_BLOCK_BITS))

/* Primes are below 2^22, so that a double has the product of two residues, and a float a position; the 2^17th of a base is about
 * 3.7 million. */
#define FP_SIQS_PRIME_BITS 22

/* Primes up to here are sieved with block by block, those beyond in buckets: positions in a block and primes have 16 bits. */
#define FP_SIQS_MEDIUM (1u << 16)

/* Primes that are sieved with at once, from which one on, and bytes after a block that take what is beyond it. */
#define FP_SIQS_MANY 16
#define FP_SIQS_LEAST_MANY 512
#define FP_SIQS_BEYOND 64

/* What all families of one n have in common.
 *
 * `primes` are those modulo which kn is a square, or 0, from 2 up; `roots` its square roots.  A polynomial is sieved from
 * -blocks / 2 to blocks / 2 times FP_SIQS_BLOCK.  Beside the primes of the factor base a value may have one up to `large`, or two
 * with a product of at most `most_left`.  It is looked at if the primes that are sieved with, those from `sieved_from` on, make up all
 * but `missing` bits of it: small primes take much time for little. */
typedef struct {
    fp_wide kn;
    const uint32_t *primes, *roots;
    size_t count;
    unsigned blocks;
    uint32_t large, sieved_from;
    uint64_t most_left;
    double missing;
} fp_siqs_plan;

/* Relations, one after the other: u; its two large primes, the lesser first, or 1 for none; and how many of `factors` belong to
 * it.  A factor is 0 for -1, else one more than the index of a prime; one that divides twice is there twice. */
typedef struct {
    fp_wide *u;
    uint64_t *left; /* the product of the large primes, until fp_siqs_settle takes it apart */
    uint32_t (*large)[2];
    uint16_t *lengths;
    size_t count, room;
    uint32_t *factors;
    size_t factors_used, factors_room;
} fp_siqs_relations;

/* relations.c: adds a factor to the relation that comes next; adds that relation, with all factors since the last one; takes apart
 * what is left in relations, and drops those of which it is no product of large primes; frees all. */
int fp_siqs_add_factor(fp_siqs_relations *relations, uint32_t factor);
int fp_siqs_add(fp_siqs_relations *relations, const fp_wide *u, uint64_t left, size_t length);
int fp_siqs_settle(const fp_isa *isa, const fp_siqs_plan *plan, const fp_control *control,
                   fp_siqs_relations *relations);
void fp_siqs_free(fp_siqs_relations *relations);

/* base.c: the first `count` primes modulo which kn is a square, and its roots. */
int fp_siqs_base(const fp_wide *kn, size_t count, uint32_t *primes, uint32_t *roots);

/* family.c: adds the relations of polynomials of an a, which is given by the indices of its primes.  Of the terms that b is the sum
 * of, the first `flips` < count take both signs, in 2^flips polynomials; the signs of the others but the last are the bits of `signs`. */
int fp_siqs_family(const fp_isa *isa, const fp_siqs_plan *plan, const uint32_t *factors, unsigned count, unsigned flips,
                   uint32_t signs, const fp_control *control, fp_siqs_relations *out);

/* The order of uint32_t for qsort. */
static inline int fp_siqs_ascending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* cycles.c: all relations of one number, whose factors are below `columns`.  `gather` takes in those that are not there yet;
 * `cycles` is how many ways there are to multiply some so that their large primes are a square.  Not for two threads at once. */
typedef struct fp_siqs_graph fp_siqs_graph;
fp_siqs_graph *fp_siqs_graph_new(size_t columns);
void fp_siqs_graph_free(fp_siqs_graph *graph);
size_t fp_siqs_columns(const fp_siqs_graph *graph);
size_t fp_siqs_count(const fp_siqs_graph *graph);
size_t fp_siqs_cycles(const fp_siqs_graph *graph);
int fp_siqs_gather(fp_siqs_graph *graph, const fp_siqs_relations *more);

/* Sets of relations whose product is a square on both sides, up to `most`: a bit for each relation, in (count + 63) / 64 words.
 * And what those of a set, `chosen` of them, multiply to: each u, and of the square on the other side the root, `chosen` large primes and
 * 1s, and how often each factor; `large` has room for twice as many. */
int fp_siqs_sets(const fp_siqs_graph *graph, size_t most, const fp_control *control, uint64_t *sets, size_t *found);
void fp_siqs_product(const fp_siqs_graph *graph, const uint64_t *set, fp_wide *u, uint32_t *large, uint32_t *halves);

/* matrix.c: sets of rows whose sum is 0 modulo 2.  Row i has a 1 in those columns that stand an odd number of times in
 * entries[starts[i]] to entries[starts[i + 1] - 1].  A set is a bit for each row, in (rows + 63) / 64 words; `sets` has room for
 * `most`, and `found` says how many there are. */
int fp_siqs_dependencies(const uint32_t *entries, const uint64_t *starts, size_t rows, size_t columns, size_t most,
                         const fp_control *control, uint64_t *sets, size_t *found);

/* The same for a dense matrix of `height` rows of `width` bits: brings it into reduced echelon form, of which the first `rank` rows
 * are not 0; pivot[i] is the column in which row i begins. */
int fp_siqs_reduce(uint64_t **rows, size_t height, size_t width, uint32_t *pivot, size_t *rank,
                   const fp_control *control);

/* lanczos.c: sums of unknowns that vanish in every equation, modulo 2; unknown u stands in the equations entries[starts[u]] to
 * entries[starts[u + 1] - 1].  Bit k of sets[u] says whether u is in sum k; `found` of them, up to 64, do not depend on each other: usually
 * nearly as many as there are; perhaps none, by bad luck or where there are few unknowns. */
typedef struct {
    size_t unknowns, equations;
    const uint32_t *entries;
    const size_t *starts;
} fp_siqs_matrix;
int fp_siqs_lanczos(const fp_siqs_matrix *sparse, const fp_control *control, uint64_t *sets, size_t *found);

/* small.c: a proper factor of an odd composite of up to FP_SMALL_BITS bits that is no power, or, hardly ever, 0.  `memory` points
 * to what it works in, the caller's to free; it is allocated where it is NULL.  And the same in two words. */
int fp_siqs_small(const fp_isa *isa, const fp_wide *n, fp_small_memory **memory, const fp_control *control,
                  fp_wide *factor);
int fp_siqs_small128(const fp_isa *isa, fp_u128 n, fp_small_memory **memory, const fp_control *control,
                     fp_u128 *factor);

/* loops.h, compiled once for each isa: what takes the time. */
typedef struct {
    /* Takes a prime q of a into what is known of primes [from, to): `a_inverse` is divided by q, and the term gamma / q is added to
     * `shift`, or with `minus` subtracted; twice the term into `step`, which may be NULL.  `inverses[r]` is 1 / r modulo q. */
    void (*add_term)(uint32_t q, uint32_t gamma, int minus, const uint16_t *inverses, const uint32_t *primes,
                     size_t from, size_t to, uint32_t *a_inverse, uint32_t *shift, uint32_t *step);
    /* The positions of both roots of primes [from, to), half - shift +- roots * a_inverse, in the place of a_inverse and shift. */
    void (*solve)(uint32_t half, const uint32_t *roots, const uint32_t *primes, size_t from, size_t to,
                  uint32_t *a_inverse, uint32_t *shift);
    /* Both roots of primes [from, to) less `step` modulo the prime; with `plus` more. */
    void (*move)(uint32_t *first, uint32_t *second, const uint32_t *step, const uint32_t *primes, size_t from,
                 size_t to, int plus);
    /* The roots of [from, to), and what is congruent to them, below `end` to the `next` places of the buckets of their blocks; the
     * position in the low bits, the index of the prime less `base` above. */
    void (*fill)(const uint32_t *first, const uint32_t *second, const uint32_t *primes, size_t base, size_t from,
                 size_t to, uint32_t end, uint32_t **next);
    /* Adds the logarithms of `count` primes, a multiple of FP_SIQS_MANY, up to FP_SIQS_MEDIUM, to a block from `start` on, where each
     * root is less than its prime away, and moves positions on to the next block. */
    void (*sieve_many)(uint8_t *block, uint32_t start, uint16_t *first, uint16_t *second, const uint16_t *primes,
                       const uint8_t *logs, size_t count);
    /* Positions of a block, of a multiple of 64 bytes, whose top bit is set. */
    size_t (*scan)(const uint8_t *block, uint32_t length, uint16_t *found);
    /* Entries of a bucket that are for a position. */
    size_t (*matching)(const uint32_t *bucket, size_t count, uint32_t position, uint32_t *found);
    /* Indices of `count` primes, a multiple of FP_SIQS_MANY, that may divide a position: a root of theirs is a multiple of p away.
     * `inverses` are 1 / p modulo 2^16 for roots below the position, -1 / p for those above it; `most` is 2^16 / p. */
    size_t (*dividing_many)(uint16_t position, const uint16_t *first, const uint16_t *second, const uint16_t *inverses,
                            const uint16_t *most, size_t count, uint32_t *found);
    /* Indices of primes [from, to) one of whose roots is congruent to a position. */
    size_t (*dividing)(uint32_t position, const uint32_t *first, const uint32_t *second, const uint32_t *primes,
                       const float *inverses, size_t from, size_t to, uint32_t *found);
    /* The positions of both roots of primes [from, to), half - b / a +- roots / a, where a is parts[0] and b the sum of `count` terms,
     * which follow it; and in a row of `steps` for each, what they move by when its sign changes.  Numbers are in two parts of 26 bits and
     * what is above, the low one first; what primes that divide a get means nothing. */
    void (*begin_small)(const uint32_t (*parts)[3], unsigned count, uint32_t half, const uint16_t *primes,
                        const uint16_t *roots, size_t from, size_t to, uint16_t *first, uint16_t *second,
                        uint16_t *steps, size_t row);
    /* As `move` in 16 bits, for the small sieve: `count` is a multiple of 16. */
    void (*move_small)(uint16_t *first, uint16_t *second, const uint16_t *step, const uint16_t *primes, size_t count,
                       int plus);
} fp_siqs_loops;

extern const fp_siqs_loops fp_siqs_generic;
#if defined(__x86_64__)
extern const fp_siqs_loops fp_siqs_avx2;
#endif

#endif
