/* Curves on one number of more than 128 bits: how far they go for factors of which size, and their chains and pairs where ecm_tables.h
 * has none so long.  These are worked out once for all curves that go as far. */
#include "long.h"

#include <stdlib.h>
#include <string.h>

#include "isa.h"

/* For factors of up to `bits` bits, stage 1 to B1, and stage 2 to FAR_B2 as far, where curves and their number together take the
 * fewest multiplications (benchmarks/ecm_bounds.py); shorter ones go as far as the tables. */
static const struct {
    int bits;
    uint32_t b1;
} bounds[] = {{55, 3500},   {60, 6000},   {65, 10000},   {70, 16000},   {75, 28000},   {80, 44000},  {85, 70000},
              {90, 106000}, {95, 169000}, {100, 254000}, {105, 404000}, {110, 608000}, {116, 950000}};
#define BOUNDS (sizeof bounds / sizeof *bounds)
#define FAR_FROM 51
#define FAR_B2 80

/* Giant steps of stage 2, and baby steps: numbers up to D / 2 without a common factor with it. */
#define FAR_GIANT 2310
#define FAR_BABIES 240

/* Giant steps whose primes are sieved for at once. */
#define FAR_STRIP 32

/* Chains of a prime that are compared, of those near the best one there could be. */
#define FAR_CHAINS 21

/* Most operations of a chain: of a prime up to 950 000. */
#define FAR_CHAIN 32

/* Suyama's sigma of the first curve; 1, 3 and 5 give none. */
#define FIRST_SIGMA 6

/* A multiplication by an odd p, with the operations of scripts/make_ecm_tables.py: p is d times A = 2 and e times B = 1, at first with
 * d = p - r and e = 2 r - p, at last with d = e = 1.  Answers how many multiplications; the operations go to `op`, of which
 * `used` are there, unless that is NULL. */
static uint32_t chain(uint32_t p, uint32_t r, uint8_t *op, size_t *used) {
    uint32_t d = p - r, e = 2 * r - p, cost = 6;
    if (op) op[(*used)++] = FP_OP_START;
    while (d != e) {
        uint8_t swap = 0;
        if (d < e) {
            const uint32_t t = d;
            d = e, e = t, swap = FP_OP_SWAP;
        }
        if (e == 0) return UINT32_MAX;
        /* A doubling besides is worth its cost where two sums would not get as far. */
        const int doubled = d > 3 * (uint64_t)e && (d - e) % 2 == 0;
        d = doubled ? (d - e) / 2 : d - e, cost += doubled ? 12 : 6;
        if (op) op[(*used)++] = (uint8_t)((doubled ? FP_OP_ADD_DOUBLE : FP_OP_ADD) | swap);
    }
    if (d != 1) return UINT32_MAX;
    if (op) op[(*used)++] = FP_OP_END;
    return cost + 6;
}

/* The best chain near p / r = the golden ratio, where most steps are the least that they can be (P. Montgomery, "Evaluating
 * recurrences of form X_(m+n) = f(X_m, X_n, X_(m-n)) via Lucas chains", 1983). */
static void add_chain(uint32_t p, uint8_t *ops, size_t *used) {
    const uint32_t middle = (uint32_t)(p * (uint64_t)2654435769 >> 32);
    uint32_t best = 0, best_cost = UINT32_MAX;
    for (uint32_t i = 0; i < FAR_CHAINS; i++) {
        const uint32_t r = middle + i - FAR_CHAINS / 2; /* for a small p perhaps below 0, and then too large */
        const uint32_t cost = r > p / 2 && r < p ? chain(p, r, NULL, NULL) : UINT32_MAX;
        if (cost < best_cost) best = r, best_cost = cost;
    }
    chain(p, best, ops, used);
}

/* composite[i] of start + i, for odd ones only, by all odd primes up to the root of the last. */
static void sieve(uint8_t *composite, uint32_t start, uint32_t length, const uint32_t *primes) {
    memset(composite, 0, length);
    for (; (uint64_t)*primes * *primes < (uint64_t)start + length; primes++) {
        const uint32_t p = *primes;
        uint32_t at = (p - start % p) % p;
        if (start <= p) at = p * p - start;
        for (; at < length; at += p) composite[at] = 1;
    }
}

/* Stage 1: the tables', and then what they lack of powers of primes up to b1. */
static void set_stage1(fp_ecm_far *far, uint32_t b1, const uint8_t *composite) {
    size_t used = (size_t)(far->curve.op_end - far->curve.op);
    memcpy(far->ops, far->curve.op, used);
    for (uint32_t p = 2; p <= b1; p++) {
        if (p > 2 && (p % 2 == 0 || composite[p])) continue;
        for (uint64_t power = p; power <= b1; power *= p) {
            if (power <= FP_TABLE_B1) continue;
            if (p == 2)
                far->ops[used++] = FP_OP_TWICE;
            else
                add_chain(p, far->ops, &used);
        }
    }
    far->curve.op = far->ops, far->curve.op_end = far->ops + used;
}

/* Stage 2: for each prime q = m D +- j beyond b1 the index of its baby step j, once for both signs. */
static void set_stage2(fp_ecm_far *far, uint32_t b1, const uint32_t *primes, uint8_t *strip) {
    size_t used = 0;
    far->pair_end[0] = 0;
    for (unsigned step = 0; step < far->plan.steps; step++) {
        const uint32_t first = (step - step % FAR_STRIP + 1) * FAR_GIANT - FAR_GIANT / 2; /* odd, as D / 2 is */
        if (step % FAR_STRIP == 0) sieve(strip, first, (FAR_STRIP + 1) * FAR_GIANT, primes);
        const uint32_t middle = (step + 1) * FAR_GIANT;
        for (unsigned i = 0; i < FAR_BABIES; i++) {
            const uint32_t low = middle - far->plan.baby[i], high = middle + far->plan.baby[i];
            if ((low > b1 && !strip[low - first]) || (high > b1 && !strip[high - first]))
                far->pairs[used++] = (uint8_t)i;
        }
        far->pair_end[step + 1] = (uint32_t)used;
    }
    far->curve.plan = &far->plan;
}

/* What set_stage1 and set_stage2 need, and what they make; 0 without memory. */
static int set_bounds(fp_ecm_far *far, uint32_t b1, unsigned steps) {
    enum { MOST_ROOTS = 2048 }; /* the 2048th prime is above the root of 2^28 */
    uint32_t primes[MOST_ROOTS], count = 0;
    size_t room = (size_t)(far->curve.op_end - far->curve.op);
    uint8_t *composite = malloc(b1 + 1), *strip = malloc((FAR_STRIP + 1) * FAR_GIANT);
    far->pairs = malloc((size_t)steps * FAR_BABIES), far->baby = malloc(FAR_BABIES * sizeof *far->baby);
    far->plan = (fp_ecm_plan){FAR_GIANT, steps, FAR_BABIES, far->baby, far->pair_end, far->pairs};
    if (!composite || !strip || !far->pairs || !far->baby) goto done;
    for (uint32_t p = 3; count + 1 < MOST_ROOTS; p += 2) {
        int prime = 1;
        for (uint32_t i = 0; i < count && primes[i] * primes[i] <= p && prime; i++) prime = p % primes[i] != 0;
        if (prime) primes[count++] = p;
    }
    primes[count] = UINT32_MAX;
    for (uint16_t j = 1, i = 0; j < FAR_GIANT / 2; j += 2)
        if (j % 3 && j % 5 && j % 7 && j % 11) far->baby[i++] = j;
    sieve(composite, 0, b1 + 1, primes);
    for (uint32_t p = 3; p <= b1; p += 2)
        if (!composite[p]) room += FAR_CHAIN * (p <= FP_TABLE_B1 ? 12 : 1); /* a power p^k <= b1 for each k < 13 */
    if (!(far->ops = malloc(room))) goto done;
    set_stage1(far, b1, composite);
    set_stage2(far, b1, primes, strip);
done:
    free(composite), free(strip);
    return far->curve.plan == &far->plan;
}

fp_ecm_far *fp_ecm_far_new(int factor_bits) {
    uint32_t b1 = 0, steps = 0;
    for (size_t i = BOUNDS; i-- > 0;)
        if (i + 1 == BOUNDS || factor_bits <= bounds[i].bits) b1 = bounds[i].b1;
    if (factor_bits < FAR_FROM) b1 = 0;
    if (b1) steps = (FAR_B2 * b1 + FAR_GIANT - 1) / FAR_GIANT;
    fp_ecm_far *far = calloc(1, sizeof *far + (steps + 1) * sizeof *far->pair_end);
    if (!far) return NULL;
    far->curve = fp_ecm_table_level(factor_bits), far->p1 = fp_ecm_table_p1();
    if (!b1 || set_bounds(far, b1, steps)) return far;
    fp_ecm_far_free(far);
    return NULL;
}

void fp_ecm_far_free(fp_ecm_far *far) {
    free(far->ops), free(far->pairs), free(far->baby);
    free(far);
}

/* The curves in lanes for so long a modulus, if the isa has any. */
static const fp_long_curves *lanes_for(const fp_isa *isa, int bits) {
    for (int i = 0; i < FP_LONG_ARITHMETICS && isa->long_curves[i]; i++)
        if (bits <= isa->long_curves[i]->bits) return isa->long_curves[i];
    return NULL;
}

int fp_long_bits(const uint64_t *n) {
    int words = FP_LONG_WORDS;
    while (words > 1 && n[words - 1] == 0) words--;
    return 64 * words - (n[words - 1] ? __builtin_clzll(n[words - 1]) : 64);
}

void fp_long_power_of_two(int bits, const uint64_t *n, int words, uint64_t *r) {
    uint64_t d[FP_LONG_WORDS];
    memset(r, 0, (size_t)words * sizeof *r);
    r[0] = 1;
    while (bits-- > 0) {
        uint64_t carry = 0, borrow = 0;
        for (int i = 0; i < words; i++) {
            const uint64_t twice = r[i] << 1 | carry;
            const fp_u128 difference = (fp_u128)twice - n[i] - borrow;
            carry = r[i] >> 63, r[i] = twice;
            d[i] = (uint64_t)difference, borrow = (uint64_t)(difference >> 64) & 1;
        }
        if (!borrow) memcpy(r, d, (size_t)words * sizeof *r);
    }
}

/* By curves, as many at a time as there are lanes; the last may be more than were asked for. */
static int run_curves(const fp_long_curves *curves, const fp_long_field *field, const uint64_t *n,
                      const fp_ecm_level *level, uint32_t first, uint32_t count, void *scratch,
                      const fp_control *control, uint64_t *factor) {
    fp_long_found found[FP_MOST_LONG_LANES];
    memset(found, 0, sizeof found);
    for (int64_t at = first; at < (int64_t)first + count; at += curves->lanes) {
        const int status = curves->run(n, level, FIRST_SIGMA + at, scratch, control, found);
        if (status != FP_OK) return status;
        if (field->takes(n, found, curves->lanes, factor)) return FP_OK;
    }
    return FP_OK;
}

int fp_ecm_long(const fp_isa *isa, const uint64_t *n, int bits, const fp_ecm_far *far, uint32_t first, uint32_t count,
                const fp_control *control, uint64_t *factor) {
    static const fp_long_field *const fields[] = {&fp_long_3, &fp_long_4,  &fp_long_5,  &fp_long_6, &fp_long_7,
                                                  &fp_long_9, &fp_long_12, &fp_long_17, &fp_long_33};
    const fp_long_field *const *field = fields;
    while ((*field)->curves.bits < bits) field++;
    const fp_long_curves *curves = lanes_for(isa, bits);
    if (!curves) curves = &(*field)->curves;
    const fp_ecm_plan *plan = far->curve.plan;
    size_t size = FP_STAGE2_VECS(plan->giant, plan->babies + plan->steps) * curves->size;
    if (size < FP_ECM_SCRATCH) size = FP_ECM_SCRATCH; /* what p1 takes */
    void *scratch =
        aligned_alloc(FP_SCRATCH_ALIGN, (size + FP_SCRATCH_ALIGN - 1) / FP_SCRATCH_ALIGN * FP_SCRATCH_ALIGN);
    if (!scratch) return FP_NO_MEMORY;
    memset(factor, 0, FP_LONG_WORDS * sizeof *factor);
    int status = FP_OK;
    if (first > 0 || !(*field)->p1(n, &far->p1, scratch, factor))
        status = run_curves(curves, *field, n, &far->curve, first, count, scratch, control, factor);
    free(scratch);
    return status;
}

int fp_ecm_long_lanes(const fp_isa *isa, int bits) {
    const fp_long_curves *curves = lanes_for(isa, bits);
    return curves ? curves->lanes : 1;
}
