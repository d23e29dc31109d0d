/* Small integer functions that several methods share: no modulus, no state. */
#ifndef FP_INTEGER_H
#define FP_INTEGER_H

#include <math.h>
#include <stdint.h>

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

/* The integer part of the square root.  A double has 53 bits, so that its root may be one too large or small. */
static inline uint64_t fp_sqrt(uint64_t n) {
    uint64_t r = (uint64_t)sqrt((double)n);
    if (r > 0xFFFFFFFF) r = 0xFFFFFFFF;
    while (r * r > n) r--;
    while (r < 0xFFFFFFFF && (r + 1) * (r + 1) <= n) r++;
    return r;
}

#endif
