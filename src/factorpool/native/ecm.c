/* Splits composites by the elliptic curve method: the way of choice once the smallest factor has about 12 bits or more.
 *
 * Here: how far the curves go for a number of which size, and which numbers share the lanes.  The curves themselves run in
 * lanes_methods.h.  What does not depend on the number (curves, chains, pairs) stands in ecm_tables.h.  A lane is a number on a
 * curve; numbers that are done give their lane to the next, and a number alone gets all lanes, a curve each. */
#include <stdlib.h>
#include <string.h>

#include "ecm_tables.h"
#include "integer.h"
#include "isa.h"
#include "long.h"

/* How far curves go for numbers of up to `bits` bits, of which the smallest factor has at most half as many: B1 =
 * stage1_b1[b1], and `steps` giant steps of plans[plan].  Composites have mostly a factor far below their square root: on
 * their way to their own level, numbers of a higher one try `visits` curves here; those that are sieved then, only from
 * `worth_from` bits on: shorter ones are sieved sooner.  See "Cutovers" in README.md for the
 * measurement; the optimum is flat, 20 % up or down in either bound costs 2 %. */
typedef struct {
    uint8_t bits, b1, plan, steps, visits, worth_from;
} level;

static const level levels[] = {
    {38, 0, 0, 4, 0, 0},      /* B1 = 27, B2 = 240 */
    {42, 0, 0, 8, 0, 0},      /* 27, 480 */
    {48, 1, 1, 12, 0, 0},     /* 47, 1080 */
    {51, 2, 2, 16, 1, 0},     /* 70, 1920 */
    {55, 3, 3, 20, 0, 0},     /* 85, 4200 */
    {60, 4, 3, 28, 0, 0},     /* 125, 5880 */
    {62, 5, 3, 36, 0, 0},     /* 165, 7560 */
    {66, 6, 3, 40, 2, 0},     /* 205, 8400 */
    {72, 7, 4, 36, 0, 0},     /* 300, 15000 */
    {78, 8, 4, 50, 4, 88},    /* 420, 21000 */
    {84, 9, 4, 60, 0, 0},     /* 600, 25000 */
    {90, 10, 5, 50, 12, 118}, /* 850, 42000 */
    {96, 11, 5, 70, 0, 0},    /* 1200, 58800 */
    {128, 12, 5, 96, 0, 0},   /* 1700, 80640 */
};
#define LEVELS (sizeof levels / sizeof *levels)

/* Suyama's sigma of the first curve for long numbers; 1, 3 and 5 give none. */
#define FIRST_SIGMA 6

#define CURVES (sizeof curves / sizeof *curves)

/* A composite: its level, its field (an index into the isa's), and the next curve to run. */
typedef struct {
    uint8_t level, field, sieved, bits;
    uint16_t curve;
} state;

/* What a call works in. */
typedef struct {
    _Alignas(FP_SCRATCH_ALIGN) unsigned char scratch[FP_ECM_SCRATCH];
    state states[FP_ECM_BATCH];
} memory;

/* Where a number's curves on level `l` end. */
static unsigned last_curve(const state *s, unsigned l) {
    if (s->level < l || (s->sieved && s->bits < levels[l].worth_from)) return 0;
    if (s->level == l) return s->sieved ? 0 : CURVES;
    unsigned last = s->curve + levels[l].visits;
    return last < CURVES ? last : CURVES;
}

/* Runs curves of level `l` on the numbers of one field that are of the level or a higher one, until a factor is found or the
 * number has had its share. */
static int run_level(const fp_field *field, unsigned f, unsigned l, const fp_u128 *numbers, memory *memory,
                     size_t count, const fp_control *control, fp_u128 *factors) {
    state *states = memory->states;
    const fp_ecm_level bounds = {stage1_ops, stage1_ops + stage1_end[levels[l].b1], &plans[levels[l].plan],
                                 levels[l].steps};
    size_t next = 0, jobs[FP_MOST_LANES];
    unsigned end[FP_MOST_LANES];
    for (int open = 0;;) {
        for (; next < count && open < field->lanes; next++) {
            state *s = &states[next];
            unsigned most = last_curve(s, l);
            if (s->field == f && factors[next] == 0 && s->curve < most) jobs[open] = next, end[open++] = most;
        }
        if (open == 0) return FP_OK;
        if (fp_poll(control)) return FP_STOPPED;
        fp_u128 n[FP_MOST_LANES], found[FP_MOST_LANES];
        const fp_ecm_curve *curve[FP_MOST_LANES];
        for (int k = 0; k < field->lanes; k++) {
            n[k] = numbers[jobs[k % open]];
            curve[k] = &curves[states[jobs[k % open]].curve++ % CURVES];
        }
        field->ecm(n, curve, &bounds, memory->scratch, found);
        for (int k = 0; k < field->lanes; k++)
            if (found[k]) factors[jobs[k % open]] = found[k];
        int still = 0;
        for (int k = 0; k < open; k++)
            if (factors[jobs[k]] == 0 && states[jobs[k]].curve < end[k]) jobs[still] = jobs[k], end[still++] = end[k];
        open = still;
    }
}

int fp_ecm(const fp_isa *isa, const fp_u128 *numbers, size_t count, int most_bits, const fp_control *control,
           fp_u128 *factors) {
    if (count == 0) return FP_OK;
    memory *memory = aligned_alloc(FP_SCRATCH_ALIGN, sizeof *memory);
    if (!memory) return FP_NO_MEMORY;
    int status = FP_OK;
    unsigned present = 0; /* fields */
    for (size_t i = 0; i < count; i++) {
        int bits = fp_bits(numbers[i]);
        state s = {.sieved = bits > most_bits, .bits = (uint8_t)bits};
        while (levels[s.level].bits < bits) s.level++;
        while (isa->field[s.field]->bits < bits) s.field++;
        present |= 1u << s.field;
        memory->states[i] = s, factors[i] = 0;
    }
    for (unsigned l = 0; l < LEVELS && status == FP_OK; l++)
        for (unsigned f = 0; present >> f && status == FP_OK; f++)
            if (present >> f & 1) status = run_level(isa->field[f], f, l, numbers, memory, count, control, factors);
    free(memory);
    return status;
}

int fp_ecm_long(const uint64_t *n, int bits, int factor_bits, uint32_t first, uint32_t count, const fp_control *control,
                uint64_t *factor) {
    static const fp_long_field *const fields[] = {&fp_long_3, &fp_long_4, &fp_long_5, &fp_long_6};
    const level *l = levels;
    while (l->bits < 2 * factor_bits && l + 1 < levels + LEVELS) l++;
    const fp_ecm_level bounds = {stage1_ops, stage1_ops + stage1_end[l->b1], &plans[l->plan], l->steps};
    void *scratch = aligned_alloc(FP_SCRATCH_ALIGN, FP_ECM_SCRATCH);
    if (!scratch) return FP_NO_MEMORY;
    size_t f = 0;
    while (fields[f]->bits < bits) f++;
    memset(factor, 0, FP_LONG_WORDS * sizeof *factor);
    int status = fields[f]->curves(n, &bounds, FIRST_SIGMA + (int64_t)first, count, scratch, control, factor);
    free(scratch);
    return status;
}
