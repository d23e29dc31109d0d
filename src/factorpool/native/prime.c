/* Decides primality, with proof, for every 64-bit number.
 *
 * Below 2^32: one strong probable prime test to a base from a table that was searched exhaustively
 * (scripts/make_witness_table.c).  Above: the Baillie-PSW test, a strong test to base 2 and an extra strong Lucas test
 * (R. Baillie and S. S. Wagstaff, "Lucas pseudoprimes", Math. Comp. 35 (1980); the parameters are J. Grantham's,
 * "Frobenius pseudoprimes", Math. Comp. 70 (2001)).  J. Feitsma and W. Galway listed all base 2 pseudoprimes below
 * 2^64 (2013), and none of them passes. */
#define FP_LANES 4 /* a chain of squarings has few operands to keep */
#include "integer.h"
#include "kernel.h"
#include "lanes.h"
#include "witness_table.h"

/* Numbers looked at together. */
#define BLOCK 256

/* The end of a strong test: x = b^d, n - 1 = d 2^s.  Is x = 1, or -1 after less than s squarings? */
static int ends_well(uint64_t x, int s, const fp_mont *m) {
    uint64_t minus_one = m->n - m->one;
    if (x == m->one || x == minus_one) return 1;
    while (--s > 0) {
        x = fp_sqr(x, m);
        if (x == minus_one) return 1;
    }
    return 0;
}

/* Strong tests to base 2, a number a lane.  This base needs no multiplication but a doubling for each set bit of the
 * exponent; leading zeros leave x = 1, so that lanes of different length go in step. */
static void strong_base_2(const fp_vec_mont *m, int *passes) {
    fp_vec x = fp_vec_one(m);
    uint64_t d[FP_LANES], all = 0;
    for (int k = 0; k < FP_LANES; k++) all |= d[k] = (m->at[k].n - 1) >> __builtin_ctzll(m->at[k].n - 1);
    for (int bit = 63 - __builtin_clzll(all); bit >= 0; bit--) {
        x = fp_vec_sqr(x, m);
        fp_vec doubled = fp_vec_add(x, x, m);
        FP_EACH_LANE (k) x.at[k] = d[k] >> bit & 1 ? doubled.at[k] : x.at[k];
    }
    for (int k = 0; k < FP_LANES; k++) passes[k] = ends_well(x.at[k], __builtin_ctzll(m->at[k].n - 1), &m->at[k]);
}

/* Strong tests for n < 2^32, a number a lane, each to the base that its bucket's table entry proves enough.  n base^3 < 2^64, so
 * that the powers of two bits of the exponent are folded into the product before it is reduced. */
static void strong_32(const fp_vec_mont *m, int *passes) {
    uint64_t power[FP_LANES][4], d[FP_LANES], all = 0;
    fp_vec x = fp_vec_one(m);
    for (int k = 0; k < FP_LANES; k++) {
        uint64_t base = witness[fp_witness_bucket((uint32_t)m->at[k].n)];
        power[k][0] = 1, power[k][1] = base, power[k][2] = base * base, power[k][3] = base * base * base;
        all |= d[k] = (m->at[k].n - 1) >> __builtin_ctzll(m->at[k].n - 1);
    }
    for (int bit = (63 - __builtin_clzll(all)) & ~1; bit >= 0; bit -= 2) {
        FP_EACH_LANE (k) x.at[k] = fp_reduce(0, x.at[k] * x.at[k], &m->at[k]);
        FP_EACH_LANE (k) x.at[k] = fp_mul(x.at[k] * x.at[k], power[k][d[k] >> bit & 3], &m->at[k]);
    }
    for (int k = 0; k < FP_LANES; k++) passes[k] = ends_well(x.at[k], __builtin_ctzll(m->at[k].n - 1), &m->at[k]);
}

/* The Jacobi symbol (a / n), n odd. */
static int jacobi(uint64_t a, uint64_t n) {
    int sign = 1;
    a %= n;
    while (a) {
        int twos = __builtin_ctzll(a);
        a >>= twos;
        /* (2 / n) = -1 for n = 3, 5 mod 8; reciprocity changes the sign where both are 3 mod 4. */
        if ((twos & 1) && ((n ^ (n >> 1)) & 2)) sign = -sign;
        if (a & n & 2) sign = -sign;
        uint64_t t = n % a;
        n = a, a = t;
    }
    return n == 1 ? sign : 0;
}

/* The least P > 2 with (P^2 - 4 / n) = -1, or 0 where the search shows n composite.  Half of all P do, but none for a square. */
static uint64_t lucas_parameter(uint64_t n) {
    for (uint64_t p = 3;; p++) {
        int symbol = jacobi(p * p - 4, n);
        if (symbol < 0) return p;
        if (symbol == 0 && (p * p - 4) % n) return 0;
        if (p == 20 && fp_sqrt(n) * fp_sqrt(n) == n) return 0;
    }
}

/* Grantham's extra strong Lucas tests with Q = 1, a number a lane.  With n + 1 = d 2^s: is U_d = 0 and V_d = +-2, or
 * V_(d 2^i) = 0 for some 0 <= i < s - 1?  U_d needs no chain of its own: (P^2 - 4) U_d = 2 V_(d+1) - P V_d. */
static void extra_strong_lucas(const fp_vec_mont *m, int *passes) {
    uint64_t d[FP_LANES], all = 0;
    fp_vec p, two, v, w; /* v = V_i, w = V_(i+1) for i the bits of d so far: V_0 = 2, V_1 = P */
    FP_EACH_LANE (k) {
        uint64_t n = m->at[k].n, parameter = lucas_parameter(n);
        passes[k] = parameter != 0;
        two.at[k] = fp_add(m->at[k].one, m->at[k].one, &m->at[k]);
        p.at[k] = two.at[k];
        for (uint64_t i = 2; i < parameter; i++) p.at[k] = fp_add(p.at[k], m->at[k].one, &m->at[k]);
        all |= d[k] =
            n + 1 ? (n + 1) >> __builtin_ctzll(n + 1) : 1; /* 2^64 = 1 * 2^64; n = 2^64 - 1 is composite anyway */
    }
    v = two, w = p;
    for (int bit = 63 - __builtin_clzll(all); bit >= 0; bit--) {
        /* (V_i, V_i+1) to (V_2i, V_2i+1) or (V_2i+1, V_2i+2): V_2i = V_i^2 - 2, V_2i+1 = V_i V_i+1 - P. */
        fp_vec middle = fp_vec_sub(fp_vec_mul(v, w, m), p, m), end;
        FP_EACH_LANE (k) end.at[k] = d[k] >> bit & 1 ? w.at[k] : v.at[k];
        end = fp_vec_sub(fp_vec_sqr(end, m), two, m);
        FP_EACH_LANE (k) v.at[k] = d[k] >> bit & 1 ? middle.at[k] : end.at[k];
        FP_EACH_LANE (k) w.at[k] = d[k] >> bit & 1 ? end.at[k] : middle.at[k];
    }
    for (int k = 0; k < FP_LANES; k++) {
        const fp_mont *mk = &m->at[k];
        uint64_t x = v.at[k], minus_two = fp_sub(0, two.at[k], mk);
        int s = mk->n + 1 ? __builtin_ctzll(mk->n + 1) : 64;
        int good = (x == two.at[k] || x == minus_two) && fp_add(w.at[k], w.at[k], mk) == fp_mul(p.at[k], x, mk);
        for (; !good && s > 1; s--) {
            good = x == 0;
            x = fp_sub(fp_sqr(x, mk), two.at[k], mk);
        }
        passes[k] &= good;
    }
}

/* Of the numbers at `index`, keeps those that pass, in order, and returns how many.  The last lanes may repeat a number. */
static size_t filter(void (*test)(const fp_vec_mont *, int *), const uint64_t *numbers, size_t *index, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i += FP_LANES) {
        fp_vec_mont m;
        int passes[FP_LANES];
        for (size_t k = 0; k < FP_LANES; k++) m.at[k] = fp_mont_init(numbers[index[i + k < count ? i + k : i]]);
        test(&m, passes);
        for (size_t k = 0; k < FP_LANES && i + k < count; k++)
            if (passes[k]) index[kept++] = index[i + k];
    }
    return kept;
}

void fp_are_prime(const uint64_t *numbers, size_t count, uint8_t *answers) {
    size_t index[BLOCK];
    for (size_t start = 0; start < count; start += BLOCK, numbers += BLOCK, answers += BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        for (int wide = 0; wide < 2; wide++) {
            size_t left = 0, i;
            for (i = 0; i < size; i++)
                if ((numbers[i] >> 32 != 0) == wide) answers[i] = 0, index[left++] = i;
            left = filter(wide ? strong_base_2 : strong_32, numbers, index, left);
            if (wide) left = filter(extra_strong_lucas, numbers, index, left);
            for (i = 0; i < left; i++) answers[index[i]] = 1;
        }
    }
}

int fp_is_prime(uint64_t n) {
    uint8_t answer;
    if (n % 2 == 0) return n == 2;
    if (n % 3 == 0) return n == 3;
    if (n % 5 == 0) return n == 5;
    if (n % 7 == 0) return n == 7;
    if (n < 121) return n > 1;
    fp_are_prime(&n, 1, &answer);
    return answer;
}
