/* All polynomials of one a: sets them up, sieves them one after the other, and takes what is found apart. */
#include <math.h>
#include <stdlib.h>

#include "../integer.h"
#include "../isa.h"
#include "siqs.h"

/* The root of a prime that is not sieved with, as it divides a: beyond every position, and so far that it stays there. */
#define NOWHERE 0x7fffffffu

/* Different logarithms that primes beyond a block may have. */
#define MOST_LEVELS 64

/* What one family works with. */
typedef struct {
    const fp_siqs_plan *plan;
    const fp_siqs_loops *loops;
    fp_siqs_relations *out;

    const uint32_t *factors; /* of a, as indices */
    unsigned factor_count, flips;
    fp_wide a, b, c, twice_b;
    fp_wide terms[FP_SIQS_MOST_FACTORS]; /* b is their sum, each with a sign */

    /* Primes are in three ranges: up to `sieved` only divided by, up to `medium` sieved in blocks, the others in buckets. */
    size_t sieved, medium;
    uint32_t *first, *second; /* the roots of each prime, as positions from the left end */
    uint32_t *first_here, *second_here;
    uint32_t *steps[FP_SIQS_MOST_FACTORS]; /* what roots move by when the sign of a term changes */
    float *inverses;
    uint8_t *logs;
    uint8_t *block;
    uint16_t *found;
    uint32_t *dividing;

    uint32_t **buckets; /* one for each block, and one for what is beyond the last */
    uint32_t *used;     /* of each bucket, after each level */
    size_t levels, level_ends[MOST_LEVELS + 1];
    uint8_t start; /* what a position has before anything is added: the top bit says that it is worth looking at */
} family;

void fp_siqs_free(fp_siqs_relations *relations) {
    free(relations->u), free(relations->large), free(relations->lengths), free(relations->factors);
    memset(relations, 0, sizeof *relations);
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
        for (size_t i = 1; i < plan->count; i++) {
            uint32_t p = plan->primes[i], t = q - f->found[p % q];
            uint32_t q_inverse = (uint32_t)(((uint64_t)t * p + 1) / q);
            uint32_t term = (uint32_t)(gamma * q_inverse % p);
            a_inverse[i] = (uint32_t)((uint64_t)a_inverse[i] * q_inverse % p);
            shift[i] += minus ? p - term : term;
            if (shift[i] >= p) shift[i] -= p;
            if (j < f->flips) f->steps[j][i] = 2 * term >= p ? 2 * term - p : 2 * term;
        }
    }
    set_constant(f);
    uint32_t half = plan->blocks * (FP_SIQS_BLOCK / 2);
    for (size_t i = 1; i < plan->count; i++) {
        uint32_t p = plan->primes[i];
        uint64_t root = (uint64_t)plan->roots[i] * a_inverse[i] % p, middle = half + p - shift[i];
        f->first[i] = (uint32_t)((middle + root) % p);
        f->second[i] = (uint32_t)((middle + p - root) % p);
    }
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

static int add_factor(fp_siqs_relations *out, uint32_t factor) {
    if (out->factors_used == out->factors_room) {
        size_t room = 2 * out->factors_room + 1024;
        uint32_t *factors = realloc(out->factors, room * sizeof *factors);
        if (!factors) return FP_NO_MEMORY;
        out->factors = factors, out->factors_room = room;
    }
    out->factors[out->factors_used++] = factor;
    return FP_OK;
}

static int room_for_one(fp_siqs_relations *out) {
    if (out->count < out->room) return FP_OK;
    size_t room = 2 * out->room + 64;
    fp_wide *u = realloc(out->u, room * sizeof *u);
    if (u) out->u = u;
    uint32_t *large = realloc(out->large, room * sizeof *large);
    if (large) out->large = large;
    uint16_t *lengths = realloc(out->lengths, room * sizeof *lengths);
    if (lengths) out->lengths = lengths;
    if (!u || !large || !lengths) return FP_NO_MEMORY;
    out->room = room;
    return FP_OK;
}

/* Divides a value by a prime as often as that goes, and notes it each time. */
static int divide_out(family *f, fp_wide *value, int *length, size_t index) {
    uint32_t p = f->plan->primes[index];
    for (;;) {
        fp_wide quotient;
        if (fp_wide_divide(&quotient, value, *length, p)) return FP_OK;
        memcpy(value->w, quotient.w, (size_t)*length * sizeof *value->w);
        while (*length && !value->w[*length - 1]) --*length;
        int status = add_factor(f->out, (uint32_t)index + 1);
        if (status != FP_OK) return status;
    }
}

/* A position that is worth looking at: a relation if the primes and one large one make up its value. */
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
        status = add_factor(out, 0);
    }
    int length = fp_wide_length(&value);
    if (length == 0) goto no; /* u^2 = kn */
    if (status == FP_OK) status = divide_out(f, &value, &length, 0);
    for (unsigned j = 0; j < f->factor_count && status == FP_OK; j++) {
        status = add_factor(out, f->factors[j] + 1); /* u^2 = a times the value */
        if (status == FP_OK) status = divide_out(f, &value, &length, f->factors[j]);
    }
    size_t hits =
        f->loops->dividing(position, f->first, f->second, plan->primes, f->inverses, 1, f->medium, f->dividing);
    for (size_t i = 0; i < hits && status == FP_OK; i++) status = divide_out(f, &value, &length, f->dividing[i]);
    const uint32_t *bucket = f->buckets[block];
    uint32_t used = f->levels ? f->used[(f->levels - 1) * (plan->blocks + 1) + block] : 0;
    for (uint32_t i = 0; i < used && status == FP_OK; i++)
        if ((bucket[i] & (FP_SIQS_BLOCK - 1)) == offset)
            status = divide_out(f, &value, &length, f->medium + (bucket[i] >> FP_SIQS_BLOCK_BITS));
    if (status != FP_OK) return status;
    if (length > 1 || value.w[0] > plan->large) goto no;
    if ((status = room_for_one(out)) != FP_OK) return status;
    if (fp_wide_negative(&u)) fp_wide_negate(&u);
    out->u[out->count] = u;
    out->large[out->count] = (uint32_t)value.w[0];
    out->lengths[out->count++] = (uint16_t)(out->factors_used - before);
    return FP_OK;
no:
    out->factors_used = before;
    return FP_OK;
}

static int sieve_polynomial(family *f) {
    const fp_siqs_plan *plan = f->plan;
    unsigned blocks = plan->blocks;
    uint32_t end = blocks * FP_SIQS_BLOCK;
    for (size_t level = 0; level < f->levels; level++) {
        uint32_t *used = f->used + level * (blocks + 1);
        if (level)
            memcpy(used, used - (blocks + 1), (blocks + 1) * sizeof *used);
        else
            memset(used, 0, (blocks + 1) * sizeof *used);
        f->loops->fill(f->first, f->second, plan->primes, f->medium, f->level_ends[level], f->level_ends[level + 1],
                       end, f->buckets, used);
    }
    size_t bytes = (f->medium - f->sieved) * sizeof *f->first;
    memcpy(f->first_here + f->sieved, f->first + f->sieved, bytes);
    memcpy(f->second_here + f->sieved, f->second + f->sieved, bytes);
    for (unsigned b = 0; b < blocks; b++) {
        memset(f->block, f->start, FP_SIQS_BLOCK);
        f->loops->sieve(f->block, f->first_here, f->second_here, plan->primes, f->logs, f->sieved, f->medium);
        uint32_t i = 0;
        for (size_t level = 0; level < f->levels; level++) {
            uint8_t log = f->logs[f->level_ends[level]], *here = f->block;
            const uint32_t *bucket = f->buckets[b];
            for (uint32_t stop = f->used[level * (blocks + 1) + b]; i < stop; i++)
                here[bucket[i] & (FP_SIQS_BLOCK - 1)] += log;
        }
        size_t count = f->loops->scan(f->block, FP_SIQS_BLOCK, f->found);
        for (size_t j = 0; j < count; j++) {
            int status = look_at(f, b, f->found[j]);
            if (status != FP_OK) return status;
        }
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
    f->sieved = f->medium = plan->count;
    for (size_t i = plan->count; i-- > 0;) {
        if (plan->primes[i] >= FP_SIQS_BLOCK) f->medium = i;
        if (i && plan->primes[i] >= plan->sieved_from) f->sieved = i;
        f->logs[i] = (uint8_t)lround(log2(plan->primes[i]) * unit);
        f->inverses[i] = 1.0f / (float)plan->primes[i];
    }
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
    size_t words = padded * (6 + flips);
    uint32_t *memory = calloc(words, sizeof *memory);
    uint8_t *bytes = malloc(padded + FP_SIQS_BLOCK + 64);
    uint16_t *found = malloc(FP_SIQS_BLOCK * sizeof *found);
    uint32_t *dividing = malloc(padded * sizeof *dividing);
    uint32_t *used = malloc(MOST_LEVELS * ((size_t)plan->blocks + 1) * sizeof *used);
    uint32_t **buckets = calloc((size_t)plan->blocks + 1, sizeof *buckets);
    int status = FP_NO_MEMORY;
    if (!memory || !bytes || !found || !dividing || !used || !buckets) goto done;
    f.first = memory, f.second = memory + padded;
    f.first_here = memory + 2 * padded, f.second_here = memory + 3 * padded;
    f.inverses = (float *)(memory + 4 * padded);
    padded_plan.primes = memcpy(memory + 5 * padded, plan->primes, plan->count * sizeof *memory);
    for (unsigned j = 0; j < flips; j++) f.steps[j] = memory + (6 + j) * padded;
    f.logs = bytes;
    f.block = (uint8_t *)(((uintptr_t)(bytes + padded) + 63) & ~(uintptr_t)63);
    f.found = found, f.dividing = dividing, f.used = used, f.buckets = buckets;
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
done:
    for (unsigned b = 0; buckets && b <= plan->blocks; b++) free(buckets[b]);
    free(buckets), free(used), free(dividing), free(found), free(bytes), free(memory);
    return status;
}
