/* A field: the methods that run in lanes, compiled for one arithmetic.
 *
 * An arithmetic is a header lanes_*.h for odd moduli of at most FP_FIELD_BITS bits, and may count on their being longer than those
 * of the field before it in every isa.  It defines units, each of FP_UNIT_LANES
 * independent moduli, and how many of them (FP_UNITS) run side by side:
 *
 *     fp_unit                   a residue a lane            fp_unit_mul, fp_unit_sqr, fp_unit_add, fp_unit_sub, fp_unit_one,
 *                                                         fp_unit_mul_sub: a b - c
 *     fp_unit_mod               a modulus a lane            fp_unit_mod_load
 *     fp_unit_bits              a bit string a lane         fp_unit_bits_load, fp_unit_pick: the first where the bit is set
 *     fp_unit_constants         small integers as residues (|c| < 2^FP_CONSTANT_BITS)
 *     fp_unit_equal             as a mask, lane 0 in its lowest bit
 *
 * and then includes lanes_loops.h, which makes fp_vec and its functions of them, all lanes at once.  fp_vec_gcd, of each
 * lane's residue and modulus, is its own.
 *
 * So that an arithmetic may leave residues unreduced: a sum or a difference is good for a multiplication, for fp_vec_equal and
 * for fp_vec_pick, not for another sum or difference.  A result of fp_unit_mul_sub is good for all that; what it multiplies is
 * no sum, and what it takes away is a product or a result of its own.  lanes_methods.h turns an arithmetic into a field; cpu.c
 * lists the fields of every isa. */
#ifndef FP_FIELD_H
#define FP_FIELD_H

#include "ecm.h"
#include "mont.h"

#define FP_CONSTANT_BITS 50
#define FP_MOST_LANES 32

typedef struct {
    int bits;  /* moduli may have so many */
    int lanes; /* every pointer below is to so many values, one a lane */
    /* A curve in every lane; factor[k] is a proper factor of n[k], or 0.  `scratch` has FP_ECM_SCRATCH bytes. */
    void (*ecm)(const fp_u128 *n, const fp_ecm_curve *const *curve, const fp_ecm_level *level, void *scratch,
                fp_u128 *factor);
    /* The same by p - 1 and p + 1. */
    void (*p1)(const fp_u128 *n, const fp_ecm_level *level, void *scratch, fp_u128 *factor);
    /* Is n[k], odd, a strong probable prime to base[k] < 2^16, or to 2 where base is NULL?  The answer for lane k is bit k. */
    uint32_t (*strong)(const fp_u128 *n, const int64_t *base);
    /* Is n[k] a probable prime to 2 by Plumb's criterion? */
    uint32_t (*plumb)(const fp_u128 *n);
    /* Is n[k] an extra strong Lucas probable prime to the parameter P[k], (P^2 - 4 / n) = -1? */
    uint32_t (*lucas)(const fp_u128 *n, const int64_t *parameter);
} fp_field;

#endif
