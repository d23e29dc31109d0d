/* Two doubles a register, for lanes_fma48.h and lanes_fma.h: NEON, which every 64-bit ARM has. */
#ifndef FP_DOUBLES_NEON_H
#define FP_DOUBLES_NEON_H

#include <arm_neon.h>
#include <stdint.h>

#include "../integer.h"
#include "../mont.h"

#define FP_DOUBLES 2

/* + and - are the compiler's.  It must not fuse a product with them that does not say so. */
typedef float64x2_t fp_doubles;
typedef uint64x2_t fp_bit_words;

static FP_INLINE fp_doubles fp_all(double x) { return vdupq_n_f64(x); }

static FP_INLINE fp_doubles fp_doubles_load(const double *x) { return vld1q_f64(x); }

static FP_INLINE void fp_doubles_store(double *x, fp_doubles a) { vst1q_f64(x, a); }

static FP_INLINE fp_doubles fp_size(fp_doubles a) { return vabsq_f64(a); }

static FP_INLINE fp_doubles fp_product(fp_doubles a, fp_doubles b) {
    fp_doubles r = vmulq_f64(a, b);
    __asm__("" : "+w"(r)); /* to the compiler, anything may have happened to it here */
    return r;
}

static FP_INLINE fp_doubles fp_quotient(fp_doubles a, fp_doubles b) { return vdivq_f64(a, b); }

/* c + a b, rounded once. */
static FP_INLINE fp_doubles fp_fused(fp_doubles c, fp_doubles a, fp_doubles b) { return vfmaq_f64(c, a, b); }

/* c - a b, rounded once. */
static FP_INLINE fp_doubles fp_fused_less(fp_doubles c, fp_doubles a, fp_doubles b) { return vfmsq_f64(c, a, b); }

/* Bit k: is a[k] = 0? */
static FP_INLINE uint32_t fp_zeros(fp_doubles a) {
    uint64x2_t zero = vceqzq_f64(a);
    return (uint32_t)((vgetq_lane_u64(zero, 0) & 1) | (vgetq_lane_u64(zero, 1) & 2));
}

static FP_INLINE fp_bit_words fp_bit_words_load(const uint64_t *words) { return vld1q_u64(words); }

/* `set` where that bit of the word is set, else `clear`. */
static FP_INLINE fp_doubles fp_doubles_pick(fp_bit_words words, int bit, fp_doubles set, fp_doubles clear) {
    return vbslq_f64(vtstq_u64(words, vdupq_n_u64((uint64_t)1 << bit)), set, clear);
}

/* words[k] = gcd(a[k], b[k]) of `count` registers each of integers below 2^52, b odd. */
static FP_INLINE void fp_doubles_gcd(const fp_doubles *a, const fp_doubles *b, int count, uint64_t *words) {
    for (int i = 0; i < count; i++) {
        double x[FP_DOUBLES], y[FP_DOUBLES];
        fp_doubles_store(x, a[i]), fp_doubles_store(y, b[i]);
        for (int k = 0; k < FP_DOUBLES; k++) words[FP_DOUBLES * i + k] = fp_gcd((uint64_t)x[k], (uint64_t)y[k]);
    }
}

#endif
