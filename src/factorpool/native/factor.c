/* Factors numbers, one and many: which method a number meets in which order, and how its primes are put together.
 *
 * Numbers go in groups, step by step together, so that every step has several to run side by side: trial division by the small
 * primes; then, round by round, what is left is prime by its size, proved prime, or split, until nothing is left. */
#include <stdlib.h>

#include "integer.h"
#include "kernel.h"

/* Composites below this many bits are split by rho, others by ECM.  See "Cutovers" in README.md for the measurement. */
#define RHO_BITS 28

/* Numbers that go through the steps together.  Enough that few lanes stay empty; small enough for the first cache, and for
 * Ctrl-C to be noticed: a group of the hardest takes some 4 ms, and 80 by method rho. */
#define GROUP 128

/* Pieces of one number that are open at a time: those left by trial division have no prime below fp_trial_bound, so
 * that 64 bits hold at most 7. */
#define MAX_PIECES 7
_Static_assert(GROUP *MAX_PIECES <= FP_ECM_BATCH, "a group's composites must fit one call of fp_ecm");

/* A divisor of a number of the group that is not known to be prime yet. */
typedef struct {
    uint64_t value[GROUP * MAX_PIECES];
    uint16_t owner[GROUP * MAX_PIECES];
    size_t count;
} pieces;

int fp_poll(const fp_control *control) { return control && control->poll && control->poll(control->context); }

/* Puts a prime into its place; there are too few for anything cleverer. */
static void insert(fp_factors *out, uint64_t p) {
    int i = out->count, k;
    while (i > 0 && out->primes[i - 1] >= p) i--;
    if (i < out->count && out->primes[i] == p) {
        out->exponents[i]++;
        return;
    }
    for (k = out->count++; k > i; k--) {
        out->primes[k] = out->primes[k - 1];
        out->exponents[k] = out->exponents[k - 1];
    }
    out->primes[i] = p, out->exponents[i] = 1;
}

/* A divisor that trial division has been through: a prime if it is small enough, else a piece to look at. */
static void add_piece(pieces *p, uint64_t value, uint16_t owner, fp_factors *out) {
    if (value < fp_trial_bound * fp_trial_bound) {
        if (value > 1) insert(&out[owner], value);
    } else {
        p->value[p->count] = value;
        p->owner[p->count++] = owner;
    }
}

/* Takes the primes out; the composites close up. */
static void take_primes(pieces *p, fp_factors *out) {
    uint8_t prime[GROUP * MAX_PIECES];
    size_t i, kept = 0;
    fp_are_prime(p->value, p->count, prime);
    for (i = 0; i < p->count; i++) {
        if (prime[i]) {
            insert(&out[p->owner[i]], p->value[i]);
        } else {
            p->value[kept] = p->value[i];
            p->owner[kept++] = p->owner[i];
        }
    }
    p->count = kept;
}

/* Splits every composite in two. */
static void split(pieces *p, fp_method method, fp_factors *out) {
    pieces todo;
    uint64_t factor[GROUP * MAX_PIECES], hard[GROUP * MAX_PIECES], hard_factor[GROUP * MAX_PIECES];
    size_t i, hards = 0;
    for (i = 0; i < p->count; i++) {
        uint64_t n = todo.value[i] = p->value[i], root = fp_sqrt(n);
        todo.owner[i] = p->owner[i];
        if (root * root == n)
            factor[i] = root;
        else if ((factor[i] = fp_trial_split(n)))
            continue;
        else if (method == FP_RHO || (method == FP_AUTO && n >> RHO_BITS == 0))
            factor[i] = fp_rho(n);
        else
            factor[i] = 0, hard[hards++] = n;
    }
    fp_ecm(hard, hards, hard_factor);
    todo.count = p->count;
    p->count = hards = 0;
    for (i = 0; i < todo.count; i++) {
        if (factor[i] == 0) factor[i] = hard_factor[hards++];
        if (factor[i] == 0) factor[i] = fp_rho(todo.value[i]); /* no curve split it: some 1 in 10^5 of the hardest */
        add_piece(p, factor[i], todo.owner[i], out);
        add_piece(p, todo.value[i] / factor[i], todo.owner[i], out);
    }
}

static int factor_group(const uint64_t *numbers, size_t count, fp_method method, const fp_control *control,
                        fp_factors *out) {
    pieces p;
    p.count = 0;
    for (size_t i = 0; i < count; i++) {
        out[i].count = 0;
        if (numbers[i] < 2) continue;
        uint64_t left = fp_trial_small(numbers[i], &out[i]);
        if (method != FP_TRIAL)
            add_piece(&p, left, (uint16_t)i, out);
        else if (fp_trial_full(left, control, &out[i]) != FP_OK)
            return FP_STOPPED;
    }
    for (;;) {
        take_primes(&p, out);
        if (p.count == 0) return FP_OK;
        split(&p, method, out);
    }
}

/* Room for a group's worth more. */
static int reserve(fp_columns *out, size_t numbers) {
    if (out->used + GROUP * FP_MAX_DISTINCT <= out->room) return FP_OK;
    /* A random number of 64 bits has some 3.7 distinct primes. */
    size_t room = out->room ? 2 * out->room : 4 * numbers + GROUP * FP_MAX_DISTINCT;
    uint64_t *primes = realloc(out->primes, room * sizeof *primes);
    if (primes) out->primes = primes;
    uint8_t *exponents = realloc(out->exponents, room);
    if (exponents) out->exponents = exponents;
    if (!primes || !exponents) return FP_NO_MEMORY;
    out->room = room;
    return FP_OK;
}

int fp_factor(const uint64_t *numbers, size_t count, fp_method method, const fp_control *control, fp_columns *out) {
    fp_factors group[GROUP];
    for (size_t start = 0; start < count; start += GROUP) {
        size_t size = count - start < GROUP ? count - start : GROUP;
        if (fp_poll(control)) return FP_STOPPED;
        int status = factor_group(numbers + start, size, method, control, group);
        if (status == FP_OK) status = reserve(out, count);
        if (status != FP_OK) return status;
        for (size_t i = 0; i < size; i++) {
            out->counts[start + i] = (uint8_t)group[i].count;
            for (int k = 0; k < group[i].count; k++) {
                out->primes[out->used] = group[i].primes[k];
                out->exponents[out->used++] = group[i].exponents[k];
            }
        }
    }
    return FP_OK;
}
