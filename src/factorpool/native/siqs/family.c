/* All polynomials of one a: sets them up, sieves them one after the other, and takes what is found apart. */
#include <math.h>
#include <stdlib.h>

#include "../integer.h"
#include "../isa.h"
#include "siqs.h"
#include "strides.h"

/* The root of a prime that is not sieved with, as it divides a: beyond every position, and so far that it stays there. */
#define NOWHERE 0x7fffffffu

/* Different logarithms that primes beyond a block may have. */
#define MOST_LEVELS 64

/* Bits that the logarithms of a value's primes may be rounded down by, all together. */
#define ROUNDED 3

/* What one family works with. */
typedef struct {
    const fp_siqs_plan *plan;
    const fp_siqs_loops *loops;
    fp_siqs_relations *out;

    const uint32_t *factors; /* of a, as indices */
    unsigned factor_count, flips;
    fp_wide a, b, c, twice_b;
    fp_wide terms[FP_SIQS_MOST_FACTORS]; /* b is their sum, each with a sign */

    /* Primes are in four ranges: up to `sieved` only divided by, up to `many` sieved with one by one, up to `medium` many at once, the
     * others in buckets. */
    size_t sieved, many, medium;
    uint32_t *first, *second;           /* the roots of each prime, as positions from the left end */
    uint32_t *first_here, *second_here; /* of those one by one, as positions in a block */
    uint16_t *primes_many, *inverses_many, *most_many, *first_many, *second_many;
    uint32_t *steps[FP_SIQS_MOST_FACTORS]; /* what roots move by when the sign of a term changes */
    float *inverses;
    uint8_t *logs;
    uint8_t *block;
    uint16_t *found;
    uint32_t *dividing;

    uint32_t **buckets; /* one for each block, and one for what is beyond the last */
    uint32_t **ends;    /* of each bucket, after each level */
    size_t levels, level_ends[MOST_LEVELS + 1];
    double unit;          /* of logarithms, in a bit */
    double most_unsieved; /* bits that may be left of a value without its primes, as far as their logarithms say */
    uint8_t start; /* what a position has before anything is added: the top bit says that it is worth looking at */
} family;

/* Where what the first `level` levels have put into a block's bucket ends. */
static uint32_t **end_of(const family *f, size_t level, unsigned block) {
    return f->ends + level * (f->plan->blocks + 1) + block;
}

/* These are divided by, and never sieved with; so is 2. */
static void hide_factors_of_a(family *f) {
    f->first[0] = f->second[0] = NOWHERE;
    for (unsigned j = 0; j < f->factor_count; j++) f->first[f->factors[j]] = f->second[f->factors[j]] = NOWHERE;
}

/* c = (b^2 - kn) / a, which is negative. */
static void set_constant(family *f) {
    fp_wide square, value;
    fp_wide_square(&square, &f->b);
    fp_wide_subtract(&value, &f->plan->kn, &square);
    for (unsigned j = 0; j < f->factor_count; j++)
        fp_wide_divide(&value, &value, FP_WIDE, f->plan->primes[f->factors[j]]);
    fp_wide_negate(&value);
    f->c = value;
    fp_wide_add(&f->twice_b, &f->b, &f->b);
}

/* 1/r modulo a prime q for 0 < r < q: q = (q / r) r + q % r, so that 1/r = -(q / r) / (q % r). */
static void invert_all(uint32_t q, uint16_t *inverses) {
    inverses[1] = 1;
    for (uint32_t r = 2; r < q; r++) inverses[r] = (uint16_t)(q - (q / r) * (uint32_t)inverses[q % r] % q);
}

/* a, the terms of b, the first b, and for that the roots of every prime.
 *
 * A term is gamma a / q for a prime q of a, so that all that is needed modulo a prime p is 1/q, which is (t p + 1) / q where t p =
 * -1 modulo q: it takes no inverse modulo p, only those modulo q, of which there are few. */
static void set_up(family *f, uint32_t signs) {
    const fp_siqs_plan *plan = f->plan;
    memset(&f->a, 0, sizeof f->a), memset(&f->b, 0, sizeof f->b);
    f->a.w[0] = 1;
    for (unsigned j = 0; j < f->factor_count; j++) fp_wide_scale(&f->a, &f->a, plan->primes[f->factors[j]]);
    uint32_t *a_inverse = f->first, *shift = f->second; /* of b / a, until all of both are known */
    for (size_t i = 0; i < plan->count; i++) a_inverse[i] = 1, shift[i] = 0;
    for (unsigned j = 0; j < f->factor_count; j++) {
        /* The term's square is kn modulo its prime, and 0 modulo the others. */
        uint32_t q = plan->primes[f->factors[j]];
        fp_wide rest;
        fp_wide_divide(&rest, &f->a, FP_WIDE, q);
        uint64_t gamma = (uint64_t)plan->roots[f->factors[j]] * fp_inverse32(fp_wide_modulo(&rest, FP_WIDE, q), q) % q;
        if (gamma > q / 2) gamma = q - gamma;
        int minus = j >= f->flips && j + 1 < f->factor_count && signs >> (j - f->flips) & 1;
        fp_wide_scale(&f->terms[j], &rest, minus ? -(int64_t)gamma : (int64_t)gamma);
        fp_wide_add(&f->b, &f->b, &f->terms[j]);
        invert_all(q, f->found);
        f->found[0] = 0; /* for q itself */
        f->loops->add_term(q, (uint32_t)gamma, minus, f->found, plan->primes, 1, plan->count, a_inverse, shift,
                           j < f->flips ? f->steps[j] : NULL);
    }
    set_constant(f);
    f->loops->solve(plan->blocks * (FP_SIQS_BLOCK / 2), plan->roots, plan->primes, 1, plan->count, f->first, f->second);
    for (unsigned k = 0; k < f->factor_count; k++)
        for (unsigned j = 0; j < f->flips; j++) f->steps[j][f->factors[k]] = 0;
    hide_factors_of_a(f);
}

/* The polynomial after number `at`: one term of b changes its sign (Gray code). */
static void next_polynomial(family *f, uint32_t at) {
    unsigned j = (unsigned)__builtin_ctz(at);
    int plus = !(at >> (j + 1) & 1);
    fp_wide twice;
    fp_wide_add(&twice, &f->terms[j], &f->terms[j]);
    if (plus)
        fp_wide_subtract(&f->b, &f->b, &twice);
    else
        fp_wide_add(&f->b, &f->b, &twice);
    set_constant(f);
    f->loops->move(f->first, f->second, f->steps[j], f->plan->primes, 1, f->plan->count, plus);
    hide_factors_of_a(f);
}

/* Divides a value by a prime as often as that goes, and notes it each time. */
static int divide_out(family *f, fp_wide *value, int *length, size_t index) {
    const uint32_t p = f->plan->primes[index];
    const uint64_t inverse = p > 2 ? fp_inverse64(p) : 0;
    for (;;) {
        fp_wide quotient;
        const uint64_t rest = inverse ? fp_wide_divide_exactly(&quotient, value, *length, p, inverse)
                                      : fp_wide_divide(&quotient, value, *length, p);
        if (rest) return FP_OK;
        memcpy(value->w, quotient.w, (size_t)*length * sizeof *value->w);
        while (*length && !value->w[*length - 1]) --*length;
        int status = fp_siqs_add_factor(f->out, (uint32_t)index + 1);
        if (status != FP_OK) return status;
    }
}

/* Divides a value by those of primes [from, to) that divide it. */
static int divide_by_small(family *f, fp_wide *value, int *length, uint32_t position, size_t from, size_t to) {
    size_t hits =
        f->loops->dividing(position, f->first, f->second, f->plan->primes, f->inverses, from, to, f->dividing);
    int status = FP_OK;
    for (size_t i = 0; i < hits && status == FP_OK; i++) status = divide_out(f, value, length, f->dividing[i]);
    return status;
}

/* Whether so much may be left of a value: a large prime, or a product of two, each of which is beyond the factor base. */
static int may_be_left(const fp_siqs_plan *plan, uint64_t left) {
    uint64_t greatest = plan->primes[plan->count - 1];
    return left <= plan->large || (left <= plan->most_left && left > greatest * greatest);
}

/* A position that is worth looking at: a relation if the primes and large ones make up its value. */
static int look_at(family *f, unsigned block, uint32_t offset) {
    const fp_siqs_plan *plan = f->plan;
    fp_siqs_relations *out = f->out;
    uint32_t position = block * FP_SIQS_BLOCK + offset;
    int64_t x = (int64_t)position - plan->blocks * (int64_t)(FP_SIQS_BLOCK / 2);
    fp_wide u, value;
    fp_wide_scale(&u, &f->a, x);
    fp_wide_add(&value, &u, &f->twice_b);
    fp_wide_scale(&value, &value, x);
    fp_wide_add(&value, &value, &f->c);
    fp_wide_add(&u, &u, &f->b);

    size_t before = out->factors_used;
    int status = FP_OK;
    if (fp_wide_negative(&value)) {
        fp_wide_negate(&value);
        status = fp_siqs_add_factor(out, 0);
    }
    int length = fp_wide_length(&value);
    if (length == 0) goto no; /* u^2 = kn */
    if (status == FP_OK) status = divide_out(f, &value, &length, 0);
    for (unsigned j = 0; j < f->factor_count && status == FP_OK; j++) {
        status = fp_siqs_add_factor(out, f->factors[j] + 1); /* u^2 = a times the value */
        if (status == FP_OK) status = divide_out(f, &value, &length, f->factors[j]);
    }
    if (status == FP_OK) status = divide_by_small(f, &value, &length, position, 1, f->sieved);
    if (status != FP_OK) return status;
    if (fp_wide_bits(&value, length) - (f->block[offset] - f->start) / f->unit > f->most_unsieved) goto no;
    status = divide_by_small(f, &value, &length, position, f->sieved, f->many);
    size_t hits = f->loops->dividing_many((uint16_t)(offset - FP_SIQS_BLOCK), f->first_many, f->second_many,
                                          f->inverses_many, f->most_many, f->medium - f->many, f->dividing);
    for (size_t i = 0; i < hits && status == FP_OK; i++)
        status = divide_out(f, &value, &length, f->many + f->dividing[i]);
    hits = f->loops->matching(f->buckets[block], (size_t)(*end_of(f, f->levels, block) - f->buckets[block]), offset,
                              f->dividing);
    for (size_t i = 0; i < hits && status == FP_OK; i++)
        status = divide_out(f, &value, &length, f->medium + f->dividing[i]);
    if (status != FP_OK) return status;
    if (length > 1 || !may_be_left(plan, value.w[0])) goto no;
    if (fp_wide_negative(&u)) fp_wide_negate(&u);
    return fp_siqs_add(out, &u, value.w[0], out->factors_used - before);
no:
    out->factors_used = before;
    return FP_OK;
}

static int sieve_block(family *f, unsigned b) {
    const fp_siqs_plan *plan = f->plan;
    memset(f->block, f->start, FP_SIQS_BLOCK);
    for (size_t i = f->sieved; i < f->many; i++) {
        uint32_t x = f->first_here[i], y = f->second_here[i];
        fp_add_multiples(f->block, FP_SIQS_BLOCK, plan->primes[i], &x, &y, f->logs[i]);
        f->first_here[i] = x - FP_SIQS_BLOCK, f->second_here[i] = y - FP_SIQS_BLOCK;
    }
    for (unsigned j = 0; j < f->factor_count; j++)
        if (f->factors[j] >= f->many)
            f->first_many[f->factors[j] - f->many] = f->second_many[f->factors[j] - f->many] = 0;
    f->loops->sieve_many(f->block, 0, f->first_many, f->second_many, f->primes_many, f->logs + f->many,
                         f->medium - f->many);
    for (unsigned j = 0; j < f->factor_count; j++)
        if (f->factors[j] >= f->many)
            fp_take_back(f->block, FP_SIQS_BLOCK, plan->primes[f->factors[j]], f->logs[f->factors[j]]);
    const uint32_t *entry = f->buckets[b];
    uint8_t *here = f->block;
    for (size_t level = 0; level < f->levels; level++) {
        uint8_t log = f->logs[f->level_ends[level]];
        for (const uint32_t *end = *end_of(f, level + 1, b); entry < end; entry++)
            here[*entry & (FP_SIQS_BLOCK - 1)] += log;
    }
    size_t count = f->loops->scan(f->block, FP_SIQS_BLOCK, f->found);
    int status = FP_OK;
    for (size_t j = 0; j < count && status == FP_OK; j++) status = look_at(f, b, f->found[j]);
    return status;
}

static int sieve_polynomial(family *f) {
    const fp_siqs_plan *plan = f->plan;
    unsigned blocks = plan->blocks;
    size_t row = ((size_t)blocks + 1) * sizeof *f->buckets;
    memcpy(f->ends, f->buckets, row);
    for (size_t level = 0; level < f->levels; level++) {
        uint32_t **next = end_of(f, level + 1, 0);
        memcpy(next, end_of(f, level, 0), row);
        f->loops->fill(f->first, f->second, plan->primes, f->medium, f->level_ends[level], f->level_ends[level + 1],
                       blocks * FP_SIQS_BLOCK, next);
    }
    size_t bytes = (f->many - f->sieved) * sizeof *f->first;
    memcpy(f->first_here + f->sieved, f->first + f->sieved, bytes);
    memcpy(f->second_here + f->sieved, f->second + f->sieved, bytes);
    for (size_t i = f->many, j = 0; i < f->medium; i++, j++)
        f->first_many[j] = (uint16_t)f->first[i], f->second_many[j] = (uint16_t)f->second[i];
    for (unsigned b = 0; b < blocks; b++) {
        int status = sieve_block(f, b);
        if (status != FP_OK) return status;
    }
    return FP_OK;
}

/* Ranges of primes, their logarithms in units of which about 120 make up what is asked for, and where a position begins. */
static void scale_logs(family *f) {
    const fp_siqs_plan *plan = f->plan;
    int words = fp_wide_length(&plan->kn);
    double bits = log2((double)plan->kn.w[words - 1]) + 64.0 * (words - 1);
    /* The greatest value is about half the interval times the root of kn / 2. */
    double size = log2(0.5 * plan->blocks * FP_SIQS_BLOCK) + (bits - 1) / 2;
    double asked = size - plan->missing;
    if (asked < 8) asked = 8;
    double unit = 120 / asked, most = 120 / (size - asked + 8);
    if (unit > most) unit = most; /* or what has more than was asked for would go beyond a byte */
    if (unit > 3) unit = 3;
    f->start = (uint8_t)(128 - lround(asked * unit));
    f->unit = unit;
    f->most_unsieved = log2((double)plan->most_left) + ROUNDED;
    f->sieved = f->many = f->medium = plan->count;
    for (size_t i = plan->count; i-- > 0;) {
        if (plan->primes[i] >= FP_SIQS_MEDIUM) f->medium = i;
        if (plan->primes[i] >= FP_SIQS_LEAST_MANY) f->many = i;
        if (i && plan->primes[i] >= plan->sieved_from) f->sieved = i;
        f->logs[i] = (uint8_t)lround(log2(plan->primes[i]) * unit);
        f->inverses[i] = 1.0f / (float)plan->primes[i];
    }
    if (f->many < f->sieved) f->many = f->sieved;
    f->many += (f->medium - f->many) % FP_SIQS_MANY;
    for (size_t i = f->many, j = 0; i < f->medium; i++, j++) {
        uint16_t p = (uint16_t)plan->primes[i];
        f->primes_many[j] = p, f->inverses_many[j] = (uint16_t)-fp_inverse64(p),
        f->most_many[j] = (uint16_t)(0xffff / p);
    }
    fp_share_logs(f->logs, f->many, f->medium);
    f->levels = 0;
    f->level_ends[0] = f->medium;
    for (size_t i = f->medium; i < plan->count; i++)
        if (i + 1 == plan->count || f->logs[i + 1] != f->logs[i]) f->level_ends[++f->levels] = i + 1;
}

int fp_siqs_family(const fp_isa *isa, const fp_siqs_plan *plan, const uint32_t *factors, unsigned count, unsigned flips,
                   uint32_t signs, const fp_control *control, fp_siqs_relations *out) {
    fp_siqs_plan padded_plan = *plan;
    family f = {.plan = &padded_plan,
                .loops = isa->siqs,
                .out = out,
                .factors = factors,
                .factor_count = count,
                .flips = flips};
    size_t padded = plan->count + 16; /* vectors may read beyond the end */
    uint32_t *memory = calloc(padded * (9 + flips), sizeof *memory);
    uint8_t *bytes = malloc(padded + FP_SIQS_BLOCK + FP_SIQS_BEYOND + 64);
    uint16_t *found = malloc(FP_SIQS_BLOCK * sizeof *found);
    uint32_t *dividing = malloc(padded * sizeof *dividing);
    uint32_t **ends = malloc((MOST_LEVELS + 1) * ((size_t)plan->blocks + 1) * sizeof *ends);
    uint32_t **buckets = calloc((size_t)plan->blocks + 1, sizeof *buckets);
    int status = FP_NO_MEMORY;
    if (!memory || !bytes || !found || !dividing || !ends || !buckets) goto done;
    f.first = memory, f.second = memory + padded;
    f.first_here = memory + 2 * padded, f.second_here = memory + 3 * padded;
    f.inverses = (float *)(memory + 4 * padded);
    padded_plan.primes = memcpy(memory + 5 * padded, plan->primes, plan->count * sizeof *memory);
    f.primes_many = (uint16_t *)(memory + 6 * padded), f.inverses_many = f.primes_many + padded;
    f.most_many = f.inverses_many + padded;
    f.first_many = f.most_many + padded, f.second_many = f.first_many + padded;
    for (unsigned j = 0; j < flips; j++) f.steps[j] = memory + (9 + j) * padded;
    f.logs = bytes;
    f.block = (uint8_t *)(((uintptr_t)(bytes + padded) + 63) & ~(uintptr_t)63);
    f.found = found, f.dividing = dividing, f.ends = ends, f.buckets = buckets;
    scale_logs(&f);
    /* Each root of a prime beyond the block's length has at most one position in a block, and one beyond the last. */
    for (unsigned b = 0; b <= plan->blocks; b++)
        if (!(buckets[b] = malloc((2 * (plan->count - f.medium) + 1) * sizeof **buckets))) goto done;
    set_up(&f, signs);
    for (uint32_t at = 1;; at++) {
        if ((status = sieve_polynomial(&f)) != FP_OK) break;
        if (at >> flips) break;
        if (fp_poll(control)) {
            status = FP_STOPPED;
            break;
        }
        next_polynomial(&f, at);
    }
    if (status == FP_OK) status = fp_siqs_settle(isa, plan, control, out);
done:
    for (unsigned b = 0; buckets && b <= plan->blocks; b++) free(buckets[b]);
    free(buckets), free(ends), free(dividing), free(found), free(bytes), free(memory);
    return status;
}
