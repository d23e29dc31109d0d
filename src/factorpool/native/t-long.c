/* Tests long.c: curves on long numbers, in the arithmetic of each length; their chains and pairs by definition. */
#include <string.h>

#include "isa.h"
#include "long.h"
#include "t.h"

/* The arithmetics of three to 33 words. */
static const int long_bits[] = {187, 251, 315, 379, 443, 571, 763, 1083, FP_LONG_BITS};

/* Numbers of two words in the first `lengths` arithmetics of three to 33: a prime of 20 bits has to be found. */
static void check_long(int factor_bits, int curves, size_t lengths) {
    const fp_isa *generic = fp_isa_choose("generic");
    fp_ecm_far *far = fp_ecm_far_new(factor_bits);
    for (size_t i = 0; i < lengths; i++) {
        uint64_t p = t_prime_of(20), q = t_prime_of(60), factor[FP_LONG_WORDS];
        fp_u128 n = (fp_u128)p * q;
        uint64_t words[FP_LONG_WORDS] = {(uint64_t)n, (uint64_t)(n >> 64)};
        if (fp_ecm_long(generic, words, long_bits[i], far, 0, (uint32_t)curves, NULL, factor) != FP_OK)
            t_fail("fp_ecm_long", n);
        for (int k = 1; k < FP_LONG_WORDS; k++)
            if (factor[k]) t_fail("fp_ecm_long, a factor too long", n);
        if (factor[0] != p && factor[0] != q) t_fail("fp_ecm_long, the factor", n);
        uint64_t prime[FP_LONG_WORDS] = {q};
        if (fp_ecm_long(generic, prime, long_bits[i], far, 0, 2, NULL, factor) != FP_OK || factor[0])
            t_fail("a prime", q);
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
    const uint64_t end = far->curve.plan->giant * ((uint64_t)far->curve.plan->steps + 1);
    uint8_t *composite = calloc(end, 1);
    for (uint64_t p = 2; p < end; p++) {
        if (composite[p]) continue;
        for (uint64_t k = p * p; k < end; k += p) composite[k] = 1;
        for (uint64_t power = p; power <= b1; power *= p)
            if (power > FP_TABLE_B1) expected = (uint64_t)((fp_u128)expected * p % modulus);
    }
    if (a != expected) t_fail("chains of long numbers", b1);
    const fp_ecm_plan *plan = far->curve.plan;
    for (unsigned step = 0; step < far->curve.plan->steps; step++) {
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

/* The remainder by a small d. */
static uint64_t remainder_by(const uint64_t *n, uint64_t d) {
    fp_u128 rest = 0;
    for (int i = FP_LONG_WORDS; i-- > 0;) rest = (rest << 64 | n[i]) % d;
    return (uint64_t)rest;
}

/* n + by, for a small one of either sign. */
static void move(uint64_t *n, int64_t by) {
    __int128 sum = by;
    for (int i = 0; i < FP_LONG_WORDS; i++) sum += n[i], n[i] = (uint64_t)sum, sum >>= 64;
}

/* From n to the next odd multiple of p, above or below, that has no other small primes. */
static void to_multiple(uint64_t p, int above, uint64_t *n) {
    const int64_t step = above ? 2 * (int64_t)p : -2 * (int64_t)p;
    move(n, -(int64_t)remainder_by(n, p));
    if (!(n[0] & 1)) move(n, -(int64_t)p);
    if (above) move(n, step);
    for (uint64_t d = 3; d < 4096; d += 2)
        if (d != p && remainder_by(n, d) == 0) move(n, step), d = 1;
}

/* Curves find in lanes what they find in words, modulo the longest and the shortest numbers of each arithmetic. */
void t_long_lanes(size_t count) {
    const fp_isa *generic = fp_isa_choose("generic");
    for (int i = 0; i < FP_LONG_ARITHMETICS && t_isa->long_curves[i]; i++) {
        const fp_long_curves *curves = t_isa->long_curves[i];
        const uint32_t lanes = (uint32_t)curves->lanes;
        const int shortest = i ? t_isa->long_curves[i - 1]->bits : 128;
        for (size_t k = 0; k < (count > 20000 ? 40 : 8); k++) {
            uint64_t n[FP_LONG_WORDS], factor[FP_LONG_WORDS], expected[FP_LONG_WORDS];
            const uint64_t p = t_prime_of(24 + (int)(t_next() % 8));
            const int between = shortest + (int)(t_next() % (uint64_t)(curves->bits - shortest - 1));
            /* 2^shortest, 2^bits, or 3/4 of a power between */
            const int bit = k % 4 == 0 ? shortest : k % 4 == 1 ? between : curves->bits;
            memset(n, 0, sizeof n);
            n[bit / 64] = (uint64_t)1 << bit % 64;
            if (k % 4 == 1) n[(bit - 1) / 64] |= (uint64_t)1 << (bit - 1) % 64;
            to_multiple(p, k % 4 < 2, n);
            fp_ecm_far *far = fp_ecm_far_new(k % 8 == 7 ? 51 : 20); /* by the tables, and by chains of long.c's own */
            if (fp_ecm_long_lanes(t_isa, fp_long_bits(n)) != curves->lanes) t_fail("fp_ecm_long_lanes", p);
            for (uint32_t first = 1; first < 1 + 3 * lanes; first += lanes) {
                fp_ecm_long(t_isa, n, fp_long_bits(n), far, first, lanes, NULL, factor);
                fp_ecm_long(generic, n, fp_long_bits(n), far, first, lanes, NULL, expected);
                if (memcmp(factor, expected, sizeof factor) != 0) t_fail("curves in lanes, of a multiple", p);
            }
            fp_ecm_far_free(far);
        }
    }
}
