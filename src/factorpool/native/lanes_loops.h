/* From one unit to all lanes: the loops that every arithmetic needs, written once.
 *
 * A unit is what one instruction works on (a register, a pair of registers, a word); FP_UNITS of them side by side hide the
 * latency of a multiplication.  To be included by a lanes_*.h, once it has defined its units as field.h says. */
#ifndef FP_LANES_LOOPS_H
#define FP_LANES_LOOPS_H

#define FP_LANES (FP_UNIT_LANES * FP_UNITS)
#define FP_EACH_UNIT(i) _Pragma("GCC unroll 8") for (int i = 0; i < FP_UNITS; i++)

typedef struct {
    fp_unit at[FP_UNITS];
} fp_vec;

typedef struct {
    fp_unit_mod at[FP_UNITS];
} fp_vec_mod;

typedef struct {
    fp_unit_bits at[FP_UNITS];
} fp_vec_bits;

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_mul(a.at[i], b.at[i], &m->at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_sqr(a.at[i], &m->at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_add(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_add(a.at[i], b.at[i], &m->at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_sub(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_sub(a.at[i], b.at[i], &m->at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_mul_sub(fp_vec a, fp_vec b, fp_vec c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_mul_sub(a.at[i], b.at[i], c.at[i], &m->at[i]);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_one(&m->at[i]);
    return r;
}

static FP_INLINE fp_vec_mod fp_vec_mod_load(const fp_u128 *n) {
    fp_vec_mod m;
    FP_EACH_UNIT (i) m.at[i] = fp_unit_mod_load(n + FP_UNIT_LANES * i);
    return m;
}

static FP_INLINE fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_constants(c + FP_UNIT_LANES * i, &m->at[i]);
    return r;
}

static FP_INLINE fp_vec_bits fp_vec_bits_load(const fp_u128 *d) {
    fp_vec_bits r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_bits_load(d + FP_UNIT_LANES * i);
    return r;
}

static FP_INLINE fp_vec fp_vec_pick(fp_vec_bits d, int bit, fp_vec set, fp_vec clear) {
    fp_vec r;
    FP_EACH_UNIT (i) r.at[i] = fp_unit_pick(d.at[i], bit, set.at[i], clear.at[i]);
    return r;
}

static FP_INLINE uint32_t fp_vec_equal(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    uint32_t equal = 0;
    FP_EACH_UNIT (i) equal |= fp_unit_equal(a.at[i], b.at[i], &m->at[i]) << FP_UNIT_LANES * i;
    return equal;
}

#endif
