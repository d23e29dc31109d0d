/* Splits composites by the elliptic curve method: the way of choice once the smallest factor has about 12 bits or more; and before it
 * by p - 1 and p + 1, which succeeds less often than a curve at six times the speed.
 *
 * Here: how far they go for a number of which size, and which numbers share the lanes.  They run in
 * lanes_methods.h.  What does not depend on the number (curves, chains, pairs) stands in ecm_tables.h.  A lane is a number on a
 * curve; numbers that are done give their lane to the next, and a number alone gets all lanes, a curve each. */
#include <stdlib.h>
#include <string.h>

#include "ecm_tables.h"
#include "integer.h"
#include "isa.h"

/* To the b1-th B1 of ecm_tables.h, then by plans[plan]. */
typedef struct {
    uint8_t b1, plan;
} bounds;

/* How far curves go for numbers of up to `bits` bits, of which the smallest factor has at most half as many.  Composites have
 * mostly a factor far below their square root: on their way to their own level, numbers of a higher one try `visits` curves here; those
 * that are sieved then, only from `worth_from` bits on: shorter ones are sieved sooner.  With at most two numbers, of all sizes
 * together, to a lane they try `few_visits` curves here instead, if they are not to be sieved.  And how far p - 1 and p + 1 go, which numbers of
 * a higher level try here if `p1_visit` says so.  See "Cutovers" in README.md for the measurement; the optimum is flat, 20 % up or
 * down in either bound costs 2 %. */
typedef struct {
    uint8_t bits;
    bounds curve;
    uint8_t visits, few_visits, worth_from;
    bounds p1;
    uint8_t p1_visit;
} level;

static const level levels[] = {
    /* B1, B2; of p - 1 and p + 1 */
    {38, {0, 1}, 0, 1, 0, {2, 3}, 0},     /* 27, 240; 70, 720 */
    {42, {0, 2}, 0, 0, 0, {3, 4}, 0},     /* 27, 480; 85, 1440 */
    {48, {1, 5}, 0, 0, 0, {5, 7}, 0},     /* 47, 1080; 165, 2940 */
    {51, {2, 6}, 0, 1, 0, {2, 5}, 1},     /* 70, 1920; 70, 1080 */
    {55, {3, 8}, 0, 0, 0, {5, 10}, 0},    /* 85, 4200; 165, 6720 */
    {60, {4, 9}, 0, 0, 0, {7, 11}, 0},    /* 125, 5880; 300, 7140 */
    {62, {4, 9}, 0, 0, 0, {8, 12}, 0},    /* 125, 5880; 420, 7560 */
    {66, {5, 13}, 2, 0, 0, {9, 15}, 0},   /* 165, 8400; 600, 16800 */
    {72, {7, 14}, 0, 1, 0, {10, 16}, 0},  /* 300, 15120; 850, 21000 */
    {78, {8, 16}, 4, 0, 88, {11, 17}, 1}, /* 420, 21000; 1200, 25200 */
    {84, {9, 17}, 0, 0, 0, {0}, 0},       /* 600, 25200 */
    {90, {10, 18}, 12, 0, 118, {0}, 0},   /* 850, 42000 */
    {96, {11, 20}, 0, 0, 0, {0}, 0},      /* 1200, 58800 */
    {128, {12, 21}, 0, 0, 0, {0}, 0},     /* 1700, 80640 */
};
#define LEVELS (sizeof levels / sizeof *levels)

/* What long numbers are tried by before their first curve: B1 = 1700, B2 = 50400. */
static const bounds long_p1 = {12, 19};

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

/* Is level `l` on a number's way, or its own? */
static int comes_by(const state *s, unsigned l) {
    return s->level >= l && (!s->sieved || s->bits >= levels[l].worth_from);
}

/* Where a number's curves on level `l` end. */
static unsigned last_curve(const state *s, unsigned l, int few) {
    if (!comes_by(s, l)) return 0;
    if (s->level == l) return s->sieved ? 0 : CURVES;
    unsigned last = s->curve + (few && !s->sieved ? levels[l].few_visits : levels[l].visits);
    return last < CURVES ? last : CURVES;
}

static fp_ecm_level curve_level(bounds b) {
    return (fp_ecm_level){stage1_ops, stage1_ops + stage1_end[b.b1], &plans[b.plan]};
}

static fp_ecm_level p1_level(bounds b) { return (fp_ecm_level){p1_ops, p1_ops + p1_end[b.b1], &plans[b.plan]}; }

/* Is a number tried by p - 1 and p + 1 on level `l`? */
static int tries_p1(const state *s, unsigned l) {
    if (!comes_by(s, l)) return 0;
    return s->level == l ? !s->sieved : levels[l].p1_visit;
}

/* Tries them on the numbers of one field, if they fill half its lanes at least: a number alone has better use for them, curves. */
static int run_p1(const fp_field *field, unsigned f, unsigned l, const fp_u128 *numbers, memory *memory, size_t count,
                  const fp_control *control, fp_u128 *factors) {
    const fp_ecm_level far = p1_level(levels[l].p1);
    if (far.plan->steps == 0) return FP_OK;
    for (size_t next = 0;;) {
        size_t jobs[FP_MOST_LANES];
        int open = 0;
        for (; next < count && open < field->lanes; next++) {
            const state *s = &memory->states[next];
            if (s->field == f && factors[next] == 0 && tries_p1(s, l)) jobs[open++] = next;
        }
        if (open == 0 || 2 * open < field->lanes) return FP_OK;
        if (fp_poll(control)) return FP_STOPPED;
        fp_u128 n[FP_MOST_LANES], found[FP_MOST_LANES];
        for (int k = 0; k < field->lanes; k++) n[k] = numbers[jobs[k % open]];
        field->p1(n, &far, memory->scratch, found);
        for (int k = 0; k < open; k++) factors[jobs[k]] = found[k];
    }
}

/* Runs p - 1 and p + 1, then curves, of level `l` on the numbers of one field that are of the level or a higher one, until a factor is
 * found or the number has had its share. */
static int run_level(const fp_field *field, unsigned f, unsigned l, const fp_u128 *numbers, memory *memory,
                     size_t count, const fp_control *control, fp_u128 *factors) {
    state *states = memory->states;
    const fp_ecm_level far = curve_level(levels[l].curve);
    int status = run_p1(field, f, l, numbers, memory, count, control, factors);
    if (status != FP_OK) return status;
    const int few = count <= 2 * (size_t)field->lanes;
    size_t next = 0, jobs[FP_MOST_LANES];
    unsigned end[FP_MOST_LANES];
    for (int open = 0;;) {
        for (; next < count && open < field->lanes; next++) {
            state *s = &states[next];
            unsigned most = last_curve(s, l, few);
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
        field->ecm(n, curve, &far, memory->scratch, found);
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

fp_ecm_level fp_ecm_table_level(int factor_bits) {
    const level *l = levels;
    while (l->bits < 2 * factor_bits && l + 1 < levels + LEVELS) l++;
    return curve_level(l->curve);
}

fp_ecm_level fp_ecm_table_p1(void) { return p1_level(long_p1); }
