/* Integers of FP_WIDE words in two's complement, the low word first: what the sieve does with them is rare. */
#ifndef FP_SIQS_WIDE_H
#define FP_SIQS_WIDE_H

#include <stdint.h>
#include <string.h>

#include "../kernel.h"

/* kn has at most FP_SIQS_BITS bits, and so has b^2; a x^2 + 2 b x + c, a value, is about half as long. */
#define FP_WIDE 8

typedef struct {
    uint64_t w[FP_WIDE];
} fp_wide;

static inline int fp_wide_negative(const fp_wide *a) { return (int64_t)a->w[FP_WIDE - 1] < 0; }

static inline void fp_wide_add(fp_wide *sum, const fp_wide *a, const fp_wide *b) {
    fp_u128 carry = 0;
    for (int i = 0; i < FP_WIDE; i++) {
        carry += (fp_u128)a->w[i] + b->w[i];
        sum->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static inline void fp_wide_negate(fp_wide *a) {
    unsigned carry = 1;
    for (int i = 0; i < FP_WIDE; i++) {
        a->w[i] = ~a->w[i] + carry;
        carry &= a->w[i] == 0;
    }
}

static inline void fp_wide_subtract(fp_wide *difference, const fp_wide *a, const fp_wide *b) {
    fp_wide minus = *b;
    fp_wide_negate(&minus);
    fp_wide_add(difference, a, &minus);
}

/* The product with a small number, modulo 2^(64 FP_WIDE). */
static inline void fp_wide_scale(fp_wide *product, const fp_wide *a, int64_t factor) {
    uint64_t magnitude = factor < 0 ? -(uint64_t)factor : (uint64_t)factor;
    uint64_t carry = 0;
    for (int i = 0; i < FP_WIDE; i++) {
        fp_u128 t = (fp_u128)a->w[i] * magnitude + carry;
        product->w[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    if (factor < 0) fp_wide_negate(product);
}

static inline void fp_wide_square(fp_wide *square, const fp_wide *a) {
    fp_wide result = {{0}};
    for (int i = 0; i < FP_WIDE; i++) {
        uint64_t carry = 0;
        for (int j = 0; i + j < FP_WIDE; j++) {
            fp_u128 t = (fp_u128)a->w[i] * a->w[j] + result.w[i + j] + carry;
            result.w[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    *square = result;
}

/* Words of a number > 0 up to the highest that is not 0. */
static inline int fp_wide_length(const fp_wide *a) {
    int length = FP_WIDE;
    while (length && !a->w[length - 1]) length--;
    return length;
}

/* Bits of a number > 0 of so many words. */
static inline int fp_wide_bits(const fp_wide *a, int length) { return 64 * length - __builtin_clzll(a->w[length - 1]); }

/* a >= 0 divided by d, and the remainder; quotient may be a. */
static inline uint32_t fp_wide_divide(fp_wide *quotient, const fp_wide *a, int length, uint32_t d) {
    uint64_t rest = 0;
    for (int i = length - 1; i >= 0; i--) {
        uint64_t high = rest << 32 | a->w[i] >> 32, low;
        uint64_t q = high / d;
        low = (high % d) << 32 | (uint32_t)a->w[i];
        quotient->w[i] = q << 32 | low / d;
        rest = low % d;
    }
    return (uint32_t)rest;
}

/* The same for an odd d, 1 / d modulo 2^64 given, if d divides a; else an answer that is not 0, and no quotient. */
static inline uint64_t fp_wide_divide_exactly(fp_wide *quotient, const fp_wide *a, int length, uint32_t d,
                                              uint64_t inverse) {
    uint64_t borrow = 0;
    for (int i = 0; i < length; i++) {
        const uint64_t digit = (a->w[i] - borrow) * inverse;
        borrow = (a->w[i] < borrow) + (uint64_t)((fp_u128)digit * d >> 64);
        quotient->w[i] = digit;
    }
    return borrow;
}

/* a >= 0 modulo d. */
static inline uint32_t fp_wide_modulo(const fp_wide *a, int length, uint32_t d) {
    uint64_t rest = 0;
    for (int i = length - 1; i >= 0; i--) {
        rest = (rest << 32 | a->w[i] >> 32) % d;
        rest = (rest << 32 | (uint32_t)a->w[i]) % d;
    }
    return (uint32_t)rest;
}

#endif
