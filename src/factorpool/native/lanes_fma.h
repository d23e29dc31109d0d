/* Lanes for moduli of two or three limbs, where a processor has fused multiplication of doubles, but no wide one of integers.
 *
 * To be included with FP_LIMBS defined, after the doubles of an isa (x86/doubles_avx2.h, arm/doubles_neon.h).
 *
 * A residue is the exact sum of FP_LIMBS doubles.  With B = 2^FP_LIMB_BITS, limb i is a multiple of B^i: limbs carry their weight
 * with them.  A product of two is cut in two, exactly, at any multiple of B: s = C + a b rounds to a multiple of B^k if C is
 * 1.5 2^52 B^k and a b is below 2^51 B^k; C - s is minus the high half, and a b + (C - s), rounded once, the low half (N. Emmart,
 * F. Zheng, C. Weems, "Faster modular exponentiation using double precision floating point arithmetic on the GPU", 2018).  C
 * may carry other multiples of B^k, so that a column of halves is added up in the same instruction.
 *
 * The product is reduced from above, a limb of the quotient at a time: q = u / n rounded to a multiple of B^j, for u the two
 * highest columns.  No carry is propagated: halves have both signs, and limbs may be a little longer than B.
 *
 * Bounds, for n < 2^FP_FIELD_BITS, and n > B or, of three limbs, n > 2^96 = 2^10 B^2: shorter moduli have another field.  A limb
 * of a quotient is off by 1/2, by 0.1 at most for rounding u and 1 / n, and by (offsets, and columns that are not part of u)
 * at most 7 B^(FP_LIMBS - 1) / n.  So a residue is at most 0.6 n + 7 B^(FP_LIMBS - 1) in absolute value; its lowest limb is two
 * low halves, at most B, and its middle limb, of three, at most 6.5 B^2: 4 B^2 the high half of the product of lowest limbs,
 * four low halves, a high half of q n.  Factors may be sums, of twice that.  Column k, beside its offset, has to stay below
 * 2^51 B^k less n / 2, by which the offset is off its middle:
 *
 * Two limbs, B = 2^48, n < 2^48 B.  Column 1: 4 B^2 of the lowest limbs and three low halves, 5.5 B^2 < 2^50.5 B.  Column 2:
 * two products of a lowest and a highest limb, 4.8 n B, and a low half, B^3 / 2: less than 2^50.5 B^2.  Allowed are 2^50.9.
 *
 * Three limbs, B = 2^43, n < 2^42 B^2.  Column 3 has the most: the product of middle limbs, 169 B^4 < 2^50.5 B^3; the others of
 * its own are below 2^46 B^3. */
#ifndef FP_LANES_FMA_H
#define FP_LANES_FMA_H

#include "integer.h"
#include "mont.h"

#define FP_LIMB_BITS (FP_LIMBS == 2 ? 48 : 43)
#define FP_FIELD_BITS (FP_LIMBS == 2 ? 96 : 128)
/* Of three limbs one unit less: a number alone gets all lanes, and pays for them. */
#ifndef FP_UNITS
#define FP_UNITS (FP_LIMBS == 2 ? 3 : 2)
#endif
#define FP_UNIT_LANES FP_DOUBLES

/* B^k, and a double of which the last bit is worth so much. */
#define FP_WEIGHT(k)                                                                                                   \
    ((k) == 0   ? 1.0                                                                                                  \
     : (k) == 1 ? FP_B                                                                                                 \
     : (k) == 2 ? FP_B * FP_B                                                                                          \
     : (k) == 3 ? FP_B * FP_B * FP_B                                                                                   \
                : FP_B * FP_B * FP_B * FP_B * ((k) == 4 ? 1.0 : FP_B))
#define FP_B ((double)(1LL << FP_LIMB_BITS))
#define FP_MIDDLE(k) (0x1.8p52 * FP_WEIGHT(k))

typedef struct {
    fp_doubles limb[FP_LIMBS];
} fp_unit;

typedef struct {
    fp_doubles n[FP_LIMBS];
    fp_doubles inverse; /* 1 / n, rounded */
    /* offset[j] is about 1.5 2^52 B^(FP_LIMBS - 1 + j), and nearly k n B^j for an integer k: the quotient of a column that carries
     * it is too large by k B^j, and shift[j] = 1.5 2^52 B^j - k B^j makes up for it. */
    fp_doubles offset[FP_LIMBS], shift[FP_LIMBS];
} fp_unit_mod;

typedef struct {
    fp_bit_words low, high;
} fp_unit_bits;

/* The sum of limbs, rounded, from the highest on: so its sign is right. */
static FP_INLINE fp_doubles fp_sum(const fp_doubles *limb) {
    fp_doubles sum = limb[FP_LIMBS - 1];
    FP_UNROLLED for (int i = FP_LIMBS - 2; i >= 0; i--) sum = sum + limb[i];
    return sum;
}

/* What a column begins with. */
static FP_INLINE fp_doubles fp_offset(int column, const fp_unit_mod *m) {
    if (column < FP_LIMBS - 1 || column == 2 * FP_LIMBS - 1) return fp_all(FP_MIDDLE(column));
    return m->offset[column - (FP_LIMBS - 1)];
}

/* The residue of which the columns are given; each carries its offset, but for the lowest. */
static FP_INLINE fp_unit fp_unit_reduced(fp_doubles *column, const fp_unit_mod *m) {
    const int top = FP_LIMBS - 1;
    FP_UNROLLED for (int j = top; j >= 0; j--) {
        fp_doubles minus = fp_offset(top + j + 1, m) - column[top + j + 1]; /* minus the highest column */
        fp_doubles q = fp_fused(m->shift[j], column[top + j] - minus, m->inverse) - fp_all(FP_MIDDLE(j));
        fp_doubles sum = column[top + j] - fp_fused(minus, q, m->n[top]); /* exact: what is left is below n */
        FP_UNROLLED for (int i = top - 1; i >= 0; i--) {
            fp_doubles next = fp_fused_less(sum, q, m->n[i]);
            column[i + j + 1] = next;
            sum = column[i + j] + fp_fused_less(sum - next, q, m->n[i]);
        }
        column[j] = sum;
    }
    fp_unit r = {{column[0]}};
    FP_UNROLLED for (int i = 1; i < FP_LIMBS; i++) r.limb[i] = column[i] - fp_offset(i, m);
    return r;
}

/* Adds the product of two limbs, high half to column k, low half to column k - 1. */
static FP_INLINE void fp_add_product(fp_doubles *column, int k, fp_doubles a, fp_doubles b) {
    fp_doubles sum = fp_fused(column[k], a, b);
    fp_doubles low = fp_fused(column[k] - sum, a, b);
    column[k] = sum;
    if (k == 1)
        column[0] = low; /* there is one */
    else
        column[k - 1] = column[k - 1] + low;
}

/* The columns of a b. */
static FP_INLINE void fp_columns_of(fp_doubles *column, fp_unit a, fp_unit b, const fp_unit_mod *m) {
    FP_UNROLLED for (int k = 1; k < 2 * FP_LIMBS; k++) column[k] = fp_offset(k, m);
    FP_UNROLLED for (int k = 1; k < 2 * FP_LIMBS; k++) {
        FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
            int j = k - 1 - i;
            if (0 <= j && j < FP_LIMBS) fp_add_product(column, k, a.limb[i], b.limb[j]);
        }
    }
}

static FP_INLINE fp_unit fp_unit_mul(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    fp_doubles column[2 * FP_LIMBS];
    fp_columns_of(column, a, b, m);
    return fp_unit_reduced(column, m);
}

/* The limbs of c are cut in two as well, but for the highest, so that the limbs of the result do not grow: the lowest is three
 * low halves, at most 1.5 B.  A difference of two, at most 3 B, times a product is less than what two sums give. */
static FP_INLINE fp_unit fp_unit_mul_sub(fp_unit a, fp_unit b, fp_unit c, const fp_unit_mod *m) {
    fp_doubles column[2 * FP_LIMBS];
    fp_columns_of(column, a, b, m);
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        if (i + 1 == FP_LIMBS) {
            column[i] = column[i] - c.limb[i];
        } else {
            fp_doubles sum = column[i + 1] - c.limb[i];
            column[i] = column[i] + ((column[i + 1] - sum) - c.limb[i]);
            column[i + 1] = sum;
        }
    }
    return fp_unit_reduced(column, m);
}

/* The product of two different limbs is there twice. */
static FP_INLINE fp_unit fp_unit_sqr(fp_unit a, const fp_unit_mod *m) {
    fp_doubles column[2 * FP_LIMBS];
    FP_UNROLLED for (int k = 1; k < 2 * FP_LIMBS; k++) column[k] = fp_offset(k, m);
    FP_UNROLLED for (int k = 1; k < 2 * FP_LIMBS; k++) {
        FP_UNROLLED for (int i = 0; 2 * i < k; i++) {
            int j = k - 1 - i;
            if (j >= FP_LIMBS) continue;
            if (i == j)
                fp_add_product(column, k, a.limb[i], a.limb[i]);
            else
                fp_add_product(column, k, a.limb[i], a.limb[j] + a.limb[j]);
        }
    }
    return fp_unit_reduced(column, m);
}

static FP_INLINE fp_unit fp_unit_add(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) a.limb[i] = a.limb[i] + b.limb[i];
    return a;
}

static FP_INLINE fp_unit fp_unit_sub(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    (void)m;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) a.limb[i] = a.limb[i] - b.limb[i];
    return a;
}

static FP_INLINE fp_unit fp_unit_one(const fp_unit_mod *m) {
    (void)m;
    fp_unit r = {{fp_all(1)}};
    FP_UNROLLED for (int i = 1; i < FP_LIMBS; i++) r.limb[i] = fp_all(0);
    return r;
}

static FP_INLINE fp_unit_mod fp_unit_mod_load(const fp_u128 *numbers) {
    double limb[FP_LIMBS][FP_DOUBLES];
    fp_unit_mod m;
    for (int k = 0; k < FP_DOUBLES; k++) {
        fp_u128 left = numbers[k];
        for (int i = 0; i < FP_LIMBS; i++) {
            /* The low limbs are the residues of least absolute value modulo B. */
            int64_t low = (int64_t)((uint64_t)left << (64 - FP_LIMB_BITS)) >> (64 - FP_LIMB_BITS);
            if (i == FP_LIMBS - 1) low = (int64_t)left;
            limb[i][k] = (double)low * FP_WEIGHT(i);
            left = (left >> FP_LIMB_BITS) + (low < 0);
        }
    }
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) m.n[i] = fp_doubles_load(limb[i]);
    const fp_doubles n = fp_sum(m.n);
    m.inverse = fp_quotient(fp_all(1), n);
    /* How often n goes into the offset, an integer; their product is rounded to a multiple of B^(FP_LIMBS - 1), its last bit. */
    fp_doubles k = fp_fused(fp_all(0x1p52), fp_all(FP_MIDDLE(FP_LIMBS - 1)), m.inverse) - fp_all(0x1p52);
    FP_UNROLLED for (int j = 0; j < FP_LIMBS; j++) {
        m.offset[j] = fp_product(fp_product(k, n), fp_all(FP_WEIGHT(j)));
        m.shift[j] = fp_product(fp_all(0x1.8p52) - k, fp_all(FP_WEIGHT(j)));
    }
    return m;
}

static FP_INLINE fp_unit fp_unit_constants(const int64_t *c, const fp_unit_mod *m) {
    double words[FP_DOUBLES];
    for (int k = 0; k < FP_DOUBLES; k++) words[k] = (double)c[k];
    fp_doubles r = fp_doubles_load(words), high = (r + fp_all(FP_MIDDLE(1))) - fp_all(FP_MIDDLE(1));
    fp_unit constants = {{r - high, high}};
    FP_UNROLLED for (int i = 2; i < FP_LIMBS; i++) constants.limb[i] = fp_all(0);
    return fp_unit_mul(constants, fp_unit_one(m), m);
}

static FP_INLINE fp_unit_bits fp_unit_bits_load(const fp_u128 *d) {
    uint64_t low[FP_DOUBLES], high[FP_DOUBLES];
    for (int k = 0; k < FP_DOUBLES; k++) low[k] = (uint64_t)d[k], high[k] = (uint64_t)(d[k] >> 64);
    return (fp_unit_bits){fp_bit_words_load(low), fp_bit_words_load(high)};
}

static FP_INLINE fp_unit fp_unit_pick(fp_unit_bits d, int bit, fp_unit set, fp_unit clear) {
    fp_unit r;
    FP_UNROLLED for (int i = 0; i < FP_LIMBS; i++) r.limb[i] =
        fp_doubles_pick(bit < 64 ? d.low : d.high, bit & 63, set.limb[i], clear.limb[i]);
    return r;
}

static FP_INLINE uint32_t fp_unit_equal(fp_unit a, fp_unit b, const fp_unit_mod *m) {
    /* Where a and b agree, their difference is a small multiple of n: nothing is left once that is taken away, limb by limb, the
     * highest first, all of it exact.  Elsewhere what rounding may change is too large for the lower limbs to cancel. */
    fp_unit d = fp_unit_sub(a, b, m);
    fp_doubles q = fp_fused(fp_all(0x1.8p52), fp_sum(d.limb), m->inverse) - fp_all(0x1.8p52);
    fp_doubles left = fp_fused_less(d.limb[FP_LIMBS - 1], q, m->n[FP_LIMBS - 1]);
    FP_UNROLLED for (int i = FP_LIMBS - 2; i >= 0; i--) left = left + fp_fused_less(d.limb[i], q, m->n[i]);
    return fp_zeros(left);
}

#include "lanes_loops.h"

static FP_INLINE void fp_vec_gcd(fp_vec a, const fp_vec_mod *m, fp_u128 *out) {
    FP_EACH_UNIT (u) {
        fp_u128 x[FP_DOUBLES], n[FP_DOUBLES];
        double words[FP_DOUBLES], moduli[FP_DOUBLES], sign[FP_DOUBLES];
        fp_doubles_store(sign, fp_sum(a.at[u].limb));
        for (int k = 0; k < FP_DOUBLES; k++) x[k] = n[k] = 0;
        for (int i = 0; i < FP_LIMBS; i++) {
            fp_doubles_store(words, fp_product(a.at[u].limb[i], fp_all(1 / FP_WEIGHT(i))));
            fp_doubles_store(moduli, fp_product(m->at[u].n[i], fp_all(1 / FP_WEIGHT(i))));
            for (int k = 0; k < FP_DOUBLES; k++) {
                x[k] += (fp_u128)(__int128)(int64_t)words[k] << FP_LIMB_BITS * i;
                n[k] += (fp_u128)(__int128)(int64_t)moduli[k] << FP_LIMB_BITS * i;
            }
        }
        /* Modulo 2^128 and of any sign: a residue may exceed 2^127. */
        for (int k = 0; k < FP_DOUBLES; k++) out[FP_DOUBLES * u + k] = fp_gcd128(sign[k] < 0 ? 0 - x[k] : x[k], n[k]);
    }
}

#endif
