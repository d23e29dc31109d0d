/* Curves in four lanes for AVX2, modulo one number of FP_LIMBS limbs of 28 bits; to be included with FP_LIMBS and FP_LONG, the name of
 * the result.
 *
 * Montgomery's reduction with R = 2^(28 FP_LIMBS), a limb at a time.  Results of a multiplication are in [0, 2 n), their limbs below
 * 2^28.  Sums, in [0, 4 n), and differences, in [0, 6 n), are not carried: their limbs are below 3 2^28, products of two below
 * 2^59.2, and 25 of them, with as many of q n, below 2^64.  With n < R / 64, 36 n^2 / R + n < 2 n. */
#include <string.h>

#include "../long.h"

#define FP_POINT static __attribute__((noinline))
/* Calls of multiplications of up to ten limbs would take a tenth to a third longer; of more, there would be too much code. */
#if FP_LIMBS > 10
#define FP_MULTIPLICATION FP_POINT
#else
#define FP_MULTIPLICATION static FP_INLINE
#endif
#define FP_LANES 4
_Static_assert(FP_LIMBS <= 25, "a column of so many products must fit into a word");
#define FP_LIMB_BITS 28
#define FP_LIMB_MASK (((uint64_t)1 << FP_LIMB_BITS) - 1)
#define FP_LONG_CAPACITY (FP_LIMB_BITS * FP_LIMBS - 6)

typedef struct {
    __m256i limb[FP_LIMBS];
} fp_vec;

typedef struct {
    fp_vec n, one, radix2;
    fp_vec spread;   /* 4 n, whose limbs are at least as large as those of any product */
    __m256i inverse; /* -1 / n modulo 2^28 */
} fp_vec_mod;

static FP_INLINE __m256i plus_product(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi64(sum, _mm256_mul_epu32(a, b));
}

/* Adds the multiple of n that makes the lowest column 0, and drops that; then `product` to the new lowest one.  What the next step
 * has to wait for is kept short: the lowest column's carry is that of q n and, but where it is a multiple of 2^28, one more than its
 * own. */
static FP_INLINE void reduce(__m256i *column, __m256i product, const fp_vec_mod *m) {
    const __m256i mask = _mm256_set1_epi64x(FP_LIMB_MASK);
    const __m256i q = _mm256_and_si256(_mm256_mul_epu32(column[0], m->inverse), mask);
    const __m256i own = _mm256_srli_epi64(_mm256_add_epi64(column[0], mask), FP_LIMB_BITS);
    const __m256i carry = _mm256_srli_epi64(_mm256_mul_epu32(q, m->n.limb[0]), FP_LIMB_BITS);
    column[0] = plus_product(_mm256_add_epi64(_mm256_add_epi64(column[1], product), own), q, m->n.limb[1]);
    column[0] = _mm256_add_epi64(column[0], carry);
    FP_ALL_UNROLLED for (int j = 2; j < FP_LIMBS; j++) column[j - 1] = plus_product(column[j], q, m->n.limb[j]);
    column[FP_LIMBS - 1] = _mm256_setzero_si256();
}

static FP_INLINE void carried(fp_vec *r, const __m256i *column) {
    const __m256i mask = _mm256_set1_epi64x(FP_LIMB_MASK);
    __m256i carry = _mm256_setzero_si256();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        const __m256i sum = _mm256_add_epi64(column[i], carry);
        r->limb[i] = _mm256_and_si256(sum, mask), carry = _mm256_srli_epi64(sum, FP_LIMB_BITS);
    }
}

FP_MULTIPLICATION void multiply(fp_vec *r, const fp_vec *a, const fp_vec *b, const fp_vec_mod *m) {
    __m256i column[FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) column[i] = _mm256_setzero_si256();
    column[0] = _mm256_mul_epu32(a->limb[0], b->limb[0]);
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        FP_ALL_UNROLLED for (int j = 1; j < FP_LIMBS; j++) column[j] = plus_product(column[j], a->limb[i], b->limb[j]);
        reduce(column, i + 1 < FP_LIMBS ? _mm256_mul_epu32(a->limb[i + 1], b->limb[0]) : _mm256_setzero_si256(), m);
    }
    carried(r, column);
}

/* The product of two different limbs is there twice. */
FP_MULTIPLICATION void square(fp_vec *r, const fp_vec *a, const fp_vec_mod *m) {
    __m256i column[FP_LIMBS];
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) column[i] = _mm256_setzero_si256();
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) {
        const __m256i twice = _mm256_add_epi64(a->limb[i], a->limb[i]);
        if (i == 0)
            column[0] = _mm256_mul_epu32(a->limb[0], a->limb[0]);
        else
            column[i] = plus_product(column[i], a->limb[i], a->limb[i]);
        FP_ALL_UNROLLED for (int j = i + 1; j < FP_LIMBS; j++) column[j] = plus_product(column[j], twice, a->limb[j]);
        reduce(column, _mm256_setzero_si256(), m);
    }
    carried(r, column);
}

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    (void)m;
    fp_vec r;
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) r.limb[i] = _mm256_add_epi64(a.limb[i], b.limb[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_ALL_UNROLLED for (int i = 0; i < FP_LIMBS; i++) r.limb[i] =
        _mm256_add_epi64(a.limb[i], _mm256_sub_epi64(m->spread.limb[i], b.limb[i]));
    return r;
}

#include "long_lanes.h"

static fp_vec_mod fp_vec_load(const uint64_t *n) {
    fp_vec_mod m = {all_lanes(n), power_of_two(FP_LIMB_BITS * FP_LIMBS, n),
                    power_of_two(2 * FP_LIMB_BITS * FP_LIMBS, n), times_power_of_two(n, 2),
                    _mm256_set1_epi64x((int64_t)(-fp_inverse64(n[0]) & FP_LIMB_MASK))};
    /* Each limb but the highest borrows from the next. */
    const int top = (fp_long_bits(n) + 2 - 1) / FP_LIMB_BITS;
    for (int i = 0; i < top; i++) {
        m.spread.limb[i] = _mm256_add_epi64(m.spread.limb[i], _mm256_set1_epi64x((int64_t)1 << FP_LIMB_BITS));
        m.spread.limb[i + 1] = _mm256_sub_epi64(m.spread.limb[i + 1], _mm256_set1_epi64x(1));
    }
    return m;
}

#include "../long_curve.h"

const fp_long_curves FP_LONG = {FP_LONG_CAPACITY, FP_LANES, sizeof(fp_vec), run};
