/* Trial division: by sets of the table for every number, and to the square root as a method of its own. */
#include "trial.h"
#include "factors.h"
#include "integer.h"
#include "trial_table.h"

/* Sets tried on a composite before rho or ECM, and the size below which all sets are: up to there most have a prime in them.
 * See "Cutovers" in README.md for the measurement. */
#define SPLIT_SETS 8
#define SMALL_BITS 34

/* Numbers whose hits are kept at a time. */
#define BLOCK 256

/* Takes the primes that `hits` names out of the numbers.  How many a number has looks random to a processor: in every round each
 * of those that have one left loses its first, and no branch asks. */
static void take_out(uint64_t *n, const fp_trial_prime *set, uint64_t *hits, size_t count, fp_factors *out) {
    uint16_t open[BLOCK];
    size_t left = 0;
    for (size_t i = 0; i < count; i++) open[left] = (uint16_t)i, left += hits[i] != 0;
    while (left) {
        size_t still = 0;
        for (size_t k = 0; k < left; k++) {
            size_t i = open[k];
            const fp_trial_prime *p = set + __builtin_ctzll(hits[i]);
            unsigned exponent = 1;
            uint64_t rest = n[i] * p->inverse, quotient;
            while ((quotient = rest * p->inverse) <= p->limit) rest = quotient, exponent++;
            fp_append(&out[i], p->p, exponent);
            n[i] = rest, hits[i] &= hits[i] - 1;
            open[still] = (uint16_t)i, still += hits[i] != 0;
        }
        left = still;
    }
}

uint64_t fp_trial_words(const fp_isa *isa, uint64_t *n, size_t count, fp_factors *out) {
    uint64_t hits[BLOCK];
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t size = count - i < BLOCK ? count - i : BLOCK;
        for (size_t k = i; k < i + size; k++) {
            unsigned twos = (unsigned)__builtin_ctzll(n[k]);
            fp_append(&out[k], 2, twos);
            out[k].count = twos != 0; /* every other number: a branch would be taken at random */
            n[k] >>= twos;
        }
        for (unsigned set = 0; set < isa->trial_sets; set++) {
            isa->trial(n + i, size, set, hits);
            take_out(n + i, fp_trial_primes + FP_TRIAL_SET * set, hits, size, out + i);
        }
    }
    return fp_trial_bound(isa->trial_sets);
}

uint64_t fp_trial_wide(fp_u128 *n, fp_factors *out) {
    fp_u128 left = *n;
    int twos = fp_twos(left);
    if (twos) fp_append(out, 2, (unsigned)twos), left >>= twos;
    for (const fp_trial_prime *p = fp_trial_primes; p < fp_trial_primes + FP_TRIAL_SET * SPLIT_SETS; p++) {
        /* With q p = n modulo 2^64, p divides n where it divides (n - q p) / 2^64, which is more than -p. */
        unsigned exponent = 0;
        for (;;) {
            uint64_t q = (uint64_t)left * p->inverse, high = (uint64_t)(left >> 64);
            uint64_t taken = (uint64_t)((fp_u128)q * p->p >> 64), quotient = (high - taken) * p->inverse;
            if (high < taken || quotient > p->limit) break;
            left = (fp_u128)quotient << 64 | q, exponent++;
        }
        if (exponent) fp_append(out, p->p, exponent);
    }
    *n = left;
    return fp_trial_bound(SPLIT_SETS);
}

uint64_t fp_trial_one(uint64_t *n, unsigned first, unsigned last, fp_columns *out) {
    const fp_trial_prime *p = fp_trial_primes + FP_TRIAL_SET * first;
    for (; p < fp_trial_primes + FP_TRIAL_SET * last && p->p * p->p <= *n; p++) {
        uint64_t quotient = *n * p->inverse;
        if (quotient > p->limit) continue;
        uint8_t exponent = 0;
        for (; quotient <= p->limit; quotient = *n * p->inverse) *n = quotient, exponent++;
        out->primes[out->used] = p->p, out->exponents[out->used++] = exponent;
    }
    return p->p;
}

/* Looks in the sets from `first` to `last` for a prime in each of the numbers; index[i] is where n[i]'s belongs.  Those that
 * have one drop out. */
static size_t search(const fp_isa *isa, unsigned first, unsigned last, uint64_t *n, size_t *index, size_t count,
                     uint64_t *factor) {
    uint64_t hits[BLOCK + FP_TRIAL_ROUND];
    for (unsigned set = first; set < last; set++) {
        isa->trial(n, count, set, hits);
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            if (hits[i])
                factor[index[i]] = fp_trial_primes[FP_TRIAL_SET * set + (unsigned)__builtin_ctzll(hits[i])].p;
            else
                n[kept] = n[i], index[kept++] = index[i];
        count = kept;
    }
    return count;
}

void fp_trial_split(const fp_isa *isa, const uint64_t *n, size_t count, uint64_t *factor) {
    unsigned first = isa->trial_sets, middle = first < SPLIT_SETS ? SPLIT_SETS : first;
    for (size_t start = 0; start < count; start += BLOCK) {
        uint64_t block[BLOCK + FP_TRIAL_ROUND];
        size_t index[BLOCK], size = count - start < BLOCK ? count - start : BLOCK, small = 0;
        for (size_t i = 0; i < size; i++) factor[start + i] = 0, block[i] = n[start + i], index[i] = start + i;
        size = search(isa, first, middle, block, index, size, factor);
        for (size_t i = 0; i < size; i++)
            if (block[i] >> SMALL_BITS == 0) block[small] = block[i], index[small++] = index[i];
        search(isa, middle, FP_TRIAL_SETS, block, index, small, factor);
    }
}

/* The distances between numbers coprime to 30, from 1: 1, 7, 11, 13, 17, 19, 23, 29, 31, ... */
static const uint8_t wheel[8] = {6, 4, 2, 4, 2, 4, 6, 2};

int fp_trial_full(const fp_isa *isa, uint64_t n, const fp_control *control, fp_factors *out) {
    uint64_t d = fp_trial_bound(isa->trial_sets) / 30 * 30 + 1, root = fp_sqrt(n);
    for (unsigned i = 0; d <= root; d += wheel[i & 7], i++) {
        if (n % d == 0) {
            unsigned exponent = 0;
            do n /= d, exponent++;
            while (n % d == 0);
            fp_append(out, d, exponent);
            root = fp_sqrt(n);
        }
        if ((i & 0xFFFF) == 0 && fp_poll(control)) return FP_STOPPED;
    }
    if (n > 1) fp_append(out, n, 1);
    return FP_OK;
}
