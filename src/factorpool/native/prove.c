/* Proves primes of 65 to 128 bits.
 *
 * Up to 81 bits by 13 strong tests, which no composite below the bound passes.  Beyond by factors of n - 1: if F divides n - 1 and
 * F^3 > n, a number a for each prime q of F with a^(n-1) = 1 and gcd(a^((n-1)/q) - 1, n) = 1 (mod n) shows that all primes of n are
 * 1 modulo F, so that there are at most two, and a square tells whether there are two (J. Brillhart, D. H. Lehmer and J. L. Selfridge,
 * "New primality criteria and factorizations of 2^m +- 1", Math. Comp. 29 (1975), theorem 5; R. Crandall and C. Pomerance, "Prime
 * Numbers", theorem 4.1.5). */
#include "factors.h"
#include "integer.h"
#include "isa.h"
#define FP_FIELD_BITS 128
#include "lanes_wide.h"

/* The least composite that is a strong pseudoprime to the first 13 primes (J. Sorenson and J. Webster, "Strong pseudoprimes to twelve
 * prime bases", Math. Comp. 86 (2017)): 3317044064679887385961981. */
#define PSI_13 ((fp_u128)179817 << 64 | 5885577656943027709u)

static const int64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41};
#define BASES (sizeof bases / sizeof *bases)

/* Pieces of n - 1 that are open at a time: as in factor.c. */
#define MOST_PIECES 10

static int passes_all(const fp_isa *isa, fp_u128 n) {
    int f = 0;
    while (isa->field[f]->bits < fp_bits(n)) f++;
    const fp_field *field = isa->field[f];
    for (size_t i = 0; i < BASES; i += (size_t)field->lanes) {
        fp_u128 numbers[FP_MOST_LANES];
        int64_t some[FP_MOST_LANES];
        for (size_t k = 0; k < (size_t)field->lanes; k++) numbers[k] = n, some[k] = bases[(i + k) % BASES];
        uint32_t all = (uint32_t)(((uint64_t)1 << field->lanes) - 1);
        if ((field->strong(numbers, some) & all) != all) return 0;
    }
    return 1;
}

static fp_unit power(fp_unit base, fp_u128 exponent, const fp_unit_mod *m) {
    fp_unit x = m->one;
    for (int bit = fp_bits(exponent) - 1; bit >= 0; bit--) {
        x = fp_unit_sqr(x, m);
        if (exponent >> bit & 1) x = fp_unit_mul(x, base, m);
    }
    return x;
}

/* Whether there is an a for the prime q of n - 1. */
static int has_witness(fp_u128 q, const fp_unit_mod *m) {
    for (int64_t a = 2; a < 200; a++) {
        fp_unit x = power(fp_unit_constants(&a, m), (m->n - 1) / q, m);
        if (power(x, q, m) != m->one) return 0; /* n is composite */
        if (fp_gcd128(fp_sub128(x, m->one, m->n), m->n) == 1) return 1;
    }
    return 0;
}

/* Whether n has no two prime factors that are 1 modulo F, where all its primes are, and F^3 > n. */
static int is_no_product(fp_u128 n, fp_u128 f) {
    fp_u128 rest = (n - 1) / f, c1 = rest % f, c2 = rest / f;
    if (c2 == 0) return 1; /* F^2 > n */
    fp_u128 square = c1 * c1;
    if (square < 4 * c2) return 1;
    fp_u128 root = fp_sqrt128(square - 4 * c2);
    return root * root != square - 4 * c2;
}

/* A proper factor of a composite; 0, hardly ever, if none is found. */
static int split(const fp_isa *isa, fp_u128 n, fp_small_memory **memory, const fp_control *control, fp_u128 *factor) {
    uint64_t root = fp_sqrt128(n);
    *factor = (fp_u128)root * root == n ? root : 0;
    if (*factor) return FP_OK;
    int status = fp_ecm(isa, &n, 1, isa->sieved_bits, control, factor);
    if (status == FP_OK && *factor == 0 && n >> 64) status = fp_siqs_small128(isa, n, memory, control, factor);
    if (status == FP_OK && *factor == 0 && n >> 64 == 0) *factor = fp_rho((uint64_t)n);
    return status;
}

int fp_prove(const fp_isa *isa, fp_u128 n, fp_small_memory **memory, const fp_control *control, int *proved) {
    *proved = 0;
    if (n < PSI_13) {
        *proved = passes_all(isa, n);
        return FP_OK;
    }
    /* Primes of n - 1 until their product is long enough, each as often as it divides. */
    fp_factors small = {0};
    fp_u128 pieces[MOST_PIECES + 1] = {n - 1}, primes[FP_MAX_DISTINCT + MOST_PIECES];
    uint64_t bound = fp_trial_wide(&pieces[0], &small);
    fp_u128 f = (n - 1) / pieces[0];
    size_t open = pieces[0] > 1, count = small.count;
    for (size_t i = 0; i < count; i++) primes[i] = small.primes[i];
    while (f >> 64 == 0 && f * f <= n / f) {
        if (open == 0) return FP_OK;
        fp_u128 piece = pieces[--open], factor;
        uint8_t prime = 1;
        int status = FP_OK, known = 1;
        if (piece >= (fp_u128)bound * bound) fp_are_prime(isa, &piece, 1, &prime);
        if (!prime) {
            status = split(isa, piece, memory, control, &factor);
            if (status != FP_OK || factor == 0) return status;
            pieces[open++] = factor, pieces[open++] = piece / factor;
            continue;
        }
        if (piece >> 64) status = fp_prove(isa, piece, memory, control, &known);
        if (status != FP_OK || !known) return status;
        primes[count++] = piece, f *= piece;
    }
    const fp_unit_mod m = fp_unit_mod_load(&n);
    for (size_t i = 0; i < count; i++)
        if (!has_witness(primes[i], &m)) return FP_OK;
    *proved = is_no_product(n, f);
    return FP_OK;
}
