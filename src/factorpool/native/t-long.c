/* Tests long.c: curves on long numbers, in the arithmetic of each length; their chains and pairs by definition. */
#include "long.h"
#include "t.h"

/* The arithmetics of three to 33 words. */
static const int long_bits[] = {187, 251, 315, 379, 443, 571, 763, 1083, FP_LONG_BITS};

/* Numbers of two words in the first `lengths` arithmetics of three to 33: a prime of 20 bits has to be found. */
static void check_long(int factor_bits, int curves, size_t lengths) {
    fp_ecm_far *far = fp_ecm_far_new(factor_bits);
    for (size_t i = 0; i < lengths; i++) {
        uint64_t p = t_prime_of(20), q = t_prime_of(60), factor[FP_LONG_WORDS];
        fp_u128 n = (fp_u128)p * q;
        uint64_t words[FP_LONG_WORDS] = {(uint64_t)n, (uint64_t)(n >> 64)};
        if (fp_ecm_long(words, long_bits[i], far, 0, (uint32_t)curves, NULL, factor) != FP_OK) t_fail("fp_ecm_long", n);
        for (int k = 1; k < FP_LONG_WORDS; k++)
            if (factor[k]) t_fail("fp_ecm_long, a factor too long", n);
        if (factor[0] != p && factor[0] != q) t_fail("fp_ecm_long, the factor", n);
        uint64_t prime[FP_LONG_WORDS] = {q};
        if (fp_ecm_long(prime, long_bits[i], far, 0, 2, NULL, factor) != FP_OK || factor[0]) t_fail("a prime", q);
    }
    fp_ecm_far_free(far);
}

/* Chains and pairs that are no table's.  By numbers modulo a prime in the place of points: each sum is of what it is said to be the
 * difference of, and in the end all prime powers up to b1 have been multiplied with, beside those of the tables. */
static void check_far(int factor_bits, uint64_t b1) {
    const uint64_t modulus = (1ull << 61) - 1;
    fp_ecm_far *far = fp_ecm_far_new(factor_bits);
    const fp_ecm_level tables = fp_ecm_table_level(factor_bits);
    uint64_t a = 1, b = 1, c = 1, expected = 1;
    for (const uint8_t *op = far->curve.op; op < far->curve.op_end; op++) {
        if (op == far->curve.op + (tables.op_end - tables.op)) expected = a; /* of which the tables' own test is */
        uint64_t t = a;
        if (*op & FP_OP_SWAP) a = b, b = t;
        const int kind = *op & ~FP_OP_SWAP;
        if (kind == FP_OP_START) b = c = a;
        if (kind != FP_OP_START && kind != FP_OP_TWICE && (a + modulus - b) % modulus != c &&
            (b + modulus - a) % modulus != c)
            t_fail("chains of long numbers, a difference", (fp_u128)(op - far->curve.op));
        const uint64_t sum = (a + b) % modulus, twice = (a + a) % modulus;
        if (kind == FP_OP_ADD) c = b, b = sum;
        if (kind == FP_OP_ADD_DOUBLE) b = sum, a = twice;
        if (kind == FP_OP_START || kind == FP_OP_TWICE) a = twice;
        if (kind == FP_OP_END) a = sum;
    }
    const uint64_t end = far->curve.plan->giant * ((uint64_t)far->curve.steps + 1);
    uint8_t *composite = calloc(end, 1);
    for (uint64_t p = 2; p < end; p++) {
        if (composite[p]) continue;
        for (uint64_t k = p * p; k < end; k += p) composite[k] = 1;
        for (uint64_t power = p; power <= b1; power *= p)
            if (power > FP_TABLE_B1) expected = (uint64_t)((fp_u128)expected * p % modulus);
    }
    if (a != expected) t_fail("chains of long numbers", b1);
    const fp_ecm_plan *plan = far->curve.plan;
    for (unsigned step = 0; step < far->curve.steps; step++) {
        const uint64_t giant = (uint64_t)plan->giant * (step + 1);
        const uint8_t *pair = plan->pair + plan->pair_end[step], *last = plan->pair + plan->pair_end[step + 1];
        for (unsigned i = 0; i < plan->babies; i++) {
            const uint64_t low = giant - plan->baby[i], high = giant + plan->baby[i];
            const int wanted = (low > b1 && !composite[low]) || (high > b1 && !composite[high]);
            if (wanted != (pair < last && *pair == i)) t_fail("pairs of long numbers", giant);
            pair += wanted;
        }
        if (pair != last) t_fail("pairs of long numbers, too many", giant);
    }
    free(composite);
    fp_ecm_far_free(far);
}

void t_long(size_t count) {
    const size_t all = sizeof long_bits / sizeof *long_bits, few = 6; /* the longest take most of the time */
    check_long(25, 50, all), check_long(55, 4, count > 20000 ? all : few);
    check_far(60, 6000);
    if (count > 20000) check_far(80, 44000);
}
