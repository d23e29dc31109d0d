/* Montgomery arithmetic modulo one odd 64-bit number: the kernel's multiplication, written once for every method.
 *
 * P. L. Montgomery, "Modular multiplication without trial division", Math. Comp. 44 (1985).  The variant with the positive
 * inverse (subtract m n instead of adding it) needs no 129th bit, so that every odd n < 2^64 is allowed and all values
 * stay fully reduced in [0, n). */
#ifndef FP_MONT_H
#define FP_MONT_H

#include <stdint.h>

#include "kernel.h"

/* Loops of few rounds; a build that needs no speed may leave them. */
#ifndef FP_UNROLLED
#define FP_UNROLLED _Pragma("GCC unroll 8")
#define FP_ALL_UNROLLED _Pragma("GCC unroll 32") /* of limbs that should stay in registers */
#else
#define FP_ALL_UNROLLED FP_UNROLLED
#endif

/* What runs in every step: GCC would rather call some of it. */
#ifndef FP_INLINE
#define FP_INLINE inline __attribute__((always_inline))
#endif

typedef struct {
    uint64_t n;       /* the modulus, odd */
    uint64_t inverse; /* n^-1 mod 2^64 */
    uint64_t one;     /* 2^64 mod n: the number 1 in Montgomery form */
} fp_mont;

/* Inverse of an odd n modulo 2^64: 5 correct bits, doubled by each Newton step. */
static FP_INLINE uint64_t fp_inverse64(uint64_t n) {
    uint64_t x = (3 * n) ^ 2;
    x *= 2 - n * x;
    x *= 2 - n * x;
    x *= 2 - n * x;
    x *= 2 - n * x;
    return x;
}

static FP_INLINE fp_mont fp_mont_init(uint64_t n) {
    fp_mont m = {n, fp_inverse64(n), n > 1 ? (0 - n) % n : 0};
    return m;
}

/* high * 2^64 + low, divided by 2^64 modulo n; high < n. */
static FP_INLINE uint64_t fp_reduce(uint64_t high, uint64_t low, const fp_mont *m) {
    uint64_t q = low * m->inverse;
    uint64_t qn = (uint64_t)(((fp_u128)q * m->n) >> 64);
    uint64_t r = high - qn;
    return high < qn ? r + m->n : r;
}

/* a b / 2^64 mod n; a < n (b may be any 64-bit number). */
static FP_INLINE uint64_t fp_mul(uint64_t a, uint64_t b, const fp_mont *m) {
    fp_u128 t = (fp_u128)a * b;
    return fp_reduce((uint64_t)(t >> 64), (uint64_t)t, m);
}

static FP_INLINE uint64_t fp_sqr(uint64_t a, const fp_mont *m) { return fp_mul(a, a, m); }

static FP_INLINE uint64_t fp_sub(uint64_t a, uint64_t b, const fp_mont *m) {
    uint64_t r = a - b;
    return a < b ? r + m->n : r;
}

static FP_INLINE uint64_t fp_add(uint64_t a, uint64_t b, const fp_mont *m) { return fp_sub(a, m->n - b, m); }

/* Into Montgomery form, given 2^128 mod n. */
static FP_INLINE uint64_t fp_mont_square_of_radix(const fp_mont *m) {
    return (uint64_t)(((fp_u128)m->one << 64) % m->n);
}

#endif
