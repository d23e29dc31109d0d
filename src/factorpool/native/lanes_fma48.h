/* Lanes for moduli below 2^48, where a processor has fused multiplication of doubles: residues are integers in doubles.
 *
 * To be included after the doubles of an isa (x86/doubles_avx2.h, arm/doubles_neon.h).
 *
 * h = a b rounded, l = a b - h exactly by a fused multiplication, q = h / n rounded to an integer; then (h - q n) + l is congruent
 * to a b, exact, and small: J. van der Hoeven, G. Lecerf, G. Quintin, "Modular SIMD arithmetic in Mathemagix" (2016).  With
 * residues up to d n in absolute value, sums up to 2 d n, products are off the nearest multiple of n by at most 1/2 n
 * and by what rounding adds to the quotient, 2 / 2^53 (2 d)^2 n: n < 2^48 gives d < 0.6.  No product form, no inverse
 * but a division of doubles. */
#ifndef FP_LANES_FMA48_H
#define FP_LANES_FMA48_H

#include "integer.h"
#include "mont.h"

#define FP_FIELD_BITS 48
/* Registers side by side: one multiplication depends on the last for some 20 cycles, and about seven can begin in that time. */
#ifndef FP_UNITS
#define FP_UNITS 4
#endif
#define FP_UNIT_LANES FP_DOUBLES

/* Residues of least absolute value, or nearly so. */
typedef fp_doubles fp_unit;

typedef struct {
    fp_doubles n, inverse; /* 1 / n, rounded */
} fp_unit_mod;

typedef fp_bit_words fp_unit_bits;

/* a / n rounded to an integer, for |a / n| < 2^51: 1.5 2^52 leaves no bit of a fraction. */
static FP_INLINE fp_doubles fp_rounded(fp_doubles a, const fp_unit_mod *m) {
    return fp_fused(fp_all(0x1.8p52), a, m->inverse) - fp_all(0x1.8p52);
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_doubles high = fp_product(a, b);
    fp_doubles low = fp_fused(-high, a, b);
    return fp_fused_less(high, fp_rounded(high, m), m->n) + low;
}

static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) { return fp_unit_mul(a, a, m); }

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    return a + b;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    return a - b;
}

static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    fp_doubles high = fp_product(a, b);
    fp_doubles low = fp_fused(-high, a, b) - c; /* one rounding more in the quotient, but factors are no sums */
    return fp_fused_less(high, fp_rounded(high - c, m), m->n) + low;
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) {
    (void)m;
    return fp_all(1);
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    double n[FP_DOUBLES];
    for (int k = 0; k < FP_DOUBLES; k++) n[k] = (double)(int64_t)numbers[k];
    fp_unit_mod m = {.n = fp_doubles_load(n)};
    m.inverse = fp_quotient(fp_all(1), m.n);
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    double words[FP_DOUBLES];
    for (int k = 0; k < FP_DOUBLES; k++) words[k] = (double)c[k];
    return fp_unit_mul(fp_doubles_load(words), fp_unit_one(m), m);
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) {
    uint64_t words[FP_DOUBLES];
    for (int k = 0; k < FP_DOUBLES; k++) words[k] = (uint64_t)d[k];
    return fp_bit_words_load(words);
}

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    return fp_doubles_pick(d, bit, set, clear);
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    /* A difference of at most 4 d n: equal where it is 0 after taking the nearest multiple of n away. */
    fp_doubles d = a - b;
    return fp_zeros(fp_fused_less(d, fp_rounded(d, m), m->n));
}

#include "lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    fp_doubles n[FP_UNITS];
    uint64_t words[FP_LANES];
    FP_EACH_UNIT (i) a.at[i] = fp_size(a.at[i]), n[i] = m->at[i].n;
    fp_doubles_gcd(a.at, n, FP_UNITS, words);
    for (int k = 0; k < FP_LANES; k++) out[k] = words[k];
}

#endif
