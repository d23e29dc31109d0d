/* What ecm.c and long.c, which decide how far curves go, and lanes_curve.h, which runs them, agree on. */
#ifndef FP_ECM_H
#define FP_ECM_H

#include <stddef.h>
#include <stdint.h>

/* (A + 2) / 4 = numerator / denominator, and a point (x : z) to begin with. */
typedef struct {
    int64_t numerator, denominator, x, z;
} fp_ecm_curve;

/* The operations of stage 1 on the points A, B and C = A - B of Montgomery's PRAC. */
enum {
    FP_OP_ADD = 1,        /* B, C = A + B, B */
    FP_OP_ADD_DOUBLE = 2, /* B = A + B; A = 2 A */
    FP_OP_START = 3,      /* B = C = A; A = 2 A */
    FP_OP_END = 4,        /* A = A + B */
    FP_OP_TWICE = 5,      /* A = 2 A */
    FP_OP_SWAP = 128,     /* swap A and B first */
};

/* Stage 2: giant steps of D over baby steps j < D/2 coprime to D. */
typedef struct {
    unsigned giant; /* D, a multiple of 6 */
    unsigned steps; /* how many giant steps */
    unsigned babies;
    const uint16_t *baby;     /* the values j */
    const uint32_t *pair_end; /* pair_end[i]: where the pairs of the i-th giant step begin, and those before it end */
    const uint8_t *pair;      /* indices of baby steps */
} fp_ecm_plan;

#define FP_MAX_GIANT 840
#define FP_MAX_BABIES 96
#define FP_MAX_STEPS 100

/* Residues that a curve's second stage keeps, with so many baby and giant steps of D; and the memory that these need by the plans of
 * ecm_tables.h in the arithmetic with the most and widest lanes.  It is too much for the stack of a small thread. */
#define FP_STAGE2_VECS(giant, steps) (2 * ((giant) / 6 + 2) + 3 * (size_t)(steps))
#define FP_ECM_SCRATCH (344 << 10)
#define FP_SCRATCH_ALIGN 64

/* Of p - 1 and p + 1, stage 1 is steps r[d] = r[i] r[j] - r[k] on four registers: the bits of d, i, j, k from the highest on.  They
 * begin with V_1 in all but r[3], which is 2, and end in r[0]. */

/* How far a curve, or p - 1 and p + 1, go. */
typedef struct {
    const uint8_t *op, *op_end; /* stage 1 */
    const fp_ecm_plan *plan;    /* stage 2 */
} fp_ecm_level;

/* ecm.c: how far curves go that look for factors of so many bits, by its tables, whose longest stage 1 ends at FP_TABLE_B1; and p - 1
 * and p + 1 for long numbers. */
#define FP_TABLE_B1 1700
fp_ecm_level fp_ecm_table_level(int factor_bits);
fp_ecm_level fp_ecm_table_p1(void);

#endif
