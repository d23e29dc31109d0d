/* Small integer functions that several methods share: no modulus, no state. */
#ifndef FP_INTEGER_H
#define FP_INTEGER_H

#include <math.h>
#include <stdint.h>

#include "mont.h"

/* The length of n > 0 in bits. */
static inline int fp_bits(fp_u128 n) {
    uint64_t high = (uint64_t)(n >> 64);
    return high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)n);
}

/* How often 2 divides n > 0. */
static inline int fp_twos(fp_u128 n) {
    return (uint64_t)n ? __builtin_ctzll((uint64_t)n) : 64 + __builtin_ctzll((uint64_t)(n >> 64));
}

/* Greatest common divisor by the binary algorithm: shifts and subtractions, no division.  b must be odd, as every modulus here
 * is. */
static inline uint64_t fp_gcd(uint64_t a, uint64_t b) {
    if (a == 0) return b;
    a >>= __builtin_ctzll(a);
    while (a != b) {
        uint64_t d = a > b ? a - b : b - a;
        b = a < b ? a : b;
        a = d >> __builtin_ctzll(d);
    }
    return a;
}

/* The same for numbers of two words. */
static inline fp_u128 fp_gcd128(fp_u128 a, fp_u128 b) {
    if (a == 0) return b;
    a >>= fp_twos(a);
    while ((a | b) >> 64) {
        if (a == b) return a;
        fp_u128 d = a > b ? a - b : b - a;
        b = a < b ? a : b;
        a = d >> fp_twos(d);
    }
    return fp_gcd((uint64_t)a, (uint64_t)b);
}

/* 1/a modulo a prime p for a not 0, by Euclid's algorithm. */
static inline uint32_t fp_inverse32(uint32_t a, uint32_t p) {
    int64_t x = 0, y = 1;
    uint32_t b = p;
    while (a > 1) {
        uint32_t q = b / a, t = b - q * a;
        b = a, a = t;
        int64_t z = x - (int64_t)q * y;
        x = y, y = z;
    }
    return (uint32_t)(y < 0 ? y + p : y);
}

/* The integer part of the square root.  A double has 53 bits, so that its root may be one too large or small. */
static inline uint64_t fp_sqrt(uint64_t n) {
    uint64_t r = (uint64_t)sqrt((double)n);
    if (r > 0xFFFFFFFF) r = 0xFFFFFFFF;
    while (r * r > n) r--;
    while (r < 0xFFFFFFFF && (r + 1) * (r + 1) <= n) r++;
    return r;
}

/* The same for two words: the double's root is good to 52 bits, one step of Newton's makes it all 64. */
static inline uint64_t fp_sqrt128(fp_u128 n) {
    if (n >> 64 == 0) return fp_sqrt((uint64_t)n);
    double estimate = sqrt((double)n);
    uint64_t r = estimate < 0x1p64 ? (uint64_t)estimate : UINT64_MAX;
    fp_u128 next = (n / r + r) / 2;
    r = next >> 64 ? UINT64_MAX : (uint64_t)next;
    while ((fp_u128)r * r > n) r--;
    while (r < UINT64_MAX && (fp_u128)(r + 1) * (r + 1) <= n) r++;
    return r;
}

#endif
