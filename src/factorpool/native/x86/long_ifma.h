/* Curves in lanes for IFMA, modulo one number of FP_LIMBS limbs; to be included with FP_LIMBS, with FP_REGISTER, as limbs_ifma.h says, and
 * with FP_LONG, the name of the result. */
#include <string.h>

#include "../long.h"
#include "limbs_ifma.h"

#define FP_POINT static __attribute__((noinline))
/* Calls of multiplications of up to six limbs would take a fifth longer; of more, there would be too much code. */
#if FP_LIMBS > 6
#define FP_MULTIPLICATION FP_POINT
#else
#define FP_MULTIPLICATION static FP_INLINE
#endif
#define FP_LANES FP_UNIT_LANES
#define FP_LONG_CAPACITY (FP_LIMB_BITS * FP_LIMBS - 5)

typedef fp_unit fp_vec;
typedef fp_unit_mod fp_vec_mod;

FP_MULTIPLICATION void multiply(fp_vec *r, const fp_vec *a, const fp_vec *b, const fp_vec_mod *m) {
    *r = fp_unit_mul(*a, *b, m);
}

FP_MULTIPLICATION void square(fp_vec *r, const fp_vec *a, const fp_vec_mod *m) { *r = fp_unit_sqr(*a, m); }

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) { return fp_unit_add(a, b, m); }

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) { return fp_unit_sub(a, b, m); }

#include "long_lanes.h"

static fp_vec_mod fp_vec_load(const uint64_t *n) {
    return (fp_vec_mod){all_lanes(n), times_power_of_two(n, 1), power_of_two(FP_LIMB_BITS * FP_LIMBS, n),
                        power_of_two(2 * FP_LIMB_BITS * FP_LIMBS, n),
                        (fp_words){0} + (-fp_inverse64(n[0]) & FP_LIMB_MASK)};
}

#include "../long_curve.h"

const fp_long_curves FP_LONG = {FP_LONG_CAPACITY, FP_LANES, sizeof(fp_vec), run};
