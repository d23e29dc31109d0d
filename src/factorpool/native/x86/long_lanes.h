/* What the arithmetics of x86/ for long numbers in lanes have in common: limbs of FP_LIMB_BITS bits, as many 64-bit words as lanes for
 * each.  To be included by them, once they have fp_vec, fp_vec_mod, fp_vec_sub, multiply and square. */

static FP_INLINE fp_vec fp_vec_mul(fp_vec a, fp_vec b, const fp_vec_mod *m) {
    fp_vec r;
    multiply(&r, &a, &b, m);
    return r;
}

static FP_INLINE fp_vec fp_vec_sqr(fp_vec a, const fp_vec_mod *m) {
    fp_vec r;
    square(&r, &a, m);
    return r;
}

static FP_INLINE fp_vec fp_vec_one(const fp_vec_mod *m) { return m->one; }

typedef uint64_t fp_limbs[FP_LIMBS][FP_LANES];
_Static_assert(sizeof(fp_limbs) == sizeof(fp_vec), "limbs must be words");

/* A number in all lanes. */
static fp_vec all_lanes(const uint64_t *words) {
    fp_limbs limbs;
    for (int i = 0; i < FP_LIMBS; i++) {
        const int word = FP_LIMB_BITS * i / 64, bit = FP_LIMB_BITS * i % 64;
        uint64_t limb = words[word] >> bit;
        if (bit + FP_LIMB_BITS > 64) limb |= words[word + 1] << (64 - bit);
        for (int k = 0; k < FP_LANES; k++) limbs[i][k] = limb & FP_LIMB_MASK;
    }
    fp_vec r;
    memcpy(&r, limbs, sizeof r);
    return r;
}

/* 2^bits n, for a few bits. */
static fp_vec times_power_of_two(const uint64_t *n, int bits) {
    uint64_t product[FP_LONG_WORDS];
    for (int i = 0; i < FP_LONG_WORDS; i++) product[i] = n[i] << bits | (i ? n[i - 1] >> (64 - bits) : 0);
    return all_lanes(product);
}

/* 2^bits modulo n. */
static fp_vec power_of_two(int bits, const uint64_t *n) {
    uint64_t power[FP_LONG_WORDS];
    fp_long_power_of_two(bits, n, FP_LONG_WORDS, power);
    return all_lanes(power);
}

static fp_vec fp_vec_constants(const int64_t *c, const fp_vec_mod *m) {
    fp_limbs limbs = {{0}}, minus;
    for (int k = 0; k < FP_LANES; k++) {
        const uint64_t size = c[k] < 0 ? -(uint64_t)c[k] : (uint64_t)c[k];
        for (int i = 0; i < 2; i++) limbs[i][k] = size >> FP_LIMB_BITS * i & FP_LIMB_MASK;
    }
    fp_vec r, zero;
    memset(&zero, 0, sizeof zero);
    memcpy(&r, limbs, sizeof r);
    r = fp_vec_mul(m->radix2, r, m);
    memcpy(limbs, &r, sizeof r);
    r = fp_vec_mul(fp_vec_sub(zero, r, m), m->one, m);
    memcpy(minus, &r, sizeof r);
    for (int i = 0; i < FP_LIMBS; i++)
        for (int k = 0; k < FP_LANES; k++)
            if (c[k] < 0) limbs[i][k] = minus[i][k];
    memcpy(&r, limbs, sizeof r);
    return r;
}

/* The words of a product, in one lane. */
static void fp_vec_store(fp_vec a, int lane, const fp_vec_mod *m, uint64_t *words) {
    (void)m;
    fp_limbs limbs;
    memcpy(limbs, &a, sizeof a);
    memset(words, 0, FP_LONG_WORDS * sizeof *words);
    for (int i = 0; i < FP_LIMBS; i++) {
        const int word = FP_LIMB_BITS * i / 64, bit = FP_LIMB_BITS * i % 64;
        words[word] |= limbs[i][lane] << bit;
        if (bit + FP_LIMB_BITS > 64) words[word + 1] |= limbs[i][lane] >> (64 - bit);
    }
}
